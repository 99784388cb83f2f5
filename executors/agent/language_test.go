package agent

import (
	"io"
	"os"
	"strings"
	"testing"

	"stet/executors/local"
)

// TestOwnLanguage: the C that sudo was given is not for the commands of an agent.
func TestOwnLanguage(t *testing.T) {
	for was, want := range map[string]string{local.NoLanguage: "LC_ALL unset", "de_DE.UTF-8": "LC_ALL=de_DE.UTF-8"} {
		t.Setenv("LC_ALL", "C")
		t.Setenv(local.LanguageVar, was)
		if code := Main(t.Context(), []string{"help"}, strings.NewReader(""), io.Discard, io.Discard); code != 0 {
			t.Fatal(code)
		}
		got := "LC_ALL unset"
		if v, ok := os.LookupEnv("LC_ALL"); ok {
			got = "LC_ALL=" + v
		}
		if v, ok := os.LookupEnv(local.LanguageVar); got != want || ok {
			t.Errorf("%s: %s, and %s=%q is left (%v)", was, got, local.LanguageVar, v, ok)
		}
	}
}
