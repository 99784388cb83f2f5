package ssh

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	cryptossh "golang.org/x/crypto/ssh"

	"stet/executors"
)

// lockScript takes a lock by what a shell does atomically, and holds it for as
// long as its standard input is open: with the connection it ends. ln fails
// where the name is taken (link(2)), and what it makes has its content already:
//
//	PID START BOOT RUN HOLDER
//
// A lock whose process does not live any more, by its number, start and boot, is
// taken over; so is that of the same run for the same target, whose connection is
// gone (RUN has both). Answers are
// "TOKEN ok", "TOKEN held PID HOLDER" and "TOKEN none WHY".
const lockScript = `
umask 077; d=` + cacheFolder + `;
mkdir -p "$d" 2>/dev/null;
[ -d "$d" ] && [ -O "$d" ] && [ -w "$d" ] || { echo "TOKEN none $d cannot be written"; exit 0; };
b() {
if [ -r "/proc/$1/stat" ]; then read -r z < "/proc/$1/stat"; z=${z##*) }; set -- $z; shift 19; echo "$1";
else ps -o lstart= -p "$1" 2>/dev/null | tr -d " "; fi;
};
i=""; [ -r /proc/sys/kernel/random/boot_id ] && read -r i < /proc/sys/kernel/random/boot_id;
l="$d/lock-$(uname -n)"; t="$l.$$"; have=""; mine="$$ $(b $$)x ${i}x RUN HOLDER";
is() { now=""; { read -r now < "$l"; } 2>/dev/null; [ "$now" = "$1" ]; };
x() { rm -f "$t"; [ -n "$have" ] && is "$mine" && rm -f "$l"; };
trap x 0; trap "exit 1" 1 2 13 15;
echo "$mine" > "$t" || { echo "TOKEN none $d cannot be written"; exit 0; };
n=0; m=0;
until ln "$t" "$l" 2>/dev/null; do
n=$((n + 1)); [ $n -le 30 ] && [ $m -le 5 ] || { echo "TOKEN none $l cannot be made"; exit 0; };
{ read -r p s o r w < "$l"; } 2>/dev/null || { m=$((m + 1)); continue; };
live=""; [ "$o" = "${i}x" ] && kill -0 "$p" 2>/dev/null && [ "$(b "$p")x" = "$s" ] && live=1;
if [ -n "$live" ]; then
[ "$r" = RUN ] || { echo "TOKEN held $p $w"; exit 0; };
kill "$p" 2>/dev/null; sleep 1;
fi;
if mkdir "$l.taking" 2>/dev/null; then
is "$p $s $o $r $w" && rm -f "$l";
rmdir "$l.taking";
else
find "$l.taking" -mmin +1 -exec rmdir {} + 2>/dev/null; sleep 1;
fi;
done;
have=1; rm -f "$t"; echo "TOKEN ok";
while read -r z; do true; done;
`

// heldLock is a lock on a host without an agent, held by a shell there.
type heldLock struct {
	session *cryptossh.Session
	in      io.Closer
	ended   chan struct{}
}

// lockWithin bounds how long a shell may take to take a lock.
const lockWithin = 60 * time.Second

// hold takes the lock of the user's account on a host. Without an error a nil lock
// is that of a host which has no place for one.
func (c *Conn) hold(ctx context.Context, l executors.Lock) (*heldLock, error) {
	ctx, cancel := context.WithTimeout(ctx, lockWithin)
	defer cancel()
	b, err := json.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("writing the lock: %w", err)
	}
	word := token()
	script := shellLine(lockScript, "TOKEN", word, "RUN", encoded([]byte(l.Run+" "+l.Target)), "HOLDER", encoded(b))
	session, err := c.session(ctx)
	if err != nil {
		return nil, err
	}
	h := &heldLock{session: session, ended: make(chan struct{})}
	in, err := session.StdinPipe()
	if err != nil {
		session.Close()
		return nil, c.lost(ctx, err)
	}
	h.in = in
	out, err := session.StdoutPipe()
	if err == nil {
		err = session.Start(script)
	}
	if err != nil {
		session.Close()
		return nil, c.lost(ctx, err)
	}
	answers := make(chan []string, 1)
	go func() {
		defer close(h.ended)
		answers <- heard(out, word)
		_, _ = io.Copy(io.Discard, out)
		_ = session.Wait() // how it ended is no news: its answer was
	}()
	select {
	case answer := <-answers:
		return h.judge(answer, l)
	case <-c.done:
		return nil, c.lost(ctx, c.Err())
	case <-ctx.Done():
		h.release()
		return nil, context.Cause(ctx)
	}
}

// encoded is a word of a few harmless characters; never empty.
func encoded(b []byte) string { return "-" + base64.RawURLEncoding.EncodeToString(b) }

// heard reads until the answer, and returns its words; nil when there is none.
func heard(out io.Reader, word string) []string {
	lines := bufio.NewScanner(io.LimitReader(out, maxNoise))
	for lines.Scan() {
		if _, rest, ok := strings.Cut(lines.Text(), word+" "); ok {
			return strings.Fields(rest)
		}
	}
	return nil
}

func (h *heldLock) judge(answer []string, mine executors.Lock) (*heldLock, error) {
	if len(answer) > 0 && answer[0] == "ok" {
		return h, nil
	}
	h.release()
	if len(answer) != 3 || answer[0] != "held" {
		return nil, nil // there is no place for a lock, and no shell that takes it
	}
	var l executors.Lock
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(answer[2], "-"))
	if err != nil || json.Unmarshal(b, &l) != nil {
		l = executors.Lock{}
	}
	e := mine.Refused("", l)
	e.Message = visible(e.Message)
	if l.Run != mine.Run {
		e.Remedy += ": process " + visible(answer[1]) + " there holds the lock"
	}
	return nil, e
}

// release ends the shell, and the lock with it.
func (h *heldLock) release() {
	_ = h.in.Close()
	select {
	case <-h.ended:
	case <-time.After(closing):
	}
	_ = h.session.Close()
}

// Lock implements executors.Session. A shell on the host holds the lock, against
// others who log in as this user; where the user's shell runs no scripts, or
// there is no folder for it, there is none.
func (s *plainSession) Lock(ctx context.Context, l executors.Lock) error {
	if errors.Is(s.why, errRestricted) {
		return nil
	}
	h, err := s.conn.hold(ctx, l)
	var e *executors.Error
	if errors.As(err, &e) && e.Code == "locked" {
		e.Op = "locking " + s.target.Name
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lock = h
	return nil
}

// Unlock implements executors.Session.
func (s *plainSession) Unlock(context.Context) error {
	s.mu.Lock()
	h := s.lock
	s.lock = nil
	s.mu.Unlock()
	if h != nil {
		h.release()
	}
	return nil
}

// Close implements executors.Session. The connection is the Opener's.
func (s *plainSession) Close() error { return s.Unlock(context.Background()) }
