//go:build linux

package linux

import (
	"context"
	"strings"
	"testing"

	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

// TestNetkitScrub asks for what kernels before 6.13 do not have, and pass over:
// reading back tells.
func TestNetkitScrub(t *testing.T) {
	reason, err := kindLacks(t.Context(), netstate.KindByName("netkit"))
	if err != nil {
		t.Fatal(err)
	}
	if reason != "" {
		t.Skip(reason)
	}
	ns := newNamespace(t)
	const block = "interfaces: [{name: x0, type: netkit, netkit: {peer: y0, scrub: none}}]"
	change := ns.plan(block)
	if _, err := ns.Edit(context.Background(), change.Edits); err != nil {
		t.Fatal(err)
	}
	left := netstate.Verify(change, ns.observe(change.Query()))
	raw, _, err := ns.rawLink(t.Context(), "x0")
	if err != nil {
		t.Fatal(err)
	}
	switch told := raw.data.get(netstate.AttrByKey("netkit.scrub").IFLA) != nil; {
	case told && len(left) > 0:
		t.Errorf("it was not done: %+v", left)
	case !told && (len(left) != 1 || left[0].Key != "netkit.scrub" || left[0].Got != "default"):
		t.Errorf("the kernel has none, and reading back says %+v", left)
	}
}

// TestNetkitSecond refuses the pair's attributes at its second end.
func TestNetkitSecond(t *testing.T) {
	config, problems := netyaml.Decode("interfaces:\n- {name: x0, type: netkit, netkit: {peer: y0}}\n- {name: y0, netkit: {policy: blackhole}}\n")
	if len(problems) > 0 {
		t.Fatalf("%+v", problems)
	}
	_, _, problems = netstate.Simulate(&netstate.State{}, config)
	if len(problems) != 1 || problems[0].Pos.Line != 3 || !strings.HasPrefix(problems[0].Summary, "y0 is the second end of its pair") {
		t.Errorf("%+v", problems)
	}
	config, _ = netyaml.Decode("interfaces: [{name: x0, type: netkit, netkit: {peer: y0, mode: l2, policy: blackhole, peer-scrub: none}}]")
	to, _, problems := netstate.Simulate(&netstate.State{}, config)
	if len(problems) > 0 {
		t.Fatalf("%+v", problems)
	}
	if got, want := netstate.IP(netstate.Diff(&netstate.State{}, to))[0], "ip link add name x0 type netkit mode l2 blackhole peer scrub none name y0"; got != want {
		t.Errorf("the command is %s", got)
	}
}
