//go:build release

package main

import (
	"embed"
	"io/fs"
)

// agentFiles are put there by scripts/release.
//
//go:embed agents/*.gz
var agentFiles embed.FS

// embedded is the folder of the agents inside this program.
func embedded() fs.FS {
	folder, err := fs.Sub(agentFiles, "agents")
	if err != nil {
		return embed.FS{} // the name is valid
	}
	return folder
}
