package main

import (
	"os"
	"testing"
)

func TestNmstatePageIsFresh(t *testing.T) {
	want, err := nmstatePage()
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile("../../../../docs/reference/nmstate.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want {
		t.Error("docs/reference/nmstate.md differs from what the decoder says: run go generate ./executors/netstate/...")
	}
}

// TestNmstateKeys gives each key of nmstate to the decoder: it is taken, or
// refused because it is not supported, with one reason. A key that is not known,
// or a value that is not understood, would be an oversight. The schema agrees.
func TestNmstateKeys(t *testing.T) {
	keys, err := parseNmstate(nmstateKeys)
	if err != nil {
		t.Fatal(err)
	}
	s := compiled(t)
	for i := range keys {
		k := &keys[i]
		t.Run(k.path+"="+k.value, func(t *testing.T) {
			problems := k.problems()
			for _, p := range problems {
				if p.Code != "unsupported" || p.Detail == "" {
					t.Errorf("%s: %s %s", p.Code, p.Summary, p.Detail)
				}
			}
			switch err := s.Validate(values(t, k.block)); {
			case len(problems) == 0 && err != nil:
				t.Errorf("the schema refuses it: %v", err)
			case len(problems) > 1:
				t.Errorf("%d reasons: %+v", len(problems), problems)
			case len(problems) > 0 && k.note != "":
				t.Errorf("it is refused, and nmstate.txt says that it is taken: %s", k.note)
			}
		})
	}
}
