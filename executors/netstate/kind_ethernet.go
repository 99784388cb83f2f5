package netstate

// ethernet is hardware, and whatever else the kernel shows without a kind.
var ethernet = Kind{
	Name: "ethernet",
}
