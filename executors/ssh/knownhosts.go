package ssh

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// knownHosts reads known_hosts files, each once, and again when it changed.
type knownHosts struct {
	mu    sync.Mutex
	files map[string]*hostsFile
}

// hostsFile is the index of one file: lines of plain names are found by name, and
// parsed when they are; hashed and wildcard lines must be tried one by one, once a
// name.
type hostsFile struct {
	path    string
	changed time.Time
	size    int64
	byName  map[string]int // the last of its lines in named
	named   []namedLine
	tried   []*hostLine
	fit     map[string][]*hostLine // of those that are tried
}

// namedLine is a line under one of its names, which has no pattern in it.
type namedLine struct {
	text   string
	number int32
	before int32 // the line before it of that name, -1 if there is none
}

// hostLine is one line of known_hosts.
type hostLine struct {
	file       string
	line       int
	marker     string // "", "@cert-authority", "@revoked"
	patterns   []string
	salt, hash []byte // of a hashed name
	keyType    string
	key        []byte // the wire format
}

// lookup returns the lines of the files that speak of a name. Files that do
// not exist have none.
func (k *knownHosts) lookup(files []string, name string) ([]*hostLine, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var lines []*hostLine
	for _, path := range files {
		f, err := k.open(path)
		if err != nil {
			return nil, err
		}
		if f != nil {
			lines = append(lines, f.lookup(name)...)
		}
	}
	return lines, nil
}

func (k *knownHosts) open(path string) (*hostsFile, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if f := k.files[path]; f != nil && f.changed.Equal(info.ModTime()) && f.size == info.Size() {
		return f, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f := indexHosts(path, string(text))
	f.changed, f.size = info.ModTime(), info.Size()
	if k.files == nil {
		k.files = map[string]*hostsFile{}
	}
	k.files[path] = f
	return f, nil
}

// indexHosts reads a file. A line that is no entry is skipped, as ssh does: one bad
// line must not hide the others.
func indexHosts(path, text string) *hostsFile {
	f := &hostsFile{path: path, byName: map[string]int{}, fit: map[string][]*hostLine{}}
	n := int32(0)
	for line := range strings.Lines(text) {
		n++
		names := lineNames(line)
		if names == "" || strings.HasPrefix(names, "#") {
			continue
		}
		if strings.HasPrefix(names, "|1|") || strings.ContainsAny(names, "*?!") {
			if l := f.parse(line, n); l != nil {
				f.tried = append(f.tried, l)
			}
			continue
		}
		for name := range strings.SplitSeq(strings.ToLower(names), ",") {
			last, ok := f.byName[name]
			if !ok {
				last = -1
			}
			f.byName[name] = len(f.named)
			f.named = append(f.named, namedLine{line, n, int32(last)})
		}
	}
	return f
}

// lineNames are the names that a line speaks of, which come behind its marker.
func lineNames(line string) string {
	marked := false
	for word := range strings.FieldsSeq(line) {
		if marked || !strings.HasPrefix(word, "@") {
			return word
		}
		marked = true
	}
	return ""
}

func (f *hostsFile) parse(text string, number int32) *hostLine {
	l := parseHostLine(text)
	if l != nil {
		l.file, l.line = f.path, int(number)
	}
	return l
}

func parseHostLine(text string) *hostLine {
	fields := strings.Fields(text)
	if len(fields) > 0 && strings.HasPrefix(fields[0], "#") {
		return nil
	}
	l := &hostLine{}
	if len(fields) > 0 && strings.HasPrefix(fields[0], "@") {
		l.marker, fields = fields[0], fields[1:]
		if l.marker != "@cert-authority" && l.marker != "@revoked" {
			return nil
		}
	}
	if len(fields) < 3 {
		return nil
	}
	key, err := base64.StdEncoding.DecodeString(fields[2])
	if err != nil {
		return nil
	}
	l.keyType, l.key = fields[1], key
	if hashed, ok := strings.CutPrefix(fields[0], "|1|"); ok {
		salt, hash, _ := strings.Cut(hashed, "|")
		var err1, err2 error
		l.salt, err1 = base64.StdEncoding.DecodeString(salt)
		l.hash, err2 = base64.StdEncoding.DecodeString(hash)
		if err1 != nil || err2 != nil || len(l.salt) == 0 || len(l.hash) != sha1.Size {
			return nil
		}
		return l
	}
	l.patterns = strings.Split(strings.ToLower(fields[0]), ",")
	return l
}

func (f *hostsFile) lookup(name string) []*hostLine {
	var lines []*hostLine
	i, ok := f.byName[name]
	for ok && i >= 0 {
		if l := f.parse(f.named[i].text, f.named[i].number); l != nil {
			lines = append(lines, l)
		}
		i = int(f.named[i].before)
	}
	lines = append(lines, f.fitting(name)...)
	slices.SortStableFunc(lines, func(a, b *hostLine) int { return a.line - b.line })
	return lines
}

// fitting are those of the lines that must be tried.
func (f *hostsFile) fitting(name string) []*hostLine {
	lines, known := f.fit[name]
	if known || len(f.tried) == 0 {
		return lines
	}
	for _, l := range f.tried {
		if l.matches(name) {
			lines = append(lines, l)
		}
	}
	f.fit[name] = lines
	return lines
}

func (l *hostLine) matches(name string) bool {
	if l.salt != nil {
		return bytes.Equal(l.hash, hashHost(l.salt, name))
	}
	found := false
	for _, p := range l.patterns {
		positive, negated := strings.CutPrefix(p, "!")
		if !match(positive, name) {
			continue
		}
		if negated {
			return false
		}
		found = true
	}
	return found
}

// hashHost is the digest of known_hosts' hashed names: HMAC-SHA1. It is written
// out because a file may have thousands of lines to try for each host, and
// crypto/hmac allocates for each.
func hashHost(salt []byte, name string) []byte {
	if len(salt) > sha1.BlockSize || len(name) > maxHostName {
		h := hmac.New(sha1.New, salt)
		h.Write([]byte(name))
		return h.Sum(nil)
	}
	var block [sha1.BlockSize + maxHostName]byte
	for i := range sha1.BlockSize {
		block[i] = 0x36
	}
	for i, b := range salt {
		block[i] ^= b
	}
	inner := sha1.Sum(block[:sha1.BlockSize+copy(block[sha1.BlockSize:], name)])
	for i := range sha1.BlockSize {
		block[i] ^= 0x36 ^ 0x5c
	}
	outer := sha1.Sum(block[:sha1.BlockSize+copy(block[sha1.BlockSize:], inner[:])])
	return outer[:]
}

// maxHostName is more than the DNS allows, with brackets and a port.
const maxHostName = 512

// match tells whether a pattern with * and ? covers a name. It takes time in
// proportion to the product of the lengths, whatever the pattern.
func match(pattern, name string) bool {
	p, n, star, mark := 0, 0, -1, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p++
			n++
		case star >= 0:
			mark++
			p, n = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
