package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"

	"stet/executors"
	"stet/runbook"
	"stet/runbook/check"
	"stet/runbook/journal"
	"stet/runbook/plan"
)

// interpreters that take a program as an argument: then its standard input is
// free, and nothing has to be written on the target. The shells stop at the
// first command that fails (-e), because a step that goes on after a failure
// is a step that says "ok" after one.
var interpreters = map[string][]string{
	"sh": {"sh", "-e", "-c"}, "shell": {"sh", "-e", "-c"}, "bash": {"bash", "-e", "-c"},
	"dash": {"dash", "-e", "-c"}, "ash": {"ash", "-e", "-c"}, "ksh": {"ksh", "-e", "-c"},
	"zsh": {"zsh", "-e", "-c"}, "python": {"python3", "-c"}, "python3": {"python3", "-c"},
	"py": {"python3", "-c"}, "perl": {"perl", "-e"}, "ruby": {"ruby", "-e"}, "node": {"node", "-e"},
	"js": {"node", "-e"}, "javascript": {"node", "-e"}, "lua": {"lua", "-e"}, "php": {"php", "-r"},
}

// argumentLimit is what one argument can safely hold (MAX_ARG_STRLEN is
// 128 KiB on Linux).
const argumentLimit = 100 << 10

// viaFile runs a program that is too long for an argument, or whose
// interpreter wants a file: standard input is the program, written to a file
// that goes away afterwards; what the program is to read is in STET_STDIN.
const viaFile = `f=$(mktemp) || exit 125
trap 'rm -f "$f"' EXIT
trap 'exit 143' HUP INT TERM
cat >"$f" || exit 125
if [ -n "${STET_STDIN+set}" ]; then printf %s "$STET_STDIN" | "$@" "$f"; else "$@" "$f" </dev/null; fi`

// shell makes the command of a run or rollback block, its body filled in.
func (x *operation) shell(b *runbook.Block, body, target string) executors.Command {
	c := executors.Command{Env: append(x.environment(b, target), b.Env...), Dir: b.Dir}
	lang := b.Lang
	if b.Interp != "" {
		lang = b.Interp
	}
	inline, ok := interpreters[lang]
	if ok && len(body) <= argumentLimit {
		c.Argv = append(slices.Clone(inline), unended(body))
		if path.Base(inline[0]) != "python3" && inline[len(inline)-1] == "-c" {
			c.Argv = append(c.Argv, b.Name) // $0, for the shell's messages
		}
		return c
	}
	words := strings.Fields(lang)
	if ok {
		words = slices.Clone(inline[:len(inline)-1])
	}
	c.Argv = append([]string{"sh", "-c", viaFile, "stet"}, words...)
	c.Stdin = []byte(body)
	return c
}

// unended is a program without its last line end: a shell that sees that nothing
// follows the last command becomes it, and starts no process for it. A backslash
// before the line end joins it with nothing, and stays.
func unended(body string) string {
	if text, ok := strings.CutSuffix(body, "\n"); ok && !strings.HasSuffix(text, "\\") {
		return text
	}
	return body
}

// environment is what a command sees: the variables of the document, by the
// names that ${…} has for them, and where it runs.
func (x *operation) environment(b *runbook.Block, target string) []string {
	e := x.env(target)
	values := map[string]string{}
	for name, r := range e.Registers {
		if r != nil {
			values[variable(name)] = strings.TrimRight(r.Out, "\n")
		}
	}
	for name, v := range e.Vars {
		values[variable(name)] = scalar(v)
	}
	x.mu.Lock()
	values["STET_RUN"], values["STET_DOCUMENT"] = x.h.op.Run, x.h.op.Document
	x.mu.Unlock()
	values["STET_STEP"], values["STET_TARGET"] = b.Name, target
	for _, name := range plan.FactVariables(b) {
		values[name] = check.FactText(e.Facts, strings.ToLower(strings.TrimPrefix(name, "STET_TARGET_")))
	}
	env := make([]string, 0, len(values)+len(b.Env))
	for name, v := range values {
		if name != "" && !strings.ContainsRune(v, 0) {
			env = append(env, name+"="+v)
		}
	}
	sort.Strings(env)
	return env
}

// variable makes a name that shells take: letters, digits and underscores.
func variable(name string) string {
	s := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, name)
	if s != "" && s[0] >= '0' && s[0] <= '9' {
		s = "_" + s
	}
	return s
}

// scalar is a variable's value as text; lists and mappings are JSON.
func scalar(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any, map[string]any:
		b, err := json.Marshal(v)
		if err == nil {
			return string(b)
		}
	}
	return fmt.Sprint(v)
}

// command runs a run block on a target.
func (x *operation) command(ctx context.Context, g *runbook.Group, s *runbook.Step, t *runbook.StepPlan) (runbook.Outcome, error) {
	sess, err := x.session(t.Target)
	if err != nil {
		return runbook.Outcome{}, err
	}
	b, err := x.filled(&s.Block, t.Target)
	if err != nil {
		return runbook.Outcome{}, fmt.Errorf("%w: %w", errUntouched, err)
	}
	if a := x.underWay(place{s.Name, t.Target}); a != nil {
		o, err := x.takeUp(ctx, sess, b, a)
		if !errors.Is(err, errUnknown) {
			return o, err
		}
		if err := x.fromTheStart(ctx, a, err); err != nil {
			return o, err
		}
	}
	whole := ctx
	ctx, cancel := bounded(ctx, b)
	defer cancel()
	e := x.errand(s.Name, t.Target)
	in := &intentData{Group: g.Name, Step: s.Name, Target: t.Target, Kind: s.Kind, Command: e.id, Output: e.file}
	if err := x.announce(ctx, sess, g, s, in, nil); err != nil {
		return runbook.Outcome{}, err
	}
	x.loosen()
	ctx, end := x.beforeGuard(ctx, place{s.Name, t.Target}, b.Confirm)
	defer end()
	o, reg, err := x.execute(ctx, sess, b, b.Body, t.Target, e)
	return o, x.proven(whole, sess, place{s.Name, t.Target}, x.registered(b, t.Target, reg, err))
}

// registered keeps the output of a block that wants that; err is how it ended.
func (x *operation) registered(b *runbook.Block, target string, reg *check.Register, err error) error {
	if b.Register == "" || reg == nil {
		return err
	}
	if rerr := x.register(b.Register, target, reg); rerr != nil && err == nil {
		return rerr
	}
	return err
}

// filled is a block with ${…} of its attributes filled in for a target.
func (x *operation) filled(b *runbook.Block, target string) (*runbook.Block, error) {
	f := *b
	f.Env = slices.Clone(b.Env)
	fields := []*string{&f.Dir, &f.Stdin}
	for i := range f.Env {
		fields = append(fields, &f.Env[i])
	}
	for _, p := range fields {
		if !strings.Contains(*p, "$") {
			continue
		}
		text, err := x.expand(*p, target)
		if err != nil {
			return nil, fmt.Errorf("filling in the attributes of %s: %w", b.Name, err)
		}
		*p = text
	}
	return &f, nil
}

// errand is what a command is known by on its target, and the file in the
// operation's folder that takes what it prints.
type errand struct{ id, file string }

func (x *operation) errand(step, target string) errand {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.files++
	return errand{
		id:   x.mark(step, target) + strconv.Itoa(x.files) + "." + nonce(),
		file: fmt.Sprintf("output-%04d-%s-%s.log", x.files, plain(step), plain(target)),
	}
}

// execute runs a block's body and captures what it prints. A code that is not
// expected is an error.
func (x *operation) execute(ctx context.Context, sess executors.Session, b *runbook.Block, body, target string, e errand) (runbook.Outcome, *check.Register, error) {
	cmd := x.shell(b, body, target)
	cmd.ID = e.id
	cmd.Env = append(cmd.Env, markName+"="+cmd.ID)
	if err := setStdin(&cmd, b.Stdin); err != nil {
		return runbook.Outcome{}, nil, fmt.Errorf("%w: %w", errUntouched, err)
	}
	c := newCapture(x, b.Name, target, e.file)
	st, err := x.toItsEnd(ctx, sess, cmd, place{b.Name, target}, c)
	return c.outcome(ctx, b, st, err)
}

// outcome is that of a command that ended so.
func (c *capture) outcome(ctx context.Context, b *runbook.Block, st *executors.ExitStatus, err error) (runbook.Outcome, *check.Register, error) {
	o := runbook.Outcome{Exit: st, Output: c.close()}
	switch {
	case errors.Is(err, errAstray):
		return o, nil, err
	case err != nil:
		return o, nil, cutShort(ctx, err)
	case ctx.Err() != nil:
		return o, nil, cutShort(ctx, ctx.Err())
	case st == nil:
		return o, nil, errors.New("the target did not say how the command ended")
	}
	reg := &check.Register{Out: c.out.kept(), Err: c.err.kept(), Truncated: c.out.cut, Exit: st.Code}
	return o, reg, expected(b, st)
}

func setStdin(c *executors.Command, text string) error {
	switch {
	case text == "":
		return nil
	case c.Stdin == nil:
		c.Stdin = []byte(text)
		return nil
	case len(text) > argumentLimit:
		return fmt.Errorf("stdin= is %d bytes; a program that is given as a file can read %d", len(text), argumentLimit)
	}
	c.Env = append(c.Env, "STET_STDIN="+text)
	return nil
}

func expected(b *runbook.Block, st *executors.ExitStatus) error {
	want := b.ExpectExit
	if len(want) == 0 {
		want = []int{0}
	}
	if st.Signal == "" && slices.Contains(want, st.Code) {
		return nil
	}
	if st.Signal != "" {
		return fmt.Errorf("ended by %s", st.Signal)
	}
	if len(b.ExpectExit) == 0 {
		return fmt.Errorf("exit code %d", st.Code)
	}
	return fmt.Errorf("exit code %d, expected %s", st.Code, strings.Trim(fmt.Sprint(want), "[]"))
}

// register keeps a step's output for later steps: as it is in memory, redacted
// in the journal.
func (x *operation) register(name, target string, r *check.Register) error {
	safe := *r
	safe.Out, safe.Err = x.red.String(r.Out), x.red.String(r.Err)
	err := x.record(journal.Fact, &factData{Name: name, Target: target, Register: &safe})
	x.mu.Lock()
	put(x.h.registers, name, target, r)
	x.mu.Unlock()
	return err
}

// wayBack is a rollback block's body for a target, filled in.
type wayBack struct {
	rollbackData
	block *runbook.Block
	body  string // with secrets
	late  bool   // it can only be filled in when it runs
}

// waysBack are the rollback blocks of a step on a target. One whose own
// targets are others than the step's runs once, with the step's first target.
func (x *operation) waysBack(g *runbook.Group, s *runbook.Step, target string) ([]wayBack, error) {
	blocks := plan.Rollbacks(g, s.Name)
	if len(blocks) == 0 {
		return nil, nil // this is asked of each target
	}
	own := map[string]bool{}
	for _, t := range s.Targets {
		own[t.Target] = true
	}
	first := len(s.Targets) > 0 && s.Targets[0].Target == target
	var out []wayBack
	for _, r := range blocks {
		for _, t := range r.Targets {
			if t.Target != target && (own[t.Target] || !first) {
				continue
			}
			w := wayBack{rollbackData: rollbackData{Step: r.Name, Target: t.Target}, block: &r.Block}
			body, err := x.expand(r.Block.Body, t.Target)
			if err != nil {
				if len(check.References(r.Block.Body)) == 0 {
					return nil, fmt.Errorf("preparing %s: %w", r.Name, err)
				}
				w.late, w.Redacted, w.Body = true, true, r.Block.Body
			} else {
				w.body, w.Body = body, x.red.String(body)
				w.Redacted = w.Body != body
			}
			out = append(out, w)
		}
	}
	return out, nil
}
