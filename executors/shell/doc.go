// Package shell runs processes on this machine: it starts them, streams what
// they print, and ends them with everything that they started.
//
// A command gets a session of its own (setsid(2)) and a cookie in its
// environment. When it has to be ended, its tree is every process that descends
// from it, shares a session or process group with one that does, or carries the
// cookie: so processes that forked twice and left the session are found too.
// What it takes to hide is a process that does both and clears its environment;
// where this process is a subreaper (Reap), even that one is found.
//
// A command that ends by itself keeps what it left running: a daemon started on
// purpose stays, and does not hold up Run by holding the output open.
package shell
