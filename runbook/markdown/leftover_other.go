//go:build !linux

package markdown

import (
	"fmt"
	"os"
)

func process() string { return fmt.Sprintf("0-%d-", os.Getpid()) }

// lives knows nothing: the age of the file decides.
func lives(string) (known, alive bool) { return false, false }

func ours(_, _ os.FileInfo) bool { return true }
