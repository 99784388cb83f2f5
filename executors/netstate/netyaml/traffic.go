package netyaml

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"stet/executors/netstate"
	"stet/executors/netstate/netdoc"
	"stet/internal/yaml"
)

// traffic decodes traffic-control of an interface: lists of qdiscs, classes and
// filters whose keys are those of tc(8).
func (d *decoder) traffic(n *yaml.Node, i *netstate.InterfaceConfig) {
	t := &netstate.TCConfig{Pos: pos(n)}
	list := func(object string, to **[]netstate.TCEntryConfig) func(*yaml.Node) {
		return func(v *yaml.Node) {
			entries := []netstate.TCEntryConfig{}
			d.list(v, "`"+listKeys[object]+"`", func(item *yaml.Node) {
				if e := d.trafficEntry(item, object); e != nil {
					entries = append(entries, *e)
				}
			})
			*to = &entries
		}
	}
	d.mapping(n, "`traffic-control`", fields{
		"qdiscs":  {decode: list(netstate.TCQdisc, &t.Qdiscs)},
		"classes": {decode: list(netstate.TCClass, &t.Classes)},
		"filters": {decode: list(netstate.TCFilter, &t.Filters)},
	})
	i.Traffic = t
}

var listKeys = map[string]string{netstate.TCQdisc: "qdiscs", netstate.TCClass: "classes", netstate.TCFilter: "filters"}

// trafficEntry decodes one qdisc, class or filter; nil if it has faults.
func (d *decoder) trafficEntry(n *yaml.Node, object string) *netstate.TCEntryConfig {
	if object != netstate.TCClass && d.takesKinds(n, kindNames(object), func(v *yaml.Node) { d.trafficEntry(v, object) }) {
		return nil
	}
	c := &netstate.TCEntryConfig{Pos: pos(n), At: map[string]netstate.Pos{}}
	c.Entry.Object, c.Entry.Options = object, netstate.Attrs{}
	faults := len(d.problems)
	k := d.trafficKind(n, object, &c.Entry)
	if k == nil {
		return nil
	}
	known := d.trafficPlace(c)
	d.options(known, k, c.Entry.Options, c.At)
	if object == netstate.TCFilter {
		known["actions"] = field{decode: func(v *yaml.Node) { d.actions(v, c) }}
	}
	d.mapping(n, "a "+object+" of kind "+k.Name, known)
	d.needs(n, k, c.Entry.Options, "a "+object)
	d.trafficWhole(n, c)
	if len(d.problems) > faults {
		return nil
	}
	return c
}

// trafficKind is the table of an entry.
func (d *decoder) trafficKind(n *yaml.Node, object string, e *netstate.TCEntry) *netstate.TCKind {
	if n.Kind != yaml.Mapping {
		d.fail(n, "wrong-type", "a "+object+" is a mapping, not a "+n.Kind.String(), "Write `key: value` lines.")
		return nil
	}
	e.Kind = map[string]string{netstate.TCClass: "htb"}[object]
	if v := n.Get("kind"); v != nil {
		text, ok := d.text(v, "`kind`")
		if !ok && !d.probing {
			return nil
		}
		if e.Kind = text; d.probing {
			e.Kind = v.Value
		}
	}
	k := d.kind(n, object, e.Kind)
	return k
}

// kind looks a kind up, and says which there are.
func (d *decoder) kind(n *yaml.Node, object, name string) *netstate.TCKind {
	k := netstate.TCKindOf(object, name)
	if k != nil {
		return k
	}
	at := n.Get("kind")
	if at == nil {
		d.fail(n, "missing-key", "a "+object+" without `kind`", "Add `kind:`.")
		return nil
	}
	d.unknownName(at, "unknown-kind", "unknown kind `"+name+"` of "+map[bool]string{true: "an ", false: "a "}[object == "action"]+object, kindNames(object))
	return nil
}

// kindNames are the kinds of qdiscs, classes, filters or actions.
func kindNames(object string) []string {
	var names []string
	for _, k := range netstate.TCKinds() {
		if k.Object == object {
			names = append(names, k.Name)
		}
	}
	return names
}

// trafficPlace are the keys that say where an entry is.
func (d *decoder) trafficPlace(c *netstate.TCEntryConfig) fields {
	e := &c.Entry
	set := func(key string, parse func(string) (string, error), to *string) field {
		return field{decode: func(v *yaml.Node) {
			c.At[key] = pos(v)
			scalar(d, key, parse, func(s string) { *to = s })(v)
		}}
	}
	known := fields{
		"kind":   {decode: func(v *yaml.Node) { c.At["kind"] = pos(v) }},
		"parent": set("parent", parseTCParent, &e.Parent),
	}
	switch e.Object {
	case netstate.TCQdisc:
		known["handle"] = set("handle", parseTCQdisc, &e.Handle)
	case netstate.TCClass:
		known["classid"] = set("classid", parseTCClass, &e.Handle)
	default:
		known["handle"] = set("handle", func(text string) (string, error) { return parseTCFilter(e.Kind, text) }, &e.Handle)
		known["protocol"] = set("protocol", parseTCProtocol, &e.Protocol)
		known["prio"] = field{decode: func(v *yaml.Node) {
			c.At["prio"] = pos(v)
			scalar(d, "prio", parseUint(1, 65535), func(n uint64) { e.Priority = uint16(n) })(v)
		}}
		known["chain"] = field{decode: scalar(d, "chain", parseUint(0, 1<<28-1), func(n uint64) { e.Chain = uint32(n) })}
	}
	return known
}

// options adds the keys of a kind's table.
func (d *decoder) options(known fields, k *netstate.TCKind, o netstate.Attrs, at map[string]netstate.Pos) {
	for n := range k.Attrs {
		a := &k.Attrs[n]
		known[a.Key] = field{needed: slices.Contains(k.Needs, a.Key), decode: func(v *yaml.Node) {
			at[a.Key] = pos(v)
			if a.Key == "match" {
				d.matches(v, o)
				return
			}
			text, ok := d.optionText(v, k, a)
			if !ok {
				return
			}
			if canonical, ok := d.canonical(v, a, tcDoc(k, a.Key), a.Key, text); ok && canonical != "" {
				o[a.Key] = canonical
			}
		}}
	}
}

// optionText is the text of an option, with what people write for numbers.
func (d *decoder) optionText(n *yaml.Node, k *netstate.TCKind, a *netstate.Attr) (string, bool) {
	switch a.Key {
	case "priomap", "weights":
		return d.bands(n, k, a.Key)
	case "loss-state", "loss-gemodel":
		return d.shares(n, a.Key)
	}
	text, ok := d.attrText(n, a, a.Key)
	if !ok {
		return "", false
	}
	if tcNanoseconds[a.Key] && strings.Trim(text, "0123456789.") == "" && strings.Trim(text, "0.") != "" {
		d.fail(n, "bad-value", "`"+a.Key+"`: "+text+" is nanoseconds for tc(8), and microseconds for its manual", "Write the unit: `"+text+"ns`, or `"+text+"us`.")
		return "", false
	}
	if k.Name == "sfq" && a.Key == "quantum" { // the one of all that tc(8) takes as a size
		if size, err := netstate.ParseSize(text); err == nil {
			text = strconv.FormatUint(size, 10)
		}
	}
	var err error
	if k.Name == "flower" {
		if text, _, err = netstate.CanonicalFlower(a.Key, text); err != nil {
			d.fail(n, "bad-value", "`"+a.Key+"`: "+err.Error(), "Correct the value. "+netdoc.Key(tcDoc(k, a.Key)))
			return "", false
		}
	}
	switch a.Key {
	case "classid":
		text, err = parseTCClass(text)
	case "probability":
		var p uint32
		p, err = netstate.ParseProbability(text)
		text = netstate.FormatProbability(p)
	case "ip-proto":
		var p uint8
		p, err = parseIPProtocol(text)
		text = strconv.Itoa(int(p))
	case "ce-threshold-selector":
		var m netstate.Masked
		m, err = netstate.ParseMasked(text, 10, 8)
		text = m.Text(true)
	case "vlan-ethtype", "cvlan-ethtype":
		text, err = parseTCProtocol(text)
	case "src-ip", "dst-ip", "arp-sip", "arp-tip":
		if strings.Contains(text, ",") {
			d.fail(n, "bad-value", "`"+a.Key+"` is one prefix", "Write a filter for each.")
			return "", false
		}
	}
	if err != nil {
		d.fail(n, "bad-value", "`"+a.Key+"`: "+err.Error(), "Correct the value. "+netdoc.Key(tcDoc(k, a.Key)))
	}
	return text, err == nil
}

// tcNanoseconds are times of which tc(8) takes a bare number for nanoseconds.
var tcNanoseconds = map[string]bool{"timer-slack": true, "slot": true, "slot-max": true}

// bands is a list of sixteen bands, or of the weights of three.
func (d *decoder) bands(n *yaml.Node, k *netstate.TCKind, key string) (string, bool) {
	var words []string
	if n.Kind == yaml.Sequence {
		for _, item := range n.Items {
			words = append(words, item.Value)
		}
	} else {
		words = strings.Fields(n.Value)
	}
	count, least, most := 16, uint64(0), uint64(15)
	what, help := "sixteen numbers from 0 to 15", "Write one band for each priority, `[1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]`."
	switch {
	case key == "weights":
		count, least, most = 3, 16384, math.MaxInt32 // FQ_MIN_WEIGHT
		what, help = "three numbers from 16384 to 2147483647", "Write one for each band, `[589824, 196608, 65536]`."
	case k.Name == "fq":
		most, what = 2, "sixteen numbers from 0 to 2"
	}
	ok := len(words) == count
	for _, w := range words {
		v, err := strconv.ParseUint(w, 10, 32)
		ok = ok && err == nil && least <= v && v <= most
	}
	if !ok {
		d.fail(n, "bad-value", "`"+key+"` is not "+what, help)
	}
	return strings.Join(words, " "), ok
}

// shares are the percentages of a model of loss. Those at its end that are not
// given are what tc-netem(8) says of them.
func (d *decoder) shares(n *yaml.Node, key string) (string, bool) {
	words := strings.Fields(n.Value)
	if n.Kind == yaml.Sequence {
		words = nil
		for _, item := range n.Items {
			words = append(words, item.Value)
		}
	}
	usual := map[string][]string{"loss-state": {"", "", "0%", "100%", "0%"}, "loss-gemodel": {"", "", "100%", "0%"}}[key]
	ok := 1 <= len(words) && len(words) <= len(usual)
	for i, w := range words {
		v, err := netstate.ParsePercent(w)
		if ok = ok && err == nil; ok {
			usual[i] = netstate.FormatPercent(v)
			if i == 0 {
				share, _ := strconv.ParseFloat(strings.TrimSuffix(w, "%"), 64) // it is a percentage
				usual[1] = netstate.FormatPercent(uint32(math.RoundToEven((1 - share/100) * math.MaxUint32)))
			}
		}
	}
	if !ok {
		d.fail(n, "bad-value", fmt.Sprintf("`%s` is not one to %d percentages", key, len(usual)), "Write them in the order of tc-netem(8), `[1%, 90%]`.")
	}
	return strings.Join(usual, " "), ok
}

// needs reports the keys that a kind cannot be without.
func (d *decoder) needs(n *yaml.Node, k *netstate.TCKind, o netstate.Attrs, what string) {
	for _, key := range k.Needs {
		if o[key] == "" && n.Get(key) == nil {
			d.fail(n, "missing-key", what+" of kind "+k.Name+" without `"+key+"`", "Add `"+key+":`. "+netdoc.Key(tcDoc(k, key)))
		}
	}
}

// trafficWhole fills in what follows, and looks for what is missing.
func (d *decoder) trafficWhole(n *yaml.Node, c *netstate.TCEntryConfig) {
	e := &c.Entry
	onIngress := e.Kind == "ingress" || e.Kind == "clsact"
	switch {
	case e.Object == netstate.TCQdisc && onIngress:
		if e.Parent == "" || e.Parent == "ffff:fff1" {
			e.Parent = "ingress"
		}
		if e.Handle == "" {
			e.Handle = "ffff:"
		}
	case e.Object == netstate.TCQdisc && e.Parent == "":
		e.Parent = "root"
	case e.Object == netstate.TCClass && (n.Get("classid") == nil || n.Get("parent") == nil):
		d.fail(n, "missing-key", "a class without `classid` or `parent`", "Add both, as in `tc class add`.")
	case e.Object == netstate.TCFilter:
		if e.Parent == "" && n.Get("parent") == nil {
			d.fail(n, "missing-key", "a filter without `parent`", "Add the handle of a qdisc, or `ingress` or `egress`.")
		}
		if e.Priority == 0 && n.Get("prio") == nil {
			d.fail(n, "missing-key", "a filter without `prio`", "Give each filter its priority, from 1: the least comes first.")
		}
		if e.Protocol == "" {
			e.Protocol = "all"
		}
		if e.Kind == "fw" && e.Handle == "" && n.Get("handle") == nil {
			d.fail(n, "missing-key", "a filter of kind fw without `handle`", "Its handle is the mark that it matches.")
		}
		d.flowerWhole(n, e)
	}
	if e.Object == netstate.TCQdisc {
		d.qdiscWhole(n, e)
	}
}

// qdiscWhole looks at what the kernel would cut off, or refuse, because of what
// else is said.
func (d *decoder) qdiscWhole(n *yaml.Node, e *netstate.TCEntry) {
	number := func(key, unset string) uint64 {
		text := e.Options[key]
		if text == "" {
			text = unset
		}
		v, _ := strconv.ParseUint(text, 10, 32) // it is canonical
		return v
	}
	fault := func(key, summary, detail string) {
		at := n
		if v := n.Get(key); v != nil {
			at = v
		}
		d.fail(at, "contradiction", summary, detail)
	}
	switch e.Kind {
	case "prio":
		map16 := e.Options["priomap"]
		if map16 == "" {
			map16 = netstate.TCKindOf(netstate.TCQdisc, "prio").Attr("priomap").Default
		}
		bands := number("bands", "3")
		for _, band := range strings.Fields(map16) {
			if v, _ := strconv.ParseUint(band, 10, 8); v >= bands {
				fault("bands", "`priomap` names band "+band+", and there are "+strconv.FormatUint(bands, 10), "Bands count from 0: give a `priomap` that has only those that there are.")
				return
			}
		}
	case "sfq":
		if flows, most := number("flows", "128"), number("divisor", "1024"); flows > most {
			fault("flows", "`flows` is "+strconv.FormatUint(flows, 10)+", and `divisor` "+strconv.FormatUint(most, 10), "The kernel tells no more flows apart than the hash table has places.")
		}
		if _, key, summary := netstate.REDOf(e.Options); summary != "" {
			fault(key, summary, "RED begins to drop at `min` and is sure to at `max`, a quarter of `redflowlimit` and a third of that if they are not given.")
		}
		if limit, most := number("limit", "127"), number("flows", "128")*number("depth", "127"); limit > most {
			fault("limit", "`limit` is "+strconv.FormatUint(limit, 10)+", and `flows` times `depth` is "+strconv.FormatUint(most, 10), "Give less, or more `flows`.")
		}
	case "fq_codel":
		if e.Options["ce-threshold-selector"] != "" && e.Options["ce-threshold"] == "" {
			fault("ce-threshold-selector", "`ce-threshold-selector` needs `ce-threshold`", "Add it.")
		}
	case "netem":
		d.netemWhole(n, e, fault)
	case "tbf":
		if e.Options["burst"] == "0b" {
			fault("burst", "a `burst` of nothing lets nothing pass", "Give the size of a packet, at least.")
		}
		wait, errWait := netstate.ParseTime(e.Options["latency"])
		rate, errRate := netstate.ParseRate(e.Options["rate"])
		if errWait == nil && errRate == nil && float64(wait)*float64(rate)/1e9 >= 1<<32 {
			fault("latency", "in `latency`, more than 4 GiB pass at this rate", "Give less, or a `limit`.")
		}
	}
}

// netemWhole looks at what of netem goes with what.
func (d *decoder) netemWhole(n *yaml.Node, e *netstate.TCEntry, fault func(key, summary, detail string)) {
	o := e.Options
	models := 0
	for _, key := range []string{"loss", "loss-state", "loss-gemodel"} {
		if o[key] != "" && o[key] != "0%" {
			if models++; models > 1 {
				fault(key, "`"+key+"` is another model of loss than the one above", "Give one of `loss`, `loss-state` and `loss-gemodel`.")
			}
		}
	}
	least, _ := netstate.ParseTime(o["slot"]) // they are canonical, or not given
	most, _ := netstate.ParseTime(o["slot-max"])
	if n.Get("slot-max") != nil && most < least {
		fault("slot-max", "`slot-max` is less than `slot`", "Give more, or leave it out.")
	}
	if o["slot"] != "" && o["slot-max"] == "" {
		o["slot-max"] = o["slot"]
	}
	for _, key := range []string{"slot-max", "slot-packets", "slot-bytes"} {
		if o[key] != "" && o["slot"] == "" {
			fault(key, "`"+key+"` needs `slot`", "Add it.")
		}
	}
}

// flowerWhole looks at what depends on protocols.
func (d *decoder) flowerWhole(n *yaml.Node, e *netstate.TCEntry) {
	if e.Kind != "flower" {
		return
	}
	o := e.Options
	for _, key := range []string{"src-ip", "dst-ip", "arp-sip", "arp-tip"} {
		v, ether := o[key], netstate.FlowerEthType(e)
		if v != "" && strings.Contains(v, ":") != (ether == "ipv6") {
			d.fail(n.Get(key), "contradiction", "`"+key+"` "+v+" does not go with `protocol: "+ether+"`", "Write `protocol: ip` for IPv4 and `protocol: ipv6` for IPv6.")
		}
	}
	d.flowerNeeds(n, e)
}

// flowerNeeds says what an option of flower cannot be without.
func (d *decoder) flowerNeeds(n *yaml.Node, e *netstate.TCEntry) {
	o, ether := e.Options, netstate.FlowerEthType(e)
	need := func(holds bool, what string, keys ...string) {
		for _, key := range keys {
			if o[key] != "" && !holds {
				d.fail(n.Get(key), "contradiction", "`"+key+"` needs "+what, "Add it.")
			}
		}
	}
	ip, proto := ether == "ip" || ether == "ipv6", o["ip-proto"]
	tagged := func(protocol string) bool { return protocol == "802.1q" || protocol == "802.1ad" }
	need(ip, "`protocol: ip` or `protocol: ipv6`", "ip-proto", "ip-tos", "ip-ttl")
	need(proto == "6" || proto == "17" || proto == "132", "`ip-proto` tcp, udp or sctp", "src-port", "dst-port")
	need(proto == "1" && ether == "ip" || proto == "58" && ether == "ipv6", "`ip-proto: icmp` with `protocol: ip`, or `ip-proto: icmpv6` with `protocol: ipv6`", "icmp-type", "icmp-code")
	need(ether == "arp" || ether == "0x8035", "`protocol: arp`", "arp-op", "arp-sip", "arp-tip", "arp-sha", "arp-tha")
	need(tagged(e.Protocol), "`protocol: 802.1q` or `protocol: 802.1ad`", "vlan-id", "vlan-prio", "vlan-ethtype")
	need(tagged(e.Protocol) && tagged(o["vlan-ethtype"]), "`vlan-ethtype: 802.1q` or `vlan-ethtype: 802.1ad`", "cvlan-id", "cvlan-prio", "cvlan-ethtype")
}

// actions decodes the actions of a filter. One without options may be a word.
func (d *decoder) actions(n *yaml.Node, c *netstate.TCEntryConfig) {
	c.At["actions"] = pos(n)
	d.list(n, "`actions`", func(item *yaml.Node) { d.action(item, c) })
}

func (d *decoder) action(item *yaml.Node, c *netstate.TCEntryConfig) {
	if item.Kind == yaml.Scalar && d.takes(item, Value{Words: plainActions()}) || d.takesKinds(item, kindNames("action"), func(v *yaml.Node) { d.action(v, c) }) {
		return
	}
	a := netstate.TCAction{Options: netstate.Attrs{}}
	if item.Kind == yaml.Scalar {
		if a.Kind = item.Value; verdicts[a.Kind] != "" {
			a.Kind = verdicts[a.Kind]
		}
		if k := netstate.TCKindOf("action", a.Kind); k == nil || len(k.Attrs) > 0 {
			d.fail(item, "unknown-kind", "`"+a.Kind+"` is no action without options", "Known are drop, pass, pipe, reclassify and continue; mirred and police are mappings with `kind`.")
			return
		}
		c.Entry.Actions = append(c.Entry.Actions, a)
		return
	}
	if item.Kind != yaml.Mapping {
		d.fail(item, "wrong-type", "an action is a word or a mapping, not a "+item.Kind.String(), "Write `- drop`, or `- kind: mirred` with its keys.")
		return
	}
	if v := item.Get("kind"); v != nil {
		a.Kind = v.Value
	}
	k := d.kind(item, "action", a.Kind)
	if k == nil {
		return
	}
	known := fields{"kind": {decode: d.ignore}}
	d.options(known, k, a.Options, map[string]netstate.Pos{})
	d.mapping(item, "an action of kind "+k.Name, known)
	d.needs(item, k, a.Options, "an action")
	c.Entry.Actions = append(c.Entry.Actions, a)
}

// verdicts are other words of tc(8) for actions.
var verdicts = map[string]string{"ok": "pass", "shot": "drop"}

// plainActions are those without options.
func plainActions() []string {
	var names []string
	for _, k := range netstate.TCKinds() {
		if k.Object == "action" && len(k.Attrs) == 0 {
			names = append(names, k.Name)
		}
	}
	return names
}

// tcDoc is under what netdoc has the meaning of an option.
func tcDoc(k *netstate.TCKind, key string) string {
	return "traffic-control." + k.Object + "." + k.Name + "." + key
}
