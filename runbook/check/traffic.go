package check

import (
	"strings"

	"stet/executors/netstate"
)

// qdisc is a queueing discipline of traffic control.
type qdisc struct {
	Dev        string            `expr:"dev"`
	Device     string            `expr:"device"`
	Kind       string            `expr:"kind"`
	Handle     string            `expr:"handle"`
	Parent     string            `expr:"parent"`
	Options    map[string]string `expr:"options"`
	Bytes      int               `expr:"bytes"`
	Packets    int               `expr:"packets"`
	Drops      int               `expr:"drops"`
	Overlimits int               `expr:"overlimits"`
	Backlog    int               `expr:"backlog"`
	Queued     int               `expr:"qlen"`
}

// tcClass is a class of a queueing discipline: it has the same fields.
type tcClass qdisc

// tcFilter is a filter of traffic control.
type tcFilter struct {
	Dev      string            `expr:"dev"`
	Device   string            `expr:"device"`
	Kind     string            `expr:"kind"`
	Parent   string            `expr:"parent"`
	Handle   string            `expr:"handle"`
	Protocol string            `expr:"protocol"`
	Priority int               `expr:"priority"`
	Chain    int               `expr:"chain"`
	Options  map[string]string `expr:"options"`
	Actions  []string          `expr:"actions"`
}

func (e *evaluator) qdiscs() ([]qdisc, error) { return listOf(e, "qdiscs", qdiscsOf) }

func (e *evaluator) classes() ([]tcClass, error) { return listOf(e, "classes", classesOf) }

func (e *evaluator) filters() ([]tcFilter, error) { return listOf(e, "filters", filtersOf) }

// traffic calls yield for the entries of a sort.
func traffic(s *netstate.State, object string, yield func(dev string, e *netstate.TCEntry)) {
	if s == nil {
		return
	}
	for i := range s.TrafficControl {
		t := &s.TrafficControl[i]
		for k := range t.Entries {
			if t.Entries[k].Object == object {
				yield(t.Device, &t.Entries[k])
			}
		}
	}
}

func qdiscsOf(s *netstate.State) []qdisc {
	list := []qdisc{}
	traffic(s, netstate.TCQdisc, func(dev string, e *netstate.TCEntry) { list = append(list, qdiscOf(dev, e)) })
	return list
}

func classesOf(s *netstate.State) []tcClass {
	list := []tcClass{}
	traffic(s, netstate.TCClass, func(dev string, e *netstate.TCEntry) { list = append(list, tcClass(qdiscOf(dev, e))) })
	return list
}

func filtersOf(s *netstate.State) []tcFilter {
	list := []tcFilter{}
	traffic(s, netstate.TCFilter, func(dev string, e *netstate.TCEntry) {
		f := tcFilter{
			Dev: dev, Device: dev, Kind: e.Kind, Parent: e.Parent, Handle: e.Handle, Protocol: e.Protocol,
			Priority: int(e.Priority), Chain: int(e.Chain), Options: optionsOf(e), Actions: []string{},
		}
		for _, a := range e.Actions {
			f.Actions = append(f.Actions, strings.TrimSpace(a.Kind+" "+optionsText(a.Options)))
		}
		list = append(list, f)
	})
	return list
}

func qdiscOf(dev string, e *netstate.TCEntry) qdisc {
	return qdisc{
		Dev: dev, Device: dev, Kind: e.Kind, Handle: e.Handle, Parent: e.Parent, Options: optionsOf(e),
		Bytes: number(e.Status["bytes"]), Packets: number(e.Status["packets"]), Drops: number(e.Status["drops"]),
		Overlimits: number(e.Status["overlimits"]), Backlog: number(e.Status["backlog"]), Queued: number(e.Status["qlen"]),
	}
}

// optionsOf are the options of an entry, with those that it has by default.
func optionsOf(e *netstate.TCEntry) map[string]string {
	m := map[string]string{}
	if table := netstate.TCKindOf(e.Object, e.Kind); table != nil {
		for i := range table.Attrs {
			if v := table.Attrs[i].Default; v != "" {
				m[table.Attrs[i].Key] = v
			}
		}
	}
	for key, value := range e.Options {
		m[key] = value
	}
	return m
}

func optionsText(options map[string]string) string {
	var words []string
	for _, key := range sortedKeys(options) {
		words = append(words, key, options[key])
	}
	return strings.Join(words, " ")
}

func qdiscText(q qdisc) string {
	return strings.Join(nonEmpty(q.Dev, q.Kind, q.Handle, prefixed("parent ", q.Parent)), " ")
}

func filterText(f tcFilter) string {
	return strings.Join(nonEmpty(f.Dev, f.Parent, "prio", numeral(f.Priority), f.Kind, f.Handle), " ")
}

// qdiscItem compares what is configured; counters differ always.
func qdiscItem(q qdisc, key string) item {
	return item{key: q.Dev + " " + key, fields: [][2]string{{"kind", q.Kind}, {"handle", q.Handle}, {"parent", q.Parent}, {"options", optionsText(q.Options)}}}
}

func filterItem(f tcFilter) item {
	return item{key: filterText(f), fields: [][2]string{
		{"chain", numeral(f.Chain)}, {"protocol", f.Protocol}, {"options", optionsText(f.Options)}, {"actions", strings.Join(f.Actions, "; ")},
	}}
}
