// Package wire carries sessions over a byte stream: Serve gives one peer the
// sessions of an executors.Opener, Client is that Opener at the other end.
//
// Each side begins with the eight bytes of Magic and a hello frame. Then there
// are frames only: a header of ten bytes (payload length u32, kind u8, flags
// u8, request number u32, all big endian) and the payload, at most MaxFrame.
//
//	hello     JSON: protocol version, program
//	request   JSON: method, session, timeout, params; numbered by the client
//	response  JSON: result, error; with the request's number
//	stdout    what a command prints, as it is
//	stderr    the same
//	credit    u32: bytes of output that the client has taken and can take anew
//	cancel    ends the request of that number, with its process tree
//	ping      to be answered by a pong
//
// A request or response larger than a frame comes in several, all but the last
// with the flag "more"; other frames may come in between. Output is sent only
// against credit, so that neither side ever holds more than Window of it for a
// request, however slow its reader is. Requests in flight, the size of one
// message and what is held of unfinished ones are bounded: a peer that goes
// beyond is cut off with an *executors.Error of code "protocol".
package wire

import "time"

// Magic begins the stream in both directions; the digit is the protocol's
// version.
const Magic = "stet/1\r\n"

// protocol is the version in the hello. A peer with another one is refused.
const protocol = 1

// Bounds of the protocol, the same on both sides.
const (
	MaxFrame    = 64 << 10  // payload bytes of a frame
	MaxInFlight = 64        // requests not yet answered
	MaxSessions = 4096      // sessions open at a time
	Window      = 256 << 10 // output bytes of a request under way
	maxNoise    = 64 << 10  // bytes before Magic that a client skips
)

// Options are for both sides; the zero value is good.
type Options struct {
	// Program names this side in the hello ("stet 1.0.0").
	Program string
	// MaxMessage bounds a request or response, and all unfinished ones
	// together; 0 is 512 MiB.
	MaxMessage int64
	// KeepAlive is how often a client asks whether the server is there; a
	// server that does not answer within twice that is gone. 0 is 15 s.
	KeepAlive time.Duration
	// CancelWait is how long a client waits for the end of what it has
	// cancelled; 0 is 30 s.
	CancelWait time.Duration
}

func (o Options) maxMessage() int64 {
	if o.MaxMessage > 0 {
		return o.MaxMessage
	}
	return 512 << 20
}

func (o Options) keepAlive() time.Duration {
	if o.KeepAlive > 0 {
		return o.KeepAlive
	}
	return 15 * time.Second
}

func (o Options) cancelWait() time.Duration {
	if o.CancelWait > 0 {
		return o.CancelWait
	}
	return 30 * time.Second
}
