package apply

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// A document whose operation did not end is refused before anybody plans it; one
// that somebody works on, too. Looking leaves nothing behind.
func TestFree(t *testing.T) {
	b := newBench(t, pre+fleetMTU(""))
	ctx := context.Background()
	if err := Free(ctx, b.doc(), b.o); err != nil {
		t.Fatalf("nothing was done on it yet: %v", err)
	}
	d := b.doc()
	p := b.plan(d)
	died, _ := b.crashing("after", 7, func() error { _, err := Run(ctx, d, p, b.o); return err })
	if !died {
		t.Fatal("it ended")
	}
	err := Free(ctx, b.doc(), b.o)
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "did not end; stet resume takes it up") {
		t.Fatalf("its operation did not end: %v", err)
	}
	if _, err := Resume(ctx, b.doc(), b.o); err != nil {
		t.Fatal(err)
	}
	if err := Free(ctx, b.doc(), b.o); err != nil {
		t.Errorf("its operation ended: %v", err)
	}

	x, err := prepare(b.doc(), b.o)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.lockDocument("someone"); err != nil {
		t.Fatal(err)
	}
	if err := Free(ctx, b.doc(), b.o); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "alice has been running operation someone on it") {
		t.Errorf("somebody works on it: %v", err)
	}
	if err := x.close(ctx); err != nil {
		t.Fatal(err)
	}
}
