package netyaml

import (
	"bufio"
	"bytes"
	"io"
	"strings"

	"stet/executors/netstate"
	"stet/internal/yaml"
)

// Write is Encode to a writer: a table of a million routes is not first made
// in memory. The error is the writer's.
func Write(to io.Writer, s *netstate.State) error {
	w := bufio.NewWriterSize(to, 64<<10)
	// What bufio cannot write, Flush tells.
	m := &mapping{}
	m.list("namespaces", encodeEach(s.Namespaces, encodeNamespace))
	m.list("interfaces", encodeInterfaces(s))
	m.config("nexthops", encodeEach(s.Nexthops, encodeNexthop))
	_, _ = w.WriteString(m.format())
	writeRoutes(w, s)
	_, _ = w.WriteString(encodeRest(s).format())
	return w.Flush()
}

func (m *mapping) format() string {
	if len(m.pairs) == 0 {
		return ""
	}
	return yaml.Format(m.node())
}

// routesHead is what stands before the entries of routes.
const routesHead = "routes:\n  config:\n"

// writeRoutes writes the routes in their order. Those of a set are written like
// their first one, with another destination.
func writeRoutes(w *bufio.Writer, s *netstate.State) {
	head := false
	known := make([]*routeForm, len(s.RouteSets))
	for own, r := range s.InOrder() {
		var f *routeForm
		if own >= 0 && known[own] != nil {
			f = known[own]
		} else {
			f = formOf(r)
		}
		if own >= 0 {
			known[own] = f
		}
		if f.none {
			continue
		}
		if !head {
			_, _ = w.WriteString(routesHead)
			head = true
		}
		if f.whole != "" {
			_, _ = w.WriteString(formOf(r).whole)
			continue
		}
		_, _ = w.WriteString(f.before)
		_, _ = w.Write(r.Destination.AppendTo(w.AvailableBuffer()))
		_, _ = w.WriteString(f.after)
	}
}

// routeForm is the text of a route around its destination.
type routeForm struct {
	none          bool // it is not written
	before, after string
	whole         string // where the destination is not found in the text
}

func formOf(r *netstate.Route) *routeForm {
	n := encodeRoute(r)
	if n == nil {
		return &routeForm{none: true}
	}
	m := &mapping{}
	c := &mapping{}
	c.list("config", []*yaml.Node{n})
	m.add("routes", c.node())
	text := strings.TrimPrefix(m.format(), routesHead)
	before, after, found := strings.Cut(text, "destination: "+r.Destination.String()+"\n")
	if !found || r.Destination.Addr().Is6() && bytes.HasPrefix([]byte(r.Destination.String()), []byte(":")) {
		return &routeForm{whole: text}
	}
	return &routeForm{before: before + "destination: ", after: "\n" + after}
}
