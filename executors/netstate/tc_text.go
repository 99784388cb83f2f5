package netstate

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

func trafficName(t *TrafficControl) string { return "traffic-control " + t.Device }

// trafficEntryName is what an entry is called: "qdisc 1: of eth0".
func trafficEntryName(device string, e *TCEntry) string {
	w := []string{e.Object}
	switch {
	case e.Object == TCFilter:
		w = append(w, "prio", strconv.Itoa(int(e.Priority)), e.Kind, "at", e.Parent)
	case e.Handle != "":
		w = append(w, e.Handle)
	}
	return strings.Join(append(w, "of", device), " ")
}

// trafficEntryText is what an entry is, with its options.
func trafficEntryText(e *TCEntry) string {
	var w []string
	if e.Object == TCFilter {
		w = append(w, "protocol", e.Protocol)
		if e.Chain != 0 {
			w = append(w, "chain", strconv.FormatUint(uint64(e.Chain), 10))
		}
		w = append(w, "handle", e.Handle)
	} else {
		w = append(w, "parent", e.Parent, e.Kind)
	}
	w = append(w, optionText(e.table(), e.Options)...)
	for _, a := range e.Actions {
		w = append(w, "action", a.Kind)
		w = append(w, optionText(TCKindOf(tcActionObject, a.Kind), a.Options)...)
	}
	if e.Unread != "" {
		w = append(w, "("+e.Unread+")")
	}
	return strings.Join(w, " ")
}

func optionText(k *TCKind, o Attrs) []string {
	if k == nil {
		return nil
	}
	list := Attr{Fields: k.Attrs}
	text := list.entryText(Entry(o))
	if text == "" {
		return nil
	}
	return []string{text}
}

// trafficLines are the lines of a diff, one an entry.
func trafficLines(e *Edit) []string {
	device := e.object().Traffic.Device
	if e.Implied {
		if e.Op == Modify {
			return []string{"! filters of " + device + " send packets nowhere"}
		}
		return []string{"- " + trafficName(e.object().Traffic)}
	}
	var lines []string
	for _, s := range e.TCSteps() {
		name := trafficEntryName(device, s.Entry)
		switch {
		case s.Op == Delete && s.All:
			lines = append(lines, "- all filters prio "+strconv.Itoa(int(s.Entry.Priority))+" "+s.Entry.Kind+" at "+s.Entry.Parent+" of "+device)
		case s.Op == Delete:
			lines = append(lines, "- "+name+" "+trafficEntryText(s.Entry))
		case s.Op == Add:
			lines = append(lines, "+ "+name+" "+trafficEntryText(s.Entry))
		default:
			lines = append(lines, "! "+trafficEntryName(device, s.Was)+" "+trafficEntryText(s.Was)+" → "+strings.TrimPrefix(name+" ", trafficEntryName(device, s.Was)+" ")+trafficEntryText(s.Entry))
		}
	}
	return lines
}

// tcCommands are the commands of tc(8) for an edit.
func tcCommands(e *Edit) []string {
	device := e.object().Traffic.Device
	var out []string
	for _, s := range e.TCSteps() {
		out = append(out, words(append([]string{"tc", s.Entry.Object}, s.command(device)...)...))
	}
	return out
}

func (s *TCStep) command(device string) []string {
	e := s.Entry
	verb := map[Op]string{Add: "add", Modify: "change", Delete: "delete"}[s.Op]
	if s.Op == Modify && s.Was.Handle != e.Handle || s.Op == Modify && e.Object == TCFilter {
		verb = "replace"
	}
	w := []string{verb, "dev", device}
	switch {
	case e.Object == TCQdisc && e.Parent == "ingress":
		return append(w, e.Kind)
	case e.Parent == "root" || e.Parent == "ingress" || e.Parent == "egress":
		w = append(w, e.Parent)
	default:
		w = append(w, "parent", e.Parent)
	}
	switch e.Object {
	case TCQdisc:
		w = append(w, "handle", e.Handle)
	case TCClass:
		w = append(w, "classid", e.Handle)
	case TCFilter:
		if e.Chain != 0 {
			w = append(w, "chain", strconv.FormatUint(uint64(e.Chain), 10))
		}
		w = append(w, "protocol", e.Protocol, "prio", strconv.Itoa(int(e.Priority)))
		if !s.All {
			handle := e.Handle
			switch mask, _ := strconv.ParseUint(e.option("mask"), 10, 32); {
			case e.Kind == "u32":
				handle = "::" + handle
			case e.Kind == "fw" && mask != math.MaxUint32:
				handle += "/0x" + strconv.FormatUint(mask, 16)
			}
			w = append(w, "handle", handle)
		}
	}
	if s.Op == Delete {
		if e.Object == TCFilter {
			w = append(w, e.Kind)
		}
		return w
	}
	was := s.Was
	if verb != "change" {
		was = nil
	}
	return append(append(w, e.Kind), e.words(was)...)
}

// words are an entry's options and actions as tc(8) takes them. Of a change, they
// have what is no longer given, too, and not what cannot be changed.
func (e *TCEntry) words(was *TCEntry) []string {
	var w []string
	k := e.table()
	if k == nil {
		return nil
	}
	for _, a := range wordOrder(k) {
		v := e.Options[a.Key]
		if v == a.Default && (e.Object != TCQdisc || a.Key != "default") {
			v = ""
		}
		if was != nil && v == "" && was.Options[a.Key] != "" && was.Options[a.Key] != a.Default && !a.Untold {
			v = a.none()
		}
		switch {
		case v == "", e.Kind == "fw" && a.Key == "mask", e.Kind == "cake" && a.Key == "target": // tc(8) has it from rtt
		case was != nil && e.Object == TCQdisc && a.Set == OnCreate && a.IFLA != 0:
		default:
			w = append(w, optionWords(e, a, v)...)
		}
	}
	for i := range e.Actions {
		w = append(w, e.Actions[i].words()...)
	}
	return w
}

// wordOrder are the options of a kind in an order that tc(8) takes: its u32 wants
// a word behind a mark, its matchall one behind skip_hw, and its flower what is
// behind a VLAN tag before it looks there.
func wordOrder(k *TCKind) []*Attr {
	list := make([]*Attr, 0, len(k.Attrs))
	for i := range k.Attrs {
		list = append(list, &k.Attrs[i])
	}
	rank := func(a *Attr) int {
		switch {
		case a.Type == FlagBit, a.Key == "match", strings.HasPrefix(a.Key, "vlan-"), strings.HasPrefix(a.Key, "cvlan-"):
			return 0
		}
		return 1
	}
	if k.Object == TCFilter {
		slices.SortStableFunc(list, func(a, b *Attr) int { return rank(a) - rank(b) })
	}
	return list
}

// none is how tc(8) says that an option is not set, of those that a change
// otherwise leaves.
func (a *Attr) none() string {
	switch {
	case a.Key == "ce-threshold-selector":
		return "0/0"
	case a.Key == "slot":
		return a.Default
	case a.IFLA == 0: // all of them are said
		return ""
	case a.Default != "":
		return a.Default
	case a.Key == "overhead":
		return "raw"
	case a.Max != 0 && a.Type == Rate:
		return FormatRate(a.Max)
	case a.Max != 0 && a.Type == Time:
		return FormatTime(a.Max * 1000)
	}
	return ""
}

// tcWords are options that tc(8) calls otherwise.
var tcWords = map[string]string{
	"ce-threshold-selector": "ce_threshold_selector", "drop-batch": "drop_batch", "memory-limit": "memory_limit", "ce-threshold": "ce_threshold", "flow-limit": "flow_limit", "initial-quantum": "initial_quantum",
	"refill-delay": "refill_delay", "orphan-mask": "orphan_mask", "low-rate-threshold": "low_rate_threshold", "timer-slack": "timer_slack",
	"horizon-drop": "horizon_drop", "direct-qlen": "direct_qlen", "dst-mac": "dst_mac", "src-mac": "src_mac", "ip-proto": "ip_proto", "src-ip": "src_ip",
	"dst-ip": "dst_ip", "src-port": "src_port", "dst-port": "dst_port", "vlan-id": "vlan_id", "vlan-prio": "vlan_prio", "vlan-ethtype": "vlan_ethtype",
	"cvlan-id": "cvlan_id", "cvlan-prio": "cvlan_prio", "cvlan-ethtype": "cvlan_ethtype", "icmp-type": "type", "icmp-code": "code", "ip-flags": "ip_flags",
	"arp-op": "arp_op", "arp-sip": "arp_sip", "arp-tip": "arp_tip", "arp-sha": "arp_sha", "arp-tha": "arp_tha", "ip-tos": "ip_tos", "ip-ttl": "ip_ttl",
	"tcp-flags": "tcp_flags", "skip-sw": "skip_sw", "skip-hw": "skip_hw", "exceed": "conform-exceed",
}

// switches are options of cake, fq and fq_codel that are a word of their own.
var switches = map[string][2]string{
	"nat": {"nat", "nonat"}, "wash": {"wash", "nowash"}, "ingress": {"ingress", "egress"}, "split-gso": {"split-gso", "no-split-gso"},
	"autorate-ingress": {"autorate-ingress", ""}, "ecn": {"ecn", "noecn"}, "pacing": {"pacing", "nopacing"}, "headdrop": {"headdrop", ""}, "harddrop": {"harddrop", ""},
	"skip-sw": {"skip_sw", ""}, "skip-hw": {"skip_hw", ""}, "horizon-drop": {"horizon_drop", "horizon_cap"},
}

func optionWords(e *TCEntry, a *Attr, v string) []string {
	key := a.Key
	if word, ok := tcWords[key]; ok {
		key = word
	}
	if s, ok := switches[a.Key]; ok {
		return nonEmpty(map[string]string{"true": s[0], "false": s[1]}[v])
	}
	switch {
	case a.Type == Burstsize && strings.HasSuffix(v, tickUnit):
		rate, _ := ParseRate(e.Options[map[string]string{"burst": "rate", "cburst": "ceil", "mtu": "peakrate"}[a.Key]])
		n, _ := Ticks(v, rate)
		v = FormatSize(uint64(float64(n) * tickTime * float64(rate) / 1e9))
	case a.Type == Enum && e.Kind == "cake":
		return []string{v}
	case a.Key == "ip-proto": // hexadecimal in tc(8)
		n, _ := strconv.ParseUint(v, 10, 8)
		v = strconv.FormatUint(n, 16)
	case v == "raw":
		return []string{v}
	case strings.HasPrefix(a.Key, "icmp-"), a.Key == "arp-op": // both decimal in tc(8)
		if m, err := ParseMasked(v, 10, FlowerBits[a.Key]); err == nil && strings.Contains(v, "/") {
			v = fmt.Sprintf("%d/%d", m.Value, m.Mask)
		}
	case a.Key == "match":
		var w []string
		list := strings.Split(v, "; ")
		slices.SortStableFunc(list, func(x, y string) int {
			return compareBools(!strings.HasPrefix(x, "mark"), !strings.HasPrefix(y, "mark"))
		})
		for _, match := range list {
			w = append(append(w, "match"), strings.Fields(match)...)
		}
		return w
	case a.Key == "priomap" && e.Kind == "fq":
		return append([]string{"bands", "3", key}, strings.Fields(v)...)
	case a.Key == "priomap", a.Key == "weights":
		return append([]string{key}, strings.Fields(v)...)
	case e.Kind == "sfq" && a.Key == "max":
		return []string{"redflowlimit", v, key, v} // tc(8) wants one; the kernel does not keep it
	case e.Kind == "netem":
		return netemWords(e, a.Key, v)
	}
	return []string{key, v}
}

// netemWords have what varies, and how much it depends on the one before,
// behind the value.
func netemWords(e *TCEntry, key, v string) []string {
	switch {
	case key == "jitter", strings.HasSuffix(key, "-correlation"), strings.HasPrefix(key, "slot-"), strings.HasPrefix(key, "cell-"), key == "packet-overhead":
		return nil
	case key == "loss-state", key == "loss-gemodel":
		return append([]string{"loss", strings.TrimPrefix(key, "loss-")}, strings.Fields(v)...)
	case key == "rate" && e.option("packet-overhead") == "0" && e.option("cell-size") == "0" && e.option("cell-overhead") == "0":
		return []string{key, v}
	case key == "rate":
		return []string{key, v, e.option("packet-overhead"), e.option("cell-size"), e.option("cell-overhead")}
	case key == "slot":
		return []string{key, v, e.option("slot-max"), "packets", e.option("slot-packets"), "bytes", e.option("slot-bytes")}
	}
	w := []string{key, v}
	if key == "delay" && e.option("jitter") != "0s" {
		w = append(w, e.option("jitter"))
	}
	if c := e.Options[key+"-correlation"]; c != "" && c != "0%" {
		w = append(w, c)
	}
	return w
}

func nonEmpty(w string) []string {
	if w == "" {
		return nil
	}
	return []string{w}
}

func (a *TCAction) words() []string {
	k := TCKindOf(tcActionObject, a.Kind)
	value := func(key string) string {
		if v := a.Options[key]; v != "" || k == nil {
			return v
		}
		return k.Attr(key).Default
	}
	w := []string{"action", a.Kind}
	switch a.Kind {
	case "mirred":
		return append(w, value("direction"), value("action"), "dev", value("dev"))
	case "police":
		for _, key := range []string{"rate", "burst", "mtu", "peakrate", "overhead", "mpu", "linklayer"} {
			if v := value(key); v != "" && v != k.Attr(key).Default {
				w = append(w, key, v)
			}
		}
		return append(w, "conform-exceed", value("exceed")+"/"+value("conform"))
	}
	return w
}
