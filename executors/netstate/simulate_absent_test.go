package netstate

import (
	"net/netip"
	"testing"
)

// TestAbsentRoutesHaveWhatIsNamed removes only routes that have all that the entry
// names: tos, scope, metrics and ways, too.
func TestAbsentRoutesHaveWhatIsNamed(t *testing.T) {
	there := Route{Destination: netip.MustParsePrefix("10.0.0.0/8"), Table: 254, Protocol: 4, TOS: 16, Congestion: "reno",
		NextHops: []NextHop{{Device: "lo"}}, Metrics: map[string]uint32{"mtu": 1400}}
	for _, c := range []struct {
		key   string
		entry Route
		goes  bool
	}{
		{"tos", Route{TOS: 16}, true},
		{"tos", Route{}, false},
		{"scope", Route{}, true},
		{"scope", Route{Scope: 253}, false},
		{"mtu", Route{Metrics: map[string]uint32{"mtu": 1400}}, true},
		{"mtu", Route{Metrics: map[string]uint32{"mtu": 1300}}, false},
		{"advmss", Route{Metrics: map[string]uint32{"advmss": 1300}}, false},
		{Congctl, Route{Congestion: "reno"}, true},
		{Congctl, Route{Congestion: "bbr"}, false},
		{"onlink", Route{NextHops: []NextHop{{OnLink: true}}}, false},
		{"next-hops", Route{NextHops: []NextHop{{Device: "lo"}}}, true},
		{"next-hops", Route{NextHops: []NextHop{{Device: "lo"}, {Device: "x"}}}, false},
	} {
		entry := RouteConfig{Route: c.entry, Absent: true, Has: map[string]bool{"destination": true, c.key: true}}
		entry.Route.Destination = there.Destination
		to, _, problems := Simulate(&State{Routes: []Route{there}}, &Config{Routes: []RouteConfig{entry}})
		if gone := len(to.Routes) == 0; len(problems) > 0 || gone != c.goes {
			t.Errorf("%s: %+v: gone is %v, %+v", c.key, c.entry, gone, problems)
		}
	}
}
