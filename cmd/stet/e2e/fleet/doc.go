// Package fleet measures the built program against many hosts over SSH: the real
// sshd on many addresses, and a server in memory. It holds only tests and
// benchmarks.
package fleet
