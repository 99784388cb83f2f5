package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The benchmarks of this file run the built program against iproute2 in one
// run, in a namespace of their own: what counts is the ratio. They need root.

// lab is a namespace with a folder to work in.
type lab struct {
	b     *testing.B
	stet  string
	dir   string
	netns string
}

func newLab(b *testing.B) *lab {
	if os.Getuid() != 0 {
		b.Skip("namespaces of this host need root")
	}
	l := &lab{b: b, dir: b.TempDir(), netns: fmt.Sprintf("stet-bench-%d", os.Getpid())}
	l.stet = filepath.Join(l.dir, "built")
	build := exec.Command("go", "build", "-o", l.stet, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("building: %v\n%s", err, out)
	}
	l.run("ip", "netns", "add", l.netns)
	b.Cleanup(func() { l.run("ip", "netns", "del", l.netns) })
	return l
}

// used is what a command took: time, and memory at its peak in MiB.
type used struct {
	time time.Duration
	peak float64
}

// run runs a command in the folder; it has to succeed.
func (l *lab) run(argv ...string) used {
	l.b.Helper()
	c := exec.Command(argv[0], argv[1:]...)
	var errs bytes.Buffer
	c.Dir, c.Stderr = l.dir, &errs
	c.Env = append(os.Environ(), "XDG_STATE_HOME="+l.dir)
	start := time.Now()
	if err := c.Run(); err != nil {
		text := errs.String()
		l.b.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, text[max(0, len(text)-1000):])
	}
	took := used{time: time.Since(start)}
	if usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		took.peak = float64(usage.Maxrss) / 1024
	}
	return took
}

func (l *lab) write(name, text string) {
	l.b.Helper()
	if err := os.WriteFile(filepath.Join(l.dir, name), []byte(text), 0o600); err != nil {
		l.b.Fatal(err)
	}
}

func (l *lab) document(name, block string) {
	l.write(name, "---\ntargets: {lab: \"netns://"+l.netns+"\"}\n---\n\n```netconfig { name=it }\n"+block+"```\n")
}

func (l *lab) ip(argv ...string) used {
	return l.run(append([]string{"ip", "-n", l.netns}, argv...)...)
}

// card makes an interface with an address that gateways are behind.
func (l *lab) card() {
	l.ip("link", "add", "v0", "type", "veth", "peer", "name", "v1")
	l.ip("addr", "add", "192.0.2.1/24", "dev", "v0")
	l.ip("link", "set", "v0", "up")
	l.ip("link", "set", "v1", "up")
}

// tableOf are n networks in scattered order, half of them hosts, over 16
// gateways: as `ip -batch` takes them, and as a table.
func tableOf(n int) (add, away, table string) {
	var a, d, t strings.Builder
	for i := range n {
		k := i * 7919 % n
		at := fmt.Sprintf("%d.%d.%d.0/24", 20+k>>16, k>>8&255, k&255)
		if k%2 == 1 {
			at = fmt.Sprintf("10.%d.%d.%d/32", k>>16, k>>8&255, k&255)
		}
		way := fmt.Sprintf("%s via 192.0.2.%d", at, 2+i%16)
		fmt.Fprintf(&a, "route add %s proto static\n", way)
		fmt.Fprintf(&d, "route del %s proto static\n", way)
		fmt.Fprintln(&t, way)
	}
	return a.String(), d.String(), t.String()
}

const tableBlock = "routes:\n  config:\n    - from-file: table.txt\n      next-hop-interface: v0\n"

// BenchmarkTable applies, plans, shows and removes 500,000 routes.
func BenchmarkTable(b *testing.B) {
	l := newLab(b)
	l.card()
	add, away, table := tableOf(500_000)
	l.write("add", add)
	l.write("away", away)
	l.write("table.txt", table)
	l.document("change.md", tableBlock)
	l.document("gone.md", strings.Replace(tableBlock, "next-hop-interface: v0", "state: absent", 1))
	var apply, remove, undo, facts, plan, ipAdd, ipAway, ipShow used
	sum := func(at *used, one used) { at.time, at.peak = at.time+one.time, max(at.peak, one.peak) }
	for b.Loop() {
		sum(&ipAdd, l.ip("-batch", "add"))
		sum(&ipShow, l.ip("route", "show"))
		sum(&facts, l.run(l.stet, "facts", "netns://"+l.netns))
		sum(&ipAway, l.ip("-batch", "away"))
		sum(&apply, l.run(l.stet, "run", "--yes", "change.md"))
		// Ten lines more and less than what is there.
		changed := strings.SplitAfter(table, "\n")
		for i := range 10 {
			changed[i*40_000] = strings.Replace(changed[i*40_000], "via 192.0.2.", "via 192.0.2.1", 1)
		}
		l.write("table.txt", strings.Join(changed, ""))
		sum(&plan, l.run(l.stet, "plan", "change.md"))
		l.write("table.txt", table)
		sum(&remove, l.run(l.stet, "run", "--yes", "gone.md"))
		l.run(l.stet, "run", "--yes", "change.md")
		sum(&undo, l.run(l.stet, "rollback", "--yes", "change.md"))
	}
	report := func(name string, own, other used) { b.ReportMetric(own.time.Seconds()/other.time.Seconds(), name) }
	report("apply/ip-batch", apply, ipAdd)
	report("remove/ip-batch", remove, ipAway)
	report("rollback/ip-batch", undo, ipAway)
	report("facts/ip-route-show", facts, ipShow)
	b.ReportMetric(apply.peak/ipAdd.peak, "peak/ip-batch")
	b.ReportMetric(apply.peak, "apply-MiB")
	b.ReportMetric(plan.time.Seconds()/float64(b.N), "plan-s")
	b.ReportMetric(plan.peak, "plan-MiB")
}

// BenchmarkPairs makes 1,000 veth pairs, removes them, and makes and undoes
// them.
func BenchmarkPairs(b *testing.B) {
	l := newLab(b)
	const count = 1000
	var add, away, block, gone strings.Builder
	block.WriteString("interfaces:\n")
	gone.WriteString("interfaces:\n")
	for i := range count {
		fmt.Fprintf(&add, "link add n%d type veth peer name f%d\nlink set n%d up\nlink set f%d up\n", i, i, i, i)
		fmt.Fprintf(&away, "link del n%d\n", i)
		fmt.Fprintf(&block, "  - {name: n%d, type: veth, veth: {peer: f%d}}\n", i, i)
		fmt.Fprintf(&gone, "  - {name: n%d, type: veth, state: absent}\n", i)
	}
	l.write("add", add.String())
	l.write("away", away.String())
	l.document("change.md", block.String())
	l.document("gone.md", gone.String())
	var own, delOwn, undo, other, delOther time.Duration
	for b.Loop() {
		own += l.run(l.stet, "run", "--yes", "change.md").time
		delOwn += l.run(l.stet, "run", "--yes", "gone.md").time
		l.run(l.stet, "run", "--yes", "change.md")
		undo += l.run(l.stet, "rollback", "--yes", "change.md").time
		other += l.ip("-batch", "add").time
		delOther += l.ip("-batch", "away").time
	}
	b.ReportMetric(own.Seconds()/other.Seconds(), "create/ip-batch")
	b.ReportMetric(delOwn.Seconds()/delOther.Seconds(), "delete/ip-batch")
	b.ReportMetric(undo.Seconds()/delOther.Seconds(), "rollback/ip-batch")
}

// BenchmarkHolds looks at 30 interfaces and 50 routes that are as they are to
// be.
func BenchmarkHolds(b *testing.B) {
	l := newLab(b)
	var block strings.Builder
	block.WriteString("interfaces:\n")
	for i := range 15 {
		fmt.Fprintf(&block, "  - name: n%d\n    type: veth\n    veth: {peer: f%d}\n    ipv4: {address: [{ip: 10.%d.0.1, prefix-length: 24}]}\n", i, i, i)
	}
	block.WriteString("routes:\n  config:\n")
	for i := range 50 {
		fmt.Fprintf(&block, "    - {destination: 172.16.%d.0/24, next-hop-address: 10.%d.0.2, next-hop-interface: n%d}\n", i, i%15, i%15)
	}
	l.document("change.md", block.String())
	l.run(l.stet, "run", "--yes", "change.md")
	var own, other time.Duration
	for b.Loop() {
		own += l.run(l.stet, "plan", "--detailed-exitcode", "change.md").time // 2 if it would write
		other += l.ip("-j", "-d", "link").time + l.ip("-j", "route").time
	}
	b.ReportMetric(own.Seconds()/other.Seconds(), "plan/ip")
}
