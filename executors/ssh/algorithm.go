package ssh

import (
	"slices"
	"strings"
	"sync"

	cryptossh "golang.org/x/crypto/ssh"
)

// algorithms are the configured lists as far as the library has them.
type algorithms struct {
	kex, ciphers, macs, hostKeys []string
	// missing names the settings of which nothing is left.
	missing []string
}

// offers are what the library implements of configured lists, by where these lie:
// hosts share them.
type offers struct {
	mu    sync.Mutex
	known map[[4]*string]algorithms
}

// of is what s.supported says, worked out once for all hosts with the same lists.
func (o *offers) of(s *Settings) algorithms {
	first := func(list []string) *string {
		if len(list) == 0 {
			return nil
		}
		return &list[0]
	}
	key := [4]*string{first(s.KexAlgorithms), first(s.Ciphers), first(s.MACs), first(s.HostKeyAlgorithms)}
	o.mu.Lock()
	defer o.mu.Unlock()
	a, ok := o.known[key]
	if !ok {
		if o.known == nil {
			o.known = map[[4]*string]algorithms{}
		}
		a = s.supported()
		o.known[key] = a
	}
	return a
}

// supported keeps of the configured lists what the library implements, in the
// configured order. OpenSSH's default lists hold some that it lacks.
func (s *Settings) supported() algorithms {
	safe, weak := cryptossh.SupportedAlgorithms(), cryptossh.InsecureAlgorithms()
	var a algorithms
	keep := func(setting string, configured, have, more []string) []string {
		if len(configured) == 0 {
			return have
		}
		var kept []string
		for _, name := range configured {
			if slices.Contains(have, name) || slices.Contains(more, name) {
				kept = append(kept, name)
			}
		}
		if kept == nil {
			a.missing = append(a.missing, setting)
		}
		return kept
	}
	a.kex = keep("KexAlgorithms", s.KexAlgorithms, safe.KeyExchanges, weak.KeyExchanges)
	a.ciphers = keep("Ciphers", s.Ciphers, safe.Ciphers, weak.Ciphers)
	a.macs = keep("MACs", s.MACs, safe.MACs, weak.MACs)
	a.hostKeys = keep("HostKeyAlgorithms", s.HostKeyAlgorithms, safe.HostKeys, weak.HostKeys)
	return a
}

// preferKnown moves the algorithms of keys that known_hosts has for the host
// to the front, as ssh does: a host with several keys then shows the one that
// can be checked. Certificates come first when an authority is known.
func preferKnown(list []string, types []string, authority bool) []string {
	rank := func(algorithm string) int {
		plain := strings.TrimSuffix(algorithm, "-cert-v01@openssh.com")
		switch {
		case plain != algorithm:
			if authority {
				return 0
			}
			return 2
		case slices.Contains(types, keyType(algorithm)):
			return 1
		}
		return 3
	}
	if !authority && len(types) == 0 {
		return list
	}
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, func(a, b string) int { return rank(a) - rank(b) })
	return sorted
}

// keyType is the type of key that a host key algorithm uses.
func keyType(algorithm string) string {
	if algorithm == cryptossh.KeyAlgoRSASHA256 || algorithm == cryptossh.KeyAlgoRSASHA512 {
		return cryptossh.KeyAlgoRSA
	}
	return algorithm
}

// signing keeps of the configured signature algorithms those that a key of
// this format can make, in the configured order; nil if none.
func signing(format string, configured []string) []string {
	base := strings.TrimSuffix(format, "-cert-v01@openssh.com")
	candidates := []string{base}
	switch base {
	case cryptossh.KeyAlgoRSA:
		candidates = []string{cryptossh.KeyAlgoRSASHA512, cryptossh.KeyAlgoRSASHA256, cryptossh.KeyAlgoRSA}
	case "sk-ssh-ed25519", "sk-ecdsa-sha2-nistp256":
		// The certificate formats of security keys lose their suffix above.
		candidates = []string{base + "@openssh.com"}
	}
	if len(configured) == 0 {
		return candidates
	}
	var kept []string
	for _, name := range configured {
		if base != format {
			// The list names certificates apart; what signs is the plain one.
			plain, isCert := strings.CutSuffix(name, "-cert-v01@openssh.com")
			if !isCert {
				continue
			}
			name = plain
			if strings.HasPrefix(name, "sk-") {
				name += "@openssh.com"
			}
		}
		if slices.Contains(candidates, name) {
			kept = append(kept, name)
		}
	}
	return kept
}
