package check

import (
	"strconv"
	"strings"

	"stet/executors/netstate"
)

// mptcpEndpoint is an endpoint of Multipath TCP.
type mptcpEndpoint struct {
	Address  string `expr:"address"`
	Port     int    `expr:"port"`
	Family   int    `expr:"family"`
	ID       int    `expr:"id"`
	Dev      string `expr:"dev"`
	Device   string `expr:"device"`
	Signal   bool   `expr:"signal"`
	Subflow  bool   `expr:"subflow"`
	Laminar  bool   `expr:"laminar"`
	Backup   bool   `expr:"backup"`
	FullMesh bool   `expr:"fullmesh"`
}

// mptcpLimits says how many paths connections of Multipath TCP may have.
type mptcpLimits struct {
	Subflows int `expr:"subflows"`
	Accepted int `expr:"add_addr_accepted"`
}

func (e *evaluator) mptcpEndpoints() ([]mptcpEndpoint, error) {
	return listOf(e, "mptcp_endpoints", mptcpEndpointsOf)
}

func (e *evaluator) mptcpLimits() ([]mptcpLimits, error) {
	return listOf(e, "mptcp_limits", mptcpLimitsOf)
}

func mptcpEndpointsOf(s *netstate.State) []mptcpEndpoint {
	list := []mptcpEndpoint{}
	mptcpObjects(s, netstate.MPTCPEndpoint, func(x *netstate.Xfrm) {
		on := func(key string) bool { return x.Get(key) == "true" }
		family := 4
		if strings.Contains(x.Get("address"), ":") {
			family = 6
		}
		list = append(list, mptcpEndpoint{
			Address: x.Get("address"), Port: number(x.Get("port")), Family: family, ID: number(x.Get("id")), Dev: x.Get("dev"), Device: x.Get("dev"),
			Signal: on("signal"), Subflow: on("subflow"), Laminar: on("laminar"), Backup: on("backup"), FullMesh: on("fullmesh"),
		})
	})
	return list
}

func mptcpLimitsOf(s *netstate.State) []mptcpLimits {
	list := []mptcpLimits{}
	mptcpObjects(s, netstate.MPTCPLimits, func(x *netstate.Xfrm) {
		list = append(list, mptcpLimits{Subflows: number(x.Get("subflows")), Accepted: number(x.Get("add-addr-accepted"))})
	})
	return list
}

// mptcpObjects calls f for those of a sort.
func mptcpObjects(s *netstate.State, sort string, f func(*netstate.Xfrm)) {
	if s == nil {
		return
	}
	for i := range s.Xfrm {
		if s.Xfrm[i].Sort == sort {
			f(&s.Xfrm[i])
		}
	}
}

// mptcpFlags are in the words and the order of ip-mptcp(8).
func mptcpFlags(x mptcpEndpoint) string {
	var words []string
	for _, flag := range []struct {
		on   bool
		word string
	}{{x.Signal, "signal"}, {x.Subflow, "subflow"}, {x.Laminar, "laminar"}, {x.Backup, "backup"}, {x.FullMesh, "fullmesh"}} {
		if flag.on {
			words = append(words, flag.word)
		}
	}
	return strings.Join(words, " ")
}

func mptcpEndpointText(x mptcpEndpoint) string {
	return strings.Join(nonEmpty(x.Address, prefixed("port ", numeral(x.Port)), prefixed("id ", numeral(x.ID)), prefixed("dev ", x.Dev), mptcpFlags(x)), " ")
}

// mptcpEndpointItem keys endpoints as the kernel tells them apart.
func mptcpEndpointItem(x mptcpEndpoint) item {
	return item{
		key:    strings.Join(nonEmpty(x.Address, prefixed("port ", numeral(x.Port))), " "),
		fields: [][2]string{{"id", numeral(x.ID)}, {"dev", x.Dev}, {"flags", mptcpFlags(x)}},
	}
}

func mptcpLimitsItem(x mptcpLimits) item {
	return item{key: "limits", fields: [][2]string{{"subflows", strconv.Itoa(x.Subflows)}, {"add_addr_accepted", strconv.Itoa(x.Accepted)}}}
}
