//go:build linux

package linux

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDevconf compares the parameters that come with the interfaces with what
// /proc/sys says, each with another value.
func TestDevconf(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t)
	ns.runAll(place0)
	for version, places := range map[string]map[string]int{"ipv4": devconf4, "ipv6": devconf6} {
		for parameter := range maps.Keys(places) {
			_, _ = ns.try("sh", "-c", "echo 2 > /proc/sys/net/"+version+"/conf/low0/"+parameter)
			key := "net." + version + ".conf.*." + parameter
			raw, _, err := ns.rawLinks(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got, want := map[string]string{}, map[string]string{}
			confs := newDeviceConfs(raw)
			if !confs.read(got, key, "") {
				t.Errorf("%s is not known", key)
			}
			for own, value := range got {
				one := map[string]string{}
				if !confs.read(one, own, "") || len(one) != 1 || one[own] != value {
					t.Errorf("%s alone is %v, among all %s", own, one, value)
				}
			}
			for other, known := range map[string]bool{"all": false, "default": false, "nosuch": true} {
				none := map[string]string{}
				if confs.read(none, "net."+version+".conf."+other+"."+parameter, "") != known || len(none) > 0 {
					t.Errorf("%s of %s is known: %v, %v", parameter, other, !known, none)
				}
			}
			if err := ns.within(func() error { return readSysctls(want, key) }); err != nil {
				t.Fatal(err)
			}
			delete(want, "net."+version+".conf.all."+parameter)
			delete(want, "net."+version+".conf.default."+parameter)
			if d := cmp.Diff(want, got); d != "" || len(want) == 0 {
				t.Errorf("%s (-file +netlink):\n%s", key, d)
			}
		}
	}
}
