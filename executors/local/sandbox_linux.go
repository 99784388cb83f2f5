package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"stet/executors"
)

// NewSandbox starts the helper process that holds the sandboxes of one
// operation: in a user namespace of its own, where it is root, so that it needs
// no rights here; and in a PID namespace, so that whatever commands leave
// running ends with it. It ends when the opener is closed or this process dies,
// except that an armed guard is waited for.
func NewSandbox(ctx context.Context, o SandboxOptions) (executors.Opener, error) {
	const op = "starting the sandbox"
	argv, err := program(o.Program)
	if err != nil {
		return nil, explain(op, err)
	}
	h, err := startSandbox(ctx, argv, o, syscall.CLONE_NEWPID)
	if err != nil && h != nil && h.exitCode() == exitNoProc {
		// A container that hides parts of /proc forbids mounting a new one,
		// which a PID namespace needs.
		h, err = startSandbox(ctx, argv, o, 0)
	}
	switch {
	case err == nil:
		return h, nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return nil, err
	case h == nil:
		return nil, explain(op, err)
	}
	return nil, forbidden(op, h.said.String(), err)
}

func startSandbox(ctx context.Context, argv []string, o SandboxOptions, flags uintptr) (*helper, error) {
	args, err := helperArgs(argv, "sandbox", o.Grace)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(argv[0], args...)
	cmd.Env = sandboxEnv()
	attr := &syscall.SysProcAttr{
		Setsid:     true, // ^C at the terminal is for stet, which ends the helper in order
		Cloneflags: flags | syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
	}
	attr.UidMappings, attr.GidMappings, attr.GidMappingsEnableSetgroups, err = idMaps()
	if err != nil {
		return nil, err
	}
	cmd.SysProcAttr = attr
	return startHelper(ctx, cmd, o.Stderr)
}

// sandboxEnv is this process's environment without what leads out of the
// sandbox's private /run.
func sandboxEnv() []string {
	var env []string
	for _, kv := range unmarked(os.Environ()) {
		if !strings.HasPrefix(kv, "XDG_RUNTIME_DIR=") && !strings.HasPrefix(kv, "DBUS_SESSION_BUS_ADDRESS=") {
			env = append(env, kv)
		}
	}
	return env
}

// idMaps maps this user to root inside. For root all users are mapped, each to
// itself, so that daemons can give up their rights.
func idMaps() (uids, gids []syscall.SysProcIDMap, setgroups bool, err error) {
	if os.Geteuid() != 0 {
		return []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}, []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}, false, nil
	}
	if uids, err = sameIDs("/proc/self/uid_map"); err == nil {
		gids, err = sameIDs("/proc/self/gid_map")
	}
	return uids, gids, true, err
}

// sameIDs reads the ranges of users that exist here (user_namespaces(7)).
func sameIDs(path string) ([]syscall.SysProcIDMap, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var maps []syscall.SysProcIDMap
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var inside, outside, size int
		if _, err := fmt.Sscan(lines.Text(), &inside, &outside, &size); err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
		maps = append(maps, syscall.SysProcIDMap{ContainerID: inside, HostID: inside, Size: size})
	}
	return maps, nil
}

// switches are the settings that forbid user namespaces, with the value that
// does, and what allows them.
var switches = []struct{ path, bad, remedy string }{
	{"/proc/sys/user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=15000"},
	{"/proc/sys/user/max_net_namespaces", "0", "sysctl -w user.max_net_namespaces=15000"},
	{"/proc/sys/kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"},
	{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 (or an AppArmor profile for stet that allows userns)"},
}

// forbidden explains why the sandbox did not start.
func forbidden(op, said string, err error) error {
	e := &executors.Error{Code: "protocol", Op: op, Message: said, Err: err}
	refused := errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.ENOSPC) ||
		errors.Is(err, syscall.EUSERS) || strings.Contains(said, "operation not permitted") || strings.Contains(said, "permission denied")
	switch {
	case errors.Is(err, syscall.EINVAL):
		e.Code, e.Message = "unsupported", "the kernel has no user namespaces (CONFIG_USER_NS)"
		return e
	case errors.Is(err, os.ErrNotExist):
		e.Code = "not-found"
		return e
	case !refused:
		return e
	}
	e.Code = "permission"
	if said == "" {
		e.Message = "this user may not make user namespaces: " + err.Error()
	}
	var remedies []string
	for _, s := range switches {
		b, err := os.ReadFile(s.path)
		if err == nil && strings.TrimSpace(string(b)) == s.bad {
			remedies = append(remedies, "as root: "+s.remedy)
		}
	}
	e.Remedy = strings.Join(remedies, "; ")
	if e.Remedy == "" {
		e.Remedy = "allow user namespaces (in a container: its seccomp or AppArmor profile forbids unshare), or run stet as root with netns:// targets"
	}
	return e
}
