package netstate

// ethernet is hardware, and whatever else the kernel shows without a kind.
var ethernet = Kind{
	Name: "ethernet",
	Doc:  "A network card, or any interface that exists and is not of a virtual kind. It cannot be made. As in nmstate, a veth interface may be called `ethernet` too.",
	Example: `interfaces:
  - name: eth0
    type: ethernet
    state: up
    mtu: 1500
`,
}
