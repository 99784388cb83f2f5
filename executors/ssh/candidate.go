package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	cryptossh "golang.org/x/crypto/ssh"
)

// candidate is a key to offer a host.
type candidate struct {
	name   string // for the report: a path, or a fingerprint in the agent
	signer cryptossh.Signer
	// file is set where the key must be read, or unlocked, first; cert then
	// goes with it.
	file *keyFile
	cert *cryptossh.Certificate
}

// candidates lists the keys for a host in ssh's order: certificates that the
// settings name, keys of the agent that they name, other keys of the agent,
// keys that are only in files. Notes say what was left out and why.
func (a *authentication) candidates() (keys []candidate, notes []string) {
	s := a.settings
	inAgent, err := a.agents.signers(s.socket())
	if err != nil {
		notes = append(notes, "ssh-agent: "+err.Error())
	}
	files, certs, notes := a.readFiles(notes)

	used := make([]bool, len(inAgent))
	var named, other, onDisk, certified []candidate
	for _, f := range files {
		i := slices.IndexFunc(inAgent, func(k cryptossh.Signer) bool {
			_, isCert := k.PublicKey().(*cryptossh.Certificate)
			return !isCert && sameKey(k.PublicKey(), f.public)
		})
		c := candidate{name: f.path, file: f}
		if i >= 0 {
			c, used[i] = candidate{name: f.path + " (agent)", signer: inAgent[i]}, true
		}
		for _, cert := range certs {
			if sameKey(cert.Key, f.public) {
				with := c
				with.cert, with.name = cert, c.name+" with its certificate"
				certified = append(certified, with)
			}
		}
		switch {
		case i >= 0:
			named = append(named, c)
		case f.err != nil:
			notes = append(notes, f.path+": "+f.err.Error())
			a.odd = a.odd || f.public != nil && isSecurityKey(f.public)
		default:
			onDisk = append(onDisk, c)
		}
	}
	for i, k := range inAgent {
		fingerprint := cryptossh.FingerprintSHA256(k.PublicKey())
		for _, cert := range certs {
			if _, isCert := k.PublicKey().(*cryptossh.Certificate); !isCert && !used[i] && sameKey(cert.Key, k.PublicKey()) {
				certified = append(certified, candidate{name: fingerprint + " (agent) with its certificate", signer: k, cert: cert})
			}
		}
		if !used[i] && (!s.IdentitiesOnly || isNamed(k.PublicKey(), files)) {
			other = append(other, candidate{name: fingerprint + " (agent)", signer: k})
		}
	}
	certified = slices.DeleteFunc(certified, func(c candidate) bool { return c.file != nil && c.file.err != nil })
	return slices.Concat(certified, named, other, onDisk), notes
}

// isNamed tells whether a certificate in the agent belongs to a file that the
// settings name.
func isNamed(key cryptossh.PublicKey, files []*keyFile) bool {
	return slices.ContainsFunc(files, func(f *keyFile) bool { return sameKey(key, f.public) })
}

// readFiles reads the identity files and certificates that exist.
func (a *authentication) readFiles(notes []string) ([]*keyFile, []*cryptossh.Certificate, []string) {
	var files []*keyFile
	var certs []*cryptossh.Certificate
	s := a.settings
	for _, path := range s.IdentityFiles {
		f, err := a.keys.open(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			// The private key may be in the agent only.
			if public, err := readPublic(path + ".pub"); err == nil {
				files = append(files, &keyFile{path: path, public: public, err: errors.New("its private key is not in the agent")})
			}
		case err != nil:
			notes = append(notes, err.Error())
		default:
			files = append(files, f)
		}
		if cert, err := readCertificate(path + "-cert.pub"); err == nil {
			certs = append(certs, cert)
		}
	}
	for _, path := range s.CertificateFiles {
		cert, err := readCertificate(path)
		if err != nil {
			notes = append(notes, err.Error())
			continue
		}
		certs = append(certs, cert)
	}
	now := uint64(a.now().Unix())
	for _, cert := range certs {
		if cert.ValidBefore != cryptossh.CertTimeInfinity && now >= cert.ValidBefore {
			a.expired = append(a.expired, fmt.Sprintf("your certificate %s expired at %s", quoted(cert.KeyId), stamp(cert.ValidBefore)))
		}
	}
	return files, certs, notes
}

func isSecurityKey(k cryptossh.PublicKey) bool {
	t := bare(k).Type()
	return t == cryptossh.KeyAlgoSKED25519 || t == cryptossh.KeyAlgoSKECDSA256
}

// ready returns the signer of a candidate; its private part is unlocked only
// when a host has accepted the public one.
func (a *authentication) ready(ctx context.Context, c candidate) (cryptossh.Signer, error) {
	signer := c.signer
	if signer == nil {
		if c.file.public == nil {
			// Nothing can be offered before the file is decrypted.
			s, err := c.file.unlock(ctx, a.settings.PasswordPrompts, a.ask)
			if err != nil {
				return nil, err
			}
			signer = s
		} else {
			signer = &lazy{ctx: ctx, a: a, file: c.file}
		}
	}
	if c.cert != nil {
		s, err := cryptossh.NewCertSigner(c.cert, signer)
		if err != nil {
			return nil, err
		}
		signer = s
	}
	format := signer.PublicKey().Type()
	allowed := signing(format, a.settings.PubkeyAcceptedAlgorithms)
	if len(allowed) == 0 {
		return nil, fmt.Errorf("PubkeyAcceptedAlgorithms has no algorithm for a key of type %s", format)
	}
	by, ok := signer.(cryptossh.AlgorithmSigner)
	if !ok {
		return signer, nil
	}
	return cryptossh.NewSignerWithAlgorithms(by, allowed)
}

// lazy signs with a key file, which it unlocks at the first signature.
type lazy struct {
	ctx  context.Context
	a    *authentication
	file *keyFile
}

// PublicKey implements ssh.Signer.
func (l *lazy) PublicKey() cryptossh.PublicKey { return l.file.public }

// Sign implements ssh.Signer.
func (l *lazy) Sign(rand io.Reader, data []byte) (*cryptossh.Signature, error) {
	return l.SignWithAlgorithm(rand, data, "")
}

// SignWithAlgorithm implements ssh.AlgorithmSigner.
func (l *lazy) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*cryptossh.Signature, error) {
	signer, err := l.file.unlock(l.ctx, l.a.settings.PasswordPrompts, l.a.ask)
	if err != nil {
		l.a.locked(l.file.path, err)
		return nil, err
	}
	by, ok := signer.(cryptossh.AlgorithmSigner)
	if !ok || algorithm == "" {
		return signer.Sign(rand, data)
	}
	return by.SignWithAlgorithm(rand, data, algorithm)
}

func (a *authentication) now() time.Time { return a.clock() }
