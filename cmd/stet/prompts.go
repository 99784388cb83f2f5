package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"stet/cmd/stet/internal/view"
	"stet/executors/ssh"
)

// Ask implements ssh.Prompter: the questions of many hosts at once. Unknown
// host keys are listed and accepted together or one by one; a password that
// several hosts want of the same user is asked once.
func (p *person) Ask(ctx context.Context, questions []ssh.Question) ([]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	resume := p.c.view().Pause()
	defer resume()
	answers := make([]string, len(questions))
	for _, group := range together(questions) {
		var err error
		if questions[group[0]].Kind == ssh.HostKey {
			err = p.hostKeys(ctx, questions, group, answers)
		} else {
			err = p.answer(ctx, questions, group, answers)
		}
		if err != nil {
			return nil, err
		}
	}
	return answers, nil
}

// together groups the indices of questions that have one answer.
func together(questions []ssh.Question) [][]int {
	var groups [][]int
	for i, q := range questions {
		same := func(g []int) bool {
			o := questions[g[0]]
			shared := q.Kind == ssh.HostKey || q.Kind == ssh.Password || q.Kind == ssh.Become
			return shared && o.Kind == q.Kind && (q.Kind == ssh.HostKey || o.User == q.User && o.Attempt == q.Attempt)
		}
		if at := slices.IndexFunc(groups, same); at >= 0 {
			groups[at] = append(groups[at], i)
			continue
		}
		groups = append(groups, []int{i})
	}
	return groups
}

// hostKeys asks whether unknown keys are the right ones.
func (p *person) hostKeys(ctx context.Context, questions []ssh.Question, group []int, answers []string) error {
	slices.SortStableFunc(group, func(a, b int) int { return strings.Compare(questions[a].Host, questions[b].Host) })
	for _, i := range group {
		q := questions[i]
		p.c.msg().Print(q.Text + "\n")
		for _, k := range q.Known {
			p.c.msg().Print("  known_hosts has another one: " + k + "\n")
		}
	}
	if len(group) > 1 {
		choice, err := p.one(ctx, fmt.Sprintf("Are all %d keys the right ones? [yes/no/each] ", len(group)), "yes", "no", "each")
		if err != nil {
			return err
		}
		if choice != "each" {
			for _, i := range group {
				answers[i] = choice
			}
			return nil
		}
	}
	for _, i := range group {
		q := questions[i]
		answer, err := p.one(ctx, "Is "+q.Fingerprint+" the key of "+q.Host+"? [yes/no, or the fingerprint itself] ", "yes", "no", q.Fingerprint)
		if err != nil {
			return err
		}
		answers[i] = answer
	}
	return nil
}

// one asks until the answer is one of the choices, or begins only one of them. A
// fingerprint has to be there in full, since it is for comparing.
func (p *person) one(ctx context.Context, text string, choices ...string) (string, error) {
	for {
		p.c.msg().Print(text)
		line, err := p.line(ctx)
		if err != nil {
			return "", err
		}
		if slices.Contains(choices, line) {
			return line, nil
		}
		if choice, ok := pick(line, choices); ok && !strings.Contains(choice, ":") {
			return choice, nil
		}
		p.c.msg().Print("That is none of the answers. ")
	}
}

// answer asks for one answer to several questions.
func (p *person) answer(ctx context.Context, questions []ssh.Question, group []int, answers []string) error {
	q := questions[group[0]]
	text := q.Text
	if q.Attempt > 1 {
		text = "That was wrong. Once more, " + text
	}
	if len(group) > 1 {
		var hosts []string
		for _, i := range group {
			hosts = append(hosts, questions[i].Host)
		}
		what := "the password"
		if q.Kind == ssh.Become {
			what = "sudo's password"
		}
		text = what + " of " + q.User + " on " + strings.Join(hosts, ", ")
	}
	line, err := p.secretly(ctx, strings.TrimRight(text, ": ")+": ", q.Echo)
	if err != nil {
		return err
	}
	for _, i := range group {
		answers[i] = line
	}
	return nil
}

// secretly reads a line that is not shown while it is typed, unless echo.
func (p *person) secretly(ctx context.Context, text string, echo bool) (string, error) {
	p.c.msg().Print(text)
	if !echo {
		f, ok := p.c.stdin.(*os.File)
		if !ok {
			return "", errors.New("there is no terminal to ask on")
		}
		restore, err := view.Hide(f)
		if err != nil {
			return "", fmt.Errorf("hiding what is typed: %w", err)
		}
		defer func() {
			restore()
			p.c.msg().Print("\n")
		}()
	}
	return p.whole(ctx)
}
