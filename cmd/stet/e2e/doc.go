// Package e2e holds the tests that run the built programs as a user would: the
// examples, the guide, crashes, faults. It has no code of its own outside them.
package e2e
