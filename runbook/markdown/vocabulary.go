package markdown

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"stet/runbook"
)

// What holds where neither a block nor the front matter says otherwise.
const (
	// DefaultTimeout is how long a step may take.
	DefaultTimeout = 60 * time.Second
	// DefaultConfirm is the guard's time with confirm=manual, and that of a
	// netconfig block on a host that is reached over a network.
	DefaultConfirm = 120 * time.Second
	// DefaultEvery is the pause between two tries of a check.
	DefaultEvery = time.Second
)

var policies = []runbook.Policy{runbook.Rollback, runbook.Stop, runbook.Continue, runbook.Ask}

func policyNames() []string {
	var names []string
	for _, p := range policies {
		names = append(names, string(p))
	}
	return names
}

// meaning is what one attribute does to a block of some kinds.
type meaning struct {
	key   string
	kinds []runbook.BlockKind
	set   func(*setting)
}

var (
	everyKind = []runbook.BlockKind{runbook.Netconfig, runbook.Check, runbook.RollbackBlock, runbook.Snapshot, runbook.Run, runbook.Manual}
	onTargets = everyKind
	targeted  = []runbook.BlockKind{runbook.Netconfig, runbook.Check, runbook.Snapshot, runbook.Run}
	changing  = []runbook.BlockKind{runbook.Netconfig, runbook.Run}
	policied  = []runbook.BlockKind{runbook.Netconfig, runbook.Run, runbook.Check, runbook.Manual}
	commands  = []runbook.BlockKind{runbook.Run, runbook.RollbackBlock}
	checks    = []runbook.BlockKind{runbook.Check}
	rollbacks = []runbook.BlockKind{runbook.RollbackBlock}
	runs      = []runbook.BlockKind{runbook.Run}
)

// vocabulary is every attribute. docs/formats/document.md has the same table.
var vocabulary = []meaning{
	{"name", everyKind, (*setting).name},
	{"on", onTargets, (*setting).on},
	{"timeout", everyKind, func(s *setting) { s.time(&s.b.Timeout) }},
	{"confirm", changing, (*setting).confirm},
	{"on-failure", policied, (*setting).policy},
	{"parallel", targeted, (*setting).parallel},
	{"batch", changing, (*setting).batch},
	{"max-failures", targeted, (*setting).maxFailures},
	{"within", checks, func(s *setting) { s.time(&s.b.Within) }},
	{"every", checks, (*setting).every},
	{"for", checks, func(s *setting) { s.time(&s.b.Hold) }},
	{"for", rollbacks, func(s *setting) { s.word(&s.b.For) }},
	{"lang", rollbacks, (*setting).lang},
	{"register", runs, (*setting).register},
	{"cwd", commands, func(s *setting) { s.word(&s.b.Dir) }},
	{"env", commands, (*setting).env},
	{"stdin", commands, func(s *setting) { s.b.Stdin = s.a.Value }},
	{"expect-exit", commands, (*setting).expectExit},
	{"interpreter", commands, func(s *setting) { s.word(&s.b.Interp) }},
	{"run", runs, func(*setting) {}},
}

// setting is one attribute of one block while its meaning is applied.
type setting struct {
	*reading
	meta *runbook.Meta
	b    *block
	a    *attr
}

func (s *setting) bad(code, summary, detail string) { s.fault(code, s.a.value, summary, detail) }

func (s *setting) word(to *string) {
	if s.a.Value == "" {
		s.bad("bad-value", s.a.Key+" is empty", "Write "+s.a.Key+"=VALUE, or remove it.")
		return
	}
	*to = s.a.Value
}

func (s *setting) time(to *time.Duration) {
	out, fault := duration(s.a.Value)
	if fault != "" {
		s.bad("bad-duration", fmt.Sprintf("%s=%s %s", s.a.Key, s.a.Value, fault), "Write it like 90s, 5m or 1h30m.")
		return
	}
	*to = out
}

func (s *setting) name() {
	if fault := nameFault(s.a.Value); fault != "" {
		s.bad("bad-name", fmt.Sprintf("the name %q %s", s.a.Value, fault), "Use letters, digits, _, - and dots.")
	}
}

func (s *setting) on() {
	at := s.a.value.Start
	exact := string(s.src[s.a.value.Start:s.a.value.End]) == s.a.Value
	var all []string
	for word := range strings.SplitSeq(s.a.Value, ",") {
		name := strings.TrimSpace(word)
		here := s.a.value
		if exact {
			start := at + strings.Index(word, name)
			here = span{Start: start, End: start + len(name)}
		}
		at += len(word) + 1
		found, known := s.resolve(s.meta, name)
		if !known {
			s.fault("unknown-target", here, fmt.Sprintf("there is no target %q", name), s.remedy(name, s.targetNames(s.meta)))
		}
		all = append(all, found...)
	}
	s.b.On = union(s.b.On, all)
}

// resolve is the targets that a name stands for.
func (r *reading) resolve(meta *runbook.Meta, name string) ([]string, bool) {
	if members, ok := meta.Groups[name]; ok {
		return members, true
	}
	return []string{name}, r.isTarget(meta, name)
}

// confirm reads a duration, "manual", both with a comma, or "no".
func (s *setting) confirm() {
	s.b.Confirm = 0
	for word := range strings.SplitSeq(s.a.Value, ",") {
		switch word = strings.TrimSpace(word); word {
		case "manual":
			s.b.ConfirmBy = "manual"
		case "no":
		default:
			out, fault := duration(word)
			if fault != "" {
				s.bad("bad-duration", fmt.Sprintf("confirm=%s %s", s.a.Value, fault), "Write it like confirm=90s, confirm=manual or confirm=no.")
				return
			}
			s.b.Confirm = out
		}
	}
	if s.b.ConfirmBy == "manual" && s.b.Confirm == 0 {
		s.b.Confirm = max(s.meta.Default.Confirm, DefaultConfirm)
	}
}

func (s *setting) policy() {
	if p := runbook.Policy(s.a.Value); slices.Contains(policies, p) {
		s.b.OnFailure = p
		return
	}
	s.bad("bad-value", fmt.Sprintf("%q is no policy", s.a.Value), s.remedy(s.a.Value, policyNames()))
}

func (s *setting) every() {
	s.time(&s.b.Every)
	if s.b.Every == 0 {
		s.b.Every = DefaultEvery
	}
}

func (s *setting) lang() { s.word(&s.b.Lang) }

func (s *setting) register() {
	if !identifier.MatchString(s.a.Value) {
		s.bad("bad-name", fmt.Sprintf("%q cannot be the name of a register", s.a.Value), "Use letters, digits and _, and no digit first.")
		return
	}
	s.b.Register = s.a.Value
}

// env reads "A=1 B='two words'"; the attribute may be given several times.
func (s *setting) env() {
	for _, word := range shellWords(s.a.Value) {
		key, _, found := strings.Cut(word, "=")
		if !found || !identifier.MatchString(key) {
			s.bad("bad-value", fmt.Sprintf("%q is no NAME=value", word), `Write env="A=1 B=2".`)
			return
		}
		s.b.Env = append(s.b.Env, word)
	}
}

// shellWords splits at blanks and commas outside of quotes.
func shellWords(text string) []string {
	var words []string
	var word strings.Builder
	var quote rune
	open := false
	end := func() {
		if open {
			words = append(words, word.String())
		}
		word.Reset()
		open = false
	}
	for _, r := range text {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '"' || r == '\'':
			quote, open = r, true
		case r == ' ' || r == '\t' || r == ',':
			end()
		default:
			word.WriteRune(r)
			open = true
		}
	}
	end()
	return words
}

func (s *setting) expectExit() {
	var codes []int
	for word := range strings.SplitSeq(s.a.Value, ",") {
		code, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || code < 0 || code > 255 {
			s.bad("bad-value", fmt.Sprintf("%q is no exit code", word), "Write numbers from 0 to 255: expect-exit=0,1.")
			return
		}
		codes = append(codes, code)
	}
	s.b.ExpectExit = codes
}
