package linux

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"stet/executors/netstate"
)

// keyLife is how long the vault keeps a key that nobody has asked for.
const keyLife = 30 * 24 * time.Hour

// vault has the keys that edits speak of by their fingerprints: those that came
// with a change, and those that the kernel held before one. With a folder it
// keeps them in files that only their owner can read, so that a guard, or a
// rollback of another process, finds them; without, for as long as it lives.
type vault struct {
	dir string

	mu   sync.Mutex
	keys netstate.Secrets
}

// put keeps keys. They are on disk when it returns, where there is a folder.
func (v *vault) put(keys netstate.Secrets) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.keys == nil {
		v.keys = netstate.Secrets{}
	}
	for print, value := range keys {
		if v.keys[print] == value {
			continue
		}
		if v.dir != "" {
			if err := v.write(print, value); err != nil {
				return fmt.Errorf("keeping a key for the way back: %w", err)
			}
		}
		v.keys[print] = value
	}
	return nil
}

func (v *vault) write(print, value string) error {
	if err := os.MkdirAll(v.dir, 0o700); err != nil {
		return err
	}
	v.prune()
	f, err := os.CreateTemp(v.dir, ".new-") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(value)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), v.path(print))
}

// prune removes keys that are too old to be a way back.
func (v *vault) prune() {
	entries, err := os.ReadDir(v.dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > keyLife {
			_ = os.Remove(filepath.Join(v.dir, e.Name()))
		}
	}
}

func (v *vault) path(print string) string {
	return filepath.Join(v.dir, strings.ReplaceAll(print, ":", "-"))
}

// get is the key with a fingerprint; "" for "".
func (v *vault) get(print string) (string, error) {
	if print == "" {
		return "", nil
	}
	if !netstate.IsFingerprint(print) {
		return "", fmt.Errorf("%s stands where a key should be: its value is not known here", print)
	}
	return v.recall(print)
}

// recall is what was put under a name.
func (v *vault) recall(name string) (string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if value, ok := v.keys[name]; ok {
		return value, nil
	}
	if v.dir != "" {
		b, err := os.ReadFile(v.path(name))
		if err == nil {
			return string(b), nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("reading a key: %w", err)
		}
	}
	return "", fmt.Errorf("%s is not known on this machine: give the key itself", name)
}

// Keep keeps the keys that come beside a change, so that Edit finds them by
// their fingerprints. With Options.Keys they are on disk when it returns.
func (n *Namespace) Keep(keys netstate.Secrets) error { return n.vault.put(keys) }
