package executors

// Error is a failure to reach or use a target, with a code for callers to act
// on and a remedy for the reader.
type Error struct {
	// Code is stable: "unreachable", "permission", "not-found", "unsupported",
	// "locked", "reverted", "timeout", "protocol", "changed", "lost".
	Code string `json:"code"`
	// Op is a gerund and its object: "opening netns://lab1".
	Op      string `json:"op"`
	Message string `json:"message"`
	// Remedy says what to do; may be empty.
	Remedy string `json:"remedy,omitempty"`
	Err    error  `json:"-"`
}

// Error implements error.
func (e *Error) Error() string {
	s := e.Op
	switch {
	case e.Message != "":
		s += ": " + e.Message
	case e.Err != nil:
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Remedy says what to do about err: the word of the first Error in it that has one,
// or of another error with a method Remedy; "" if there is none.
func Remedy(err error) string {
	switch e := err.(type) { //nolint:errorlint // it looks into what is wrapped itself: the first Error may have none
	case *Error:
		if e.Remedy != "" {
			return e.Remedy
		}
	case interface{ Remedy() string }:
		return e.Remedy()
	}
	switch w := err.(type) { //nolint:errorlint // as above
	case interface{ Unwrap() error }:
		return Remedy(w.Unwrap())
	case interface{ Unwrap() []error }:
		for _, e := range w.Unwrap() {
			if r := Remedy(e); r != "" {
				return r
			}
		}
	}
	return ""
}
