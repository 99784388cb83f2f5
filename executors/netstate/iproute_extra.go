package netstate

import (
	"maps"
	"slices"
	"strings"
)

// extraCommands are the commands for what ip-link(8) has no words for: wg(8),
// ip-macsec(8), teamnl(8). Keys stand as their fingerprints, where the commands
// want a file or the key itself.
func extraCommands(i *Interface, diffs []Difference) []string {
	var out []string
	for k := range diffs {
		d := &diffs[k]
		switch {
		case strings.HasPrefix(d.Key, "wireguard."):
			out = append(out, wgCommands(i, d)...)
		case strings.HasPrefix(d.Key, "macsec.") && AttrByKey(d.Key).Type == List:
			out = append(out, macsecCommands(i, d)...)
		case d.Key == TeamRunner && d.After != "":
			out = append(out, words(append(toolIn("teamd", i.Netns), "-d", "-o", "-N", "-t", i.Name, "-c", i.TeamdConfig())...))
		case IsTeamd(d.Key):
		case d.Key == "team.active-port":
			out = append(out, words("teamnl", i.Name, "setoption", "activeport")+" $(cat "+quote("/sys/class/net/"+d.After+"/ifindex")+")")
		case d.Key == multicastMACs:
			out = append(out, maddrCommands(i, d)...)
		case d.Key == AltNames:
			out = append(out, altNameCommands(i, d)...)
		case IsInet6(d.Key):
			out = append(out, inet6Commands(i, d)...)
		case strings.HasPrefix(d.Key, "team.") && d.After != "":
			out = append(out, words("teamnl", i.Name, "setoption", teamOption(d.Key), d.After))
		case strings.HasPrefix(d.Key, "team-port."):
			out = append(out, words("teamnl", "-p", i.Name, "--", i.Attrs["controller"], "setoption", teamOption(d.Key), d.After)) // a priority may be negative
		}
	}
	return out
}

// teamdCommands tell teamd(8) what a port is to be like, before it comes.
func teamdCommands(i *Interface, diffs []Difference) []string {
	for _, d := range diffs {
		if IsPortKey(d.Key) && IsTeamd(d.Key) {
			return []string{words(append(toolIn("teamdctl", i.Netns), i.Attrs["controller"], "port", "config", "update", i.Name, i.TeamdPort())...)}
		}
	}
	return nil
}

// endTeamd ends the teamd(8) of a team, which stays, and waits until it has ended.
func endTeamd(i *Interface) []string {
	if attrOf(i, TeamRunner) == "" {
		return nil
	}
	return []string{words(append(toolIn("teamd", i.Netns), "-k", "-t", i.Name)...)}
}

// untilLeft waits until teamd(8) has seen a port of its team go: it is told about
// the port anew only then.
func untilLeft(before, after *Interface) []string {
	team := attrOf(before, "controller")
	if team == "" || team == attrOf(after, "controller") {
		return nil
	}
	for key := range before.Attrs {
		if IsPortKey(key) && IsTeamd(key) {
			return []string{"while " + words(append(toolIn("teamdctl", before.Netns), team, "port", "present", before.Name)...) + " 2>/dev/null; do sleep 0.1; done"}
		}
	}
	return nil
}

// isExtra tells that extraCommands has the words for an attribute.
func isExtra(key string) bool {
	for _, prefix := range []string{"wireguard.", "team.", "team-port.", inet6, multicastMACs, AltNames} {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	a := AttrByKey(key)
	return a != nil && strings.HasPrefix(key, "macsec.") && a.Type == List
}

// teamOptions are options of the team driver that are called otherwise.
var teamOptions = map[string]string{
	"team.multicast-rejoin-count": "mcast_rejoin_count", "team.multicast-rejoin-interval": "mcast_rejoin_interval",
	"team.tx-method": "lb_tx_method", "team.stats-refresh-interval": "lb_stats_refresh_interval",
}

func teamOption(key string) string {
	if name, ok := teamOptions[key]; ok {
		return name
	}
	_, name, _ := strings.Cut(key, ".")
	return strings.ReplaceAll(name, "-", "_")
}

// keyFile is where a command wants a file with a key.
func keyFile(print string) string {
	if print == "" {
		return "/dev/null"
	}
	return "<(" + print + ")"
}

func wgCommands(i *Interface, d *Difference) []string {
	set := append(toolIn("wg", i.Netns), "set", i.Name)
	switch d.Key {
	case "wireguard.private-key":
		return []string{words(append(set, "private-key")...) + " " + keyFile(d.After)}
	case "wireguard.listen-port":
		return []string{words(append(set, "listen-port", d.After)...)}
	case "wireguard.fwmark":
		return []string{words(append(set, "fwmark", d.After)...)}
	}
	var out []string
	for _, e := range d.ListDifferences() {
		peer := slices.Concat(set, []string{"peer"})
		if e.After == nil {
			out = append(out, words(append(peer, e.Before["public-key"], "remove")...))
			continue
		}
		line := words(append(peer, e.After["public-key"])...)
		if print := e.After["preshared-key"]; print != "" || e.Before["preshared-key"] != "" {
			line += " preshared-key " + keyFile(print)
		}
		var rest []string
		if end := e.After["endpoint"]; end != "" {
			rest = append(rest, "endpoint", end)
		}
		if alive := e.After["persistent-keepalive"]; alive != "" {
			rest = append(rest, "persistent-keepalive", alive)
		} else if e.Before["persistent-keepalive"] != "" {
			rest = append(rest, "persistent-keepalive", "off")
		}
		out = append(out, line+" "+words(append(rest, "allowed-ips", e.After["allowed-ips"])...))
	}
	return out
}

// toolIn is a program in another namespace.
func toolIn(tool, netns string) []string {
	if netns == "" {
		return []string{tool}
	}
	return append(inside(netns), tool)
}

func macsecCommands(i *Interface, d *Difference) []string {
	var out []string
	for _, e := range d.ListDifferences() {
		entry, verb := e.After, "add"
		if e.Before != nil && e.Before["active"] != "false" && d.Key != "macsec.rx-channel" && (e.After == nil || e.After["key-id"] != e.Before["key-id"]) {
			off := maps.Clone(e.Before) // one that is in use cannot go
			off["active"] = "false"
			out = append(out, macsecCommand(i, d.Key, "set", off))
		}
		switch {
		case e.After == nil:
			entry, verb = e.Before, "del"
		case e.Before != nil && e.Before["key-id"] == e.After["key-id"]:
			verb = "set"
		case e.Before != nil:
			out = append(out, macsecCommand(i, d.Key, "del", e.Before))
		}
		out = append(out, macsecCommand(i, d.Key, verb, entry))
	}
	return out
}

func macsecCommand(i *Interface, key, verb string, e Entry) string {
	w := append(ipIn(i.Netns), "macsec", verb, i.Name)
	if sci := e["sci"]; sci != "" {
		w = append(w, "rx", "sci", sci)
	} else {
		w = append(w, "tx")
	}
	state := "on"
	if e["active"] == "false" {
		state = "off"
	}
	if key != "macsec.rx-channel" {
		w = append(w, "sa", e["number"])
		if pn := e["packet-number"]; pn != "" && verb == "add" {
			w = append(w, "pn", pn)
		} else if verb == "add" {
			w = append(w, "pn", "1")
		}
	}
	if verb != "del" {
		w = append(w, state)
	}
	if id := e["key-id"]; id != "" && verb == "add" {
		return words(append(w, "key", id, orNone(e["key"]))...)
	}
	return words(w...)
}
