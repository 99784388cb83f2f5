package netyaml

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stet/executors/netstate"
)

const (
	key16 = "00112233445566778899aabbccddeeff"
	key32 = key16 + key16
)

// TestXfrmFaults wants each mistake to be told, where it stands (§), and no key.
func TestXfrmFaults(t *testing.T) {
	state := func(rest string) string {
		return "ipsec-xfrm:\n  states:\n  - {src: 192.0.2.1, dst: 198.51.100.1, " + rest + "}\n"
	}
	policy := func(rest string) string { return "ipsec-xfrm:\n  policies:\n  - {" + rest + "}\n" }
	const esp = "proto: esp, spi: 0x1000"
	tests := []struct{ name, body, want string }{
		{"unknown algorithm", state(esp + ", enc: {name: §cbc(aess), key: " + key16 + "}"), "`name`: \"cbc(aess)\" is no algorithm for `enc`"},
		{"cipher for auth", state(esp + ", auth: {name: §cbc(aes), key: " + key16 + "}"), "`name`: \"cbc(aes)\" is no algorithm for `auth`"},
		{"short key", state(esp + ", enc: {name: cbc(aes), key: §0011}"), "`key`: cbc(aes) has a key of 16, 24 or 32 bytes, this one has 2 (the value is not shown)"},
		{"salt forgotten", state(esp + ", aead: {name: rfc4106(gcm(aes)), key: §" + key16 + "}"), "`key`: rfc4106(gcm(aes)) has a key of 20, 28 or 36 bytes, this one has 16 (the value is not shown)"},
		{"hmac of another", state(esp + ", auth: {name: hmac(sha1), key: §" + key32 + "}"), "`key`: hmac(sha1) has a key of 20 bytes, this one has 32 (the value is not shown)"},
		{"no hexadecimal", state(esp + ", enc: {name: cbc(aes), key: §hello}"), "`key`: it is no key of 1 to 512 bytes in hexadecimal (the value is not shown)"},
		{"no key", state(esp + ", enc: {name: §cbc(aes)}"), "`enc` without `key`"},
		{"spi 0", state("proto: esp, spi: §0"), "`spi`: \"0\" is no number from 1 to 0xffffffff"},
		{"reserved spi", state("proto: esp, spi: §255"), "`spi`: numbers below 0x100 are reserved (RFC 4303)"},
		{"wide cpi", state("proto: comp, spi: §0x10000, comp: {name: deflate}"), "`spi`: `comp` has 16 bits for it (RFC 3173)"},
		{"no spi", strings.Replace(state("proto: esp"), "{", "§{", 1), "a state of IPsec without `spi`"},
		{"families", state(esp + ", selector: {src: §10.0.0.0/8, dst: '::/0'}"), "`src` and `dst` are of two families"},
		{"both", state(esp + ", aead: {name: §rfc4106(gcm(aes)), key: " + key16 + "01020304}, enc: {name: cbc(aes), key: " + key16 + "}"), "`aead` stands instead of `enc` and `auth`"},
		{"icv", state(esp + ", aead: {name: rfc4543(gcm(aes)), key: " + key16 + "01020304, icv-len: §96}"), "`icv-len`: rfc4543(gcm(aes)) has 128 bits"},
		{"ah encrypts", state("proto: ah, spi: 0x1000, enc: {name: §cbc(aes), key: " + key16 + "}"), "`proto: ah` has no `enc`"},
		{"window", state(esp + ", replay-window: §4097"), "`replay-window`: \"4097\" is no number from 0 to 4096"},
		{"unknown key", state(esp + ", §modes: tunnel"), "unknown key `modes` in a state of IPsec"},
		{"twice", state(esp) + "  - §{dst: 198.51.100.1, " + esp + "}\n", "the same state of IPsec stands twice"},
		{"no dir", strings.Replace(policy("src: 10.0.0.0/8"), "{", "§{", 1), "a policy of IPsec without `dir`"},
		{"no prefix", strings.Replace(policy("dir: in"), "{", "§{", 1), "a policy of IPsec without `src` or `dst`"},
		{"two prefixes", policy("dir: in, src: §'10.0.0.0/8,10.0.0.0/9'"), "`src`: \"10.0.0.0/8,10.0.0.0/9\" is no single prefix"},
		{"blocks and protects", policy("dir: in, src: 10.0.0.0/8, action: §block, templates: [{proto: esp}]"), "a policy that blocks has no `templates`"},
		{"template", policy("dir: in, src: 10.0.0.0/8, templates: §[{mode: tunnel}]"), "a template without `proto`"},
		{"ports", policy("dir: in, src: 10.0.0.0/8, dport: §80"), "`dport` needs `proto`"},
		{"default", "ipsec-xfrm:\n  default: {in: §allow}\n", "`in`: \"allow\" is none of accept, block"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before, after, marked := strings.Cut(tt.body, "§")
			if !marked {
				t.Fatal("no place is marked")
			}
			want := fmt.Sprintf("%d:%d %s", 1+strings.Count(before, "\n"), len(before)-strings.LastIndex(before, "\n"), tt.want)
			_, problems := Decode(before + after)
			var got []string
			for _, p := range problems {
				got = append(got, fmt.Sprintf("%d:%d %s", p.Pos.Line, p.Pos.Column, p.Summary))
				if strings.Contains(p.Summary+p.Detail, key16) || strings.Contains(p.Summary+p.Detail, "hello") {
					t.Errorf("a key is shown: %+v", p)
				}
				if p.Detail == "" || p.Code == "" {
					t.Errorf("%+v says not what to do", p)
				}
			}
			if diff := cmp.Diff([]string{want}, got); diff != "" {
				t.Errorf("%s\n(-want +got):\n%s", tt.body, diff)
			}
		})
	}
}

// TestXfrmSecret wants a key to be in the secrets, and nowhere else.
func TestXfrmSecret(t *testing.T) {
	c, problems := Decode("ipsec-xfrm:\n  states:\n  - {src: 192.0.2.1, dst: 198.51.100.1, proto: esp, spi: 0x1000, enc: {name: aes, key: 0x" + strings.ToUpper(key16) + "}}\n")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	print := netstate.Fingerprint(key16)
	if got := c.Xfrm[0].Attrs["enc.key"]; got != print || c.Secrets[print] != key16 {
		t.Errorf("the key is %s, of %v", got, c.Secrets)
	}
	if c.Xfrm[0].Attrs["enc.name"] != "cbc(aes)" || c.Shows(key16) || !c.Shows("198.51.100.1") {
		t.Errorf("%+v", c.Xfrm[0])
	}
}
