package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"stet/runbook/markdown"
	"stet/runbook/plan"
)

// beside are files that examples name.
var beside = map[string]string{
	"prefixes.txt":          "192.0.2.0/24\n",
	"hosts.yaml":            "targets: {r1: ssh://ops@r1.example.net}\n",
	"../ansible/production": "web01 ansible_host=192.0.2.7\n",
}

var (
	example = regexp.MustCompile("(?ms)^```(yaml|check|snapshot|netconfig|rollback)([^\n]*)\n(.*?)^```")
	ofDocs  = regexp.MustCompile(`\$\{(\w+)\}`)
)

// TestExamplesOfPages lints every example of the reference, as a reader would who
// has copied it into a document: blocks, and what stands at a document's head.
func TestExamplesOfPages(t *testing.T) {
	pages, err := filepath.Glob("../../docs/reference/*.md")
	if err != nil {
		t.Fatal(err)
	}
	linted := map[string]int{}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range example.FindAllSubmatchIndex(text, -1) {
			lang, attrs, body := string(text[m[2]:m[3]]), string(text[m[4]:m[5]]), string(text[m[6]:m[7]])
			place := fmt.Sprintf("%s:%d", filepath.Base(page), 1+strings.Count(string(text[:m[0]]), "\n"))
			linted[filepath.Base(page)]++
			lintExample(t, place, document(lang, attrs, body))
		}
	}
	// A page whose examples are no longer found would pass.
	for page, least := range map[string]int{"netconfig.md": 50, "targets.md": 3, "inventory.md": 2, "ssh.md": 1, "secrets.md": 1, "front-matter.md": 1, "check.md": 5} {
		if linted[page] < least {
			t.Errorf("%s has %d examples, not %d", page, linted[page], least)
		}
	}
}

// document is one with an example in it. What an example takes from the document
// around it (${NAME}) is a secret there.
func document(lang, attrs, body string) string {
	block := lang != "yaml"
	if lang == "yaml" && slices.ContainsFunc([]string{"interfaces:", "routes:", "namespaces:", "mdb:", "fdb:", "dns-resolver:", "sysctl:", "ipsec-xfrm:", "nexthops:",
		"mpls-routes:", "mptcp:", "route-rules:", "neighbors:"}, func(key string) bool { return strings.HasPrefix(body, key) || strings.Contains(body, "\n"+key) }) {
		lang, block = "netconfig", true
	}
	if !block {
		return "---\n" + strings.Trim(strings.TrimSpace(body), "-\n") + "\n---\n"
	}
	head := "targets: {here: local}\n"
	var names []string
	for _, m := range ofDocs.FindAllStringSubmatch(body, -1) {
		names = append(names, m[1]+`: "env:`+m[1]+`"`)
	}
	if slices.Sort(names); len(names) > 0 {
		head += "secrets: {" + strings.Join(slices.Compact(names), ", ") + "}\n"
	}
	return "---\n" + head + "---\n\n```" + lang + attrs + "\n" + body + "```\n"
}

func lintExample(t *testing.T, place, text string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "docs", "page.md")
	for name, content := range beside {
		file := filepath.Join(filepath.Dir(path), name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range plan.Lint(markdown.Parse(path, []byte(text))) {
		t.Errorf("%s: %s %s\n%s", place, d.Summary, d.Detail, text)
	}
}
