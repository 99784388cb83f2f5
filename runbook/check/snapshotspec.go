package check

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"stet/executors/netstate"
)

// networkFacts are the kinds that an empty snapshot block records.
func networkFacts() []string {
	return []string{"links", "addresses", "routes", "rules", "neighbours", "fdb"}
}

// namedFacts are the kinds that a snapshot records where it names them: reading
// some of them needs root.
func namedFacts() []string {
	return []string{"qdiscs", "classes", "filters", "resolvers", "namespaces", "mpls_routes", "xfrm_states", "xfrm_policies", "mptcp_endpoints", "mptcp_limits"}
}

// snapshotSpec is a parsed body of a snapshot block.
type snapshotSpec struct {
	facts    []string
	query    netstate.Query
	commands []Recorded
}

func (s *snapshotSpec) add(name string) {
	for _, f := range s.facts {
		if f == name {
			return
		}
	}
	s.facts = append(s.facts, name)
	for _, f := range factTable() {
		if f.name == name {
			s.query = merge(s.query, f.query)
		}
	}
}

// CheckSnapshot finds the faults of a snapshot block's body.
func CheckSnapshot(spec string) []Problem {
	_, problems := parseSnapshot(spec)
	return problems
}

// parseSnapshot reads one fact a line; # starts a comment line.
func parseSnapshot(body string) (snapshotSpec, []Problem) {
	var s snapshotSpec
	var problems []Problem
	names := map[string]bool{}
	for i, line := range strings.Split(body, "\n") {
		text := strings.TrimSpace(line)
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		column := 1 + utf8.RuneCountInString(strings.TrimSuffix(line, strings.TrimLeftFunc(line, unicode.IsSpace)))
		bad := func(skip, length int, summary, detail string) {
			c := column + utf8.RuneCountInString(text[:skip])
			problems = append(problems, Problem{Line: i + 1, Column: c, EndColumn: c + utf8.RuneCountInString(text[skip:skip+length]), Summary: summary, Detail: detail, Code: "snapshot"})
		}
		if name, command, ok := runLine(text); ok {
			switch {
			case command == "":
				bad(0, len(text), "run needs a command", "Write the command after run, as in `run ip -s link`.")
			case names[name]:
				bad(0, len(text), "two outputs are named "+name, "Give one of them a name of its own, as in `counters: run ip -s link`.")
			default:
				names[name] = true
				s.add("output")
				s.commands = append(s.commands, Recorded{Name: name, Command: command})
			}
			continue
		}
		words := strings.Fields(text)
		word := words[0]
		if word == "neighbors" {
			word = "neighbours"
		}
		switch {
		case word == "sysctl":
			if len(words) == 1 {
				bad(0, len(text), "sysctl needs a key", "Write the kernel parameters after it, as in `sysctl net.ipv4.ip_forward`.")
			}
			for _, word := range words[1:] {
				key := strings.ReplaceAll(word, "/", ".")
				if p := sysctlProblem(key); p != "" {
					bad(0, len(text), "sysctl key "+key+" "+p, "Write it as sysctl(8) does: net.ipv4.ip_forward.")
					continue
				}
				s.add("sysctl")
				s.query.Sysctls = append(s.query.Sysctls, key)
			}
		case !contains(networkFacts(), word) && !contains(namedFacts(), word):
			known := append(append(networkFacts(), namedFacts()...), "neighbors", "sysctl", "run")
			bad(0, len(words[0]), "there is no fact "+words[0]+didYouMean(words[0], known),
				"One fact a line: "+strings.Join(append(networkFacts(), namedFacts()...), ", ")+", `sysctl KEY`, `run COMMAND` or `NAME: run COMMAND`.")
		case len(words) > 1:
			rest := strings.Index(text[len(words[0]):], words[1]) + len(words[0])
			bad(rest, len(text)-rest, "nothing may follow "+words[0], "Write one fact a line.")
		default:
			s.add(word)
		}
	}
	if len(s.facts) == 0 && len(problems) == 0 {
		for _, f := range networkFacts() {
			s.add(f)
		}
	}
	return s, problems
}

// runLine reads "run COMMAND" and "NAME: run COMMAND".
func runLine(text string) (name, command string, ok bool) {
	if word, rest, found := strings.Cut(text, ":"); found && isName(word) {
		if after := strings.TrimSpace(rest); after == "run" || strings.HasPrefix(after, "run ") || strings.HasPrefix(after, "run\t") {
			return word, strings.TrimSpace(after[3:]), true
		}
	}
	if text == "run" || strings.HasPrefix(text, "run ") || strings.HasPrefix(text, "run\t") {
		command = strings.TrimSpace(text[3:])
		return command, command, true
	}
	return "", "", false
}

// isName reports whether s is a plain name: letters, digits, - and _.
func isName(s string) bool {
	for _, r := range s {
		if r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return s != ""
}

func contains(list []string, word string) bool {
	for _, w := range list {
		if w == word {
			return true
		}
	}
	return false
}
