package plan

import (
	"stet/executors"
	"stet/runbook"
	"stet/runbook/check"
)

// Vars are the variables of ${…} on a target: those of the front matter, the
// target's own over them, and the secrets. A secret whose value is not given
// stands as [redacted:NAME].
func Vars(d *runbook.Document, t executors.Target, secrets map[string]string) map[string]any {
	vars := documentVars(d)
	for k, v := range t.Vars {
		vars[k] = v
	}
	for _, s := range d.Meta.Secrets {
		if v, ok := secrets[s.Name]; ok {
			vars[s.Name] = v
		} else {
			vars[s.Name] = "[redacted:" + s.Name + "]"
		}
	}
	return vars
}

// documentVars are the variables of the front matter by name.
func documentVars(d *runbook.Document) map[string]any {
	vars := make(map[string]any, len(d.Meta.Vars))
	for _, v := range d.Meta.Vars {
		vars[v.Name] = v.Value
	}
	return vars
}

// scopes knows what the blocks of a document may refer to. It goes through the
// document once, whatever the number of blocks and targets.
type scopes struct {
	d         *runbook.Document
	at        map[string]int // blocks by name
	registers []string       // in their order, as far as before says for each block
	snapshots []int          // blocks
	before    [][2]int       // how many registers and snapshots there are before each block
	vars      map[string]map[string]any
	bodies    map[string]string // of the first so many snapshots, asked for last
	bodiesOf  int
}

func newScopes(d *runbook.Document) *scopes {
	s := &scopes{d: d, at: make(map[string]int, len(d.Blocks)), vars: map[string]map[string]any{}, bodies: map[string]string{}}
	for i := range d.Blocks {
		b := &d.Blocks[i]
		s.before = append(s.before, [2]int{len(s.registers), len(s.snapshots)})
		if _, twice := s.at[b.Name]; !twice {
			s.at[b.Name] = i
		}
		if b.Register != "" {
			s.registers = append(s.registers, b.Register)
		}
		if b.Kind == runbook.Snapshot {
			s.snapshots = append(s.snapshots, i)
		}
	}
	s.before = append(s.before, [2]int{len(s.registers), len(s.snapshots)})
	return s
}

// namesAt is what the block at index i may refer to on target t. It is shared:
// do not change it.
func (s *scopes) namesAt(i int, t executors.Target) check.Names {
	vars, known := s.vars[t.Name]
	if !known {
		vars = Vars(s.d, t, nil)
		s.vars[t.Name] = vars
	}
	registers := s.before[i][0]
	return check.Names{Vars: vars, Registers: s.registers[:registers:registers], Snapshots: s.first(s.before[i][1]), Target: t}
}

// first are the bodies of the first n snapshots by name.
func (s *scopes) first(n int) map[string]string {
	if s.bodiesOf == n {
		return s.bodies
	}
	s.bodiesOf, s.bodies = n, make(map[string]string, n)
	for _, i := range s.snapshots[:n] {
		s.bodies[s.d.Blocks[i].Name] = s.d.Blocks[i].Body
	}
	return s.bodies
}

// namesOf is what a block of the document may refer to on t.
func (s *scopes) namesOf(b *runbook.Block, t executors.Target) check.Names {
	return s.namesAt(s.at[b.Name], t)
}
