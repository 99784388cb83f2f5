package netyaml

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"stet/executors/netstate"
)

// algorithm is one that the kernel's IPsec knows (net/xfrm/xfrm_algo.c).
type algorithm struct {
	name   string
	compat string // what it may be called, too
	keys   []int  // lengths of its key in bytes; two with a negative second one are a range
	trunc  int    // bits of the signature that are sent
	icv    []int  // bits of the signature of an AEAD
}

// Lengths of keys: RFC 2403, 2404, 2410, 2451, 3566, 3602, 3686, 4106, 4309,
// 4312, 4494, 4543, 4868, 7634.
var (
	authAlgorithms = []algorithm{
		{name: "digest_null", keys: []int{0}},
		{name: "hmac(md5)", compat: "md5", keys: []int{16}, trunc: 96},
		{name: "hmac(sha1)", compat: "sha1", keys: []int{20}, trunc: 96},
		{name: "hmac(sha256)", compat: "sha256", keys: []int{32}, trunc: 96},
		{name: "hmac(sha384)", keys: []int{48}, trunc: 192},
		{name: "hmac(sha512)", keys: []int{64}, trunc: 256},
		{name: "hmac(rmd160)", compat: "rmd160", keys: []int{20}, trunc: 96},
		{name: "hmac(sm3)", compat: "sm3", keys: []int{32}, trunc: 256},
		{name: "xcbc(aes)", keys: []int{16}, trunc: 96},
		{name: "cmac(aes)", keys: []int{16}, trunc: 96},
	}
	encAlgorithms = []algorithm{
		{name: "ecb(cipher_null)", compat: "cipher_null", keys: []int{0}},
		{name: "cbc(des)", compat: "des", keys: []int{8}},
		{name: "cbc(des3_ede)", compat: "des3_ede", keys: []int{24}},
		{name: "cbc(cast5)", compat: "cast5", keys: []int{5, -16}},
		{name: "cbc(blowfish)", compat: "blowfish", keys: []int{5, -56}},
		{name: "cbc(aes)", compat: "aes", keys: []int{16, 24, 32}},
		{name: "cbc(serpent)", compat: "serpent", keys: []int{16, 24, 32}},
		{name: "cbc(camellia)", compat: "camellia", keys: []int{16, 24, 32}},
		{name: "cbc(twofish)", compat: "twofish", keys: []int{16, 24, 32}},
		{name: "cbc(sm4)", compat: "sm4", keys: []int{16}},
		{name: "rfc3686(ctr(aes))", keys: []int{20, 28, 36}},
	}
	aeadAlgorithms = []algorithm{
		{name: "rfc4106(gcm(aes))", keys: []int{20, 28, 36}, icv: []int{128, 96, 64}},
		{name: "rfc4309(ccm(aes))", keys: []int{19, 27, 35}, icv: []int{128, 96, 64}},
		{name: "rfc4543(gcm(aes))", keys: []int{20, 28, 36}, icv: []int{128}},
		{name: "rfc7539esp(chacha20,poly1305)", keys: []int{36}, icv: []int{128}},
	}
	compAlgorithms = []algorithm{{name: "deflate"}, {name: "lzs"}, {name: "lzjh"}}
)

// xfrmAlgorithms checks how a state protects packets.
func (d *decoder) xfrmAlgorithms(c *netstate.XfrmConfig) {
	auth := d.algorithm(c, "auth", authAlgorithms)
	d.algorithm(c, "enc", encAlgorithms)
	aead := d.algorithm(c, "aead", aeadAlgorithms)
	d.algorithm(c, "comp", compAlgorithms)
	a := c.Attrs
	if auth != nil && a["auth.trunc-len"] == "" && auth.trunc > 0 {
		a["auth.trunc-len"] = strconv.Itoa(auth.trunc)
	}
	if n, _ := strconv.Atoi(a["auth.trunc-len"]); auth != nil && (n%8 != 0 || n > 512) {
		d.wrong(c, "auth.trunc-len", "bad-value", "`trunc-len`: it is no number of bits that make whole bytes, up to 512", "hmac(sha256) is used with 128 (RFC 4868), or with 96 as by old systems.")
	}
	if aead != nil {
		if a["aead.icv-len"] == "" {
			a["aead.icv-len"] = "128"
		}
		if n, _ := strconv.Atoi(a["aead.icv-len"]); !slices.Contains(aead.icv, n) {
			d.wrong(c, "aead.icv-len", "bad-value", fmt.Sprintf("`icv-len`: %s has %s bits", aead.name, either(aead.icv)), "Correct the value.")
		}
	}
	if a["aead.name"] != "" && (a["enc.name"] != "" || a["auth.name"] != "") {
		d.wrong(c, "aead.name", "contradiction", "`aead` stands instead of `enc` and `auth`", "Leave one of the two out.")
	}
	if key := forbidden[a["proto"]]; key != "" {
		for _, section := range strings.Fields(key) {
			if a[section+".name"] != "" {
				d.wrong(c, section+".name", "contradiction", "`proto: "+a["proto"]+"` has no `"+section+"`", "Leave it out, or correct `proto`.")
			}
		}
	}
}

// forbidden are the sections that a protocol has no use for.
var forbidden = map[string]string{"ah": "enc aead comp", "comp": "auth enc aead", "esp": "comp"}

// algorithm checks one section, and gives its algorithm its own name.
func (d *decoder) algorithm(c *netstate.XfrmConfig, section string, known []algorithm) *algorithm {
	name, key := c.Attrs[section+".name"], c.Attrs[section+".key"]
	if name == "" {
		for _, rest := range []string{".key", ".trunc-len", ".icv-len"} {
			if c.Attrs[section+rest] != "" {
				d.wrong(c, section+rest, "missing-key", "`"+section+"` without `name`", "Add the name of the algorithm.")
				break
			}
		}
		return nil
	}
	at := slices.IndexFunc(known, func(k algorithm) bool { return k.name == name || k.compat != "" && k.compat == name })
	if at < 0 {
		d.unknownAlgorithm(c, section, name, known)
		return nil
	}
	a := &known[at]
	c.Attrs[section+".name"] = a.name
	length, told := len(d.config.Secrets[key])/2, d.config.Secrets[key] != ""
	switch {
	case key == "" && section != "comp" && !slices.Contains(a.keys, 0):
		d.wrong(c, section+".name", "missing-key", "`"+section+"` without `key`", "Add it: "+a.lengths()+", as `${NAME}` of the document's `secrets`.")
	case told && !a.takes(length):
		d.wrong(c, section+".key", "bad-value", fmt.Sprintf("`key`: %s has a key of %s, this one has %d (the value is not shown)", a.name, a.lengths(), length), "Correct the value, or the algorithm."+a.salted())
	}
	return a
}

func (d *decoder) unknownAlgorithm(c *netstate.XfrmConfig, section, name string, known []algorithm) {
	var names []string
	for _, k := range known {
		names = append(names, k.name)
	}
	detail := "Known are: " + strings.Join(names, ", ") + "."
	if near := nearest(name, names); near != "" {
		detail = "Did you mean `" + near + "`?"
	}
	d.wrong(c, section+".name", "bad-value", "`name`: "+strconv.Quote(name)+" is no algorithm for `"+section+"`", detail)
}

// takes tells that a key may be so many bytes long.
func (a *algorithm) takes(length int) bool {
	if len(a.keys) == 2 && a.keys[1] < 0 {
		return length >= a.keys[0] && length <= -a.keys[1]
	}
	return slices.Contains(a.keys, length)
}

func (a *algorithm) lengths() string {
	if len(a.keys) == 2 && a.keys[1] < 0 {
		return fmt.Sprintf("%d to %d bytes", a.keys[0], -a.keys[1])
	}
	return either(a.keys) + " bytes"
}

func (a *algorithm) salted() string {
	if len(a.icv) > 0 || strings.HasPrefix(a.name, "rfc3686") {
		return " The salt at its end counts, too."
	}
	return ""
}

// either is "16, 24 or 32".
func either(list []int) string {
	words := make([]string, 0, len(list))
	for _, n := range list {
		words = append(words, strconv.Itoa(n))
	}
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

func hexNumber(text string) uint64 {
	n, err := strconv.ParseUint(text, 0, 32)
	if err != nil {
		return 0
	}
	return n
}
