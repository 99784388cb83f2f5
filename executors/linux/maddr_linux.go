package linux

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

const multicastMACs = "multicast-addresses"

// fillMulticast reads the hardware addresses that somebody had interfaces listen
// to. rtnetlink does not tell them: it is the file that ip-maddress(8) reads.
func (n *Namespace) fillMulticast(list []netstate.Interface) error {
	byIndex := map[int][]string{}
	err := n.within(func() error {
		f, err := os.Open("/proc/thread-self/net/dev_mcast")
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			if index, mac, ok := staticMulticast(lines.Text()); ok {
				byIndex[index] = append(byIndex[index], mac)
			}
		}
		return lines.Err()
	})
	if err != nil {
		return fmt.Errorf("reading multicast addresses: %w", err)
	}
	for i := range list {
		if macs := byIndex[list[i].Index]; len(macs) > 0 {
			slices.Sort(macs)
			list[i].Attrs[multicastMACs] = strings.Join(macs, ",")
		}
	}
	return nil
}

// staticMulticast reads a line of dev_mcast (dev_mc_seq_show): the number of the
// interface, its name, users, whether the address was set for good, and it.
func staticMulticast(line string) (index int, mac string, ok bool) {
	fields := strings.Fields(line)
	if len(fields) != 5 || fields[3] == "0" || len(fields[4]) != 12 {
		return 0, "", false
	}
	index, err := strconv.Atoi(fields[0])
	raw, errRaw := hex.DecodeString(fields[4])
	return index, net.HardwareAddr(raw).String(), err == nil && errRaw == nil
}

// setMulticast has an interface listen to addresses, and to others no more, as
// ip-maddress(8) does.
func (w *linkWriter) setMulticast(name string, diffs []netstate.Difference) error {
	for i := range diffs {
		gone, added := diffs[i].ListChanges()
		err := w.n.within(func() error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return err
			}
			defer func() { _ = unix.Close(fd) }()
			for _, mac := range gone {
				if err := multicast(fd, unix.SIOCDELMULTI, name, mac); err != nil {
					return fmt.Errorf("removing the multicast address %s: %w", mac, err)
				}
			}
			for _, mac := range added {
				if err := multicast(fd, unix.SIOCADDMULTI, name, mac); err != nil {
					return fmt.Errorf("adding the multicast address %s: %w", mac, err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// multicast sends one request with a struct ifreq: a name and a struct sockaddr
// of no family.
func multicast(fd int, request uint, name, mac string) error {
	address, err := net.ParseMAC(mac)
	if err != nil {
		return err
	}
	var r [40]byte
	copy(r[:unix.IFNAMSIZ-1], name)
	copy(r[unix.IFNAMSIZ+2:], address)
	return ioctlPointer(fd, request, unsafe.Pointer(&r))
}
