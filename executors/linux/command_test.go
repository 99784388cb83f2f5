//go:build linux

package linux

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
)

// batches are programs that read many commands from stdin: starting one is what
// costs, above all in an emulated machine.
var batches = map[string]bool{"ip": true, "bridge": true, "tc": true}

// script runs command lines in the namespace. Lines of one program that follow
// each other are one batch; lines of other programs are given to a shell.
func (ns *namespace) script(lines []string) error {
	for len(lines) > 0 {
		tool, _, _ := strings.Cut(lines[0], " ")
		n := 1
		for n < len(lines) && strings.HasPrefix(lines[n], tool+" ") {
			n++
		}
		var err error
		// Options before the object (ip -6 …) would be the whole batch's.
		if batches[tool] && !strings.HasPrefix(lines[0], tool+" -") {
			for i := range n {
				if strings.HasPrefix(lines[i], tool+" -") {
					n = i
					break
				}
			}
			err = ns.batch(tool, lines[:n])
		} else {
			n = 1
			_, err = ns.try("sh", "-ec", lines[0])
		}
		if err != nil {
			return err
		}
		lines = lines[n:]
	}
	return nil
}

// batch gives command lines to one process of ip, bridge or tc.
func (ns *namespace) batch(tool string, lines []string) error {
	var input strings.Builder
	for _, line := range lines {
		input.WriteString(strings.TrimPrefix(line, tool+" ") + "\n")
	}
	c := exec.Command(tool, "-n", ns.name, "-batch", "-")
	c.Stdin = strings.NewReader(input.String())
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s -batch: %w: %s\n%s", tool, err, bytes.TrimSpace(out), input.String())
	}
	return nil
}

// runAll runs command lines that must succeed.
func (ns *namespace) runAll(lines []string) {
	ns.t.Helper()
	if err := ns.script(lines); err != nil {
		ns.t.Fatal(err)
	}
}

// runKnown runs command lines that must succeed, and skips the test where the
// kernel lacks what they want: an ordinary host's may, Debian's may not.
func (ns *namespace) runKnown(lines []string) {
	ns.t.Helper()
	err := ns.script(lines)
	switch {
	case err == nil:
	case lacks.MatchString(err.Error()) && !inMachine():
		ns.t.Skipf("the kernel cannot: %v", err)
	default:
		ns.t.Fatal(err)
	}
}
