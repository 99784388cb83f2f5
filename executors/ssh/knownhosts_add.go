package ssh

import (
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	cryptossh "golang.org/x/crypto/ssh"
)

// add writes a host's key to a known_hosts file, with the name hashed if asked.
// The file and its folder are made for this user only where they are missing.
func (k *knownHosts) add(path, name string, key cryptossh.PublicKey, hashed bool) error {
	line := name
	if hashed {
		salt := make([]byte, sha1.Size)
		if _, err := rand.Read(salt); err != nil {
			return err
		}
		encode := base64.StdEncoding.EncodeToString
		line = "|1|" + encode(salt) + "|" + encode(hashHost(salt, name))
	}
	line += " " + strings.TrimSpace(string(cryptossh.MarshalAuthorizedKey(key))) + "\n"

	k.mu.Lock()
	defer k.mu.Unlock()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if open, err := endsOpen(f); err != nil {
		return errors.Join(fmt.Errorf("reading %s: %w", path, err), f.Close())
	} else if open {
		line = "\n" + line
	}
	// One write, so that lines of programs that add at once do not mix.
	_, err = f.WriteString(line)
	return errors.Join(err, f.Close())
}

// endsOpen tells whether a file's last line lacks its end.
func endsOpen(f *os.File) (bool, error) {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return false, err
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, info.Size()-1); err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	return last[0] != '\n', nil
}
