package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/spf13/cobra"

	"stet/cmd/stet/internal/view"
	"stet/runbook/apply"
	"stet/runbook/markdown"
	"stet/runbook/plan"
)

// settle is how long a file must be quiet: editors save in several writes.
const settle = 100 * time.Millisecond

func watchCmd(c *cli) *cobra.Command {
	var w watcher
	cmd := &cobra.Command{
		Use:   "watch FILE",
		Short: "On each save, lint a runbook and rerun its checks; change nothing",
		Long: `Watch a runbook: now and on each save, lint it and rerun its checks and
snapshots. Changing blocks are never run. Editors that save by renaming are
seen too. Ctrl-C ends it.`,
		Example: `  stet watch change.md
  stet watch --write change.md       # write the results into the document too`,
		Args:              args(cobra.ExactArgs(1)),
		ValidArgsFunction: completeDocuments,
		RunE: func(cmd *cobra.Command, files []string) error {
			w.c, w.file = c, files[0]
			err := w.watch(cmd.Context())
			if errors.Is(err, context.Canceled) {
				return nil
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&w.write, "write", false, "write the results into the document")
	jsonFlag(c, cmd, jsonEvents)
	w.choice.addVars(cmd)
	return cmd
}

// watcher reruns what a document asks to be checked whenever its text changes.
type watcher struct {
	c      *cli
	file   string
	choice choice
	write  bool
	seen   [sha256.Size]byte
}

func (w *watcher) watch(ctx context.Context) error {
	// The folder is watched, not the file: saving by renaming ends a watch on
	// a file. A symbolic link is followed, so that its file's saves are seen.
	path, err := filepath.EvalSymlinks(w.file)
	if err != nil {
		return usage(fmt.Errorf("watching: %w", err), "give the path of a Markdown file")
	}
	events, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watching %s: %w", w.file, err)
	}
	defer events.Close()
	for _, dir := range []string{filepath.Dir(path), filepath.Dir(w.file)} {
		if err := events.Add(dir); err != nil {
			return fmt.Errorf("watching %s: %w", dir, err)
		}
	}
	names := map[string]bool{filepath.Clean(path): true, filepath.Clean(w.file): true}
	w.look(ctx)
	return w.follow(ctx, events, names)
}

func (w *watcher) follow(ctx context.Context, events *fsnotify.Watcher, names map[string]bool) error {
	quiet := time.NewTimer(0)
	quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e, ok := <-events.Events:
			if !ok {
				return nil
			}
			if names[filepath.Clean(e.Name)] {
				quiet.Reset(settle)
			}
		case err, ok := <-events.Errors:
			if !ok {
				return nil
			}
			// Events were lost: look, whatever they were.
			w.c.msg().Print("note: watching: " + err.Error() + "\n")
			quiet.Reset(settle)
		case <-quiet.C:
			w.look(ctx)
		}
	}
}

// look reruns the document when its text, results left out, is another one than
// before: what stet writes itself is no save.
func (w *watcher) look(ctx context.Context) {
	src, err := os.ReadFile(w.file)
	if err != nil {
		return // between the two steps of a save by renaming
	}
	hash := sha256.Sum256(markdown.Strip(src))
	if hash == w.seen {
		return
	}
	w.seen = hash
	if !w.c.json {
		w.c.out().Print(time.Now().Format(time.TimeOnly) + " " + w.file + "\n")
	}
	if err := w.check(ctx); err != nil && ctx.Err() == nil {
		w.c.complain(err)
	}
}

func (w *watcher) check(ctx context.Context) (err error) {
	o, err := w.c.begin(ctx, w.file, w.choice)
	if err != nil {
		return err
	}
	defer o.end(&err)
	o.sessions.passing = true
	ds := plan.Lint(o.d)
	if ds.Faults() {
		return w.c.invalid(o.d, ds)
	}
	w.c.diagnose(o.d, ds)
	options, err := o.options()
	if err != nil {
		return err
	}
	options.ReadOnly = !w.write
	op, err := apply.Check(ctx, o.d, options)
	if errors.Is(err, apply.ErrNothing) {
		w.c.msg().Print("no checks in it\n")
		return nil
	}
	if op != nil && !w.c.json {
		w.c.out().Print(view.Steps(op))
	}
	return err
}
