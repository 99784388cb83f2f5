package local

import (
	"context"
	"errors"
	"os"

	"stet/executors"
)

// whyClosed is the cause with which a session's requests are cancelled when it
// is closed.
func (h *Host) whyClosed() error {
	if h.lost.Load() {
		return executors.ErrLost
	}
	return os.ErrClosed
}

// inherit takes over the lock of a session whose command goes on: until that
// has ended, nobody but the same operation may change anything.
func (h *Host) inherit(lock *os.File) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.locks = append(h.locks, lock)
}

// keepOn waits for commands that go on after their connection was lost. When
// hangUp tells that the operation is back, it gets the lock; when ctx ends, so
// do they.
func (h *Host) keepOn(ctx context.Context, hangUp <-chan os.Signal) error {
	over := make(chan struct{})
	go func() {
		h.keeping.Wait()
		close(over)
	}()
	var errs []error
	end := ctx.Done()
	for {
		select {
		case <-over:
			return errors.Join(append(errs, h.disinherit())...)
		case <-hangUp:
			errs = append(errs, h.disinherit())
		case <-end:
			end = nil
			h.endLife()
		}
	}
}

func (h *Host) disinherit() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var errs []error
	for _, f := range h.locks {
		errs = append(errs, releaseLock(f))
	}
	h.locks = nil
	return errors.Join(errs...)
}
