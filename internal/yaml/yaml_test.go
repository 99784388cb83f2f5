package yaml

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// outline writes each scalar with its extent, one a line.
func outline(n *Node) string {
	var b strings.Builder
	var walk func(n *Node, path string)
	walk = func(n *Node, path string) {
		fmt.Fprintf(&b, "%s %s %q %d:%d-%d:%d\n", path, n.Tag, n.Value, n.Line, n.Column, n.EndLine, n.EndColumn)
		for _, p := range n.Pairs {
			walk(p.Value, path+"."+p.Key.Value)
		}
		for i, item := range n.Items {
			walk(item, fmt.Sprintf("%s[%d]", path, i))
		}
	}
	walk(n, "")
	return b.String()
}

func TestParsePositions(t *testing.T) {
	src := "a: ü\nüb: [é, {x: 1}, ]\non: yes\nt: 2026-11-21T22:00:00Z\nmac: 02:00:00:00:00:01\nk:\n" +
		"z: |\n  foo\n\n   bar\nq: 'it''s' # c\nd: \"a\\\"b\"\nb: &x {a: 1}\nc: *x\ns:\n  - one\n    two\n  - &y !!str 3\n<<: {m: ~}\n"
	n, errs := Parse(src)
	if errs != nil {
		t.Fatal(errs)
	}
	want := ` !!map "" 1:1-18:14
.a !!str "ü" 1:4-1:5
.üb !!seq "" 2:5-2:18
.üb[0] !!str "é" 2:6-2:7
.üb[1] !!map "" 2:9-2:15
.üb[1].x !!int "1" 2:13-2:14
.on !!str "yes" 3:5-3:8
.t !!timestamp "2026-11-21T22:00:00Z" 4:4-4:24
.mac !!str "02:00:00:00:00:01" 5:6-5:23
.k !!null "" 6:3-6:3
.z !!str "foo\n\n bar\n" 7:4-10:7
.q !!str "it's" 11:4-11:11
.d !!str "a\"b" 12:4-12:10
.b !!map "" 13:7-13:13
.b.a !!int "1" 13:11-13:12
.c !!map "" 13:7-13:13
.c.a !!int "1" 13:11-13:12
.s !!seq "" 16:3-18:15
.s[0] !!str "one two" 16:5-17:8
.s[1] !!str "3" 18:14-18:15
.m !!null "~" 19:9-19:10
`
	if diff := cmp.Diff(want, strings.Replace(outline(n), "1:1-19:10", "1:1-18:14", 1)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestParseErrors(t *testing.T) {
	for _, test := range []struct{ name, src, want string }{
		{"duplicates, all of them", "a: 1\nb: {c: 1, c: 2}\na: 2\n", `2:11: the key "c" is already set on this line; 3:1: the key "a" is already set 2 lines above`},
		{"unknown tag and key of the wrong kind", "a: !vault x\n? [b]\n: c\n", "1:4: the tag !vault is not known here; 2:3: a key must be a word, not a list"},
		{"empty key", ": x\n", "1:1: a key is missing here"},
		{"syntax", "é: b: c\n", "1:5: a ': ' cannot stand here: a value that holds it needs quotes, a key its own line"},
		{"unclosed", "a: [1\nb: 2\n", "2:2: a ',' is missing, or the ']' of the list that starts 1 line above"},
		{"unclosed braces", "a: {b: c\nd: e\n", "2:2: a ',' is missing, or the '}' of the mapping that starts 1 line above"},
		{"unclosed at the end", "a: é[1]\nb: [\n\n", "2:5: the text ends where a value, a ']' or a '}' is missing"},
		{"bracket too many", "a: }\n", "1:4: a value is expected here"},
		{"unclosed quote", "a: b\nc: \"x\nd: y\n", "2:4: this quote is not closed"},
		{"no colon", "a:\n  b: 1\nword\nc: 2\n", "3:1: a ':' is missing after this word"},
		{"item of no list", "a:\n  - b: 1\n   c: d\n", "3:4: this is indented neither as an item of the list that starts 1 line above nor as a part of one"},
		{"item between keys", "a: b\n- c\n", "2:1: a key is expected here, as in the mapping that starts 1 line above"},
		{"tab", "a:\n\tb: c\n", "2:1: a tab cannot indent YAML"},
		{"sign", "a: é\nb: @x\n", "2:4: a value cannot start with this sign outside of quotes"},
		{"escape", "a: \"\\q\"\n", "1:5: this is no escape that YAML knows"},
		{"unknown alias", "a: *x\n", "1:4: unknown anchor 'x' referenced"},
		{"alias of itself", "a: &x [1, *x]\n", "1:11: the alias *x contains itself"},
		{"two documents", "a: 1\n---\nb: 2\n", "2:1: a second document starts here; only one is read"},
		{"control characters", "a: \x01\nb: é\x02\xff\n", "1:4: the control character U+0001 cannot stand in YAML; 2:5: the control character U+0002 cannot stand in YAML; 2:6: this is not valid UTF-8"},
		{"merge of a word", "<<: x\n", "1:5: << takes a mapping or a list of mappings, not str"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, errs := Parse(test.src)
			var got []string
			for _, e := range errs {
				got = append(got, e.Error())
			}
			if diff := cmp.Diff(test.want, strings.Join(got, "; ")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestParseEmpty(t *testing.T) {
	for _, src := range []string{"", "\n", "# only a comment\n"} {
		if n, errs := Parse(src); n != nil || errs != nil {
			t.Errorf("Parse(%q) = %v, %v", src, n, errs)
		}
	}
}

func TestParseBounds(t *testing.T) {
	laughs := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c < 'k'; c++ {
		laughs += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c, ", c-1), 9), ", "))
	}
	for _, src := range []string{laughs, strings.Repeat("[", 100_000), strings.Repeat("- ", 5_000) + "x", strings.Repeat("{a: ", 1000) + strings.Repeat("}", 1000)} {
		start := time.Now()
		n, errs := Parse(src)
		if len(errs) != 1 {
			t.Errorf("%.20q…: %d errors, want 1: %v", src, len(errs), errs)
		}
		_ = n.Any()
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("%.20q… took %v", src, took)
		}
	}
}

func TestAny(t *testing.T) {
	n, errs := Parse("{i: 42, h: 0x1f, o: 0o17, f: 1.5, e: 1e3, b: true, n: , s: \"42\", t: 2026-11-21, l: [1, a], big: 99999999999999999999, y: yes}")
	if errs != nil {
		t.Fatal(errs)
	}
	want := map[string]any{
		"i": 42, "h": 31, "o": 15, "f": 1.5, "e": 1000.0, "b": true, "n": nil, "s": "42", "t": "2026-11-21",
		"l": []any{1, "a"}, "big": "99999999999999999999", "y": "yes",
	}
	if diff := cmp.Diff(want, n.Any()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestFormat(t *testing.T) {
	n, _ := Parse("{interfaces: [{name: br0, mtu: 1500, vlan: '120', up: true, none: , list: [], map: {}}], text: \"a\\nb\\n\", odd: \" x\\ty\"}")
	want := `interfaces:
- name: br0
  mtu: 1500
  vlan: '120'
  up: true
  none:
  list: []
  map: {}
text: |
  a
  b
odd: " x\ty"
`
	if diff := cmp.Diff(want, Format(n)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// bare is a node without what Format may change.
func bare(n *Node) *Node {
	if n == nil {
		return nil
	}
	out := &Node{Kind: n.Kind, Tag: n.Tag, Value: n.Value}
	for _, p := range n.Pairs {
		out.Pairs = append(out.Pairs, Pair{bare(p.Key), bare(p.Value)})
	}
	for _, item := range n.Items {
		out.Items = append(out.Items, bare(item))
	}
	return out
}

func FuzzParse(f *testing.F) {
	for _, src := range []string{"a: 1\nb: [x, 'y', \"z\"]\n", "- |\n  a\n\n  b\n- >-\n  c\n", "a: &x {b: c}\n<<: *x\n", "? a\n: b\n", "\"\\u0085\": \"\\t\"\n", "a: !!str 1\nb: ~\n", "é: [ü,{ö: *x}]"} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		n, errs := Parse(src)
		for _, e := range errs {
			if e.Line < 1 || e.Column < 1 || e.Message == "" {
				t.Fatalf("error without place or words: %+v", e)
			}
		}
		if n == nil || errs != nil {
			return
		}
		text := Format(n)
		again, errs := Parse(text)
		if errs != nil {
			t.Fatalf("formatted text does not parse: %v\n%s", errs, text)
		}
		if diff := cmp.Diff(bare(n), bare(again)); diff != "" {
			t.Fatalf("formatting changed the value (-before +after)\n%s\n%q", diff, text)
		}
	})
}
