//go:build linux

package linux

import (
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// asker is a process of iproute2 that answers in JSON, one command after the
// other: starting one for each takes longer than all the rest of a test, above
// all in an emulated machine.
type asker struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *json.Decoder
	errs    strings.Builder
}

// ask has a process of the namespace answer one command; words are the program
// and its options.
func (ns *namespace) ask(words, command string) []any {
	ns.t.Helper()
	a := ns.askers[words]
	if a == nil {
		var err error
		if a, err = newAsker(ns.name, words); err != nil {
			ns.t.Fatal(err)
		}
		if ns.askers == nil {
			ns.askers = map[string]*asker{}
		}
		ns.askers[words] = a
		ns.t.Cleanup(a.close)
	}
	var list []any
	_, err := io.WriteString(a.in, command+"\n")
	if err == nil {
		err = a.answers.Decode(&list)
	}
	if err != nil {
		a.close()
		ns.t.Fatalf("%s %s: %v: %s", words, command, err, a.errs.String())
	}
	return list
}

func newAsker(netns, words string) (*asker, error) {
	argv := append(strings.Fields(words), "-n", netns, "-batch", "-")
	a := &asker{cmd: exec.Command(argv[0], argv[1:]...)}
	a.cmd.Stderr = &a.errs
	in, err := a.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", words, err)
	}
	out, err := a.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", words, err)
	}
	a.in, a.answers = in, json.NewDecoder(out)
	if err := a.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", words, err)
	}
	return a, nil
}

func (a *asker) close() {
	_ = a.in.Close()
	_ = a.cmd.Wait()
}
