package agent

import "os"

func waiting(f *os.File) *os.File { return f }

// brokenPipe is never sent here.
var brokenPipe = os.Interrupt

// endSignals ask an agent to end; nothing tells it that its connection is gone.
var (
	endSignals    = []os.Signal{os.Interrupt}
	hangUpSignals []os.Signal
)
