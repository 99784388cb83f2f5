package linux

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// observeLacks fills in which of the kinds the running kernel cannot make. A
// kind that a link of the namespace is of is there.
func (n *Namespace) observeLacks(ctx context.Context, s *netstate.State, raw []rawLink, kinds []string) error {
	for _, name := range kinds {
		if err := n.lacksSecret(s, name); err != nil {
			return err
		}
		if typ, asked := strings.CutPrefix(name, netstate.EncapOf("")); asked {
			reason, err := encapLacks(ctx, typ)
			if err != nil {
				return err
			}
			if reason != "" {
				note(s, name, reason)
			}
			continue
		}
		if name == netstate.TeamRunner {
			if _, err := exec.LookPath("teamd"); err != nil {
				note(s, name, "the program teamd is not installed")
			}
			continue
		}
		if name == netstate.MDBRemotes || name == netstate.MDBSources {
			if err := lacksMDB(ctx, s, name); err != nil {
				return err
			}
			continue
		}
		if a := netstate.AttrByKey(name); a != nil && a.Since != "" {
			if err := lacksAttr(ctx, s, raw, a); err != nil {
				return err
			}
			continue
		}
		kind := netstate.KindByName(name)
		if name == vlanFiltering {
			if err := lacksFiltering(ctx, s, raw); err != nil {
				return err
			}
			continue
		}
		if kind == nil && strings.Contains(name, " ") {
			if err := lacksTraffic(ctx, s, name); err != nil {
				return err
			}
			continue
		}
		if kind == nil || kind.Module == "" {
			continue
		}
		if slices.ContainsFunc(raw, func(r rawLink) bool { return r.kind == kind.Kernel }) {
			continue
		}
		reason, err := kindLacks(ctx, kind)
		if err != nil {
			return err
		}
		if reason == "" {
			continue
		}
		note(s, name, reason)
	}
	return nil
}

func note(s *netstate.State, name, reason string) {
	s.Lacks = maps.Clone(s.Lacks)
	if s.Lacks == nil {
		s.Lacks = map[string]string{}
	}
	s.Lacks[name] = reason
}

// vlanFiltering is what a kernel can have bridges without.
const vlanFiltering = "bridge.options.vlan-filtering"

// lacksFiltering tells whether bridges can keep VLANs apart: then each has a
// default VLAN (br_fill_info).
func lacksFiltering(ctx context.Context, s *netstate.State, raw []rawLink) error {
	bridge := netstate.KindByName("linux-bridge")
	if _, known := present.Load(vlanFiltering); known {
		note(s, vlanFiltering, "")
		return nil
	}
	if reason, err := kindLacks(ctx, bridge); err != nil || reason != "" {
		return err // that is said of the bridge
	}
	has := slices.ContainsFunc(raw, func(r rawLink) bool {
		return r.kind == bridge.Kernel && r.data.get(unix.IFLA_BR_VLAN_DEFAULT_PVID) != nil
	})
	if !has {
		var err error
		has, err = probe(ctx, bridge, func(made rawLink) bool { return made.data.get(unix.IFLA_BR_VLAN_DEFAULT_PVID) != nil })
		if err != nil {
			return err
		}
	}
	if !has {
		note(s, vlanFiltering, "the running kernel has no VLAN filtering built in (CONFIG_BRIDGE_VLAN_FILTERING)")
		return nil
	}
	present.Store(vlanFiltering, true)
	note(s, vlanFiltering, "")
	return nil
}

// present remembers the kinds that the kernel was seen to have: asking costs a
// namespace.
var present sync.Map

// kindLacks says what the running kernel is without for a kind; "" if it has it, or
// if that cannot be found out without privileges. What is on disk is asked
// first: the kernel itself would load a module to answer.
func kindLacks(ctx context.Context, kind *netstate.Kind) (string, error) {
	return moduleLacks(kind.Name, kind.Module, kind.Option, func() (bool, error) {
		if kind.Name == "tun" {
			return hasTun(), nil
		}
		return probe(ctx, kind, nil)
	})
}

// moduleLacks says it for what name stands for; ask is whether the kernel
// itself has it.
func moduleLacks(name, mod, option string, ask func() (bool, error)) (string, error) {
	if _, ok := present.Load(name); ok {
		return "", nil
	}
	release, err := kernelRelease()
	if err != nil {
		return "", err
	}
	loaded, loadable := module("/", release, mod)
	switch {
	case loaded:
	case loadable && modulesDisabled():
		return fmt.Sprintf("module %s (%s) is not loaded, and kernel.modules_disabled forbids loading it", mod, option), nil
	case loadable:
	default:
		has, err := ask()
		if err != nil || !has {
			return without(mod, option, release), err
		}
	}
	present.Store(name, true)
	return "", nil
}

func kernelRelease() (string, error) {
	var system unix.Utsname
	if err := unix.Uname(&system); err != nil {
		return "", fmt.Errorf("asking for the kernel's release: %w", err)
	}
	return unix.ByteSliceToString(system.Release[:]), nil
}

// hasTun asks the device; one that may not be opened is there.
func hasTun() bool {
	f, err := os.Open("/dev/net/tun")
	if err == nil {
		_ = f.Close()
	}
	return !errors.Is(err, unix.ENODEV) && !errors.Is(err, unix.ENXIO) && !errors.Is(err, unix.ENOENT)
}

func without(mod, option, release string) string {
	return fmt.Sprintf("the running kernel %s has neither module %s nor it built in (%s)", release, mod, option)
}

// module tells whether a module is in the kernel, and whether it is installed
// for it. root is where to look: "/".
func module(root, release, name string) (loaded, loadable bool) {
	plain := func(s string) string { return strings.ReplaceAll(s, "-", "_") }
	if _, err := os.Stat(filepath.Join(root, "sys/module", plain(name))); err == nil {
		return true, false
	}
	listed := func(file string) bool {
		f, err := os.Open(filepath.Join(root, "lib/modules", release, file))
		if err != nil {
			return false
		}
		defer func() { _ = f.Close() }()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			path, _, _ := strings.Cut(lines.Text(), ":")
			base, _, _ := strings.Cut(filepath.Base(path), ".ko")
			if plain(base) == plain(name) {
				return true
			}
		}
		return false
	}
	return listed("modules.builtin"), listed("modules.dep")
}

func modulesDisabled() bool {
	b, err := os.ReadFile("/proc/sys/kernel/modules_disabled")
	return err == nil && strings.TrimSpace(string(b)) == "1"
}

// probed asks the kernel itself, in a namespace that nobody else sees. Without
// the right to make one, what is asked for is taken to be there.
func probed(what string, ask func(*socket) (bool, error)) (has bool, err error) {
	err = apart(func() error {
		s, err := openSocket()
		if err != nil {
			return err
		}
		defer s.close()
		has, err = ask(s)
		return err
	})
	var outside *enterError
	if errors.As(err, &outside) && (errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS)) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("asking the kernel for %s: %w", what, err)
	}
	return has, nil
}

// unless tells that the kernel did not answer a request with no. An error that
// is no answer stays one.
func unless(err error, no ...unix.Errno) (bool, error) {
	var answer *kernelError
	if err != nil && !errors.As(err, &answer) {
		return false, err
	}
	return answer == nil || !slices.Contains(no, answer.errno), nil
}

// probe asks by making an interface. With shows, what is asked is whether the
// interface that was made shows something.
func probe(ctx context.Context, kind *netstate.Kind, shows func(rawLink) bool) (bool, error) {
	return probed(kind.Name, func(s *socket) (bool, error) {
		err := s.makeProbe(ctx, kind.Kernel, 0)
		if shows == nil || err != nil {
			return unless(err, unix.EOPNOTSUPP)
		}
		has := false
		err = s.get(ctx, unix.RTM_GETLINK, func(m *message) { m.ifinfo(probeIndex, 0, 0) }, func(r reply) {
			if made, ok := decodeLink(r.body); ok && r.typ == unix.RTM_NEWLINK {
				has = shows(made)
			}
		})
		return has, err
	})
}

// probeIndex is the number of interfaces that are made to ask.
const probeIndex = 1 << 20

// makeProbe makes an interface of a kind, with IFF_* flags.
func (s *socket) makeProbe(ctx context.Context, kind string, flags uint32) error {
	return s.getFlags(ctx, unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, func(m *message) {
		m.ifinfo(probeIndex, flags, flags)
		m.str(unix.IFLA_IFNAME, "stetprobe")
		info := m.nest(unix.IFLA_LINKINFO)
		m.str(unix.IFLA_INFO_KIND, kind)
		if kind == "vxlan" {
			data := m.nest(unix.IFLA_INFO_DATA) // it takes none without (vxlan_validate)
			m.u32(unix.IFLA_VXLAN_ID, 1)
			m.endNest(data)
		}
		m.endNest(info)
	}, nil)
}
