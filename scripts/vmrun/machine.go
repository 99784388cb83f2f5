package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// Tags of the shares.
const (
	shareRoot     = "host"
	shareExchange = "exchange"
	shareWritable = "rw"
)

// run boots a machine, has it run the program, and returns its exit status.
func run(ctx context.Context, o *options, k *kernel, args []string) (int, error) {
	qemu, err := find("qemu-system-x86_64")
	if err != nil {
		return exitMachine, fmt.Errorf("%w: install Debian's qemu-system-x86", err)
	}
	exchange, err := os.MkdirTemp("", "vmrun-")
	if err != nil {
		return exitMachine, err
	}
	defer func() { _ = os.RemoveAll(exchange) }()
	j, err := newJob(o, k, args)
	if err == nil {
		err = j.write(exchange)
	}
	first := filepath.Join(exchange, "initramfs")
	if o.console == "" {
		o.console = filepath.Join(exchange, "console")
	}
	if err == nil {
		err = writeFirst(first, k)
	}
	if err != nil {
		return exitMachine, fmt.Errorf("preparing the machine: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	err = boot(ctx, exec.CommandContext(ctx, qemu, machine(o, k, j, exchange, first)...))
	status, ok := readStatus(exchange)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return exitTimeout, fmt.Errorf("the machine has run for %s: ended; %s", o.timeout, lastWords(o.console))
	case ctx.Err() != nil:
		return exitMachine, errors.New("interrupted")
	case ok && status == exitProgram:
		return status, errors.New(lastWords(o.console))
	case ok:
		return status, nil
	case err != nil:
		return exitMachine, err
	}
	return exitMachine, errors.New("the machine ended without a status; " + lastWords(o.console))
}

// lastWords are the kernel's last messages: why a machine ended, or what the
// kernel killed for want of memory.
func lastWords(console string) string {
	const most = 40
	b, err := os.ReadFile(console)
	if err != nil {
		return "the kernel's messages are lost: " + err.Error()
	}
	lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(string(b), "\r", "")), "\n")
	return "the kernel's last messages:\n" + strings.Join(lines[max(0, len(lines)-most):], "\n")
}

// newJob describes the program. Folders that `go test` writes to are writable.
func newJob(o *options, k *kernel, args []string) (*job, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	j := &job{Args: args, Env: append(os.Environ(), "VMRUN_KERNEL="+k.release, "VMRUN_NETDEVSIM="+k.without()), Dir: dir, Release: k.release}
	if j.Modules, err = filepath.Abs(k.modules); err != nil {
		return nil, err
	}
	for _, arg := range args {
		for _, flag := range []string{"-test.coverprofile=", "-test.gocoverdir=", "-test.outputdir="} {
			if path, ok := strings.CutPrefix(arg, flag); ok {
				if flag == "-test.coverprofile=" {
					path = filepath.Dir(path)
				}
				o.writable = append(o.writable, path)
			}
		}
	}
	for _, path := range o.writable {
		abs, err := filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		j.Writable = append(j.Writable, abs)
	}
	return j, nil
}

// writeFirst writes the first file system: this program as /init, and the
// modules that it needs to see more.
func writeFirst(path string, k *kernel) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	order, err := loadOrder(k.modules, early)
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	w := bufio.NewWriter(f)
	a := &archive{w: w}
	for _, dir := range []string{"dev", "proc", "sys", "run", "exchange", "host", "scratch", "root"} {
		a.dir(dir)
	}
	a.file("init", self, 0o755)
	for i, file := range order {
		// Their names say their order.
		a.file(fmt.Sprintf("modules/%03d-%s", i, filepath.Base(file)), filepath.Join(k.modules, file), 0o644)
	}
	if err := a.close(); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// machine is QEMU's command line.
func machine(o *options, k *kernel, j *job, exchange, first string) []string {
	args := []string{
		"-accel", accelerator(), "-M", "q35", "-cpu", "max", "-m", strconv.Itoa(o.memory), "-smp", strconv.Itoa(o.cpus),
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-kernel", k.image, "-initrd", first,
		"-append", "console=ttyS0 panic=-1 rdinit=/init mitigations=off tsc=reliable random.trust_cpu=on",
		"-serial", "file:" + o.console,
		"-device", "virtio-serial-pci", "-chardev", "stdio,id=out,signal=off", "-device", "virtconsole,chardev=out",
		"-device", "virtio-rng-pci",
	}
	share := func(tag, path, more string) {
		// A comma in an option of QEMU is written twice.
		path = strings.ReplaceAll(path, ",", ",,")
		args = append(args, "-virtfs", fmt.Sprintf("local,path=%s,mount_tag=%s,security_model=none,multidevs=remap%s", path, tag, more))
	}
	share(shareRoot, "/", ",readonly=on")
	share(shareExchange, exchange, "")
	for i, path := range j.Writable {
		share(shareWritable+strconv.Itoa(i), path, "")
	}
	return append(args, cards...)
}

// cards are network cards, all at one hub that leads nowhere else. A program
// that wants them loads their drivers: e1000, virtio_net, e1000e. The last two
// have one address, and the kernel pairs them (net_failover); QEMU plugs in the
// primary when the driver of the standby asks for it.
var cards = []string{
	"-netdev", "hubport,id=card,hubid=0", "-device", "e1000,netdev=card,mac=52:54:00:00:0e:01,romfile=",
	"-netdev", "hubport,id=standby,hubid=0",
	"-device", "virtio-net-pci,netdev=standby,id=standby,failover=on,mac=52:54:00:00:0f:01,romfile=",
	"-device", "pcie-root-port,id=hotplug0,chassis=1",
	"-netdev", "hubport,id=primary,hubid=0",
	"-device", "e1000e,netdev=primary,id=primary,bus=hotplug0,failover_pair_id=standby,mac=52:54:00:00:0f:01,romfile=",
}

// accelerator is kvm only on hardware that has it: elsewhere /dev/kvm may open
// and then fail in the middle of a boot.
func accelerator() string {
	for _, module := range []string{"kvm_intel", "kvm_amd"} {
		if _, err := os.Stat("/sys/module/" + module); err != nil {
			continue
		}
		if f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0); err == nil {
			_ = f.Close()
			return "kvm"
		}
	}
	return "tcg,thread=multi"
}

// boot runs QEMU, which ends when this process does, however it ends.
func boot(ctx context.Context, qemu *exec.Cmd) error {
	var errs strings.Builder
	qemu.Stdout, qemu.Stderr = os.Stdout, &errs
	// The signal is sent when the thread ends, not the process.
	runtime.LockOSThread()
	qemu.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := qemu.Run(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("running qemu: %w: %s", err, strings.TrimSpace(errs.String()))
	}
	return nil
}
