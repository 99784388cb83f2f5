package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stet/runbook"
	"stet/runbook/apply"
	"stet/runbook/journal"
	"stet/runbook/markdown"
)

// killed is a document of two guarded groups: an interface of its own, then what
// carries the way in.
const killed = `---
title: Killed at any moment
targets: {r1: "ssh://r1"}
defaults: {confirm: 8s, timeout: 60s}
---

# Killed at any moment

` + "```check { name=before }\nlink(\"uplink\").mtu == 1500\n!link(\"br0\").exists\n```\n\n" +
	"```netconfig { name=one }\ninterfaces:\n  - name: br0\n    type: linux-bridge\n    state: up\n    mac-address: 02:00:00:00:00:99\n" +
	"    ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}]}\n    bridge: {port: [{name: spare0}]}\n" +
	"routes:\n  config:\n    - {destination: 198.51.100.0/24, next-hop-address: 192.0.2.9, next-hop-interface: br0, metric: 50}\n```\n\n" +
	"```check { name=one-holds within=6s }\nlink(\"br0\").up\nroute(\"198.51.100.1\").dev == \"br0\"\n```\n\n" +
	"```netconfig { name=two }\ninterfaces:\n  - name: uplink\n    mtu: 1400\n    ipv4: {enabled: true, address: [{ip: 10.77.1.11, prefix-length: 24}, {ip: 10.77.1.211, prefix-length: 24}]}\n" +
	"routes:\n  config:\n    - {destination: 203.0.113.0/24, next-hop-address: 10.77.1.12, next-hop-interface: uplink}\n" +
	"route-rules:\n  config:\n    - {ip-to: 203.0.113.0/24, route-table: 254, priority: 1000}\n```\n\n" +
	"```check { name=two-holds within=6s }\nlink(\"uplink\").mtu == 1400\nping(\"10.77.1.1\").ok\n```\n\nThe end.\n"

// moment is one death.
type moment struct {
	n      int
	victim string
	part   float64       // of the time that a run takes, that goes by before it
	after  time.Duration // that time: from the start of the run, or of the victim
	lasts  time.Duration // of the link
	how    string        // of the link: down, or packets that vanish
	config string        // routed or jumped
	then   string        // what the operator does next: resume or rollback
}

func (m moment) String() string {
	s := fmt.Sprintf("moment %d: %s after %s, %s, then %s", m.n, m.victim, m.after, m.config, m.then)
	if m.victim == "link" {
		s += fmt.Sprintf(", %s for %s", m.how, m.lasts)
	}
	return s
}

// strike is the script that waits for the moment and brings death. It ends
// early when the run does.
func (m moment) strike() string {
	wait := fmt.Sprintf("sleep %.3f\n", m.after.Seconds())
	// Who is not there yet is waited for, before the moment and, between two
	// connections, at the moment.
	hit := func(who string) string {
		await := "n=0; while v=$(" + who + "); [ -z \"$v\" ] && runs && [ $n -lt 200 ]; do n=$((n+1)); sleep 0.01; done\n"
		return await + wait + await + "[ -z \"$v\" ] || { kill -9 $v 2>/dev/null; echo struck; }\n"
	}
	switch m.victim {
	case "stet":
		return wait + "runs && kill -9 $pid && echo struck\n"
	case "agent":
		return hit("agents '[s]erve'")
	case "sshd":
		return hit("sessions")
	}
	out, back := "ip -n jump link set to-r1 down", "ip -n jump link set to-r1 up"
	if m.how == "vanish" {
		out, back = "ip -n jump route add blackhole 10.77.0.1/32", "ip -n jump route del blackhole 10.77.0.1/32"
	}
	return wait + "runs && echo struck\n" + out + fmt.Sprintf("\nsleep %.3f\n", m.lasts.Seconds()) + back + "\n"
}

// moments draws them, the same ones from the same seed.
func moments(seed uint64, victim string, count int) []moment {
	var id uint64
	for _, c := range victim {
		id = id*31 + uint64(c)
	}
	random := rand.New(rand.NewPCG(seed, id))
	all := make([]moment, count)
	for i := range all {
		m := moment{n: i, victim: victim, part: random.Float64()}
		if victim == "agent" || victim == "sshd" {
			m.part *= 0.75 // they come later
		}
		m.lasts = time.Duration(random.Float64() * random.Float64() * float64(12*time.Second)).Round(time.Millisecond)
		m.how = []string{"down", "vanish"}[random.IntN(2)]
		m.config = []string{"routed", "routed", "jumped"}[random.IntN(3)]
		m.then = []string{"resume", "resume", "rollback"}[random.IntN(3)]
		if m.how == "vanish" {
			m.config = "routed" // the jump host would not notice
		}
		all[i] = m
	}
	return all
}

// number reads a setting of the tests from the environment.
func number(t testing.TB, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// TestKillAtRandom kills stet, the agent, sshd's session and the link, each at
// STET_KILL_MOMENTS (100) random moments of a run. Whatever dies, the host ends
// confirmed or reverted, the journal tells which, and resume finishes.
// STET_KILL_SEED draws the same moments again, STET_KILL_ONLY is one of them.
func TestKillAtRandom(t *testing.T) {
	needLab(t)
	if testing.Short() {
		t.Skip("takes minutes")
	}
	count := int(number(t, "STET_KILL_MOMENTS", 100))
	seed := number(t, "STET_KILL_SEED", uint64(time.Now().UnixNano()))
	only := number(t, "STET_KILL_ONLY", uint64(count))
	labs := int(number(t, "STET_KILL_LABS", 6)) // for each victim
	t.Logf("seed %d: STET_KILL_SEED=%d STET_KILL_MOMENTS=%d draws these moments again", seed, seed, count)
	// They sleep more than they work: more of them at once than tests run in
	// parallel. Rehearsals only work: all at once, hosts would not answer in time.
	rehearsing := make(chan struct{}, 2*runtime.GOMAXPROCS(0))
	var all sync.WaitGroup
	for _, victim := range victims {
		k := &killings{victim: victim}
		var some sync.WaitGroup
		for w := range labs {
			some.Go(func() {
				t.Run(fmt.Sprintf("%s-%d", victim, w), func(t *testing.T) {
					rehearsing <- struct{}{}
					l, r := rehearsed(t, rehearsing)
					for _, m := range moments(seed, victim, count) {
						if m.n%labs != w || only != uint64(count) && only != uint64(m.n) {
							continue
						}
						m.after = time.Duration(m.part * float64(r.whole)).Round(time.Millisecond)
						if k.add(l.dies(m, r)); t.Failed() {
							return // the lab is no longer as it was
						}
					}
				})
			})
		}
		all.Go(func() {
			some.Wait()
			k.tell(t)
		})
	}
	all.Wait()
}

// rehearsed is a lab with what a run does there. It gives back its place among
// those that rehearse.
func rehearsed(t *testing.T, places <-chan struct{}) (*killLab, *rehearsal) {
	defer func() { <-places }()
	l := newKillLab(t)
	return l, l.rehearse()
}

var victims = []string{"stet", "agent", "sshd", "link"}

// killings count what became of the moments of one victim.
type killings struct {
	victim string
	mu     sync.Mutex
	ends   map[string]int
	struck int
}

func (k *killings) add(struck bool, end string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ends == nil {
		k.ends = map[string]int{}
	}
	k.ends[end]++
	if struck {
		k.struck++
	}
}

func (k *killings) tell(t *testing.T) {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := 0
	for _, n := range k.ends {
		all += n
	}
	t.Logf("%s: %d moments, %d struck while the run went on; the runs ended: %v", k.victim, all, k.struck, k.ends)
	if k.struck*2 < all {
		t.Errorf("%s: most of %d moments must strike while the run goes on, not %d", k.victim, all, k.struck)
	}
}

// rehearsal is what a run does that nobody disturbs.
type rehearsal struct {
	whole  time.Duration // the shortest so far
	states []string      // before, after the first group, after both; the last two without what the kernel chooses
}

func (l *killLab) rehearse() *rehearsal {
	l.t.Helper()
	r := &rehearsal{states: []string{l.steady()}}
	dir := l.folder("rehearsal")
	// Nothing dies: what a busy machine takes longer for is no fault here.
	doc := l.write("rehearsal/killed.md", strings.NewReplacer("confirm: 8s", "confirm: 60s", "within=6s", "within=30s").Replace(killed))
	for _, args := range []string{"--only one ", ""} {
		start := time.Now()
		if o := l.stetDo("XDG_STATE_HOME="+dir, "run --yes "+args+doc); o.code != 0 {
			l.t.Fatalf("rehearsing: %v", o)
		}
		r.whole = time.Since(start)
		r.states = append(r.states, anyNumber(l.steady()))
		if o := l.stetDo("XDG_STATE_HOME="+dir, "rollback --yes "+doc); o.code != 0 {
			l.t.Fatalf("rehearsing: %v", o)
		}
		if l.stands(r, 0) < 0 {
			l.t.FailNow()
		}
	}
	return r
}

// steady is what r1 looks like once it has stayed so for longer than the kernel
// takes to tell of a carrier.
func (l *killLab) steady() string {
	l.t.Helper()
	was, since := l.looks(), time.Now()
	for limit := time.Now().Add(patience); time.Since(since) < 1500*time.Millisecond && time.Now().Before(limit); time.Sleep(100 * time.Millisecond) {
		if is := l.looks(); is != was {
			was, since = is, time.Now()
		}
	}
	return was
}

// anyNumber leaves out the numbers that the kernel gives to links.
func anyNumber(text string) string {
	for _, k := range chosen {
		text = k.is.ReplaceAllString(text, k.as)
	}
	return text
}

// folder makes a folder with the document in it.
func (l *killLab) folder(name string) string {
	l.t.Helper()
	dir := filepath.Join(l.dir, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		l.t.Fatal(err)
	}
	l.write(filepath.Join(name, "killed.md"), killed)
	return dir
}

// stands is which of the states the host is in: 0 before, 1 after the first
// group, 2 after both. It waits for links that are coming up.
func (l *killLab) stands(r *rehearsal, allowed ...int) int {
	l.t.Helper()
	var now string
	for limit := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		now = l.looks()
		for i, want := range r.states {
			if i == 0 && now == want || i > 0 && anyNumber(now) == want {
				if slices.Contains(allowed, i) {
					return i
				}
			}
		}
		if time.Now().After(limit) {
			break
		}
	}
	l.t.Errorf("the host is in none of the states %v; from the first (-want +now):\n%s", allowed,
		cmp.Diff(anyNumber(r.states[allowed[0]]), anyNumber(now)))
	return -1
}

// dies runs the document up to its moment and sees what that leads to.
func (l *killLab) dies(m moment, r *rehearsal) (struck bool, end string) {
	t := l.t
	t.Helper()
	dir := l.folder(fmt.Sprintf("%s-%d", m.victim, m.n))
	doc := filepath.Join(dir, "killed.md")
	env := "STET_SSH_CONFIG=$LAB/" + m.config + " XDG_STATE_HOME=" + dir
	l.said.take()
	out, _ := l.do("began=$(date +%s%N); " + env + ` "$STET" run --yes ` + doc + ` >` + dir + `/out 2>` + dir + `/err & pid=$!
` + m.strike() + `
wait $pid; echo "code $? $((($(date +%s%N) - began) / 1000))"
n=0; while [ -n "$(agents '[g]uard')$(agents '[s]erve')" ] && [ $n -lt 1200 ]; do n=$((n+1)); sleep 0.1; done
[ $n -lt 1200 ] || echo "left: $(agents '[g]uard') $(agents '[s]erve')"`)
	struck = strings.Contains(out, "struck\n")
	_, text, _ := strings.Cut(out, "code ")
	var code int
	var took int64 // microseconds
	if _, err := fmt.Sscanf(text, "%d %d\n", &code, &took); err != nil || strings.Contains(text, "left: ") {
		t.Errorf("%v: it did not end: %s", m, out)
		return struck, "error"
	}
	if !struck && code == 0 { // the machine may have been busy at the rehearsal
		r.whole = min(r.whole, time.Duration(took)*time.Microsecond)
	}
	defer func() {
		if t.Failed() {
			t.Logf("%v\nthe run: exit %d\n%s\n%s\nthe journal:\n%s\nthe document:\n%s", m, code, l.read(dir+"/out"), l.read(dir+"/err"), l.journal(dir), l.read(doc))
		}
	}()
	l.inspect(dir)
	if code != 0 && code != 137 {
		lines := strings.Split(strings.TrimSpace(l.read(dir+"/err")), "\n")
		t.Logf("%v: exit %d: %s", m, code, lines[len(lines)-1])
	}
	switch {
	case code == 137 && m.victim == "stet":
		l.taken(m, r, env, dir)
	case code == 0:
		l.stands(r, 2)
		l.told(dir, runbook.OK)
		l.finish(m, r, env, "resume", dir, 0, 2)
	case code == 4:
		l.stands(r, 0)
		l.told(dir, runbook.RolledBack)
		l.finish(m, r, env, "resume", dir, 0, 0)
	case code == 1 && m.victim != "stet": // not reached at all, or no guard could be armed
		l.stands(r, 0)
		if len(l.records(dir)) > 0 {
			l.told(dir, runbook.Failed)
			l.finish(m, r, env, "resume", dir, 0, 0)
		}
	case code == 3 && m.victim != "stet":
		l.stands(r, 0)
	default:
		t.Errorf("a run under which %s died must not end with %d", m.victim, code)
	}
	// The next moment begins where this one did.
	if len(l.records(dir)) > 0 {
		if o := l.stetDo(env, "rollback --yes "+doc); o.code != 0 {
			t.Errorf("rollback in the end: %v", o)
		}
	}
	l.stands(r, 0)
	l.inspect(dir)
	return struck, strconv.Itoa(code)
}

// taken is what an operator finds whose stet was killed, and does.
func (l *killLab) taken(m moment, r *rehearsal, env, dir string) {
	l.t.Helper()
	sure, maybe := l.confirmed(dir)
	stood := l.stands(r, slices.Compact([]int{sure, maybe})...)
	if len(l.records(dir)) == 0 {
		return
	}
	o := l.stetDo(env, "status "+filepath.Join(dir, "killed.md"))
	if o.code != 0 {
		l.t.Errorf("status: %v", o)
	}
	if l.ended(dir) { // killed when all was done
		l.stands(r, stood)
		return
	}
	want := map[string]int{"resume": 2, "rollback": 0}[m.then]
	l.finish(m, r, env, m.then, dir, 0, want)
}

// finish does what the operator does next, and demands how that ends.
func (l *killLab) finish(m moment, r *rehearsal, env, then, dir string, code, stands int) {
	l.t.Helper()
	o := l.stetDo(env, then+" --yes "+filepath.Join(dir, "killed.md"))
	l.inspect(dir)
	if o.code == 4 && then == "resume" && stands == 2 && strings.Contains(o.stderr+o.stdout, "guard") {
		l.t.Logf("%v: resumed, the guard was faster than this machine", m)
		l.stands(r, 0)
		return
	}
	if o.code != code {
		l.t.Errorf("%s: want exit %d, got %v", then, code, o)
	}
	if l.stands(r, stands) < 0 {
		l.t.Logf("%s: %v", then, o)
	}
}

// inspect holds for the document and the journal at any moment.
func (l *killLab) inspect(dir string) {
	l.t.Helper()
	doc := filepath.Join(dir, "killed.md")
	now := l.read(doc)
	if diff := cmp.Diff(killed, string(markdown.Strip([]byte(now)))); diff != "" {
		l.t.Errorf("the prose changed (-want +got):\n%s", diff)
	}
	if ds := markdown.Parse(doc, []byte(now)).Diagnostics; ds.Faults() {
		l.t.Errorf("the document no longer parses: %v", ds)
	}
	for _, folder := range l.operations(dir) {
		if _, err := journal.Replay(folder); err != nil {
			l.t.Errorf("the journal does not replay: %v", err)
		}
	}
}

func (l *killLab) operations(dir string) []string {
	l.t.Helper()
	dirs, err := journal.ListAll(filepath.Join(dir, "stet"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.t.Fatal(err)
	}
	return dirs
}

// records are those of the only operation.
func (l *killLab) records(dir string) []journal.Record {
	l.t.Helper()
	var all []journal.Record
	for _, folder := range l.operations(dir) {
		if log, err := journal.Replay(folder); err == nil {
			all = append(all, log.Records...)
		}
	}
	return all
}

func (l *killLab) journal(dir string) string {
	var b strings.Builder
	for _, r := range l.records(dir) {
		data := string(r.Data)
		if r.Kind == journal.Start {
			data = "…"
		}
		fmt.Fprintf(&b, "%d %s %s %.600s\n", r.Seq, r.Time.Format("15:04:05.000"), r.Kind, data)
	}
	return b.String()
}

// confirmed is how many groups the journal holds for confirmed, and how many may
// be: with the last one's checks held, its guard may have been told or not.
func (l *killLab) confirmed(dir string) (sure, maybe int) {
	l.t.Helper()
	number := map[string]int{"one": 1, "two": 2}
	for _, r := range l.records(dir) {
		var d struct{ Group string }
		if err := json.Unmarshal(r.Data, &d); err != nil {
			l.t.Fatal(err)
		}
		switch r.Kind {
		case journal.Confirm:
			sure = max(sure, number[d.Group])
		case journal.Confirming:
			maybe = max(maybe, number[d.Group])
		}
	}
	return sure, max(sure, maybe)
}

func (l *killLab) ended(dir string) bool {
	return slices.ContainsFunc(l.records(dir), func(r journal.Record) bool { return r.Kind == journal.End })
}

// told holds when the journal says how the operation ended.
func (l *killLab) told(dir string, want runbook.Status) {
	l.t.Helper()
	folders := l.operations(dir)
	if len(folders) != 1 {
		l.t.Errorf("there are %d operations", len(folders))
		return
	}
	op, err := apply.Load(folders[0])
	if err != nil || op.Status != want {
		l.t.Errorf("the journal says %v (%v), not %s", op, err, want)
	}
}
