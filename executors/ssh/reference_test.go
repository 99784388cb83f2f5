package ssh

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// Every keyword that ssh knows, and every one that stet reads, is on the page.
func TestSettingsReference(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/ssh.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, word := range regexp.MustCompile("`([A-Za-z0-9]+)`").FindAllStringSubmatch(string(page), -1) {
		listed[strings.ToLower(word[1])] = true
	}
	want := append([]string{}, plainKeywords...)
	if program, err := exec.LookPath("ssh"); err == nil {
		out, err := exec.Command(program, "-G", "-F", "/dev/null", "host.invalid").Output()
		if err != nil {
			t.Fatal(err)
		}
		for keyword := range parseDump(string(out)) {
			want = append(want, keyword)
		}
	}
	for _, keyword := range want {
		if !listed[keyword] {
			t.Errorf("%s is not on the page", keyword)
		}
	}
}
