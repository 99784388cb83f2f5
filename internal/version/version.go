// Package version is the version of the programs of this module.
package version

import "runtime/debug"

// Version is set by the build (-ldflags "-X stet/internal/version.Version=v1.2.3").
var Version = ""

// String returns Version, or what the Go toolchain knows about the build, or
// "unknown".
func String() string {
	if Version != "" {
		return Version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "unknown"
	}
	return info.Main.Version
}
