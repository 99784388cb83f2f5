// Package linux is the door to the Linux kernel's network configuration: it
// reads a network namespace into netstate's words and carries out edits,
// through rtnetlink, /proc/sys/net and the tun ioctls. The tables of netstate
// say which attributes a kind has; the files here add what does not fit into a
// table.
//
// Numbers and structures are those of the kernel's headers in
// include/uapi/linux: rtnetlink.h, if_link.h, if_addr.h, neighbour.h,
// fib_rules.h, if_tun.h, net_namespace.h.
package linux
