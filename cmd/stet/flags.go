package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"stet/cmd/stet/internal/view"
)

// choice narrows and changes a document for one call.
type choice struct {
	set  []string // vars: name=value
	on   []string // targets and groups
	only []string
	from string
}

func (f *choice) addVars(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.set, "set", nil, "`name=value` of a variable, instead of the document's (YAML; repeat for more)")
	cmd.Flags().StringSliceVar(&f.on, "on", nil, "only these `targets` or groups")
}

func (f *choice) addSteps(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&f.only, "only", nil, "only the groups of the steps with these `names`, after the pre-checks")
	cmd.Flags().StringVar(&f.from, "from", "", "leave out the groups before the step of this `name`")
	for _, flag := range []string{"only", "from"} {
		_ = cmd.RegisterFlagCompletionFunc(flag, completeSteps)
	}
}

// narrows reports whether steps are left out that the document has.
func (f *choice) narrows() bool { return len(f.on) > 0 || len(f.only) > 0 || f.from != "" }

func jsonFlag(c *cli, cmd *cobra.Command, doc string) {
	cmd.Flags().BoolVar(&c.json, "json", false, doc)
}

const jsonEvents = "one event a line, as JSON, on stdout"

// formFlag is --as with its two words.
type formFlag view.Form

func (f *formFlag) String() string { return string(*f) }

// Type is what the help shows.
func (f *formFlag) Type() string { return "diff|ip" }

// Set takes the flag's value.
func (f *formFlag) Set(s string) error {
	if s != string(view.AsDiff) && s != string(view.AsIP) {
		return errors.New("it is diff or ip")
	}
	*f = formFlag(s)
	return nil
}

// lintFlag is --format of lint.
type lintFlag view.LintFormat

func (f *lintFlag) String() string { return string(*f) }

// Type is what the help shows.
func (f *lintFlag) Type() string { return lintWords("|") }

// Set takes the flag's value.
func (f *lintFlag) Set(s string) error {
	for _, known := range view.LintFormats {
		if s == string(known) {
			*f = lintFlag(s)
			return nil
		}
	}
	return errors.New("it is one of " + lintWords(", "))
}

func lintWords(between string) string {
	words := make([]string, 0, len(view.LintFormats))
	for _, f := range view.LintFormats {
		words = append(words, string(f))
	}
	return strings.Join(words, between)
}
