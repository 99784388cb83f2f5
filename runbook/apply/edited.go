package apply

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"stet/runbook/journal"
)

// replacedByHand says that a result in which somebody had written was replaced.
func replacedByHand(name, file string) string {
	what := "the report"
	if name != "" {
		what = "the result of " + name
	}
	return fmt.Sprintf("Somebody wrote into %s by hand: it was replaced, and what stood there is kept in %s.", what, file)
}

// keepEdited puts what somebody wrote into a result into a file, before the result
// is replaced. It lies in the folder of the document's operations, since a look at
// the checks has none of its own; each text has a file.
func (x *operation) keepEdited(name string, text []byte) (file string, err error) {
	folder, err := journal.Folder(x.o.StateDir, x.d.Path)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("keeping what was written into a result by hand: %w", err)
	}
	if name == "" {
		name = "report"
	}
	hash := sha256.Sum256(text)
	file = filepath.Join(folder, "edited-"+plain(name)+"-"+hex.EncodeToString(hash[:6])+".md")
	if err := writeSynced(file, text); err != nil {
		return "", fmt.Errorf("keeping what was written into a result by hand: %w", err)
	}
	return file, nil
}

func writeSynced(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.Write(text); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
