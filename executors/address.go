package executors

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Address is the host part of an ssh:// target.
type Address struct {
	User string // "": as ssh_config says
	Host string // a name of ssh_config, of the DNS, or an IP address
	Port int    // 0: as ssh_config says
}

// ParseAddress reads "[user@]host[:port]"; an IPv6 address with a port stands
// in brackets. A password in the address is refused: it would be in the
// document.
func ParseAddress(text string) (Address, error) {
	bad := func(message string) (Address, error) {
		return Address{}, &Error{
			Code: "invalid", Op: "reading the address ssh://" + text, Message: message,
			Remedy: "write it as ssh://user@host:port; user and port may be left out",
		}
	}
	var a Address
	rest := strings.TrimSuffix(text, "/")
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		user, err := url.PathUnescape(rest[:i])
		switch {
		case strings.Contains(rest[:i], ":"):
			return Address{}, &Error{
				Code: "invalid", Op: "reading an ssh:// address", Message: "it holds a password",
				Remedy: "declare the password as a secret, or let the terminal ask for it",
			}
		case err != nil:
			return bad("a % in the user's name is written %25")
		case user == "":
			return bad("there is no user before the @")
		}
		a.User, rest = user, rest[i+1:]
	}
	host, port := splitPort(rest)
	if port != "" {
		n, err := strconv.Atoi(port)
		if err != nil || n < 1 || n > 65535 {
			return bad("the port " + strconv.Quote(port) + " is not a number from 1 to 65535")
		}
		a.Port = n
	}
	a.Host = host
	switch {
	case host == "":
		return bad("there is no host")
	case strings.HasPrefix(host, "-") || strings.HasPrefix(a.User, "-"):
		return bad("a name cannot begin with a hyphen")
	case strings.Contains(host, ":") && !isIP(host):
		return bad("the host holds a colon, and is no IPv6 address")
	case strings.ContainsFunc(host+a.User, noName):
		return bad("it holds a character that no host name has")
	}
	return a, nil
}

func isIP(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// noName reports whether a character is one of the shell's, a blank, or one that is
// not seen, or that turns the direction of writing.
func noName(r rune) bool {
	return r == ' ' || r == utf8.RuneError || !unicode.IsPrint(r) || strings.ContainsRune("/?#\\\"'`$;&<>|(){}", r)
}

// splitPort splits "host:port", "[v6]:port", "[v6]" and plain "v6".
func splitPort(text string) (host, port string) {
	if inner, ok := strings.CutPrefix(text, "["); ok {
		if h, p, ok := strings.Cut(inner, "]"); ok {
			return h, strings.TrimPrefix(p, ":")
		}
		return text, ""
	}
	if strings.Count(text, ":") == 1 {
		host, port, _ = strings.Cut(text, ":")
		return host, port
	}
	return text, ""
}

// String is the address as it is written after ssh://.
func (a Address) String() string {
	text := a.Host
	if a.Port != 0 {
		text = net.JoinHostPort(a.Host, strconv.Itoa(a.Port))
	}
	if a.User != "" {
		text = strings.NewReplacer("%", "%25", ":", "%3A").Replace(a.User) + "@" + text
	}
	return text
}
