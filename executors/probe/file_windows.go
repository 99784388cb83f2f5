package probe

import "io/fs"

// owner is not known by name here.
func owner(fs.FileInfo) (name, group string) { return "", "" }
