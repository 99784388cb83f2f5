package runbook

import (
	"time"

	"stet/executors"
)

// Document is a parsed runbook. Source is exactly the file's bytes; every Span
// points into it.
type Document struct {
	Path   string
	Source []byte
	Meta   Meta
	// Blocks are in the document's order; manual steps (task items) too.
	Blocks []Block
	// Report is the report region at the head, if there is one.
	Report *Region
	// Orphans are result regions whose block is gone.
	Orphans []Region
	// Head is the offset right after the front matter, where a report goes.
	Head int
	// Newline is the document's prevailing line end, "\n" or "\r\n".
	Newline     string
	Diagnostics Diagnostics
}

// Meta is the front matter.
type Meta struct {
	Title  string
	Ticket string
	Window *Window
	// Targets in the order of the document; Groups by name.
	Targets []executors.Target
	Groups  map[string][]string
	Default Defaults
	// Vars in the order of the document.
	Vars    []Var
	Secrets []Secret
	// Params are the questions of a template (see `stet new`).
	Params []Param
	// Span is the whole front matter with its fences; empty if there is none.
	Span Span
	// Places has the position of each entry by dotted path
	// ("targets.r1", "vars.vlan"), for diagnostics found later.
	Places map[string]Position
}

// Window is the maintenance window. A zero time is open-ended.
type Window struct {
	Start, End time.Time
}

// Defaults apply to every block that does not say otherwise.
type Defaults struct {
	On        []string // target and group names
	Timeout   time.Duration
	Confirm   time.Duration
	OnFailure Policy
	// Interpreter by fence language.
	Interpreter map[string]string
	// Parallel is how many targets a step runs on at once; 0 leaves it to the
	// kind of its targets.
	Parallel int
	// MaxFailures is how many targets of a changing step or a pre-check may
	// fail.
	MaxFailures Share
	// Passphrase and PIN name secrets, as those of executors.Target do, for
	// the targets that name none.
	Passphrase, PIN string
}

// Policy is what happens when a step fails.
type Policy string

// The policies of on-failure.
const (
	Rollback Policy = "rollback" // undo this group, then every earlier one
	Stop     Policy = "stop"     // undo this group, keep the earlier ones, stop
	Continue Policy = "continue" // undo this group, go on with the next
	Ask      Policy = "ask"      // ask on a terminal; without one, as Rollback
)

// Var is a variable for ${…}. Value has YAML's types.
type Var struct {
	Name  string
	Value any
}

// Secret is a value that never reaches document, journal or screen.
type Secret struct {
	Name string
	// From is "env:NAME", "file:PATH" or "cmd:COMMAND".
	From string
	Pos  Position
}

// Param is a question that `stet new` asks to fill a template in.
type Param struct {
	Name    string
	Doc     string
	Type    string // "string", "int", "bool", "duration", "address", "prefix", "mac", "interface", "enum", "target"
	Default string
	Enum    []string
	Min     *int64
	Max     *int64
	Pattern string
	Pos     Position
}

// BlockKind is what a block is for.
type BlockKind string

// The kinds of blocks.
const (
	Netconfig     BlockKind = "netconfig"
	Check         BlockKind = "check"
	RollbackBlock BlockKind = "rollback"
	Snapshot      BlockKind = "snapshot"
	Run           BlockKind = "run"
	Manual        BlockKind = "manual"
)

// Changing reports whether a block of this kind opens a step group.
func (k BlockKind) Changing() bool { return k == Netconfig || k == Run }

// Block is an executable part of a document.
type Block struct {
	Kind BlockKind
	// Name is the author's, or made from kind and ordinal ("check-3").
	Name string
	// Named tells that the author gave the name.
	Named bool
	// Lang is the first word of the info string; for rollback blocks the
	// language of the body ("sh", "netconfig").
	Lang string
	// Ordinal counts blocks of the document from 0.
	Ordinal int
	// Attrs are the attributes as written, in order.
	Attrs []Attr
	// Span is the whole block, from the first byte of its opening fence's line
	// to the end of its closing fence's line (with the line end); for a task
	// item, its first line.
	Span Span
	// Info is the info string's span.
	Info Span
	// Lines are the body's lines: where each one's content stands in the
	// source, behind the container's prefix.
	Lines []Span
	// Body is the content without the container's prefix, with "\n" ends.
	Body string
	// Pads counts, by line of Body, the spaces at its start that are a part of
	// a tab in the source, which Lines leave out; nil if there are none.
	Pads []int
	// Prefix is what a line needs to stand in the same container, after the
	// first one: "  " in a list item, "> " in a quote.
	Prefix string
	// Heading is the text of the nearest heading above.
	Heading string
	// Hash is the SHA-256 of kind, language and body, in hexadecimal.
	Hash string
	// Twins counts the document's blocks with the same Hash, this one too;
	// Twin counts those above it.
	Twin, Twins int
	// NearTwins counts those of its twins, this one too, that stand under the
	// same heading; NearTwin those above it.
	NearTwin, NearTwins int
	// Result is the region right after the block, if there is one.
	Result *Region
	// Insert is where a result region goes when there is none.
	Insert int
	// Ticked tells that a task item is checked; Box is the span of "[ ]".
	Ticked bool
	Box    Span
	// Start is the position of the opening fence.
	Start Position

	// What the attributes mean, defaults applied.
	On         []string // targets, groups resolved, no duplicates
	Timeout    time.Duration
	Confirm    time.Duration // 0: no guard
	ConfirmBy  string        // "" after the checks; "manual"
	OnFailure  Policy
	For        string // rollback: the block that it undoes
	Within     time.Duration
	Every      time.Duration
	Hold       time.Duration // check: for=10s
	Dir        string
	Env        []string
	Stdin      string
	ExpectExit []int
	Register   string
	Interp     string
	// Parallel is how many targets the step runs on at once; 0 leaves it to
	// the kind of its targets.
	Parallel int
	// Batch are the sizes of the waves in which a changing step's group goes
	// over its targets, the last one again and again; nil is one wave.
	Batch []Share
	// MaxFailures is how many targets of a changing step may fail before its
	// group has failed; of a pre-check, before the pre-check has.
	MaxFailures Share
}

// Attr is one attribute of a block.
type Attr struct {
	Key   string
	Value string
	// Bare is a word without "=" ("run").
	Bare  bool
	Start Position
	Span  Span
}

// Region is a part of the document that stet owns, with its markers.
type Region struct {
	// Span covers both markers and the line end after the last one, and the
	// blank line before the first one when stet wrote it.
	Span Span
	// Fields are those of the opening marker: name, run, status, sha256.
	Fields map[string]string
	// Body is what stands between the markers, without container prefix.
	Body string
	// Edited tells that Body no longer matches the sha256 of the marker.
	Edited bool
	Start  Position
}
