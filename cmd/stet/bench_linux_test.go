package main

import (
	"bufio"
	"bytes"
	"errors"
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

// tables writes n networks in scattered order, half of them hosts, over 16
// gateways: as `ip -batch` takes them, as a table, and as a table with ten other
// gateways. They are never in memory here: a program's peak, as the kernel gives
// it, is at least that of the one that started it.
func (l *lab) tables(n int) {
	l.b.Helper()
	var files []*os.File
	writer := func(name string) *bufio.Writer {
		f, err := os.Create(filepath.Join(l.dir, name))
		if err != nil {
			l.b.Fatal(err)
		}
		files = append(files, f)
		return bufio.NewWriter(f)
	}
	add, away, table, other := writer("add"), writer("away"), writer("table.txt"), writer("other.txt")
	for i := range n {
		k := i * 7919 % n
		at := fmt.Sprintf("%d.%d.%d.0/24", 20+k>>16, k>>8&255, k&255)
		if k%2 == 1 {
			at = fmt.Sprintf("10.%d.%d.%d/32", k>>16, k>>8&255, k&255)
		}
		gateway := 2 + i%16
		fmt.Fprintf(add, "route add %s via 192.0.2.%d proto static\n", at, gateway)
		fmt.Fprintf(away, "route del %s via 192.0.2.%d proto static\n", at, gateway)
		fmt.Fprintf(table, "%s via 192.0.2.%d\n", at, gateway)
		if i%(n/10) == 0 {
			gateway += 10
		}
		fmt.Fprintf(other, "%s via 192.0.2.%d\n", at, gateway)
	}
	for i, w := range []*bufio.Writer{add, away, table, other} {
		if err := errors.Join(w.Flush(), files[i].Close()); err != nil {
			l.b.Fatal(err)
		}
	}
}

const tableBlock = "routes:\n  config:\n    - from-file: table.txt\n      next-hop-interface: v0\n"

// BenchmarkTable applies, plans, shows and removes 500,000 routes.
func BenchmarkTable(b *testing.B) {
	l := newLab(b)
	l.card()
	l.tables(500_000)
	l.document("change.md", tableBlock)
	l.document("other.md", strings.Replace(tableBlock, "table.txt", "other.txt", 1))
	l.document("gone.md", strings.Replace(tableBlock, "next-hop-interface: v0", "state: absent", 1))
	var apply, remove, undo, facts, plan, ipAdd, ipAway, ipShow used
	sum := func(at *used, one used) { at.time, at.peak = at.time+one.time, max(at.peak, one.peak) }
	for b.Loop() {
		sum(&ipAdd, l.ip("-batch", "add"))
		sum(&ipShow, l.ip("route", "show"))
		sum(&facts, l.run(l.stet, "facts", "netns://"+l.netns))
		sum(&ipAway, l.ip("-batch", "away"))
		sum(&apply, l.run(l.stet, "run", "--yes", "change.md"))
		sum(&plan, l.run(l.stet, "plan", "other.md")) // ten lines more and less than what is there
		sum(&remove, l.run(l.stet, "run", "--yes", "gone.md"))
		l.run(l.stet, "run", "--yes", "change.md")
		sum(&undo, l.run(l.stet, "rollback", "--yes", "change.md"))
	}
	report := func(name string, own, other used) { b.ReportMetric(own.time.Seconds()/other.time.Seconds(), name) }
	var self syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &self); err != nil || float64(self.Maxrss)/1024 >= plan.peak {
		b.Errorf("the peaks that are measured may be this program's own, %d KiB: %v", self.Maxrss, err)
	}
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
