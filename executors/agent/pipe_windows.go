package agent

import "os"

// brokenPipe is never sent here.
var brokenPipe = os.Interrupt

// endSignals ask an agent to end.
var endSignals = []os.Signal{os.Interrupt}
