package check

import (
	"strings"
	"testing"
)

func TestExplanations(t *testing.T) {
	for _, c := range []struct {
		text, err string
		want      []string
	}{
		{`link("br0").mtu == 9000`, "", []string{`link("br0").mtu = 1500`}},
		{`link("br9").up`, "", []string{`link("br9") = br9 does not exist`, `link("br9").up = false`}},
		{`link("tap0").up`, "", []string{`link("tap0") = tap0 tap up (operstate down) mtu 1450`, `link("tap0").up = false`}},
		{`ping("192.0.2.66")`, "", []string{`ping("192.0.2.66") = not ok: 0 of 3 replies, no reply`}},
		{`!ping("192.0.2.9")`, "", []string{`ping("192.0.2.9") = ok: 3 of 3 replies`}},
		{`ping("192.0.2.66").loss == 0 && link("br0").up`, "", []string{`ping("192.0.2.66") = not ok: 0 of 3 replies, no reply`, `ping("192.0.2.66").loss = 100`}},
		{`link("br0").mtu > 1400 && link("eth0").mtu + 100 > 1600 || vlan == 1`, "",
			[]string{`link("br0").mtu = 1500`, `link("eth0").mtu = 1400`, `link("eth0").mtu + 100 = 1500`, `vlan = 130`}},
		{`all(links, .mtu >= 1460)`, "", []string{`.mtu >= 1460 = false for 2 of 4: eth0 (.mtu = 1400); tap0 (.mtu = 1450)`}},
		{`all(hosts, ping(#))`, "", []string{`ping(#) = false for 1 of 2: "192.0.2.66" (ping(#) = not ok: 0 of 3 replies, no reply)`}},
		{`none(routes, .type == "blackhole")`, "", []string{`.type == "blackhole" = true for 1 of 3: blackhole 10.0.0.0/8 metric 50 (.type = "blackhole")`}},
		{`any(addresses, within("10.0.0.0/8", .ip))`, "", []string{`addresses = [lo 127.0.0.1/8, br0 192.0.2.1/24, br0 2001:db8::1/64]`}},
		{`count(links, .type == "veth") == 3`, "", []string{`count(links, .type == "veth") = 1`, `.type == "veth" = true for 1 of 4: eth0 (.type = "veth")`}},
		{`all(links, all(.addresses, .family == 6))`, "", []string{`all(.addresses, .family == 6) = false for 2 of 4: lo (.addresses = [lo 127.0.0.1/8]); br0 (.addresses = [br0 192.0.2.1/24, br0 2001:db8::1/64])`}},
		{`run("nope").out == "x"`, "", []string{`run("nope") = exit 127, out "", err "sh: nope: not found"`, `run("nope").out = ""`}},
		{`1 < ping("192.0.2.9").avg < 5`, "", []string{`ping("192.0.2.9").avg = 0.2`}},
		{`link("${uplink}").alias == "x"`, "", []string{`link("${uplink}").alias = "uplink"`, `uplink = "br0"`}},
		{`sysctl("net.ipv4.ip_forward") == 0`, "", []string{`sysctl("net.ipv4.ip_forward") = "1"`}},
		{`any(routes, .dst == "default" and .dev == "eth7")`, "", nil},
		{`facts.json.list[0] == 2`, "", []string{`facts.json.list[0] = 1`}},
		// what cannot be evaluated
		{`run("uname -r").json.x == 1`, "the output is not JSON", nil},
		{`drain.json.x == 1`, "the output is not JSON", nil},
		{`file("/var/log/big").content contains "x"`, "the file has 1073741824 bytes, and only 5 can be read", nil},
		{`hosts[7] == "x"`, "index out of range: 7", []string{`hosts = ["192.0.2.9", "192.0.2.66"]`}},
		{`nothing.x == 1`, "cannot fetch x from nil", []string{`nothing = nil`}},
		{`nothing > 1`, "", nil},
		{`facts.json.n`, "the assertion came to 7, not to true or false", nil},
		{`ping("broken")`, "pinging broken: no right to send ICMP", nil},
		{`sysctl("net.ipv4.nope") == "1"`, "there is no sysctl net.ipv4.nope", nil},
		{`link("eth0").attr("bridge.options.stp.enabled")`, "eth0 (veth) has no attribute bridge.options.stp.enabled", nil},
		{`run("flood").out == ""`, "longer than 1024 KiB", nil},
		{`within("10.0.0.0/8", site.name)`, `"lab" is no address`, nil},
		{`ping("192.0.2.9", {count: facts.json.list})`, "option count of ping takes a number, not [1, 2]", nil},
		{`reduce(1..60, #acc + #acc, "xxxxxxxxxxxxxxxxxxxxxxxx") == ""`, "MiB of text", nil},
		{`len(1..100000000) > 0`, "memory budget", nil},
		{`fromJSON("{")`, "unexpected end", nil},
	} {
		a := evaluate(t, c.text, lab(), testEnv())[0]
		if a.OK {
			t.Errorf("%s holds", c.text)
		}
		if c.err == "" && c.text != `nothing > 1` && a.Error != "" || !strings.Contains(a.Error, c.err) {
			t.Errorf("%s: error %q, want %q", c.text, a.Error, c.err)
		}
		var got []string
		for _, o := range a.Operands {
			got = append(got, o.Text+" = "+o.Value)
		}
		if c.want != nil && strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s:\n got %q\nwant %q", c.text, got, c.want)
		}
	}
}

// TestMeasured: what holds tells what was compared with a limit, and nothing else.
func TestMeasured(t *testing.T) {
	for text, want := range map[string]string{
		`0 < ping("192.0.2.9").avg < 5`:                                      `ping("192.0.2.9").avg = 0.2`,
		`percent(facts.json.n - 6, facts.json.list[1]) <= 60`:                `percent(facts.json.n - 6, facts.json.list[1]) = 50`,
		`link("br0").mtu > 1000 && link("br0").up && link("br0").mtu < 9000`: `link("br0").mtu = 1500`,
		`link("eth0").mtu < link("br0").mtu`:                                 `link("eth0").mtu = 1400, link("br0").mtu = 1500`,
		`count(links, .mtu > 1450) >= 1`:                                     `count(links, .mtu > 1450) = 2`,
		`all(links, .mtu > 1000)`:                                            ``,
		`link("br0").mtu == 1500`:                                            ``,
		`1 < 2`:                                                              ``,
	} {
		a := evaluate(t, text, lab(), testEnv())[0]
		var got []string
		for _, o := range a.Operands {
			got = append(got, o.Text+" = "+o.Value)
		}
		if !a.OK || strings.Join(got, ", ") != want {
			t.Errorf("%s (%v):\n got %q\nwant %q", text, a.OK, got, want)
		}
	}
}

func TestExplanationsAreRedactedBeforeTheyAreCut(t *testing.T) {
	secret := strings.Repeat("s3cret-", 40)
	env := testEnv()
	env.Vars["token"] = secret
	env.Vars["list"] = []any{"a", map[string]any{"k": secret}}
	p, problems := Compile("token == 'x'\nlist == []\nwithin('10.0.0.0/8', token)\nrun(token)\nall(list, # == token)", env.Names())
	if p == nil {
		t.Fatal(problems)
	}
	redact := func(s string) string { return strings.ReplaceAll(s, secret, "[redacted:token]") }
	list, err := p.Run(t.Context(), lab(), env, Options{Redact: redact})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		text := a.Error
		for _, o := range a.Operands {
			text += o.Value
		}
		if a.OK || strings.Contains(text, "s3cret") || !strings.Contains(text, "[redacted:token]") {
			t.Errorf("%s: %q", a.Text, text)
		}
	}
}

func TestExplanationsOfDifferences(t *testing.T) {
	p := printer(func(s string) string { return strings.ReplaceAll(s, "s3cret", "[redacted:x]") })
	c := changes{Count: 5, Appeared: []string{"br0 alias s3cret", "b", strings.Repeat("c", 100), "d"}, Changed: []string{"lo: mtu 65536 → 60000"}}
	want := "appeared: br0 alias [redacted:x], b, " + strings.Repeat("c", 59) + "…, … 4 in all; changed: lo: mtu 65536 → 60000"
	if got := p.render(c); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := p.render(changes{Empty: true}); got != "no differences" {
		t.Errorf("got %q", got)
	}
	if got := p.render(tcpReply{}); got != "not ok" {
		t.Errorf("got %q", got)
	}
}
