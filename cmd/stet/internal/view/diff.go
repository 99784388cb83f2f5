package view

import (
	"strings"

	"stet/executors/netstate"
)

// Form is how a change is written.
type Form string

// The forms of a change.
const (
	AsDiff Form = "diff" // one line or more an edit
	AsIP   Form = "ip"   // the equivalent iproute2 commands
)

// changeText is a change in the form wanted, in colours, each line indented.
func changeText(prefix string, c *netstate.Change, as Form) string {
	if c.Empty() {
		return ""
	}
	if as == AsIP {
		return indent(prefix, visible(strings.Join(netstate.IP(c), "\n"), nil))
	}
	var b strings.Builder
	for line := range strings.Lines(visible(netstate.Text(c), nil)) {
		b.WriteString(prefix + paintDiff(strings.TrimRight(line, "\n")) + "\n")
	}
	return b.String()
}

func paintDiff(line string) string {
	switch {
	case strings.HasPrefix(line, "+"):
		return green(line)
	case strings.HasPrefix(line, "-"):
		return red(line)
	case strings.HasPrefix(line, "~"), strings.HasPrefix(line, "!"):
		return yellow(line)
	}
	return line
}
