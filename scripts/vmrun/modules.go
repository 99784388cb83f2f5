package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// early are the modules that the machine needs before it sees this host's
// files. Some kernels have some of them built in.
var early = []string{"virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay"}

// loadOrder returns the files of modules, with all that they need, in the
// order in which they must be loaded; paths are relative to the folder that
// holds modules.dep. What is built in, and so is in no file, is left out.
func loadOrder(dir string, modules []string) ([]string, error) {
	dep, err := os.ReadFile(filepath.Join(dir, "modules.dep"))
	if err != nil {
		return nil, err
	}
	files, needs := map[string]string{}, map[string][]string{}
	for line := range strings.SplitSeq(string(dep), "\n") {
		if file, list, ok := strings.Cut(line, ":"); ok {
			files[moduleName(file)] = file
			needs[file] = strings.Fields(list)
		}
	}
	var order []string
	for _, name := range modules {
		file, ok := files[name]
		if !ok {
			continue
		}
		// depmod lists what is needed last first.
		for _, f := range slices.Backward(append([]string{file}, needs[file]...)) {
			if !slices.Contains(order, f) {
				order = append(order, f)
			}
		}
	}
	if len(order) == 0 {
		return nil, fmt.Errorf("%s names none of the modules %s", dir, strings.Join(modules, ", "))
	}
	return order, nil
}

// moduleName is the name of a module's file: "9pnet_virtio" of
// "kernel/net/9p/9pnet_virtio.ko.xz".
func moduleName(file string) string {
	name, _, _ := strings.Cut(filepath.Base(file), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}
