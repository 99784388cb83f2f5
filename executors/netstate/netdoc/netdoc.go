// Package netdoc is what people read of the language of netconfig: the meaning
// of each kind of interface and of each key, and an example of each kind. It is
// apart from the tables of package netstate because the agent, which is sent to
// hosts, has those and does not need this.
//
// Each kind has a file: its meaning, a list of its keys, and an example. Entries
// of lists have keys below that of the list ("wireguard.peers.endpoint"). Braces
// give one text to several keys, as in a shell: "{gre,ipip}.ttl". Behind a key
// that nmstate does not have stands ᵉ, where no table says it.
package netdoc

import (
	"embed"
	"path"
	"strings"
	"sync"
)

//go:embed *.md
var files embed.FS

// Topic is what there is to say of a kind, or of another part of the language.
type Topic struct {
	// Text is what it is, in Markdown.
	Text string
	// Keys has the meaning of each key, by its path, with its mark.
	Keys map[string]string
	// Order are the keys in their order.
	Order []string
	// Example is a complete netconfig block; "" where there is none.
	Example string
}

// Key is the meaning of a key of an interface ("vxlan.id", "mtu"), of an entry of
// one of its lists ("wireguard.peers.endpoint"), or of another part of the
// language ("routes.destination"); "" if there is none.
func Key(key string) string { return all().keys[key] }

// IsExtension tells that nmstate does not have a key that is no attribute of the
// tables; those say it themselves.
func IsExtension(key string) bool { return all().extensions[key] }

// Of is what there is to say of a kind ("vxlan"), or of another part of the
// language ("routes"). Its keys may be among those that are shared.
func Of(name string) Topic { return all().topics[name] }

// Keys are all keys, with their meaning. The result is shared: do not change it.
func Keys() map[string]string { return all().keys }

type index struct {
	topics map[string]Topic
	keys   map[string]string
	// extensions are keys that nmstate does not have.
	extensions map[string]bool
}

var all = sync.OnceValue(func() index {
	in := index{topics: map[string]Topic{}, keys: map[string]string{}, extensions: map[string]bool{}}
	entries, _ := files.ReadDir(".") // what is embedded can be read
	for _, e := range entries {
		text, _ := files.ReadFile(e.Name())
		t := parse(string(text))
		in.topics[strings.TrimSuffix(e.Name(), path.Ext(e.Name()))] = t
		for key, meaning := range t.Keys {
			name, extension := strings.CutSuffix(key, mark)
			in.keys[name], in.extensions[name] = meaning, extension
		}
	}
	return in
})

// mark is behind the key of what nmstate does not have.
const mark = " ᵉ"

// parse reads a file.
func parse(text string) Topic {
	t := Topic{Keys: map[string]string{}}
	before, rest, fenced := strings.Cut(text, "\n```yaml\n")
	if fenced {
		t.Example, _, _ = strings.Cut(rest, "```\n")
	}
	var words []string
	for line := range strings.SplitSeq(before, "\n") {
		item, isKey := strings.CutPrefix(line, "- ")
		key, meaning, ok := strings.Cut(item, ": ")
		switch {
		case isKey && ok:
			for _, k := range expand(key) {
				t.Keys[k] = meaning
				t.Order = append(t.Order, strings.TrimSuffix(k, mark))
			}
		case !strings.HasPrefix(line, "# "):
			words = append(words, line)
		}
	}
	t.Text = strings.TrimSpace(strings.Join(words, "\n"))
	return t
}

// expand is a key with braces as the keys that it stands for.
func expand(key string) []string {
	before, rest, ok := strings.Cut(key, "{")
	inside, after, closed := strings.Cut(rest, "}")
	if !ok || !closed {
		return []string{key}
	}
	var keys []string
	for name := range strings.SplitSeq(inside, ",") {
		keys = append(keys, expand(before+name+after)...)
	}
	return keys
}
