// Vmrun runs a program as root on an unmodified Debian kernel, in a throw-away
// QEMU machine, and ends with the program's exit status:
//
//	vmrun /bin/sh -c 'modprobe bonding && ip link add bond1 type bond'
//	go test -exec "$PWD/bin/vmrun" ./executors/linux
//
// The machine sees this host's whole file system read-only; what it writes is
// gone with it, except below the folders given with -rw. It has no network but
// its loopback. The program's environment, arguments and folder are the
// caller's; what it prints comes out here, both of its outputs on stdout.
//
// The kernel's package is downloaded with apt-get and unpacked into the cache
// folder, never installed. `vmrun -get` does only that, and builds netdevsim,
// the kernel's driver of simulated network cards, from Debian's source of the
// same kernel. Where that cannot be had, VMRUN_NETDEVSIM tells programs why.
//
// Exit status: the program's; 2 for wrong usage; 124 when -timeout has passed;
// 125 when the machine did not come to run the program; 126 when the program
// could not be started or was killed.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Exit statuses of vmrun itself; as those of timeout(1) and env(1).
const (
	exitUsage   = 2
	exitTimeout = 124
	exitMachine = 125
	exitProgram = 126
)

// options are the command line's.
type options struct {
	packageName string
	cache       string
	get         bool
	memory      int // MiB
	cpus        int
	timeout     time.Duration
	console     string
	writable    []string
}

func main() {
	if os.Getpid() == 1 {
		guest()
		return
	}
	o, args := parse()
	os.Exit(host(&o, args))
}

// host does on this host what the command line says.
func host(o *options, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGHUP)
	defer stop()
	k, err := findKernel(ctx, o.cache, o.packageName)
	if err != nil {
		fmt.Fprintln(os.Stderr, "vmrun: there is no kernel to boot:", err)
		return exitMachine
	}
	if o.get {
		if err := k.simulate(ctx, o.cache); err != nil {
			fmt.Fprintln(os.Stderr, "vmrun: there is no module netdevsim:", err)
		}
		fmt.Println(k.release)
		return 0
	}
	status, err := run(ctx, o, k, args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "vmrun:", err)
	}
	return status
}

func parse() (o options, args []string) {
	cache, _ := os.UserCacheDir()
	var rw string
	flag.StringVar(&o.packageName, "kernel", "linux-image-6.12-amd64", "Debian `package` of the kernel")
	flag.StringVar(&o.cache, "cache", filepath.Join(cache, "stet-vmrun"), "`folder` that keeps unpacked kernels")
	flag.BoolVar(&o.get, "get", false, "only make sure that the kernel is there, and print its release")
	flag.IntVar(&o.memory, "memory", 2048, "memory of the machine, in `MiB`")
	flag.IntVar(&o.cpus, "cpus", min(runtime.NumCPU(), 4), "processors of the machine")
	flag.DurationVar(&o.timeout, "timeout", 40*time.Minute, "longest `time` that the machine may run")
	flag.StringVar(&o.console, "console", "", "`file` that keeps the kernel's messages")
	flag.StringVar(&rw, "rw", "", "`folders` of this host, separated by commas, that the program may write to")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: vmrun [flags] program [argument ...]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if rw != "" {
		o.writable = strings.Split(rw, ",")
	}
	if flag.NArg() == 0 && !o.get {
		flag.Usage()
		os.Exit(exitUsage)
	}
	return o, flag.Args()
}
