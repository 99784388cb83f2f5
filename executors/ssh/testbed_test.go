//go:build linux

package ssh

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	cryptossh "golang.org/x/crypto/ssh"

	"stet/executors"
	"stet/executors/agent"
)

// The tests run the real sshd. For that the test program starts itself again,
// as the first process of a process, mount and network namespace that has only
// loopback: what they mount, make and start is gone with it, whatever happens.
const insideVar = "STET_SSH_TEST_INSIDE"

func TestMain(m *testing.M) {
	worker := slices.ContainsFunc(os.Args, func(a string) bool { return strings.HasPrefix(a, "-test.fuzzworker") })
	if asked, code := Askpass(os.Args[1:], os.Stdout); asked {
		os.Exit(code)
	}
	switch {
	case len(os.Args) == 2 && os.Args[1] == serveArg:
		serveAgent()
		return
	case len(os.Args) > 2 && os.Args[1] == "agent":
		os.Exit(agent.Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	case os.Getenv(connectVar) != "" && len(os.Args) > 5 && os.Args[3] == "connect":
		if err := connect(net.JoinHostPort(os.Args[4], os.Args[5])); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	case worker || os.Getuid() != 0:
		os.Exit(m.Run())
	case os.Getenv(insideVar) == "":
		os.Exit(again())
	}
	if err := furnish(); err != nil {
		fmt.Fprintln(os.Stderr, "furnishing the namespace:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func again() int {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), insideVar+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID,
		Pdeathsig:  syscall.SIGKILL,
	}
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return exit.ExitCode()
		}
		fmt.Fprintln(os.Stderr, "starting the tests in namespaces:", err)
		return 1
	}
	return 0
}

// operatorHome is the home folder of the operator, root, inside.
const operatorHome = "/run/stet/operator"

// furnish sets up the namespaces: an empty /run, users of our own, loopback.
func furnish() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	for target, kind := range map[string]string{"/proc": "proc", "/run": "tmpfs"} {
		if err := syscall.Mount(kind, target, kind, 0, ""); err != nil {
			return fmt.Errorf("mounting %s: %w", target, err)
		}
	}
	for _, dir := range []string{"/run/sshd", operatorHome, "/run/netns", "/run/stet/ops"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	path, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.WriteFile(ownPath, nil, 0o755); err != nil {
		return err
	}
	if err := syscall.Mount(path, ownPath, "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("mounting %s: %w", ownPath, err)
	}
	if err := os.Chown("/run/stet/ops", 7001, 7001); err != nil {
		return err
	}
	passwd, err := os.ReadFile("/etc/passwd")
	if err != nil {
		return err
	}
	users := "root:x:0:0:root:" + operatorHome + ":/bin/bash\nops:x:7001:7001::/run/stet/ops:/bin/sh\nrestricted:x:7002:7001::/run/stet/ops:/bin/rbash\n"
	for line := range strings.Lines(string(passwd)) {
		if !strings.HasPrefix(line, "root:") {
			users += line
		}
	}
	if err := replace("/etc/passwd", users, 0o644); err != nil {
		return err
	}
	// Without a shadow entry the password is not "locked", which sshd minds.
	if err := replace("/etc/shadow", "root:*:::::::\nsshd:*:::::::\nops:"+opsPassword+":::::::\nrestricted:*:::::::\n", 0o600); err != nil {
		return err
	}
	os.Unsetenv("SSH_AUTH_SOCK")
	return exec.Command("ip", "link", "set", "lo", "up").Run()
}

// ownPath is this program as agents start it: helper processes of an agent have
// its path, and that of a test says that it is one.
const ownPath = "/run/own"

// opsPassword is "correct horse", as crypt(3) keeps it.
const opsPassword = "$5$stetstet$v6ZasIheTu.fXxqqwUqcwmg7PSCqkdLqhxYwZJNdCF9"

var replaced atomic.Int32

// replace puts a file over another one, in this mount namespace only.
func replace(path, text string, mode os.FileMode) error {
	mine := fmt.Sprintf("/run/stet/replaced-%d", replaced.Add(1))
	if err := os.WriteFile(mine, []byte(text), mode); err != nil {
		return err
	}
	if err := os.Chmod(mine, mode); err != nil {
		return err
	}
	return syscall.Mount(mine, path, "", syscall.MS_BIND, "")
}

// needSSHD skips a test that cannot have a server.
func needSSHD(t *testing.T) {
	t.Helper()
	if os.Getenv(insideVar) == "" {
		t.Skip("needs root, for namespaces in which sshd can run")
	}
	if _, err := os.Stat("/usr/sbin/sshd"); err != nil {
		t.Skip("needs OpenSSH's server in /usr/sbin/sshd")
	}
}

// key is a key pair on disk.
type key struct {
	path   string
	signer cryptossh.Signer
}

func newKey(t *testing.T, dir, name, passphrase string) key {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var block *pem.Block
	if passphrase == "" {
		block, err = cryptossh.MarshalPrivateKey(private, "")
	} else {
		block, err = cryptossh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	signer, err := cryptossh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	k := key{filepath.Join(dir, name), signer}
	write(t, k.path, string(pem.EncodeToMemory(block)), 0o600)
	write(t, k.path+".pub", k.public(), 0o644)
	return k
}

func (k key) public() string { return string(cryptossh.MarshalAuthorizedKey(k.signer.PublicKey())) }

func (k key) fingerprint() string { return cryptossh.FingerprintSHA256(k.signer.PublicKey()) }

// certify has the authority ca sign k.
func (k key) certify(t *testing.T, ca key, kind uint32, until time.Time, principals ...string) string {
	t.Helper()
	cert := &cryptossh.Certificate{
		Key: k.signer.PublicKey(), CertType: kind, KeyId: "test", ValidPrincipals: principals,
		ValidAfter: uint64(time.Now().Add(-2 * time.Hour).Unix()), ValidBefore: uint64(until.Unix()),
	}
	if kind == cryptossh.UserCert {
		cert.Extensions = map[string]string{"permit-pty": ""}
	}
	if err := cert.SignCert(rand.Reader, ca.signer); err != nil {
		t.Fatal(err)
	}
	path := k.path + "-cert.pub"
	write(t, path, string(cryptossh.MarshalAuthorizedKey(cert)), 0o644)
	return path
}

// server is one sshd: one host.
type server struct {
	address, dir, home string
	key                key
	log                *journal
	process            *os.Process
}

var addresses atomic.Int32

// newServer starts sshd on a loopback address of its own. Lines are put before
// the defaults of its configuration, so that they win.
func (b *bed) newServer(t *testing.T, lines ...string) *server {
	t.Helper()
	n := addresses.Add(1)
	s := &server{address: fmt.Sprintf("127.77.%d.%d", n/250, 1+n%250)}
	s.start(t, b, nil, lines...)
	return s
}

// newServerWith is newServer with a host key that exists.
func (b *bed) newServerWith(t *testing.T, k key, lines ...string) *server {
	t.Helper()
	n := addresses.Add(1)
	s := &server{address: fmt.Sprintf("127.77.%d.%d", n/250, 1+n%250), key: k}
	s.start(t, b, nil, lines...)
	return s
}

// start runs sshd, through the command in prefix if there is one.
func (s *server) start(t *testing.T, b *bed, prefix []string, lines ...string) {
	t.Helper()
	s.dir = t.TempDir()
	// sshd reads some files as the user who logs in.
	for _, dir := range []string{s.dir, filepath.Dir(s.dir)} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.home = filepath.Join(s.dir, "home")
	if err := os.Mkdir(s.home, 0o700); err != nil {
		t.Fatal(err)
	}
	if s.key.path == "" {
		s.key = newKey(t, s.dir, "host", "")
	}
	write(t, s.dir+"/authorized_keys", b.key.public(), 0o644)
	// Of several SetEnv lines sshd takes the first.
	environment := "SetEnv HOME=" + s.home
	for i, line := range lines {
		if more, ok := strings.CutPrefix(line, "SetEnv "); ok {
			environment += " " + more
			lines = slices.Delete(slices.Clone(lines), i, i+1)
			break
		}
	}
	config := strings.Join(append(lines,
		"ListenAddress "+s.address, "HostKey "+s.key.path, "PidFile "+s.dir+"/pid", "UsePAM no", "StrictModes no",
		"PermitRootLogin yes", "PasswordAuthentication no", "KbdInteractiveAuthentication no", "AuthorizedKeysFile "+s.dir+"/authorized_keys",
		environment, "LogLevel VERBOSE",
	), "\n") + "\n"
	write(t, s.dir+"/sshd_config", config, 0o600)
	args := append(slices.Clone(prefix), "/usr/sbin/sshd", "-D", "-e", "-f", s.dir+"/sshd_config")
	cmd := exec.Command(args[0], args[1:]...)
	s.log = &journal{}
	cmd.Stdout, cmd.Stderr = s.log, s.log
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.process = cmd.Process
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("sshd %s said:\n%s", s.address, s.log)
		}
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(s.dir + "/pid"); err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("sshd does not start: %s", s.log)
		}
	}
}

// bed is the operator's side: a key, known_hosts, a configuration.
type bed struct {
	dir        string
	key        key
	knownHosts string
	config     string
}

func newBed(t *testing.T) *bed {
	t.Helper()
	needSSHD(t)
	b := &bed{dir: t.TempDir()}
	b.key = newKey(t, b.dir, "id", "")
	b.knownHosts, b.config = filepath.Join(b.dir, "known_hosts"), filepath.Join(b.dir, "config")
	return b
}

// defaults end every configuration.
func (b *bed) defaults() string {
	return fmt.Sprintf(`
Host *
  User root
  IdentityFile %s
  IdentitiesOnly yes
  UserKnownHostsFile %s
  GlobalKnownHostsFile none
  StrictHostKeyChecking yes
  KexAlgorithms curve25519-sha256
  ConnectTimeout 60
`, b.key.path, b.knownHosts)
}

// dialer makes a Dialer whose ssh_config holds the text, then the defaults.
func (b *bed) dialer(t *testing.T, config string, o Options) *Dialer {
	t.Helper()
	write(t, b.config, config+b.defaults(), 0o600)
	o.Config = b.config
	d := New(o)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("closing the dialer: %v", err)
		}
	})
	return d
}

// trust lists a server in known_hosts.
func (b *bed) trust(t *testing.T, servers ...*server) {
	t.Helper()
	f, err := os.OpenFile(b.knownHosts, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range servers {
		fmt.Fprintf(f, "%s %s", s.address, s.key.public())
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// patience is how long anything may take that is expected to happen: what never
// happens is told from what a busy machine does late.
const patience = time.Minute

// bounded is a context for what is expected to end by itself.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	t.Cleanup(cancel)
	return ctx
}

// dial connects and fails the test where that fails.
func dial(t *testing.T, d *Dialer, host string) *Conn {
	t.Helper()
	c, err := d.Dial(bounded(t), Address{Host: host})
	if err != nil {
		t.Fatalf("dialling %s: %v", host, err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// refused dials and expects an error of a code that says something.
func refused(t *testing.T, d *Dialer, host, code string, says ...string) *executors.Error {
	t.Helper()
	c, err := d.Dial(bounded(t), Address{Host: host})
	if err == nil {
		c.Close()
		t.Fatalf("dialling %s succeeded", host)
	}
	var e *executors.Error
	if !errors.As(err, &e) {
		t.Fatalf("dialling %s: %T is no *executors.Error: %v", host, err, err)
	}
	if e.Code != code {
		t.Errorf("dialling %s: code %q, want %q (%v)", host, e.Code, code, err)
	}
	for _, word := range says {
		if !strings.Contains(e.Error()+" "+e.Remedy, word) {
			t.Errorf("dialling %s: %q does not say %q (remedy %q)", host, e, word, e.Remedy)
		}
	}
	return e
}

// output runs a command that must succeed.
func output(t *testing.T, c *Conn, line string) string {
	t.Helper()
	var out, complaints bytes.Buffer
	status, err := c.Run(bounded(t), line, nil, executors.Output{Stdout: &out, Stderr: &complaints})
	if err != nil || status.Code != 0 {
		t.Fatalf("%s: %v, %+v: %s", line, err, status, complaints.String())
	}
	return out.String()
}

// listen is a plain TCP listener.
func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// run runs a program that must succeed, and returns what it prints.
func (b *bed) run(t *testing.T, argv ...string) string {
	t.Helper()
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return string(out)
}

// ssh runs a command with the real client under the same configuration.
func (b *bed) ssh(t *testing.T, host, command string) string {
	t.Helper()
	return b.run(t, "ssh", "-F", b.config, "-o", "BatchMode=yes", host, command)
}

// journal is a log that is read while it grows.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}
