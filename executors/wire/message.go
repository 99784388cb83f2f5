package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"stet/executors"
	"stet/executors/netstate"
)

// hello is each side's first frame.
type hello struct {
	Protocol int    `json:"protocol"`
	Program  string `json:"program,omitempty"`
}

// request asks for a method of the opener ("open", "shutdown") or of a session.
type request struct {
	Method  string `json:"method"`
	Session uint32 `json:"session,omitempty"`
	// Timeout is what is left to the client's deadline, in milliseconds; 0 is
	// none. The server keeps it too, for when the connection does not.
	Timeout int64           `json:"timeout,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
}

// asked is a request as the client writes it, in one go.
type asked struct {
	Method  string `json:"method"`
	Session uint32 `json:"session,omitempty"`
	Timeout int64  `json:"timeout,omitempty"`
	Params  any    `json:"params,omitempty"`
}

// response answers it. Some methods return a result along with an error.
type response struct {
	Result json.RawMessage `json:"result,omitempty"`
	Error  *fault          `json:"error,omitempty"`
}

// replied is a response as the client reads it, in one go.
type replied struct {
	Result any    `json:"result"`
	Error  *fault `json:"error"`
}

// runParams are those of "run". A stream that nobody wants is not sent; with
// Merge both are one, in the order in which they were printed.
type runParams struct {
	Command executors.Command `json:"command"`
	Stdout  bool              `json:"stdout,omitempty"`
	Stderr  bool              `json:"stderr,omitempty"`
	Merge   bool              `json:"merge,omitempty"`
}

// attachParams are those of "attach".
type attachParams struct {
	ID     string             `json:"id"`
	Got    executors.Received `json:"got"`
	Stdout bool               `json:"stdout,omitempty"`
	Stderr bool               `json:"stderr,omitempty"`
}

// echoParams are those of "echo"; what comes back is as long.
type echoParams struct {
	Payload []byte `json:"payload"`
}

// The parameters of the other methods.
type (
	openParams struct{ Target executors.Target }
	opened     struct {
		ID       uint32 `json:"id"`
		Location string `json:"location,omitempty"`
	}
	queryParams  struct{ Query netstate.Query }
	probeParams  struct{ Probe executors.Probe }
	changeParams struct {
		Change  *netstate.Change
		Secrets netstate.Secrets `json:",omitempty"`
	}
	guardParams struct{ Guard executors.Guard }
	idParams    struct{ ID string }
	lockParams  struct{ Lock executors.Lock }
)

// fault is an error on its way. Text is what Error gives; the rest brings back
// what callers ask errors.As and errors.Is for.
type fault struct {
	Text    string               `json:"text"`
	Known   *executors.Error     `json:"known,omitempty"`
	Edit    *executors.EditError `json:"edit,omitempty"`
	Context string               `json:"context,omitempty"` // "canceled" or "deadline"
}

func newFault(err error) *fault {
	if err == nil {
		return nil
	}
	f := &fault{Text: err.Error()}
	var known *executors.Error
	if errors.As(err, &known) {
		clone := *known
		if clone.Message == "" && clone.Err != nil {
			clone.Message = clone.Err.Error() // Err itself stays behind
		}
		f.Known = &clone
	}
	errors.As(err, &f.Edit)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		f.Context = "deadline"
	case errors.Is(err, context.Canceled):
		f.Context = "canceled"
	}
	return f
}

// error rebuilds the error.
func (f *fault) error() error {
	if f == nil {
		return nil
	}
	var causes []error
	if f.Edit != nil {
		causes = append(causes, f.Edit)
	}
	switch f.Context {
	case "deadline":
		causes = append(causes, context.DeadlineExceeded)
	case "canceled":
		causes = append(causes, context.Canceled)
	}
	if f.Known != nil {
		known := *f.Known
		if len(causes) > 0 {
			known.Err = errors.Join(causes...)
		}
		if known.Error() == f.Text {
			return &known
		}
		causes = []error{&known}
	}
	return &remote{text: f.Text, causes: causes}
}

// remote is an error that happened at the other end.
type remote struct {
	text   string
	causes []error
}

func (r *remote) Error() string   { return r.text }
func (r *remote) Unwrap() []error { return r.causes }

// until is a context's deadline for a request.
func until(ctx context.Context) int64 {
	d, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return max(1, time.Until(d).Milliseconds())
}

// quote shows the beginning of what a peer sent instead of the protocol.
func quote(b []byte) string {
	if len(b) > 200 {
		b = b[:200]
	}
	return strconv.Quote(string(b))
}

func protocolError(op string, err error) error {
	return &executors.Error{Code: "protocol", Op: op, Err: err,
		Remedy: "make sure that both ends are the same version of stet and that nothing else prints on their connection"}
}

// greet exchanges magic and hello.
func greet(r *reader, o Options, noise int, greeting func(hello []byte) error) error {
	sent := make(chan error, 1)
	go func() { // both sides speak first: neither may wait for the other
		b, err := json.Marshal(hello{Protocol: protocol, Program: o.Program})
		if err == nil {
			err = greeting(b)
		}
		sent <- err
	}()
	said, err := r.seek(noise)
	if err != nil {
		if len(said) > 0 {
			err = fmt.Errorf("%w; it said %s", err, quote(said))
		}
		return err
	}
	f, err := r.next()
	if err != nil {
		return err
	}
	var h hello
	if f.kind != kindHello || f.more {
		return errors.New("the peer did not say hello")
	}
	if err := json.Unmarshal(f.payload, &h); err != nil {
		return fmt.Errorf("reading the hello: %w", err)
	}
	if h.Protocol != protocol {
		return fmt.Errorf("the peer (%s) speaks version %d of the protocol, this is version %d", h.Program, h.Protocol, protocol)
	}
	return <-sent
}
