package apply

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"stet/executors"
	"stet/runbook"
)

// A command outlives a stet that is killed: it belongs to nobody, goes on, and
// would do its work after the step was undone. So each one carries a mark in
// its environment, and is ended by it before its step is undone.

// markName is the environment variable that names a command's step: the run,
// the step, the target, and a number.
const markName = "STET_ID"

// mark begins the marks of a step's commands on a target.
func (x *operation) mark(step, target string) string {
	return fmt.Sprintf("%s.%s.%s.", x.h.op.Run, plain(step), x.unique(target))
}

// endMarked ends every process whose environment has the mark "$1" and all
// later ones: SIGTERM, after two seconds SIGKILL. It says how many there were.
// With "$2" and "$3", a process and its start time (proc(5)), it does nothing
// while that one lives.
const endMarked = `mark=$1
if [ -n "${2-}" ] && read -r stat 2>/dev/null </proc/$2/stat; then
  set -- "$mark" "$2" "$3" ${stat##*) }
  [ "${23-}" != "$3" ] || exit 0
fi
left() { grep -lF -e "$mark" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3; }
found=$(left)
[ -n "$found" ] || exit 0
kill -TERM $found 2>/dev/null
kill -CONT $found 2>/dev/null
tries=0
while [ -n "$(left)" ]; do
  tries=$((tries + 1))
  [ $tries -le 60 ] || { echo "processes that cannot be ended:" $(left) >&2; exit 1; }
  [ $tries -le 20 ] || kill -KILL $(left) 2>/dev/null
  sleep 0.1
done
set -- $found
echo "processes ended: $#"`

// endCommand is the command that ends what carries a mark.
func endCommand(mark string, unless ...string) executors.Command {
	return executors.Command{Argv: append([]string{"sh", "-c", endMarked, "stet", markName + "=" + mark}, unless...)}
}

// quiet ends what commands of an act were still running when stet died: its
// own, if it had not ended or nobody knows, and those of its rollback blocks, if it
// was being undone. Until then nothing that is undone stays so.
func (x *operation) quiet(ctx context.Context, a *act) error {
	x.mu.Lock()
	var places []place
	if a.kind == runbook.Run && (!a.ended || a.astray) {
		places = append(places, a.place)
	}
	if a.undoing {
		for _, r := range a.rollback {
			places = append(places, place{r.Step, r.Target})
		}
	}
	x.mu.Unlock()
	var errs []error
	for _, p := range places {
		if err := x.endAt(ctx, p); err != nil {
			errs = append(errs, fmt.Errorf("ending what still runs of %s on %s: %w", p.step, p.target, err))
		}
	}
	return errors.Join(errs...)
}

func (x *operation) endAt(ctx context.Context, p place) error {
	sess, err := x.session(p.target)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	var out, said bytes.Buffer
	st, err := sess.Run(ctx, endCommand(x.mark(p.step, p.target)), executors.Output{Stdout: &out, Stderr: &said})
	switch {
	case err != nil:
		return err
	case st == nil || st.Code != 0:
		return errors.New(strings.TrimSpace(said.String()))
	}
	if n, ok := strings.CutPrefix(strings.TrimSpace(out.String()), "processes ended: "); ok {
		x.tell("%s was still running on %s without stet (%s); it was ended.", p.step, p.target, processes(n))
	}
	return nil
}

func processes(n string) string {
	if n == "1" {
		return "1 process"
	}
	return n + " processes"
}

// endAlone is what the guard of a run step does first: with stet dead, it ends
// the step's command, which would otherwise act after the guard went back. On
// other hosts it does so in any case: a stet that lives has ended the command
// before, and so has an agent that lives (beforeGuard).
func (x *operation) endAlone(step string, t executors.Target) []executors.Command {
	var unless []string
	switch t.Scheme() {
	case "local", "netns":
		start, ok := started()
		if !ok {
			return nil
		}
		unless = []string{strconv.Itoa(os.Getpid()), start}
	case "ssh":
	default:
		return nil
	}
	c := endCommand(x.mark(step, t.Name), unless...)
	c.Title = "(end what still runs of " + step + ")"
	return []executors.Command{c}
}

// started is when this process did, in the kernel's ticks: field 22 of
// /proc/self/stat. The name in parentheses may hold anything.
func started() (string, bool) {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return "", false
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 20 {
		return "", false
	}
	return fields[19], true
}

// beforeGuard ends a command a little before its guard goes back by itself: the
// two must not work against each other.
func (x *operation) beforeGuard(ctx context.Context, p place, confirm time.Duration) (context.Context, context.CancelFunc) {
	x.mu.Lock()
	o := x.h.outcomes[p]
	x.mu.Unlock()
	if o == nil || o.Guard == nil || o.Guard.Phase != executors.Armed {
		return ctx, func() {}
	}
	early := min(3*time.Second, confirm/2)
	return context.WithDeadlineCause(ctx, o.Guard.Deadline.Add(-early), fmt.Errorf(
		"ended, because its guard was about to go back: the step and its checks have confirm=%s; give it more", confirm))
}
