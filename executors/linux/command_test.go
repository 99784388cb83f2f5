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
			_, err = ns.batch(tool, nil, lines[:n])
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
func (ns *namespace) batch(tool string, options, lines []string) (string, error) {
	var input strings.Builder
	for _, line := range lines {
		input.WriteString(strings.TrimPrefix(line, tool+" ") + "\n")
	}
	var out, errs bytes.Buffer
	c := exec.Command(tool, append(append([]string{"-n", ns.name}, options...), "-batch", "-")...)
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(input.String()), &out, &errs
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("%s -batch: %w: %s\n%s", tool, err, strings.TrimSpace(errs.String()), input.String())
	}
	return out.String(), nil
}

// runAll runs command lines that must succeed.
func (ns *namespace) runAll(lines []string) {
	ns.t.Helper()
	if err := ns.script(lines); err != nil {
		ns.t.Fatal(err)
	}
}
