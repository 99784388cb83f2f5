package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"stet/internal/version"
)

func manCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR",
		Short:   "Write the man pages",
		Example: "  stet man dist/man",
		Hidden:  true,
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			if err := os.MkdirAll(dirs[0], 0o755); err != nil {
				return fmt.Errorf("making the folder of man pages: %w", err)
			}
			for _, page := range documented(cmd.Root()) {
				name := strings.ReplaceAll(page.CommandPath(), " ", "-") + ".1"
				if err := os.WriteFile(filepath.Join(dirs[0], name), []byte(manPage(page)), 0o644); err != nil {
					return fmt.Errorf("writing a man page: %w", err)
				}
			}
			return nil
		},
	}
}

// documented is the root and its verbs, hidden ones left out.
func documented(root *cobra.Command) []*cobra.Command {
	pages := []*cobra.Command{root}
	for _, verb := range root.Commands() {
		if !verb.Hidden && verb.Name() != "help" {
			pages = append(pages, verb)
		}
	}
	return pages
}

// manPage writes a command as a page of man(7).
func manPage(cmd *cobra.Command) string {
	var b strings.Builder
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
	fmt.Fprintf(&b, ".TH %s 1 \"\" %q \"stet\"\n", strings.ToUpper(name), "stet "+version.String())
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(name), roff(cmd.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roff(cmd.UseLine()))
	b.WriteString(".SH DESCRIPTION\n" + paragraphs(about(cmd)))
	if flags := flagsOf(cmd); len(flags) > 0 {
		b.WriteString(".SH OPTIONS\n")
		for _, f := range flags {
			fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(f.form), roff(f.usage))
		}
	}
	if cmd.HasAvailableSubCommands() {
		b.WriteString(".SH VERBS\n")
		for _, verb := range documented(cmd)[1:] {
			fmt.Fprintf(&b, ".TP\n.BR stet\\-%s (1)\n%s\n", roff(verb.Name()), roff(verb.Short))
		}
	}
	b.WriteString(".SH EXIT STATUS\n")
	for _, e := range exitCodes {
		fmt.Fprintf(&b, ".TP\n.B %d\n%s\n", e.code, roff(e.means))
	}
	fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(unindent(cmd.Example)))
	if cmd.HasParent() {
		b.WriteString(".SH SEE ALSO\n.BR stet (1)\n")
	}
	return b.String()
}

func paragraphs(text string) string {
	return strings.ReplaceAll(roff(text), "\n\n", "\n.PP\n") + "\n"
}

// roff escapes text for man(7): backslashes, hyphens, and a control character
// at the beginning of a line.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}

// about is a command's long text, or its short one as a sentence.
func about(cmd *cobra.Command) string {
	if cmd.Long != "" {
		return cmd.Long
	}
	return cmd.Short + "."
}

// unindent takes the two blanks of cobra's examples away.
func unindent(example string) string {
	return strings.TrimPrefix(strings.ReplaceAll(example, "\n  ", "\n"), "  ")
}

// option is a flag as a reference shows it.
type option struct {
	form  string // "-y, --yes", "--state-dir string"
	usage string // with its default
}

// flagsOf are a command's own flags; the root's also go for every verb.
func flagsOf(cmd *cobra.Command) []option {
	var flags []option
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" || cmd.HasParent() && cmd.Parent().PersistentFlags().Lookup(f.Name) != nil {
			return
		}
		kind, text := pflag.UnquoteUsage(f)
		form := "--" + f.Name
		if f.Shorthand != "" {
			form = "-" + f.Shorthand + ", " + form
		}
		if kind != "" {
			form += " " + kind
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && f.DefValue != "0" && f.DefValue != "0s" {
			text += fmt.Sprintf(" (default %s)", f.DefValue)
		}
		flags = append(flags, option{form, text})
	})
	return flags
}
