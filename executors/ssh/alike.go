package ssh

import (
	"context"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Asking `ssh -G` costs more processor time than all the rest of a login, so
// that a thousand hosts of which ssh_config says the same would cost seconds.
// Of hosts that no line of the configuration tells apart, two are asked about;
// where their answers differ in the name only, the others' are made from them.
//
// What tells hosts apart is found with care: a name that matches the same
// patterns of Host as another one gets the same lines, so long as there is
// nothing else that looks at it (Match host, Match exec, canonicalization).
// Tokens such as %h come out in the comparison. Whatever is not certain is
// asked.

// alike groups hosts by what the configuration can tell of their names.
type alike struct {
	once     sync.Once
	patterns []string // of all Host lines
	certain  bool     // nothing else looks at a name

	mu     sync.Mutex
	first  []*told // of the first hosts
	groups map[string]*group
}

// told is what `ssh -G` says about a host that is asked about in any case.
type told struct {
	a    Address
	jump string
	done chan struct{}
	dump dump // nil where it could not be asked
}

// sample is what `ssh -G` said about a host.
type sample struct {
	host string
	dump dump
}

// group are hosts with the same user, port, jump hosts and matching patterns.
type group struct {
	turn    chan struct{} // held while samples are taken
	filled  bool          // with what the first hosts were told
	samples []sample
	same    bool // the samples differ in the name only
	other   dump // of the host whose turn it is
}

// fewHosts are always asked about: with these there is nothing to win.
const fewHosts = 2

// said has use take what `ssh -G` says about a host, or would say; it is not kept.
func (r *resolver) said(ctx context.Context, a Address, jump string, use func(dump)) error {
	ask := func() (dump, error) {
		text, err := r.output(ctx, append(r.arguments(a, jump), "--", a.Host)...)
		if err != nil {
			return nil, err
		}
		d := parseDump(text)
		use(d)
		return d, nil
	}
	l := &r.alike
	if !plainName(a.Host) {
		_, err := ask()
		return err
	}
	if first := l.among(a, jump); first != nil {
		defer close(first.done)
		d, err := ask()
		first.dump = d
		return err
	}
	var mine dump
	l.once.Do(func() { mine = r.study(ctx, a, jump) })
	switch {
	case mine != nil:
		use(mine)
		return nil
	case !l.certain:
		_, err := ask()
		return err
	}
	return l.group(a, jump).said(ctx, l, a.Host, ask, use)
}

// among is the place of a host among the first ones, nil if there have been enough.
func (l *alike) among(a Address, jump string) *told {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.first) == fewHosts {
		return nil
	}
	f := &told{a: a, jump: jump, done: make(chan struct{})}
	l.first = append(l.first, f)
	return f
}

// plainName reports whether ssh takes a name as it is: no capitals that it
// would change, no characters that mean something in a pattern.
func plainName(host string) bool {
	return host != "" && strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789.-_:") == ""
}

// study reads the configuration's files, of which ssh itself tells the names, and
// returns what it says about the host; nil where it could not be asked.
func (r *resolver) study(ctx context.Context, a Address, jump string) dump {
	l := &r.alike
	said, files, err := r.files(ctx, append(r.arguments(a, jump), "--", a.Host)...)
	if err != nil {
		return nil
	}
	l.certain = len(files) > 0 && !slices.ContainsFunc(files, func(file string) bool { return !l.file(file) })
	return said
}

// file takes in one file of a configuration; false means that it tells hosts apart
// by more than patterns of Host, or cannot be read.
func (l *alike) file(path string) bool {
	text, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if !l.line(line) {
			return false
		}
	}
	return true
}

// line takes in one line of a configuration; false means that it tells hosts
// apart by more than patterns of Host.
func (l *alike) line(line string) bool {
	keyword, rest := configLine(line)
	switch keyword {
	case "host":
		for _, p := range strings.Fields(rest) {
			p = strings.TrimPrefix(p, "!")
			if strings.ContainsAny(p, `"'\#[]`) {
				return false
			}
			l.patterns = append(l.patterns, p)
		}
	case "match":
		return sameForAll(strings.Fields(strings.ToLower(rest)))
	case "include":
		return !strings.Contains(rest, "%")
	case "canonicalizehostname":
		return strings.EqualFold(rest, "no") || strings.EqualFold(rest, "false")
	}
	return true
}

// configLine splits a line of ssh_config(5) into its keyword, in lower case, and
// the rest.
func configLine(line string) (keyword, rest string) {
	line = strings.TrimSpace(line)
	i := strings.IndexAny(line, " \t=")
	if i < 0 || strings.HasPrefix(line, "#") {
		return "", ""
	}
	return strings.ToLower(strings.Trim(line[:i], `"`)), strings.TrimLeft(line[i:], " \t=")
}

// sameForAll reports whether the criteria of a Match line hold for every host
// with the same user, or for none.
func sameForAll(criteria []string) bool {
	for i := 0; i < len(criteria); i++ {
		switch criteria[i] {
		case "all", "final", "canonical":
		case "user", "localuser":
			i++
		default:
			return false
		}
	}
	return true
}

// group finds the group of a host.
func (l *alike) group(a Address, jump string) *group {
	key := l.key(a, jump)
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.groups[key]
	if g == nil {
		if l.groups == nil {
			l.groups = map[string]*group{}
		}
		g = &group{turn: make(chan struct{}, 1)}
		l.groups[key] = g
	}
	return g
}

func (l *alike) key(a Address, jump string) string {
	return strings.Join([]string{a.User, strconv.Itoa(a.Port), jump, l.matches(a.Host)}, "\x00")
}

// matches tells which patterns match a name, a character each.
func (l *alike) matches(name string) string {
	var b strings.Builder
	for _, p := range l.patterns {
		hit, err := path.Match(p, name) // names have no slash, patterns no brackets
		switch {
		case err != nil:
			b.WriteByte('?')
		case hit:
			b.WriteByte('1')
		default:
			b.WriteByte('0')
		}
	}
	return b.String()
}

// said has use take what is said about a host of the group, which ask asks for, and
// hands on, otherwise.
func (g *group) said(ctx context.Context, l *alike, host string, ask func() (dump, error), use func(dump)) error {
	select {
	case g.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	l.fill(g)
	if len(g.samples) < 2 {
		defer func() { <-g.turn }()
		d, err := ask()
		if err == nil {
			g.add(host, d)
		}
		return err
	}
	if g.same {
		// A second pass over the configuration (Match final) looks for the
		// name that the first one found.
		g.samples[0].into(&g.other, host)
		if l.matches(g.other.one("hostname")) == l.matches(g.samples[0].dump.one("hostname")) {
			use(g.other)
			<-g.turn
			return nil
		}
	}
	<-g.turn
	_, err := ask()
	return err
}

// fill makes samples of what the first hosts of the group were told; g.turn is held.
func (l *alike) fill(g *group) {
	if g.filled {
		return
	}
	g.filled = true
	l.mu.Lock()
	first := l.first
	l.mu.Unlock()
	for _, f := range first {
		if l.group(f.a, f.jump) != g {
			continue
		}
		if <-f.done; f.dump != nil {
			g.add(f.a.Host, f.dump)
		}
	}
}

// add takes a sample; g.turn is held.
func (g *group) add(host string, d dump) {
	g.samples = append(g.samples, sample{host, d})
	if len(g.samples) == 2 {
		g.same = maps.EqualFunc(g.samples[0].into(&g.other, host), d, slices.Equal)
	}
}

// into makes other the sample as it would be for another host. Where that is so for
// one host, the sample's name stands only where the host's belongs. What does not
// differ is shared, and stays from one host to the next.
func (s sample) into(other *dump, host string) dump {
	if *other == nil {
		*other = maps.Clone(s.dump)
	}
	for keyword, values := range s.dump {
		if !slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, s.host) }) {
			continue
		}
		mine := make([]string, len(values))
		for i, v := range values {
			mine[i] = strings.ReplaceAll(v, s.host, host)
		}
		(*other)[keyword] = mine
	}
	return *other
}
