package ssh

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"stet/executors"
)

// host is what a host tells about itself before the agent is there.
type host struct {
	platform Platform
	tools    []string
}

func (h *host) has(tool string) bool { return slices.Contains(h.tools, tool) }

// maxNoise bounds what a login shell may print around an answer.
const maxNoise = 64 << 10

// answer runs a script and returns the words after the token in the last line
// that begins with it; nil when there is none.
func (c *Conn) answer(ctx context.Context, script, token string, stdin io.Reader) (answer []string, said *words, err error) {
	out := &head{limit: maxNoise}
	said = &words{}
	status, err := c.Run(ctx, script, stdin, executors.Output{Stdout: out, Stderr: &said.stderr})
	if err != nil {
		return nil, nil, err
	}
	said.status = *status
	for line := range strings.Lines(out.String()) {
		if i := strings.Index(line, token+" "); i >= 0 {
			answer = strings.Fields(line[i+len(token):])
		}
	}
	said.stdout = out.String()
	return answer, said, nil
}

// probe finds the host's platform and tools.
func (c *Conn) probe(ctx context.Context) (*host, error) {
	token := token()
	answer, said, err := c.answer(ctx, shellLine(probeScript, "TOKEN", token), token, nil)
	if err != nil {
		return nil, err
	}
	if len(answer) == 1 { // echo is the shell's own; what it was to run is not there
		return nil, c.cannot("the host lacks the programs that tell what it is (uname): "+said.complaint(),
			"install coreutils there, or set a PATH for the user that leads to them")
	}
	if len(answer) != 3 {
		why := said.complaint()
		if why == "" {
			why = firstLine(said.stdout)
		}
		if why == "" {
			why = fmt.Sprintf("exit code %d", said.status.Code)
		}
		return nil, &executors.Error{
			Code: "unsupported", Op: "starting the agent on " + c.Settings.Host, Err: errRestricted,
			Message: "the user's login shell there runs no scripts: " + why,
			Remedy:  "give the user a login shell such as /bin/sh, or use only run, check with run(), and rollback on this target",
		}
	}
	return &host{platform: platform(answer[0], answer[1]), tools: strings.Split(answer[2], ",")[1:]}, nil
}

// install puts the agent into the host's cache. The host itself compares the
// hash of what arrived.
func (c *Conn) install(ctx context.Context, p *Program, h *host) error {
	body, err := p.pack()
	if err != nil {
		return err
	}
	unpack := "gzip -dc"
	if !h.has("gzip") {
		// Larger, but every host can take it.
		unpack = "cat"
		if body, err = p.plain(); err != nil {
			return err
		}
	}
	var sum string
	switch {
	case h.has("sha256sum"):
		sum = "sha256sum"
	case h.has("shasum"):
		sum = "shasum -a 256"
	case h.has("openssl"):
		sum = "openssl dgst -sha256"
	default:
		return c.cannot("the host has no program to verify it with (sha256sum, shasum or openssl)", "install coreutils, perl or openssl there")
	}
	token := token()
	script := shellLine(installScript, "TOKEN", token, "HASH", p.hash, "UNPACK", unpack, "SUM", sum)
	answer, said, err := c.answer(ctx, script, token, bytes.NewReader(body))
	if err != nil {
		return err
	}
	return c.installed(answer, said)
}

// installed reads how the installation ended.
func (c *Conn) installed(answer []string, said *words) error {
	step := ""
	if len(answer) > 0 {
		step = answer[0]
	}
	text := said.complaint()
	full := strings.Contains(text, "o space left") || strings.Contains(text, "uota exceeded")
	switch {
	case step == "ok":
		return nil
	case full:
		return &executors.Error{Code: "no-space", Op: "sending the agent to " + c.Settings.Host, Message: "the disk is full there: " + text,
			Remedy: "make room in the user's cache folder (~/.cache/stet, about 10 MiB)"}
	case strings.Contains(text, "ead-only file system"):
		return c.cannot("the file system there is read-only: "+text, "set XDG_CACHE_HOME there to a folder that can be written")
	case step == "noexec":
		return c.cannot("the host runs no programs from the user's folders (noexec)", "set XDG_CACHE_HOME there to a folder on a file system mounted without noexec")
	case step == "folder":
		return c.cannot("the host has no folder that only this user can write: "+text, "make ~/.cache/stet there, owned by the user, with mode 0700")
	case step == "sum":
		return &executors.Error{Code: "protocol", Op: "sending the agent to " + c.Settings.Host,
			Message: "what arrived has another hash: it was damaged on the way or on the disk", Remedy: "try again; then check the host's disk"}
	}
	if text == "" {
		text = fmt.Sprintf("exit code %d", said.status.Code)
	}
	return &executors.Error{Code: "protocol", Op: "sending the agent to " + c.Settings.Host, Message: text}
}

func (c *Conn) cannot(message, remedy string) error {
	return &executors.Error{Code: "unsupported", Op: "sending the agent to " + c.Settings.Host, Err: ErrNoAgent, Message: message, Remedy: remedy}
}

// words is what a host said when it did not do what it should.
type words struct {
	missing bool // the agent does not lie there
	stdout  string
	stderr  tail
	status  executors.ExitStatus
}

// complaint is the last lines of standard error, as one.
func (w *words) complaint() string {
	lines := strings.Split(strings.TrimSpace(w.stderr.String()), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], "; ")
}

// head keeps the first bytes written to it.
type head struct {
	limit int
	kept  []byte
}

// Write implements io.Writer and never fails.
func (h *head) Write(b []byte) (int, error) {
	if room := h.limit - len(h.kept); room > 0 {
		h.kept = append(h.kept, b[:min(room, len(b))]...)
	}
	return len(b), nil
}

// String is what was kept.
func (h *head) String() string { return string(h.kept) }
