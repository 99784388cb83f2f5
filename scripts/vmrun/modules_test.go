package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLoadOrder(t *testing.T) {
	// As depmod writes it: what is needed last stands first.
	const dep = `kernel/fs/9p/9p.ko.xz: kernel/net/9p/9pnet.ko.xz kernel/fs/netfs/netfs.ko.xz
kernel/net/9p/9pnet.ko.xz:
kernel/fs/netfs/netfs.ko.xz:
kernel/net/9p/9pnet_virtio.ko.xz: kernel/net/9p/9pnet.ko.xz kernel/drivers/virtio/virtio.ko.xz kernel/drivers/virtio/virtio_ring.ko.xz
kernel/drivers/virtio/virtio.ko.xz: kernel/drivers/virtio/virtio_ring.ko.xz
kernel/drivers/virtio/virtio_ring.ko.xz:
kernel/fs/overlay-fs/overlay-fs.ko:
`
	for _, c := range []struct {
		name    string
		modules []string
		want    []string
	}{
		{"what is needed comes first", []string{"9pnet_virtio"}, []string{
			"kernel/drivers/virtio/virtio_ring.ko.xz", "kernel/drivers/virtio/virtio.ko.xz", "kernel/net/9p/9pnet.ko.xz", "kernel/net/9p/9pnet_virtio.ko.xz"}},
		{"each file once", []string{"9pnet_virtio", "9p"}, []string{
			"kernel/drivers/virtio/virtio_ring.ko.xz", "kernel/drivers/virtio/virtio.ko.xz", "kernel/net/9p/9pnet.ko.xz", "kernel/net/9p/9pnet_virtio.ko.xz",
			"kernel/fs/netfs/netfs.ko.xz", "kernel/fs/9p/9p.ko.xz"}},
		{"what is built in has no file", []string{"virtio_pci", "9pnet"}, []string{"kernel/net/9p/9pnet.ko.xz"}},
		{"dashes are underscores", []string{"overlay_fs"}, []string{"kernel/fs/overlay-fs/overlay-fs.ko"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "modules.dep"), []byte(dep), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := loadOrder(dir, c.modules)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestLoadNothing checks that a folder without any of the modules is an error: the
// machine would never see this host's files.
func TestLoadNothing(t *testing.T) {
	dir := t.TempDir()
	if _, err := loadOrder(dir, early); err == nil {
		t.Error("no modules.dep, and no error")
	}
	if err := os.WriteFile(filepath.Join(dir, "modules.dep"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := loadOrder(dir, early); err == nil {
		t.Error("no modules, and no error")
	}
}
