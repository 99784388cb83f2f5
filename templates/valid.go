package templates

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"stet/runbook"
)

// Valid checks that a parameter can have the value; the error says what it must
// be instead.
func Valid(p runbook.Param, value string) error {
	wrong := func(must string) error {
		return fmt.Errorf("%s: %q is not %s", p.Name, value, must)
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return wrong("a text of one line")
	}
	if p.Type == "int" {
		if err := validInt(p, value); err != nil {
			return err
		}
	}
	if must, ok := validAs(p, value); !ok {
		return wrong(must)
	}
	if len(p.Enum) > 0 && !slices.Contains(p.Enum, value) {
		return wrong("one of " + strings.Join(p.Enum, ", "))
	}
	if p.Pattern != "" {
		matches, err := regexp.MatchString("^(?:"+p.Pattern+")$", value)
		if err != nil {
			return fmt.Errorf("%s: reading its pattern: %w", p.Name, err)
		}
		if !matches {
			return wrong("of the form " + p.Pattern)
		}
	}
	return nil
}

func validInt(p runbook.Param, value string) error {
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %q is not a whole number", p.Name, value)
	case p.Min != nil && n < *p.Min:
		return fmt.Errorf("%s: %d is below %d", p.Name, n, *p.Min)
	case p.Max != nil && n > *p.Max:
		return fmt.Errorf("%s: %d is above %d", p.Name, n, *p.Max)
	}
	return nil
}

// validAs reports whether value is of the parameter's type, and what that is.
func validAs(p runbook.Param, value string) (must string, ok bool) {
	var err error
	switch p.Type {
	case "bool":
		return "true or false", value == "true" || value == "false"
	case "duration":
		must = "a duration, like 90s or 5m"
		_, err = time.ParseDuration(value)
	case "address":
		must = "an IP address"
		_, err = netip.ParseAddr(value)
	case "prefix":
		must = "an address with its prefix length, like 192.0.2.1/24"
		_, err = netip.ParsePrefix(value)
	case "mac":
		must = "a MAC address"
		_, err = net.ParseMAC(value)
	case "interface":
		return "a name of an interface: 1 to 15 characters, no blank, no slash", validInterface(value)
	case "target":
		return "a target: local, netns://NAME, sandbox, sandbox://NAME or ssh://HOST", validTarget(value)
	}
	return must, err == nil
}

// validInterface is dev_valid_name of the kernel (net/core/dev.c).
func validInterface(s string) bool {
	return s != "" && len(s) <= 15 && s != "." && s != ".." && !strings.ContainsAny(s, "/: \t\n\v\f\r")
}

func validTarget(s string) bool {
	if s == "local" || s == "sandbox" {
		return true
	}
	scheme, name, ok := strings.Cut(s, "://")
	return ok && name != "" && !strings.ContainsAny(name, " \t") && slices.Contains([]string{"netns", "sandbox", "ssh"}, scheme)
}
