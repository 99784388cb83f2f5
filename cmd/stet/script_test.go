package main

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"stet": main,
	})
}

// TestScript runs testdata/script: one script a verb or a promise, each in a
// folder of its own, as a user would.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Condition:           condition,
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, "state"))
			env.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
			env.Setenv("NO_COLOR", "1")
			env.Setenv("TMPDIR", env.WorkDir)
			root, err := filepath.Abs(filepath.Join("..", ".."))
			env.Setenv("ROOT", root)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exit":    exitCmd,
			"waitfor": waitFor,
			"save":    save,
		},
	})
}

func condition(cond string) (bool, error) {
	switch cond {
	case "root":
		return os.Getuid() == 0, nil
	case "sandbox":
		return exec.Command("unshare", "--user", "--map-root-user", "--net", "true").Run() == nil, nil
	}
	return false, nil
}

// exitCmd runs a command and demands its exit code: exit 2 stet lint x.md.
func exitCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exit CODE COMMAND…")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended):
		code = ended.ExitCode()
	case err != nil:
		ts.Fatalf("running %s: %v", args[1], err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// waitFor waits until a file has a text: waitfor out.txt 'hold' 2 (times).
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: waitfor FILE TEXT [TIMES]")
	}
	times := 1
	if len(args) == 3 {
		n, err := strconv.Atoi(args[2])
		ts.Check(err)
		times = n
	}
	path := ts.MkAbs(args[0])
	deadline := time.Now().Add(time.Minute)
	for {
		content, err := os.ReadFile(path)
		if err == nil && strings.Count(string(content), args[1]) >= times {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s never had %q; it has:\n%s", args[0], args[1], content)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// save replaces a file as careful editors do: it writes the new text beside it
// and renames that over it. save NEW FILE.
func save(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: save NEW FILE")
	}
	content, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	beside := ts.MkAbs(args[1]) + "~new"
	ts.Check(os.WriteFile(beside, content, 0o600))
	ts.Check(os.Rename(beside, ts.MkAbs(args[1])))
}
