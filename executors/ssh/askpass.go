package ssh

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// askpassVariable names, in the environment of the system's ssh, the socket where
// the program that it asks (SSH_ASKPASS, see ssh(1)) gets its answers. A secret is
// in no argument, no environment and no file that way.
const askpassVariable = "STET_ASKPASS_SOCKET"

// askpassMost bounds a question and an answer, in bytes.
const askpassMost = 64 << 10

// Askpass is this process as the program that the system's ssh asks for a PIN or
// a passphrase: it puts the question to the process that started ssh and prints
// the answer. It reports false where the process is none. The exit code is 0, or 1
// without an answer.
func Askpass(args []string, stdout io.Writer) (asked bool, code int) {
	path := os.Getenv(askpassVariable)
	if path == "" || len(args) != 1 {
		return false, 0
	}
	if os.Getenv("SSH_ASKPASS_PROMPT") == "none" {
		return true, 0 // a notice: touch the key
	}
	answer, err := askOver(path, args[0])
	if err == nil {
		_, err = io.WriteString(stdout, answer+"\n")
	}
	if err != nil {
		return true, 1
	}
	return true, 0
}

func askOver(path, question string) (string, error) {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, question); err != nil {
		return "", err
	}
	if half, ok := conn.(*net.UnixConn); ok {
		if err := half.CloseWrite(); err != nil {
			return "", err
		}
	}
	text, err := io.ReadAll(io.LimitReader(conn, askpassMost))
	if err != nil {
		return "", err
	}
	answer, ok := strings.CutPrefix(string(text), "=")
	if !ok {
		return "", errNobody
	}
	return answer, nil
}

// askpass answers what one ssh asks.
type askpass struct {
	d      *Dialer
	s      *Settings
	ctx    context.Context
	listen net.Listener
	all    sync.WaitGroup

	mu     sync.Mutex
	tries  map[string]int // by question
	pinned string         // the PIN that was given; "" for none
}

// answersFor starts answering the questions of an ssh that is about to be started,
// where a PIN is declared for its host; nil where ssh asks by itself.
func (d *Dialer) answersFor(ctx context.Context, s *Settings, path string) (*askpass, error) {
	if d.options.Askpass == "" || s.BatchMode || os.Getenv("SSH_ASKPASS_REQUIRE") == "force" {
		return nil, nil
	}
	pin, ok := d.prompts.declared(Question{Kind: PIN, Host: s.Host, User: s.User, Attempt: 1})
	if !ok || d.masters.wrong(pin) {
		return nil, nil
	}
	listen, err := net.Listen("unix", path+".ask")
	if err != nil {
		return nil, err
	}
	a := &askpass{d: d, s: s, ctx: ctx, listen: listen, tries: map[string]int{}}
	a.all.Go(a.serve)
	return a, nil
}

// environment is that of the ssh.
func (a *askpass) environment() []string {
	return append(os.Environ(), "SSH_ASKPASS="+a.d.options.Askpass, "SSH_ASKPASS_REQUIRE=force", askpassVariable+"="+a.listen.Addr().String())
}

// close ends the answering; err is how the ssh ended. A PIN that a token did not
// take is not given to any other ssh: after three wrong ones a token locks itself.
func (a *askpass) close(err error) {
	a.listen.Close()
	a.all.Wait()
	if err == nil || a.pinned == "" || !strings.Contains(strings.ToLower(err.Error()), "login failed") {
		return
	}
	a.d.masters.mu.Lock()
	defer a.d.masters.mu.Unlock()
	a.d.masters.wrongPINs = append(a.d.masters.wrongPINs, a.pinned)
}

func (a *askpass) serve() {
	for {
		conn, err := a.listen.Accept()
		if err != nil {
			return
		}
		a.all.Go(func() { a.reply(conn) })
	}
}

func (a *askpass) reply(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(askpassWithin)) // an error shows with the read
	question, err := io.ReadAll(io.LimitReader(conn, askpassMost))
	if err != nil {
		return
	}
	if answer, err := a.answer(string(question)); err == nil {
		_, _ = io.WriteString(conn, "="+answer) // who has gone needs none
	}
}

// askpassWithin is how long a question may take to arrive.
const askpassWithin = 10 * time.Second

// answer answers a question of ssh(1).
func (a *askpass) answer(text string) (string, error) {
	text = visible(strings.TrimSpace(text))
	a.mu.Lock()
	a.tries[text]++
	q := Question{Kind: Challenge, Host: a.s.Host, User: a.s.User, Text: text, Attempt: a.tries[text]}
	a.mu.Unlock()
	switch {
	case strings.HasPrefix(text, "Enter PIN for"):
		q.Kind = PIN
		return a.pin(q)
	case strings.HasPrefix(text, "Enter passphrase for"):
		q.Kind = Passphrase
		if n := q.Attempt - 1; n < len(a.d.options.Passphrases) {
			return a.d.options.Passphrases[n], nil
		}
	case strings.Contains(text, "(yes/no"):
		q.Echo = true
	case strings.HasSuffix(text, "password:"):
		q.Kind = Password
	}
	return a.d.prompts.ask(a.ctx, q, false)
}

// pin gives the declared PIN, once.
func (a *askpass) pin(q Question) (string, error) {
	pin, ok := a.d.prompts.declared(q)
	if !ok {
		return "", errors.New("the PIN was wrong")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pinned = pin
	return pin, nil
}

// wrong reports whether a token did not take this PIN.
func (m *masters) wrong(pin string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.wrongPINs {
		if p == pin {
			return true
		}
	}
	return false
}
