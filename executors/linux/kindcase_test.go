//go:build linux

package linux

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

// kindCase is one file of testdata/kinds: what the suite of the kinds does with
// one interface, and iproute2's commands for the same. The file's name is the
// kind's, with what is special about it after an underscore; README.md there
// says what the sections are.
type kindCase struct {
	name, kind string
	setup      []string    // commands that run before, in both namespaces
	block      string      // the netconfig block that makes it
	oracle     []string    // iproute2's commands for the same
	changes    []string    // blocks, applied one after the other
	changed    []string    // iproute2's commands for all of changes
	looks      []string    // more commands whose output is compared
	traffic    bool        // so is what tc(8) says
	ignore     []string    // fields of iproute2's JSON that are not
	unset      []unsetAttr // attributes of the kind that no case can set
	without    string      // why iproute2 cannot say the same
	lacking    string      // why Debian's kernel cannot have it
}

// unsetAttr is an attribute that the suite leaves out.
type unsetAttr struct{ key, reason string }

// kindCases reads every case.
func kindCases(t testing.TB) []*kindCase {
	t.Helper()
	files, err := filepath.Glob("testdata/kinds/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no cases: %v", err)
	}
	var list []*kindCase
	for _, file := range files {
		c, err := readKindCase(file)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		list = append(list, c)
	}
	return list
}

func readKindCase(file string) (*kindCase, error) {
	c, err := readCase(file)
	if err == nil && netstate.KindByName(c.kind) == nil && c.kind != ipsecXfrm && c.kind != multipath {
		return nil, fmt.Errorf("there is no kind %q", c.kind)
	}
	return c, err
}

// readCase reads a file whose kind may be anything.
func readCase(file string) (*kindCase, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c := &kindCase{name: strings.TrimSuffix(filepath.Base(file), ".txtar")}
	c.kind, _, _ = strings.Cut(strings.ReplaceAll(c.name, "fq_codel", "fq.codel"), "_")
	c.kind = strings.ReplaceAll(c.kind, ".codel", "_codel")
	for _, section := range txtar.Parse(text).Files {
		if err := c.section(section.Name, string(section.Data)); err != nil {
			return nil, fmt.Errorf("section %s: %w", section.Name, err)
		}
	}
	if c.block == "" || (len(c.oracle) == 0) == (c.without == "") {
		return nil, fmt.Errorf("want the sections netconfig, and one of iproute2 and without-iproute2")
	}
	return c, nil
}

func (c *kindCase) section(name, data string) (err error) {
	switch name {
	case "setup":
		c.setup = lines(data)
	case "netconfig":
		c.block = data
	case "iproute2":
		c.oracle = lines(data)
	case "change":
		c.changes, err = c.changeBlocks(data)
	case "changed":
		c.changed = lines(data)
	case "look":
		c.looks = lines(data)
	case "ignore":
		for _, line := range lines(data) {
			field, _, _ := strings.Cut(line, ":")
			c.ignore = append(c.ignore, field)
		}
	case "unset":
		for _, line := range lines(data) {
			key, reason, ok := strings.Cut(line, ":")
			if !ok || netstate.AttrByKey(key) == nil && !strings.HasPrefix(key, ipsecXfrm+".") {
				return fmt.Errorf("%q is not KEY: REASON", line)
			}
			c.unset = append(c.unset, unsetAttr{key, strings.TrimSpace(reason)})
		}
	case "without-iproute2":
		c.without = strings.Join(strings.Fields(data), " ")
	case "lacking":
		c.lacking = strings.Join(strings.Fields(data), " ")
	default:
		return fmt.Errorf("there is no such section")
	}
	return err
}

// lines are the command lines of a section: a line that ends in a backslash
// goes on, one that begins with # says something.
func lines(data string) []string {
	var list []string
	for line := range strings.SplitSeq(strings.ReplaceAll(data, "\\\n", " "), "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			list = append(list, line)
		}
	}
	return list
}

// changeBlocks turns "key: value" lines into blocks for the first interface of
// the case: one a line, several keys with " | " between them. A section that
// begins with "interfaces:" or another list is blocks, with "---" between them.
func (c *kindCase) changeBlocks(data string) ([]string, error) {
	if first, _, _ := strings.Cut(strings.TrimSpace(data), "\n"); strings.HasSuffix(first, ":") {
		return strings.Split(data, "\n---\n"), nil
	}
	config, problems := netyaml.Decode(c.block)
	if len(problems) > 0 || len(config.Interfaces) == 0 {
		return nil, fmt.Errorf("the section netconfig comes first, and has an interface: %+v", problems)
	}
	var blocks []string
	for _, line := range lines(data) {
		var b strings.Builder
		fmt.Fprintf(&b, "interfaces:\n- name: %s\n", config.Interfaces[0].Name)
		root := &tree{}
		for part := range strings.SplitSeq(line, " | ") {
			key, value, ok := strings.Cut(part, ": ")
			if !ok {
				return nil, fmt.Errorf("%q is not KEY: VALUE", part)
			}
			root.put(strings.Split(strings.TrimSpace(key), "."), value)
		}
		root.write(&b, "  ")
		blocks = append(blocks, b.String())
	}
	return blocks, nil
}

// tree is a YAML mapping made of dotted keys.
type tree struct {
	keys   []string
	values map[string]string
	below  map[string]*tree
}

func (n *tree) put(path []string, value string) {
	if n.values == nil {
		n.values, n.below = map[string]string{}, map[string]*tree{}
	}
	if !slices.Contains(n.keys, path[0]) {
		n.keys = append(n.keys, path[0])
	}
	if len(path) == 1 {
		n.values[path[0]] = value
		return
	}
	if n.below[path[0]] == nil {
		n.below[path[0]] = &tree{}
	}
	n.below[path[0]].put(path[1:], value)
}

func (n *tree) write(b *strings.Builder, indent string) {
	for _, key := range n.keys {
		if sub := n.below[key]; sub != nil {
			fmt.Fprintf(b, "%s%s:\n", indent, key)
			sub.write(b, indent+"  ")
			continue
		}
		fmt.Fprintf(b, "%s%s: %s\n", indent, key, n.values[key])
	}
}
