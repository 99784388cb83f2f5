package journal

import "time"

// within bounds how long what was written with Write waits for a record that is
// synced, before it is by itself.
const within = 5 * time.Millisecond

// Unsynced is a record that was written and could not be brought to disk.
type Unsynced struct {
	Kind Kind
	Data any
}

// Write writes one record about what has happened already. The next Append brings it
// to disk with its own, in one go; else that is done within a few milliseconds. When
// the disk refuses then, the next call says so, and Lost what is not in the chain.
func (j *Journal) Write(kind Kind, data any) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.told(); err != nil {
		return err
	}
	w, err := j.write(kind, data)
	if err != nil {
		return err
	}
	w.alone = &Unsynced{kind, data}
	if !j.soon {
		j.soon = true
		time.AfterFunc(within, j.Flush)
	}
	crashpoint("after", w.seq, func() {})
	return nil
}

// Flush brings to disk what Write has written.
func (j *Journal) Flush() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.flush()
}

// flush is Flush with j.mu held.
func (j *Journal) flush() {
	j.soon = false
	for upTo := j.end.seq; len(j.waiting) > 0 && j.waiting[0].seq <= upTo; {
		if j.syncing {
			j.synced.Wait()
		} else {
			j.sync()
		}
	}
}

// Lost returns, once, the records of Write that could not be brought to disk.
func (j *Journal) Lost() []Unsynced {
	j.mu.Lock()
	defer j.mu.Unlock()
	lost := j.lost
	j.lost, j.why = nil, nil
	return lost
}

// told is, once, why records of Write could not be brought to disk; j.mu is held.
func (j *Journal) told() error {
	why := j.why
	j.why = nil
	return why
}
