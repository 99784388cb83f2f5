package agent

import "os"

// brokenPipe is never sent here.
var brokenPipe = os.Interrupt

// endSignals ask an agent to end; nothing tells it that its connection is gone.
var (
	endSignals    = []os.Signal{os.Interrupt}
	hangUpSignals []os.Signal
)
