package netstate

// TCConfig is traffic-control of an interface (an extension). A list that is
// given replaces; one that is nil was not named: what is there stays, as long
// as what it belongs to does.
type TCConfig struct {
	Pos                      Pos
	Qdiscs, Classes, Filters *[]TCEntryConfig
}

// TCEntryConfig is one entry of a list of a TCConfig.
type TCEntryConfig struct {
	Pos   Pos
	Entry TCEntry
	// At has the places of the keys.
	At map[string]Pos
}

func (c *TCEntryConfig) at(key string) Pos {
	if p, ok := c.At[key]; ok {
		return p
	}
	return c.Pos
}

// list is what is given for a sort of entries.
func (c *TCConfig) list(object string) *[]TCEntryConfig {
	return map[string]*[]TCEntryConfig{TCQdisc: c.Qdiscs, TCClass: c.Classes, TCFilter: c.Filters}[object]
}

// kinds are those that are named, as Query.Kinds has them: "qdisc htb".
func (c *TCConfig) kinds() []string {
	if c == nil {
		return nil
	}
	var out []string
	add := func(object, name string) {
		if k := TCKindOf(object, name); k != nil && k.Module != "" {
			out = append(out, object+" "+name)
		}
	}
	for _, object := range []string{TCQdisc, TCClass, TCFilter} {
		list := c.list(object)
		if list == nil {
			continue
		}
		for i := range *list {
			e := &(*list)[i].Entry
			add(object, e.Kind)
			for n := range e.Actions {
				add(tcActionObject, e.Actions[n].Kind)
			}
		}
	}
	return out
}
