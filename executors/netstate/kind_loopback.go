package netstate

// loopback is the interface lo of every namespace.
var loopback = Kind{
	Name: "loopback",
}
