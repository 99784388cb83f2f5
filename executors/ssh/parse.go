package ssh

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// dump is the output of `ssh -G`: keywords in lower case, each with its values
// in order of appearance.
type dump map[string][]string

func parseDump(text string) dump {
	d := dump{}
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		keyword, value, _ := strings.Cut(lines.Text(), " ")
		keyword = strings.ToLower(keyword)
		d[keyword] = append(d[keyword], strings.TrimSpace(value))
	}
	return d
}

// one is the value of a keyword, "" where it is absent or "none".
func (d dump) one(keyword string) string {
	if v := d[keyword]; len(v) > 0 && !strings.EqualFold(v[0], "none") {
		return v[0]
	}
	return ""
}

// yes reads a switch; older and newer versions write yes and true.
func (d dump) yes(keyword string, otherwise bool) bool {
	switch strings.ToLower(d.one(keyword)) {
	case "yes", "true":
		return true
	case "no", "false":
		return false
	}
	return otherwise
}

func (d dump) number(keyword string, otherwise int) int {
	if n, err := strconv.Atoi(d.one(keyword)); err == nil {
		return n
	}
	return otherwise
}

func (d dump) list(keyword string, l *lists) []string {
	if v := d.one(keyword); v != "" {
		return l.split(v)
	}
	return nil
}

// lists are settings that hold several words, which all hosts have alike. Nobody
// changes one.
type lists struct {
	mu    sync.Mutex
	known map[string][]string
}

// split splits a list at its commas, once for all hosts.
func (l *lists) split(text string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	words, ok := l.known[text]
	if !ok {
		if l.known == nil {
			l.known = map[string][]string{}
		}
		words = strings.Split(text, ",")
		l.known[text] = words
	}
	return words
}

// all is every value of a keyword that may stand several times; "none" ends up
// as no value.
func (d dump) all(keyword string) []string {
	var values []string
	for _, v := range d[keyword] {
		if v != "" && !strings.EqualFold(v, "none") {
			values = append(values, v)
		}
	}
	return values
}

// paths splits a list of files. ssh joins them with spaces and quotes nothing,
// so a word that is no absolute path belongs to the one before it.
func (d dump) paths(keyword string) []string {
	var files []string
	for _, word := range strings.Split(d.one(keyword), " ") {
		absolute := strings.HasPrefix(word, "/") || strings.HasPrefix(word, "~") || len(word) > 2 && word[1] == ':' || strings.HasPrefix(word, `\\`)
		switch {
		case len(files) > 0 && !absolute:
			files[len(files)-1] += " " + word
		case word != "":
			files = append(files, word)
		}
	}
	return files
}

// settings turns the dump into Settings; raw fields still hold the tokens that
// `ssh -G` leaves in.
func (d dump) settings(host string, l *lists) (*Settings, error) {
	s := &Settings{
		Host: host, HostName: d.one("hostname"), User: d.one("user"), Port: d.number("port", 22),
		AddressFamily: d.one("addressfamily"), BindAddress: d.one("bindaddress"), BindInterface: d.one("bindinterface"),
		IdentityFiles: d.all("identityfile"), CertificateFiles: d.all("certificatefile"), IdentitiesOnly: d.yes("identitiesonly", false),
		PasswordPrompts: d.number("numberofpasswordprompts", 3), BatchMode: d.yes("batchmode", false),
		RequiredRSASize: d.number("requiredrsasize", 0),
		ProxyJump:       d.one("proxyjump"), ProxyCommand: d.one("proxycommand"), ProxyUseFdpass: d.yes("proxyusefdpass", false),
		ControlPath: d.one("controlpath"), PKCS11Provider: d.one("pkcs11provider"),
		GSSAPI: d.yes("gssapiauthentication", false), Hostbased: d.yes("hostbasedauthentication", false),
		ConnectAttempts:     d.number("connectionattempts", 1),
		UserKnownHostsFiles: d.paths("userknownhostsfile"), GlobalKnownHostsFiles: d.paths("globalknownhostsfile"),
		KnownHostsCommand: d.one("knownhostscommand"), RevokedHostKeys: d.one("revokedhostkeys"), HostKeyAlias: strings.ToLower(d.one("hostkeyalias")),
		HashKnownHosts: d.yes("hashknownhosts", false), NoLocalhostAuth: d.yes("nohostauthenticationforlocalhost", false),
		HostKeyAlgorithms: d.list("hostkeyalgorithms", l), KexAlgorithms: d.list("kexalgorithms", l), Ciphers: d.list("ciphers", l), MACs: d.list("macs", l),
		PubkeyAcceptedAlgorithms: d.list("pubkeyacceptedalgorithms", l), CASignatureAlgorithms: d.list("casignaturealgorithms", l),
		ConnectTimeout:      time.Duration(d.number("connecttimeout", 0)) * time.Second,
		ServerAliveInterval: time.Duration(d.number("serveraliveinterval", 0)) * time.Second,
		ServerAliveCountMax: d.number("serveralivecountmax", 3),
	}
	if s.PubkeyAcceptedAlgorithms == nil {
		// Its name before OpenSSH 8.5.
		s.PubkeyAcceptedAlgorithms = d.list("pubkeyacceptedkeytypes", l)
	}
	if agent := d["identityagent"]; len(agent) > 0 {
		s.IdentityAgent = agent[0]
	}
	if limit, _, _ := strings.Cut(d.one("rekeylimit"), " "); limit != "" {
		s.RekeyBytes, _ = strconv.ParseUint(limit, 10, 64)
	}
	s.StrictHostKeyChecking = strict(d.one("stricthostkeychecking"))
	s.Preferred = d.preferred(l)
	if s.HostName == "" || s.User == "" || s.Port < 1 || s.Port > 65535 {
		return nil, fmt.Errorf("ssh -G named no host name, user or port for %s", host)
	}
	return s, nil
}

// strict maps the spellings of StrictHostKeyChecking to four words.
func strict(value string) string {
	switch strings.ToLower(value) {
	case "yes", "true":
		return "yes"
	case "no", "false", "off":
		return "no"
	case "accept-new":
		return "accept-new"
	}
	return "ask"
}

// preferred is PreferredAuthentications, or OpenSSH's order, less the methods
// that are switched off.
func (d dump) preferred(l *lists) []string {
	order := d.list("preferredauthentications", l)
	if order == nil {
		order = []string{"gssapi-with-mic", "hostbased", "publickey", "keyboard-interactive", "password"}
	}
	on := map[string]bool{
		"gssapi-with-mic": d.yes("gssapiauthentication", false),
		"hostbased":       d.yes("hostbasedauthentication", false),
		// PubkeyAuthentication is also "unbound" and "host-bound".
		"publickey":            d.one("pubkeyauthentication") == "" || !isNo(d.one("pubkeyauthentication")),
		"keyboard-interactive": d.yes("kbdinteractiveauthentication", d.yes("challengeresponseauthentication", true)),
		"password":             d.yes("passwordauthentication", true),
	}
	var kept []string
	for _, method := range order {
		if on[method] {
			kept = append(kept, method)
		}
	}
	return kept
}

func isNo(value string) bool {
	return strings.EqualFold(value, "no") || strings.EqualFold(value, "false")
}
