package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// furnish does what `ip netns exec` does to the calling thread's fresh mount
// namespace: what is mounted here stays here, /sys shows the thread's network
// namespace, and the files of /etc/netns/NAME lie over those of /etc.
func furnish(name string) error {
	if err := unix.Mount("", "/", "none", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("making the mounts private: %w", err)
	}
	if err := mountSys(); err != nil && !errors.Is(err, unix.EPERM) {
		return err
	} // EPERM: a container that hides parts of /sys; its own stays
	return bindEtc(filepath.Join("/etc/netns", name))
}

// mountSys replaces /sys by one of the thread's network namespace. A /sys that
// cannot be unmounted (another user's) is covered.
func mountSys() error {
	_ = unix.Unmount("/sys", unix.MNT_DETACH)
	if err := unix.Mount("sysfs", "/sys", "sysfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mounting /sys: %w", err)
	}
	return nil
}

func bindEtc(dir string) error {
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		to := filepath.Join("/etc", e.Name())
		if _, err := os.Stat(to); err != nil {
			continue // ip(8) leaves out what /etc does not have
		}
		if err := unix.Mount(filepath.Join(dir, e.Name()), to, "none", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mounting %s over %s: %w", filepath.Join(dir, e.Name()), to, err)
		}
	}
	return nil
}
