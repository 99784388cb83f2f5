package ssh

import (
	"sync"
	"sync/atomic"
	"time"

	cryptossh "golang.org/x/crypto/ssh"
)

// asks are what a host asks for of its own accord, all of which is refused: a
// sign of life, too, is one in that it is answered. Hosts ask seldom, so nobody
// waits for it: the library keeps sixteen of each kind, which are looked at soon
// after the host has said something, and whenever its silence is looked at.
type asks struct {
	channels <-chan cryptossh.NewChannel
	requests <-chan *cryptossh.Request

	soon    *time.Timer
	waiting atomic.Bool // soon runs
	turn    sync.Mutex  // of who looks
}

// askedWithin is how long a host waits for an answer. Servers that want a sign of
// life (ClientAliveInterval) wait for seconds.
const askedWithin = 250 * time.Millisecond

// come is called when the host has said something.
func (a *asks) come() {
	if a.waiting.CompareAndSwap(false, true) {
		a.soon.Reset(askedWithin)
	}
}

// refuse refuses what there is.
func (a *asks) refuse() {
	for {
		select {
		case channel, open := <-a.channels:
			if !open {
				return
			}
			reject(channel)
		case request, open := <-a.requests:
			if !open {
				return
			}
			_ = request.Reply(false, nil)
		default:
			return
		}
	}
}

// serve refuses all there is until the connection ends.
func (a *asks) serve() {
	channels, requests := a.channels, a.requests
	for channels != nil || requests != nil {
		select {
		case channel, open := <-channels:
			if !open {
				channels = nil
				continue
			}
			reject(channel)
		case request, open := <-requests:
			if !open {
				requests = nil
				continue
			}
			_ = request.Reply(false, nil)
		}
	}
}

// reject refuses a channel. An error is that of a connection that is about to end
// here.
func reject(channel cryptossh.NewChannel) {
	_ = channel.Reject(cryptossh.UnknownChannelType, "unknown channel type: "+channel.ChannelType())
}
