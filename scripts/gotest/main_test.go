package main

import (
	"strings"
	"testing"
)

func TestSummary(t *testing.T) {
	const events = `{"Action":"output","Package":"stet/a","Test":"TestOK","Output":"=== RUN   TestOK\n"}
{"Action":"pass","Package":"stet/a","Test":"TestOK"}
{"Action":"output","Package":"stet/a","Test":"TestSkip","Output":"    a_test.go:7: needs root: run as root\n"}
{"Action":"output","Package":"stet/a","Test":"TestSkip","Output":"--- SKIP: TestSkip (0.00s)\n"}
{"Action":"skip","Package":"stet/a","Test":"TestSkip"}
{"Action":"output","Package":"stet/a","Test":"TestBad","Output":"    a_test.go:9: got 1, want 2\n"}
{"Action":"fail","Package":"stet/a","Test":"TestBad"}
{"Action":"attr","Package":"stet/a","Test":"TestOK","Key":"kind","Value":"veth: created 1"}
{"Action":"output","Package":"stet/a","Output":"PASS\n"}
{"Action":"output","Package":"stet/a","Output":"FAIL\tstet/a\t0.1s\n"}
{"Action":"fail","Package":"stet/a"}
{"Action":"output","Package":"stet/b","Test":"TestCut","Output":"=== RUN   TestCut\n"}
{"Action":"output","Package":"stet/b","Test":"TestCut","Output":"vmrun: the machine ended without a status\n"}
{"Action":"output","Package":"stet/b","Output":"FAIL\tstet/b\t0.1s\n"}
{"Action":"fail","Package":"stet/b"}
not json
`
	var out strings.Builder
	s := newSummary(&out)
	if err := s.read(strings.NewReader(events)); err != nil {
		t.Fatal(err)
	}
	s.print()
	const want = `    a_test.go:9: got 1, want 2
FAIL	stet/a	0.1s
FAIL	stet/b	0.1s
stet/b TestCut has not ended:
=== RUN   TestCut
vmrun: the machine ended without a status
not json
kind veth: created 1
skipped 1: needs root: run as root
    a TestSkip
1 passed, 2 failed, 1 skipped
`
	if out.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", out.String(), want)
	}
}
