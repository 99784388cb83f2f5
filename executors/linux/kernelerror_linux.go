package linux

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// kernelError is an errno with what the kernel said about it in its extended
// acknowledgement (NLMSGERR_ATTR_*).
type kernelError struct {
	errno unix.Errno
	text  string
	// offset of the refused attribute in the request; 0 if not told.
	offset uint32
	// missing is the type of an attribute that the request lacked; 0 if none.
	missing uint32
}

func (e *kernelError) Error() string {
	switch {
	case e.text != "":
		return e.errno.Error() + ": " + e.text
	case e.missing != 0:
		return fmt.Sprintf("%v (attribute %d is missing)", e.errno, e.missing)
	case e.offset != 0:
		return fmt.Sprintf("%v (attribute at byte %d of the request)", e.errno, e.offset)
	}
	return e.errno.Error()
}

func (e *kernelError) Unwrap() error { return e.errno }

// Attributes of an extended acknowledgement that x/sys does not name.
const nlmsgerrMissType = 5

// parseError reads the body of NLMSG_ERROR (struct nlmsgerr); nil is an
// acknowledgement. flags are those of the error message itself.
func parseError(flags uint16, body []byte) *kernelError {
	if len(body) < 4 {
		return &kernelError{errno: unix.EBADMSG}
	}
	code := int32(u32(body))
	if code == 0 {
		return nil
	}
	e := &kernelError{errno: unix.Errno(-code)}
	if flags&unix.NLM_F_ACK_TLVS == 0 || len(body) < 4+unix.NLMSG_HDRLEN {
		return e
	}
	// What follows is the header of the request, all of the request unless
	// it was capped, and then the attributes.
	skip := 4 + unix.NLMSG_HDRLEN
	if flags&unix.NLM_F_CAPPED == 0 {
		skip = 4 + int(u32(body[4:])+3)&^3
	}
	if skip < 0 || skip > len(body) {
		return e
	}
	e.extended(body[skip:])
	return e
}

func (e *kernelError) extended(b []byte) {
	for typ, payload := range attributes(b) {
		switch typ {
		case unix.NLMSGERR_ATTR_MSG:
			e.text = text(payload)
		case unix.NLMSGERR_ATTR_OFFS:
			e.offset = u32(payload)
		case nlmsgerrMissType:
			e.missing = u32(payload)
		}
	}
}

// errnoOf is the errno in err's chain, or 0.
func errnoOf(err error) unix.Errno {
	var errno unix.Errno
	errors.As(err, &errno)
	return errno
}
