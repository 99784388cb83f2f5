package linux

import (
	"context"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// lacksMDB notes that the kernel has no multicast databases of VXLANs, or takes
// no lists of sources and no protocols. It is told by the order in which kernels
// look at a request that none of them grants: what they can do is not a matter
// of their number, as distributions bring it to older ones.
func lacksMDB(ctx context.Context, s *netstate.State, name string) error {
	if _, known := present.Load(name); known {
		return nil
	}
	ask, reason := asksRemotes, " has no multicast databases of VXLANs: Linux 6.4 and later have"
	if name == netstate.MDBSources {
		ask, reason = asksSources, " takes neither lists of sources nor protocols of groups: Linux 6.2 and later do"
	}
	has, err := probed("multicast databases", func(s *socket) (bool, error) { return ask(ctx, s) })
	if err != nil {
		return err
	}
	if !has {
		release, err := kernelRelease()
		note(s, name, "the running kernel "+release+reason)
		return err
	}
	present.Store(name, true)
	return nil
}

// asksRemotes asks for no entry of the loopback interface. Where interfaces of
// all types may have entries, that it is none comes first (rtnl_mdb_add); where
// only bridges may, that this is no bridge (br_mdb_parse).
func asksRemotes(ctx context.Context, s *socket) (bool, error) {
	return unless(s.getFlags(ctx, rtmNewMDB, unix.NLM_F_CREATE, func(m *message) { m.portMsg(loopbackIndex) }, nil), unix.EOPNOTSUPP)
}

// asksSources asks for an entry, with a mode, of a port that a bridge has not.
// Where there are modes the port comes first (br_mdb_config_init), else the
// attribute that is not known (br_mdb_parse).
func asksSources(ctx context.Context, s *socket) (bool, error) {
	if err := s.makeProbe(ctx, "bridge", unix.IFF_UP); err != nil {
		return unless(err) // that is said of the bridge
	}
	group, protocol, _ := groupBytes("239.1.1.1")
	return unless(s.getFlags(ctx, rtmNewMDB, unix.NLM_F_CREATE, func(m *message) {
		m.portMsg(probeIndex)
		m.mdbEntry(probeIndex+1, &netstate.MDBEntry{State: "permanent"}, group, protocol)
		at := m.nest(mdbaSetAttributes)
		m.u8(mdbaInfoMode, 0)
		m.endNest(at)
	}, nil), unix.EINVAL, unix.EOPNOTSUPP)
}

// joined looks for what has to go before a plain entry can be made: a kernel
// before Linux 6.2 replaces none, not even one that it learned.
func (n *Namespace) joined(ctx context.Context, l *links) (func(*netstate.MDBEntry) *netstate.Object, error) {
	s := &netstate.State{}
	err := lacksMDB(ctx, s, netstate.MDBSources)
	if err == nil && len(s.Lacks) > 0 {
		err = n.dumpMDB(ctx, s, l)
	}
	return func(e *netstate.MDBEntry) *netstate.Object {
		for i := range s.MDB {
			if netstate.CompareMDB(&s.MDB[i], e) == 0 {
				return &netstate.Object{MDB: &s.MDB[i]}
			}
		}
		return nil
	}, err
}
