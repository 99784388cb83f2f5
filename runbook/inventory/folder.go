package inventory

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ignored are ends of names that are no inventories in a folder of them.
var ignored = []string{"~", ".orig", ".bak", ".ini", ".cfg", ".retry", ".pyc", ".pyo", ".rpm", ".md", ".txt", ".swp"}

// load reads a file or a folder, and the variables beside it.
func (g *graph) load(path string) {
	info, err := os.Stat(path)
	if err != nil {
		g.fault(path, 0, "%s", plain(err))
		return
	}
	beside := path
	if info.IsDir() {
		g.folder(path, 0)
	} else {
		beside = filepath.Dir(path)
		g.file(path)
	}
	for _, name := range slices.Clone(g.groupOrder) {
		g.beside(filepath.Join(beside, "group_vars"), name, g.groups[name].extra)
	}
	for _, name := range g.order {
		g.beside(filepath.Join(beside, "host_vars"), name, g.hosts[name].extra)
	}
}

// plain is an error of the file system without the path, which stands before
// it anyway.
func plain(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// read reads a regular file, within bounds.
func (g *graph) read(path string) ([]byte, bool) {
	src, err := ReadFile(path)
	if err != nil {
		g.fault(path, 0, "%s", plain(err))
		return nil, false
	}
	return src, true
}

// ReadFile reads a regular file of at most 16 MiB: a document names files, and
// what it names may as well be a device.
func ReadFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is no regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(src) > maxFile {
		err = fmt.Errorf("it is larger than %d MiB", maxFile>>20)
	}
	return src, err
}

func (g *graph) file(path string) {
	src, ok := g.read(path)
	if !ok {
		return
	}
	if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 && strings.HasPrefix(string(src), "#!") {
		g.fault(path, 0, "it is a program, and stet runs no inventories; use what `ansible-inventory --list --yaml` prints")
		return
	}
	g.parse(path, src)
}

// folder reads all inventories in a folder, in the order of their names.
func (g *graph) folder(path string, depth int) {
	entries, err := os.ReadDir(path)
	if err != nil || depth > maxDepth {
		g.fault(path, 0, "reading the folder: %s", plain(cmpErr(err)))
		return
	}
	for _, e := range entries {
		name := e.Name()
		if name[0] == '.' || name == "group_vars" || name == "host_vars" ||
			slices.ContainsFunc(ignored, func(end string) bool { return strings.HasSuffix(name, end) }) {
			continue
		}
		if full := filepath.Join(path, name); e.IsDir() {
			g.folder(full, depth+1)
		} else {
			g.file(full)
		}
	}
}

func cmpErr(err error) error {
	if err == nil {
		return errors.New("folders stand within each other too deeply")
	}
	return err
}

// beside reads the variables of a group or host from a folder: a file of its
// name, or all files in a folder of its name.
func (g *graph) beside(folder, name string, vars map[string]any) {
	if strings.ContainsAny(name, "/\\\x00") || name == "." || name == ".." {
		return
	}
	path := filepath.Join(folder, name)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		g.varFolder(path, vars, 0)
		return
	}
	for _, end := range []string{"", ".yml", ".yaml", ".json"} {
		if info, err := os.Stat(path + end); err == nil && !info.IsDir() {
			g.varFile(path+end, vars)
			return
		}
	}
}

func (g *graph) varFolder(path string, vars map[string]any, depth int) {
	entries, err := os.ReadDir(path)
	if err != nil || depth > maxDepth {
		g.fault(path, 0, "reading the folder: %s", plain(cmpErr(err)))
		return
	}
	for _, e := range entries {
		full := filepath.Join(path, e.Name())
		switch {
		case e.Name()[0] == '.' || strings.HasSuffix(e.Name(), "~"):
		case e.IsDir():
			g.varFolder(full, vars, depth+1)
		case isYAML(e.Name()) || filepath.Ext(e.Name()) == "":
			g.varFile(full, vars)
		}
	}
}

func (g *graph) varFile(path string, vars map[string]any) {
	src, ok := g.read(path)
	if !ok {
		return
	}
	if f, ok := g.document(path, src); ok {
		maps.Copy(vars, g.vars(f, f.root))
	}
}
