package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"stet/executors/netstate"
)

// A row of the published page, as a reader finds it.
type pageRow struct {
	line int
	// places are where the key can stand: "interfaces[].bridge.options.stp.priority".
	// "[]" is an entry of a list, "[htb]" one of that kind.
	places []string
	// columns are the cells by the head of the table.
	columns map[string]string
}

var (
	headingLine = regexp.MustCompile("^(#+) (.*?)( ᵉ)?$")
	kindLine    = regexp.MustCompile(`^\*\*([a-z0-9_]+)\*\*: `)
	underLine   = regexp.MustCompile("^Under `([^`]+)`:$")
	entriesLine = regexp.MustCompile("^The entries of `([^`]+)`")
	portsLine   = regexp.MustCompile("^Of its ports, in the entries of `([^`]+)`(?: and of `([^`]+)`)?(?:, or under `([^`]+)` of the port itself)?:$")
	ticked      = regexp.MustCompile("`([^`]+)`")
)

// tablesAt are the places that the tables of a section are about.
var tablesAt = map[string][]string{
	"The parts": {""}, "Every interface": {"interfaces[]."}, "What the driver is told": {"interfaces[]."},
	"Addresses": {"interfaces[].ipv4.address[].", "interfaces[].ipv6.address[]."},
	"Qdiscs":    {"interfaces[].traffic-control.qdiscs[KIND]."}, "Classes": {"interfaces[].traffic-control.classes[]."},
	"Filters": {"interfaces[].traffic-control.filters[KIND]."}, "Actions": {"interfaces[].traffic-control.filters[matchall].actions[KIND]."},
	"Namespaces": {"namespaces[]."}, "Routes": {"routes.config[]."}, "Nexthop objects": {"nexthops[]."}, "MPLS routes": {"mpls-routes[]."},
	"Rules": {"route-rules.config[]."}, "Neighbours": {"neighbors[]."}, "Forwarding entries": {"fdb[]."}, "Multicast databases": {"mdb[]."},
	"Name servers": {"dns-resolver.config."},
	"States":       {"ipsec-xfrm.states[]."}, "Policies": {"ipsec-xfrm.policies[]."}, "Default": {"ipsec-xfrm.default."},
	"Endpoints": {"mptcp.endpoints[]."}, "Limits": {"mptcp.limits."},
	"Traffic control": {"interfaces[].traffic-control."},
}

// notKeys are tables that are about words within a value, not about keys.
var notKeys = []string{"What is left to commands", "Encapsulations", "Large tables"}

// pageRows reads the tables of docs/reference/netconfig.md.
func pageRows(t *testing.T) (rows []pageRow) {
	t.Helper()
	src, err := os.ReadFile("../../../../docs/reference/netconfig.md")
	if err != nil {
		t.Fatal(err)
	}
	var section, kind, last string
	var head []string
	for n, line := range strings.Split(string(src), "\n") {
		switch m := headingLine.FindStringSubmatch(line); {
		case m != nil:
			section, kind, head = m[2], "", nil
		case kindLine.MatchString(line):
			kind = kindLine.FindStringSubmatch(line)[1]
		}
		switch {
		case !strings.HasPrefix(line, "|"):
			if head = nil; line != "" {
				last = line
			}
			continue
		case head == nil:
			head = cells(line)
			continue
		case strings.HasPrefix(line, "|--") || slices.Contains(notKeys, section):
			continue
		}
		row := pageRow{line: n + 1, columns: map[string]string{}}
		for i, cell := range cells(line) {
			row.columns[head[i]] = cell
		}
		key := ticked.FindStringSubmatch(row.columns["key"])
		var before []string
		if key != nil {
			before = placesOf(section, kind, last, row.columns["of"], key[1])
		}
		if before == nil {
			t.Errorf("netconfig.md:%d: it is not clear where the keys of this table stand: %s", n+1, line)
			continue
		}
		for _, b := range before {
			row.places = append(row.places, inLists(b+key[1]))
		}
		rows = append(rows, row)
	}
	return rows
}

// cells are those of a line of a table.
func cells(line string) []string {
	line = strings.ReplaceAll(strings.Trim(line, "|"), `\|`, "\x00")
	var out []string
	for cell := range strings.SplitSeq(line, "|") {
		out = append(out, strings.ReplaceAll(strings.TrimSpace(cell), "\x00", "|"))
	}
	return out
}

// placesOf is what the keys of a table stand behind, by the text before it.
func placesOf(section, kind, last, of, key string) []string {
	const iface = "interfaces[]."
	if of != "" {
		return entriesOf(of)
	}
	if m := underLine.FindStringSubmatch(last); m != nil {
		return []string{iface + m[1] + "."}
	}
	if m := portsLine.FindStringSubmatch(last); m != nil {
		out := []string{iface + m[1] + "[]."}
		if m[2] != "" {
			out = append(out, iface+m[2]+"[].")
		}
		if m[3] != "" && key != "name" {
			out = append(out, iface+m[3]+".")
		}
		return out
	}
	if m := entriesLine.FindStringSubmatch(last); m != nil && section == "Policies" {
		return []string{"ipsec-xfrm.policies[]." + m[1] + "[]."}
	} else if m != nil {
		return []string{iface + m[1] + "[]."}
	}
	if section == "linux-bridge" {
		return []string{iface + "bridge.port[].vlan.", iface + "bridge-port.vlan.", iface + "bridge.vlan."}
	}
	out := slices.Clone(tablesAt[section])
	for i := range out {
		out[i] = strings.ReplaceAll(out[i], "KIND", kind)
	}
	return out
}

// entriesOf are the places of what a table says of qdiscs, classes, filters, or all.
func entriesOf(of string) (out []string) {
	lists := map[string]string{netstate.TCQdisc: "qdiscs", netstate.TCClass: "classes", netstate.TCFilter: "filters"}
	for _, k := range netstate.TCKinds() {
		list := lists[k.Object]
		if list == "" || of != "all" && of != list {
			continue
		}
		kind := k.Name
		if list == "classes" {
			kind = ""
		}
		out = append(out, "interfaces[].traffic-control."+list+"["+kind+"].")
	}
	return out
}

// listsOnPage are keys of the page that are lists of mappings, whose keys the page
// writes behind a dot.
var listsOnPage = []string{"next-hops", "group", "trunk-tags"}

// inLists is a place with the lists on its way.
func inLists(place string) string {
	for _, list := range listsOnPage {
		place = strings.ReplaceAll(place, "."+list+".", "."+list+"[].")
	}
	return place
}
