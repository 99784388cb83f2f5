//go:build !release

package main

import (
	"embed"
	"io/fs"
)

// embedded is the folder of the agents inside this program: release builds
// (make release) have some.
func embedded() fs.FS { return embed.FS{} }
