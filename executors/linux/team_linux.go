package linux

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// The options of the team driver over generic netlink. Numbers: linux/if_team.h;
// the types are NLA_* of net/netlink.h.
const (
	teamSet = 1
	teamGet = 2

	teamIfindex = 1
	teamOptions = 2
	teamOption  = 1

	teamOptionName  = 1
	teamOptionType  = 3
	teamOptionData  = 4
	teamOptionPort  = 6
	teamOptionIndex = 7

	teamU32    = 3
	teamString = 5
	teamFlag   = 6
	teamS32    = 14
)

// teamNames are the driver's options by attribute, with their types.
var teamNames = map[string]struct {
	name string
	typ  uint8
}{
	"team.mode":                      {"mode", teamString},
	"team.notify-peers-count":        {"notify_peers_count", teamU32},
	"team.notify-peers-interval":     {"notify_peers_interval", teamU32},
	"team.multicast-rejoin-count":    {"mcast_rejoin_count", teamU32},
	"team.multicast-rejoin-interval": {"mcast_rejoin_interval", teamU32},
	"team.active-port":               {"activeport", teamU32},
	"team.tx-method":                 {"lb_tx_method", teamString},
	"team.stats-refresh-interval":    {"lb_stats_refresh_interval", teamU32},
	"team-port.enabled":              {"enabled", teamFlag},
	"team-port.priority":             {"priority", teamS32},
	"team-port.queue-id":             {"queue_id", teamU32},
	"team-port.user-linkup-enabled":  {"user_linkup_enabled", teamFlag},
	"team-port.user-linkup":          {"user_linkup", teamFlag},
}

// teamValue is one option of a team, or of one of its ports.
type teamValue struct {
	name string
	port int // 0: of the team
	data []byte
}

func (n *Namespace) team(ctx context.Context, index int) (list []teamValue, err error) {
	g, err := n.generic(ctx, "team")
	if err != nil {
		return nil, err
	}
	defer g.close()
	// The answer is one message or several, all to one request.
	err = g.do(ctx, teamGet, func(m *message) { m.u32(teamIfindex, uint32(index)) }, func(b []byte) {
		for _, option := range attributes(attribute(b, teamOptions)) {
			t := tabulate(option)
			if t.get(teamOptionIndex) != nil {
				continue // a table of statistics
			}
			// The buffer is used again for the next message.
			list = append(list, teamValue{text(t.get(teamOptionName)), int(u32(t.get(teamOptionPort))), slices.Clone(t.get(teamOptionData))})
		}
	})
	return list, err
}

// teamText is a value in canonical text; false where there is none.
func teamText(v *teamValue, key string, l *links) (string, bool) {
	switch o := teamNames[key]; {
	case key == "team.active-port":
		index := int(u32(v.data))
		return l.name(index), true
	case o.typ == teamString:
		s := text(v.data)
		return s, s != "*NOMODE*"
	case o.typ == teamFlag:
		return strconv.FormatBool(v.data != nil), true
	case o.typ == teamS32:
		return strconv.FormatInt(int64(int32(u32(v.data))), 10), true
	}
	return strconv.FormatUint(uint64(u32(v.data)), 10), true
}

// observeTeam reads the options of a team; those of its ports are read by
// observeTeamPorts.
func observeTeam(ctx context.Context, n *Namespace, i *netstate.Interface) error {
	if has, err := n.teamd(ctx, i); err != nil || has {
		return err // the options are its own
	}
	l, err := n.links(ctx)
	if err != nil {
		return err
	}
	return n.teamInto(ctx, i.Index, 0, "team.", i, l)
}

// teamInto reads the options with a prefix, of a team (port 0) or of a port.
func (n *Namespace) teamInto(ctx context.Context, index, port int, prefix string, i *netstate.Interface, l *links) error {
	list, err := n.team(ctx, index)
	if err != nil {
		return err
	}
	for at := range list {
		for key, o := range teamNames {
			if o.name != list[at].name || list[at].port != port || !strings.HasPrefix(key, prefix) {
				continue
			}
			if value, ok := teamText(&list[at], key, l); ok {
				i.Attrs[key] = value
			}
		}
	}
	return nil
}

// observeTeamPort reads what a port of a team has; that of one with a runner is
// told by its teamd.
func (n *Namespace) observeTeamPort(ctx context.Context, i *netstate.Interface, controller int, l *links) error {
	team := l.name(controller)
	pid, config, err := n.untilTeamd(ctx, "teamdctl", team, "config", "dump")
	if pid != "" {
		i.ReadTeamd("team-port", netstate.TeamdAt(config, "ports", i.Name))
		return err
	}
	err = n.teamInto(ctx, controller, i.Index, "team-port.", i, l)
	if err != nil {
		return fmt.Errorf("reading %s as a port of a team: %w", i.Name, err)
	}
	return nil
}

func setTeam(ctx context.Context, n *Namespace, index int, _, want *netstate.Interface, diffs []netstate.Difference) error {
	if want.Attrs[netstate.TeamRunner] != "" {
		return n.startTeamd(ctx, want)
	}
	return n.setTeamOptions(ctx, index, 0, diffs)
}

func (n *Namespace) setTeamOptions(ctx context.Context, index, port int, diffs []netstate.Difference) error {
	g, err := n.generic(ctx, "team")
	if err != nil {
		return err
	}
	defer g.close()
	l, err := n.links(ctx)
	if err != nil {
		return err
	}
	for _, d := range diffs {
		if d.Key == "team.mode" && d.After == "" || netstate.IsTeamd(d.Key) {
			continue // it has none, and needs none without ports; or teamd has it
		}
		data, err := teamData(d.Key, d.After, l)
		if err == nil {
			err = g.do(ctx, teamSet, func(m *message) { encodeTeam(m, index, port, d.Key, data) }, nil)
		}
		if errors.Is(err, unix.ESRCH) {
			// It is set, and nobody listens to hear of it
			// (team_nl_send_event_options_get).
			continue
		}
		if err != nil {
			return fmt.Errorf("setting %s to %s: %w", d.Key, d.After, err)
		}
	}
	return nil
}

// teamData is an option's payload; nil is a flag that is not set.
func teamData(key, value string, l *links) ([]byte, error) {
	switch o := teamNames[key]; {
	case key == "team.active-port":
		if value == "" {
			return make([]byte, 4), nil
		}
		index, err := l.index(value)
		if err != nil {
			return nil, err
		}
		return binary.NativeEndian.AppendUint32(nil, uint32(index)), nil
	case o.typ == teamString:
		return append([]byte(value), 0), nil
	case o.typ == teamFlag:
		if value == "true" {
			return []byte{}, nil
		}
		return nil, nil
	}
	v, err := strconv.ParseInt(value, 10, 64)
	return binary.NativeEndian.AppendUint32(nil, uint32(v)), err
}

func encodeTeam(m *message, index, port int, key string, data []byte) {
	m.u32(teamIfindex, uint32(index))
	list := m.nest(teamOptions)
	option := m.nest(teamOption)
	m.str(teamOptionName, teamNames[key].name)
	m.u8(teamOptionType, teamNames[key].typ)
	if data != nil {
		m.attr(teamOptionData, data)
	}
	if port != 0 {
		m.u32(teamOptionPort, uint32(port))
	}
	m.endNest(option)
	m.endNest(list)
}

// setTeamPort sets what a port of a team has, and waits until a runner has a new
// port.
func (w *linkWriter) setTeamPort(ctx context.Context, index int, want *netstate.Interface, d *differences) error {
	controller := want.Attrs["controller"]
	if controller == "" || !d.controller && len(d.team) == 0 {
		return nil
	}
	raw, ok, err := w.n.rawLink(ctx, controller)
	if err != nil || !ok || raw.kind != "team" {
		return err
	}
	list := d.team
	if d.controller {
		l, err := w.n.links(ctx)
		if err != nil {
			return err
		}
		now := netstate.Interface{Name: want.Name, Type: want.Type, Index: index, Attrs: netstate.Attrs{"controller": controller}}
		if err := w.n.observeTeamPort(ctx, &now, raw.index, l); err != nil {
			return err
		}
		list = sortDifferences(netstate.Differences(&now, want), nil).team
		if _, _, err := w.n.untilTeamd(ctx, "teamdctl", controller, "port", "config", "dump", want.Name); err != nil {
			return err
		}
	}
	if len(list) == 0 {
		return nil
	}
	return w.n.setTeamOptions(ctx, raw.index, index, list)
}
