package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"stet/internal/yaml"
	"stet/templates"
)

// netconfigFence is a netconfig block of a document.
var netconfigFence = regexp.MustCompile("(?ms)^```netconfig[^\n]*\n(.*?)^```")

// unquoted is a parameter that stands where it is no YAML before it is filled in.
var unquoted = regexp.MustCompile(`(: )(\$\{\w+\})([,}\n])`)

// TestSchemaTakesEveryBlock checks the netconfig blocks of the guide, of the
// examples and of the templates with the schema that is published.
func TestSchemaTakesEveryBlock(t *testing.T) {
	s, err := jsonschema.NewCompiler().Compile("reference/netconfig.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	check := func(name, document string) {
		for _, fence := range netconfigFence.FindAllStringSubmatch(document, -1) {
			count++
			n, errs := yaml.Parse(fence[1])
			if len(errs) > 0 {
				t.Errorf("%s: %+v\n%s", name, errs, fence[1])
				continue
			}
			if err := s.Validate(n.Any()); err != nil {
				t.Errorf("%s: %v\n%s", name, err, fence[1])
			}
		}
	}
	for _, name := range templates.Names() {
		tpl, _ := templates.Named(name)
		values, missing, err := tpl.Complete(nil)
		if err != nil || len(missing) > 0 {
			t.Fatalf("%s: %v %v", name, missing, err)
		}
		check("template "+name, string(tpl.Fill(values)))
	}
	for _, pattern := range []string{"guide/*.md", "../examples/*/*.md", "../README.md", "formats/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			check(file, unquoted.ReplaceAllString(string(src), `$1"$2"$3`))
		}
	}
	if count < 30 {
		t.Errorf("only %d blocks were found", count)
	}
	t.Logf("%d blocks", count)
}
