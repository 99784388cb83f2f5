package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// needXfrm skips where the kernel has no ESP, or not its algorithms.
func needXfrm(t *testing.T, ns string) {
	t.Helper()
	add := "ip -n " + ns + " xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x100 mode tunnel aead 'rfc4106(gcm(aes))' 0x" + strings.Repeat("00", 36) + " 128"
	if out, err := exec.Command("sh", "-c", add).CombinedOutput(); err != nil {
		t.Skipf("this kernel lacks it (make test-vm has one that does not): %s: %s", add, bytes.TrimSpace(out))
	}
	ip(t, "-n", ns, "xfrm", "state", "deleteall")
}

// Keys of TestKeysStaySecret, made for it: new ones, which a runbook sets, and
// old ones, which are there before.
const (
	newESP    = "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4"
	oldESP    = "00ff11ee22dd33cc44bb55aa66997788deadbeef"
	newMACsec = "5a6b7c8d9eaf0b1c2d3e4f5061728394"
	newWG     = "8DAVlRmGJ/ixmm30T4TUYHAGIP+5rmENYUzDMk+gLUA="
	oldWG     = "AK3U+v7iwIpJ6MIV49+/g7i0vLPr+xlW8eJoFLG8YVU="
)

const keysDocument = `---
targets: {here: "netns://NS"}
defaults: {on: here, on-failure: rollback}
secrets: {esp: "env:KEY_ESP", sec: "cmd:printenv KEY_SEC", wg: "env:KEY_WG"}
---

` + "```netconfig { name=keys }" + `
interfaces:
  - {name: wg0, wireguard: {private-key: "${wg}"}}
  - {name: ms0, type: macsec, macsec: {base-iface: eth0, encrypt: true, tx-sa: [{number: 0, key-id: "01", key: "${sec}"}]}}
ipsec-xfrm:
  states:
    - {src: 192.0.2.1, dst: 192.0.2.2, proto: esp, spi: 0x1000, mode: tunnel, aead: {name: "rfc4106(gcm(aes))", key: "${esp}"}}
` + "```\n\n```check { name=there }" + `
any(xfrm_states, .dst == "192.0.2.2" and .aead == "rfc4106(gcm(aes))")
link("ms0").exists
` + "```\n"

// TestKeysStaySecret has a runbook set keys of WireGuard, MACsec and IPsec: the
// kernel has them then, and nothing that stet prints or writes does, but for the
// place where keys are kept for the way back. Undoing restores the old ones.
func TestKeysStaySecret(t *testing.T) {
	n := &namespaces{names: map[string]string{}}
	n.add(t, "a", "b")
	needXfrm(t, n.names["a"])
	n.need(t, "a", "wireguard")
	n.wire(t, "a", "eth0", "b", "eth0")
	a := n.names["a"]
	ip(t, "-n", a, "link", "add", "wg0", "type", "wireguard")
	ip(t, "-n", a, "xfrm", "state", "add", "src", "192.0.2.1", "dst", "192.0.2.2", "proto", "esp", "spi", "0x1000", "mode", "tunnel", "aead", "rfc4106(gcm(aes))", "0x"+oldESP, "128")
	command(t, "sh", "-c", "echo "+oldWG+" | ip netns exec "+a+" wg set wg0 private-key /dev/stdin")
	inKernel := func() string {
		return command(t, "ip", "-n", a, "xfrm", "state") + command(t, "ip", "netns", "exec", a, "wg", "show", "wg0", "private-key")
	}
	before := inKernel()
	if !strings.Contains(before, oldESP) || !strings.Contains(before, oldWG) {
		t.Fatalf("the old keys are not there:\n%s", before)
	}

	b := newBench(t, "")
	b.env = append(b.env, "KEY_ESP="+newESP, "KEY_SEC="+newMACsec, "KEY_WG="+newWG)
	doc := b.write("keys.md", strings.Replace(keysDocument, "NS", a, 1))
	var said strings.Builder
	run := func(code int, args ...string) {
		t.Helper()
		out := b.must(code, args...)
		said.WriteString(strings.Join(args, " ") + "\n" + out.stdout + out.stderr)
	}
	run(0, "lint", doc)
	run(0, "plan", doc)
	run(0, "plan", "--as", "ip", doc)
	run(0, "plan", "--json", doc)
	run(0, "facts", "netns://"+a)
	run(0, "run", "--yes", doc)
	if now := inKernel(); !strings.Contains(now, newESP) || !strings.Contains(now, newWG) {
		t.Errorf("the new keys are not in the kernel:\n%s", now)
	}
	run(0, "facts", "netns://"+a)
	run(0, "facts", "--json", "netns://"+a)
	run(0, "report", doc)
	run(0, "rollback", "--yes", doc)
	if now := inKernel(); now != before {
		t.Errorf("undone, the kernel has:\n%s\nbefore:\n%s", now, before)
	}
	if !strings.Contains(said.String(), "sha256:") {
		t.Error("no fingerprint is shown: nothing was looked at")
	}
	hidden(t, "what was printed", said.String())
	files := 0
	err := filepath.WalkDir(b.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		files++
		hidden(t, path, b.read(path))
		return nil
	})
	if err != nil || files < 2 {
		t.Errorf("%d files were looked at: %v", files, err)
	}
}

// hidden fails where a text has a key, in any form that programs print one.
func hidden(t *testing.T, where, text string) {
	t.Helper()
	for _, key := range []string{newESP, oldESP, newMACsec, newWG, oldWG} {
		raw, err := hex.DecodeString(key)
		if err != nil {
			raw, err = base64.StdEncoding.DecodeString(key)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{key, strings.ToUpper(key), string(raw), hex.EncodeToString(raw), base64.StdEncoding.EncodeToString(raw),
			base64.RawURLEncoding.EncodeToString(raw), base64.StdEncoding.EncodeToString([]byte(key)), url.QueryEscape(key)} {
			if strings.Contains(text, form) {
				t.Errorf("%s has the key %s", where, key)
				break
			}
		}
	}
}
