package markdown

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"stet/executors"
	"stet/internal/yaml"
	"stet/runbook"
)

// targets reads the machines, and the groups of them, that a document names.
func (d *decoder) targets(n *yaml.Node) {
	if !d.mapping(n, "targets") {
		return
	}
	groups := map[string]*yaml.Node{}
	vars := map[string]map[string]any{}
	var order []string
	var from *yaml.Node
	for _, p := range n.Pairs {
		d.place("targets", p.Key)
		if p.Key.Value == "from" {
			from = p.Value
			continue
		}
		if fault := nameFault(p.Key.Value); fault != "" {
			d.wrong(p.Key, "bad-name", fmt.Sprintf("the target's name %q %s", p.Key.Value, fault), "Use letters, digits, _, - and dots.")
			continue
		}
		switch {
		case p.Value.Kind == yaml.Sequence:
			groups[p.Key.Value] = p.Value
			order = append(order, p.Key.Value)
		case p.Value.Kind == yaml.Mapping && isGroup(p.Value):
			groups[p.Key.Value] = d.grouped(p.Key.Value, p.Value, vars)
			order = append(order, p.Key.Value)
		case p.Value.Kind == yaml.Mapping:
			d.meta.Targets = append(d.meta.Targets, d.described(p.Key.Value, p.Value))
		default:
			t := executors.Target{Name: p.Key.Value}
			t.Address = d.address(p.Value)
			d.meta.Targets = append(d.meta.Targets, t)
		}
	}
	if from != nil {
		d.from(from)
	}
	d.groups(order, groups)
	d.groupVars(order, vars)
}

// described reads a target with more than its address.
func (d *decoder) described(name string, n *yaml.Node) executors.Target {
	t := executors.Target{Name: name}
	var create, become, secret *yaml.Node
	d.entries(n, "targets."+name, map[string]func(*yaml.Node){
		"address": func(n *yaml.Node) { t.Address = d.address(n) },
		"at":      func(n *yaml.Node) { t.At = d.machine(n) },
		"create":  func(n *yaml.Node) { t.Create, create = d.boolean(n, "create"), n },
		"keep":    func(n *yaml.Node) { t.Keep = d.boolean(n, "keep") },
		"become": func(n *yaml.Node) {
			become = n
			if t.Become, _ = d.text(n, "become"); t.Become != "" && t.Become != "sudo" {
				d.wrong(n, "bad-value", fmt.Sprintf("stet cannot become root by %q", t.Become), "Write sudo.")
			}
		},
		"password":        func(n *yaml.Node) { t.Password, _ = d.text(n, "password"); secret = n },
		"become-password": func(n *yaml.Node) { t.BecomePassword, _ = d.text(n, "become-password"); secret = n },
		"passphrase":      func(n *yaml.Node) { t.Passphrase, _ = d.text(n, "passphrase"); secret = n },
		"pin":             func(n *yaml.Node) { t.PIN, _ = d.text(n, "pin"); secret = n },
		"vars": func(n *yaml.Node) {
			if !d.mapping(n, "targets."+name+".vars") {
				return
			}
			t.Vars = map[string]any{}
			for _, p := range n.Pairs {
				if d.name(p.Key, "variable") {
					t.Vars[p.Key.Value] = p.Value.Any()
				}
			}
		},
	})
	if n.Get("address") == nil {
		d.wrong(n, "bad-address", fmt.Sprintf("the target %s has no address", name), "Add address: local, netns://NAME, sandbox or ssh://HOST.")
	}
	if create != nil && t.Create && t.Address != "" && t.Scheme() != "netns" {
		d.wrong(create, "bad-value", "only a network namespace can be created", "Remove create, or use netns://NAME.")
	}
	if secret != nil && t.Address != "" && t.Machine() == "" {
		d.wrong(secret, "bad-value", "only an ssh:// target takes a password, a passphrase or a PIN", "Remove it; on this host sudo asks by itself.")
	}
	if at := n.Get("at"); at != nil && t.Scheme() == "ssh" {
		d.wrong(at, "bad-value", "an ssh:// address is a host already", "Remove at, or use local, netns://NAME or sandbox.")
		t.At = ""
	}
	if become != nil && t.Scheme() == "sandbox" {
		d.wrong(become, "bad-value", "a sandbox needs no other rights", "Remove become.")
	}
	return t
}

// machine reads the host that namespaces are on.
func (d *decoder) machine(n *yaml.Node) string {
	before := len(d.faults)
	text := d.address(n)
	if len(d.faults) > before {
		return ""
	}
	if scheme, _, _ := strings.Cut(text, ":"); text != "" && scheme != "ssh" {
		d.wrong(n, "bad-address", fmt.Sprintf("%q is no host that is reached by ssh", text), "Write at: ssh://[USER@]HOST[:PORT].")
		return ""
	}
	return text
}

// moved puts the targets that no host is given for onto the one that the
// defaults name, and makes local of a host the host itself.
func (d *decoder) moved(at string) {
	for i := range d.meta.Targets {
		t := &d.meta.Targets[i]
		if t.At == "" && t.Scheme() != "ssh" {
			t.At = at
		}
		if t.Address == "local" && t.At != "" {
			t.Address, t.At = t.At, ""
		}
	}
}

// address reads how a target is reached.
func (d *decoder) address(n *yaml.Node) string {
	const remedy = "Write local, netns://NAME, sandbox, sandbox://NAME or ssh://[USER@]HOST[:PORT]."
	text, ok := d.text(n, "an address")
	if !ok {
		return ""
	}
	scheme, rest, slashes := strings.Cut(text, "://")
	bad := func(why string) string {
		d.wrong(n, "bad-address", fmt.Sprintf("the address %q %s", text, why), remedy)
		return text
	}
	switch {
	case !slashes && (text == "local" || text == "sandbox"):
		return text
	case !slashes:
		return bad("has no scheme")
	case scheme == "netns" || scheme == "sandbox":
		if rest == "" || rest == "." || rest == ".." || strings.ContainsFunc(rest, noName) || len(rest) > 200 {
			return bad("does not name a namespace")
		}
	case scheme == "ssh":
		_, err := executors.ParseAddress(rest)
		if fault := (*executors.Error)(nil); errors.As(err, &fault) {
			return bad("cannot be used: " + fault.Message)
		}
	default:
		return bad("has an unknown scheme")
	}
	return text
}

// noName reports whether a character cannot be part of a namespace's name, or is not
// seen, or turns the direction of writing.
func noName(r rune) bool {
	return r == '/' || r == ' ' || r == utf8.RuneError || !unicode.IsPrint(r)
}

// isTarget reports whether a target has this name. Most documents have few of
// them, some inventories ten thousand.
func (r *reading) isTarget(meta *runbook.Meta, name string) bool {
	if r.targetSet == nil {
		r.targetSet = map[string]bool{}
	}
	for ; r.counted < len(meta.Targets); r.counted++ {
		r.targetSet[meta.Targets[r.counted].Name] = true
	}
	return r.targetSet[name]
}

// known reports whether a target or group has this name.
func (d *decoder) known(name string) bool {
	_, group := d.meta.Groups[name]
	return group || d.isTarget(d.meta, name)
}

// target checks the name of a target or group.
func (d *decoder) target(n *yaml.Node) bool {
	if d.known(n.Value) {
		return true
	}
	d.wrong(n, "unknown-target", fmt.Sprintf("there is no target %q", n.Value), d.remedy(n.Value, d.targetNames(d.meta)))
	return false
}

// targetNames are the names of all targets and groups. The list is made anew
// only when one was added.
func (r *reading) targetNames(meta *runbook.Meta) []string {
	if len(r.targetWords) != len(meta.Targets)+len(meta.Groups) {
		r.targetWords = r.targetWords[:0]
		for _, t := range meta.Targets {
			r.targetWords = append(r.targetWords, t.Name)
		}
		for name := range meta.Groups {
			r.targetWords = append(r.targetWords, name)
		}
	}
	return r.targetWords
}

// maxGroups bounds how deep groups of groups go.
const maxGroups = 100

// groups resolves groups to targets, groups of groups too.
func (d *decoder) groups(order []string, members map[string]*yaml.Node) {
	for _, name := range order {
		d.meta.Groups[name] = nil
	}
	done := map[string]bool{}
	var above []string
	var resolve func(name string) []string
	resolve = func(name string) []string {
		if done[name] {
			return d.meta.Groups[name]
		}
		var out []string
		have := map[string]bool{}
		above = append(above, name)
		for _, item := range d.list(members[name], "a group's members") {
			var found []string
			switch {
			case slices.Contains(above, item.Value):
				d.wrong(item, "group-cycle", fmt.Sprintf("the group %s contains itself", item.Value),
					"Remove it here: "+strings.Join(append(slices.Clone(above), item.Value), " → ")+".")
			case members[item.Value] != nil && !done[item.Value] && len(above) == maxGroups:
				d.wrong(item, "group-depth", fmt.Sprintf("groups are nested more than %d deep", maxGroups), "Name the targets themselves.")
			case members[item.Value] != nil:
				found = resolve(item.Value)
			case d.target(item):
				found = d.stands(item.Value)
			}
			for _, f := range found {
				if !have[f] {
					have[f] = true
					out = append(out, f)
				}
			}
		}
		above = above[:len(above)-1]
		d.meta.Groups[name], done[name] = out, true
		return out
	}
	for _, name := range order {
		resolve(name)
		if n := members[name]; len(n.Items) == 0 {
			d.wrong(n, "empty-group", fmt.Sprintf("the group %s is empty", name), "Name its targets, or remove it.")
		}
	}
}
