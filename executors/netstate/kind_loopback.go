package netstate

// loopback is the interface lo of every namespace.
var loopback = Kind{
	Name: "loopback",
	Doc:  "The loopback interface `lo`. It exists in every namespace and cannot be made or removed; 127.0.0.1/8 and ::1/128 are the kernel's own and stay.",
	Example: `interfaces:
  - name: lo
    type: loopback
    state: up
    ipv4:
      address:
        - ip: 192.0.2.1
          prefix-length: 32
`,
}
