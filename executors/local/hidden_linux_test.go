package local

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestHiddenNames: what ip-netns(8) runs is in a mount namespace of its own, and
// names that are made there are seen by nobody else. Where mounts are passed on, or
// the user namespace is another one, that is no reason to refuse.
func TestHiddenNames(t *testing.T) {
	needRoot(t)
	const where = "STET_TEST_HIDDEN"
	if os.Getenv(inner) != "" {
		h := newHost(t)
		why := h.names.Hidden()
		if hidden := why != ""; hidden != (os.Getenv(where) == "hidden") {
			t.Errorf("%s: %q", os.Getenv(where), why)
		}
		return
	}
	if why := newHost(t).names.Hidden(); why != "" {
		t.Skipf("the tests themselves run where names are hidden: %s", why)
	}
	name := netnsName()
	if err := addNamed(name); err != nil { // which makes the folder a shared mount, too
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = removeNamed(name) })
	for _, tt := range []struct {
		want string
		argv []string
	}{
		{"hidden", []string{"ip", "netns", "exec", name}},
		{"hidden", []string{"unshare", "--mount"}},
		{"shown", []string{"unshare", "--mount", "--propagation", "unchanged"}},
		{"shown", []string{"unshare", "--user", "--map-root-user", "--mount"}},
		{"shown", []string{"nice", "-n0"}},                                           // nothing of its own
		{"shown", []string{"unshare", "--pid", "--fork", "--mount", "--mount-proc"}}, // as a container
	} {
		t.Run(strings.Join(tt.argv[:2], " "), func(t *testing.T) {
			argv := append(slices.Clone(tt.argv), os.Args[0], "-test.run=^TestHiddenNames$", "-test.v")
			cmd := exec.Command(argv[0], argv[1:]...)
			cmd.Env = append(os.Environ(), inner+"=1", where+"="+tt.want)
			if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestHiddenNames") {
				t.Errorf("%v: %v\n%s", tt.argv, err, out)
			}
		})
	}
}

// TestCovering: a mount may lie below another one that was mounted later.
func TestCovering(t *testing.T) {
	const (
		root  = "27 1 254:0 / / rw shared:1 - ext4 /dev/vda rw\n"
		run   = "40 27 0:24 / /run rw shared:5 - tmpfs tmpfs rw\n"
		netns = "42 40 0:24 /netns /run/netns rw master:7 - tmpfs tmpfs rw\n"
		blue  = "43 42 0:4 net:[4026532177] /run/netns/blue rw shared:2 - nsfs nsfs rw\n"
		plain = root + run + netns + blue
	)
	for _, tt := range []struct{ info, id string }{
		{plain, "42"},
		{plain + "50 40 0:30 / /run rw - tmpfs none rw\n", "50"},
		{plain + "51 42 0:30 / /run/netns rw - tmpfs none rw\n", "51"},
		{root + run, "40"},
		{root, "27"},
		{root + "60 27 0:9 / / rw - overlay none rw\n", "60"},
	} {
		if m := covering(mounts([]byte(tt.info))); m == nil || m.id != tt.id {
			t.Errorf("%+v, not %s, of\n%s", m, tt.id, tt.info)
		}
	}
	if m := covering(nil); m != nil {
		t.Errorf("%+v", m)
	}
	if m := covering(mounts([]byte(plain))); m.group != "" || m.master != "7" {
		t.Errorf("%+v", m)
	}
}
