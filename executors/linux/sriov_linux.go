package linux

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// withVFs is RTEXT_FILTER_VF: the kernel asks drivers about virtual functions only
// where they are asked for.
const withVFs = 1

// deviceOf is the folder of the device that an interface belongs to, "" for what
// is virtual. Unlike /sys/class/net it is there in every namespace.
func deviceOf(r *rawLink) string {
	bus, name := text(r.attrs.get(unix.IFLA_PARENT_DEV_BUS_NAME)), text(r.attrs.get(unix.IFLA_PARENT_DEV_NAME))
	if bus == "" || name == "" || strings.ContainsRune(bus+name, '/') {
		return ""
	}
	return "/sys/bus/" + bus + "/devices/" + name
}

// countVFs is how many virtual functions a device has; false if it can have none.
func countVFs(device string) (count string, capable bool, err error) {
	b, err := readAtOnce(device + "/sriov_numvfs")
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("reading the number of virtual functions: %w", err)
	}
	return strings.TrimSpace(string(b)), true, nil
}

// fillSRIOV reads the virtual functions of the cards that can have some, and which
// interfaces are theirs.
func (n *Namespace) fillSRIOV(ctx context.Context, raw []rawLink, list []*netstate.Interface) error {
	at := map[int]*netstate.Interface{}
	for _, i := range list {
		at[i.Index] = i
	}
	for j := range raw {
		device, i := deviceOf(&raw[j]), at[raw[j].index]
		if device == "" || i == nil || representative(&raw[j]) {
			continue
		}
		count, capable, err := countVFs(device)
		if err != nil {
			return err
		}
		if !capable {
			continue
		}
		i.Attrs[netstate.TotalVFs] = count
		if b, err := readAtOnce(device + autoprobe); err == nil {
			i.Attrs[netstate.VFAutoprobe] = strconv.FormatBool(strings.TrimSpace(string(b)) == "1")
		}
		if b, err := readAtOnce(device + "/sriov_totalvfs"); err == nil {
			i.Status = withRoom(i.Status, 2)
			i.Status[netstate.TotalVFs+"-max"] = strings.TrimSpace(string(b))
		}
		if count == "0" {
			continue
		}
		entries, err := n.readVFs(ctx, i.Index)
		if err != nil {
			return err
		}
		i.Attrs[netstate.VFs] = netstate.AttrByKey(netstate.VFs).List(entries)
		if names := vfInterfaces(device, raw); len(names) > 0 {
			i.Attrs[netstate.VFInterfaces] = strings.Join(names, ",")
		}
	}
	return nil
}

// representative tells that an interface stands for a virtual function on the
// host's side ("pf0vf3"): it has the card's device.
func representative(r *rawLink) bool {
	return strings.Contains(text(r.attrs.get(unix.IFLA_PHYS_PORT_NAME)), "vf")
}

// vfInterfaces are the interfaces of a device's virtual functions, and those that
// stand for them.
func vfInterfaces(device string, raw []rawLink) (names []string) {
	links, _ := filepath.Glob(device + "/virtfn*")
	for n := range links {
		links[n], _ = os.Readlink(links[n]) // ../0000:01:10.0
		links[n] = filepath.Base(links[n])
	}
	for j := range raw {
		own := deviceOf(&raw[j])
		if own == device && representative(&raw[j]) || own != "" && slices.Contains(links, filepath.Base(own)) {
			names = append(names, raw[j].name())
		}
	}
	return names
}

// readVFs asks what the virtual functions of an interface are like.
func (n *Namespace) readVFs(ctx context.Context, index int) (list []netstate.Entry, err error) {
	err = n.get(ctx, unix.RTM_GETLINK, func(m *message) {
		m.ifinfo(index, 0, 0)
		m.u32(unix.IFLA_EXT_MASK, skipStats|withVFs)
	}, func(r reply) {
		if raw, ok := decodeLink(r.body); ok && r.typ == unix.RTM_NEWLINK {
			list = decodeVFs(raw.attrs.get(unix.IFLA_VFINFO_LIST))
		}
	})
	if err != nil {
		return nil, fmt.Errorf("reading the virtual functions: %w", err)
	}
	return list, nil
}

// vfFields are the fields of a virtual function that are a struct of two numbers
// each, its own and the value (struct ifla_vf_spoofchk and others of
// linux/if_link.h).
var vfFields = map[string]uint16{
	"spoof-check": unix.IFLA_VF_SPOOFCHK, "trust": unix.IFLA_VF_TRUST,
	"link-state": unix.IFLA_VF_LINK_STATE, "query-rss": unix.IFLA_VF_RSS_QUERY_EN,
}

// decodeVFs reads IFLA_VFINFO_LIST. What the driver does not have has all bits set.
func decodeVFs(b []byte) (list []netstate.Entry) {
	fields := netstate.AttrByKey(netstate.VFs).Fields
	for _, info := range attributes(b) {
		t := tabulate(info)
		mac := t.get(unix.IFLA_VF_MAC) // struct ifla_vf_mac
		if len(mac) < 10 {
			continue
		}
		e := netstate.Entry{"id": number32(mac), "mac-address": net.HardwareAddr(mac[4:10]).String()}
		if v := t.get(unix.IFLA_VF_VLAN); len(v) >= 12 { // struct ifla_vf_vlan
			e["vlan-id"], e["qos"] = number32(v[4:]), number32(v[8:])
		}
		if v := t.get(unix.IFLA_VF_RATE); len(v) >= 12 { // struct ifla_vf_rate
			e["min-tx-rate"], e["max-tx-rate"] = number32(v[4:]), number32(v[8:])
		}
		for k := range fields {
			f := &fields[k]
			v := t.get(vfFields[f.Key])
			switch {
			case vfFields[f.Key] == 0 || len(v) < 8 || u32(v[4:]) == ^uint32(0):
			case f.Type == netstate.Bool:
				e[f.Key] = strconv.FormatBool(u32(v[4:]) != 0)
			default:
				e[f.Key] = enumName(f, uint64(u32(v[4:])))
			}
			if v := attribute(t.get(unix.IFLA_VF_VLAN_LIST), unix.IFLA_VF_VLAN_INFO); f.Key == "vlan-proto" && len(v) >= 14 { // struct ifla_vf_vlan_info
				if name := enumName(f, uint64(be16(v[12:]))); vlanProto(f, name) {
					e[f.Key] = name
				}
			}
		}
		list = append(list, e)
	}
	return list
}

// vlanProto tells that a protocol is one of those that can be set: before one is, a
// driver may say none.
func vlanProto(f *netstate.Attr, name string) bool {
	return slices.ContainsFunc(f.Enum, func(e netstate.EnumValue) bool { return e.Name == name })
}

func number32(b []byte) string { return strconv.FormatUint(uint64(u32(b)), 10) }

// setSRIOV makes the number of virtual functions what it is to be, and then each
// of them, as far as they are not so: those that are new may be like anything.
func (n *Namespace) setSRIOV(ctx context.Context, want *netstate.Interface, diffs []netstate.Difference) error {
	if len(diffs) == 0 {
		return nil
	}
	raw, ok, err := n.rawLink(ctx, want.Name)
	if err != nil {
		return err
	}
	if !ok {
		return unix.ENODEV
	}
	device := deviceOf(&raw)
	is, capable, err := countVFs(device)
	if err != nil {
		return err
	}
	if device == "" || !capable {
		return fmt.Errorf("the driver of %s has no virtual functions: %w", want.Name, unix.EOPNOTSUPP)
	}
	if probe := slices.IndexFunc(diffs, func(d netstate.Difference) bool { return d.Key == netstate.VFAutoprobe }); probe >= 0 {
		number := map[string]string{"true": "1", "false": "0"}[diffs[probe].After]
		if err := writeNumber(device+autoprobe, number); err != nil {
			return fmt.Errorf("setting drivers-autoprobe to %s: %w", diffs[probe].After, err)
		}
	}
	if total := want.Attrs[netstate.TotalVFs]; total != "" && total != is {
		if err := makeVFs(ctx, device, is, total); err != nil {
			return err
		}
	}
	wanted := netstate.AttrByKey(netstate.VFs).Entries(want.Attrs[netstate.VFs])
	if len(wanted) == 0 {
		return nil
	}
	have, err := n.readVFs(ctx, raw.index)
	if err != nil {
		return err
	}
	for _, e := range wanted {
		at := slices.IndexFunc(have, func(h netstate.Entry) bool { return h["id"] == e["id"] })
		if at < 0 {
			return fmt.Errorf("there is no virtual function %s: %w", e["id"], unix.ENODEV)
		}
		if err := n.setVF(ctx, raw.index, have[at], e); err != nil {
			return err
		}
	}
	return nil
}

// makeVFs writes the number of virtual functions: any other than the one that is
// there only by way of none (sriov_numvfs_store). What their drivers make of them
// is waited for.
func makeVFs(ctx context.Context, device, is, want string) error {
	numbers := []string{want}
	if is != "0" && want != "0" {
		numbers = []string{"0", want}
	}
	for _, number := range numbers {
		if err := writeNumber(device+"/sriov_numvfs", number); err != nil {
			return fmt.Errorf("setting the number of virtual functions from %s to %s: %w", is, number, err)
		}
	}
	const most = 5 * time.Second // a driver that takes longer, or is none, may
	for deadline := time.Now().Add(most); time.Now().Before(deadline) && !boundVFs(device); {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// autoprobe is the file of a device that says whether drivers look for the virtual
// functions that are made.
const autoprobe = "/sriov_drivers_autoprobe"

func writeNumber(file, number string) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(number)
	return errors.Join(err, f.Close())
}

// boundVFs tells that every virtual function of a device has its interface, as far
// as drivers look for new ones by themselves.
func boundVFs(device string) bool {
	if b, err := readAtOnce(device + autoprobe); err != nil || strings.TrimSpace(string(b)) != "1" {
		return true
	}
	functions, _ := filepath.Glob(device + "/virtfn*")
	for _, function := range functions {
		if there, err := os.ReadDir(function + "/net"); err != nil || len(there) == 0 {
			return false
		}
	}
	return true
}

// setVF sets what differs, one message for what the kernel takes together.
func (n *Namespace) setVF(ctx context.Context, index int, have, want netstate.Entry) error {
	differs := func(keys ...string) bool {
		return slices.ContainsFunc(keys, func(key string) bool { return want[key] != "" && want[key] != have[key] })
	}
	value := func(key string) uint32 {
		text := want[key]
		if text == "" {
			text = have[key]
		}
		return vfNumber(key, text)
	}
	id := vfNumber("id", want["id"])
	set := func(what string, typ uint16, payload []byte) error {
		err := n.get(ctx, unix.RTM_NEWLINK, func(m *message) {
			m.ifinfo(index, 0, 0)
			list := m.nest(unix.IFLA_VFINFO_LIST)
			info := m.nest(unix.IFLA_VF_INFO)
			m.attr(typ, payload)
			m.endNest(info)
			m.endNest(list)
		}, nil)
		if err != nil {
			return fmt.Errorf("setting %s of virtual function %s: %w", what, want["id"], err)
		}
		return nil
	}
	if differs("mac-address") {
		mac, err := net.ParseMAC(want["mac-address"])
		if err != nil {
			return err
		}
		const length = 36 // struct ifla_vf_mac
		if err := set("mac-address", unix.IFLA_VF_MAC, append(words32(id, mac...), make([]byte, length-4-len(mac))...)); err != nil {
			return err
		}
	}
	if differs("vlan-id", "qos", "vlan-proto") {
		var m message
		proto := value("vlan-proto")
		m.attr(unix.IFLA_VF_VLAN_INFO, words32(id, append(words32(value("vlan-id"), words32(value("qos"))...), byte(proto>>8), byte(proto), 0, 0)...))
		if err := set("the VLAN", unix.IFLA_VF_VLAN_LIST|unix.NLA_F_NESTED, m.b); err != nil {
			return err
		}
	}
	if differs("min-tx-rate", "max-tx-rate") {
		if err := set("the rates", unix.IFLA_VF_RATE, words32(id, words32(value("min-tx-rate"), words32(value("max-tx-rate"))...)...)); err != nil {
			return err
		}
	}
	for _, key := range []string{"spoof-check", "trust", "link-state", "query-rss"} {
		if differs(key) {
			if err := set(key, vfFields[key], words32(id, words32(value(key))...)); err != nil {
				return err
			}
		}
	}
	return nil
}

// words32 is a number, and what stands behind it.
func words32(v uint32, more ...byte) []byte {
	return append(binary.NativeEndian.AppendUint32(nil, v), more...)
}

// vfNumber is a field's value as the kernel takes it; a VLAN without protocol is
// one of 802.1Q.
func vfNumber(key, text string) uint32 {
	const dot1Q = 0x8100
	fields := netstate.AttrByKey(netstate.VFs).Fields
	for k := range fields {
		for _, e := range fields[k].Enum {
			if fields[k].Key == key && e.Name == text {
				return uint32(e.Value)
			}
		}
	}
	switch {
	case text == "true":
		return 1
	case key == "vlan-proto":
		return dot1Q
	}
	v, _ := strconv.ParseUint(text, 10, 32) // canonical
	return uint32(v)
}
