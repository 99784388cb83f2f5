// Package journal keeps what an operation did and is about to do: one folder an
// operation, in it journal.jsonl, an append-only chain of records, each synced
// to disk before the next thing happens and each carrying the hash of the one
// before it. What is written there is the source of truth for resume, rollback,
// status and audit; the document is only a copy.
//
// The package knows records, not their meaning: package apply writes and reads
// the data in them.
package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"
)

// File is the name of the chain in an operation's folder.
const File = "journal.jsonl"

// Kind says what a record is about.
type Kind string

// The kinds of records, in the order in which an operation writes them.
const (
	Start       Kind = "start"        // document, source hash, plan, operator
	Locked      Kind = "lock"         // a target's lock was taken
	Opened      Kind = "open"         // a target is about to be opened
	Intent      Kind = "intent"       // a step is about to act on a target
	Guarded     Kind = "guard"        // what a guard said: armed, reverted, …
	Outcome     Kind = "outcome"      // a step ended on a target
	Fact        Kind = "fact"         // a snapshot or a register was recorded
	Confirming  Kind = "confirming"   // a group's checks held; it is about to be confirmed
	Confirm     Kind = "confirm"      // a group was confirmed
	LeftOut     Kind = "left-out"     // a target failed, and the operation goes on without it
	Failing     Kind = "failing"      // a group failed; what is undone because of it
	UndoIntent  Kind = "undo-intent"  // a step is about to be undone on a target
	UndoOutcome Kind = "undo-outcome" // it has been, or could not be
	Note        Kind = "note"         // something the reader must know
	Resume      Kind = "resume"       // another process took the operation up
	End         Kind = "end"          // the operation ended
)

// Record is one line of the chain.
type Record struct {
	Seq  int64           `json:"seq"` // from 1
	Time time.Time       `json:"time"`
	Kind Kind            `json:"kind"`
	Prev string          `json:"prev"` // Hash of the record before; "" for the first
	Data json.RawMessage `json:"data"`
	// Hash is the SHA-256, in hexadecimal, of the record's line up to the
	// comma before "hash".
	Hash string `json:"hash"`
}

// Journal is a chain open for appending. Its methods may be called from
// several goroutines.
type Journal struct {
	dir  string
	mu   sync.Mutex
	file *os.File
	made os.FileInfo // what the name of the file must lead to
	end  place       // of what is written
	disk place       // of what is synced
	now  func() time.Time

	synced  *sync.Cond // a sync has ended
	syncing bool
	waiting []*waiter

	soon bool       // what Write has written is about to be synced
	lost []Unsynced // of Write, that the disk refused
	why  error      // it did, when nobody has been told
}

// opened is a journal whose chain ends at a place that is on disk.
func opened(dir string, f *os.File, end place) *Journal {
	j := &Journal{dir: dir, file: f, end: end, disk: end, now: time.Now}
	if made, err := f.Stat(); err == nil { // one that cannot be told from another is not looked for
		j.made = made
	}
	j.synced = sync.NewCond(&j.mu)
	return j
}

// place is a position in the chain: after a record.
type place struct {
	seq  int64
	prev string
	size int64
}

// waiter is a record that is written and not yet known to be on disk.
type waiter struct {
	seq   int64
	over  bool
	err   error
	alone *Unsynced // of a record that nobody waits for
}

// Create makes the folder of a new operation under stateDir and opens its
// chain. Folders are made with mode 0700, files with 0600. An error here comes
// before anything was changed anywhere.
func Create(stateDir, document, run string) (*Journal, error) {
	parent, err := Folder(stateDir, document)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(parent, run)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the journal's folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, File), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("making the journal: %w", err)
	}
	for _, d := range []string{dir, parent, filepath.Dir(parent)} {
		if err := syncDir(d); err != nil {
			return nil, errors.Join(fmt.Errorf("making the journal: %w", err), f.Close())
		}
	}
	return opened(dir, f, place{}), nil
}

// Open replays the chain in dir and opens it for appending. A torn last record
// is cut off, which Log.Torn tells. A broken chain is refused with a
// *BrokenError: nothing is appended to what cannot be trusted.
func Open(dir string) (*Journal, *Log, error) {
	log, err := Replay(dir)
	if err != nil {
		return nil, nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, File), os.O_WRONLY, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("opening the journal: %w", err)
	}
	end := place{size: log.size}
	if n := len(log.Records); n > 0 {
		end.seq, end.prev = log.Records[n-1].Seq, log.Records[n-1].Hash
	}
	j := opened(dir, f, end)
	if log.Torn > 0 {
		err = f.Truncate(log.size)
	}
	if err == nil {
		_, err = f.Seek(log.size, 0)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("opening the journal: %w", err), f.Close())
	}
	return j, log, nil
}

// Dir is the operation's folder.
func (j *Journal) Dir() string { return j.dir }

// Append writes one record and syncs it to disk. When it returns an error the
// record is not in the chain, and what it announces must not be done. Records
// that several goroutines write meanwhile are synced together.
func (j *Journal) Append(kind Kind, data any) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.told(); err != nil {
		return fmt.Errorf("writing the journal (%s): %w", kind, err)
	}
	w, err := j.write(kind, data)
	if err != nil {
		return err
	}
	for !w.over {
		if j.syncing {
			j.synced.Wait()
		} else {
			j.sync()
		}
	}
	if w.err != nil {
		j.why = nil // for what was written before, too
		return fmt.Errorf("writing the journal (%s): %w", kind, w.err)
	}
	crashpoint("after", w.seq, func() {})
	return nil
}

// write puts a record at the chain's end; j.mu is held.
func (j *Journal) write(kind Kind, data any) (*waiter, error) {
	if err := j.there(); err != nil {
		return nil, fmt.Errorf("writing the journal (%s): %w", kind, err)
	}
	seq := j.end.seq + 1
	line, hash, err := encode(seq, j.now(), kind, j.end.prev, data)
	if err != nil {
		return nil, fmt.Errorf("encoding a journal record (%s): %w", kind, err)
	}
	crashpoint("before", seq, func() {})
	crashpoint("torn", seq, func() { _, _ = j.file.Write(line[:len(line)/2]) })
	if _, err = j.file.Write(line); err != nil {
		return nil, errors.Join(fmt.Errorf("writing the journal (%s): %w", kind, err), j.cut())
	}
	j.end = place{seq, hash, j.end.size + int64(len(line))}
	w := &waiter{seq: seq}
	j.waiting = append(j.waiting, w)
	return w, nil
}

// sync brings to disk what is written so far, with j.mu held but while the disk
// works. When it refuses, all that was not on it before is taken out of the
// chain: nothing of that may be relied on.
func (j *Journal) sync() {
	j.syncing = true
	upTo := j.end
	j.mu.Unlock()
	err := j.file.Sync()
	j.mu.Lock()
	j.syncing = false
	if err != nil {
		j.end, upTo = j.disk, j.end
		err = errors.Join(err, j.cut())
	} else {
		j.disk = upTo
	}
	left := j.waiting[:0]
	for _, w := range j.waiting {
		if w.seq > upTo.seq {
			left = append(left, w)
			continue
		}
		w.over, w.err = true, err
		if err != nil && w.alone != nil {
			j.lost, j.why = append(j.lost, *w.alone), err
		}
	}
	j.waiting = left
	j.synced.Broadcast()
}

// there makes sure that the file is the one that its name leads to: a record in one
// that was deleted, or moved away, is read by nobody.
func (j *Journal) there() error {
	if j.made == nil {
		return nil
	}
	path := filepath.Join(j.dir, File)
	named, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(j.made, named) {
		return fmt.Errorf("somebody deleted or moved %s while the operation ran", path)
	}
	return err
}

// cut removes what a failed write left, so that a later record can follow.
func (j *Journal) cut() error {
	if err := j.file.Truncate(j.end.size); err != nil {
		return err
	}
	_, err := j.file.Seek(j.end.size, 0)
	return err
}

// Attach makes a file in the operation's folder, for a command's whole output.
func (j *Journal) Attach(name string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(j.dir, name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("making a file in the journal's folder: %w", err)
	}
	return f, nil
}

// Keep writes a whole file into the operation's folder and syncs it.
func (j *Journal) Keep(name string, content []byte) error {
	f, err := j.Attach(name)
	if err != nil {
		return err
	}
	if _, err = f.Write(content); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("keeping %s in the journal's folder: %w", name, err)
	}
	return syncDir(j.dir)
}

// Close closes the chain. It writes no record.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.flush()
	return errors.Join(j.told(), j.file.Close())
}

// encode makes a record's line. The hash covers the very bytes of the line, so
// that no second encoder has to agree with this one to verify it.
func encode(seq int64, at time.Time, kind Kind, prev string, data any) (line []byte, hash string, err error) {
	var b bytes.Buffer
	k, err := json.Marshal(kind)
	if err != nil {
		return nil, "", err
	}
	b.WriteString(`{"seq":` + strconv.FormatInt(seq, 10))
	b.WriteString(`,"time":"` + at.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano))
	b.WriteString(`","kind":` + string(k) + `,"prev":"` + prev + `","data":`)
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(data); err != nil {
		return nil, "", err
	}
	b.Truncate(b.Len() - 1) // the encoder's line end
	sum := sha256.Sum256(b.Bytes())
	hash = hex.EncodeToString(sum[:])
	b.WriteString(hashKey + hash + "\"}\n")
	return b.Bytes(), hash, nil
}

// syncDir makes a new name in dir last. Windows has no such call and needs none.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
