package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// exitCodes in words, for man pages and the reference.
var exitCodes = []struct {
	code  int
	means string
}{
	{exitOK, "Done, or nothing to do."},
	{exitFailed, "Failed: a check does not hold, a target that was only to be looked at could not be reached, targets were left out, part of the operation stands as its policy says, or all went well but the document, or the output, could not be written."},
	{exitUsage, "A mistake of the command line, or an invalid document. Nothing was touched."},
	{exitPrecheck, "Before the first change something was not as it must be: a pre-check or another step failed, the guard of the first change could not be armed, the first change's target could not be looked at, or a target that is needed is missing (it could not be reached, or used). Nothing was changed anywhere."},
	{exitRolledBack, "Failed, and everything that has a way back was undone. Commands without a rollback block have none: the report names them."},
	{exitIncomplete, "Failed, and undoing did not lead all the way back. Somebody must look."},
	{exitRefused, "Refused: outside the window, not approved, the plan is another one by now, or somebody holds the lock. Nothing was started."},
	{exitInterrupted, "Interrupted, by Ctrl-C, SIGTERM, SIGHUP or an answer. The report says by what, and what still stands."},
}

// reference is docs/reference/cli.md.
func reference(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString("<!-- Made from the commands by `make generate`. Do not edit. -->\n\n# Command line\n")
	for _, cmd := range documented(root) {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", cmd.CommandPath(), about(cmd))
		fmt.Fprintf(&b, "\n```\n%s\n```\n", cmd.UseLine())
		if cmd.Example != "" {
			fmt.Fprintf(&b, "\n```sh\n%s\n```\n", unindent(cmd.Example))
		}
		if cmd.HasAvailableSubCommands() {
			b.WriteString("\n| verb | |\n|---|---|\n")
			for _, verb := range documented(cmd)[1:] {
				fmt.Fprintf(&b, "| [%s](#stet-%s) | %s |\n", verb.Name(), verb.Name(), cell(verb.Short))
			}
		}
		if flags := flagsOf(cmd); len(flags) > 0 {
			title := "flag"
			if !cmd.HasParent() {
				title = "flag of every verb"
			}
			fmt.Fprintf(&b, "\n| %s | |\n|---|---|\n", title)
			for _, f := range flags {
				fmt.Fprintf(&b, "| `%s` | %s |\n", cell(f.form), cell(f.usage))
			}
		}
	}
	b.WriteString("\nExit codes: see [Exit codes](exit-codes.md).\n")
	return b.String()
}

// exitReference is docs/reference/exit-codes.md.
func exitReference() string {
	var b strings.Builder
	b.WriteString("<!-- Made from the code by `make generate`. Do not edit. -->\n\n# Exit codes\n\n| code | meaning |\n|---|---|\n")
	for _, e := range exitCodes {
		fmt.Fprintf(&b, "| %d | %s |\n", e.code, e.means)
	}
	b.WriteString(`
` + "`stet plan --detailed-exitcode`" + ` has codes of its own: 0 nothing would change, 1 an
error, 2 something would change.

A script that only wants to know whether the network is as it was can rely on
this: after 2, 3 and 6 it is; after 4 it is, but for what commands did: nobody reads
that back, and without a rollback block it stands, which the report says; after 5 it is
not, or nobody knows; after 1 and 130 the report tells.
`)
	return b.String()
}

// cell makes text fit into a cell of a Markdown table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text)
}
