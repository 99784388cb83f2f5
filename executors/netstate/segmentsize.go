package netstate

import (
	"slices"
	"strconv"
)

// segmentSizes are sizes of packets that the kernel makes and takes as one; that of
// IPv4 follows the other up to legacySize (netif_set_gso_max_size).
var segmentSizes = [][2]string{{"gso-max-size", "gso-ipv4-max-size"}, {"gro-max-size", "gro-ipv4-max-size"}}

const legacySize = 65536 // GSO_LEGACY_MAX_SIZE

// SegmentSize is the size of IPv4 that the kernel sets along with a size, or "".
func SegmentSize(key string) string {
	for _, pair := range segmentSizes {
		if pair[0] == key {
			return pair[1]
		}
	}
	return ""
}

// followSizes sets what the kernel sets along with the sizes of segments.
func (m *simulation) followSizes(i *InterfaceConfig, v *Interface) {
	was := m.from.Interface(i.Name)
	for _, pair := range segmentSizes {
		size, err := strconv.ParseUint(v.Attrs[pair[0]], 10, 32)
		told := attrOf(was, pair[1]) != ""
		if err == nil && told && size <= legacySize && v.Attrs[pair[0]] != was.Attrs[pair[0]] && !given(i, pair[1]) {
			v.Attrs[pair[1]] = v.Attrs[pair[0]]
		}
	}
}

// checkSizes refuses what the driver would.
func checkSizes(i *InterfaceConfig, v *Interface, fault func(key, summary, detail string)) {
	most, err := strconv.ParseUint(v.Status["tso-max-size"], 10, 32)
	for _, key := range segmentSizes[0] {
		if size, bad := strconv.ParseUint(i.Attrs[key], 10, 32); err == nil && bad == nil && size > most {
			fault(key, key+" "+i.Attrs[key]+" is more than "+v.Status["tso-max-size"], "The driver does not take more.")
		}
	}
	if takes := []string{"mac-vlan", "mac-vtap", "vxlan"}; i.Attrs["protodown"] == "true" && kindOf(v).Creatable && !slices.Contains(takes, v.Type) {
		fault("protodown", "an interface of type "+v.Type+" cannot be held down", "Use `state: down`.")
	}
}
