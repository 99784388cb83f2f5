package ssh

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"sync"

	cryptossh "golang.org/x/crypto/ssh"
)

// keyFiles reads private keys, each file once for all hosts.
type keyFiles struct {
	mu    sync.Mutex
	files map[string]*keyFile
	// declared are passphrases that every encrypted key is tried with.
	declared []string
}

// keyFile is one private key on disk. Its passphrase is asked when a host
// would take the key, and then serves all hosts.
type keyFile struct {
	path   string
	public cryptossh.PublicKey // nil where only the decrypted file tells

	declared []string // passphrases

	mu     sync.Mutex
	signer cryptossh.Signer
	text   []byte // while encrypted
	err    error  // why the file is no use
}

// maxKeyFile is more than any key takes.
const maxKeyFile = 1 << 20

func (k *keyFiles) open(path string) (*keyFile, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if f := k.files[path]; f != nil {
		return f, nil
	}
	f, err := readKey(path)
	if err != nil {
		return nil, err
	}
	f.declared = k.declared
	if k.files == nil {
		k.files = map[string]*keyFile{}
	}
	k.files[path] = f
	return f, nil
}

func readKey(path string) (*keyFile, error) {
	text, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	f := &keyFile{path: path}
	if public, err := readPublic(path + ".pub"); err == nil {
		f.public = public
	}
	var missing *cryptossh.PassphraseMissingError
	f.signer, err = cryptossh.ParsePrivateKey(text)
	switch {
	case err == nil:
		f.public = f.signer.PublicKey()
	case errors.As(err, &missing):
		f.text = text
		if missing.PublicKey != nil {
			f.public = missing.PublicKey
		}
	case strings.Contains(err.Error(), "no key found"):
		// A public key: the private one is in the agent.
		if public, perr := parsePublic(text); perr == nil {
			f.public, f.err = public, errors.New("its private key is not in the agent")
			return f, nil
		}
		f.err = err
	default:
		f.err = err
	}
	if err := checkMode(path); err != nil {
		f.signer, f.text, f.err = nil, nil, err
	}
	return f, nil
}

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err == nil && len(text) > maxKeyFile {
		err = fmt.Errorf("%s is too large for a key", path)
	}
	return text, err
}

// checkMode refuses a private key that others can read, as ssh does.
func checkMode(path string) error {
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS == "windows" {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("others can read it (mode %04o): chmod 600 %s", mode, path)
	}
	return nil
}

func readPublic(path string) (cryptossh.PublicKey, error) {
	text, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	return parsePublic(text)
}

func parsePublic(text []byte) (cryptossh.PublicKey, error) {
	key, _, _, _, err := cryptossh.ParseAuthorizedKey(text)
	return key, err
}

func readCertificate(path string) (*cryptossh.Certificate, error) {
	key, err := readPublic(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("reading the certificate %s: %w", path, err)
	}
	cert, ok := key.(*cryptossh.Certificate)
	if !ok {
		return nil, fmt.Errorf("reading the certificate %s: it is a plain key", path)
	}
	return cert, nil
}

// unlock decrypts the key: with a declared passphrase, or asking up to attempts
// times.
func (f *keyFile) unlock(ctx context.Context, attempts int, ask func(context.Context, Question) (string, error)) (cryptossh.Signer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.signer != nil || f.err != nil {
		return f.signer, f.err
	}
	for _, passphrase := range f.declared {
		if done, err := f.decrypt(passphrase); done {
			return f.signer, err
		}
	}
	q := Question{Kind: Passphrase, File: f.path, Text: "the passphrase of " + f.path}
	if len(f.declared) > 0 {
		q.Text += " (no declared one opens it)"
	}
	for q.Attempt = 1; q.Attempt <= max(attempts, 1); q.Attempt++ {
		answer, err := ask(ctx, q)
		if err != nil {
			if ctx.Err() == nil {
				// The same for every other host that would ask now.
				f.err = nobody("hosts with "+f.path, q, err)
				return nil, f.err
			}
			return nil, err
		}
		if done, err := f.decrypt(answer); done {
			return f.signer, err
		}
	}
	f.err = errors.New("the passphrase was wrong")
	return nil, f.err
}

// decrypt tries a passphrase; done tells that another one need not be.
func (f *keyFile) decrypt(passphrase string) (done bool, err error) {
	signer, err := cryptossh.ParsePrivateKeyWithPassphrase(f.text, []byte(passphrase))
	switch {
	case err == nil:
		f.signer, f.text = signer, nil
		return true, nil
	case errors.Is(err, x509.IncorrectPasswordError):
		return false, nil
	}
	f.err = err
	return true, err
}

// sameKey tells whether two keys, or the keys inside certificates, are one.
func sameKey(a, b cryptossh.PublicKey) bool {
	if a == nil || b == nil {
		return false
	}
	return bytes.Equal(bare(a).Marshal(), bare(b).Marshal())
}

func bare(k cryptossh.PublicKey) cryptossh.PublicKey {
	if cert, ok := k.(*cryptossh.Certificate); ok {
		return cert.Key
	}
	return k
}
