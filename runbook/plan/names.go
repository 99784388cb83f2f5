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

// namesAt is what the block at index i may refer to on target t.
func namesAt(d *runbook.Document, i int, t executors.Target) check.Names {
	n := check.Names{Vars: Vars(d, t, nil), Snapshots: map[string]string{}, Target: t}
	for j := range d.Blocks[:i] {
		b := &d.Blocks[j]
		if b.Register != "" {
			n.Registers = append(n.Registers, b.Register)
		}
		if b.Kind == runbook.Snapshot {
			n.Snapshots[b.Name] = b.Body
		}
	}
	return n
}
