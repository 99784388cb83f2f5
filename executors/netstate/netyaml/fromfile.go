package netyaml

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"stet/executors/netstate"
	"stet/internal/yaml"
)

const (
	// longestLine bounds a line of a table of routes.
	longestLine = 64 << 10
	// faultsMost is how many faults of one table are told.
	faultsMost = 10
)

// routesFrom decodes an entry whose destinations are in a file.
func (d *decoder) routesFrom(n *yaml.Node, entry netstate.RouteConfig, file string) {
	at := n.Get("from-file")
	d.named = true
	switch {
	case entry.Has["destination"]:
		d.fail(at, "contradiction", "an entry has either `destination` or `from-file`", "Leave one of the two out.")
		return
	case entry.Has["weight"]:
		d.fail(n.Get("weight"), "contradiction", "`weight` cannot stand beside `from-file`", "Write the ways as `next-hops`.")
		return
	case d.open == nil:
		return // only the language is checked
	}
	t := &routeTable{d: d, n: n, at: at, file: file, entry: entry, ways: map[string]*way{}}
	if err := t.read(); err != nil {
		d.fail(at, "from-file", "reading "+file+": "+err.Error(), "Check the path; it is relative to the document.")
	}
}

// routeTable is a file of routes that is being read: a network a line, or what
// `ip route` prints, or CSV whose first line names the columns.
type routeTable struct {
	d      *decoder
	n, at  *yaml.Node
	file   string
	entry  netstate.RouteConfig
	line   int
	faults int
	// ways are the routes by what their lines say besides the destination:
	// that is read once for all lines that say it.
	ways   map[string]*way
	order  []*way
	last   *way
	key    []byte
	header []string // of CSV
	column int      // of the destination
}

// way are the routes that lead the same way.
type way struct {
	key  string
	c    netstate.RouteConfig
	list netstate.PrefixList
	bad  bool
	skip bool // the kernel makes such routes
}

func (t *routeTable) read() (err error) {
	f, err := t.d.open(t.file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sum := sha256.New()
	lines := bufio.NewScanner(io.TeeReader(f, sum))
	lines.Buffer(make([]byte, longestLine), longestLine)
	for lines.Scan() {
		t.line++
		line := lines.Bytes()
		if t.line == 1 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		}
		if line = bytes.TrimSpace(line); len(line) == 0 || line[0] == '#' {
			continue
		}
		if t.take(line); t.faults > faultsMost {
			break
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		t.fault(t.line+1, "the line is longer than "+strconv.Itoa(longestLine)+" bytes", "Write one network a line.")
	} else if lines.Err() != nil {
		return lines.Err()
	}
	t.d.config.Files = append(t.d.config.Files, netstate.File{Name: t.file, SHA256: hex.EncodeToString(sum.Sum(nil))})
	t.finish()
	return nil
}

func (t *routeTable) fault(line int, summary, detail string) {
	t.faults++
	switch {
	case t.faults == faultsMost+1:
		t.d.fail(t.at, "from-file", t.file+" has more faults", "Correct these first.")
	case t.faults <= faultsMost:
		t.d.fail(t.at, "from-file", fmt.Sprintf("%s:%d: %s", t.file, line, summary), detail)
	}
}

// take reads one line.
func (t *routeTable) take(line []byte) {
	var word, rest []byte
	switch {
	case t.header == nil && t.csvHeader(line):
		return
	case t.header != nil:
		word, rest = t.csvLine(line)
	default:
		word, rest = t.words(line)
	}
	if word == nil {
		return
	}
	w := t.last
	if w == nil || w.key != string(rest) {
		w = t.ways[string(rest)]
	}
	if w == nil {
		w = t.newWay(string(rest))
	}
	t.last = w
	if w.bad || w.skip {
		return
	}
	if four, bits, ok := network4(word); ok {
		w.list.Add4(four, bits)
		return
	}
	p, err := parsePrefix(string(word))
	if err != nil {
		t.fault(t.line, err.Error(), "Write one network a line, such as 192.0.2.0/24.")
		return
	}
	w.list.Add(p)
}

// words parts the destination from the rest of a line as `ip route` prints it.
func (t *routeTable) words(line []byte) (word, rest []byte) {
	word, rest, _ = bytes.Cut(line, []byte{' '})
	if i := bytes.IndexByte(word, '\t'); i >= 0 {
		word, rest = line[:i], line[i+1:]
	}
	if len(word) > 0 && (word[0] < '0' || word[0] > '9') && slices.Contains(routeTypes, string(word)) {
		kind := word
		word, rest, _ = bytes.Cut(bytes.TrimLeft(rest, " \t"), []byte{' '})
		t.key = append(append(append(t.key[:0], kind...), ' '), rest...)
		return word, t.key
	}
	if string(word) == "nexthop" {
		t.fault(t.line, "routes of several next hops cannot be read from a file", "Write them into the block, with `next-hops`.")
		return nil, nil
	}
	return word, bytes.TrimSpace(rest)
}

// newWay reads what a line says besides its destination.
func (t *routeTable) newWay(rest string) *way {
	w := &way{key: rest, c: t.entry}
	w.c.File, w.c.Has = t.file, maps.Clone(t.entry.Has)
	w.c.Route.NextHops, w.c.Route.Metrics = slices.Clone(w.c.Route.NextHops), maps.Clone(w.c.Route.Metrics)
	w.c.Has["destination"] = true
	t.ways[rest] = w
	t.order = append(t.order, w)
	var err error
	if t.header != nil {
		err = t.columns(w, rest)
	} else {
		err = routeWords(w, strings.Fields(rest))
	}
	if err != nil {
		w.bad = true
		t.fault(t.line, err.Error(), "Correct the line; the entry may say for all lines what they leave out.")
	}
	return w
}

// finish makes an entry of each way.
func (t *routeTable) finish() {
	for _, w := range t.order {
		if w.bad || w.skip {
			continue
		}
		four, six := w.list.Sets()
		for _, p := range []netstate.Prefixes{four, six} {
			if p.Len() == 0 {
				continue
			}
			c := w.c
			c.Has = maps.Clone(c.Has)
			c.Route.NextHops = slices.Clone(c.Route.NextHops)
			c.Route.Destination = p.At(0)
			if t.d.checkRoute(t.n, &c) {
				c.Route.Destination, c.Prefixes = netip.Prefix{}, p
				t.d.config.Routes = append(t.d.config.Routes, c)
			}
		}
	}
}

// network4 reads an IPv4 network without more ado: a table has a million.
func network4(b []byte) (address uint32, bits uint8, ok bool) {
	n, digits, dots := uint32(0), 0, 0
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9':
			n, digits = n*10+uint32(c-'0'), digits+1
			if digits > 3 || n > 255 || digits > 1 && n < 10 {
				return 0, 0, false
			}
		case c == '.' && digits > 0 && dots < 3:
			address, n, digits, dots = address<<8|n, 0, 0, dots+1
		case c == '/' && digits > 0 && dots == 3:
			length, err := strconv.ParseUint(string(b[i+1:]), 10, 8)
			if err != nil || length > 32 || b[i+1] == '+' || b[i+1] == '0' && len(b) > i+2 {
				return 0, 0, false
			}
			address = address<<8 | n
			return uint32(uint64(address) >> (32 - length) << (32 - length)), uint8(length), true
		default:
			return 0, 0, false
		}
	}
	return address<<8 | n, 32, digits > 0 && dots == 3
}
