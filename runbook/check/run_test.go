package check

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"stet/executors"
	"stet/executors/netstate"
	"stet/runbook"
)

func program(t *testing.T, body string, env Env) *Program {
	t.Helper()
	p, problems := Compile(body, env.Names())
	if p == nil {
		t.Fatal(problems)
	}
	return p
}

func TestFactsAreReadOnceARound(t *testing.T) {
	m := lab()
	p := program(t, "link('br0').exists\nlen(routes) == 3\nall(links, .mtu > 0)\nsysctl('net.ipv4.ip_forward') == 1\nping('192.0.2.9') and ping('192.0.2.9').loss == 0\nrun('true') and run('true').exit == 0", testEnv())
	if _, err := p.Run(t.Context(), m, testEnv(), Options{}); err != nil {
		t.Fatal(err)
	}
	if len(m.observed) != 1 || len(m.probed) != 1 || len(m.ran) != 1 {
		t.Errorf("observed %+v, probed %d, ran %q", m.observed, len(m.probed), m.ran)
	}
	if q := m.observed[0]; !q.Links || !q.Routes || q.Rules || q.FDB || q.Neighbors || len(q.Sysctls) != 1 {
		t.Errorf("query %+v", q)
	}
	// nothing is read for what needs nothing
	m = lab()
	if _, err := program(t, "vlan == 130", testEnv()).Run(t.Context(), m, testEnv(), Options{}); err != nil || len(m.observed) != 0 {
		t.Errorf("observed %+v, %v", m.observed, err)
	}
}

func TestOneUnreadablePartFailsOnlyItsAssertions(t *testing.T) {
	m := lab()
	m.observe = func(q netstate.Query) error {
		if q.FDB {
			return errors.New("operation not permitted")
		}
		return nil
	}
	list, err := program(t, "link('br0').exists\nfdb == []\nlen(fdb) > 0\nlen(routes) == 3", testEnv()).Run(t.Context(), m, testEnv(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"", "reading the network state: operation not permitted", "reading the network state: operation not permitted", ""} {
		if list[i].Error != want || list[i].OK != (want == "") {
			t.Errorf("%+v", list[i])
		}
	}
	if len(m.observed) > 5 {
		t.Errorf("asked %d times", len(m.observed))
	}
}

func TestWithinRetriesWithFreshFacts(t *testing.T) {
	m := lab()
	tries := 0
	m.observe = func(netstate.Query) error {
		if tries++; tries == 4 {
			m.state.Interfaces[2].Attrs["mtu"] = "1500"
		}
		return nil
	}
	var told []runbook.Assertion
	list, err := program(t, "link('eth0').mtu == 1500\nlink('br0').exists", testEnv()).
		Run(t.Context(), m, testEnv(), Options{Within: 10 * time.Second, Every: 5 * time.Millisecond, Retry: func(a runbook.Assertion) { told = append(told, a) }})
	if err != nil || !list[0].OK || list[0].Tries != 4 || list[0].Took <= 0 || !list[1].OK {
		t.Errorf("%+v, %v", list, err)
	}
	if len(told) != 3 || told[0].Text != "link('eth0').mtu == 1500" || told[2].Tries != 3 || len(told[0].Operands) != 1 {
		t.Errorf("told %+v", told)
	}
}

func TestWithinGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		list, err := program(t, "link('eth0').mtu == 1500", testEnv()).Run(t.Context(), lab(), testEnv(), Options{Within: 60 * time.Millisecond, Every: 20 * time.Millisecond})
		if err != nil || list[0].OK || list[0].Tries != 4 || len(list[0].Operands) != 1 {
			t.Errorf("%+v, %v", list, err)
		}
		if took := time.Since(start); took != 60*time.Millisecond {
			t.Errorf("took %s", took)
		}
	})
}

func TestHold(t *testing.T) {
	synctest.Test(t, testHold)
}

func testHold(t *testing.T) {
	m := lab()
	start := time.Now()
	list, err := program(t, "link('br0').exists", testEnv()).Run(t.Context(), m, testEnv(), Options{Hold: 100 * time.Millisecond, Every: 20 * time.Millisecond})
	if err != nil || !list[0].OK || list[0].Tries != 6 || time.Since(start) != 100*time.Millisecond {
		t.Errorf("%+v, %v", list, err)
	}

	m = lab()
	looks := 0
	m.observe = func(netstate.Query) error {
		if looks++; looks == 3 {
			m.state.Interfaces = m.state.Interfaces[:1]
		}
		return nil
	}
	list, err = program(t, "link('br0').exists\nlink('lo').exists", testEnv()).Run(t.Context(), m, testEnv(), Options{Hold: 10 * time.Second, Every: time.Millisecond})
	if err != nil || list[0].OK || !strings.Contains(list[0].Error, "of 10s, then no longer") || !list[1].OK {
		t.Errorf("%+v, %v", list, err)
	}

	// with within, holding may start over
	m = lab()
	looks = 0
	m.observe = func(netstate.Query) error {
		looks++
		m.state.Interfaces[1].Attrs["mtu"] = map[bool]string{true: "1", false: "1500"}[looks == 3]
		return nil
	}
	list, err = program(t, "link('br0').mtu == 1500", testEnv()).Run(t.Context(), m, testEnv(), Options{Hold: 50 * time.Millisecond, Within: 5 * time.Second, Every: 10 * time.Millisecond})
	if err != nil || !list[0].OK || list[0].Error != "" || list[0].Tries < 6 {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestHangingProbe in a bubble, where time goes on when everything waits for it, and
// not while what does not hang is asked.
func TestHangingProbe(t *testing.T) { synctest.Test(t, testHangingProbe) }

func testHangingProbe(t *testing.T) {
	m := lab()
	m.hang = make(chan struct{})
	defer close(m.hang)
	start := time.Now()
	list, err := program(t, "ping('192.0.2.9')\nlink('br0').exists\ntcp('192.0.2.9:22').ok", testEnv()).Run(t.Context(), m, testEnv(), Options{Timeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if list[0].Error != "pinging 192.0.2.9: no answer within 50ms" || !list[1].OK || list[2].Error != "connecting to 192.0.2.9:22: no answer within 50ms" {
		t.Errorf("%+v", list)
	}
	if took := time.Since(start); took != 100*time.Millisecond {
		t.Errorf("took %s", took)
	}
}

func TestEndlessExpressionIsEnded(t *testing.T) {
	start := time.Now()
	list, err := program(t, "let x = 1..3000; all(x, all(x, all(x, # > 0)))\ntrue", testEnv()).Run(t.Context(), lab(), testEnv(), Options{Timeout: 100 * time.Millisecond})
	if err != nil || list[0].OK || !strings.Contains(list[0].Error, "no answer within 100ms") || !list[1].OK {
		t.Errorf("%+v, %v", list, err)
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("interrupted by the operator")
	time.AfterFunc(30*time.Millisecond, func() { cancel(stop) })
	list, err := program(t, "link('br9').exists\ntrue", testEnv()).Run(ctx, lab(), testEnv(), Options{Within: time.Minute, Every: 5 * time.Millisecond})
	if !errors.Is(err, stop) || len(list) != 2 || list[0].OK {
		t.Errorf("%+v, %v", list, err)
	}
	list, err = program(t, "true", testEnv()).Run(ctx, lab(), testEnv(), Options{})
	if err == nil || list[0].OK || list[0].Error == "" {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestMissingRegister(t *testing.T) {
	p := program(t, "drain.out == 'x'\ntrue", testEnv())
	env := testEnv()
	env.Registers = nil
	list, err := p.Run(t.Context(), lab(), env, Options{})
	if err != nil || list[0].Error != "drain has no value: its step has not run" || !list[1].OK {
		t.Errorf("%+v, %v", list, err)
	}
	if got := p.References(); len(got) != 1 || got[0] != "drain" {
		t.Errorf("references %q", got)
	}
}

func TestPanickingSessionIsAFailedAssertion(t *testing.T) {
	m := lab()
	m.reply = func(executors.Probe) (*executors.ProbeReply, error) { panic("wires crossed") }
	list, err := program(t, "ping('x')\ntrue", testEnv()).Run(t.Context(), m, testEnv(), Options{})
	if err != nil || !strings.Contains(list[0].Error, "wires crossed") || !list[1].OK {
		t.Errorf("%+v, %v", list, err)
	}
}

func BenchmarkCompile(b *testing.B) {
	names := testEnv().Names()
	for b.Loop() {
		if _, problems := Compile("link('br0').mtu == 1500\nall(links, .up or .name == 'x')\nping('192.0.2.1').loss == 0", names); problems != nil {
			b.Fatal(problems)
		}
	}
}
