package netstate

import "strings"

// ipXfrm are the commands of ip-xfrm(8). Keys stand as their fingerprints.
func ipXfrm(e *Edit) []string {
	x := e.object().Xfrm
	switch {
	case x.Sort == MPTCPLimits:
		return []string{words("ip", "mptcp", "limits", "set", "subflow", x.Get("subflows"), "add_addr_accepted", x.Get("add-addr-accepted"))}
	case x.Sort == XfrmDefault:
		w := []string{"ip", "xfrm", "policy", "setdefault"}
		for _, dir := range []string{"in", "fwd", "out"} {
			v := "accept"
			if e.Op != Delete {
				v = x.Get(dir)
			}
			w = append(w, dir, v)
		}
		return []string{words(w...)}
	case x.Sort == MPTCPEndpoint && !e.Replaces:
		return []string{ipEndpoint(e)}
	case e.Op == Delete:
		return []string{words(append([]string{"ip", "xfrm", x.Sort, "delete"}, x.ipKey()...)...)}
	case e.Replaces:
		return append(ipXfrm(&Edit{Op: Delete, Before: e.Before}), ipXfrm(&Edit{Op: Add, After: e.After})...)
	}
	w := append([]string{"ip", "xfrm", x.Sort, map[Op]string{Add: "add", Modify: "update"}[e.Op]}, x.ipKey()...)
	if x.Sort == XfrmPolicy {
		return []string{words(append(w, x.ipPolicy()...)...)}
	}
	return []string{words(append(w, x.ipState()...)...)}
}

// say appends a word and the attribute that it says, where that is set.
func (x *Xfrm) say(w []string, word, key string) []string {
	if v := x.Attrs[key]; v != "" && v != XfrmAttr(x.Sort, key).Default {
		return append(w, word, v)
	}
	return w
}

// ipKey names an object.
func (x *Xfrm) ipKey() []string {
	var w []string
	if x.Sort == XfrmState {
		for _, key := range []string{"src", "dst", "proto", "spi"} {
			w = x.say(w, key, key)
		}
		return x.ipMark(w, "mark")
	}
	w = append(x.ipSelector(""), "dir", x.Attrs["dir"])
	w = x.say(x.ipMark(w, "mark"), "ptype", "ptype")
	return x.say(w, "if_id", "if-id")
}

func (x *Xfrm) ipMark(w []string, key string) []string {
	if x.Get(key) == "0x0" && x.Get(key+"-mask") == "0x0" {
		return w
	}
	return append(w, key, x.Get(key), "mask", x.Get(key+"-mask"))
}

func (x *Xfrm) ipSelector(section string) []string {
	var w []string
	ports := []string{"sport", "dport"}
	if p := x.Attrs[section+"proto"]; p == "icmp" || p == "ipv6-icmp" {
		ports = []string{"type", "code"}
	}
	for i, key := range []string{"src", "dst", "proto", "sport", "dport", "dev"} {
		word := key
		if i == 3 || i == 4 {
			word = ports[i-3]
		}
		w = x.say(w, word, section+key)
	}
	return w
}

// plain are attributes that one word of ip-xfrm(8) says, before the
// limits.
func (x *Xfrm) plain(w []string) []string {
	flags, extra := []string(nil), []string(nil)
	list := XfrmAttrs(x.Sort)
	for i := range list {
		switch a := &list[i]; {
		case a.Type == FlagBit && x.value(a) == "true" && a.IFLA != 0:
			extra = append(extra, a.IP)
		case a.Type == FlagBit && x.value(a) == "true":
			flags = append(flags, a.IP)
		case a.Type == FlagBit, a.Set == OnCreate, a.IP == "", strings.Contains(a.Key, "."), strings.Contains(a.Key, "mark"):
		default:
			w = x.say(w, a.IP, a.Key)
		}
	}
	if len(flags) > 0 {
		w = append(append(w, "flag"), flags...)
	}
	if len(extra) > 0 {
		w = append(append(w, "extra-flag"), extra...)
	}
	return w
}

// ends are what comes last in a command: limits and offloading.
func (x *Xfrm) ends(w []string) []string {
	if x.Attrs["offload.dev"] != "" {
		w = append(w, "offload")
		if x.Attrs["offload.type"] != "" {
			w = append(w, x.Attrs["offload.type"])
		}
		w = x.say(x.say(w, "dev", "offload.dev"), "dir", "offload.dir")
	}
	list := XfrmAttrs(x.Sort)
	for i := range list {
		if a := &list[i]; strings.HasPrefix(a.Key, "limit.") && x.value(a) != a.Default {
			w = append(w, "limit", a.IP, x.value(a))
		}
	}
	return w
}

func (x *Xfrm) ipState() []string {
	w := x.plain(nil)
	for _, key := range []string{"replay-seq", "replay-oseq"} {
		if v := x.Counter(key); v > 0 {
			w = append(w, key, number(uint32(v)))
			if v>>32 > 0 {
				w = append(w, key+"-hi", number(uint32(v>>32)))
			}
		}
	}
	for _, a := range [][3]string{{"auth-trunc", "auth", "auth.trunc-len"}, {"enc", "enc", ""}, {"aead", "aead", "aead.icv-len"}, {"comp", "comp", ""}} {
		name := x.Attrs[a[1]+".name"]
		if name == "" {
			continue
		}
		w = append(w, a[0], name)
		if a[1] != "comp" {
			w = append(w, x.Attrs[a[1]+".key"])
		}
		if a[2] != "" {
			w = append(w, x.Attrs[a[2]])
		}
	}
	if x.Attrs["encap.type"] != "" {
		oa := x.Attrs["encap.oa"]
		if oa == "" {
			oa = "0.0.0.0"
		}
		w = append(w, "encap", x.Attrs["encap.type"], x.Get("encap.sport"), x.Get("encap.dport"), oa)
	}
	w = x.ipMark(w, "output-mark")
	if sel := x.ipSelector("selector."); len(sel) > 0 {
		w = append(append(w, "sel"), sel...)
	}
	return x.ends(w)
}

func (x *Xfrm) ipPolicy() []string {
	w := x.ends(x.plain(nil))
	for _, e := range XfrmAttr(x.Sort, "templates").Entries(x.Attrs["templates"]) {
		t := Xfrm{Sort: XfrmState, Attrs: Attrs(e)}
		w = append(w, "tmpl")
		for _, key := range []string{"src", "dst", "proto", "spi", "mode", "reqid"} {
			w = t.say(w, key, key)
		}
		if e["level"] == "use" {
			w = append(w, "level", "use")
		}
	}
	return w
}
