package redact

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"stet/runbook"
)

// Load fetches the values of secrets: env:NAME from the environment, file:PATH
// from a file ("~/" is the home directory), cmd:COMMAND from what a shell
// command prints. Line ends at the end are dropped. The errors name each
// secret that could not be loaded and its source, never a value.
func Load(ctx context.Context, secrets []runbook.Secret) (map[string]string, error) {
	values := make(map[string]string, len(secrets))
	var errs []error
	for _, s := range secrets {
		value, err := load(ctx, s.From)
		if err != nil {
			errs = append(errs, fmt.Errorf("loading secret %s from %s: %w", s.Name, s.From, err))
			continue
		}
		values[s.Name] = strings.TrimRight(value, "\r\n")
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return values, nil
}

func load(ctx context.Context, from string) (string, error) {
	scheme, rest, ok := strings.Cut(from, ":")
	if !ok || rest == "" {
		return "", errors.New("a source is env:NAME, file:PATH or cmd:COMMAND")
	}
	switch scheme {
	case "env":
		if value, ok := os.LookupEnv(rest); ok {
			return value, nil
		}
		return "", errors.New("the environment variable is not set")
	case "file":
		return loadFile(rest)
	case "cmd":
		return loadCommand(ctx, rest)
	}
	return "", errors.New("a source is env:NAME, file:PATH or cmd:COMMAND")
}

func loadFile(path string) (string, error) {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		path = filepath.Join(home, rest)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", reason(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxLength+1))
	if err != nil {
		return "", reason(err)
	}
	if len(data) > maxLength {
		return "", fmt.Errorf("it is longer than %d KiB", maxLength>>10)
	}
	return string(data), nil
}

// reason is the error without the path, which the message has already.
func reason(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// loadCommand runs a command. What it prints on stderr is not shown: a program
// that fails may print what it was given.
func loadCommand(ctx context.Context, command string) (string, error) {
	c := exec.CommandContext(ctx, "sh", "-c", command)
	c.WaitDelay = time.Second
	out := &limited{}
	c.Stdout = out
	err := c.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case errors.As(err, &exit):
		return "", fmt.Errorf("the command ended with %s", exit.ProcessState)
	case err != nil:
		return "", err
	case out.over:
		return "", fmt.Errorf("the command printed more than %d KiB", maxLength>>10)
	}
	return out.buf.String(), nil
}

// limited keeps as much as a secret can have.
type limited struct {
	buf  bytes.Buffer
	over bool
}

// Write implements io.Writer and never fails.
func (l *limited) Write(p []byte) (int, error) {
	if room := maxLength - l.buf.Len(); len(p) > room {
		l.over = true
		l.buf.Write(p[:room])
	} else {
		l.buf.Write(p)
	}
	return len(p), nil
}
