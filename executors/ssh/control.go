package ssh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	cryptossh "golang.org/x/crypto/ssh"

	"stet/executors"
)

// masters are the control masters that a Dialer started: connections of the
// system's ssh, for logins that the library cannot do.
type masters struct {
	mu     sync.Mutex
	folder string
	paths  []string
	count  int
	// terminal is held while an ssh may ask, on the terminal or for a PIN.
	terminal sync.Mutex
	// wrongPINs are those that a token did not take.
	wrongPINs []string
}

// attachOpen uses a connection that the user has open already (ControlPath).
// Nil when there is none that answers.
func (d *Dialer) attachOpen(ctx context.Context, s *Settings) *Conn {
	if s.ControlPath == "" || runtime.GOOS == "windows" {
		return nil
	}
	if info, err := os.Stat(s.ControlPath); err != nil || info.Mode().Type() != os.ModeSocket || !owned(info) {
		return nil
	}
	c, err := d.attach(ctx, s, s.ControlPath)
	if err != nil {
		return nil
	}
	return c
}

// attach speaks to a control master.
func (d *Dialer) attach(ctx context.Context, s *Settings, path string) (*Conn, error) {
	ctx, cancel := withTimeout(ctx, s.connectTimeout())
	defer cancel()
	socket, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { socket.Close() })
	defer stop()
	conn, channels, requests, err := cryptossh.NewControlClientConn(socket)
	if err != nil {
		socket.Close()
		return nil, err
	}
	c := &Conn{Settings: s, ask: d.asker(s), prove: d.prompts.prove, done: make(chan struct{})}
	c.newClient(conn, channels, requests)
	return c, nil
}

// viaSystem has the system's ssh make the connection.
func (d *Dialer) viaSystem(ctx context.Context, s *Settings, reason string) (*Conn, error) {
	without := "have ssh_config do without it for this host"
	if s.PKCS11Provider != "" {
		without += ": a key in a file, or the token's in ssh-agent"
	}
	unsupported := func(why, remedy string) error {
		return &executors.Error{Code: "unsupported", Op: "connecting to " + s.Host, Message: reason + " takes the ssh program, and " + why, Remedy: remedy}
	}
	switch {
	case d.resolver.program == "":
		return nil, unsupported("this machine has none", "install OpenSSH's client, or "+without)
	case runtime.GOOS == "windows":
		return nil, unsupported("on Windows it has no control master", without)
	}
	path, err := d.masters.path()
	if err != nil {
		return nil, fmt.Errorf("making a folder for control sockets: %w", err)
	}
	if err := d.startMaster(ctx, s, path); err != nil {
		return nil, &executors.Error{Code: masterCode(err), Op: "connecting to " + s.Host + " by ssh (" + reason + ")", Message: err.Error(), Err: err,
			Remedy: d.byHand(s)}
	}
	c, err := d.attach(ctx, s, path)
	if err != nil {
		return nil, fmt.Errorf("attaching to ssh's connection: %w", err)
	}
	return c, nil
}

// byHand is what to do when the system's ssh could not log in.
func (d *Dialer) byHand(s *Settings) string {
	remedy := "try it by hand: " + d.resolver.byHand(s.Host)
	if s.PKCS11Provider != "" && !d.options.Terminal {
		remedy += "; without a terminal nobody is asked for the token's PIN, so declare it as a secret (pin), or load the token into ssh-agent: ssh-add -s " + s.PKCS11Provider
	}
	return remedy
}

// masterCode reads ssh's complaint.
func masterCode(err error) string {
	for _, c := range []struct{ says, code string }{
		{"REMOTE HOST IDENTIFICATION HAS CHANGED", "host-key"}, {"Host key verification failed", "host-key"},
		{"KnownHostsCommand failed", "host-key"},
		{"Permission denied", "permission"}, {"Could not resolve", "not-found"}, {"Connection refused", "refused"}, {"timed out", "timeout"},
	} {
		if strings.Contains(err.Error(), c.says) {
			return c.code
		}
	}
	return "unreachable"
}

// startMaster returns when ssh has logged in and gone to the background. Its
// connection ends by itself when stet is gone: ControlPersist.
func (d *Dialer) startMaster(ctx context.Context, s *Settings, path string) (err error) {
	interval, count := s.alive()
	args := []string{
		"-MNf", "-o", "ControlPath=" + path, "-o", "ControlPersist=30", "-o", "ClearAllForwardings=yes", "-o", "ForwardAgent=no", "-o", "ForwardX11=no",
		"-o", "ConnectTimeout=" + seconds(s.connectTimeout()), "-o", "ServerAliveInterval=" + seconds(interval), "-o", "ServerAliveCountMax=" + strconv.Itoa(count),
		"-o", "StrictHostKeyChecking=" + s.StrictHostKeyChecking, "-o", "RemoteCommand=none", "-o", "PermitLocalCommand=no",
	}
	// A program that asks instead of the terminal (ssh(1)) needs none.
	d.masters.terminal.Lock()
	turn := sync.OnceFunc(d.masters.terminal.Unlock)
	defer turn()
	answers, err := d.answersFor(ctx, s, path)
	if err != nil {
		return err
	}
	if answers != nil {
		defer func() { answers.close(err) }()
	}
	if asks := answers != nil || d.options.Terminal || os.Getenv("SSH_ASKPASS_REQUIRE") == "force"; !asks || s.BatchMode {
		turn()
		args = append(args, "-o", "BatchMode=yes")
	}
	jump := s.ProxyJump
	args = append(args, d.resolver.arguments(Address{User: s.User, Host: s.Host, Port: s.Port}, jump)...)
	// ssh opens the terminal by itself; its standard streams go nowhere, for
	// the part in the background would hold them.
	complaints, err := os.CreateTemp(filepath.Dir(path), "log")
	if err != nil {
		return err
	}
	defer func() {
		complaints.Close()
		os.Remove(complaints.Name())
	}()
	cmd := exec.CommandContext(ctx, d.resolver.program, append(args, "--", s.Host)...)
	cmd.Stderr = complaints
	if answers != nil {
		cmd.Env = answers.environment()
	}
	err = cmd.Run()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	said := &tail{}
	if text, rerr := os.ReadFile(complaints.Name()); rerr == nil {
		_, _ = said.Write(bytes.ReplaceAll(text, []byte("\r"), nil)) // as for a raw terminal
	}
	if text := strings.TrimSpace(said.String()); text != "" {
		return errors.New(text)
	}
	return err
}

func seconds(d time.Duration) string { return strconv.Itoa(int(max(d/time.Second, 1))) }

// path makes a short path for a new control socket, in a folder that only this
// user can enter: the kernel takes about a hundred characters.
func (m *masters) path() (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.folder == "" {
		folder, err := os.MkdirTemp(os.Getenv("XDG_RUNTIME_DIR"), "stet-ssh-")
		if err != nil {
			return "", err
		}
		m.folder = folder
	}
	m.count++
	path := filepath.Join(m.folder, strconv.Itoa(m.count))
	m.paths = append(m.paths, path)
	return path, nil
}

// close ends the masters.
func (m *masters) close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, path := range m.paths {
		endMaster(path)
	}
	m.paths = nil
	if m.folder == "" {
		return nil
	}
	err := os.RemoveAll(m.folder)
	m.folder = ""
	return err
}
