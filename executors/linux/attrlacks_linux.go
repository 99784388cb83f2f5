package linux

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// lacksAttr notes that the kernel is too old for an attribute, which it would take and
// pass over. The version that brought it has it. Of an older one, to which a
// distribution may have brought it, an interface tells; where none does, one that is
// made to ask. Of what no interface tells, the version alone decides.
func lacksAttr(ctx context.Context, s *netstate.State, raw []rawLink, a *netstate.Attr) error {
	if _, known := present.Load(a.Key); known {
		return nil
	}
	release, err := kernelRelease()
	if err != nil {
		return err
	}
	has := !older(release, a.Since)
	if !has && !a.Unreported {
		kind, port := kindOfAttr(a.Key)
		tells := func(r rawLink) bool { return tellsAttr(&r, kind, port, a) }
		if has = slices.ContainsFunc(raw, tells); !has && (kind != nil || len(raw) == 0) {
			if has, err = probeAttr(ctx, kind, port, tells); err != nil {
				return err
			}
		}
	}
	if !has {
		note(s, a.Key, fmt.Sprintf("it came with Linux %s, and the running kernel %s has not got it", a.Since, release))
		return nil
	}
	present.Store(a.Key, true)
	return nil
}

// older tells whether a kernel's release ("6.1.0-56-amd64") is before a version ("6.7").
// What is no version is not.
func older(release, version string) bool {
	var has, wants [2]int
	for text, v := range map[string]*[2]int{release: &has, version: &wants} {
		if _, err := fmt.Sscanf(text, "%d.%d", &v[0], &v[1]); err != nil {
			return false
		}
	}
	return slices.Compare(has[:], wants[:]) < 0
}

// kindOfAttr finds the kind of interfaces, or of their controller, that has an
// attribute.
func kindOfAttr(key string) (kind *netstate.Kind, port bool) {
	for _, k := range netstate.Kinds() {
		if hasAttr(k.Attrs, key) {
			return k, false
		}
		if hasAttr(k.PortAttrs, key) {
			return k, true
		}
	}
	return nil, false
}

func tellsAttr(r *rawLink, kind *netstate.Kind, port bool, a *netstate.Attr) bool {
	if kind == nil { // every interface has it
		_, told := decodeOne(a, r, &r.attrs, newLinks())
		return told
	}
	name, table := r.kind, r.data
	if port {
		name, table = r.slaveKind, r.slaveData
	}
	if name != kind.Kernel {
		return false
	}
	_, told := decodeOne(a, r, table, newLinks())
	return told
}

// probeAttr asks by making an interface, and a port of it. Where the kernel does not
// make one, nothing is known, and what is asked for is taken to be there: reading
// back tells.
func probeAttr(ctx context.Context, kind *netstate.Kind, port bool, tells func(rawLink) bool) (bool, error) {
	if kind == nil {
		return true, nil
	}
	if kind.Name == "bond" { // its module makes one of its own when it is loaded
		release, err := kernelRelease()
		if loaded, _ := module("/", release, kind.Module); err != nil || !loaded {
			return true, err
		}
	}
	return probed(kind.Name, func(s *socket) (bool, error) {
		err := s.makeProbe(ctx, kind.Kernel, 0)
		index := probeIndex
		if port && err == nil {
			index++
			err = s.getFlags(ctx, unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, func(m *message) {
				m.ifinfo(index, 0, 0)
				m.str(unix.IFLA_IFNAME, "stetport")
				m.u32(unix.IFLA_MASTER, probeIndex)
				info := m.nest(unix.IFLA_LINKINFO)
				m.str(unix.IFLA_INFO_KIND, "veth") // its module makes none by itself
				m.endNest(info)
			}, nil)
		}
		var answer *kernelError
		if errors.As(err, &answer) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		has := false
		err = s.get(ctx, unix.RTM_GETLINK, func(m *message) { m.ifinfo(index, 0, 0) }, func(r reply) {
			if made, ok := decodeLink(r.body); ok && r.typ == unix.RTM_NEWLINK {
				has = tells(made)
			}
		})
		return has, err
	})
}
