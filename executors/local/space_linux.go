package local

import (
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// space is one network namespace, with the mount namespace that shows it to
// commands. Nil files are this process's own namespaces.
type space struct {
	net, mnt *os.File
	key      string // names it in the state directory
	id       string // "dev:inode"
	shared   bool   // of a sandbox: it lives as long as the helper
	resolv   string // linux.Options.ResolvConf
}

// current is the namespace that this process is in.
func current() (*space, error) {
	s := &space{}
	return s, s.identify()
}

// identify fills key and id.
func (s *space) identify() error {
	return s.enter(func() error {
		var st unix.Stat_t
		if err := unix.Stat("/proc/thread-self/ns/net", &st); err != nil {
			return fmt.Errorf("reading the network namespace's identity: %w", err)
		}
		s.id = strconv.FormatUint(st.Dev, 10) + ":" + strconv.FormatUint(st.Ino, 10)
		s.key = "net-" + strconv.FormatUint(st.Dev, 10) + "-" + strconv.FormatUint(st.Ino, 10)
		if c, err := cookie(); err == nil {
			s.key = "net-" + strconv.FormatUint(c, 10)
		} // else a kernel before 5.14: inode numbers may be used again
		return nil
	})
}

// cookie is the namespace's number, unique in this boot (SO_NETNS_COOKIE).
func cookie() (uint64, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	return unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
}

// enter runs f on a thread that is in the namespaces. The thread ends with f,
// so that no other goroutine ever runs on it.
func (s *space) enter(f func() error) error {
	if s.net == nil {
		return f()
	}
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocks
		if err := s.join(); err != nil {
			result <- err
			return
		}
		result <- f()
	}()
	return <-result
}

// join moves the calling thread.
func (s *space) join() error {
	if s.mnt != nil {
		wd, _ := os.Getwd()
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			return os.NewSyscallError("unshare", err)
		}
		if err := unix.Setns(int(s.mnt.Fd()), unix.CLONE_NEWNS); err != nil {
			return fmt.Errorf("entering the mount namespace: %w", err)
		}
		if wd != "" {
			// setns(2) put the thread into the root directory. A directory
			// that is not there (it was private to the caller) leaves it so.
			_ = unix.Chdir(wd)
		}
	}
	if err := unix.Setns(int(s.net.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("entering the network namespace: %w", err)
	}
	return nil
}

// mounts gives the space a mount namespace of its own, which prepare furnishes
// from inside, on a thread that is in the network namespace.
func (s *space) mounts(prepare func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		result <- func() error {
			if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
				return fmt.Errorf("making a mount namespace: %w", err)
			}
			if err := unix.Setns(int(s.net.Fd()), unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("entering the network namespace: %w", err)
			}
			if err := prepare(); err != nil {
				return err
			}
			f, err := os.Open("/proc/thread-self/ns/mnt")
			s.mnt = f
			return err
		}()
	}()
	return <-result
}

func (s *space) close() {
	if s.mnt != nil {
		s.mnt.Close()
	}
	if s.net != nil {
		s.net.Close()
	}
}
