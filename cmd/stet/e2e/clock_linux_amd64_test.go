package e2e

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// clockVar is by how many seconds the clock is off of the command that is then run
// (the arguments), and of all that it starts.
const clockVar = "STET_E2E_CLOCK"

// underOtherClock runs a command whose clock is off, if this process is for that.
// The clock (CLOCK_REALTIME) has no namespaces, and programs that are linked
// statically take no preloaded library: the answers of the system calls are
// changed (ptrace(2)).
func underOtherClock() (code int, did bool) {
	off, err := strconv.ParseInt(os.Getenv(clockVar), 10, 64)
	if err != nil || len(os.Args) < 2 {
		return 0, false
	}
	runtime.LockOSThread() // a tracer is a thread
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Env = append(os.Environ(), clockVar+"=")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 125, true
	}
	c := &otherClock{off: off, root: cmd.Process.Pid, known: map[int]bool{}}
	if err := c.trace(); err != nil {
		fmt.Fprintln(os.Stderr, "changing the clock:", err)
		return 125, true
	}
	return c.code, true
}

// otherClock traces a process and its descendants.
type otherClock struct {
	off   int64
	root  int
	code  int
	known map[int]bool // threads that have stopped before
}

func (c *otherClock) trace() error {
	const options = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_TRACECLONE |
		unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK | unix.PTRACE_O_EXITKILL
	begun := false
	for {
		var ws unix.WaitStatus
		pid, err := unix.Wait4(-1, &ws, unix.WALL, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ECHILD):
			return nil // all have ended
		case err != nil:
			return err
		}
		if !ws.Stopped() {
			delete(c.known, pid)
			if pid == c.root {
				c.code = ws.ExitStatus()
				if ws.Signaled() {
					c.code = 128 + int(ws.Signal())
				}
			}
			continue
		}
		pass := 0
		switch sig := ws.StopSignal(); {
		case !begun: // the first exec
			begun = true
			if err := unix.PtraceSetOptions(pid, options); err != nil {
				return err
			}
			err = c.forgetVDSO(pid)
		case sig == unix.SIGTRAP|0x80:
			err = c.answer(pid)
		case sig == unix.SIGTRAP && ws.TrapCause() == unix.PTRACE_EVENT_EXEC:
			err = c.forgetVDSO(pid)
		case sig == unix.SIGTRAP && ws.TrapCause() > 0:
		case sig == unix.SIGSTOP && !c.known[pid]: // a new one
		default:
			pass = int(sig)
		}
		c.known[pid] = true
		if err == nil {
			err = unix.PtraceSyscall(pid, pass)
		}
		if err != nil && !errors.Is(err, unix.ESRCH) { // killed in between
			return err
		}
	}
}

// answer changes what a system call has returned. Before it is done, its result is
// -ENOSYS.
func (c *otherClock) answer(pid int) error {
	var r unix.PtraceRegs
	if err := unix.PtraceGetRegs(pid, &r); err != nil {
		return err
	}
	switch {
	case r.Orig_rax == unix.SYS_TIME && int64(r.Rax) > 0:
		r.Rax += uint64(c.off)
		return unix.PtraceSetRegs(pid, &r)
	case r.Orig_rax == unix.SYS_GETTIMEOFDAY && r.Rax == 0 && r.Rdi != 0:
		return c.shift(pid, uintptr(r.Rdi))
	case r.Orig_rax == unix.SYS_CLOCK_GETTIME && r.Rax == 0 &&
		(r.Rdi == unix.CLOCK_REALTIME || r.Rdi == unix.CLOCK_REALTIME_COARSE || r.Rdi == unix.CLOCK_TAI):
		return c.shift(pid, uintptr(r.Rsi))
	}
	return nil
}

// shift adds to the seconds at an address.
func (c *otherClock) shift(pid int, at uintptr) error {
	var b [8]byte
	if _, err := unix.PtracePeekData(pid, at, b[:]); err != nil {
		return err
	}
	binary.LittleEndian.PutUint64(b[:], binary.LittleEndian.Uint64(b[:])+uint64(c.off))
	_, err := unix.PtracePokeData(pid, at, b[:])
	return err
}

// forgetVDSO hides the code that answers without a system call (vdso(7)) from a
// program that is about to begin: its entry in the auxiliary vector, behind
// arguments and environment, becomes one to ignore.
func (c *otherClock) forgetVDSO(pid int) error {
	const ignore, vdso = 1, 33 // AT_IGNORE, AT_SYSINFO_EHDR
	var r unix.PtraceRegs
	if err := unix.PtraceGetRegs(pid, &r); err != nil {
		return err
	}
	word := func(at uintptr) (uint64, error) {
		var b [8]byte
		_, err := unix.PtracePeekData(pid, at, b[:])
		return binary.LittleEndian.Uint64(b[:]), err
	}
	at := uintptr(r.Rsp) + 8 // behind the number of arguments
	for range 2 {
		for {
			w, err := word(at)
			if err != nil {
				return err
			}
			at += 8
			if w == 0 {
				break
			}
		}
	}
	for ; ; at += 16 {
		key, err := word(at)
		if err != nil || key == 0 {
			return err
		}
		if key == vdso {
			_, err := unix.PtracePokeData(pid, at, []byte{ignore, 0, 0, 0, 0, 0, 0, 0})
			return err
		}
	}
}
