package linux

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// IFLA_INET6_* of linux/if_link.h that x/sys has not.
const (
	iflaInet6Token       = 7
	iflaInet6AddrGenMode = 8
)

// decodeInet6 reads what the kernel says of an interface's IPv6.
func decodeInet6(i *netstate.Interface, r *rawLink) {
	for typ, own := range attributes(r.attrs.get(unix.IFLA_AF_SPEC)) {
		if typ != unix.AF_INET6 {
			continue
		}
		for typ, p := range attributes(own) {
			switch {
			case typ == unix.IFLA_INET6_CONF:
				for _, key := range []string{"ipv6.accept-ra", "ipv6.autoconf", "ipv6.use-tempaddr"} {
					if at := devconf6[netstate.Inet6Sysctl(key)]; len(p) >= 4*(at+1) {
						i.Attrs[key] = strconv.Itoa(int(int32(u32(p[4*at:]))))
					}
				}
				if v, ok := i.Attrs["ipv6.autoconf"]; ok {
					i.Attrs["ipv6.autoconf"] = strconv.FormatBool(v != "0")
				}
			case typ == iflaInet6AddrGenMode && len(p) > 0:
				i.Attrs["ipv6.addr-gen-mode"] = enumName(netstate.AttrByKey("ipv6.addr-gen-mode"), uint64(p[0]))
			case typ == iflaInet6Token && len(p) == 16:
				if token := address(p); !token.IsUnspecified() {
					i.Attrs["ipv6.token"] = token.String()
				}
			}
		}
	}
}

// setInet6 sets what differs in an interface's IPv6. A token is taken only where
// router advertisements are heard: they are switched on before, and off after.
func (w *linkWriter) setInet6(ctx context.Context, index int, name string, diffs []netstate.Difference) error {
	var spec, parameters []netstate.Difference
	deaf := false
	for _, d := range diffs {
		if d.Key == "ipv6.token" || d.Key == "ipv6.addr-gen-mode" {
			spec = append(spec, d)
			continue
		}
		parameters = append(parameters, d)
		deaf = deaf || d.Key == "ipv6.accept-ra" && d.After == "0"
	}
	steps := []func() error{
		func() error { return w.setInet6Parameters(name, parameters) },
		func() error { return w.setInet6Spec(ctx, index, spec) },
	}
	if deaf {
		slices.Reverse(steps)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (w *linkWriter) setInet6Parameters(name string, diffs []netstate.Difference) error {
	for _, d := range diffs {
		key := "net/ipv6/conf/" + name + "/" + netstate.Inet6Sysctl(d.Key)
		if err := w.n.writeSysctl(&netstate.Sysctl{Key: key, Value: netstate.Inet6Value(d.Key, d.After)}); err != nil {
			return fmt.Errorf("setting %s: %w", d.Key, err)
		}
	}
	return nil
}

// setInet6Spec sends IFLA_AF_SPEC with AF_INET6.
func (w *linkWriter) setInet6Spec(ctx context.Context, index int, diffs []netstate.Difference) error {
	if len(diffs) == 0 {
		return nil
	}
	var bad error
	err := w.n.get(ctx, unix.RTM_NEWLINK, func(m *message) {
		m.ifinfo(index, 0, 0)
		spec := m.nest(unix.IFLA_AF_SPEC)
		own := m.nest(unix.AF_INET6)
		for _, d := range diffs {
			if d.Key == "ipv6.token" {
				token := netip.IPv6Unspecified()
				if d.After != "" {
					token, bad = netip.ParseAddr(d.After)
				}
				m.addr(iflaInet6Token, token)
				continue
			}
			mode, err := strconv.ParseUint(netstate.Inet6Value(d.Key, d.After), 10, 8)
			bad = errors.Join(bad, err)
			m.u8(iflaInet6AddrGenMode, uint8(mode))
		}
		m.endNest(own)
		m.endNest(spec)
	}, nil)
	if bad != nil {
		return bad
	}
	return err
}

// lacksSecret notes that an interface has no secret to make addresses from. The
// secret itself is not looked at: without one, reading it is refused.
func (n *Namespace) lacksSecret(s *netstate.State, kind string) error {
	name, asked := strings.CutPrefix(kind, netstate.StableSecretOf(""))
	if !asked {
		return nil
	}
	return n.within(func() error {
		for _, of := range []string{name, "default"} {
			b, err := os.ReadFile(sysctlRoot + "net/ipv6/conf/" + of + "/stable_secret")
			clear(b)
			if err == nil {
				return nil
			}
			if !errors.Is(err, unix.EIO) && !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("looking for a secret of %s: %w", name, err)
			}
		}
		note(s, kind, "there is no secret to make them from")
		return nil
	})
}
