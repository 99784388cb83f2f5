package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stet/cmd/stet/internal/view"
	"stet/internal/yaml"
	"stet/runbook"
	"stet/runbook/markdown"
)

// read reads a document; "-" is stdin.
func (c *cli) read(path string) ([]byte, error) {
	if path == "-" {
		src, err := io.ReadAll(c.stdin)
		if err != nil {
			return nil, fmt.Errorf("reading stdin: %w", err)
		}
		return src, nil
	}
	if err := readable(path); err != nil {
		return nil, err
	}
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, usage(fmt.Errorf("reading the document: %w", err), "give the path of a Markdown file")
	}
	return src, nil
}

// readable refuses what could be waited for, or read, without end: a named pipe
// that nobody writes to, a device. What a shell gives as /dev/fd/63 is open
// already, and ends.
func readable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return nil // reading it says why
	}
	dir, _ := filepath.Split(filepath.Clean(path))
	given := path == "/dev/stdin" || path == os.DevNull || dir == "/dev/fd/" || strings.HasPrefix(dir, "/proc/")
	if info.Mode().IsRegular() || info.IsDir() || given {
		return nil
	}
	return usage(fmt.Errorf("reading the document: %s is no regular file", path), "give the path of a Markdown file, or - and the text on stdin")
}

// load parses a document and narrows it to what the flags choose. Faults are in
// its Diagnostics.
func (c *cli) load(path string, f choice) (*runbook.Document, error) {
	src, err := c.read(path)
	if err != nil {
		return nil, err
	}
	d := markdown.Parse(path, src)
	if err := setVars(d, f.set); err != nil {
		return nil, err
	}
	if err := limit(d, f.on); err != nil {
		return nil, err
	}
	return d, nil
}

// scalar reads a word as YAML does: 120 is a number, true is a boolean.
func scalar(s string) any {
	n, faults := yaml.Parse(s)
	if len(faults) > 0 || n == nil || n.Kind != yaml.Scalar {
		return s
	}
	return n.Any()
}

// setVars replaces variables of the document. Only those that it has: a
// misspelt name must not pass in silence.
func setVars(d *runbook.Document, set []string) error {
	for _, entry := range set {
		name, value, ok := strings.Cut(entry, "=")
		if !ok {
			return usage(fmt.Errorf("reading --set %s: it is no name=value", entry), "write --set vlan=120")
		}
		i := slices.IndexFunc(d.Meta.Vars, func(v runbook.Var) bool { return v.Name == name })
		if i < 0 {
			return usage(fmt.Errorf("setting %s: the document has no such variable", name), "it has "+listOr(varNames(d), "none"))
		}
		d.Meta.Vars[i].Value = scalar(value)
		overruled(d, name)
	}
	return nil
}

// overruled warns of targets with a variable of their own, which comes before the
// one that --set replaces: they would keep their value in silence.
func overruled(d *runbook.Document, name string) {
	var own []string
	for _, t := range d.Meta.Targets {
		if _, ok := t.Vars[name]; ok {
			own = append(own, t.Name)
		}
	}
	if n := len(own); n > 8 {
		own = append(own[:8:8], fmt.Sprintf("and %d more", n-8))
	}
	if len(own) == 0 {
		return
	}
	top := runbook.Position{Line: 1, Column: 1}
	d.Diagnostics = append(d.Diagnostics, runbook.Diagnostic{
		Severity: runbook.Warning, Code: "set", Path: d.Path, Start: top, End: top,
		Summary: fmt.Sprintf("--set %s has no effect on %s", name, strings.Join(own, ", ")),
		Detail:  "They have a " + name + " of their own or of their group, which comes before the document's.",
	})
}

func varNames(d *runbook.Document) []string {
	names := make([]string, 0, len(d.Meta.Vars))
	for _, v := range d.Meta.Vars {
		names = append(names, v.Name)
	}
	return names
}

// limit narrows every block to the targets named; blocks that then have none
// are left out. Manual steps stay. That nothing is left is a mistake: it would look
// like a run that went well.
func limit(d *runbook.Document, on []string) error {
	if len(on) == 0 {
		return nil
	}
	wanted, err := resolve(d, on)
	if err != nil {
		return err
	}
	step := func(b runbook.Block) bool { return b.Kind != runbook.Manual }
	some := slices.ContainsFunc(d.Blocks, step)
	d.Blocks = slices.DeleteFunc(d.Blocks, func(b runbook.Block) bool {
		return step(b) && !slices.ContainsFunc(b.On, func(t string) bool { return wanted[t] })
	})
	if some && !slices.ContainsFunc(d.Blocks, step) {
		return usage(fmt.Errorf("no step of %s runs on %s", d.Path, strings.Join(on, ", ")), "stet plan without --on shows what runs where")
	}
	for i := range d.Blocks {
		b := &d.Blocks[i]
		b.On = slices.DeleteFunc(slices.Clone(b.On), func(t string) bool { return !wanted[t] })
	}
	return nil
}

func resolve(d *runbook.Document, names []string) (map[string]bool, error) {
	found := map[string]bool{}
	for _, name := range names {
		if group, ok := d.Meta.Groups[name]; ok {
			inside, err := resolve(d, group)
			if err != nil {
				return nil, err
			}
			for t := range inside {
				found[t] = true
			}
			continue
		}
		if _, ok := target(d, name); !ok && !implied(d, name) {
			return nil, usage(fmt.Errorf("there is no target %s", name), "the document has "+listOr(targetNames(d), "none"))
		}
		found[name] = true
	}
	return found, nil
}

// implied reports whether a block runs on a target that the front matter does
// not declare (a document without targets runs on this host).
func implied(d *runbook.Document, name string) bool {
	return slices.ContainsFunc(d.Blocks, func(b runbook.Block) bool { return slices.Contains(b.On, name) })
}

func targetNames(d *runbook.Document) []string {
	names := make([]string, 0, len(d.Meta.Targets))
	for _, t := range d.Meta.Targets {
		names = append(names, t.Name)
	}
	return names
}

func listOr(words []string, none string) string {
	if len(words) == 0 {
		return none
	}
	return strings.Join(words, ", ")
}

// invalid shows the diagnostics of a document that cannot be run.
func (c *cli) invalid(d *runbook.Document, ds runbook.Diagnostics) error {
	c.diagnose(d, ds)
	if !c.json {
		c.msg().Print("stet: " + d.Path + ": " + view.Tally(ds) + "; nothing was touched\n")
	}
	return shown(exitUsage)
}

// diagnose shows diagnostics: as events, or with the source lines on stderr.
func (c *cli) diagnose(d *runbook.Document, ds runbook.Diagnostics) {
	src := view.NewSource(d.Source)
	for i := range ds {
		if c.json {
			c.view().Event(runbook.Event{Kind: runbook.EventDiagnosis, Time: time.Now().UTC(), Diagnostic: &ds[i]})
			continue
		}
		c.msg().Print(src.Diagnostic(ds[i]))
	}
}

// completeDocuments offers Markdown files.
func completeDocuments(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"md", "markdown"}, cobra.ShellCompDirectiveFilterFileExt
}

// completeSteps offers the names of the document's steps.
func completeSteps(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	src, err := os.ReadFile(args[0])
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, b := range markdown.Parse(args[0], src).Blocks {
		names = append(names, b.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
