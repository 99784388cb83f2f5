// Package docs checks the documentation: that its graph of imports is the real
// one, and that its links lead somewhere.
package docs

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the graph of imports")

const module = "stet/"

// imports lists each package of the module with those that it imports.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-f", `{{.ImportPath}} {{.Name}} {{join .Imports " "}}`, "./...")
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "GOOS=linux")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("running go list: %v", err)
	}
	graph := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		from := strings.TrimPrefix(words[0], module)
		tool := words[1] == "main" && !strings.HasPrefix(from, "cmd/")
		if tool || from == "docs" || strings.Contains(from+"/", "/e2e/") {
			continue // tools and tests, on which nothing is built
		}
		graph[from] = nil
		for _, to := range words[2:] {
			if strings.HasPrefix(to, module) {
				graph[from] = append(graph[from], strings.TrimPrefix(to, module))
			}
		}
	}
	return graph
}

// reaches reports whether a path of at least one arrow leads from a to b.
func reaches(graph map[string][]string, a, b string) bool {
	for _, next := range graph[a] {
		if next == b || reaches(graph, next, b) {
			return true
		}
	}
	return false
}

// mermaid draws the graph, without arrows that others imply.
func mermaid(graph map[string][]string) string {
	var names []string
	for name := range graph {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	b.WriteString("```mermaid\ngraph BT\n")
	for _, from := range names {
		for _, to := range graph[from] {
			implied := slices.ContainsFunc(graph[from], func(other string) bool {
				return other != to && reaches(graph, other, to)
			})
			if !implied {
				b.WriteString("  " + from + " --> " + to + "\n")
			}
		}
	}
	b.WriteString("```\n")
	return b.String()
}

func TestImportGraph(t *testing.T) {
	const page, begin, end = "ARCHITECTURE.md", "<!-- graph -->\n", "<!-- /graph -->"
	src, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(src), begin)
	have, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no %s", page, begin)
	}
	want := mermaid(imports(t))
	if *update {
		if err := os.WriteFile(page, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("the graph in %s is not the real one (run make generate):\n%s", page, diff)
	}
}

// Every package has its line in the page.
func TestPackagesAreDescribed(t *testing.T) {
	page, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range imports(t) {
		if name != "internal/version" && !strings.Contains(string(page), "](../"+name+")") {
			t.Errorf("ARCHITECTURE.md does not describe %s", name)
		}
	}
}

// One arrow: nothing below executors knows of documents, and roots are
// vocabulary.
func TestOneArrow(t *testing.T) {
	graph := imports(t)
	for from, tos := range graph {
		for _, to := range tos {
			if strings.HasPrefix(from, "executors") && strings.HasPrefix(to, "runbook") {
				t.Errorf("%s imports %s", from, to)
			}
		}
	}
	if diff := cmp.Diff([]string(nil), graph["executors/netstate"]); diff != "" {
		t.Errorf("executors/netstate imports %s", diff)
	}
	if diff := cmp.Diff([]string{"executors/netstate"}, graph["executors"]); diff != "" {
		t.Errorf("executors imports %s", diff)
	}
}

var link = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)\s]*)?\)`)

// fence is a fenced block: links in it are examples.
var fence = regexp.MustCompile("(?ms)^(````*|~~~~*)[^\n]*\n.*?^(````*|~~~~*)$")

func TestLinks(t *testing.T) {
	pages := []string{"../README.md", "../CONTRIBUTING.md", "../examples/README.md"}
	err := filepath.WalkDir(".", func(path string, _ os.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			pages = append(pages, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	links := 0
	for _, page := range pages {
		src, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(string(src), ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			links++
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", page, m[1])
			}
		}
	}
	if links == 0 {
		t.Error("no link was found at all")
	}
}
