//go:build linux

package fleet

import (
	"strings"
	"testing"
)

// TestBastion: behind a jump host with OpenSSH's own limits on logins under way
// none of 200 hosts is lost. The hosts behind it have the same limits, all of
// them together.
func TestBastion(t *testing.T) {
	const count = 200
	f := newFleet(t, count, "Host 127.1.1.1", "  ProxyJump none", "Host *", "  ProxyJump 127.1.1.1")
	f.write("known_hosts", f.read("known_hosts")+"127.1.1.1 "+f.hostKey+"\n")
	jump := []string{"127.1.1.1"}
	f.sshd("jump", jump, "MaxStartups 10:30:100", "MaxSessions 10", "Port 22")
	f.sshd("hosts", f.hosts, "MaxStartups 10:30:100", "Port 2222")
	f.write("config", f.read("config")+"  Port 2222\n")
	f.write("config", strings.Replace(f.read("config"), "Host 127.1.1.1\n", "Host 127.1.1.1\n  Port 22\n", 1))
	doc := f.document(hostname)
	f.run(doc)
	if text := f.read("doc.md"); !strings.Contains(text, "**ok** on 200 targets") {
		t.Errorf("not all hosts did it:\n%s", text)
	}
	if n := strings.Count(f.read("jump.log"), "Accepted publickey"); n != 1 {
		t.Errorf("%d connections to the jump host, want one for all", n)
	}
	if n := strings.Count(f.read("hosts.log"), "Accepted publickey"); n != count {
		t.Errorf("%d logins on %d hosts", n, count)
	}
}
