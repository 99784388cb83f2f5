package executors

import (
	"strings"
	"testing"
)

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]Address{
		"r1": {Host: "r1"}, "ops@r1": {User: "ops", Host: "r1"}, "ops@r1:2222": {User: "ops", Host: "r1", Port: 2222}, "192.0.2.1:22": {Host: "192.0.2.1", Port: 22},
		"[2001:db8::1]:2222": {Host: "2001:db8::1", Port: 2222}, "[2001:db8::1]": {Host: "2001:db8::1"}, "2001:db8::1": {Host: "2001:db8::1"}, "r1/": {Host: "r1"},
		"a@b@r1": {User: "a@b", Host: "r1"}, "a%40b%25@r1": {User: "a@b%", Host: "r1"}, "fe80::1%eth0": {Host: "fe80::1%eth0"}, "bücher.example": {Host: "bücher.example"},
	} {
		got, err := ParseAddress(text)
		if err != nil || got != want {
			t.Errorf("ParseAddress(%q) = %+v, %v", text, got, err)
		}
		if again, err := ParseAddress(got.String()); err != nil || again != got {
			t.Errorf("ParseAddress(%q) = %+v, %v", got, again, err)
		}
	}
	for _, text := range []string{"", "@r1", "ops@", "r1:0", "r1:70000", "r1:x", "-oProxyCommand=x", "ops@-x", "-x@r1", "r 1", "r1;reboot", "$(x)", "u:secret@r1", "r1\n", "[:]:", "r1:22:33", "r1/x", "r1?x", "r1#x", "r\u202e1", "o\u2066ps@r1", "r\u200b1", "r\u00851", "r\xff", "a%zz@r1", "a%0ab@r1", "%2doProxyCommand@r1"} {
		if got, err := ParseAddress(text); err == nil {
			t.Errorf("ParseAddress(%q) = %+v", text, got)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{"ops@r1:22", "[::1]:1", "a@b@c:1", "[x", "::", "u:p@h", "]:[", ":1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseAddress(text)
		if err != nil {
			return
		}
		again, err := ParseAddress(a.String())
		if err != nil || again != a {
			t.Errorf("%q is %+v, written %q, read %+v, %v", text, a, a.String(), again, err)
		}
	})
}
