package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stet/runbook/journal"
)

// The benchmarks compare with a peer in the same run, since machines differ and
// are noisy: what they report is a ratio of medians.

// timed runs a command and returns how long it took.
func timed(b *testing.B, cmd *exec.Cmd) time.Duration {
	b.Helper()
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	return time.Since(start)
}

func median(ds []time.Duration) time.Duration {
	slices.Sort(ds)
	return ds[len(ds)/2]
}

// tenBlocks is a document of five changes and five checks.
func tenBlocks(ns string) string {
	var s strings.Builder
	fmt.Fprintf(&s, "---\ntargets: {box: netns://%s}\n---\n\n", ns)
	for i := range 5 {
		fmt.Fprintf(&s, "```netconfig\ninterfaces:\n  - {name: br%d, type: linux-bridge, state: up, ipv4: {enabled: true, address: [{ip: 192.0.2.%d, prefix-length: 32}]}}\n```\n\n", i, i+1)
		fmt.Fprintf(&s, "```check\nlink(\"br%d\").up\n```\n\n", i)
	}
	return s.String()
}

// BenchmarkPlan measures `stet plan` on a ten-block document against
// `ip -j addr`: at most three times its time plus 20 ms.
func BenchmarkPlan(b *testing.B) {
	p := newBench(b, "")
	ns := netns(b, "bench")
	doc := p.write("ten.md", tenBlocks(ns))
	var ours, theirs []time.Duration
	for b.Loop() {
		cmd := exec.Command(p.stet, "plan", doc)
		cmd.Env = p.env
		ours = append(ours, timed(b, cmd))
		theirs = append(theirs, timed(b, exec.Command("ip", "-n", ns, "-j", "addr")))
	}
	allowed := 3*median(theirs) + 20*time.Millisecond
	b.ReportMetric(float64(median(ours).Microseconds())/1000, "stet-ms")
	b.ReportMetric(float64(median(theirs).Microseconds())/1000, "ip-ms")
	b.ReportMetric(float64(median(ours))/float64(allowed), "of-allowed")
}

const benchRoutes = 10_000

func prefix(i int) string { return fmt.Sprintf("10.%d.%d.0/24", i>>8, i&0xff) }

// BenchmarkRoutes runs a document with 10,000 routes in one block against
// `ip -batch` adding the same. "step" is what is applied, verified and
// journaled, from the record of the intent to that of the outcome; "whole" is
// the whole run of stet with its start, parsing, planning and the report.
func BenchmarkRoutes(b *testing.B) {
	p := newBench(b, "")
	ns := netns(b, "bench")
	ip(b, "-n", ns, "link", "add", "up0", "type", "veth", "peer", "name", "up1")
	ip(b, "-n", ns, "link", "set", "up0", "up")
	ip(b, "-n", ns, "link", "set", "up1", "up")
	ip(b, "-n", ns, "addr", "add", "192.0.2.1/24", "dev", "up0")
	var batch, block strings.Builder
	fmt.Fprintf(&block, "---\ntargets: {box: netns://%s}\n---\n\n```netconfig { name=routes timeout=5m }\nroutes:\n  config:\n", ns)
	for i := range benchRoutes {
		fmt.Fprintf(&batch, "route add %s via 192.0.2.2 dev up0\n", prefix(i))
		fmt.Fprintf(&block, "    - {destination: %s, next-hop-address: 192.0.2.2, next-hop-interface: up0}\n", prefix(i))
	}
	block.WriteString("```\n")
	file := p.write("batch", batch.String())
	var whole, step, theirs []time.Duration
	for b.Loop() {
		theirs = append(theirs, timed(b, exec.Command("ip", "-n", ns, "-batch", file)))
		ip(b, "-n", ns, "route", "flush", "proto", "boot")
		doc := p.write("routes.md", block.String())
		cmd := exec.Command(p.stet, "run", "--yes", doc)
		cmd.Env = p.env
		whole = append(whole, timed(b, cmd))
		step = append(step, stepTime(b, p, "routes"))
		if n := strings.Count(ip(b, "-n", ns, "route"), "\n"); n < benchRoutes {
			b.Fatalf("only %d routes are there", n)
		}
		ip(b, "-n", ns, "route", "flush", "proto", "static")
		ip(b, "-n", ns, "route", "flush", "proto", "boot")
	}
	b.ReportMetric(float64(median(theirs).Microseconds())/1000, "ip-batch-ms")
	b.ReportMetric(float64(median(step).Microseconds())/1000, "step-ms")
	b.ReportMetric(float64(median(step))/float64(median(theirs)), "step/ip-batch")
	b.ReportMetric(float64(median(whole))/float64(median(theirs)), "whole/ip-batch")
}

// stepTime is the time between a step's intent and its outcome in the journal
// of the latest operation, which is then removed.
func stepTime(b *testing.B, p *bench, step string) time.Duration {
	b.Helper()
	state := filepath.Join(p.dir, "state", "stet")
	dirs, err := journal.ListAll(state)
	if err != nil || len(dirs) == 0 {
		b.Fatalf("no operation: %v", err)
	}
	log, err := journal.Replay(dirs[0])
	if err != nil {
		b.Fatal(err)
	}
	var from time.Time
	for _, r := range log.Records {
		var of struct {
			Step    string `json:"step"`
			Outcome struct {
				Step string `json:"step"`
			} `json:"outcome"`
		}
		if err := json.Unmarshal(r.Data, &of); err != nil || of.Step != step && of.Outcome.Step != step {
			continue
		}
		switch r.Kind {
		case journal.Intent:
			from = r.Time
		case journal.Outcome:
			if from.IsZero() {
				b.Fatal("an outcome without an intent")
			}
			if err := os.RemoveAll(dirs[0]); err != nil {
				b.Fatal(err)
			}
			return r.Time.Sub(from)
		}
	}
	b.Fatalf("the journal has no outcome of %s", step)
	return 0
}
