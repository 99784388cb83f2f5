package e2e

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// defaultsLine is the line of an example's front matter that is changed.
var defaultsLine = regexp.MustCompile(`(?m)^defaults: \{`)

// onHost changes one line of a front matter: all that was to happen on this host
// happens on another one.
func onHost(t *testing.T, text, host string) string {
	t.Helper()
	if n := len(defaultsLine.FindAllString(text, -1)); n != 1 {
		t.Fatalf("the example has %d lines of defaults", n)
	}
	return defaultsLine.ReplaceAllString(text, "defaults: {at: ssh://"+host+", ")
}

// atRun is the run of a document in the lab whose events are in a file.
func atRun(e example, doc, events string) string {
	answers := ""
	if exists(filepath.Join(e.dir, "answers.yaml")) {
		answers = " --answers answers.yaml"
	}
	return fmt.Sprintf("code=0; stet run --yes --json%s %s >%s || code=$?\n[ $code = %d ] || exit 81\n", answers, doc, events, e.exit)
}

func (b *bench) eventsOf(file string) (plan, done map[string]string) {
	b.t.Helper()
	all := events(b.t, outcome{stdout: b.read(filepath.Join(b.dir, file))})
	return planned(b.t, all), applied(all)
}

// TestExamplesOnAHost changes one line of each example, so that it runs on a
// host behind a jump host, in sandboxes there.
func TestExamplesOnAHost(t *testing.T) {
	needLab(t)
	for _, e := range allExamples(t) {
		t.Run(filepath.Base(e.dir), func(t *testing.T) {
			b := newBench(t, "")
			doc, _ := e.copyTo(b)
			text := onHost(t, b.read(doc), "root@r1")
			b.write("runbook.md", text)
			o := b.script("look() { ip -n r1 -d -j link; ip -n r1 -d -j address; ip netns list; }\nr r1 true; look >before\n" +
				atRun(e, "runbook.md", "events") + "look >after")
			if o.code != 0 {
				t.Fatal(o)
			}
			want, got := b.eventsOf("events")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the diff applied is not the diff planned (-planned +applied):\n%s", diff)
			}
			b.isReport(doc, text)
			wants(t, "the document", b.read(doc), " at ssh://root@r1` |", "`SHA256:")
			if before, after := b.lines("before"), b.lines("after"); before != after {
				t.Errorf("something of the sandboxes is left on the host:\n%s\nbut\n%s", before, after)
			}
		})
	}
}

// TestExamplesInNamespacesOfAHost runs every example in namespaces of a host that
// outlive it: twice, and then back.
func TestExamplesInNamespacesOfAHost(t *testing.T) {
	needLab(t)
	for _, e := range allExamples(t) {
		t.Run(filepath.Base(e.dir), func(t *testing.T) {
			b := newBench(t, "")
			doc, _ := e.copyTo(b)
			var names []string
			text := sandboxAddress.ReplaceAllStringFunc(onHost(t, b.read(doc), "root@r1"), func(line string) string {
				target := strings.TrimSpace(sandboxAddress.FindStringSubmatch(line)[1])
				names = append(names, "ns-"+target)
				return "  " + target + ": netns://ns-" + target
			})
			if len(names) == 0 {
				t.Fatal("the example has no sandbox")
			}
			b.write("runbook.md", text)
			script := "names='" + strings.Join(names, " ") + `'
for n in $names; do ip netns add $n; ip -n $n link set lo up; done
` + inspectNamespaces + "look >before\n" + atRun(e, "runbook.md", "events") + "look >between\n"
			if e.exit == 0 {
				script += atRun(e, "runbook.md", "again") + "stet rollback --yes runbook.md >&2 || exit 82\n"
			}
			o := b.script(script + "look >after")
			if o.code != 0 {
				t.Fatalf("%v\n%s", o, b.read(doc))
			}
			want, got := b.eventsOf("events")
			if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 && len(names) > 1 {
				t.Errorf("the diff applied is not the diff planned (-planned +applied):\n%s", diff)
			}
			before := b.lines("before")
			if e.exit == 0 {
				if before == b.lines("between") {
					t.Error("the run changed nothing")
				}
				if plan, done := b.eventsOf("again"); len(plan) > 0 || len(done) > 0 {
					t.Errorf("a second run is not zero changes: %v %v", plan, done)
				}
			}
			if diff := cmp.Diff(before, b.lines("after")); diff != "" {
				t.Errorf("the namespaces are not as they were before (-before +now):\n%s", diff)
			}
		})
	}
}

// inspectNamespaces writes all that iproute2 knows of the namespaces in $names.
const inspectNamespaces = `look() { for n in $names; do
ip -n $n -d -j link; ip -n $n -d -j address; ip -n $n -d -j rule; ip -n $n -d -j neigh show nud permanent; bridge -n $n -j fdb show state permanent
for f in 4 6; do ip -n $n -$f -d -j route show table all; done
ip netns exec $n sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding
done; }
`

// TestExampleOnTheHostItself changes the one target of an example into a host:
// its own network is changed, found as asked for, and led back.
func TestExampleOnTheHostItself(t *testing.T) {
	needLab(t)
	e := example{dir: filepath.Join(examples, "manual")}
	b := newBench(t, "")
	doc, _ := e.copyTo(b)
	text := strings.Replace(b.read(doc), "sw1: sandbox\n", "sw1: ssh://root@r1\n", 1)
	if text == b.read(doc) {
		t.Fatal("the example has another target now")
	}
	b.write("runbook.md", text)
	o := b.script("names=r1\n" + inspectNamespaces + "r r1 true; look >before\n" +
		atRun(e, "runbook.md", "events") + "look >between\n" + atRun(e, "runbook.md", "again") +
		"stet rollback --yes runbook.md >&2 || exit 82\nlook >after")
	if o.code != 0 {
		t.Fatal(o)
	}
	if plan, done := b.eventsOf("again"); len(plan) > 0 || len(done) > 0 {
		t.Errorf("a second run is not zero changes: %v %v", plan, done)
	}
	before := b.lines("before")
	if before == b.lines("between") {
		t.Error("the run changed nothing")
	}
	if diff := cmp.Diff(before, b.lines("after")); diff != "" {
		t.Errorf("the host is not as it was before (-before +now):\n%s", diff)
	}
}
