package plan

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stet/executors"
	"stet/executors/fake"
	"stet/executors/netstate"
	"stet/runbook"
	"stet/runbook/markdown"
)

// host is an observer whose machine has a name, and a default route.
type host struct {
	observer
	kernel string
	infos  int
}

func (h *host) Info(context.Context) (*executors.Info, error) {
	h.infos++
	return &executors.Info{Hostname: h.t.Name + ".example.net", OS: "linux", Arch: "amd64", Kernel: h.kernel}, nil
}

func hostWith(name, kernel, uplink string) *host {
	s := &netstate.State{
		Interfaces: []netstate.Interface{{Name: uplink, Type: "ethernet", Index: 2, Attrs: netstate.Attrs{"state": "up", "mtu": "1500", "mac-address": "02:00:00:00:00:01"}}},
		Routes: []netstate.Route{{Destination: netip.MustParsePrefix("0.0.0.0/0"), Table: 254, Type: "unicast",
			NextHops: []netstate.NextHop{{Device: uplink, Via: netip.MustParseAddr("192.0.2.1"), Weight: 1}}}},
	}
	return &host{observer: observer{t: executors.Target{Name: name}, m: fake.New(s)}, kernel: kernel}
}

func hosts(kernel string) map[string]executors.Observer {
	return map[string]executors.Observer{"r1": hostWith("r1", kernel, "eth0"), "r2": hostWith("r2", kernel, "ens3")}
}

const factual = front + "\n```netconfig { name=up on=r1,r2 }\ninterfaces:\n  - name: ${target.default4.dev}\n    mtu: ${target.links[target.default4.dev].mtu - 100}\n    alias: ${target.hostname}\n```\n"

func TestFactsAreFilledInForEachTarget(t *testing.T) {
	src := factual + "\n```check\ntarget.kernel startsWith \"6.\"\n```\n\n```sh { run name=say env=\"UPLINK=${target.default4.dev}\" }\necho $STET_TARGET_HOSTNAME $STET_TARGET_NOTHING\n```\n"
	p, ds, err := Build(t.Context(), parse(src), hosts("6.1"), Options{})
	if err != nil || ds.Faults() {
		t.Fatalf("%v %v", err, ds)
	}
	for _, target := range []string{"r1", "r2"} {
		dev := map[string]string{"r1": "eth0", "r2": "ens3"}[target]
		got := netstate.Text(change(p, "up", target))
		for _, want := range []string{dev, "1400", target + ".example.net"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %s in %s", target, want, got)
			}
		}
		if p.Facts[target].Hostname != target+".example.net" {
			t.Errorf("%+v", p.Facts[target])
		}
	}
	want := [][]string{
		{`target.default4.dev = "eth0"`, `target.hostname = "r1.example.net"`},
		{`target.kernel = "6.1"`},
		{`target.default4.dev = "eth0"`, `target.hostname = "r1.example.net"`},
	}
	var got [][]string
	for _, g := range p.Groups {
		for _, s := range g.Steps {
			facts := s.Targets[0].Facts
			if s.Name == "up" { // without all links, which are taken by a computed name
				facts = facts[:2]
			}
			got = append(got, facts)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	// What an operation goes by is in its journal.
	b, err := json.Marshal(p)
	var back runbook.Plan
	if err != nil || json.Unmarshal(b, &back) != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(p.Facts, back.Facts); d != "" {
		t.Error(d)
	}
}

// What was approved is not run when a fact that it uses has changed; a fact that
// it does not use may.
func TestFactsAreInTheHash(t *testing.T) {
	hash := func(src, kernel string) string {
		t.Helper()
		p, ds, err := Build(t.Context(), parse(src), hosts(kernel), Options{})
		if err != nil || ds.Faults() {
			t.Fatalf("%v %v", err, ds)
		}
		return p.Hash
	}
	for name, src := range map[string]string{
		"check":       front + "\n```check\ntarget.kernel != \"\"\n```\n",
		"run()":       front + "\n```check\nrun(\"echo $STET_TARGET_KERNEL\").ok\n```\n",
		"snapshot":    front + "\n```snapshot { name=a }\nrun echo $STET_TARGET_KERNEL\n```\n",
		"run":         front + "\n```sh { run name=a }\necho \"$STET_TARGET_KERNEL\"\n```\n",
		"environment": front + "\n```sh { run name=a env=\"K=${target.kernel}\" }\ntrue\n```\n",
		"rollback":    front + "\n```sh { run name=a }\ntrue\n```\n\n```rollback\necho ${target.kernel}\n```\n",
	} {
		if hash(src, "6.1") == hash(src, "6.12") {
			t.Errorf("%s: the kernel changed, and the hash did not", name)
		}
	}
	if hash(factual, "6.1") != hash(factual, "6.12") {
		t.Error("a fact that is not used is in the hash")
	}
}

func TestMachinesAreNotLookedAtInVain(t *testing.T) {
	all := hosts("6.1")
	if _, _, err := Build(t.Context(), parse(front+block("tune", "", "interfaces: [{name: eth0, mtu: 1400}]\n")), all, Options{}); err != nil {
		t.Fatal(err)
	}
	if n := all["r1"].(*host).infos; n != 0 {
		t.Errorf("asked %d times", n)
	}
}

func TestProblemsWithFactsHavePositions(t *testing.T) {
	for src, want := range map[string]string{
		block("a", "", "interfaces:\n  - name: eth0\n    mtu: ${target.links.eth7.mtu}\n"):       "10:25: r1 has no interface eth7; did you mean eth0?",
		block("a", "", "interfaces:\n  - name: eth0\n    mtu: ${target.kernel}\n"):               "10:10: `mtu`: \"6.1\" is no number",
		"\n```check\ntarget.links.eth7.mtu == 1500\n```\n":                                       "8:14: r1 has no interface eth7",
		"\n```sh { run name=a env=\"V=${target.default6.dev}\" }\ntrue\n```\n":                   "7:20: there was no such default route when the plan was made",
		"\n```sh { run name=a }\ntrue\n```\n\n```rollback\necho ${target.links.eth7.mtu}\n```\n": "12:21: r1 has no interface eth7",
	} {
		p, ds, err := Build(t.Context(), parse(front+src), hosts("6.1"), Options{})
		if err != nil || p != nil || len(ds) != 1 {
			t.Errorf("%s: %v %v", src, err, ds)
			continue
		}
		if got := fmt.Sprintf("%d:%d: %s", ds[0].Start.Line, ds[0].Start.Column, ds[0].Summary); !strings.HasPrefix(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// What a command will see is approved with it: its environment from variables,
// and its text; so are the variables that checks use.
func TestVariablesOfCommandsAreInTheHash(t *testing.T) {
	for name, body := range map[string]string{
		"run":   "\n```sh { run name=a }\necho $mtu\n```\n",
		"check": "\n```check\nlink(\"eth0\").mtu == mtu\n```\n",
	} {
		base := must(t, front+body, Options{}).Hash
		other := must(t, strings.Replace(front, "mtu: 1400", "mtu: 1300", 1)+body, Options{}).Hash
		if base == other {
			t.Errorf("%s: the variable changed, and the hash did not", name)
		}
		if text := strings.Replace(body, "mtu", "  mtu", 1); must(t, front+text, Options{}).Hash == base {
			t.Errorf("%s: the text changed, and the hash did not", name)
		}
	}
	secret := front[:len(front)-4] + "secrets: {token: env:TOKEN}\n---\n"
	one := must(t, secret+"\n```sh { run name=a }\necho $token\n```\n", Options{Secrets: map[string]string{"token": "correct horse"}})
	two := must(t, secret+"\n```sh { run name=a }\necho $token\n```\n", Options{Secrets: map[string]string{"token": "battery staple"}})
	if b, err := json.Marshal(one); err != nil || strings.Contains(string(b), "correct horse") || one.Hash != two.Hash {
		t.Errorf("a secret is in the plan: %v %s", err, b)
	}
}

func parse(src string) *runbook.Document { return markdown.Parse("doc.md", []byte(src)) }
