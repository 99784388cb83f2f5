package ssh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	cryptossh "golang.org/x/crypto/ssh"

	"stet/executors"
)

// Stream is a running agent: what it prints, from its marker on, and what it
// reads.
type Stream struct {
	// Login is what the login shell printed before the agent did.
	Login string
	// Shipped tells that the agent had to be sent first.
	Shipped bool

	channel cryptossh.Channel
	conn    *Conn
	said    *words
	ended   chan struct{}
	once    sync.Once
	hear    func() // takes in what it complains of, from now on
	from    int64  // bytes that the connection had brought before

	requests <-chan *cryptossh.Request
	turn     sync.Mutex // of taking one in

	over atomic.Bool // it has closed everything, and the connection is about to end

	came atomic.Pointer[func()]

	mu     sync.Mutex
	rest   []byte // read already while looking for the marker
	signal string // that ended the agent ("KILL"), once ended is closed
}

// Read implements io.Reader. An end that the agent or the connection explains
// is an *executors.Error that tells it.
func (s *Stream) Read(b []byte) (int, error) {
	s.mu.Lock()
	n := copy(b, s.rest)
	s.rest = s.rest[n:]
	s.mu.Unlock()
	if n > 0 {
		return n, nil
	}
	n, err := s.channel.Read(b)
	if n > 0 || !errors.Is(err, io.EOF) {
		return n, err
	}
	s.hear()
	select {
	case <-s.ended:
	case <-s.conn.done:
	case <-time.After(time.Second):
	}
	if why := s.conn.Err(); why != nil {
		return 0, why
	}
	if why := s.killed(); why != nil {
		return 0, why
	}
	if text := s.said.complaint(); text != "" {
		return 0, &executors.Error{Code: "unreachable", Op: "talking to the agent on " + s.conn.Settings.Host, Message: "it ended: " + text, Err: io.EOF}
	}
	return 0, io.EOF
}

// Tell has came called whenever the connection has brought something, for the agent
// or not, and when it has ended; false where that is not known.
func (s *Stream) Tell(came func()) bool {
	if s.conn.stream == nil {
		return false
	}
	s.came.Store(&came)
	if over(s.conn.done) {
		came()
	}
	return true
}

// Write implements io.Writer.
func (s *Stream) Write(b []byte) (int, error) { return s.channel.Write(b) }

// killed is the error of an agent that a signal ended; nil if none did.
func (s *Stream) killed() error {
	s.mu.Lock()
	signal := s.signal
	s.mu.Unlock()
	if !over(s.ended) || signal == "" {
		return nil
	}
	e := &executors.Error{Code: "unreachable", Op: "talking to the agent on " + s.conn.Settings.Host, Err: io.EOF,
		Message: "it was ended by SIG" + signal}
	if signal == "KILL" {
		e.Message += ": by somebody, or by the kernel because the host ran out of memory"
		e.Remedy = "see the host's kernel log (dmesg), and whether it has memory left"
	}
	return e
}

// Complaint is the end of what the agent wrote to standard error, such as the
// trace of a crash.
func (s *Stream) Complaint() string { return s.said.stderr.String() }

// Done is closed when the agent has ended.
func (s *Stream) Done() <-chan struct{} { return s.ended }

// closing is how long an agent may take to end by itself once its input has.
const closing = 3 * time.Second

// Over tells that the agent has nothing left to do, and that the connection is
// closed next: with that its input ends, and so does it. Waiting for it would be
// three messages more each way.
func (s *Stream) Over() { s.over.Store(true) }

// Close ends the agent's input, waits for it to end, and closes the session.
func (s *Stream) Close() error {
	s.once.Do(func() {
		if s.over.Load() {
			return
		}
		_ = s.channel.CloseWrite()
		s.hear()
		go func() { _, _ = io.Copy(io.Discard, s.channel) }()
		select {
		case <-s.ended:
		case <-s.conn.done:
		case <-time.After(closing):
			_, _ = s.channel.SendRequest("signal", false, cryptossh.Marshal(signalRequest{string(cryptossh.SIGKILL)}))
		}
		_ = s.channel.Close()
	})
	return nil
}

// complaining is how long an agent that starts may take before what it complains of
// is taken in.
const complaining = 2 * time.Second

// startTimeout bounds the start of an agent, questions not counted.
const startTimeout = 30 * time.Second

// start runs whichever of the programs lies in the host's cache. Where none
// does, or it does not speak, it returns what was said instead. The script is
// wrapped by quickLine if that is wanted, else by shellLine.
func (c *Conn) start(ctx context.Context, a Agent, programs []*Program, quick bool) (*Stream, *words, error) {
	var hashes []string
	for _, p := range programs {
		if err := p.load(); err != nil {
			return nil, nil, err
		}
		hashes = append(hashes, p.hash)
	}
	word, prompt := token(), ""
	become := `w="";`
	if a.Become == "sudo" {
		// With a prompt that nobody can guess, the password is sent only when
		// sudo asks for it, and never to the agent.
		prompt = token()
		// What sudo says decides what is done about it, so that it is told to say
		// it in English. The agent takes back what is not for its commands.
		become = `[ "$(id -u)" = 0 ] || { w="sudo -S -p PROMPT --"; export LC_STET="${LC_ALL:-none}" LC_ALL=C; };`
	}
	script := a.lines.of(quick, strings.Join(hashes, " "), strings.Join(a.Args, " "), become)
	script = strings.ReplaceAll(script, "TOKEN", word)
	if prompt != "" {
		script = strings.ReplaceAll(script, "PROMPT", prompt)
	}

	s, err := c.open(ctx, script, prompt)
	if err != nil {
		return nil, nil, err
	}
	if a.Become == "sudo" {
		s.hear() // its prompt
	}
	found, err := c.await(ctx, s, a.Marker, word)
	if found {
		if c.stream != nil {
			c.stream.settled.Store(true)
		}
		if a.Become == "sudo" {
			c.prove(Become, c.Settings.Host, c.Settings.User)
		}
		return s.Stream, s.said, nil
	}
	s.Close()
	if err != nil {
		return nil, nil, err
	}
	if a.Become == "sudo" && !s.said.missing {
		if err := c.sudoFailed(s.said.complaint()); err != nil {
			return nil, nil, err
		}
	}
	return nil, s.said, nil
}

// starting is a Stream whose marker has not come yet.
type starting struct {
	*Stream
	asked chan struct{} // sudo wants the password; nil without it
}

// Messages of RFC 4254: 6.5, 6.9 and 6.10.
type (
	execRequest   struct{ Command string }
	signalRequest struct{ Signal string }
	exitSignal    struct {
		Signal     string
		CoreDumped bool
		Error      string
		Lang       string
	}
)

// open runs a script, and hears a prompt where there is one. It does without the library's Session, which has four
// goroutines where one is enough.
func (c *Conn) open(ctx context.Context, script, prompt string) (*starting, error) {
	var channel cryptossh.Channel
	var requests <-chan *cryptossh.Request
	err := c.opening(ctx, func() (close func() error, err error) {
		channel, requests, err = c.client.OpenChannel("session", nil)
		if err != nil {
			return nil, err
		}
		ok, err := channel.SendRequest("exec", true, cryptossh.Marshal(execRequest{script}))
		if err == nil && !ok {
			err = errors.New("the server refuses to run commands")
		}
		if err != nil {
			go cryptossh.DiscardRequests(requests)
			_ = channel.Close()
		}
		return channel.Close, err
	})
	if err != nil {
		return nil, err
	}
	s := &starting{Stream: &Stream{channel: channel, conn: c, said: &words{}, ended: make(chan struct{}), requests: requests}}
	if prompt != "" {
		s.asked = make(chan struct{}, 8)
	}
	asked := s.asked
	s.hear = sync.OnceFunc(func() {
		go s.listen(&listener{tail: &s.said.stderr, prompt: []byte(prompt), heard: asked})
	})
	c.later(s.Stream)
	return s, nil
}

// maxUnheard is how much a connection may bring before what an agent complains of
// is taken in: less than the window, with which the library would have the agent
// wait.
const maxUnheard = 512 << 10

// later puts listening to an agent off: nearly none complains, and a goroutine that
// waits for it is memory of each of a thousand hosts. Until then the library keeps
// what it says.
func (c *Conn) later(s *Stream) {
	if c.stream == nil {
		s.hear()
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.from = c.stream.came.Load()
	c.agents = append(c.agents, s)
}

// listen takes in what the agent complains of, and then how it ended.
func (s *Stream) listen(l *listener) {
	defer close(s.ended)
	_, _ = l.ReadFrom(s.channel.Stderr()) // the other stream tells of a broken connection
	for r := range s.requests {
		s.take(r)
	}
	s.turn.Lock() // one may be taken in elsewhere
	defer s.turn.Unlock()
}

// refuse takes in what the host asks for on the agent's channel, such as a sign of
// life.
func (s *Stream) refuse() {
	s.turn.Lock()
	defer s.turn.Unlock()
	for {
		select {
		case r, open := <-s.requests:
			if !open {
				return
			}
			s.take(r)
		default:
			return
		}
	}
}

func (s *Stream) take(r *cryptossh.Request) {
	var how exitSignal
	if r.Type == "exit-signal" && cryptossh.Unmarshal(r.Payload, &how) == nil {
		s.mu.Lock()
		s.signal = how.Signal
		s.mu.Unlock()
	}
	_ = r.Reply(false, nil)
}

// await reads until the marker, answering sudo meanwhile.
func (c *Conn) await(ctx context.Context, s *starting, marker, missing string) (bool, error) {
	type result struct {
		rest []byte
		err  error
	}
	ended := make(chan result, 1)
	go func() {
		rest, err := s.seek([]byte(marker), []byte(missing+" missing"))
		ended <- result{rest, err}
	}()
	limit := time.NewTimer(startTimeout)
	defer limit.Stop()
	complains := time.AfterFunc(complaining, s.hear)
	defer complains.Stop()
	for attempt := 1; ; attempt++ {
		select {
		case r := <-ended:
			if r.rest != nil {
				s.rest = r.rest
				return true, nil
			}
			// The complaint may still be on its way.
			s.hear()
			select {
			case <-s.ended:
			case <-time.After(time.Second):
			}
			if c.Err() != nil {
				return false, c.lost(ctx, c.Err())
			}
			return false, r.err
		case <-s.asked:
			limit.Stop()
			if err := c.tellSudo(ctx, s, attempt); err != nil {
				return false, err
			}
			limit.Reset(startTimeout)
		case <-limit.C:
			return false, &executors.Error{Code: "timeout", Op: "starting the agent on " + c.Settings.Host,
				Message: fmt.Sprintf("it has not answered within %v; until then the host said “%s”", startTimeout, firstLine(s.said.stderr.String())),
				Remedy:  "log in by hand and see whether the login shell waits for something"}
		case <-c.done:
			return false, c.lost(ctx, c.Err())
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
}

// seek reads standard output up to the marker and returns the marker and what
// came after it already; nil without an error means that the host said something else.
func (s *starting) seek(marker, missing []byte) ([]byte, error) {
	buffer := make([]byte, 512)
	var noise []byte
	for {
		n, err := s.channel.Read(buffer)
		noise = append(noise, buffer[:n]...)
		if i := bytes.Index(noise, marker); i >= 0 {
			s.Login = visible(string(noise[:i]))
			return append([]byte{}, noise[i:]...), nil
		}
		if bytes.Contains(noise, missing) {
			s.said.missing = true
			return nil, nil
		}
		switch {
		case errors.Is(err, io.EOF):
			s.said.stdout = string(noise)
			return nil, nil
		case err != nil:
			return nil, err
		case len(noise) > maxNoise:
			return nil, &executors.Error{Code: "protocol", Op: "starting the agent on " + s.conn.Settings.Host, Err: ErrNoAgent,
				Message: fmt.Sprintf("the login shell printed more than %d KiB before it", maxNoise>>10), Remedy: "keep the shell's start-up files silent when there is no terminal"}
		}
	}
}

// tellSudo writes the password that sudo asked for.
func (c *Conn) tellSudo(ctx context.Context, s *starting, attempt int) error {
	q := Question{Kind: Become, Host: c.Settings.Host, User: c.Settings.User, Attempt: attempt, Text: "sudo's password of " + c.Settings.User + " on " + c.Settings.Host}
	answer, err := c.ask(ctx, q)
	if err != nil {
		if attempt > 1 && errors.Is(err, errNobody) {
			return &executors.Error{Code: "permission", Op: "becoming root on " + c.Settings.Host, Message: "sudo did not take the password", Remedy: "check the declared secret", Err: err}
		}
		failed := nobody(c.Settings.Host, q, err)
		failed.Op = "becoming root on " + c.Settings.Host
		return failed
	}
	if strings.ContainsAny(answer, "\r\n\x00") {
		return &executors.Error{Code: "permission", Op: "becoming root on " + c.Settings.Host, Message: "the password holds a line end", Remedy: "check the declared secret"}
	}
	_, err = io.WriteString(s.channel, answer+"\n")
	return err
}

// sudoFailed makes an error of sudo's complaint; nil if it is not sudo's.
func (c *Conn) sudoFailed(text string) error {
	remedy := "declare sudo's password as a secret, or allow it without one: " + c.Settings.User + " ALL=(root) NOPASSWD: ALL"
	switch {
	case strings.Contains(text, "not found"):
		remedy = "install sudo there, or log in as root"
	case strings.Contains(text, "must have a tty"):
		remedy = "the agent is started without a terminal: allow that in the host's sudoers with the line Defaults:" + c.Settings.User + " !requiretty"
	case strings.Contains(text, "incorrect password") || strings.Contains(text, "try again"):
		remedy = "check the declared secret"
	case strings.Contains(text, "is not allowed to execute"): // sudo's, which does not name itself here
		remedy = "the host's sudoers must allow this program, or all: " + c.Settings.User + " ALL=(root) ALL"
	case !strings.Contains(text, "sudo"):
		return nil
	}
	return &executors.Error{Code: "permission", Op: "becoming root on " + c.Settings.Host, Message: text, Remedy: remedy}
}

// listener keeps the end of standard error and hears sudo's prompt in it.
type listener struct {
	tail   *tail
	prompt []byte
	recent []byte
	heard  chan<- struct{}
}

// ReadFrom implements io.ReaderFrom, with less of a buffer than io.Copy takes for
// each of a thousand agents that say nothing.
func (l *listener) ReadFrom(r io.Reader) (int64, error) {
	var buffer [512]byte
	for total := int64(0); ; {
		n, err := r.Read(buffer[:])
		total += int64(n)
		_, _ = l.Write(buffer[:n])
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// Write implements io.Writer and never fails.
func (l *listener) Write(b []byte) (int, error) {
	if len(l.prompt) == 0 {
		return l.tail.Write(b)
	}
	l.recent = append(l.recent, b...)
	for {
		i := bytes.Index(l.recent, l.prompt)
		if i < 0 {
			break
		}
		_, _ = l.tail.Write(l.recent[:i])
		l.recent = l.recent[i+len(l.prompt):]
		select {
		case l.heard <- struct{}{}:
		default:
		}
	}
	// Only what could be the beginning of a prompt waits for more.
	keep := 0
	for n := min(len(l.prompt)-1, len(l.recent)); n > 0; n-- {
		if bytes.HasSuffix(l.recent, l.prompt[:n]) {
			keep = n
			break
		}
	}
	_, _ = l.tail.Write(l.recent[:len(l.recent)-keep])
	l.recent = append(l.recent[:0], l.recent[len(l.recent)-keep:]...)
	return len(b), nil
}
