package plan

import (
	"testing"

	"stet/executors/netstate"
)

func link(op netstate.Op, before, after netstate.Attrs) netstate.Edit {
	e := netstate.Edit{Op: op}
	if before != nil {
		e.Before.Link = &netstate.Interface{Name: "eth0", Type: "veth", Attrs: before}
	}
	if after != nil {
		e.After.Link = &netstate.Interface{Name: "eth0", Type: "veth", Attrs: after}
	}
	return e
}

// assumed takes a key of what was before for the kernel's own choice.
func assumed(e netstate.Edit, key string) netstate.Edit {
	e.Before.Link.Assumed = []string{key}
	return e
}

func sysctl(before *netstate.Sysctl, value string) netstate.Edit {
	return netstate.Edit{Op: netstate.Modify, Before: netstate.Object{Sysctl: before}, After: netstate.Object{Sysctl: &netstate.Sysctl{Key: "k", Value: value}}}
}

func TestFits(t *testing.T) {
	type attrs = netstate.Attrs
	tests := []struct {
		name         string
		now, planned []netstate.Edit
		want         bool
	}{
		{"the same", []netstate.Edit{link("change", attrs{"mtu": "1500"}, attrs{"mtu": "9000"})}, []netstate.Edit{link("change", attrs{"mtu": "1500"}, attrs{"mtu": "9000"})}, true},
		{"unknown before", []netstate.Edit{link("change", attrs{"mtu": "1500"}, attrs{"mtu": "9000"})}, []netstate.Edit{link("change", attrs{}, attrs{"mtu": "9000"})}, true},
		{"assumed before", []netstate.Edit{link("change", attrs{"mtu": "1450"}, attrs{"mtu": "9000"})}, []netstate.Edit{assumed(link("change", attrs{"mtu": "1500"}, attrs{"mtu": "9000"}), "mtu")}, true},
		{"assumed before and it holds", nil, []netstate.Edit{assumed(link("change", attrs{"mtu": "1500"}, attrs{"mtu": "1450"}), "mtu")}, true},
		{"another is assumed", []netstate.Edit{link("change", attrs{"mtu": "1450"}, attrs{"mtu": "9000"})}, []netstate.Edit{assumed(link("change", attrs{"mtu": "1500"}, attrs{"mtu": "9000"}), "arp")}, false},
		{"assumed before, another value after", []netstate.Edit{link("change", attrs{"mtu": "1450"}, attrs{"mtu": "8000"})}, []netstate.Edit{assumed(link("change", attrs{"mtu": "1500"}, attrs{"mtu": "9000"}), "mtu")}, false},
		{"unknown before and it holds", nil, []netstate.Edit{link("change", attrs{}, attrs{"mtu": "1500"})}, true},
		{"another value before", []netstate.Edit{link("change", attrs{"mtu": "1400"}, attrs{"mtu": "9000"})}, []netstate.Edit{link("change", attrs{"mtu": "1500"}, attrs{"mtu": "9000"})}, false},
		{"another value after", []netstate.Edit{link("change", attrs{"mtu": "1500"}, attrs{"mtu": "8000"})}, []netstate.Edit{link("change", attrs{}, attrs{"mtu": "9000"})}, false},
		{"one more attribute", []netstate.Edit{link("change", attrs{"mtu": "1500", "state": "up"}, attrs{"mtu": "9000", "state": "down"})}, []netstate.Edit{link("change", attrs{"state": "up"}, attrs{"mtu": "9000", "state": "up"})}, false},
		{"it is already so", nil, []netstate.Edit{link("change", attrs{"mtu": "1500"}, attrs{"mtu": "9000"})}, false},
		{"it must be made now", []netstate.Edit{link("add", nil, attrs{"mtu": "9000"})}, []netstate.Edit{link("change", attrs{}, attrs{"mtu": "9000"})}, false},
		{"unknown sysctl", []netstate.Edit{sysctl(&netstate.Sysctl{Key: "k", Value: "0"}, "1")}, []netstate.Edit{sysctl(nil, "1")}, true},
		{"missing sysctl", []netstate.Edit{sysctl(&netstate.Sysctl{Key: "k", Value: "0"}, "1")}, []netstate.Edit{sysctl(&netstate.Sysctl{Key: "k", Missing: true}, "1")}, true},
		{"assumed sysctl", []netstate.Edit{sysctl(&netstate.Sysctl{Key: "k", Value: "2"}, "1")}, []netstate.Edit{sysctl(&netstate.Sysctl{Key: "k", Value: "0", Assumed: true}, "1")}, true},
		{"assumed sysctl and it holds", nil, []netstate.Edit{sysctl(&netstate.Sysctl{Key: "k", Value: "0", Assumed: true}, "1")}, true},
		{"known sysctl", []netstate.Edit{sysctl(&netstate.Sysctl{Key: "k", Value: "0"}, "1")}, []netstate.Edit{sysctl(&netstate.Sysctl{Key: "k", Value: "2"}, "1")}, false},
		{"another object", []netstate.Edit{sysctl(nil, "1")}, []netstate.Edit{link("change", attrs{}, attrs{"mtu": "9000"})}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Fits(&netstate.Change{Edits: tt.now}, &netstate.Change{Edits: tt.planned}); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
