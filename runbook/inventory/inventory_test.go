package inventory

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// show is an inventory as text: hosts with their variables, then groups.
func show(inv *Inventory) string {
	var b strings.Builder
	for _, h := range inv.Hosts {
		fmt.Fprintf(&b, "%s %v\n", h.Name, h.Vars)
	}
	for _, g := range inv.Groups {
		fmt.Fprintf(&b, "[%s] %s\n", g.Name, strings.Join(g.Hosts, " "))
	}
	return b.String()
}

func said(faults []Fault) string {
	var out []string
	for _, f := range faults {
		word := "fault"
		if f.Warning {
			word = "warning"
		}
		out = append(out, word+" "+f.Error())
	}
	return strings.Join(out, "\n")
}

func TestINI(t *testing.T) {
	tests := []struct{ name, src, want, faults string }{
		{"nothing", "", "[all] \n", ""},
		{"hosts", "b\na # remark\n; remark\n# remark\n\n  c  \n",
			"b map[]\na map[]\nc map[]\n[ungrouped] b a c\n[all] b a c\n", ""},
		{"ranges", "[web]\nr[01:03].lab\nx[a:c] y[1:2]=1\n[db]\ns[8:11:2]:2222\nt[:1]\nu[0:1]v[0:1]\n",
			"r01.lab map[]\nr02.lab map[]\nr03.lab map[]\nxa map[y[1:2]:1]\nxb map[y[1:2]:1]\nxc map[y[1:2]:1]\n" +
				"s8 map[ansible_port:2222]\ns10 map[ansible_port:2222]\nt0 map[]\nt1 map[]\nu0v0 map[]\nu0v1 map[]\nu1v0 map[]\nu1v1 map[]\n" +
				"[web] r01.lab r02.lab r03.lab xa xb xc\n[db] s8 s10 t0 t1 u0v0 u0v1 u1v0 u1v1\n" +
				"[all] r01.lab r02.lab r03.lab xa xb xc s8 s10 t0 t1 u0v0 u0v1 u1v0 u1v1\n", ""},
		{"children and variables", "[edge:children]\nnorth\nsouth # remark\n[north]\nr1\n[south]\nr2 site=own\n" +
			"[edge:vars]\nsite=edge\nvlan = 12\n[south:vars]\nvlan=13\nname=a b # not a remark\n[all:vars]\nsite=all\nmtu=1500\n",
			"r1 map[mtu:1500 site:edge vlan:12]\nr2 map[mtu:1500 name:a b # not a remark site:own vlan:13]\n" +
				"[edge] r1 r2\n[north] r1\n[south] r2\n[all] r1 r2\n", ""},
		{"a deeper group wins", "[a]\nr\n[b]\nr\n[b:vars]\nx=b\n[a:vars]\nx=a\n[top:children]\na\n", "r map[x:a]\n[a] r\n[b] r\n[top] r\n[all] r\n", ""},
		{"the later name wins", "[a]\nr\n[b]\nr\n[b:vars]\nx=b\n[a:vars]\nx=a\n", "r map[x:b]\n[a] r\n[b] r\n[all] r\n", ""},
		{"priority", "[a]\nr\n[b]\nr\n[b:vars]\nx=b\n[a:vars]\nx=a\nansible_group_priority=10\n", "r map[x:a]\n[a] r\n[b] r\n[all] r\n", ""},
		{"quotes and types", `r a=1 b='two words' c="it's \"x\"" d=True e=[1,'x'] f="{'k': 2.5}" g=007 h=0x10 i=None j=no k=a\ b l=-3 m=1_000 n="'q'"` + "\n",
			`r map[a:1 b:two words c:it's "x" d:true e:[1,x] f:map[k:2.5] g:007 h:16 i:<nil> j:no k:a b l:-3 m:1_000 n:q]` + "\n[ungrouped] r\n[all] r\n", ""},
		{"later lines add", "r a=1\n[g]\nr b=2\n", "r map[a:1 b:2]\n[g] r\n[all] r\n", ""},
		{"addresses", "2001:db8::1\n192.0.2.1\n192.0.2.2:22\n", "2001:db8::1 map[]\n192.0.2.1 map[]\n192.0.2.2 map[ansible_port:22]\n[ungrouped] 2001:db8::1 192.0.2.1 192.0.2.2\n[all] 2001:db8::1 192.0.2.1 192.0.2.2\n", ""},
		{"faults, all of them", "r[1\nr[5:1]\nr[01:100]\nr[a:1]\nr[1:2:0]\nr:x\nr a\nr 'a\n[a b]\n[x:what]\nlost\n[v:vars]\nnope\nx=1\n[c:children]\nmissing\nx y\n",
			"r map[]\n[x] \n[v] \n[c] \n[missing] \n[ungrouped] r\n[all] r\n", strings.Join([]string{
				`fault x.ini:1: expanding "r[1": the range has no end`,
				`fault x.ini:2: expanding "r[5:1]": the range begins after its end`,
				`fault x.ini:3: expanding "r[01:100]": [01:100]: 01 and 100 must be of the same length`,
				`fault x.ini:4: expanding "r[a:1]": [a:1] counts neither numbers nor letters`,
				`fault x.ini:5: expanding "r[1:2:0]": the step "0" of the range is no number above 0`,
				`fault x.ini:6: reading the host "r:x": "x" is no port`,
				`fault x.ini:7: "a" is no KEY=VALUE`,
				`fault x.ini:8: a quote in this line is not closed`,
				`fault x.ini:9: "[a b]" is no section: write [GROUP], [GROUP:children] or [GROUP:vars], without blanks`,
				`fault x.ini:10: sections [x:what] are not known: there are :children and :vars`,
				`fault x.ini:13: "nope" is no KEY=VALUE`,
				`fault x.ini:17: "x y" is no name of a group`,
				`fault x.ini:12: [v:vars] is about a group that is nowhere declared; add [v]`,
				`fault x.ini:16: [c:children] names missing, which is nowhere declared; add [missing]`,
			}, "\n")},
		{"a circle", "[a]\nr\n[a:children]\nb\n[b:children]\na\n", "r map[]\n[a] r\n[b] \n[all] r\n", "fault x.ini:4: the group a contains itself, through b"},
		{"too many", "r[0:99999]\nlast\n", "", "fault x.ini:2: expanding \"last\": there are more than 100000 hosts"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inv, faults := Parse("x.ini", []byte(tt.src))
			if d := cmp.Diff(tt.faults, said(faults)); d != "" {
				t.Errorf("faults: %s", d)
			}
			if tt.want == "" {
				if len(inv.Hosts) != maxHosts {
					t.Errorf("%d hosts", len(inv.Hosts))
				}
				return
			}
			if d := cmp.Diff(tt.want, strings.ReplaceAll(show(inv), "[1 x]", "[1,x]")); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestYAML(t *testing.T) {
	tests := []struct{ name, src, want, faults string }{
		{"nothing", "", "[all] \n", ""},
		{"a tree", "all:\n  vars: {mtu: 1500}\n  hosts:\n    lone:\n  children:\n    edge:\n      hosts:\n        r[1:2]: {site: own}\n        r3: {ansible_port: 22}\n" +
			"      vars: {site: edge, on: true}\n      children:\n        deep: {hosts: {r4: null}}\n    core: {hosts: r9}\n",
			"lone map[mtu:1500]\nr1 map[mtu:1500 on:true site:own]\nr2 map[mtu:1500 on:true site:own]\nr3 map[ansible_port:22 mtu:1500 on:true site:edge]\n" +
				"r4 map[mtu:1500 on:true site:edge]\nr9 map[mtu:1500]\n[edge] r1 r2 r3 r4\n[deep] r4\n[core] r9\n[ungrouped] lone\n[all] lone r1 r2 r3 r4 r9\n", ""},
		{"templates", "g:\n  hosts: {r.lab: {a: '{{ b }}.{{ inventory_hostname_short }}', b: x, c: '{{ d }}', d: [1], e: '{{ b | upper }}', f: '{{ g }}', g: '{{ f }}', h: '{{ none }}', i: '{% if %}'}}\n",
			"r.lab map[a:x.r b:x c:[1] d:[1]]\n[g] r.lab\n[all] r.lab\n", strings.Join([]string{
				`warning e: "{{ b | upper }}" is Jinja, which stet does not evaluate; it is left out, on r.lab and maybe others`,
				`warning f: its templates lead in a circle; it is left out, on r.lab and maybe others`,
				`warning g: its templates lead in a circle; it is left out, on r.lab and maybe others`,
				`warning h: its template needs none, which is not set; it is left out, on r.lab and maybe others`,
				`warning i: "{% if %}" is Jinja, which stet does not evaluate; it is left out, on r.lab and maybe others`,
			}, "\n")},
		{"vault", "g:\n  hosts:\n    r: {a: 1}\n  vars:\n    key: !vault |\n      $ANSIBLE_VAULT;1.1;AES256\n      3961\n    raw: !unsafe '{x}'\n    ansible_become_password: hunter2\n",
			"r map[a:1 raw:{x}]\n[g] r\n[all] r\n", "warning x.yml:5: key is encrypted with Ansible Vault, and left out; name it under secrets in the document's front matter\n" +
				"warning ansible_become_password: passwords are not taken from inventories; name it under secrets in the document's front matter"},
		{"vault beside others", "g: {hosts: {r: {a: 1, key: !vault 'x', b: [2, 3], c: {d: !vault 'y', e: 4}}, s: {a: 5}}}\n",
			"r map[a:1 b:[2 3]]\ns map[a:5]\n[g] r s\n[all] r s\n", "warning x.yml:1: key is encrypted with Ansible Vault, and left out; name it under secrets in the document's front matter\n" +
				"warning x.yml:1: c is encrypted with Ansible Vault, and left out; name it under secrets in the document's front matter"},
		{"a plugin", "plugin: aws_ec2\n", "[all] \n", "fault x.yml:1: this is the configuration of a plugin, which stet does not run; use what `ansible-inventory --list --yaml` prints"},
		{"shapes", "a: [1]\nb: {hosts: [x], vars: 3, more: 1}\n'c d': {}\n", "[a] \n[b] \n[all] \n", strings.Join([]string{
			"fault x.yml:1: the group a must have hosts, children and vars, not a list",
			"fault x.yml:2: hosts must be names with a colon after each, not a list",
			"fault x.yml:2: variables are keys with values, not a scalar",
			"warning x.yml:2: more of the group b is neither hosts, children nor vars, and left out",
			`fault x.yml:3: "c d" is no name of a group`,
		}, "\n")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inv, faults := Parse("x.yml", []byte(tt.src))
			if d := cmp.Diff(tt.faults, said(faults)); d != "" {
				t.Errorf("faults: %s", d)
			}
			if d := cmp.Diff(tt.want, show(inv)); d != "" {
				t.Error(d)
			}
		})
	}
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFolders(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"inv/hosts":                "[g]\nr1 a=inventory b=inventory\nr2\n[g:vars]\nb=group\nc=group\nd=group\n[all:vars]\nd=all\n",
		"inv/more.yml":             "h: {hosts: {r3: null}}\n",
		"inv/notes.md":             "[[[\n",
		"inv/group_vars/all.yml":   "c: all-file\ne: all-file\n",
		"inv/group_vars/g/1.yml":   "e: first\nf: first\n",
		"inv/group_vars/g/2":       "f: second\n",
		"inv/host_vars/r1.yaml":    "b: own-file\n",
		"inv/host_vars/r2":         "$ANSIBLE_VAULT;1.1;AES256\n3132\n",
		"inv/host_vars/r3.yml":     "- list\n",
		"inv/host_vars/unused.yml": "{{{\n",
	})
	grouped := "r1 map[a:inventory b:own-file c:all-file d:group e:first f:second]\n" +
		"r2 map[b:group c:all-file d:group e:first f:second]\n"
	want := grouped + "r3 map[c:all-file d:all e:all-file]\n[g] r1 r2\n[h] r3\n[all] r1 r2 r3\n"
	inv, faults := Load(filepath.Join(dir, "inv"))
	if d := cmp.Diff(want, show(inv)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff("warning host_vars/r2: it is encrypted with Ansible Vault, and left out; name secrets in the document's front matter\n"+
		"fault host_vars/r3.yml:1: variables are keys with values, not a list", strings.ReplaceAll(said(faults), filepath.Join(dir, "inv")+"/", "")); d != "" {
		t.Error(d)
	}
	inv, _ = Load(filepath.Join(dir, "inv", "hosts"))
	if d := cmp.Diff(grouped+"[g] r1 r2\n[all] r1 r2\n", show(inv)); d != "" {
		t.Error(d)
	}
}

func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"script": "#!/bin/sh\necho {}\n"})
	if err := os.Chmod(filepath.Join(dir, "script"), 0o755); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/dev/zero": "no regular file", filepath.Join(dir, "none"): "no such file", filepath.Join(dir, "script"): "it is a program",
	} {
		if inv, faults := Load(path); len(faults) != 1 || !strings.Contains(faults[0].Message, want) || len(inv.Hosts) != 0 {
			t.Errorf("%s: %v", path, faults)
		}
	}
}

func TestTargets(t *testing.T) {
	inv, faults := Parse("x.ini", []byte(`
r1 ansible_host=192.0.2.1 ansible_user=ops ansible_port=2222 ansible_become=yes
r2 ansible_host=2001:db8::1 ansible_ssh_user='a@b' ansible_become=True ansible_become_method=su
r3 ansible_connection=local
r4 ansible_connection=network_cli
r5 stet_address=netns://lab ansible_become=1 ansible_become_user=admin
r6:22 ansible_ssh_private_key_file=/k
2001:db8::2 ansible_port=22
`))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	targets, groups, warnings := inv.Targets()
	var got []string
	for _, x := range targets {
		got = append(got, strings.TrimSpace(x.Name+" "+x.Address+" "+x.Become))
	}
	want := []string{
		"r1 ssh://ops@192.0.2.1:2222 sudo", "r2 ssh://a@b@[2001:db8::1]", "r3 local", "r4 network_cli://r4", "r5 netns://lab", "r6 ssh://r6:22",
		"2001:db8::2 ssh://[2001:db8::2]:22",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if len(groups["all"]) != 7 || len(warnings) != 3 {
		t.Errorf("%v %q", groups, warnings)
	}
}

// What templates could grow to is bounded, and so is the time that takes.
func TestTemplatesAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("g:\n  hosts:\n    r:\n      v0: xxxxxxxxxxxxxxxx\n      l0: [1]\n")
	for i := range 40 {
		fmt.Fprintf(&b, "      v%d: '{{ v%d }}{{ v%d }}'\n      l%d: ['{{ l%d }}', '{{ l%d }}']\n", i+1, i, i, i+1, i, i)
	}
	inv, faults := Parse("x.yml", []byte(b.String()))
	if _, ok := inv.Hosts[0].Vars["v5"]; !ok || len(inv.Hosts[0].Vars) > 40 || len(faults) == 0 {
		t.Errorf("%d variables, %d faults", len(inv.Hosts[0].Vars), len(faults))
	}
}

// Parse never panics, is the same each time, and its groups have only hosts
// that are there.
func FuzzParse(f *testing.F) {
	for _, src := range []string{
		"", "[a:children]\nb\n[b:children]\na\n", "r[01:03]:22 a='x y' b=[1,{'c':(2,)}]\n[all:vars]\nx=\"\\u00e9\"\n",
		"[::1]\n2001:db8::1\n[a]\nr[a:c][1:2]\n", "r a=\"\\", "r a={'x':", "r[0:99999][0:99999]\n",
	} {
		f.Add(false, src)
	}
	for _, src := range []string{
		"all:\n  children:\n    g: {hosts: {r[1:3]: {x: '{{ y }}', y: '{{x}}'}}, vars: {k: !vault 'x'}}\n", "a: &a {children: {b: *a}}\n", "_meta: {}\n", "- 1\n",
	} {
		f.Add(true, src)
	}
	f.Fuzz(func(t *testing.T, asYAML bool, src string) {
		path := "x.ini"
		if asYAML {
			path = "x.yml"
		}
		inv, faults := Parse(path, []byte(src))
		again, more := Parse(path, []byte(src))
		if d := cmp.Diff(show(inv)+said(faults), show(again)+said(more)); d != "" {
			t.Fatal(d)
		}
		there := map[string]bool{}
		for _, h := range inv.Hosts {
			there[h.Name] = true
		}
		for _, g := range inv.Groups {
			for _, h := range g.Hosts {
				if !there[h] {
					t.Fatalf("%s is in %s and nowhere else", h, g.Name)
				}
			}
		}
		for _, x := range faults {
			if x.Message == "" || x.Line < 0 || x.Line > len(src)+2 {
				t.Fatalf("%+v", x)
			}
		}
		inv.Targets()
	})
}
