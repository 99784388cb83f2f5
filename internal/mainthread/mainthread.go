// Package mainthread keeps a program's main thread out of namespaces.
//
// A goroutine that has moved its thread into a namespace ends it by ending while
// it is locked to it (runtime.LockOSThread). The main thread cannot end: it would
// stay in there, and /proc/PID/ns, which is what the main thread is in, would say
// that the whole program is, so that the namespace is in use.
package mainthread

import "runtime"

// To import this package locks the main goroutine to the main thread.
func init() { runtime.LockOSThread() } //nolint:gochecknoinits // by main it may have left the thread

// Leave runs f, and all that it starts, on other threads. The main goroutine
// must call it.
func Leave(f func() int) int {
	code := make(chan int)
	go func() { code <- f() }()
	return <-code
}
