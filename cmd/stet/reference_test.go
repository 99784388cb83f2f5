package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

func TestReference(t *testing.T) {
	root := newRoot(&cli{})
	pages := map[string]string{
		"cli.md":        reference(root),
		"exit-codes.md": exitReference(),
	}
	for name, want := range pages {
		path := filepath.Join("..", "..", "docs", "reference", name)
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s is not what the commands say (run make generate):\n%s", path, diff)
		}
	}
}

func TestEveryVerbHasAnExample(t *testing.T) {
	for _, cmd := range documented(newRoot(&cli{})) {
		if cmd.Example == "" || cmd.Short == "" {
			t.Errorf("%s has no example or no short description", cmd.CommandPath())
		}
		for line := range strings.Lines(cmd.Example) {
			if !strings.HasPrefix(line, "  ") {
				t.Errorf("%s: example line %q is not indented by two", cmd.CommandPath(), line)
			}
		}
	}
}

// An example that the command line itself refuses would be worse than none.
func TestExamplesParse(t *testing.T) {
	for _, documentedCmd := range documented(newRoot(&cli{})) {
		for line := range strings.Lines(documentedCmd.Example) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), "   ")
			line, _, _ = strings.Cut(line, " > ")
			words := strings.Fields(line)
			if len(words) < 2 || words[0] != "stet" || strings.Contains(line, "<(") {
				continue
			}
			cmd, rest, err := newRoot(&cli{}).Find(words[1:])
			if err != nil {
				t.Errorf("%s: %v", line, err)
				continue
			}
			if err := parseLine(cmd, rest); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
}

func parseLine(cmd *cobra.Command, rest []string) error {
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

func TestManPages(t *testing.T) {
	root := newRoot(&cli{})
	for _, cmd := range documented(root) {
		page := manPage(cmd)
		for _, section := range []string{".TH ", ".SH NAME\n", ".SH SYNOPSIS\n", ".SH EXIT STATUS\n", ".SH EXAMPLES\n"} {
			if !strings.Contains(page, section) {
				t.Errorf("the page of %s lacks %q", cmd.CommandPath(), section)
			}
		}
	}
	if got, want := roff(".x --y\\z\n'q"), "\\&.x \\-\\-y\\ez\n\\&'q"; got != want {
		t.Errorf("roff: got %q, want %q", got, want)
	}
}
