package templates

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stet/runbook"
	"stet/runbook/markdown"
	"stet/runbook/plan"
)

// Every template makes, with its defaults, a runbook that lint accepts, and
// reads as one itself.
func TestEmbedded(t *testing.T) {
	names := Names()
	if len(names) == 0 {
		t.Fatal("there are no templates")
	}
	for _, name := range names {
		template, ok := Named(name)
		if !ok {
			t.Fatalf("%s is listed and not there", name)
		}
		if template.Summary == "" {
			t.Errorf("%s has no summary", name)
		}
		values, missing, err := template.Complete(nil)
		if err != nil || len(missing) > 0 {
			t.Errorf("%s: %v, no value for %v", name, err, missing)
			continue
		}
		for what, text := range map[string][]byte{"made": template.Fill(values), "preview": template.Preview()} {
			d := markdown.Parse(name+".md", text)
			for _, diag := range plan.Lint(d) {
				t.Errorf("%s: %v", what, diag)
			}
			if len(d.Meta.Params) > 0 {
				t.Errorf("%s of %s still has parameters", what, name)
			}
		}
		for _, p := range template.Document.Meta.Params {
			if p.Doc == "" {
				t.Errorf("%s: parameter %s has no doc", name, p.Name)
			}
			if !strings.Contains(string(template.Document.Source), "${"+p.Name+"}") {
				t.Errorf("%s: parameter %s is used nowhere", name, p.Name)
			}
		}
	}
}

func TestPreviewKeepsLines(t *testing.T) {
	const src = "---\n# Summary\nparams:\n  a: {default: x}\n\n  b: int\ntitle: ${a}\n---\n${b} ${a}\n"
	template := Parse("t.md", []byte(src))
	const want = "---\n\n\n\n\n\ntitle: x\n---\nb x\n"
	if diff := cmp.Diff(want, string(template.Preview())); diff != "" {
		t.Error(diff)
	}
	const made = "---\ntitle: x\n---\n7 x\n"
	if diff := cmp.Diff(made, string(template.Fill(map[string]string{"a": "x", "b": "7"}))); diff != "" {
		t.Error(diff)
	}
}

func TestFill(t *testing.T) {
	values := map[string]string{"a": "1", "text": `x: "y" # z`}
	tests := []struct{ in, want string }{
		{"${a}", "1"},
		{"${a}${a} $${a} ${b} ${a + 1} ${", "11 $${a} ${b} ${a + 1} ${"},
		{"${x ${a}}", "${x 1}"},
		{"", ""},
	}
	for _, test := range tests {
		if got := fill(test.in, values); got != test.want {
			t.Errorf("fill(%q): got %q, want %q", test.in, got, test.want)
		}
	}
	entries := []struct{ in, want string }{
		{"title: ${text}\n", "title: \"x: \\\"y\\\" # z\"\n"},
		{"n: ${a}\r\n", "n: 1\r\n"},
		{"n: a ${a}\n", "n: a 1\n"},
	}
	for _, test := range entries {
		if got := fillEntry(test.in, values); got != test.want {
			t.Errorf("fillEntry(%q): got %q, want %q", test.in, got, test.want)
		}
	}
}

func TestValid(t *testing.T) {
	low, high := int64(1), int64(4094)
	tests := []struct {
		p     runbook.Param
		value string
		ok    bool
	}{
		{runbook.Param{Type: "string"}, "two words", true},
		{runbook.Param{Type: "string"}, "two\nlines", false},
		{runbook.Param{Type: "string", Pattern: "[a-z]+"}, "abc", true},
		{runbook.Param{Type: "string", Pattern: "[a-z]+"}, "abc1", false},
		{runbook.Param{Type: "int", Min: &low, Max: &high}, "4094", true},
		{runbook.Param{Type: "int", Min: &low, Max: &high}, "4095", false},
		{runbook.Param{Type: "int", Min: &low, Max: &high}, "0", false},
		{runbook.Param{Type: "int"}, "0x10", false},
		{runbook.Param{Type: "bool"}, "true", true},
		{runbook.Param{Type: "bool"}, "yes", false},
		{runbook.Param{Type: "duration"}, "90s", true},
		{runbook.Param{Type: "duration"}, "90", false},
		{runbook.Param{Type: "address"}, "2001:db8::1", true},
		{runbook.Param{Type: "address"}, "192.0.2.1/24", false},
		{runbook.Param{Type: "prefix"}, "192.0.2.1/24", true},
		{runbook.Param{Type: "prefix"}, "192.0.2.1", false},
		{runbook.Param{Type: "mac"}, "02:00:00:00:00:01", true},
		{runbook.Param{Type: "mac"}, "02:00", false},
		{runbook.Param{Type: "interface"}, "enp0s31f6", true},
		{runbook.Param{Type: "interface"}, "sixteencharacter", false},
		{runbook.Param{Type: "interface"}, "..", false},
		{runbook.Param{Type: "enum", Enum: []string{"a", "b"}}, "b", true},
		{runbook.Param{Type: "enum", Enum: []string{"a", "b"}}, "c", false},
		{runbook.Param{Type: "target"}, "netns://lab", true},
		{runbook.Param{Type: "target"}, "netns://", false},
		{runbook.Param{Type: "target"}, "http://lab", false},
	}
	for _, test := range tests {
		err := Valid(test.p, test.value)
		if (err == nil) != test.ok {
			t.Errorf("%s %q: %v", test.p.Type, test.value, err)
		}
	}
}

// Whatever a template says, filling it in neither fails nor touches what is no
// parameter.
func FuzzFill(f *testing.F) {
	f.Add("---\nparams: {a: {default: x}}\n---\n${a} $${a} ${b}\n", "1")
	f.Add("${a}", "${a}")
	f.Add("---\r\n# s\r\nparams:\r\n  a: int\r\n---\r\n", "\"")
	f.Fuzz(func(t *testing.T, src, value string) {
		template := Parse("t.md", []byte(src))
		out := template.Fill(map[string]string{"a": value})
		template.Preview()
		if len(template.Document.Meta.Params) == 0 && !strings.Contains(src, "${a}") && !strings.HasPrefix(src, "---") && string(out) != src {
			t.Errorf("%q became %q", src, out)
		}
	})
}
