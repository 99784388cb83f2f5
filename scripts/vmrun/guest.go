package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const exchangeDir = "/run/vmrun"

// guest is the machine's first process: it makes the host's files visible, runs
// the program, leaves its status, and turns the machine off.
func guest() {
	status, err := serve()
	if err != nil {
		fmt.Fprintln(os.Stderr, "vmrun: in the machine:", err)
	}
	if err := writeStatus(exchangeDir, status); err != nil {
		fmt.Fprintln(os.Stderr, "vmrun: writing the status:", err)
	}
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

func serve() (int, error) {
	if err := prepare(); err != nil {
		return exitMachine, err
	}
	out, err := console()
	if err != nil {
		return exitMachine, err
	}
	os.Stderr = out
	j, err := readJob("/exchange")
	if err != nil {
		return exitMachine, err
	}
	if err := switchRoot(j); err != nil {
		return exitMachine, err
	}
	if err := furnish(j); err != nil {
		return exitMachine, err
	}
	status, err := execute(j, out)
	// What was printed leaves the machine before it is turned off.
	_ = unix.IoctlSetInt(int(out.Fd()), unix.TCSBRK, 1)
	return status, err
}

// prepare mounts the kernel's own file systems and loads the early modules.
func prepare() error {
	for _, m := range []struct{ from, to, kind string }{
		{"dev", "/dev", "devtmpfs"}, {"proc", "/proc", "proc"}, {"sys", "/sys", "sysfs"}, {"run", "/run", "tmpfs"},
	} {
		if err := mount(m.from, m.to, m.kind, ""); err != nil {
			return err
		}
	}
	files, err := filepath.Glob("/modules/*") // sorted
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := insert(file); err != nil {
			return err
		}
	}
	return mount(shareExchange, "/exchange", "9p", "trans=virtio,version=9p2000.L,msize=524288")
}

// insert loads a module; the kernel unpacks one that is compressed.
func insert(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	flags := 0
	if filepath.Ext(file) != ".ko" {
		flags = unix.MODULE_INIT_COMPRESSED_FILE
	}
	if err := unix.FinitModule(int(f.Fd()), "", flags); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("loading %s: %w", file, err)
	}
	return nil
}

// console opens the terminal that leads to the host's stdout, with nothing
// changed on the way. It appears a moment after its driver.
func console() (*os.File, error) {
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		f, err := os.OpenFile("/dev/hvc0", os.O_RDWR|unix.O_NOCTTY, 0)
		if err != nil {
			if time.Now().After(deadline) {
				return nil, err
			}
			continue
		}
		t, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
		if err != nil {
			return nil, err
		}
		t.Oflag &^= unix.OPOST
		t.Lflag &^= unix.ECHO
		return f, unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, t)
	}
}

// switchRoot puts the host's files under a layer that keeps what is written,
// and makes that the root.
func switchRoot(j *job) error {
	steps := []func() error{
		func() error {
			// What the host changes meanwhile need not be seen: files are
			// kept once read.
			return mount(shareRoot, "/host", "9p", "trans=virtio,version=9p2000.L,msize=524288,cache=loose,ro")
		},
		func() error { return mount("scratch", "/scratch", "tmpfs", "") },
		func() error { return os.Mkdir("/scratch/upper", 0o755) },
		func() error { return os.Mkdir("/scratch/work", 0o755) },
		func() error {
			return mount("overlay", "/root", "overlay", "lowerdir=/host,upperdir=/scratch/upper,workdir=/scratch/work")
		},
	}
	for _, dir := range []string{"dev", "proc", "sys", "run"} {
		steps = append(steps, func() error { return move("/"+dir, "/root/"+dir) })
	}
	steps = append(steps,
		func() error { return os.Mkdir("/root"+exchangeDir, 0o755) },
		func() error { return move("/exchange", "/root"+exchangeDir) },
		func() error { return os.Chdir("/root") },
		func() error { return move(".", "/") },
		func() error { return unix.Chroot(".") },
		func() error { return os.Chdir("/") },
	)
	for i, path := range j.Writable {
		steps = append(steps, func() error {
			return mount(shareWritable+strconv.Itoa(i), path, "9p", "trans=virtio,version=9p2000.L,msize=524288")
		})
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// furnish makes the machine what a booted host is: its own /tmp, terminals, control groups,
// modules where modprobe(8) looks for them, the loopback interface up.
func furnish(j *job) error {
	if err := os.MkdirAll("/dev/pts", 0o755); err != nil {
		return err
	}
	if err := mount("devpts", "/dev/pts", "devpts", "ptmxmode=666"); err != nil {
		return err
	}
	if err := mount("cgroup2", "/sys/fs/cgroup", "cgroup2", ""); err != nil {
		return err
	}
	for name, to := range map[string]string{"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"} {
		if err := os.Symlink("/proc/self/fd"+to, "/dev/"+name); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	// Opening it loads the module (devname in modules.alias).
	if err := os.MkdirAll("/dev/net", 0o755); err != nil {
		return err
	}
	if err := unix.Mknod("/dev/net/tun", unix.S_IFCHR|0o666, int(unix.Mkdev(10, 200))); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("making /dev/net/tun: %w", err)
	}
	modules := "/lib/modules"
	if err := os.MkdirAll(modules, 0o755); err != nil {
		return err
	}
	if err := os.Symlink(j.Modules, filepath.Join(modules, j.Release)); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	_ = unix.Sethostname([]byte("vmrun"))
	return up("lo")
}

func up(name string) error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(s) }()
	r, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	r.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, r)
}

// execute runs the program and returns its status as a shell would.
func execute(j *job, out *os.File) (int, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return exitMachine, err
	}
	for _, kv := range j.Env {
		if path, ok := strings.CutPrefix(kv, "PATH="); ok {
			_ = os.Setenv("PATH", path) // the program is looked up in it
		}
	}
	c := exec.Command(j.Args[0], j.Args[1:]...)
	c.Env, c.Dir, c.Stdin, c.Stdout, c.Stderr = j.Env, j.Dir, null, out, out
	if err := c.Start(); err != nil {
		return exitProgram, fmt.Errorf("running %s: %w", strings.Join(j.Args, " "), err)
	}
	// As every init it waits for what others leave behind, too: whoever looks for
	// their end would still see them.
	for {
		var status unix.WaitStatus
		switch pid, err := unix.Wait4(-1, &status, 0, nil); {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return exitProgram, fmt.Errorf("waiting for %s: %w", strings.Join(j.Args, " "), err)
		case pid != c.Process.Pid:
		case status.Exited():
			return status.ExitStatus(), nil
		case status.Signaled():
			return exitProgram, fmt.Errorf("running %s: %s", strings.Join(j.Args, " "), status.Signal())
		}
	}
}

func mount(from, to, kind, options string) error {
	var flags uintptr
	if strings.HasSuffix(options, ",ro") {
		flags = unix.MS_RDONLY
	}
	if err := unix.Mount(from, to, kind, flags, options); err != nil {
		return fmt.Errorf("mounting %s on %s: %w", from, to, err)
	}
	return nil
}

func move(from, to string) error {
	if err := unix.Mount(from, to, "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("moving %s to %s: %w", from, to, err)
	}
	return nil
}
