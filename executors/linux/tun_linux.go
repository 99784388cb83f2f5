package linux

import (
	"context"
	"fmt"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// makeTun makes a persistent tun or tap device through its own ioctls: the
// kernel has no netlink message for it.
func (w *linkWriter) makeTun(ctx context.Context, netns string, want *netstate.Interface) error {
	n := w.n
	if netns != w.netns {
		m, err := w.e.namespace(netns)
		if err != nil {
			return err
		}
		defer func() { _ = m.Close() }()
		n = m
	}
	// TUNSETIFF takes an existing device where it could make one.
	if index, err := n.lookup(ctx, want.Name); err != nil || index != 0 {
		if err == nil {
			err = unix.EEXIST
		}
		return err
	}
	return n.within(func() error {
		err := makeTunHere(want, want.Index)
		if want.Index > 0 && (err == unix.EBUSY || err == unix.EEXIST) {
			// Another interface has the number that this one had.
			err = makeTunHere(want, 0)
		}
		return err
	})
}

// makeTunHere makes the device in the namespace of the calling thread.
func makeTunHere(want *netstate.Interface, index int) error {
	fd, err := openTun()
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	if index > 0 {
		number := uint32(index)
		if err := ioctlPointer(fd, unix.TUNSETIFINDEX, unsafe.Pointer(&number)); err != nil {
			return fmt.Errorf("asking for the number %d: %w", index, err)
		}
	}
	if err := attachTun(fd, want); err != nil {
		return err
	}
	if err := ownTun(fd, want.Attrs); err != nil {
		return err
	}
	return unix.IoctlSetInt(fd, unix.TUNSETPERSIST, 1)
}

func openTun() (int, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("opening /dev/net/tun (module tun, CONFIG_TUN): %w", err)
	}
	return fd, nil
}

// attachTun makes the device, or attaches to the one of that name; IFF_NO_PI
// as ip-tuntap(8) does.
func attachTun(fd int, want *netstate.Interface) error {
	r, err := unix.NewIfreq(want.Name)
	if err != nil {
		return fmt.Errorf("the name %q cannot be one of an interface: %w", want.Name, err)
	}
	flags := uint16(unix.IFF_TUN)
	if want.Attrs["tun.mode"] == "tap" {
		flags = unix.IFF_TAP
	}
	if want.Attrs["tun.packet-information"] != "true" {
		flags |= unix.IFF_NO_PI
	}
	if want.Attrs["tun.vnet-header"] == "true" {
		flags |= unix.IFF_VNET_HDR
	}
	if want.Attrs["tun.multi-queue"] == "true" {
		flags |= unix.IFF_MULTI_QUEUE
	}
	r.SetUint16(flags)
	return unix.IoctlIfreq(fd, unix.TUNSETIFF, r)
}

// ownTun sets who may open the device; -1 is anybody with CAP_NET_ADMIN.
func ownTun(fd int, attrs netstate.Attrs) error {
	for _, field := range []struct {
		key     string
		request uint
	}{{"tun.owner", unix.TUNSETOWNER}, {"tun.group", unix.TUNSETGROUP}} {
		value, ok := attrs[field.key]
		if !ok {
			continue
		}
		id := int64(-1)
		if value != "" {
			var err error
			if id, err = strconv.ParseInt(value, 10, 33); err != nil {
				return fmt.Errorf("reading %s %q: %w", field.key, value, err)
			}
		}
		if err := unix.IoctlSetInt(fd, field.request, int(id)); err != nil {
			return fmt.Errorf("setting %s to %s: %w", field.key, value, err)
		}
	}
	return nil
}

// configureTun changes a device that exists.
func (w *linkWriter) configureTun(want *netstate.Interface, diffs []netstate.Difference) error {
	if len(diffs) == 0 {
		return nil
	}
	owners := netstate.Attrs{}
	for _, d := range diffs {
		if d.Key == "tun.owner" || d.Key == "tun.group" {
			owners[d.Key] = d.After
		}
	}
	return w.n.within(func() error {
		fd, err := openTun()
		if err != nil {
			return err
		}
		defer func() { _ = unix.Close(fd) }()
		if err := attachTun(fd, want); err != nil {
			return err
		}
		return ownTun(fd, owners)
	})
}

func ioctlPointer(fd int, request uint, p unsafe.Pointer) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(p))
	if errno != 0 {
		return errno
	}
	return nil
}
