package netstate

import "strings"

// ethtool checks what is asked of the driver of an interface that is there.
// What a new one has is not known before it is made.
func (m *simulation) ethtool(i *InterfaceConfig, v *Interface) {
	was := m.from.Interface(i.Name)
	m.fec(i, v)
	for _, key := range unionKeys(i.Attrs, nil) {
		if !IsEthtool(key) || AttrByKey(key) == nil {
			continue
		}
		fault := func(code, summary, detail string) { m.problem(i.at(key), code, i.Name+": "+summary, detail) }
		if reason := m.from.Lacks["ethtool"]; reason != "" {
			fault("kernel-lacks", reason, "Leave `"+key+"` out, or run a kernel that has it.")
			continue
		}
		if max, ok := v.Status[key+"-max"]; ok && more(i.Attrs[key], max) {
			fault("contradiction", key+" is "+i.Attrs[key]+", and its driver has "+max+" at most", "Give "+max+" or less.")
		}
		if was == nil || was.Index == 0 || m.made[i.Name] || IsSRIOV(key) {
			continue
		}
		if is, settable := was.Attrs[key]; settable {
			if is != i.Attrs[key] && was.Negotiated(key) && v.Negotiated(key) {
				fault("contradiction", "pause frames are negotiated", "Add `autoneg: false`.")
			}
			continue
		}
		if key == FECMode && was.Attrs[FECAuto] != "" {
			continue // the driver chooses it
		}
		fixed, known := was.Status[key]
		name, feature := strings.CutPrefix(key, EthtoolFeature)
		switch {
		case (key == "ethernet.speed" || key == "ethernet.duplex") && i.Attrs[autoNegotiation] == "false":
			// What was negotiated is lost when the driver is told so.
		case known && fixed == i.Attrs[key]:
			delete(v.Attrs, key) // it is so, and cannot be otherwise
		case feature && !known:
			fault("unknown-key", "there is no feature "+name, "`stet facts --json` shows the features that there are, by the kernel's names.")
		case feature:
			fault("unsupported", "its driver does not let the feature "+name+" be changed", "Leave it out.")
		case key == "ethernet.speed" || key == "ethernet.duplex":
			if i.Attrs[autoNegotiation] != "false" && was.Attrs[autoNegotiation] == "true" {
				fault("contradiction", "speed and duplex are negotiated", "Add `auto-negotiation: false`.")
			}
		default:
			fault("unsupported", "its driver has no "+key, "Leave it out.")
		}
	}
}

// fec lets a code end the driver's own choice, and that choice end the code.
func (m *simulation) fec(i *InterfaceConfig, v *Interface) {
	was := m.from.Interface(i.Name)
	switch {
	case was == nil || was.Attrs[FECAuto] == "":
	case given(i, FECMode):
		v.Attrs[FECAuto] = "false"
	case i.Attrs[FECAuto] == "true" && was.Attrs[FECAuto] != "true":
		v.Attrs[FECMode] = ""
	case i.Attrs[FECAuto] == "false" && v.Attrs[FECMode] == "":
		m.problem(i.at(FECAuto), "contradiction", i.Name+": the driver chooses the code of forward error correction", "Give a `mode` to `fec`: off, rs, baser or llrs.")
	}
}

// more compares two numbers in decimal.
func more(a, b string) bool { return len(a) > len(b) || len(a) == len(b) && a > b }
