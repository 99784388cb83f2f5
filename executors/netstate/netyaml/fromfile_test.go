package netyaml

import (
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stet/executors/netstate"
)

// tablesOf opens files that are given as text.
func tablesOf(files map[string]string) func(string) (io.ReadCloser, error) {
	return func(path string) (io.ReadCloser, error) {
		text, ok := files[path]
		if !ok {
			return nil, fmt.Errorf("opening %s: %w", path, fs.ErrNotExist)
		}
		return io.NopCloser(strings.NewReader(text)), nil
	}
}

const fromFile = `routes:
  config:
    - from-file: t
      next-hop-interface: eth0
`

func TestTables(t *testing.T) {
	for _, c := range []struct {
		name, table string
		want        []string
	}{
		{"list", "\ufeff# ours\n10.0.0.0/8\r\n\n 192.0.2.1\n192.0.2.9/24\n2001:db8::/32\n10.0.0.0/8\ndefault\n",
			[]string{"0.0.0.0/0 10.0.0.0/8 192.0.2.0/24 192.0.2.1/32 dev eth0", "2001:db8::/32 dev eth0"}},
		{"ip route", "default via 192.0.2.1 proto static \n10.0.0.0/8 via 192.0.2.1 proto static \nblackhole 10.9.0.0/16 proto static\n" +
			"192.0.2.0/24 proto kernel scope link src 192.0.2.7\n10.8.0.0/16 dev eth0 scope link metric 5 linkdown\n2001:db8::/32 via 2001:db8:1::1 metric 1024 pref medium\n",
			nil},
		{"csv", "destination, next-hop-address,metric\n10.0.0.0/8,192.0.2.1,\n10.1.0.0/16,192.0.2.1,\n10.2.0.0/16,192.0.2.2,7\n",
			[]string{"10.0.0.0/8 10.1.0.0/16 dev eth0 via 192.0.2.1", "10.2.0.0/16 dev eth0 via 192.0.2.2 metric 7"}},
		{"csv, destination last", "metric,destination\n5,10.0.0.0/8\n5,10.1.0.0/16\n", []string{"10.0.0.0/8 10.1.0.0/16 dev eth0 metric 5"}},
	} {
		config, problems := DecodeFiles(fromFile, tablesOf(map[string]string{"t": c.table}))
		if c.want == nil { // the blackhole contradicts next-hop-interface
			if len(problems) != 1 || !strings.Contains(problems[0].Summary, "blackhole") {
				t.Errorf("%s: %+v", c.name, problems)
			}
			continue
		}
		if len(problems) > 0 {
			t.Errorf("%s: %+v", c.name, problems)
		}
		var got []string
		for _, r := range config.Routes {
			line, _ := r.Prefixes.MarshalText()
			text := string(line)
			for _, h := range r.Route.NextHops {
				text += " dev " + h.Device
				if h.Via.IsValid() {
					text += " via " + h.Via.String()
				}
			}
			if r.Route.Metric != 0 {
				text += fmt.Sprintf(" metric %d", r.Route.Metric)
			}
			got = append(got, text)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
		if len(config.Files) != 1 || config.Files[0].Name != "t" || len(config.Files[0].SHA256) != 64 {
			t.Errorf("%s: files %+v", c.name, config.Files)
		}
	}
}

// TestTablesAgain reads a table again, or not, but never takes the one for the other.
func TestTablesAgain(t *testing.T) {
	files := map[string]string{"t": "10.0.0.0/8\n"}
	first, problems := DecodeFiles(fromFile, tablesOf(files))
	if len(problems) > 0 || len(first.Routes) != 1 {
		t.Fatalf("%+v, %+v", first, problems)
	}
	if again, _ := DecodeFiles(fromFile, tablesOf(files)); again != first {
		t.Error("a table that holds was read line by line again")
	}
	files["t"] = "10.0.0.0/9\n"
	changed, problems := DecodeFiles(fromFile, tablesOf(files))
	if len(problems) > 0 || len(changed.Routes) != 1 || changed.Routes[0].Prefixes.At(0).Bits() != 9 || changed.Files[0] == first.Files[0] {
		t.Errorf("a changed table gave %+v, %+v", changed, problems)
	}
	files["t"] = "10.0.0.0/99\n"
	if _, problems := DecodeFiles(fromFile, tablesOf(files)); len(problems) == 0 {
		t.Error("a table with a fault was taken for the one before")
	}
	if _, problems := DecodeFiles(fromFile, tablesOf(nil)); len(problems) == 0 {
		t.Error("a table that is gone was taken for the one before")
	}
	if language, _ := Decode(fromFile); len(language.Routes) > 0 {
		t.Errorf("without files there are the routes %+v", language.Routes)
	}
}

func TestTablesFaults(t *testing.T) {
	for table, want := range map[string]string{
		"10.0.0.0/8\n10.0.0/24\n":                        "t:2: \"10.0.0/24\" is no network such as 192.0.2.0/24",
		"10.0.0.0/33\n":                                  "t:1: \"10.0.0.0/33\" is no network such as 192.0.2.0/24",
		"010.0.0.0/8\n":                                  "t:1: \"010.0.0.0/8\" is no network such as 192.0.2.0/24",
		"10.0.0.0/+8\n":                                  "t:1: \"10.0.0.0/+8\" is no network such as 192.0.2.0/24",
		"\n10.0.0.0/8 via\n":                             "t:2: \"via\" is not understood",
		"10.0.0.0/8 over there\n":                        "t:1: \"over\" is not known",
		"10.0.0.0/8 dev eth1\n":                          "t:1: the line says eth1, and the entry in the block says something else for `next-hop-interface`",
		"10.0.0.0/8\n\tnexthop via 192.0.2.1 weight 1\n": "t:2: routes of several next hops cannot be read from a file",
		"destination,metric\n10.0.0.0/8\n":               "t:2: the line has other than the 2 columns that the first line names",
		"destinations\n":                                 "t:1: no column is named destination",
		"destination,colour\n10.0.0.0/8,red\n":           "t:2: \"colour\" is not known",
		strings.Repeat("x\n", 12):                        "t:1: \"x\" is no network such as 192.0.2.0/24",
		"10.0.0.0/8\n" + strings.Repeat("1", longestLine+5) + "\n": "t:2: the line is longer than 65536 bytes",
	} {
		_, problems := DecodeFiles(fromFile, tablesOf(map[string]string{"t": table}))
		if len(problems) == 0 || problems[0].Summary != want || problems[0].Pos != (netstate.Pos{Line: 3, Column: 18}) {
			t.Errorf("%.40q: got %+v, want %s", table, problems, want)
		}
		if len(problems) > faultsMost+1 {
			t.Errorf("%.40q: %d faults", table, len(problems))
		}
	}
	_, problems := DecodeFiles(strings.Replace(fromFile, "file: t", "file: none", 1), tablesOf(nil))
	if len(problems) != 1 || !strings.Contains(problems[0].Summary, "reading none: ") {
		t.Errorf("a file that is not there: %+v", problems)
	}
	if c, problems := Decode(fromFile); len(problems) > 0 || len(c.Routes) > 0 {
		t.Errorf("without files: %+v, %+v", c.Routes, problems)
	}
}

// FuzzTable reads anything as a table: no panic, and what is read is networks.
func FuzzTable(f *testing.F) {
	for _, seed := range []string{"10.0.0.0/8\n", "default via 192.0.2.1\n", "destination,metric\n::/0,5\n", "blackhole 1.2.3.4", "1.2.3.4/", "/8", "."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, table string) {
		config, _ := DecodeFiles(fromFile, tablesOf(map[string]string{"t": table}))
		for _, r := range config.Routes {
			for p := range r.Prefixes.All() {
				if p != p.Masked() || !p.IsValid() {
					t.Errorf("%q gave %v", table, p)
				}
			}
		}
	})
}

// TestNetwork4 compares the quick reader with the standard library's.
func TestNetwork4(t *testing.T) {
	for _, text := range []string{"0.0.0.0/0", "255.255.255.255/32", "10.1.2.3/8", "1.2.3.4", "1.2.3/24", "1.2.3.4.5", "1..2.3", "1.2.3.4/", "1.2.3.4/032", "256.1.1.1", "", "1.2.3.4/-1", "01.2.3.4", "1.2.3.4/8/8"} {
		address, bits, ok := network4([]byte(text))
		want, err := parsePrefix(text)
		if ok != (err == nil) {
			if ok || err == nil && want.Addr().Is4() {
				t.Errorf("%q: %v, the library says %v", text, ok, err)
			}
			continue
		}
		if ok {
			var l netstate.PrefixList
			l.Add4(address, bits)
			four, _ := l.Sets()
			if four.At(0) != want {
				t.Errorf("%q: %v, want %v", text, four.At(0), want)
			}
		}
	}
}
