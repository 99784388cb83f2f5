package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stet/executors"
)

// sample writes a chain of n records and returns its folder and bytes.
func sample(t testing.TB, n int) (dir string, raw []byte) {
	t.Helper()
	j, err := Create(t.TempDir(), "doc.md", NewRun(time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := j.Append(Note, map[string]any{"text": strings.Repeat("x\n\"<&>", i), "n": i}); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err = os.ReadFile(filepath.Join(j.Dir(), File))
	if err != nil {
		t.Fatal(err)
	}
	return j.Dir(), raw
}

func TestAppendReplay(t *testing.T) {
	dir, _ := sample(t, 5)
	log, err := Replay(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(log.Records) != 5 || log.Torn != 0 || log.Ended() {
		t.Fatalf("records %d, torn %d, ended %t", len(log.Records), log.Torn, log.Ended())
	}
	for i, r := range log.Records {
		if r.Seq != int64(i+1) || r.Kind != Note || r.Time.IsZero() {
			t.Errorf("record %d: %+v", i, r)
		}
		if i > 0 && r.Prev != log.Records[i-1].Hash {
			t.Errorf("record %d does not follow", i)
		}
	}
	n, head, err := Verify(dir)
	if err != nil || n != 5 || head != log.Records[4].Hash {
		t.Errorf("verify: %d %s %v", n, head, err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v %v", info.Mode(), err)
	}
	if info, err := os.Stat(filepath.Join(dir, File)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("file: %v %v", info.Mode(), err)
	}
}

// Truncation at any byte is either a shorter chain, or a torn record that is
// counted; the records before it are all there.
func TestTruncatedAnywhere(t *testing.T) {
	_, raw := sample(t, 4)
	for n := range len(raw) {
		log, err := read(bytes.NewReader(raw[:n]), "j")
		if err != nil {
			t.Fatalf("at %d: %v", n, err)
		}
		whole := bytes.Count(raw[:n], []byte{'\n'})
		last := bytes.LastIndexByte(raw[:n], '\n') + 1
		if len(log.Records) != whole || log.Torn != int64(n-last) || log.size != int64(last) {
			t.Fatalf("at %d: %d records, torn %d, size %d; want %d, %d, %d", n, len(log.Records), log.Torn, log.size, whole, n-last, last)
		}
	}
}

// A changed byte anywhere is noticed: the chain is broken, at the right line,
// or its last record is torn.
func TestFlippedAnywhere(t *testing.T) {
	_, raw := sample(t, 4)
	for i := range raw {
		for _, flip := range []byte{1, 0x80, raw[i]} {
			bad := bytes.Clone(raw)
			bad[i] ^= flip
			log, err := read(bytes.NewReader(bad), "j")
			line := int64(bytes.Count(raw[:i], []byte{'\n'})) + 1
			var broken *BrokenError
			switch {
			case errors.As(err, &broken):
				if broken.Line != line {
					t.Fatalf("byte %d (line %d) flipped: reported in line %d", i, line, broken.Line)
				}
			case err != nil:
				t.Fatal(err)
			case log.Torn == 0 || len(log.Records) != 3:
				t.Fatalf("byte %d flipped by %#x: not noticed (%d records)", i, flip, len(log.Records))
			}
		}
	}
}

// A record taken out, put twice, or moved breaks the chain.
func TestReordered(t *testing.T) {
	_, raw := sample(t, 4)
	lines := bytes.SplitAfter(bytes.TrimSuffix(raw, []byte("\n")), []byte("\n"))
	lines[3] = append(bytes.Clone(lines[3]), '\n')
	for name, order := range map[string][]int{
		"removed": {0, 2, 3}, "first removed": {1, 2, 3}, "doubled": {0, 1, 1, 2, 3}, "swapped": {0, 2, 1, 3},
	} {
		var b []byte
		for _, i := range order {
			b = append(b, lines[i]...)
		}
		var broken *BrokenError
		if _, err := read(bytes.NewReader(b), "j"); !errors.As(err, &broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOpenCutsTornRecord(t *testing.T) {
	dir, raw := sample(t, 3)
	path := filepath.Join(dir, File)
	if err := os.WriteFile(path, raw[:len(raw)-7], 0o600); err != nil {
		t.Fatal(err)
	}
	j, log, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if log.Torn == 0 || len(log.Records) != 2 {
		t.Fatalf("torn %d, records %d", log.Torn, len(log.Records))
	}
	if err := j.Append(End, map[string]string{"status": "ok"}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if log, err = Replay(dir); err != nil || len(log.Records) != 3 || !log.Ended() {
		t.Fatalf("after appending: %v %+v", err, log)
	}
}

func TestOpenRefusesBroken(t *testing.T) {
	dir, raw := sample(t, 3)
	raw[20] ^= 1
	if err := os.WriteFile(filepath.Join(dir, File), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	var broken *BrokenError
	if _, _, err := Open(dir); !errors.As(err, &broken) || broken.Line != 1 || broken.Offset != 0 {
		t.Fatalf("%v", err)
	}
}

// What a failed write left is removed, so that the chain stays whole and a
// later record can follow.
func TestFailedWriteLeavesTheChainWhole(t *testing.T) {
	dir, raw := sample(t, 2)
	j, _, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	whole := j.file
	broken, err := os.Open(filepath.Join(dir, File)) // read-only: writing fails
	if err != nil {
		t.Fatal(err)
	}
	defer broken.Close()
	j.file = broken
	if err := j.Append(Note, 1); err == nil {
		t.Fatal("a write to a read-only file succeeded")
	}
	j.file = whole
	if err := j.Append(Note, 2); err != nil {
		t.Fatal(err)
	}
	log, err := Replay(dir)
	if err != nil || len(log.Records) != 3 {
		t.Fatalf("%v", err)
	}
	if got := string(log.Records[2].Data); got != "2" || log.size <= int64(len(raw)) {
		t.Errorf("last record: %s", got)
	}
}

func TestDiskFull(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full here:", err)
	}
	j := &Journal{file: full, now: time.Now}
	if err := j.Append(Start, 1); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("error: %v", err)
	}
	if j.end.seq != 0 {
		t.Errorf("a record that was not written was counted")
	}
	if err := full.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestListAndFolder(t *testing.T) {
	state, docs := t.TempDir(), t.TempDir()
	doc := filepath.Join(docs, "Übergang am Kern.md")
	if err := os.WriteFile(doc, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(docs, "link.md")
	if err := os.Symlink(doc, link); err != nil {
		t.Fatal(err)
	}
	base := time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC)
	var want []string
	for i := range 3 {
		j, err := Create(state, doc, NewRun(base.Add(time.Duration(i)*time.Second)))
		if err != nil {
			t.Fatal(err)
		}
		want = append([]string{j.Dir()}, want...)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	got, err := List(state, link)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if all, err := ListAll(state); err != nil || len(all) != 3 {
		t.Errorf("all: %v %v", all, err)
	}
	if other, err := List(state, filepath.Join(docs, "other.md")); err != nil || other != nil {
		t.Errorf("other: %v %v", other, err)
	}
	if _, err := Create(filepath.Join(doc, "state"), doc, NewRun(base)); err == nil {
		t.Error("a folder below a file was made")
	}
}

func TestRunIdentifiers(t *testing.T) {
	at := time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC)
	seen := map[string]bool{}
	for i := range 1000 {
		id := NewRun(at.Add(time.Duration(i) * time.Millisecond))
		if !IsRun(id) || seen[id] {
			t.Fatalf("%q", id)
		}
		for other := range seen {
			if other[:10] >= id[:10] && other > id {
				t.Fatalf("%s sorts before %s", id, other)
			}
		}
		if len(seen) < 20 {
			seen[id] = true
		}
	}
	// The specification's own example: 1469922850259 ms is 01ARYZ6S41 with
	// 1469918176385 ms; here the timestamp's ten characters are compared.
	if got := NewRun(time.UnixMilli(1469918176385))[:10]; got != "01ARYZ6S41" {
		t.Errorf("timestamp: %s", got)
	}
	for _, bad := range []string{"", "01ARYZ6S41", "81ARYZ6S41TSV4RRFFQ69G5FAV", "01ARYZ6S41TSV4RRFFQ69G5FAI", "../../../../../../../../etc"} {
		if IsRun(bad) {
			t.Errorf("%q passes", bad)
		}
	}
}

func TestLock(t *testing.T) {
	state := t.TempDir()
	release, err := Lock(state, "/x/doc.md", executors.Lock{Run: "R1", Operator: "alice", Since: "2026-11-21T22:00:00Z"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Lock(state, "/x/doc.md", executors.Lock{Run: "R2", Operator: "bob"})
	var held *LockedError
	if !errors.As(err, &held) || held.Holder.Operator != "alice" || !strings.Contains(err.Error(), "alice") {
		t.Fatalf("second: %v", err)
	}
	other, err := Lock(state, "/x/other.md", executors.Lock{})
	if err != nil {
		t.Fatalf("another document: %v", err)
	}
	if err := errors.Join(release(), other()); err != nil {
		t.Fatal(err)
	}
	again, err := Lock(state, "/x/doc.md", executors.Lock{Operator: "bob"})
	if err != nil {
		t.Fatalf("after release: %v", err)
	}
	if err := again(); err != nil {
		t.Fatal(err)
	}
}

func FuzzReplay(f *testing.F) {
	_, raw := sample(f, 3)
	f.Add(raw)
	f.Add(raw[:len(raw)/2])
	f.Add([]byte("{}\n"))
	f.Add([]byte(`{"seq":1,"hash":"` + strings.Repeat("0", 64) + "\"}\n"))
	f.Add([]byte{0, 0, 0, '\n'})
	f.Fuzz(func(t *testing.T, b []byte) {
		log, err := read(bytes.NewReader(b), "j")
		if err != nil {
			var broken *BrokenError
			if !errors.As(err, &broken) || broken.Offset > int64(len(b)) {
				t.Fatalf("%v", err)
			}
			return
		}
		if log.size+log.Torn > int64(len(b)) {
			t.Fatalf("%d whole and %d torn of %d bytes", log.size, log.Torn, len(b))
		}
		again, err := read(bytes.NewReader(b[:log.size]), "j")
		if err != nil || again.Torn != 0 || len(again.Records) != len(log.Records) {
			t.Fatalf("the whole part alone: %v", err)
		}
	})
}

// Records of several goroutines are synced together, and each is in the chain
// when Append returns.
func TestAppendAtOnce(t *testing.T) {
	j, err := Create(t.TempDir(), "doc.md", NewRun(time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	const many, each = 20, 20
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			for n := range each {
				if err := j.Append(Note, map[string]int{"who": i, "n": n}); err != nil {
					t.Error(err)
				}
				log, err := Replay(j.Dir())
				if err != nil || len(log.Records) < n+1 {
					t.Errorf("after %d records: %v", n+1, err)
				}
			}
		})
	}
	all.Wait()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	log, err := Replay(j.Dir())
	if err != nil || len(log.Records) != many*each || log.Torn != 0 {
		t.Fatalf("%v", err)
	}
	next := map[int]int{}
	for _, r := range log.Records {
		var d struct{ Who, N int }
		if err := json.Unmarshal(r.Data, &d); err != nil || next[d.Who] != d.N {
			t.Fatalf("%s: %v", r.Data, err)
		}
		next[d.Who]++
	}
}

// unsynced is a journal with one record, whose disk takes what is written from now
// on and refuses to sync it, until it is mended.
func unsynced(t *testing.T) (j *Journal, mend func()) {
	t.Helper()
	j, err := Create(t.TempDir(), "doc.md", NewRun(time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Append(Note, 1); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe() // it takes bytes and cannot be synced
	if err != nil {
		t.Fatal(err)
	}
	take := func(f *os.File) (before *os.File) {
		j.mu.Lock()
		defer j.mu.Unlock()
		before, j.file = j.file, f
		return before
	}
	real := take(w)
	t.Cleanup(func() { _ = r.Close() })
	return j, func() {
		take(real)
		_ = w.Close()
	}
}

// A disk that refuses to sync takes out all that was not on it, whoever wrote
// it; what comes later follows what was.
func TestSyncFails(t *testing.T) {
	j, mend := unsynced(t)
	if err := j.Append(Note, 2); err == nil {
		t.Error("a pipe was synced")
	}
	if j.end != j.disk || j.end.seq != 1 || len(j.waiting) != 0 {
		t.Errorf("%+v %+v", j.end, j.disk)
	}
	mend()
	if err := j.Append(Note, 3); err != nil {
		t.Fatal(err)
	}
	log, err := Replay(j.Dir())
	if err != nil || len(log.Records) != 2 || string(log.Records[1].Data) != "3" {
		t.Errorf("%v %+v", err, log)
	}
}

// What Write has written is on disk after the next Append, by itself after a moment,
// and when the chain is closed.
func TestWrite(t *testing.T) {
	synced := func(j *Journal) int64 {
		j.mu.Lock()
		defer j.mu.Unlock()
		return j.disk.seq
	}
	j, err := Create(t.TempDir(), "doc.md", NewRun(time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if err := j.Write(Note, i); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Append(Note, 2); err != nil || synced(j) != 3 {
		t.Fatalf("%d, %v", synced(j), err)
	}
	if err := j.Write(Note, 3); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); synced(j) != 4; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("what was written is not synced")
		}
	}
	if err := j.Write(Note, 4); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil || synced(j) != 5 {
		t.Errorf("%d, %v", synced(j), err)
	}
	log, err := Replay(j.Dir())
	if err != nil || len(log.Records) != 5 || j.Lost() != nil {
		t.Errorf("%v %+v", err, log)
	}
}

// What the disk refuses of Write is told to the next that wants something written,
// once, and can be had to be written anew.
func TestWriteLost(t *testing.T) {
	j, mend := unsynced(t)
	lose := func(next func() error) {
		t.Helper()
		if err := j.Write(Outcome, 2); err != nil {
			t.Fatal(err)
		}
		if err := next(); err == nil {
			t.Error("nobody is told")
		}
		if lost := j.Lost(); len(lost) != 1 || lost[0] != (Unsynced{Outcome, 2}) {
			t.Errorf("lost: %+v", lost)
		}
		if j.Lost() != nil || j.told() != nil {
			t.Error("it is told twice")
		}
	}
	lose(func() error { return j.Append(Note, 3) })
	lose(func() error { j.Flush(); return j.Append(Note, 3) })
	lose(func() error { j.Flush(); return j.Write(Note, 3) })
	if j.end != j.disk || j.end.seq != 1 || len(j.waiting) != 0 {
		t.Errorf("%+v %+v", j.end, j.disk)
	}
	mend()
	if err := j.Append(Outcome, 2); err != nil {
		t.Fatal(err)
	}
	log, err := Replay(j.Dir())
	if err != nil || len(log.Records) != 2 || string(log.Records[1].Data) != "2" {
		t.Errorf("%v %+v", err, log)
	}
}

// A process can die between making the operation's folder and its chain. What
// had a chain and lost it is something else.
func TestReplayWithoutChain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "01JD0000000000000000000000")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	log, err := Replay(dir)
	if err != nil || len(log.Records) > 0 || log.Ended() {
		t.Errorf("an empty folder: %+v, %v", log, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "source.md"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if log, err := Replay(dir); err == nil {
		t.Errorf("a folder that lost its chain: %+v", log)
	}
	if _, err := Replay(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("no folder is no empty folder")
	}
}

// A line that carries the right hash of something that is no record is told.
func TestHashedGarbage(t *testing.T) {
	for name, line := range map[string]string{
		"no data":      `{"seq":1,"time":"2026-11-21T22:01:03Z","kind":"note","prev":""`,
		"data cut":     `{"seq":1,"time":"2026-11-21T22:01:03Z","kind":"note","prev":"","data":{"text":"a`,
		"data closed":  `{"seq":1,"time":"2026-11-21T22:01:03Z","kind":"note","prev":"","data":{}}`,
		"head garbled": `{"seq":1,"time":"2026-11-21T22:01:03Z","kind":,"prev":"","data":{}`,
	} {
		sum := sha256.Sum256([]byte(line))
		whole := line + hashKey + hex.EncodeToString(sum[:]) + "\"}\n"
		var broken *BrokenError
		if log, err := read(strings.NewReader(whole), "j"); !errors.As(err, &broken) || broken.Line != 1 {
			t.Errorf("%s: %+v, %v", name, log, err)
		}
	}
}

// What stands in a kind or in the data is not taken for the record's own keys.
func TestKeysInside(t *testing.T) {
	kind, data := Kind(`odd","data":1`), map[string]string{"text": `,"data":{},"hash":"`}
	line, hash, err := encode(1, time.Unix(0, 0), kind, "", data)
	if err != nil {
		t.Fatal(err)
	}
	log, err := read(bytes.NewReader(line), "j")
	if err != nil || log.Records[0].Kind != kind || log.Records[0].Hash != hash || !json.Valid(log.Records[0].Data) {
		t.Fatalf("%+v, %v", log, err)
	}
}

// A record in a file that was deleted is read by nobody.
func TestDeleted(t *testing.T) {
	dir, _ := sample(t, 2)
	j, _, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if err := os.Rename(filepath.Join(dir, File), filepath.Join(dir, "away")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := j.Append(Note, 1); err == nil || !strings.Contains(err.Error(), "somebody deleted or moved "+filepath.Join(dir, File)) {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, File), nil, 0o600); err != nil { // another one
			t.Fatal(err)
		}
	}
	if err := os.Rename(filepath.Join(dir, "away"), filepath.Join(dir, File)); err != nil {
		t.Fatal(err)
	}
	if err := j.Append(Note, 2); err != nil {
		t.Fatal(err)
	}
	if log, err := Replay(dir); err != nil || len(log.Records) != 3 {
		t.Fatalf("%v", err)
	}
}
