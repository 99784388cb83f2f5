package netstate

import (
	"slices"
	"strings"
)

// ParseResolvConf reads resolv.conf(5): its servers, the domains of its last
// search or domain line, and the options of all of its lines. What it does not
// know it passes over, as the resolver does.
func ParseResolvConf(content []byte) (servers, search, options []string) {
	for line := range strings.Lines(string(content)) {
		word, rest := resolvLine(line)
		switch word {
		case "nameserver":
			if s, err := ParseServer(rest[0]); err == nil {
				rest[0] = s.String() // as netconfig has it
			}
			servers = append(servers, rest[0])
		case "domain":
			search = rest[:1]
		case "search":
			search = rest
		case "options":
			options = append(options, rest...)
		}
	}
	return servers, search, options
}

// resolvLine is the keyword of a line and what follows it, "" for a line that
// says nothing.
func resolvLine(line string) (word string, rest []string) {
	f := strings.Fields(line)
	if len(f) < 2 || !strings.HasPrefix(line, f[0]) {
		return "", nil // a keyword begins its line
	}
	return f[0], f[1:]
}

// resolvConf is the text of a file with other settings: lines of what differs
// are replaced in the place of the first of them, all other lines stay,
// comments among them.
func resolvConf(content []byte, before, after *DNS) []byte {
	lines := map[string][]string{}
	if !slices.Equal(before.Servers, after.Servers) {
		lines["nameserver"] = prefixed("nameserver ", after.Servers)
	}
	if !slices.Equal(before.Search, after.Search) {
		lines["search"] = oneLineOf("search ", after.Search)
	}
	if !slices.Equal(before.Options, after.Options) {
		lines["options"] = oneLineOf("options ", after.Options)
	}
	var b strings.Builder
	done := map[string]bool{}
	put := func(word string) {
		if !done[word] {
			done[word] = true
			for _, l := range lines[word] {
				b.WriteString(l + "\n")
			}
		}
	}
	for line := range strings.Lines(string(content)) {
		word, _ := resolvLine(line)
		if word == "domain" {
			word = "search"
		}
		if _, differs := lines[word]; differs {
			put(word)
			continue
		}
		b.WriteString(line)
		if !strings.HasSuffix(line, "\n") {
			b.WriteByte('\n')
		}
	}
	for _, word := range []string{"search", "nameserver", "options"} {
		put(word)
	}
	return []byte(b.String())
}

func prefixed(prefix string, list []string) []string {
	out := make([]string, 0, len(list))
	for _, v := range list {
		out = append(out, prefix+v)
	}
	return out
}

func oneLineOf(prefix string, list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return []string{prefix + strings.Join(list, " ")}
}
