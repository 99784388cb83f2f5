package ssh

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
)

// local is what the tokens about the operator's machine stand for.
type local struct {
	home, user, uid, host string
}

// here asks the system. OpenSSH takes the home folder from the user database
// and not from $HOME, so that is tried first.
func here() local {
	l := local{uid: strconv.Itoa(os.Getuid())}
	l.host, _ = os.Hostname()
	if u, err := user.LookupId(l.uid); err == nil {
		l.home, l.user = u.HomeDir, u.Username
	} else if u, err := user.Current(); err == nil {
		l.home, l.user = u.HomeDir, u.Username
	}
	if l.home == "" {
		l.home, _ = os.UserHomeDir()
	}
	return l
}

// expand fills the tokens in that `ssh -G` leaves: %% %d %h %i %j %k %L %l %n
// %p %r %u, and %C, whose value is given. An unknown token is an error, as it
// is to ssh(1).
func (l local) expand(text string, s *Settings, hash string) (string, error) {
	short, _, _ := strings.Cut(l.host, ".")
	values := map[byte]string{
		'%': "%", 'd': l.home, 'i': l.uid, 'l': l.host, 'L': short, 'u': l.user,
		'h': s.HostName, 'n': s.Host, 'p': strconv.Itoa(s.Port), 'r': s.User,
		'k': s.principal(), 'j': s.ProxyJump, 'C': hash,
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			b.WriteByte(text[i])
			continue
		}
		i++
		if i == len(text) {
			return "", fmt.Errorf("expanding %q: it ends in a %% sign", text)
		}
		value, ok := values[text[i]]
		if !ok {
			return "", fmt.Errorf("expanding %q: the token %%%c is not known", text, text[i])
		}
		b.WriteString(value)
	}
	return b.String(), nil
}

// tilde replaces a leading ~ by the home folder; "~user" by that user's.
func (l local) tilde(path string) string {
	if !strings.HasPrefix(path, "~") {
		return path
	}
	name, rest := path[1:], ""
	if i := strings.IndexAny(name, `/\`); i >= 0 {
		name, rest = name[:i], name[i:]
	}
	home := l.home
	if name != "" {
		u, err := user.Lookup(name)
		if err != nil {
			return path
		}
		home = u.HomeDir
	}
	return filepath.FromSlash(home + rest)
}

// variables replaces ${NAME}; a variable that is not set is an error, as it is
// to ssh(1).
func variables(text string) (string, error) {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "${")
		b.WriteString(before)
		if !ok {
			return b.String(), nil
		}
		name, after, ok := strings.Cut(rest, "}")
		if !ok {
			return "", fmt.Errorf("expanding %q: a ${ has no }", text)
		}
		value, ok := os.LookupEnv(name)
		if !ok {
			return "", fmt.Errorf("expanding ${%s}: the variable is not set", name)
		}
		b.WriteString(value)
		text = after
	}
}

// file expands one path of a file setting.
func (l local) file(path string, s *Settings, hash string) (string, error) {
	path, err := variables(path)
	if err != nil {
		return "", err
	}
	path, err = l.expand(l.tilde(path), s, hash)
	if err != nil {
		return "", err
	}
	return path, nil
}
