package netstate

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

func ipLink(e *Edit) []string {
	before, after := e.Before.Link, e.After.Link
	switch {
	case e.Op == Delete:
		return append(endTeamd(before), words(append(ipIn(before.Netns), "link", "delete", "dev", before.Name)...))
	case e.Op == Add:
		return addCommands(after)
	case e.Replaces:
		return slices.Concat(endTeamd(before), []string{words("ip", "link", "delete", "dev", before.Name)}, addCommands(after))
	case before.Netns != after.Netns:
		target := after.Netns
		if target == "" {
			target = "$$" // the shell's own namespace
		}
		return []string{words(append(ipIn(before.Netns), "link", "set", "dev", before.Name, "netns", target)...)}
	}
	var diffs []Difference
	for _, d := range Differences(before, after) {
		if AttrByKey(d.Key).Set == Anytime {
			diffs = append(diffs, d)
		}
	}
	return slices.Concat(setCommands(after, diffs), sixRDCommand(after, diffs), untilLeft(before, after))
}

// addCommands make an interface: what ip can give at once in one command, the
// rest after it.
func addCommands(i *Interface) []string {
	bare := Interface{Name: i.Name, Type: i.Type}
	all := Differences(&bare, i)
	var rest []Difference
	create := ipIn(i.Netns)
	if i.Type == "tun" {
		create = append(create, tunWords(i)...)
	} else {
		create = append(create, createWords(i, all)...)
	}
	for _, d := range all {
		switch {
		case d.Key == "state", atCreation(i, d.Key), i.Type == macSec.Name && isExtra(d.Key), d.After == UsualInet6(i, d.Key):
		case AttrByKey(d.Key).Set == Anytime && d.After != "":
			rest = append(rest, d)
		}
	}
	out := append([]string{words(create...)}, setCommands(i, rest)...)
	out = append(out, sixRDCommand(i, all)...)
	out = append(out, extraCommands(i, ofKind(i, all))...)
	if name, target := i.Peer(); target != "" {
		out = append(out, words(append(ipIn(target), "link", "set", "dev", name, "up")...))
	}
	if state := i.Attrs["state"]; state != "" {
		out = append(out, words(append(ipIn(i.Netns), "link", "set", "dev", i.Name, state)...))
	}
	return out
}

// createdWith are the attributes of every interface that the command that
// makes it takes.
var createdWith = []string{"mac-address", "mtu", "txqueuelen", "num-tx-queues", "num-rx-queues"}

func atCreation(i *Interface, key string) bool {
	if slices.Contains(createdWith, key) {
		return i.Type != "tun"
	}
	k := KindByName(i.Type)
	if k == nil || k.Section == "" || !strings.HasPrefix(key, k.Section+".") {
		return false
	}
	// What ip-macsec(8) can set later, it refuses in some combinations before.
	return i.Type != macSec.Name || AttrByKey(key).Set == OnCreate
}

// ofKind are the differences in attributes of the interface's own kind.
func ofKind(i *Interface, diffs []Difference) []Difference {
	var own []Difference
	for _, d := range diffs {
		if !IsPortKey(d.Key) && strings.HasPrefix(d.Key, kindOf(i).Section+".") {
			own = append(own, d)
		}
	}
	return own
}

func createWords(i *Interface, all []Difference) []string {
	w := []string{"link", "add"}
	k := KindByName(i.Type)
	if a := AttrByKey(kindOf(i).Below); a != nil && a.Message {
		w = append(w, "link", lower(i))
	}
	w = append(w, "name", i.Name)
	for _, d := range all {
		if slices.Contains(createdWith, d.Key) {
			w = append(w, AttrByKey(d.Key).IP, d.After)
		}
	}
	kernel := i.Type
	if k != nil {
		kernel = k.Kernel
	}
	w = append(w, "type", kernel)
	if peer, target := i.Peer(); peer != "" {
		if i.Type == netkit.Name {
			w = append(w, netkitWords(i)...)
		}
		w = append(w, "peer")
		if i.Type == netkit.Name {
			w = append(w, netkitPeerWords(i)...)
		}
		w = append(w, "name", peer)
		if target != "" {
			w = append(w, "netns", target)
		}
		return w
	}
	for _, channel := range []bool{true, false} { // ip-macsec(8) wants it first
		for _, d := range all {
			if channel != (d.Key == "macsec.port" || d.Key == "macsec.sci") || d.Key == "macsec.port" && i.Attrs["macsec.sci"] != "" {
				continue // the port is in the identifier
			}
			if atCreation(i, d.Key) && !slices.Contains(createdWith, d.Key) {
				w = append(w, kindWords(AttrByKey(d.Key), d.After)...)
			}
		}
	}
	return w
}

func tunWords(i *Interface) []string {
	mode := i.Attrs["tun.mode"]
	if mode == "" {
		mode = "tun"
	}
	w := []string{"tuntap", "add", "dev", i.Name, "mode", mode}
	for _, key := range []string{"tun.owner", "tun.group"} {
		if v := i.Attrs[key]; v != "" {
			w = append(w, AttrByKey(key).IP, v)
		}
	}
	for _, key := range []string{"tun.multi-queue", "tun.packet-information", "tun.vnet-header"} {
		if i.Attrs[key] == "true" {
			w = append(w, AttrByKey(key).IP)
		}
	}
	return w
}

// setCommands change an interface: one command for its own attributes, one for
// its kind's, one for its port's, and one for its being up.
func setCommands(i *Interface, diffs []Difference) []string {
	var general, own, port, late []string
	last := append(ethtoolCommands(i, diffs), sriovCommands(i, sriovOnly(diffs))...)
	var portKind string
	out := teamdCommands(i, diffs)
	for _, d := range diffs {
		a := AttrByKey(d.Key)
		switch {
		case IsEthtool(d.Key):
		case IsPortKey(d.Key) && IsTeamd(d.Key):
		case isExtra(d.Key) && IsPortKey(d.Key): // once it is a port
			late = append(late, extraCommands(i, []Difference{d})...)
		case d.Key == "macsec.window" && slices.ContainsFunc(diffs, func(o Difference) bool { return o.Key == "macsec.replay-protect" }):
		case d.Key == "macsec.window", d.Key == "macsec.replay-protect":
			own = append(own, "replay", onOff(i.Attrs["macsec.replay-protect"]), "window", cmp.Or(i.Attrs["macsec.window"], "0"))
		case isExtra(d.Key):
			out = append(out, extraCommands(i, []Difference{d})...)
		case d.Key == "bridge-port.multicast-eht-hosts-limit":
			last = append(last, "echo "+d.After+" > "+quote("/sys/class/net/"+i.Name+"/brport/multicast_eht_hosts_limit"))
		case d.Key == bondOptions+"primary" && d.After == "": // ip(8) gives one, and takes none away
			last = append(last, "echo > "+quote("/sys/class/net/"+i.Name+"/bonding/primary"))
		case a.Type == VLANList:
			last = append(last, vlanCommands(i, d)...)
		case a.Type == Ranges:
			last = append(last, rangeCommands(i, d)...)
		case a.Type == VLANTunnels:
			last = append(last, vlanTunnelCommands(i, d)...)
		case a.Type == VNIList:
			last = append(last, vniCommands(i, d)...)
		case IsPortKey(d.Key):
			port = append(port, portWords(a, d.After)...)
			portKind = kernelOfPort(d.Key)
		case d.Key == "state":
			last = append(last, words(append(ipIn(i.Netns), "link", "set", "dev", i.Name, d.After)...))
		case d.Key == "controller" && d.After == "":
			general = append(general, "nomaster")
		case strings.HasPrefix(d.Key, "tun."):
			out = append(out, "# ip(8) cannot change "+d.Key+" of "+i.Name+" to "+orNone(d.After))
		case strings.Contains(d.Key, "."):
			own = append(own, kindWords(a, d.After)...)
		case a.Type == IFFlag:
			general = append(general, a.IP, onOff(d.After))
		default:
			general = append(general, a.IP, d.After)
		}
	}
	set := append(ipIn(i.Netns), "link", "set", "dev", i.Name)
	if len(general) > 0 {
		out = append(out, words(slices.Concat(set, general)...))
	}
	if k := KindByName(i.Type); len(own) > 0 && k != nil {
		out = append(out, words(slices.Concat(set, []string{"type", k.Kernel}, own)...))
	}
	if len(port) > 0 {
		out = append(out, words(slices.Concat(set, []string{"type", portKind + "_slave"}, port)...))
	}
	return slices.Concat(out, late, last)
}

// kernelOfPort is the kernel's name of the kind of controller that an attribute
// of a port belongs to.
func kernelOfPort(key string) string {
	section, _, _ := strings.Cut(key, ".")
	for _, k := range kinds {
		if k.PortSection == section {
			return k.Kernel
		}
	}
	return ""
}

// kindWords are an attribute of a kind as ip-link(8) has it.
func kindWords(a *Attr, v string) []string {
	if w, ok := tunnelWords(a, v); ok {
		return w
	}
	if w, own := ownWords(a, v); own {
		return w
	}
	switch {
	case a.IP == "" || a.Message || a.Type == VLANList || a.Type == Ranges || a.Type == VNIList:
		return nil
	case a.Type == MACList || a.Type == QoSMap:
		return append(strings.Fields(a.IP), strings.FieldsFunc(v, func(r rune) bool { return r == ',' })...)
	case a.Type == FlagBit:
		if (v == "true") != a.Inverse {
			return strings.Fields(a.IP)
		}
		return []string{"flag", "null"}
	case v == "":
		return nil
	}
	return []string{a.IP, ipValue(a, v)}
}

func portWords(a *Attr, v string) []string {
	switch {
	case a.IP == "":
		return nil
	case a.Type == LinkRef && v == "":
		return []string{"no" + a.IP}
	case a.Type == Bool:
		return []string{a.IP, onOff(v)}
	}
	return []string{a.IP, ipValue(a, v)}
}

// ipValue is a value in ip(8)'s unit.
func ipValue(a *Attr, v string) string {
	switch a.Type {
	case Bool, Bool32, BoolOpt:
		return bit(v)
	case Centi, Centi64:
		return strconv.FormatUint(hundredths(v), 10)
	case Enum:
		if strings.HasSuffix(a.Key, "multicast-router") {
			return enumNumber(a, v)
		}
	}
	return v
}
