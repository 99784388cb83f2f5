package plan

import (
	"fmt"

	"stet/executors"
	"stet/internal/names"
	"stet/runbook"
)

// twice finds targets of a changing step that are one host under several names.
// A change of the network would meet itself there, which is a fault; a command
// runs as often as the host has names, which is said.
func (b *builder) twice(groups []runbook.Group, observers map[string]executors.Observer) {
	for gi := range groups {
		if groups[gi].Change < 0 {
			continue
		}
		s := &groups[gi].Steps[groups[gi].Change]
		for _, same := range together(s, observers) {
			which := fmt.Sprintf("%s are one host under %d names", names.Short(same, 20), len(same))
			if s.Kind == runbook.Netconfig {
				l := &linter{d: b.d}
				l.add(s.Block.Start, "one-host", fmt.Sprintf("%s would change one host twice: %s", s.Name, which),
					"They are the same network namespace of the same running system. Keep one of the names in on=.")
				b.diags = append(b.diags, l.diags...)
				continue
			}
			b.warn(s, "one-host", fmt.Sprintf("%s runs %d times on one host: %s", s.Name, len(same), which),
				"They are the same network namespace of the same running system. Run refuses that where the user is the same, too. Keep one of the names in on=.")
		}
	}
}

// together are the targets of a step that are in the same place, in the order of
// the first of each.
func together(s *runbook.Step, observers map[string]executors.Observer) [][]string {
	if len(s.Targets) < 2 {
		return nil
	}
	at := make(map[string]int, len(s.Targets))
	var places [][]string
	for _, t := range s.Targets {
		l, ok := observers[t.Target].(executors.Located)
		if !ok {
			continue
		}
		where := l.Location()
		if where == "" {
			continue
		}
		i, known := at[where]
		if !known {
			i = len(places)
			at[where] = i
			places = append(places, nil)
		}
		places[i] = append(places[i], t.Target)
	}
	var same [][]string
	for _, p := range places {
		if len(p) > 1 {
			same = append(same, p)
		}
	}
	return same
}
