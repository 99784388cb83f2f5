package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"stet/internal/yaml"
	"stet/runbook"
	"stet/runbook/apply"
)

// answers reads a file of answers to manual steps: YAML, by the step's name or
// its text, either a word or {answer, note, by}.
//
//	manual-1: done
//	Look at the LEDs: {answer: done, note: all green, by: Ada}
func answers(path string) (map[string]apply.Answer, error) {
	if path == "" {
		return nil, nil
	}
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, usage(fmt.Errorf("reading answers: %w", err), "")
	}
	root, faults := yaml.Parse(string(src))
	if len(faults) > 0 {
		f := faults[0]
		return nil, usage(fmt.Errorf("%s:%d:%d: %s", path, f.Line, f.Column, f.Message), "write one answer a line: step: done")
	}
	given := map[string]apply.Answer{}
	if root == nil {
		return given, nil
	}
	if root.Kind != yaml.Mapping {
		return nil, answerFault(path, root, "answers are a mapping by step's name")
	}
	for _, pair := range root.Pairs {
		answer, err := answerOf(path, pair.Value)
		if err != nil {
			return nil, err
		}
		given[pair.Key.Value] = answer
	}
	return given, nil
}

func answerFault(path string, n *yaml.Node, text string) error {
	return usage(fmt.Errorf("%s:%d:%d: %s", path, n.Line, n.Column, text), "write step: done, or step: {answer: done, note: …, by: …}")
}

func answerOf(path string, n *yaml.Node) (apply.Answer, error) {
	var a apply.Answer
	switch n.Kind {
	case yaml.Scalar:
		a.Choice = n.Value
	case yaml.Mapping:
		for _, pair := range n.Pairs {
			if pair.Value.Kind != yaml.Scalar {
				return a, answerFault(path, pair.Value, "it is one word or one line")
			}
			switch pair.Key.Value {
			case "answer":
				a.Choice = pair.Value.Value
			case "note":
				a.Note = pair.Value.Value
			case "by":
				a.By = pair.Value.Value
			default:
				return a, answerFault(path, pair.Key, "an answer has no "+pair.Key.Value)
			}
		}
	default:
		return a, answerFault(path, n, "an answer is a word or a mapping")
	}
	if !slices.Contains([]string{"done", "skip", "fail"}, a.Choice) {
		return a, answerFault(path, n, fmt.Sprintf("%q is neither done, skip nor fail", a.Choice))
	}
	return a, nil
}

// byName gives the answers the names of the steps that they are for. One that
// is for no step is a mistake: the step that it was meant for has none.
func byName(d *runbook.Document, given map[string]apply.Answer) (map[string]apply.Answer, error) {
	named := make(map[string]apply.Answer, len(given))
	for key, answer := range given {
		i := slices.IndexFunc(d.Blocks, func(b runbook.Block) bool {
			return b.Kind == runbook.Manual && (b.Name == key || strings.TrimSpace(b.Body) == key)
		})
		if i < 0 {
			return nil, usage(fmt.Errorf("reading answers: %s has no manual step %q", d.Path, key), "name a step as stet plan shows it, or by its text")
		}
		named[d.Blocks[i].Name] = answer
	}
	return named, nil
}
