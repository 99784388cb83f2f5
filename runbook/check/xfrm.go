package check

import (
	"strings"

	"stet/executors/netstate"
)

// xfrmState is a state of IPsec. Keys are not among what it tells.
type xfrmState struct {
	Src      string `expr:"src"`
	Dst      string `expr:"dst"`
	Proto    string `expr:"proto"`
	SPI      string `expr:"spi"`
	Mode     string `expr:"mode"`
	ReqID    int    `expr:"reqid"`
	IfID     int    `expr:"if_id"`
	Mark     string `expr:"mark"`
	Auth     string `expr:"auth"`
	Enc      string `expr:"enc"`
	AEAD     string `expr:"aead"`
	Window   int    `expr:"replay_window"`
	Sent     int    `expr:"oseq"`
	Packets  int    `expr:"packets"`
	Bytes    int    `expr:"bytes"`
	Late     int    `expr:"late"`
	Replayed int    `expr:"replayed"`
	Forged   int    `expr:"forged"`
}

// xfrmPolicy is a policy of IPsec.
type xfrmPolicy struct {
	Dir       string         `expr:"dir"`
	Src       string         `expr:"src"`
	Dst       string         `expr:"dst"`
	Proto     string         `expr:"proto"`
	Action    string         `expr:"action"`
	Priority  int            `expr:"priority"`
	IfID      int            `expr:"if_id"`
	Mark      string         `expr:"mark"`
	Templates []xfrmTemplate `expr:"templates"`
}

// xfrmTemplate is what becomes of the packets of a policy.
type xfrmTemplate struct {
	Src   string `expr:"src"`
	Dst   string `expr:"dst"`
	Proto string `expr:"proto"`
	Mode  string `expr:"mode"`
	ReqID int    `expr:"reqid"`
	Level string `expr:"level"`
}

func (e *evaluator) xfrmStates() ([]xfrmState, error) {
	return listOf(e, "xfrm_states", xfrmStatesOf)
}

func (e *evaluator) xfrmPolicies() ([]xfrmPolicy, error) {
	return listOf(e, "xfrm_policies", xfrmPoliciesOf)
}

func xfrmStatesOf(s *netstate.State) []xfrmState {
	list := []xfrmState{}
	if s == nil {
		return list
	}
	for i := range s.Xfrm {
		x := &s.Xfrm[i]
		if x.Sort != netstate.XfrmState {
			continue
		}
		list = append(list, xfrmState{
			Src: x.Get("src"), Dst: x.Get("dst"), Proto: x.Get("proto"), SPI: x.Get("spi"), Mode: x.Get("mode"),
			ReqID: number(x.Get("reqid")), IfID: number(x.Get("if-id")), Mark: x.Get("mark"),
			Auth: x.Get("auth.name"), Enc: x.Get("enc.name"), AEAD: x.Get("aead.name"), Window: number(x.Get("replay-window")),
			Sent: int(x.Counter("replay-oseq")), Packets: number(x.Status["packets"]), Bytes: number(x.Status["bytes"]),
			Late: number(x.Status["late"]), Replayed: number(x.Status["replayed"]), Forged: number(x.Status["forged"]),
		})
	}
	return list
}

func xfrmPoliciesOf(s *netstate.State) []xfrmPolicy {
	list := []xfrmPolicy{}
	if s == nil {
		return list
	}
	table := netstate.XfrmAttr(netstate.XfrmPolicy, "templates")
	for i := range s.Xfrm {
		x := &s.Xfrm[i]
		if x.Sort != netstate.XfrmPolicy {
			continue
		}
		p := xfrmPolicy{
			Dir: x.Get("dir"), Src: x.Get("src"), Dst: x.Get("dst"), Proto: x.Get("proto"), Action: x.Get("action"),
			Priority: number(x.Get("priority")), IfID: number(x.Get("if-id")), Mark: x.Get("mark"), Templates: []xfrmTemplate{},
		}
		for _, e := range table.Entries(x.Attrs["templates"]) {
			t := map[string]string{}
			for k := range table.Fields {
				t[table.Fields[k].Key] = e.Field(&table.Fields[k])
			}
			p.Templates = append(p.Templates, xfrmTemplate{Src: t["src"], Dst: t["dst"], Proto: t["proto"], Mode: t["mode"], ReqID: number(t["reqid"]), Level: t["level"]})
		}
		list = append(list, p)
	}
	return list
}

func xfrmStateText(x xfrmState) string {
	return strings.Join(nonEmpty(x.Src, "→", x.Dst, x.Proto, x.SPI, x.Mode), " ")
}

func xfrmPolicyText(x xfrmPolicy) string {
	return strings.Join(nonEmpty(x.Dir, x.Src, "→", x.Dst, x.Action), " ")
}

// xfrmStateItem compares what is configured; keys are never told.
func xfrmStateItem(x xfrmState) item {
	key := strings.Join(nonEmpty(x.Src, "→", x.Dst, x.Proto, x.SPI), " ")
	return item{key: key, fields: [][2]string{
		{"mode", x.Mode}, {"reqid", numeral(x.ReqID)}, {"if_id", numeral(x.IfID)}, {"mark", x.Mark},
		{"auth", x.Auth}, {"enc", x.Enc}, {"aead", x.AEAD}, {"replay_window", numeral(x.Window)},
	}}
}

func xfrmPolicyItem(x xfrmPolicy) item {
	key := strings.Join(nonEmpty(x.Dir, x.Src, "→", x.Dst, prefixed("proto ", x.Proto), prefixed("if_id ", numeral(x.IfID))), " ")
	var templates []string
	for _, t := range x.Templates {
		templates = append(templates, strings.Join(nonEmpty(t.Proto, t.Mode, t.Src, "→", t.Dst, prefixed("reqid ", numeral(t.ReqID)), t.Level), " "))
	}
	return item{key: key, fields: [][2]string{
		{"action", x.Action}, {"priority", numeral(x.Priority)}, {"mark", x.Mark}, {"templates", strings.Join(templates, ", ")},
	}}
}
