package agent

import "os"

// brokenPipe is never sent here.
var brokenPipe = os.Interrupt
