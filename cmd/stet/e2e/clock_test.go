package e2e

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

var (
	times      = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ`)
	clockTimes = regexp.MustCompile(`\b\d\d:\d\d:\d\dZ`)
)

// TestClockOff: with a clock that is an hour off, the host's or the operator's,
// changes are confirmed and reverted after the same time, a command that outlived
// stet is taken up, and what is written says the operator's time.
func TestClockOff(t *testing.T) {
	needLab(t)
	if clockVar == "" {
		t.Skip("the clock of a process is changed on linux/amd64 only")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const front = "---\ntargets: {r1: \"ssh://r1\"}\ndefaults: {timeout: 60s}\n---\n\n"
	const mtu = "```netconfig { name=mtu confirm=%s }\ninterfaces: [{name: uplink, mtu: 1400}]\n```\n\n"
	for _, c := range []struct {
		name           string
		host, operator int // seconds
	}{
		{"the host is ahead", 3600, 0},
		{"the host is behind", -3600, 0},
		{"the operator is ahead", 0, 3600},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "")
			confirmed := b.write("confirmed.md", front+fmt.Sprintf(mtu, "20s")+"```check { within=10s }\nlink(\"uplink\").mtu == 1400\n```\n")
			failed := b.write("failed.md", front+fmt.Sprintf(mtu, "20s")+"```check\nlink(\"uplink\").mtu == 1300\n```\n")
			reverted := b.write("reverted.md", front+fmt.Sprintf(mtu, "15s")+"```check\nrun(\"echo began >/run/lab/checked; sleep 60\").ok\n```\n")
			taken := b.write("taken.md", strings.Replace(strings.Replace(lengthy, "%s", "", 1), "%s", "exit 0", 1))
			o := b.script(fmt.Sprintf(`set -e
off() { by=$1; shift; if [ $by = 0 ]; then exec "$@"; else STET_E2E_CLOCK=$by exec '%s' "$@"; fi; }
await() { n=0; until eval "$1"; do n=$((n+1)); [ $n -lt 1200 ] || { echo "never: $1" >&2; exit 70; }; sleep 0.1; done; }
mtu() { ip -n r1 link show uplink | sed 's/.* mtu \([0-9]*\) .*/\1/;q'; }
stet() { (off %d "$STET" "$@"); }
kill $(cat $LAB/r1/pid); await '! ip netns exec r1 ss -Hltn | grep -q :22'
(off %d ip netns exec r1 /usr/sbin/sshd -D -f $LAB/r1/sshd_config -E $LAB/r1/log) & sshd=$!
await 'r r1 true'
echo "apart: $(($(r r1 date +%%s) - $(off %d date +%%s)))"

stet run --yes confirmed.md >&2
echo "confirmed: $(mtu)"
stet rollback --yes confirmed.md >&2
echo "rolled back: $(mtu)"
code=0; stet run --yes failed.md >&2 || code=$?
echo "failed: $code $(mtu)"

(off %d "$STET" run --yes reverted.md >&2) & pid=$!
await '[ -e $LAB/checked ]'
kill -9 $pid; wait $pid || true
echo "waits: $(mtu)"; began=$(date +%%s%%N)
await '[ $(mtu) = 1500 ]'
echo "went back: $((($(date +%%s%%N) - began) / 1000000))"
stet rollback --yes reverted.md >&2

(off %d "$STET" run --yes taken.md >&2) & pid=$!
await '[ -e $LAB/began ]'; sleep 0.3
kill -9 $pid; wait $pid || true
touch $LAB/go-on; await '[ -e $LAB/ended ]'
stet resume --yes taken.md >&2
cat $LAB/began $LAB/ended
for f in confirmed failed reverted taken; do stet verify --all $f.md >&2; done
kill $sshd; wait $sshd || true`, self, c.operator, c.host, c.operator, c.operator, c.operator))
			var took int
			head, tail, _ := strings.Cut(o.stdout, "went back: ")
			if _, err := fmt.Sscanf(tail, "%d\n", &took); err != nil {
				t.Fatal(o)
			}
			head, apart, _ := cutLine(head, "apart: ")
			var by int
			if _, err := fmt.Sscanf(apart, "%d", &by); err != nil || by < c.host-c.operator-5 || by > c.host-c.operator+5 {
				t.Fatalf("the clocks are %q seconds apart: %v", apart, o)
			}
			if o.code != 0 || head != "confirmed: 1400\nrolled back: 1500\nfailed: 4 1500\nwaits: 1400\n" || !strings.HasSuffix(tail, "\nbegan\nended\n") {
				t.Fatal(o)
			}
			if took > 60000 { // and not an hour; or at once, which is seen above
				t.Errorf("the guard of 15s went back after %d ms", took)
			}
			now := time.Now().UTC().Add(time.Duration(c.operator) * time.Second)
			for _, doc := range []string{confirmed, failed, reverted, taken} {
				text := b.read(doc)
				wants(t, doc, text, "Clocks that differ from this machine's: r1 (1 h")
				head, _, _ := strings.Cut(text, "<!-- /stet:report")
				for _, at := range times.FindAllString(head, -1) {
					said, err := time.Parse("2006-01-02 15:04:05Z", at)
					if d := now.Sub(said); err != nil || d < -time.Minute || d > 10*time.Minute {
						t.Errorf("%s says %s, and it is %s there", doc, at, now)
					}
				}
				for _, at := range clockTimes.FindAllString(text, -1) {
					said, err := time.Parse("15:04:05Z", at)
					apart := now.Sub(said.AddDate(now.Year(), int(now.Month())-1, now.Day()-1)) % (24 * time.Hour)
					if err != nil || apart > 10*time.Minute && apart < 24*time.Hour-time.Minute {
						t.Errorf("%s says %s, and it is %s there", doc, at, now.Format(time.TimeOnly))
					}
				}
			}
			wants(t, "taken.md", b.read(taken), "had gone on without stet: its exit code is 0", "before\nafter\n")
			wants(t, "reverted.md", b.read(reverted), "While stet was not running, the guard of mtu on r1 reverted it")
		})
	}
}

// cutLine takes the line with this beginning out of a text.
func cutLine(text, beginning string) (rest, line string, found bool) {
	before, after, found := strings.Cut(text, beginning)
	line, after, _ = strings.Cut(after, "\n")
	return before + after, line, found
}
