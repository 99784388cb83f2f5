package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"stet/runbook/apply"
)

// person is the operator at the terminal. One goroutine reads lines for the
// life of the process, so that a question can be given up without losing what
// is typed next.
type person struct {
	c     *cli
	start sync.Once
	lines chan string
	mu    sync.Mutex // one question at a time
}

// line waits for a line, and takes the blanks off its ends.
func (p *person) line(ctx context.Context) (string, error) {
	line, err := p.whole(ctx)
	return strings.TrimSpace(line), err
}

// whole waits for a line, as it is.
func (p *person) whole(ctx context.Context) (string, error) {
	p.start.Do(func() {
		p.lines = make(chan string)
		go func() {
			defer close(p.lines)
			in := bufio.NewScanner(p.c.stdin)
			for in.Scan() {
				p.lines <- in.Text()
			}
		}()
	})
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case line, ok := <-p.lines:
		if !ok {
			return "", io.EOF
		}
		return line, nil
	}
}

// ask is an apply.Asker: it repeats the question until one of its choices, or
// an unmistakable beginning of one, is answered. Words after it are the note.
func (p *person) ask(ctx context.Context, q apply.Question) (apply.Answer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	resume := p.c.view().Pause()
	defer resume()
	text := q.Text
	if q.Step != "" {
		text = q.Step + ": " + text
	}
	if !q.Deadline.IsZero() {
		text += fmt.Sprintf(" (goes back by itself at %s)", q.Deadline.Local().Format(time.TimeOnly))
	}
	for {
		p.c.msg().Print(text + " [" + strings.Join(q.Choices, "/") + "] ")
		line, err := p.line(ctx)
		if err != nil {
			p.c.msg().Print("\n")
			return apply.Answer{}, fmt.Errorf("asking about %s: %w", q.Step, err)
		}
		word, note, _ := strings.Cut(line, " ")
		if choice, ok := pick(word, q.Choices); ok {
			return apply.Answer{Choice: choice, Note: strings.TrimSpace(note)}, nil
		}
	}
}

// pick finds the choice that word is, or begins, when it is the only one.
func pick(word string, choices []string) (string, bool) {
	word = strings.ToLower(word)
	found := ""
	for _, c := range choices {
		switch {
		case word == c:
			return c, true
		case word != "" && strings.HasPrefix(c, word):
			if found != "" {
				return "", false
			}
			found = c
		}
	}
	return found, found != ""
}

// agree asks a plain yes or no; no is what Enter means.
func (p *person) agree(ctx context.Context, question string) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	resume := p.c.view().Pause()
	defer resume()
	p.c.msg().Print(question + " [y/N] ")
	line, err := p.line(ctx)
	if errors.Is(err, io.EOF) {
		p.c.msg().Print("\n")
		return false, nil
	}
	if err != nil {
		return false, err
	}
	choice, _ := pick(line, []string{"yes", "no"})
	return choice == "yes", nil
}
