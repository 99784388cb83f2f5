package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// bin is the folder of the programs built for this run, for everybody to read:
// some tests run them as an unprivileged user.
var bin string

func TestMain(m *testing.M) {
	if code, did := underOtherClock(); did {
		os.Exit(code)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "stet-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "making a folder for the programs:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, "opening the folder of the programs:", err)
		return 1
	}
	bin = dir
	return m.Run()
}

// builds are the programs built so far, by their tags.
var builds sync.Map

// binVar names a folder with stet and stet-agent, built without tags: for a
// machine where building takes long.
const binVar = "STET_E2E_BIN"

// program builds stet with the given build tags, once, with stet-agent beside
// it, and returns its path.
func program(t testing.TB, tags string) string {
	t.Helper()
	if built := os.Getenv(binVar); built != "" && tags == "" {
		return filepath.Join(built, "stet")
	}
	once, _ := builds.LoadOrStore(tags, sync.OnceValues(func() (string, error) {
		dir := filepath.Join(bin, "build-"+tags)
		for _, name := range []string{"stet", "stet-agent"} {
			cmd := exec.Command("go", "build", "-trimpath", "-tags", tags, "-o", filepath.Join(dir, name), "stet/cmd/"+name)
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
			if out, err := cmd.CombinedOutput(); err != nil {
				return "", fmt.Errorf("building %s: %w\n%s", name, err, out)
			}
		}
		return filepath.Join(dir, "stet"), nil
	}))
	path, err := once.(func() (string, error))()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// outcome is how a run of the program ended.
type outcome struct {
	code   int // 137 when it was killed
	stdout string
	stderr string
}

func (o outcome) String() string {
	return fmt.Sprintf("exit %d\nstdout:\n%s\nstderr:\n%s", o.code, o.stdout, o.stderr)
}

// bench is one test's place: a folder with a document and its own state.
type bench struct {
	t    testing.TB
	dir  string
	stet string
	env  []string
}

func newBench(t testing.TB, tags string) *bench {
	t.Helper()
	dir := t.TempDir()
	return &bench{t: t, dir: dir, stet: program(t, tags), env: append(os.Environ(),
		"XDG_STATE_HOME="+filepath.Join(dir, "state"), "HOME="+dir, "NO_COLOR=1", "CI=true")}
}

// write puts a file into the bench's folder and returns its path.
func (b *bench) write(name, content string) string {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		b.t.Fatal(err)
	}
	return path
}

func (b *bench) read(path string) string {
	b.t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(content)
}

// start starts the program. The caller waits with the returned function.
func (b *bench) start(env []string, args ...string) (*exec.Cmd, func() outcome) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	cmd := exec.CommandContext(ctx, b.stet, args...)
	cmd.Dir, cmd.Env = b.dir, slices.Concat(b.env, env)
	cmd.WaitDelay = 10 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		cancel()
		b.t.Fatal(err)
	}
	return cmd, func() outcome {
		defer cancel()
		err := cmd.Wait()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
			b.t.Fatalf("running stet %s: %v", strings.Join(args, " "), err)
		}
		code := cmd.ProcessState.ExitCode()
		if code == -1 {
			code = 137
		}
		return outcome{code, stdout.String(), stderr.String()}
	}
}

func (b *bench) run(args ...string) outcome {
	b.t.Helper()
	_, wait := b.start(nil, args...)
	return wait()
}

// must runs the program and demands an exit code.
func (b *bench) must(code int, args ...string) outcome {
	b.t.Helper()
	o := b.run(args...)
	if o.code != code {
		b.t.Fatalf("stet %s: want exit %d, got %v", strings.Join(args, " "), code, o)
	}
	return o
}

// needRoot skips a test that makes network namespaces by name.
func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces by name need root")
	}
}
