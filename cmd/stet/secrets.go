package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"stet/runbook"
	"stet/runbook/redact"
)

// maxSecret bounds a secret read from a file or a command.
const maxSecret = 64 << 10

// secrets reads the values of the document's secrets, each from where it says:
// the environment, a file (relative to the document), or a command. One line
// end at the end is dropped. From then on they are hidden in messages.
func (c *cli) secrets(ctx context.Context, d *runbook.Document) (map[string]string, error) {
	if len(d.Meta.Secrets) == 0 {
		return nil, nil
	}
	values := make(map[string]string, len(d.Meta.Secrets))
	for _, s := range d.Meta.Secrets {
		value, err := readSecret(ctx, s.From, filepath.Dir(d.Path))
		if err != nil {
			place := fmt.Sprintf("%s:%d:%d", d.Path, s.Pos.Line, s.Pos.Column)
			return nil, usage(fmt.Errorf("%s: reading secret %s: %w", place, s.Name, err), "see the front matter, secrets")
		}
		values[s.Name] = value
	}
	hide, err := redact.New(values)
	if err != nil {
		return nil, usage(err, "choose a longer secret")
	}
	c.hide = hide
	return values, nil
}

func readSecret(ctx context.Context, from, dir string) (string, error) {
	scheme, where, _ := strings.Cut(from, ":")
	var value string
	switch scheme {
	case "env":
		found, ok := os.LookupEnv(where)
		if !ok {
			return "", fmt.Errorf("the environment has no %s", where)
		}
		value = found
	case "file":
		if !filepath.IsAbs(where) {
			where = filepath.Join(dir, where)
		}
		content, err := readBounded(where)
		if err != nil {
			return "", err
		}
		value = content
	case "cmd":
		out, err := output(ctx, where, dir)
		if err != nil {
			return "", err
		}
		value = out
	default:
		return "", fmt.Errorf("%q is neither env:NAME, file:PATH nor cmd:COMMAND", from)
	}
	return strings.TrimSuffix(strings.TrimSuffix(value, "\n"), "\r"), nil
}

func readBounded(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Size() > maxSecret {
		return "", fmt.Errorf("%s has more than %d bytes", path, maxSecret)
	}
	content, err := os.ReadFile(path)
	return string(content), err
}

// output runs a command of the operator's own shell. What it says on stderr is
// shown to the operator, as it may ask for a passphrase.
func output(ctx context.Context, command, dir string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Dir = dir
	cmd.Stdin = os.Stdin
	cmd.Stderr = os.Stderr
	cmd.WaitDelay = time.Second
	var out bounded
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("running %s: %w", command, err)
	}
	return out.String(), nil
}

// bounded keeps at most maxSecret bytes and refuses more.
type bounded struct{ bytes.Buffer }

// Write keeps b.
func (w *bounded) Write(b []byte) (int, error) {
	if w.Len()+len(b) > maxSecret {
		return 0, errors.New("it prints too much for a secret")
	}
	return w.Buffer.Write(b)
}
