package markdown

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stet/runbook"
)

const staticINI = `[edge]
r[1:3] ansible_user=ops
[edge:vars]
site=north
[odd]
2001:db8::1
sw1 ansible_connection=ansible.netcommon.network_cli
`

const ownYAML = `targets:
  a: {address: sandbox://a, vars: {x: own}}
  b: sandbox://b
  lab: {members: [a, b], vars: {x: lab, y: lab}}
vars: {mtu: 1400, name: inventory}
`

// from parses a front matter beside inventories.
func from(t *testing.T, front string) *runbook.Document {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"hosts.ini": staticINI, "own.yaml": ownYAML, "bad.ini": "r1 x\n",
		"bad.yaml": "targets:\n  a: nowhere\n  c: sandbox\n  c: local\nwhat: 1\n",
		"nest.yml": "targets: {from: own.yaml, z: local}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Parse(filepath.Join(dir, "doc.md"), []byte("---\n"+front+"\n---\n\n```check { on="+on(front)+" }\ntrue\n```\n"))
}

func on(front string) string {
	_, name, found := strings.Cut(front, "# on ")
	if !found {
		return "all"
	}
	return name
}

func TestFrom(t *testing.T) {
	tests := []struct{ name, front, targets, on, said string }{
		{"ansible", "targets: {from: hosts.ini} # on edge", "r1 ssh://ops@r1 map[ansible_user:ops site:north], r2 ssh://ops@r2 map[ansible_user:ops site:north], r3 ssh://ops@r3 map[ansible_user:ops site:north]", "r1 r2 r3",
			`warning 2:17 hosts.ini: 2001:db8::1 is left out: its name holds ':', so give it another one and its own as ansible_host` + "\n" +
				`warning 2:17 hosts.ini: sw1 is left out: stet has no way to reach a host by ansible_connection=ansible.netcommon.network_cli`},
		{"own", "targets: {from: own.yaml}\nvars: {name: document} # on lab", "a sandbox://a map[mtu:1400 name:inventory x:own y:lab], b sandbox://b map[mtu:1400 name:inventory x:lab y:lab]", "a b", ""},
		{"both, and groups of them", "targets:\n  from: [own.yaml, hosts.ini]\n  z: local\n  some: [lab, r2, z] # on some",
			"z local map[], a sandbox://a map[mtu:1400 name:inventory x:own y:lab], b sandbox://b map[mtu:1400 name:inventory x:lab y:lab], r1 ssh://ops@r1 map[ansible_user:ops site:north], r2 ssh://ops@r2 map[ansible_user:ops site:north], r3 ssh://ops@r3 map[ansible_user:ops site:north]",
			"a b r2 z", "warning 3:20 hosts.ini: 2001:db8::1 is left out: its name holds ':', so give it another one and its own as ansible_host\n" +
				`warning 3:20 hosts.ini: sw1 is left out: stet has no way to reach a host by ansible_connection=ansible.netcommon.network_cli`},
		{"taken", "targets: {a: local, from: own.yaml} # on a", "a local map[], b sandbox://b map[mtu:1400 name:inventory x:lab y:lab]", "a", "error 2:27 own.yaml: the target a is there already"},
		{"missing", "targets: {from: none.ini, a: local} # on a", "a local map[]", "a", "error 2:17 none.ini: no such file or directory"},
		{"bad", "targets: {from: [bad.ini, bad.yaml]} # on r1", "r1 ssh://r1 map[], a nowhere map[], c sandbox map[]", "r1",
			"error 2:18 bad.ini:1: \"x\" is no KEY=VALUE\nerror 2:27 bad.yaml:4: the key \"c\" is already set 1 line above\nerror 2:27 bad.yaml:2: the address \"nowhere\" has no scheme\nerror 2:27 bad.yaml:5: the key \"what\" is not known in the front matter"},
		{"nested", "targets: {from: nest.yml, y: local} # on y", "y local map[]", "y", "error 2:17 nest.yml:1: an inventory names no other one"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := from(t, tt.front)
			var targets, said []string
			for _, x := range d.Meta.Targets {
				targets = append(targets, fmt.Sprintf("%s %s %v", x.Name, x.Address, x.Vars))
			}
			dir := filepath.Dir(d.Path) + "/"
			for _, x := range d.Diagnostics {
				said = append(said, fmt.Sprintf("%s %d:%d %s", x.Severity, x.Start.Line, x.Start.Column, strings.ReplaceAll(x.Summary, dir, "")))
			}
			if diff := cmp.Diff(tt.targets, strings.Join(targets, ", ")); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.said, strings.Join(said, "\n")); diff != "" {
				t.Error(diff)
			}
			if len(d.Blocks) != 1 || strings.Join(d.Blocks[0].On, " ") != tt.on {
				t.Errorf("on %v", d.Blocks[0].On)
			}
			if tt.name == "own" {
				if diff := cmp.Diff([]runbook.Var{{Name: "name", Value: "document"}}, d.Meta.Vars); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestWaveAttributes(t *testing.T) {
	for attrs, want := range map[string]string{
		"parallel=20 batch=1,10%,rest max-failures=5%": "20 [1 10% 100%] 5%",
		"batch=3 max-failures=0":                       "0 [3] 0",
		"parallel=0":                                   "bad-value", "parallel=1001": "bad-value", "parallel=x": "bad-value",
		"batch=0": "bad-value", "batch=101%": "bad-value", "batch=1,": "bad-value", "batch=-1": "bad-value", "batch=+1": "bad-value",
		"max-failures=x": "bad-value", "max-failures=-1": "bad-value", "max-failures=200%": "bad-value",
	} {
		d := Parse("x.md", []byte("---\ntargets: {a: local}\n---\n\n```sh { run "+attrs+" }\ntrue\n```\n"))
		b := d.Blocks[0]
		got := fmt.Sprintf("%d %v %v", b.Parallel, b.Batch, b.MaxFailures)
		if len(d.Diagnostics) > 0 {
			got = d.Diagnostics[0].Code
		}
		if got != want {
			t.Errorf("%s: %s, want %s", attrs, got, want)
		}
	}
}

func TestParallelByDefault(t *testing.T) {
	doc := func(value string) *runbook.Document {
		return Parse("x.md", []byte("---\ntargets: {a: local}\ndefaults: {parallel: "+value+"}\n---\n\n```check\ntrue\n```\n\n```sh { run parallel=3 }\ntrue\n```\n\n```rollback\ntrue\n```\n"))
	}
	d := doc("20")
	if len(d.Diagnostics) > 0 || d.Blocks[0].Parallel != 20 || d.Blocks[1].Parallel != 3 || d.Blocks[2].Parallel != 0 {
		t.Errorf("%v %+v", d.Diagnostics, d.Blocks)
	}
	for _, bad := range []string{"0", "many", "[1]", "1001"} {
		if d := doc(bad); len(d.Diagnostics) != 1 || d.Diagnostics[0].Start.Line != 3 || d.Blocks[0].Parallel != 0 {
			t.Errorf("%s: %v", bad, d.Diagnostics)
		}
	}
}
