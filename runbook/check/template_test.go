package check

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestExpand(t *testing.T) {
	env := testEnv()
	env.Vars["f"] = 1e6
	env.Vars["half"] = 0.5
	env.Vars["d"] = 90 * time.Second
	env.Vars["count"] = 7
	env.Vars["html"] = []any{"<a&b>"}
	env.Registers["bad"] = &Register{Out: "x\x00y"}
	for text, want := range map[string]string{
		"no template $x $ { }":                "no template $x $ { }",
		"vlan ${vlan} on ${uplink}":           "vlan 130 on br0",
		"$${vlan} $$${vlan}":                  "${vlan} $${vlan}",
		"${ vlan + 1 }":                       "131",
		"${ {'a': {'b': '}'}}.a.b }":          "}",
		`${"}" + '{'}`:                        "}{",
		"${target.name}/${target.host}":       "here/ops@r1",
		"${target.vars.rack}":                 "b4",
		"${vars['my-var']}":                   "x",
		"${drain.out}|${drain.exit}":          "drained 3|0",
		"${facts.json.n}":                     "7",
		"${f} ${half} ${on} ${d}":             "1000000 0.5 true 1m30s",
		"${hosts}":                            `["192.0.2.9","192.0.2.66"]`,
		"${site}":                             `{"name":"lab"}`,
		"${html}":                             `["<a&b>"]`,
		"${count} ${count(hosts, true)}":      "7 2",
		"${upper(uplink)}\r\n${1}":            "BR0\r\n1",
		"${quote(\"it's\")}":                  `'it'\''s'`,
		"${on ? 'yes' : 'no'}":                "yes",
		"${all(hosts, # contains '2')}":       "true",
		"${all(hosts, # contains '2.9')}":     "false",
		"${none(hosts, # == 'x')}":            "true",
		"${within('192.0.2.0/24', hosts[0])}": "true",
		"${'a${vlan}'}":                       "a130",
		"é${\nvlan\n}é":                       "é130é",
		"$":                                   "$",
		"${join(map(hosts, # + '/32'), ' ')}": "192.0.2.9/32 192.0.2.66/32",
	} {
		got, problems := Expand(text, env)
		if got != want || problems != nil {
			t.Errorf("%q: got %q, want %q; %+v", text, got, want, problems)
		}
		if problems := CheckTemplate(text, env.Names()); problems != nil {
			t.Errorf("%q: %+v", text, problems)
		}
	}
}

func TestExpandProblems(t *testing.T) {
	env := testEnv()
	env.Registers["bad"] = &Register{Out: "x\x00y"}
	env.Registers["long"] = &Register{Out: "x", Truncated: true}
	for text, want := range map[string][]string{
		"a ${vlann} b\n  ${uplnk}":   {"1:5-10 there is no vlann; did you mean vlan?", "2:5-10 there is no uplnk; did you mean uplink?"},
		"${vlan":                     {"1:1-3 the ${ is not closed"},
		"é ${}":                      {"1:3-6 the ${} is empty"},
		"${  }":                      {"1:1-6 the ${} is empty"},
		"${vlan +}":                  {"1:9-0 unexpected end of the expression"},
		"${link('br0').mtu}":         {"1:3-7 link is not available in ${…}"},
		"${routes}":                  {"1:3-9 routes is not available in ${…}"},
		"${nothing}":                 {"1:3-10 it has no value (nil)"},
		"${drain}":                   {"1:3-8 it is a register: use .out"},
		"${hosts[9]}":                {"1:3-11 index out of range: 9"},
		"${bad.out}":                 {"1:3-10 it holds a NUL character"},
		"${long.out}":                {"1:3-11 the output is longer than"},
		"${len} x":                   {"1:3-6 len is a function"},
		"${drain.json.n}":            {"1:3-15 the output is not JSON"},
		"${ok":                       {"1:1-3 the ${ is not closed"},
		"x\n\n   ${target.vars.rak}": {"3:18-21 there is no rak here; did you mean rack?"},
		"${1 / 0}":                   {"1:3-8 it is no number"},
	} {
		got, problems := Expand(text, env)
		if got != text {
			t.Errorf("%q came back as %q", text, got)
		}
		var list []string
		for _, p := range problems {
			list = append(list, fmt.Sprintf("%d:%d-%d %s", p.Line, p.Column, p.EndColumn, p.Summary))
			if p.Detail == "" || p.Code == "" {
				t.Errorf("%q: incomplete %+v", text, p)
			}
		}
		ok := len(list) == len(want)
		for i := range want {
			ok = ok && strings.HasPrefix(list[i], want[i])
		}
		if !ok {
			t.Errorf("%q:\n got %q\nwant %q", text, list, want)
		}
	}
}

func TestUnknownTargetIsLenient(t *testing.T) {
	if problems := CheckTemplate("${target.vars.anything} ${later}", Names{Vars: map[string]any{"later": nil}}); problems != nil {
		t.Error(problems)
	}
}

func TestReferences(t *testing.T) {
	for text, want := range map[string][]string{
		"nothing": {},
		"${drain.out} ${vlan} ${registers['a-b'].out} ${registers.c}": {"a-b", "c", "drain", "vlan"},
		"${let x = y; x} ${len(z)} ${target.name}":                    {"y", "z"},
		"${'in ${w}'} $${no} ${broken":                                {"w"},
		"${(} ${ok}":                                                  {"ok"},
	} {
		got := References(text)
		if len(got)+len(want) > 0 && !cmp.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func FuzzExpand(f *testing.F) {
	for _, seed := range []string{"${vlan}", "$${vlan}", "a ${ {'a': '}'}['a'] } b", "${", "${}", "${`}`}", "${\"${vlan}\"}", "${/* } */ vlan}", "$$$${vlan}", "${'\\", "é${vlann}\n${x", "${hosts}"} {
		f.Add(seed)
	}
	env := testEnv()
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2000 {
			t.Skip()
		}
		got, problems := Expand(text, env)
		if problems != nil && got != text {
			t.Errorf("%q came back as %q with problems", text, got)
		}
		if !strings.Contains(text, "${") && got != text {
			t.Errorf("%q became %q", text, got)
		}
		lines := strings.Split(text, "\n")
		for _, p := range problems {
			if p.Line < 1 || p.Line > len(lines) || p.Column < 1 || p.Column > len([]rune(lines[p.Line-1]))+1 {
				t.Errorf("position %d:%d is outside of %q", p.Line, p.Column, text)
			}
		}
		if static := CheckTemplate(text, env.Names()); len(static) > len(problems) {
			t.Errorf("%q: CheckTemplate finds more than Expand: %+v", text, static)
		}
		References(text)
	})
}
