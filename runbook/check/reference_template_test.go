package check

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"stet/executors"
	"stet/runbook"
)

// Every example of the page on ${…} gives what stands behind it, and every
// name that templates have is on the page.
func TestTemplateReference(t *testing.T) {
	data, err := os.ReadFile("../../docs/reference/templates-and-variables.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	env := Env{
		Vars:      map[string]any{"vlan": 120, "uplink": "eth0", "hosts": []any{"192.0.2.9", "192.0.2.10"}, "site": map[string]any{"name": "lab"}},
		Registers: map[string]*Register{"drain": {Out: "drained 3\n"}},
		Facts: &runbook.Facts{
			Hostname: "r1", Release: map[string]string{"id": "debian"}, Default4: runbook.FactRoute{Dev: "eth0", Via: "192.0.2.1"},
			Links: map[string]runbook.FactLink{"eth0": {Name: "eth0", MTU: 1500, Addresses: []runbook.FactAddress{{Prefix: "192.0.2.7/24"}}}},
		},
		Target: executors.Target{Name: "r1", Address: "ssh://ops@r1", Vars: map[string]any{"rack": "b4"}},
	}
	_, examples, _ := strings.Cut(text, "## Examples")
	rows := regexp.MustCompile("(?m)^\\| `(.*)` \\| `(.*)` \\|$").FindAllStringSubmatch(examples, -1)
	if len(rows) < 20 {
		t.Fatalf("only %d examples", len(rows))
	}
	for _, row := range rows {
		got, problems := Expand(row[1], env)
		if got != row[2] || problems != nil {
			t.Errorf("%s: got %q, the page has %q; %+v", row[1], got, row[2], problems)
		}
	}
	for _, name := range []string{"target.name", "target.address", "target.host", "target.vars", "vars", "registers"} {
		if !strings.Contains(text, "| `"+name+"` |") {
			t.Errorf("%s is not on the page", name)
		}
	}
	for _, name := range factKeys() {
		if !strings.Contains(text, "`target."+name+"`") {
			t.Errorf("target.%s is not on the page", name)
		}
	}
	for _, of := range []reflect.Type{reflect.TypeFor[runbook.FactLink](), reflect.TypeFor[runbook.FactAddress](), reflect.TypeFor[runbook.FactRoute]()} {
		for _, field := range structFields(of) {
			if !strings.Contains(text, "`"+field+"`") {
				t.Errorf("field %s of %s is not on the page", field, of)
			}
		}
	}
	for _, f := range functions() {
		if f.anywhere && !strings.Contains(examples, "${"+f.name+"(") {
			t.Errorf("%s has no example", f.name)
		}
	}
	for _, field := range structFields(shown["output"].t) {
		if !strings.Contains(text, "."+field+"`") {
			t.Errorf("field %s of registers is not on the page", field)
		}
	}
}
