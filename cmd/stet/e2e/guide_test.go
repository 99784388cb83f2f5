package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"stet/runbook/markdown"
)

const guide = "../../../docs/guide"

// TestGuide runs every page of the guide that is a runbook, as a reader would
// after copying it.
func TestGuide(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(guide, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, page := range pages {
		text := newBench(t, "").read(page)
		d := markdown.Parse(page, []byte(text))
		if len(d.Blocks) == 0 && filepath.Base(page) == "README.md" {
			continue
		}
		ran++
		if strings.Contains(text, "ssh://root@") {
			continue // it needs a lab: see the tests of remote targets
		}
		t.Run(filepath.Base(page), func(t *testing.T) {
			t.Parallel()
			if strings.Contains(text, "traffic-control:") {
				n := &namespaces{names: map[string]string{}}
				n.add(t, "probe")
				n.qdiscs(t, "probe", "htb", "fq_codel", "netem")
			}
			b := newBench(t, "")
			doc := b.write("page.md", text)
			args := []string{"run", "--yes"}
			answers := strings.TrimSuffix(page, ".md") + ".answers.yaml"
			if exists(answers) {
				args = append(args, "--answers", b.write("answers.yaml", b.read(answers)))
			}
			b.must(0, "lint", doc)
			b.must(0, append(args, doc)...)
			b.isReport(doc, text)
		})
	}
	if ran < 7 {
		t.Errorf("only %d pages of the guide are runbooks", ran)
	}
}
