package ssh

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"
	"testing/fstest"
)

func zipped(t *testing.T, data string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(data)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Agents inside a release are sent as they lie there, and known by their names.
func TestPacked(t *testing.T) {
	sum := digest([]byte("agent"))
	other := digest([]byte("another"))
	folder := fstest.MapFS{
		"stet-agent-linux-amd64-" + sum + ".gz":   {Data: zipped(t, "agent")},
		"stet-agent-linux-arm64-" + other + ".gz": {Data: zipped(t, "damaged")},
		"stet-agent-linux-arm-" + sum + ".gz":     {Data: []byte("no gzip")},
		"stet-agent-linux-386.gz":                 {Data: zipped(t, "agent")},
		"README":                                  {Data: []byte("x")},
	}
	programs, err := Packed(folder)
	if err != nil || len(programs) != 3 {
		t.Fatalf("%v %v", programs, err)
	}
	for _, p := range programs {
		if err := p.load(); err != nil {
			t.Errorf("%s: %v", p.Platform, err)
		}
		plain, err := p.plain()
		packed, perr := p.pack()
		switch p.Platform.Arch {
		case "amd64":
			if err != nil || perr != nil || string(plain) != "agent" || p.hash != sum || !bytes.Equal(packed, zipped(t, "agent")) {
				t.Errorf("%q %v %v", plain, err, perr)
			}
		case "arm64":
			if err == nil || perr == nil || !strings.Contains(err.Error(), "is not what it was") {
				t.Errorf("a damaged agent: %v %v", err, perr)
			}
		default:
			if err == nil || perr == nil || !strings.Contains(err.Error(), "unpacking the agent for linux/arm") {
				t.Errorf("no gzip: %v %v", err, perr)
			}
		}
	}
	if none, err := Packed(fstest.MapFS{}); err != nil || none != nil {
		t.Errorf("%v %v", none, err)
	}
}
