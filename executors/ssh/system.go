package ssh

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// beyond names what the settings ask for and the library lacks; "" if nothing.
func (s *Settings) beyond() string {
	switch {
	case s.PKCS11Provider != "":
		return "PKCS11Provider " + s.PKCS11Provider
	case s.KnownHostsCommand != "":
		return "KnownHostsCommand"
	case s.ProxyUseFdpass:
		return "ProxyUseFdpass"
	case isKRL(s.RevokedHostKeys):
		return "RevokedHostKeys with a key revocation list"
	}
	if missing := s.supported().missing; len(missing) > 0 {
		return "the algorithms of " + strings.Join(missing, " and ")
	}
	native := false
	for _, method := range s.Preferred {
		native = native || method == "publickey" || method == "password" || method == "keyboard-interactive"
	}
	if !native && len(s.Preferred) > 0 {
		return "authentication by " + strings.Join(s.Preferred, ", ")
	}
	return ""
}

func isKRL(path string) bool {
	if path == "" {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, len(krlMagic))
	n, _ := f.Read(head)
	return string(head[:n]) == krlMagic
}

// otherWays names a way to log in that the library lacks and that may still
// succeed where everything else was refused; "" if there is none. A second
// login that cannot succeed would only count as another failure.
func (a *authentication) otherWays() string {
	if a == nil {
		return ""
	}
	offers := func(method string) bool {
		for _, m := range a.methods {
			if m == method {
				return true
			}
		}
		return false
	}
	switch {
	case a.settings.GSSAPI && offers("gssapi-with-mic") && hasTicket():
		return "Kerberos"
	case a.settings.Hostbased && offers("hostbased"):
		return "host-based authentication"
	case a.odd && offers("publickey"):
		return "a security key that is not in the agent"
	}
	return ""
}

// hasTicket tells whether the user has Kerberos credentials.
func hasTicket() bool {
	if klist, err := exec.LookPath("klist"); err == nil {
		return exec.Command(klist, "-s").Run() == nil
	}
	path := strings.TrimPrefix(os.Getenv("KRB5CCNAME"), "FILE:")
	if path == "" {
		path = filepath.Join(os.TempDir(), "krb5cc_"+here().uid)
	}
	info, err := os.Stat(path)
	return err == nil && info.Size() > 0
}
