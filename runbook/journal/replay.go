package journal

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// hashKey stands between what a record's hash covers and the hash.
const hashKey = `,"hash":"`

// dataKey stands between a record's head and its data.
const dataKey = `,"data":`

// Log is a chain as read back.
type Log struct {
	// Dir is the operation's folder.
	Dir     string
	Records []Record
	// Torn counts the bytes of a last record that was being written when the
	// process or the machine died: what it announced had not been done.
	Torn int64
	size int64 // of the whole records
}

// Ended reports whether the last record ends the operation.
func (l *Log) Ended() bool {
	n := len(l.Records)
	return n > 0 && l.Records[n-1].Kind == End
}

// BrokenError says where a chain does not hold together: a record was changed,
// removed, inserted or reordered, or the disk lost it.
type BrokenError struct {
	File   string
	Line   int64 // from 1
	Offset int64 // of the line's first byte
	Reason string
}

// Error implements error.
func (e *BrokenError) Error() string {
	return fmt.Sprintf("reading journal %s: line %d (byte %d): %s", e.File, e.Line, e.Offset, e.Reason)
}

// Replay reads the chain in dir and verifies it. A last line that was not
// written to its end is left out and counted in Log.Torn; anything else that
// does not hold together is a *BrokenError. An empty folder is an operation that
// died before it had a chain, and has no records.
func Replay(dir string) (*Log, error) {
	f, err := os.Open(filepath.Join(dir, File))
	if errors.Is(err, fs.ErrNotExist) {
		if entries, e := os.ReadDir(dir); e == nil && len(entries) == 0 {
			return &Log{Dir: dir}, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	defer f.Close()
	log, err := read(f, filepath.Join(dir, File))
	if err != nil {
		return nil, err
	}
	log.Dir = dir
	return log, nil
}

// Verify checks the chain in dir and returns the number of records and the
// last one's hash, which names everything before it.
func Verify(dir string) (records int, head string, err error) {
	log, err := Replay(dir)
	if err != nil {
		return 0, "", err
	}
	if n := len(log.Records); n > 0 {
		return n, log.Records[n-1].Hash, nil
	}
	return 0, "", nil
}

func read(r io.Reader, name string) (*Log, error) {
	log := &Log{}
	br := bufio.NewReaderSize(r, 1<<16)
	prev := ""
	for line := int64(1); ; line++ {
		raw, err := br.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("reading journal %s: %w", name, err)
		}
		if len(raw) == 0 {
			return log, nil
		}
		if err != nil || torn(raw, br, line, prev) {
			log.Torn = int64(len(raw))
			return log, nil
		}
		rec, reason := decode(raw, line, prev)
		if reason != "" {
			return nil, &BrokenError{File: name, Line: line, Offset: log.size, Reason: reason}
		}
		log.Records = append(log.Records, *rec)
		log.size += int64(len(raw))
		prev = rec.Hash
	}
}

// torn recognises blocks of the last line that never reached the disk: the
// file system gives them back as zeros, which no record contains. A whole
// record before the zeros was on disk, so that this is something else.
func torn(raw []byte, br *bufio.Reader, line int64, prev string) bool {
	zero := bytes.IndexByte(raw, 0)
	if zero < 0 {
		return false
	}
	if _, reason := decode(append(bytes.Clone(raw[:zero]), '\n'), line, prev); reason == "" {
		return false
	}
	_, err := br.Peek(1)
	return errors.Is(err, io.EOF)
}

// decode checks one line against the one before it; reason says what is wrong.
func decode(raw []byte, seq int64, prev string) (rec *Record, reason string) {
	at := bytes.LastIndex(raw, []byte(hashKey))
	if at < 0 {
		return nil, "no hash"
	}
	sum := sha256.Sum256(raw[:at])
	hash := hex.EncodeToString(sum[:])
	if string(raw[at:]) != hashKey+hash+"\"}\n" {
		return nil, "the hash does not fit the record: it was changed after it was written"
	}
	if rec, reason = parse(raw[:at], hash); reason != "" {
		return nil, reason
	}
	if rec.Seq != seq {
		return nil, fmt.Sprintf("record %d stands where %d belongs", rec.Seq, seq)
	}
	if rec.Prev != prev {
		return nil, "it does not follow the record before it"
	}
	return rec, ""
}

// parse reads a line up to its hash. The data, which may be a table of many
// megabytes, is checked and neither copied nor decoded.
func parse(line []byte, hash string) (rec *Record, reason string) {
	// What stands before it cannot contain it: numbers, a time, hashes, and a
	// kind, whose quotes JSON would escape.
	head, data, ok := bytes.Cut(line, []byte(dataKey))
	if !ok {
		return nil, "no data"
	}
	rec = new(Record)
	if err := json.Unmarshal(append(bytes.Clone(head), '}'), rec); err != nil {
		return nil, err.Error()
	}
	if !json.Valid(data) {
		return nil, "its data is not JSON"
	}
	rec.Data, rec.Hash = data, hash
	return rec, ""
}
