package check

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

func TestCompileProblems(t *testing.T) {
	n := Names{
		Vars:      map[string]any{"vlan": 120, "my-var": "x", "unknown": nil},
		Registers: []string{"drain"},
		Snapshots: map[string]string{"before": "routes\nlinks", "all": ""},
	}
	n.Target.Name = "here"
	n.Target.Vars = map[string]any{"rack": "b4"}
	for _, c := range []struct {
		body string
		want []string // "line:column-end summary", a prefix
	}{
		{`link("br0").mtuu == 1500`, []string{"1:13-17 a link has no mtuu; did you mean mtu?"}},
		{`link("br0").mtu`, []string{"1:1-16 the assertion is a number, not true or false"}},
		{"\n# comment\n  lnk(\"br0\").up", []string{"3:3-6 there is no lnk; did you mean link?"}},
		{`ping("192.0.2.1", {cuont: 3, size: "big"})`, []string{"1:20-25 ping has no option cuont; did you mean count?", "1:36-41 option size of ping takes a number, not a string"}},
		{`ping(12)`, []string{"1:6-8 ping takes a string here, not a number"}},
		{`ping()`, []string{"1:1-5 not enough arguments for ping"}},
		{`link("br0").mtu == "1500"`, []string{"1:17-18 a number cannot be compared with a string"}},
		{`link("br0").attr("bridge.options.stp.enable")`, []string{"1:18-45 there is no attribute bridge.options.stp.enable; did you mean bridge.options.stp.enabled?"}},
		{`link("br0").attr("mtu") == "1500"`, []string{"1:25-26 a number cannot be compared with a string"}},
		{`link("br0").attr("alias")`, []string{"1:1-26 the assertion is a string"}},
		{`routes.dst == "x"`, []string{"1:8-11 it is a list, which has no such field"}},
		{`all(routes, .dts == "x")`, []string{"1:14-17 a route has no dts; did you mean dst?"}},
		{`any(routes, .dst == "x")`, []string{`1:21-24 "x" is no destination of a route`}},
		{`before.routs == []`, []string{"1:8-13 a snapshot has no routs; did you mean routes?"}},
		{`diff(before, now).fdb.empty`, []string{"1:19-22 snapshot before does not record fdb"}},
		{`diff(all, now).fdb.empty`, nil},
		{`snapshots.before.fdb == []`, []string{"1:18-21 snapshot before does not record fdb"}},
		{`diff(before, routes).empty`, []string{"1:6-12 diff takes two snapshots"}},
		{`diff(before.routes, now.links).empty`, []string{"1:13-19 diff takes two snapshots"}},
		{`within("10.0.0.0", "x")`, []string{"1:8-18 10.0.0.0 is no prefix"}},
		{`tcp("192.0.2.1")`, []string{"1:5-16 tcp needs a port"}},
		{`sysctl("net. ipv4") == 1`, []string{"1:8-19 sysctl key net. ipv4"}},
		{`sysctl("net.ipv4.ip_forward")`, []string{"1:1-30 the assertion is a string"}},
		{`vlann == 120`, []string{"1:1-6 there is no vlann; did you mean vlan?"}},
		{`vars.vlann == 120`, []string{"1:6-11 there is no vlann here; did you mean vlan?"}},
		{`target.vars.rak == "b"`, []string{"1:13-16 there is no rak here; did you mean rack?"}},
		{`drain.ouput == ""`, []string{"1:7-12 a command output has no ouput; did you mean out?"}},
		{`registers.drian.out == ""`, []string{"1:11-16 there is no drian here; did you mean drain?"}},
		{"link(\"br0\".up\nfals\nping(\"x\")", []string{"1:5-6 the bracket is not closed", "2:1-5 there is no fals"}},
		{`1 +`, []string{"1:4-0 unexpected end"}},
		{"1 ==\n  é +\n\n", []string{"2:6-0 unexpected end"}},
		{`link("br${vlann}").up`, []string{"1:11-16 there is no vlann; did you mean vlan?"}},
		{`link("é${vlann}").up`, []string{"1:10-15 there is no vlann"}},
		{`link("\t${vlann}").up`, []string{"1:6-11 there is no vlann"}},
		{`file("/run/${target}").exists`, []string{"1:14-15 a map has no text"}},
		{`file("/run/${target.links}").exists`, []string{"1:21-22 a map has no text"}},
		{`file("/run/" + string(target.default4)).exists`, []string{"1:30-31 a default route has no text"}},
		{`file("/run/${target.name}").exists`, nil},
		{`link("${").up`, []string{"1:9-10 the ${ in the string is not closed"}},
		{`link(${vlann}).up`, []string{"1:8-13 there is no vlann"}},
		{`a = b`, []string{`1:3-4 unexpected "="`}},
		{`"unterminated`, []string{"1:1-2 a string is not closed"}},
		{`link("é\"'").up == 'x" + 1`, []string{"1:20-21 a string is not closed"}},
		{`now() == 1`, []string{"1:1-4 a state of now is not a function"}},
		{`$env.x`, []string{"1:1-5 there is no $env"}},
		{`link("br0").$attr_bool("x")`, []string{"1:13-23 there is no $attr_bool"}},
		{`my-var == "x"`, []string{"1:1-3 there is no my", "1:4-7 there is no var"}},
		{`link("a").mtuu == 1 && link("b").nmae == "x" && vlan`, []string{"1:11-15 a link has no mtuu", "1:34-38 a link has no nmae", "1:46-47 && takes true or false on both sides, not a number"}},
		{`len(5) == 1`, []string{"1:1-4 len does not take a number"}},
		{`!link("a")`, []string{"1:1-2 ! takes true or false, not a link"}},
		{`routes`, []string{"1:1-7 the assertion is a list of routes"}},
		{`nil`, []string{"1:1-4 the assertion is nil"}},
		{`"x" matches "("`, []string{"1:5-12 error parsing regexp"}},
		{`filter(links, .mtu) == []`, []string{"1:15-16 the condition is a number"}},
		{`link("br0").up()`, []string{"1:13-15 a boolean is not a function"}},
		{`unknown.anything == 1`, nil},
		{"vlan ==\n  vlann", []string{"2:3-8 there is no vlann"}},
		{"all(links, .mtu > 1 and\n\n   .nmae == 'x')", []string{"3:5-9 a link has no nmae"}},
		{strings.Repeat("(", 20000), []string{"1:20000-20001 the bracket is not closed"}},
		{strings.Repeat("!", 20000) + "true", []string{"1:1-20005 the expression is longer than"}},
		{"[" + strings.Repeat("1,", 3000) + "1] == []", []string{"1:"}},
	} {
		p, problems := Compile(c.body, n)
		if (p == nil) != (len(problems) > 0) {
			t.Errorf("%s: program %v with %d problems", short(c.body, 60), p, len(problems))
		}
		var got []string
		for _, pr := range problems {
			got = append(got, fmt.Sprintf("%d:%d-%d %s", pr.Line, pr.Column, pr.EndColumn, pr.Summary))
			if pr.Detail == "" || pr.Code == "" || strings.HasSuffix(pr.Summary, ".") {
				t.Errorf("%s: incomplete problem %+v", short(c.body, 60), pr)
			}
		}
		ok := len(got) == len(c.want)
		for i := range c.want {
			ok = ok && strings.HasPrefix(got[i], c.want[i])
		}
		if !ok {
			t.Errorf("%s:\n got %q\nwant %q", short(c.body, 80), got, c.want)
		}
	}
}

func TestSplit(t *testing.T) {
	body := "a # x\n\n  # only a comment\nb(\n c, # no comment: an element\n d)\ne &&\n# between\n\nf\n`raw\ntext` == 1\n\"# no comment\" == '#'\n// also a comment\ng /* ( */ == 1\nh"
	want := []string{"1:1 a", "4:1 b(\n c, # no comment: an element\n d)", "7:1 e &&\n         \n\nf", "11:1 `raw\ntext` == 1", "13:1 \"# no comment\" == '#'", "14:1 // also a comment", "15:1 g /* ( */ == 1", "16:1 h"}
	var got []string
	for _, l := range split(body) {
		got = append(got, fmt.Sprintf("%d:%d %s", l.row, l.column, l.text))
		if start := []rune(body)[l.offset]; start != []rune(l.text)[0] {
			t.Errorf("offset of %q is wrong", l.text)
		}
	}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestReservedNamesHideOthers(t *testing.T) {
	env := testEnv()
	env.Vars["links"] = "mine"
	env.Vars["count"], env.Vars["type"] = 3, "x"
	body := "len(links) == 4\nvars.links == 'mine'\ncount == 3 and count(links, true) == 4\ntype(type) == 'string' and '${type}' == 'x'"
	for _, a := range evaluate(t, body, lab(), env) {
		if !a.OK {
			t.Errorf("%+v", a)
		}
	}
	for _, name := range []string{"link", "links", "now", "diff", "and", "target"} {
		if !Reserved(name) {
			t.Errorf("%s is not reserved", name)
		}
	}
	hidden := testEnv().Names()
	hidden.Registers = append(hidden.Registers, "tcp")
	if _, ps := Compile("tcp.json == 1", hidden); len(ps) != 1 || !strings.Contains(ps[0].Detail, `Write registers["tcp"]`) {
		t.Errorf("of a register that is hidden: %+v", ps)
	}
	if Reserved("vlan") || Reserved("count") {
		t.Error("vlan is reserved")
	}
}

// goName is a name of this package, which no reader knows.
var goName = regexp.MustCompile(`check\.\w|interface|\\$(record|step|have|verdict)`)

func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		`link("br0").mtu == 1500`, "all(links, .mtu > 1 and\n .up)", `"a${vlan}b" == 'c'`, "${vlan} == 1 # x", "`raw\n${vlan}`", `let x = links; x[0]?.name ?? "y"`,
		`diff(before, now).routes.vanished == []`, `1 < ping("x").avg < 5`, `reduce(1..9, #acc + #, 0) > 1`, `sortBy(links, .mtu)[0].name`, "\"${", "${${}}", "{a: {b: 1}}.a.b == 1",
		`all(links, none(.addresses, .ip == #.network))`, `link("x")?.rx?.bytes == 1`, `"\u{1F600}${vlan}"`, `[1,2,3] | map(# * 2) | sum() == 12`, "a &&\n#\n", `if true { 1 } else { 2 }`,
	} {
		f.Add(seed)
	}
	env := testEnv()
	env.Snapshots = map[string]*Snapshot{"before": {Facts: []string{"routes"}, Spec: "routes"}}
	session := lab()
	f.Fuzz(func(t *testing.T, body string) {
		if len(body) > 2000 {
			t.Skip()
		}
		lines := strings.Split(body, "\n")
		p, problems := Compile(body, env.Names())
		for _, pr := range problems {
			if pr.Line < 1 || pr.Line > len(lines) || pr.Column < 1 || pr.Column > len([]rune(lines[pr.Line-1]))+1 {
				t.Errorf("position %d:%d is outside of %q", pr.Line, pr.Column, body)
			}
			if strings.Contains(pr.Summary, "cannot be compiled") || goName.MatchString(pr.Summary+pr.Detail) {
				t.Errorf("%q: %s (%s)", body, pr.Summary, pr.Detail)
			}
		}
		if p == nil {
			if len(problems) == 0 {
				t.Errorf("%q: neither program nor problems", body)
			}
			return
		}
		list, err := p.Run(t.Context(), session, env, Options{Timeout: 500e6})
		if err != nil {
			t.Errorf("%q: %v", body, err)
		}
		if len(list) != p.Len() {
			t.Errorf("%q: %d assertions of %d", body, len(list), p.Len())
		}
		for _, a := range list {
			if !a.OK && a.Error == "" && strings.Contains(fmt.Sprint(a.Operands), "$") && !strings.Contains(body, "$") {
				t.Errorf("%q: hidden names show: %+v", body, a.Operands)
			}
			if len(a.Operands) > maxOperands || len(a.Error) > 8*maxValue {
				t.Errorf("%q: unbounded explanation", body)
			}
		}
	})
}
