package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"stet/executors/netstate"
	"stet/executors/netstate/netdoc"
	"stet/executors/netstate/netyaml"
)

// meaning is what a key means, "" if nobody has said it.
func meaning(path string) string {
	if text := netdoc.Key(path); text != "" {
		if needed(path) && !strings.Contains(text, "equired") {
			text += " Required."
		}
		return text
	}
	last := path[strings.LastIndex(path, ".")+1:]
	for _, k := range netstate.Kinds() {
		switch {
		case path == k.Section && len(k.Attrs) > 0:
			return "What an interface of type `" + k.Name + "` has of its own."
		case path == k.PortSection && path != "":
			return "What the interface has as a port of type `" + k.Name + "`."
		case path == k.PortList && path != "":
			return "The ports. The list replaces."
		case path == k.PortConfig && path != "":
			return "Ports, with what they have as ports. Those of this list are changed; it adds and removes none."
		case path == k.PortList+".name", path == k.PortConfig+".name":
			return "Name of the port's interface. Required."
		case k.PortList != "" && strings.HasPrefix(path, k.PortList+"."), k.PortConfig != "" && strings.HasPrefix(path, k.PortConfig+"."):
			if text := netdoc.Key(k.PortSection + "." + last); text != "" {
				return text
			}
		}
	}
	if strings.HasPrefix(path, "traffic-control.") {
		return netdoc.Key("traffic-control.entry." + last)
	}
	switch last {
	case "options":
		return "Options."
	case "stp":
		return "The spanning tree protocol."
	case "encap":
		return "A further header of UDP."
	}
	return ""
}

// needed tells that an interface of some kind cannot be made without a key.
func needed(path string) bool {
	return slices.ContainsFunc(netstate.Kinds(), func(k *netstate.Kind) bool { return slices.Contains(k.Needs, path) })
}

// language is made once: the decoder is asked many questions.
var language = sync.OnceValue(netyaml.Language)

// keysOf finds every key of the language, by its path.
func keysOf(s *netyaml.Shape, path string, found map[string]*netyaml.Key) {
	for name, key := range s.Keys {
		p := join(path, name)
		if p != path {
			found[p] = key
		}
		if !key.Hidden {
			keysOf(&key.Shape, p, found)
		}
	}
	for name, kind := range s.Kinds {
		keysOf(kind, kindPath(path, name), found)
	}
	if s.Items != nil {
		keysOf(s.Items, path, found)
	}
}

// topicTable describes the keys of a part of the language that has no table of
// attributes: those that begin with prefix.
func topicTable(topic, prefix string) string {
	found := map[string]*netyaml.Key{}
	keysOf(language(), "", found)
	var b strings.Builder
	b.WriteString("| key | type | meaning |\n|---|---|---|\n")
	for _, path := range netdoc.Of(topic).Order {
		name, ok := strings.CutPrefix(path, prefix)
		key := found[path]
		if !ok || key == nil {
			continue
		}
		mark := ""
		if netdoc.IsExtension(path) {
			mark = " ᵉ"
		}
		fmt.Fprintf(&b, "| `%s`%s | %s | %s |\n", strings.TrimPrefix(name, "interfaces."), mark, shapeText(&key.Shape), strings.ReplaceAll(netdoc.Key(path), "|", "\\|"))
	}
	return b.String()
}

// shapeText says what a place takes.
func shapeText(s *netyaml.Shape) string {
	var forms []string
	if s.Value != nil {
		forms = append(forms, valueText(s.Value))
	}
	switch {
	case s.Free:
		forms = append(forms, "parameters and their values")
	case s.Keys != nil && s.Items == nil:
		forms = append(forms, "mapping")
	}
	switch {
	case s.Items != nil && s.Items.Keys != nil:
		forms = append(forms, "list of mappings")
	case s.Items != nil && s.Items.Value != nil:
		forms = append(forms, strings.ReplaceAll("list of "+valueText(s.Items.Value), " of text", " of texts"))
	case s.Items != nil:
		forms = append(forms, "list")
	}
	if len(forms) == 0 {
		return "text"
	}
	return strings.Join(forms, ", or ")
}

func valueText(v *netyaml.Value) string {
	if v.Attr != nil {
		return typeText(v.Attr)
	}
	out := make([]string, 0, len(v.Words))
	for _, w := range v.Words {
		out = append(out, "`"+w+"`")
	}
	switch v.Type {
	case netyaml.Truth:
		return "true, false"
	case netyaml.Name:
		return "interface"
	case netyaml.Address:
		return "IP address"
	case netyaml.Network:
		return "network"
	case netyaml.HardwareName:
		return "hardware address"
	case netyaml.Number:
		if v.Least < 0 {
			out = append(out, "`-1`")
		}
		out = append(out, fmt.Sprintf("number, %d to %d", max(v.Least, 0), v.Most))
	}
	if len(out) == 0 {
		return "text"
	}
	return strings.Join(out, ", ")
}
