package markdown

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stet/runbook"
)

// faults writes the diagnostics of a document, one a line, with the text that
// each one's span covers.
func faults(d *runbook.Document) string {
	var b strings.Builder
	for _, x := range d.Diagnostics {
		text := string(d.Source[x.Span.Start:x.Span.End])
		if first, _, more := strings.Cut(text, "\n"); more {
			text = first + "…"
		}
		fmt.Fprintf(&b, "%d:%d %s %s: %s <%s>\n", x.Start.Line, x.Start.Column, x.Severity, x.Code, x.Summary, text)
		if x.Detail == "" || !strings.HasSuffix(strings.TrimRight(x.Detail, `"`), ".") && !strings.HasSuffix(x.Detail, "?") {
			fmt.Fprintf(&b, "  without a remedy: %q\n", x.Detail)
		}
	}
	return b.String()
}

func TestDiagnosticsOfFrontMatter(t *testing.T) {
	src := `---
title: [no, text]
tikcet: CHG-1
window: {start: 2026-11-21T22:00, end: 2026-11-21T21:00:00Z, zone: UTC}
targets:
  here: local
  ü: lokal
  bad: ftp://x
  ns: netns://a/b
  box: {address: sandbox, create: true, becom: sudo, become: sudo}
  r1: {keep: yes}
  empty: []
  edge: [r1, nowhere, core]
  core: [edge, heer]
  pw: ssh://ops:secret@r1
defaults: {on: [here, nobody], timeout: 60, confirm: soon, on-failure: rolback, interpreter: [sh]}
vars: {1a: x, ok: 1}
secrets: {pw: hunter2, ok: "env:X"}
params:
  n: {type: number, min: 5, max: 3}
  e: {type: enum}
  p: {pattern: "("}
---
`
	want := `2:8 error type: title must be text, not a list <[no, text]>
3:1 error unknown-key: the key "tikcet" is not known in the front matter <tikcet>
4:17 error bad-time: "2026-11-21T22:00" is not a time with its zone <2026-11-21T22:00>
4:62 error unknown-key: the key "zone" is not known in window <zone>
7:6 error bad-address: the address "lokal" has no scheme <lokal>
8:8 error bad-address: the address "ftp://x" has an unknown scheme <ftp://x>
9:7 error bad-address: the address "netns://a/b" does not name a namespace <netns://a/b>
10:35 error bad-value: only a network namespace can be created <true>
10:41 error unknown-key: the key "becom" is not known in targets.box <becom>
10:62 error bad-value: a sandbox needs no other rights <sudo>
11:7 error bad-address: the target r1 has no address <{keep: yes}>
11:14 error type: keep must be true or false <yes>
12:10 error empty-group: the group empty is empty <[]>
13:14 error unknown-target: there is no target "nowhere" <nowhere>
14:10 error group-cycle: the group edge contains itself <edge>
14:16 error unknown-target: there is no target "heer" <heer>
15:7 error bad-address: the address "ssh://ops:secret@r1" cannot be used: it holds a password <ssh://ops:secret@r1>
16:23 error unknown-target: there is no target "nobody" <nobody>
16:41 error bad-duration: timeout: "60" has no unit <60>
16:54 error bad-duration: confirm: "soon" is not a duration <soon>
16:72 error bad-value: "rolback" is no policy <rolback>
16:94 error type: here are keys and values expected in defaults.interpreter, not a list <[sh]>
17:8 error bad-name: "1a" cannot be the name of a variable <1a>
18:15 error bad-secret: a secret does not stand in the document <hunter2>
18:24 error duplicate-name: ok is a variable, too <ok>
20:13 error bad-value: "number" is no type of parameter <number>
20:34 error bad-value: max is below min <3>
21:6 error bad-value: the choices of e are missing <{type: enum}>
22:16 error bad-value: the pattern is not a regular expression: error parsing regexp: missing closing ): ` + "`(`" + ` <"(">
`
	d := Parse("x.md", []byte(src))
	if diff := cmp.Diff(want, faults(d)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestDiagnosticsOfFrontMatterAsAWhole(t *testing.T) {
	for _, test := range []struct{ name, src, want string }{
		{"all faults of YAML", "\uFEFF---\r\ntitle: é\r\ntitle: b\r\nvars: {a: 1, a: 2}\r\n---\r\n", `3:1 error yaml: the front matter is not good YAML: the key "title" is already set 1 line above <t>
4:14 error yaml: the front matter is not good YAML: the key "a" is already set on this line <a>
`},
		{"syntax", "---\ntitle: é: b\n---\n", "2:9 error yaml: the front matter is not good YAML: a ': ' cannot stand here: a value that holds it needs quotes, a key its own line <:>\n"},
		{"not a mapping", "---\njust text\n---\n", "2:1 error type: here are keys and values expected in the front matter, not a scalar <just text>\n"},
		{"no end", "---\ntitle: x\n\n# Head\n", "1:1 error front-matter: the front matter has no end <--->\n"},
		{"a rule is none", "---\n\ntext\n", ""},
		{"empty", "---\n---\n", ""},
		{"ended by dots", "---\ntitle: x\n...\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, faults(Parse("x.md", []byte(test.src)))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestDiagnosticsOfBlocks(t *testing.T) {
	head := "---\ntargets: {here: local, there: 'netns://x', both: [here, there]}\ndefaults: {on: here}\n---\n"
	for _, test := range []struct{ name, src, want string }{
		{"unknown attribute", "```netconfig { nmae=x }\n```\n", "5:16 error unknown-attribute: the attribute \"nmae\" is not known <nmae>\n"},
		{"attribute of another kind", "- > ~~~check { confirm=3s }\n  > ~~~\n", "5:16 error attribute: confirm has no meaning on a check block <confirm>\n"},
		{"unknown targets", "```check { on=here,ther,  x=1 }\n```\n", "5:20 error unknown-target: there is no target \"ther\" <ther>\n5:25 error unknown-target: there is no target \"\" <>\n5:27 error unknown-attribute: the attribute \"x\" is not known <x>\n"},
		{"bad values", "```sh { run timeout=60 expect-exit=256 register=1x confirm=maybe on-failure=\"give up\" env=A cwd= name=a/b }\n```\n",
			"5:21 error bad-duration: timeout=60 has no unit <60>\n5:36 error bad-value: \"256\" is no exit code <256>\n5:49 error bad-name: \"1x\" cannot be the name of a register <1x>\n" +
				"5:60 error bad-duration: confirm=maybe is not a duration <maybe>\n5:78 error bad-value: \"give up\" is no policy <give up>\n5:91 error bad-value: \"A\" is no NAME=value <A>\n5:97 error bad-value: cwd is empty <>\n5:103 error bad-name: the name \"a/b\" holds '/' <a/b>\n"},
		{"given twice", "```check { timeout=3s timeout=4s }\n```\n", "5:23 error duplicate-attribute: timeout is given twice; it already stands on line 5 <timeout=4s>\n"},
		{"no value", "```check { timeout }\n```\n", "5:12 error bad-value: timeout has no value <timeout>\n"},
		{"unclosed quote and brace", "```check { name=\"x }\n```\n\n```check { name=y\n```\n", "5:17 error attributes: the quote of this value is not closed <\"x >\n5:18 error bad-name: the name \"x \" holds ' ' <x >\n8:10 error attributes: the braces of the attributes are not closed <{ name=y>\n"},
		{"no braces", "```netconfig name=x\n```\n", "5:14 error attributes: attributes stand in braces <name=x>\n"},
		{"broken JSON", "```check {\"name\": \"x\", \"on\" \"here\"}\n```\n", "5:29 error attributes: these attributes are not JSON: expected colon after object key <\">\n"},
		{"JSON of another type", "```check {\"name\": {\"a\": 1}}\n```\n", "5:11 error attributes: name must be a word, a number, true or a list of them <\"name\": {\"a\": 1}>\n"},
		{"same name", "```check { name=a }\n```\n\n- [ ] call { name=a }\n\n> ```sh {#a .run}\n> ```\n", "8:19 error duplicate-name: the name \"a\" is already used on line 5 <a>\n10:11 error duplicate-name: the name \"a\" is already used on line 5 <a>\n"},
		{"rollback", "```rollback\n```\n\n```check { name=c }\n```\n\n```rollback { for=c }\n```\n\n```rollback { for=nothing }\n```\n",
			"5:1 error unknown-block: there is no change before this rollback <```rollback>\n11:19 error unknown-block: c is a check block, which changes nothing <c>\n14:19 error unknown-block: there is no block \"nothing\" <nothing>\n"},
		{"unclosed", "> ```check\n> true\n\ntext\n", "5:1 error unclosed-fence: this block has no closing fence <> ```check>\n"},
		{"swallowed by a step", "- ```sh { run }\n  true\n\n  ```check\n  true\n  ```\n", "8:3 error swallowed-block: a block starts inside the block of line 5 <```check>\n"},
		{"swallowed by prose", "~~~text\n\n   ~~~~ {.netconfig #x}\n~~~\n\n```\n```sh {\"run\": true}\n```\n",
			"7:4 warning swallowed-block: this block is not run: it stands inside the fence of line 5 <~~~~ {.netconfig #x}>\n11:1 warning swallowed-block: this block is not run: it stands inside the fence of line 10 <```sh {\"run\": true}>\n"},
		{"meant as text", "````text\n```check\n```\n````\n\n~~~sh { run }\n```check\n~~~\n\n```sh { run }\n    ```check\n```\n\n```text\n```sh\n```\n", ""},
		{"run without language", "``` { run }\n```\n", "5:1 error no-language: this block does not say what runs it <``` { run }>\n"},
		{"prose", "```sh\nrm -rf /\n```\n\n```go {linenos=true}\n```\n\n```sh title=\"x\n```\n\n```yaml\nnetconfig: x\n```\n", ""},
		{"meant as a step", "```rolback { for=x }\n```\n\n- ```Check\n  ```\n\n```run { name=x }\n```\n\n```sh run\n```\n\n```sh { rum }\n```\n\n```sh { run=yes }\n```\n\n```bash {on=here}\n```\n\n```{netconfig}\n```\n\n```{.sh}\n```\n",
			"5:4 warning mistaken-fence: this block is prose, and is not run <rolback { for=x }>\n8:6 warning mistaken-fence: this block is prose, and is not run <Check>\n" +
				"11:4 warning mistaken-fence: this block is prose, and is not run <run { name=x }>\n14:4 warning mistaken-fence: this block is prose, and is not run <sh run>\n" +
				"17:4 warning mistaken-fence: this block is prose, and is not run <sh { rum }>\n20:4 warning mistaken-fence: this block is prose, and is not run <sh { run=yes }>\n" +
				"23:4 warning mistaken-fence: this block is prose, and is not run <bash {on=here}>\n26:4 warning mistaken-fence: this block is prose, and is not run <{netconfig}>\n"},
		{"meant as a step, and no fence", "1. text\n\n       ```check\n       true\n       ```\n\n<details>\n```sh { run }\ntrue\n```\n</details>\n\n<!--\n```check\n```\n-->\n\n<pre>\n```check\n```\n</pre>\n\n    ```text\n",
			"7:8 warning mistaken-fence: this block is not run: it stands in a block that is indented by four blanks or more <```check>\n" +
				"12:1 warning mistaken-fence: this block is not run: it stands in HTML <```sh { run }>\n"},
		{"meant as a manual step", "- [] call\n- [ ]call\n- [ ]\n- [  ] call\n\n1. [X]done\n\n- [x](url)\n- [ ][ref]\n- [link] text\n- text [ ]\n",
			"5:3 warning mistaken-fence: this is no manual step: nobody is asked to do it <[] call>\n6:3 warning mistaken-fence: this is no manual step: nobody is asked to do it <[ ]call>\n" +
				"7:3 warning mistaken-fence: this is no manual step: nobody is asked to do it <[ ]>\n8:3 warning mistaken-fence: this is no manual step: nobody is asked to do it <[  ] call>\n" +
				"10:4 warning mistaken-fence: this is no manual step: nobody is asked to do it <[X]done>\n"},
		{"comment line", "<!-- check: nmae=x -->\n```check\n```\n\n<!-- check: name=y -->\n```netconfig\n```\n\n<!-- run: the rest by hand -->\n```sh\n```\n",
			"5:13 error unknown-attribute: the attribute \"nmae\" is not known <nmae>\n9:12 warning attributes: this comment is for another kind of block than the netconfig fence below it < name=y >\n"},
		{"comment line without its fence", "<!-- check: name=a within=3s -->\n\ntext\n\n```check\n```\n\n- <!-- run: name=b -->\n- ```sh { run }\n  ```\n\n<!-- check: name=c -->\n\n<!-- a remark -->\n\n```check\n```\n\n<!-- check: with=him, please -->\n\n<!-- netconfig: by hand -->\n\ntext\n\n<!-- rollback: name=d -->\n",
			"5:12 warning mistaken-fence: these attributes are of no block: no fence stands right below this comment < name=a within=3s >\n" +
				"12:12 warning mistaken-fence: these attributes are of no block: no fence stands right below this comment < name=b >\n" +
				"16:12 warning mistaken-fence: these attributes are of no block: no fence stands right below this comment < name=c >\n" +
				"29:15 warning mistaken-fence: these attributes are of no block: no fence stands right below this comment < name=d >\n"},
		{"not UTF-8", "text \xff\n\n```sh { run }\necho caf\xc3\xa9 caf\xe9\necho \xe9\n```\n\n> ```check { name=a\xe9 }\n> ```\n\n```text\n\xff\n```\n",
			"8:14 error not-utf8: the byte \\xe9 is not UTF-8 <\xe9>\n12:19 error bad-name: the name \"a�\" holds '�' <a\xe9>\n12:20 error not-utf8: the byte \\xe9 is not UTF-8 <\xe9>\n"},
		{"run on a kind", "```netconfig { run }\n```\n", "5:16 warning attribute: run has no effect on a netconfig block <run>\n"},
		{"regions", "<!-- /stet:result name=x -->\n\n<!-- stet:result name=y -->\n\ntext\n\n<!-- stet:result name=z -->\n<!-- /stet:result name=z -->\n",
			"5:1 warning stray-marker: this closes no region of stet <<!-- /stet:result name=x -->>\n7:1 warning unclosed-region: this region of stet has no end in the same list item or quote <<!-- stet:result name=y -->>\n11:1 warning orphan-region: this result has no block <<!-- stet:result name=z -->>\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, faults(Parse("x.md", []byte(head+test.src)))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestNoTarget(t *testing.T) {
	for _, test := range []struct{ head, want string }{
		{"", "error no-target: there is no target to run this on"},
		{"---\ntargets: {a: local, b: sandbox}\n---\n", "error no-target: this block does not say which target it is for"},
		{"---\ntargets: {a: local\n---\n", "error yaml"}, // and no word of what cannot be known
		{"---\ntargets: {a: local}\n---\n", ""},
		{"---\ntargets: {a: local, b: sandbox}\ndefaults: {on: b}\n---\n", ""},
	} {
		got := faults(Parse("x.md", []byte(test.head+"```check\ntrue\n```\n")))
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) || test.want == "error yaml" && strings.Contains(got, "target") {
			t.Errorf("%q: %s", test.head, got)
		}
	}
}
