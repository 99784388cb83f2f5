package linux

import (
	"context"
	"errors"
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
		if want.Index > 0 && (errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EEXIST)) {
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
	if err := attachTun(fd, want, 0); err != nil {
		return err
	}
	owners := netstate.Attrs{}
	for _, key := range []string{"tun.owner", "tun.group"} {
		if value := want.Attrs[key]; value != "" {
			owners[key] = value
		}
	}
	if err := ownTun(fd, owners); err != nil {
		return err
	}
	return unix.IoctlSetInt(fd, unix.TUNSETPERSIST, 1)
}

func openTun() (int, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return -1, fmt.Errorf("opening /dev/net/tun: %w; load the module tun (CONFIG_TUN)", err)
	case err != nil:
		return -1, fmt.Errorf("opening /dev/net/tun: %w", err)
	}
	return fd, nil
}

// attachTun makes the device, or attaches to the one of that name; IFF_NO_PI
// as ip-tuntap(8) does.
func attachTun(fd int, want *netstate.Interface, more uint16) error {
	r, err := unix.NewIfreq(want.Name)
	if err != nil {
		return fmt.Errorf("the name %q cannot be one of an interface: %w", want.Name, err)
	}
	flags := more | unix.IFF_TUN
	if want.Attrs["tun.mode"] == "tap" {
		flags = more | unix.IFF_TAP
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

// ownTun sets who may open the device. The kernel takes no "nobody in
// particular": a device that has an owner can only be made anew without one.
func ownTun(fd int, attrs netstate.Attrs) error {
	for _, field := range []struct {
		key     string
		request uint
	}{{"tun.owner", unix.TUNSETOWNER}, {"tun.group", unix.TUNSETGROUP}} {
		value, ok := attrs[field.key]
		if !ok {
			continue
		}
		if value == "" {
			return fmt.Errorf("%s cannot be taken away from a device that has one: %w", field.key, unix.EOPNOTSUPP)
		}
		id, err := strconv.ParseUint(value, 10, 32)
		if err != nil {
			return fmt.Errorf("reading %s %q: %w", field.key, value, err)
		}
		if err := unix.IoctlSetInt(fd, field.request, int(id)); err != nil {
			return fmt.Errorf("setting %s to %s: %w", field.key, value, err)
		}
	}
	return nil
}

// configureTun changes a device that exists. It must be attached to for that,
// which gives it a carrier (and with it, when it is up, an IPv6 address) unless
// that is forbidden; Linux 6.3 and newer take the flag.
func (w *linkWriter) configureTun(ctx context.Context, want *netstate.Interface, diffs []netstate.Difference) error {
	if len(diffs) == 0 {
		return nil
	}
	raw, _, err := w.n.rawLink(ctx, want.Name)
	if err != nil {
		return err
	}
	quiet := uint16(unix.IFF_NO_CARRIER)
	if u8(raw.attrs.get(unix.IFLA_CARRIER)) != 0 {
		quiet = 0
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
		if err := attachTun(fd, want, quiet); err != nil {
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
