package ssh

import (
	"bytes"
	"context"
	"crypto/rsa"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	cryptossh "golang.org/x/crypto/ssh"

	"stet/executors"
)

// hostKey decides whether a host is the one it should be.
type hostKey struct {
	settings *Settings
	known    *knownHosts
	// ask puts a question to the operator; the handshake's clock rests
	// meanwhile.
	ask func(context.Context, Question) (string, error)
	now func() time.Time
}

// lines are the entries of all known_hosts files under the host's name.
func (h *hostKey) lines() ([]*hostLine, error) {
	files := slices.Concat(h.settings.UserKnownHostsFiles, h.settings.GlobalKnownHostsFiles)
	lines, err := h.known.lookup(files, h.settings.hostKeyName())
	if err != nil {
		return nil, &executors.Error{Code: "permission", Op: "reading known_hosts for " + h.settings.Host, Err: err}
	}
	return lines, nil
}

// order sorts host key algorithms so that a key which can be checked comes
// first.
func (h *hostKey) order(list []string) ([]string, error) {
	lines, err := h.lines()
	if err != nil {
		return nil, err
	}
	var types []string
	authority := false
	for _, l := range lines {
		switch l.marker {
		case "":
			types = append(types, l.keyType)
		case "@cert-authority":
			authority = true
		}
	}
	return preferKnown(list, types, authority), nil
}

// verify accepts a host key or says why not.
func (h *hostKey) verify(ctx context.Context, remote net.Addr, key cryptossh.PublicKey) error {
	s := h.settings
	if s.NoLocalhostAuth && loopback(remote) {
		return nil
	}
	lines, err := h.lines()
	if err != nil {
		return err
	}
	if err := h.revoked(lines, key); err != nil {
		return err
	}
	if cert, ok := key.(*cryptossh.Certificate); ok {
		if trusted(lines, cert.SignatureKey) {
			return h.certificate(cert)
		}
		// As ssh does: a certificate of an authority that is not known counts
		// as the plain key in it.
		key = cert.Key
	}
	if err := h.size(key); err != nil {
		return err
	}
	if has(lines, "", key) {
		return nil
	}
	if s.HostKeyAlias == "" && s.Port != 22 {
		// ssh also takes a key that is listed without the port.
		plain := *s
		plain.Port = 22
		if others, err := (&hostKey{settings: &plain, known: h.known}).lines(); err == nil && has(others, "", key) {
			return h.revoked(others, key)
		}
	}
	if l := changed(lines, key); l != nil {
		return h.refuseChanged(l, key)
	}
	return h.unknown(ctx, lines, key)
}

func loopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

func has(lines []*hostLine, marker string, key cryptossh.PublicKey) bool {
	wire := key.Marshal()
	return slices.ContainsFunc(lines, func(l *hostLine) bool { return l.marker == marker && bytes.Equal(l.key, wire) })
}

func trusted(lines []*hostLine, authority cryptossh.PublicKey) bool {
	return authority != nil && has(lines, "@cert-authority", authority)
}

// changed finds the line with another key of the same type.
func changed(lines []*hostLine, key cryptossh.PublicKey) *hostLine {
	for _, l := range lines {
		if l.marker == "" && l.keyType == key.Type() {
			return l
		}
	}
	return nil
}

// size holds RSA host keys to RequiredRSASize.
func (h *hostKey) size(key cryptossh.PublicKey) error {
	c, ok := key.(cryptossh.CryptoPublicKey)
	if !ok {
		return nil
	}
	if k, ok := c.CryptoPublicKey().(*rsa.PublicKey); ok && k.N.BitLen() < h.settings.RequiredRSASize {
		return refuse("host-key", h.settings.Host,
			fmt.Sprintf("its RSA host key has %d bits, fewer than RequiredRSASize asks (%d)", k.N.BitLen(), h.settings.RequiredRSASize),
			"give the host a larger key or an Ed25519 one")
	}
	return nil
}

// revoked refuses keys that are marked @revoked or listed in RevokedHostKeys,
// and certificates whose key or authority is.
func (h *hostKey) revoked(lines []*hostLine, key cryptossh.PublicKey) error {
	suspects := []cryptossh.PublicKey{key}
	if cert, ok := key.(*cryptossh.Certificate); ok {
		suspects = append(suspects, cert.Key, cert.SignatureKey)
	}
	listed, err := revokedKeys(h.settings.RevokedHostKeys)
	if err != nil {
		// As ssh does: without the list no key can be trusted.
		return refuse("host-key", h.settings.Host, "the list of revoked keys cannot be read: "+err.Error(), "mend RevokedHostKeys in ssh_config")
	}
	for _, k := range suspects {
		if k != nil && (has(lines, "@revoked", k) || listed[string(k.Marshal())]) {
			return refuse("host-key", h.settings.Host, "its "+k.Type()+" key "+cryptossh.FingerprintSHA256(k)+" has been revoked",
				"do not connect; ask who runs the host why the key was revoked and which one replaces it")
		}
	}
	return nil
}

// krlMagic begins a binary key revocation list, which only OpenSSH reads.
const krlMagic = "SSHKRL\n\x00"

// revokedKeys reads RevokedHostKeys: public keys, one a line.
func revokedKeys(path string) (map[string]bool, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	keys := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, _, _, _, err := cryptossh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			return nil, fmt.Errorf("%s holds a line that is no public key", path)
		}
		keys[string(key.Marshal())] = true
	}
	return keys, nil
}

// certificate checks a host certificate of a known authority.
func (h *hostKey) certificate(cert *cryptossh.Certificate) error {
	s, now := h.settings, uint64(h.now().Unix())
	bad := func(code, why, remedy string) error {
		return refuse(code, s.Host, "its host certificate "+quoted(cert.KeyId)+" "+why, remedy)
	}
	switch {
	case cert.CertType != cryptossh.HostCert:
		return bad("host-key", "is not one for hosts", "have the authority sign the key with ssh-keygen -h")
	case cert.ValidBefore != cryptossh.CertTimeInfinity && now >= cert.ValidBefore:
		return bad("expired", "expired at "+stamp(cert.ValidBefore), "renew it on the host; check this machine's clock: it says "+h.now().UTC().Format(time.RFC3339))
	case now < cert.ValidAfter:
		return bad("expired", "is not valid before "+stamp(cert.ValidAfter), "check this machine's clock: it says "+h.now().UTC().Format(time.RFC3339))
	case len(cert.ValidPrincipals) > 0 && !slices.Contains(cert.ValidPrincipals, s.principal()):
		return bad("host-key", "is for "+quoted(strings.Join(cert.ValidPrincipals, ", "))+" and not for "+s.principal(),
			"use the name that the certificate carries, or set HostKeyAlias")
	case len(s.CASignatureAlgorithms) > 0 && (cert.Signature == nil || !slices.Contains(s.CASignatureAlgorithms, cert.Signature.Format)):
		return bad("host-key", "is signed with an algorithm that CASignatureAlgorithms does not allow", "sign it again with a stronger algorithm")
	}
	checker := cryptossh.CertChecker{Clock: h.now}
	if err := checker.CheckCert(s.principal(), cert); err != nil {
		return bad("host-key", "is not valid: "+strings.TrimPrefix(err.Error(), "ssh: "), "have the authority sign the host's key again")
	}
	return h.size(cert.Key)
}

func quoted(text string) string { return "“" + visible(text) + "”" }

func stamp(seconds uint64) string {
	return time.Unix(int64(min(seconds, 1<<40)), 0).UTC().Format(time.RFC3339)
}

func (h *hostKey) refuseChanged(l *hostLine, key cryptossh.PublicKey) error {
	s := h.settings
	was := "unreadable"
	if k, err := cryptossh.ParsePublicKey(l.key); err == nil {
		was = cryptossh.FingerprintSHA256(k)
	}
	return refuse("host-key", s.Host,
		fmt.Sprintf("THE HOST KEY HAS CHANGED: known_hosts has the %s key %s (%s, line %d), the host shows %s; it may have been reinstalled, or somebody stands between",
			l.keyType, was, l.file, l.line, cryptossh.FingerprintSHA256(key)),
		"ask who runs the host; if the new key is right: ssh-keygen -R '"+s.hostKeyName()+"' -f "+l.file)
}

// unknown handles a key that is not in known_hosts, by StrictHostKeyChecking.
func (h *hostKey) unknown(ctx context.Context, lines []*hostLine, key cryptossh.PublicKey) error {
	s, print := h.settings, cryptossh.FingerprintSHA256(key)
	var others []string
	for _, l := range lines {
		if l.marker == "" {
			others = append(others, fmt.Sprintf("%s (%s, line %d)", l.keyType, l.file, l.line))
		}
	}
	switch {
	case s.StrictHostKeyChecking == "yes":
		return refuse("host-key", s.Host, "its "+key.Type()+" key "+print+" is not in known_hosts, and StrictHostKeyChecking is yes",
			"compare the fingerprint with the host's own (ssh-keygen -lf) and add the key to known_hosts")
	case s.StrictHostKeyChecking == "accept-new" && len(others) > 0:
		// Taking it would let anyone pass who offers a type not seen before.
		return refuse("host-key", s.Host, "it shows a "+key.Type()+" key "+print+", but known_hosts has other keys of it: "+strings.Join(others, ", "),
			"ask who runs the host; if the new key is right, add it to known_hosts")
	case s.StrictHostKeyChecking == "accept-new":
		return h.remember(key)
	}
	q := Question{Kind: HostKey, Host: s.Host, User: s.User, Fingerprint: print, KeyType: key.Type(), Known: others, Attempt: 1, Echo: true,
		Text: "the " + key.Type() + " key " + print + " of " + s.hostKeyName() + " is not known"}
	answer, err := h.ask(ctx, q)
	if err != nil {
		e := nobody(s.Host, q, err)
		e.Code = "host-key"
		return e
	}
	if answer = strings.TrimSpace(answer); !strings.EqualFold(answer, "yes") && answer != print {
		return refuse("host-key", s.Host, "its "+key.Type()+" key "+print+" was not accepted", "")
	}
	return h.remember(key)
}

// remember adds the key to the user's first known_hosts file.
func (h *hostKey) remember(key cryptossh.PublicKey) error {
	s := h.settings
	if len(s.UserKnownHostsFiles) == 0 {
		return nil
	}
	path := s.UserKnownHostsFiles[0]
	if path == os.DevNull {
		return nil
	}
	if err := h.known.add(path, s.hostKeyName(), key, s.HashKnownHosts); err != nil {
		return &executors.Error{Code: "permission", Op: "connecting to " + s.Host, Err: err,
			Message: "its new host key cannot be added to known_hosts: " + err.Error(), Remedy: "make " + path + " writable, or add the key yourself"}
	}
	return nil
}
