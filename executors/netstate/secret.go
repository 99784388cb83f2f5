package netstate

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	hexa "encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
)

// Secrets are the values of keys by their fingerprints. States, changes, plans,
// journals and documents hold fingerprints only; the values go to the target
// beside a change, and the target keeps what it needs for the way back.
type Secrets map[string]string

// fingerprintMark begins every fingerprint.
const fingerprintMark = "sha256:"

// unknownSecret begins what stands for a secret whose value is not given.
const unknownSecret = "<redacted:"

// Unknown stands for the value of a secret where it is not given: in a document
// that is only checked. In YAML it is a single value, unlike "[redacted:NAME]".
func Unknown(secret string) string { return unknownSecret + secret + ">" }

// Fingerprint is what a key is called where it must not be seen: the first 128
// bits of a SHA-256 of its canonical text. It tells whether two keys are the
// same. Keys are random, so that it tells nothing else.
func Fingerprint(value string) string {
	sum := sha256.Sum256([]byte("stet key\x00" + value))
	return fingerprintMark + hexa.EncodeToString(sum[:16])
}

// IsFingerprint tells that a value stands for a key.
func IsFingerprint(value string) bool {
	digits, ok := strings.CutPrefix(value, fingerprintMark)
	b, err := hexa.DecodeString(digits)
	return ok && err == nil && len(b) == 16 && strings.ToLower(digits) == digits
}

// Secret tells that values of the type are never shown: their canonical text
// is a fingerprint.
func (t AttrType) Secret() bool { return t == Key64 || t == KeyHex }

// seal turns a key, as somebody wrote it, into its fingerprint, and keeps the
// value by it. Fingerprints stay what they are, as does the name of a secret
// whose value is not known yet. Errors never show the value.
func (a *Attr) seal(text string, keep Secrets) (string, error) {
	if text == "" || IsFingerprint(text) || strings.HasPrefix(text, unknownSecret) {
		return text, nil
	}
	value, err := a.key(text)
	if err != nil || value == "" {
		return "", err
	}
	print := Fingerprint(value)
	if keep != nil {
		keep[print] = value
	}
	return print, nil
}

// key is the canonical text of a key. WireGuard's of zeros is none.
func (a *Attr) key(text string) (string, error) {
	if a.Type == KeyHex {
		b, err := hexa.DecodeString(strings.TrimPrefix(strings.ToLower(text), "0x"))
		least, most := int(max(a.Min, 1)), int(a.Max)
		if err != nil || len(b) < least || most != 0 && len(b) > most {
			return "", fmt.Errorf("it is no key of %d to %d bytes in hexadecimal (the value is not shown)", least, most)
		}
		return hexa.EncodeToString(b), nil
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) != 32 {
		return "", fmt.Errorf("it is no key of 32 bytes in base64, as wg genkey prints one (the value is not shown)")
	}
	if [32]byte(b) == [32]byte{} {
		return "", nil
	}
	return base64.StdEncoding.EncodeToString(b), nil
}

// Shows tells that a text stands anywhere in c but where a key belongs.
func (c *Config) Shows(text string) bool {
	open := *c
	open.Secrets = nil
	open.Interfaces, open.Xfrm = nil, nil
	for _, x := range c.Xfrm {
		x.Attrs = maps.Clone(x.Attrs)
		for key, value := range x.Attrs {
			if a := XfrmAttr(x.Sort, key); a != nil {
				x.Attrs[key] = a.unsealed(value)
			}
		}
		open.Xfrm = append(open.Xfrm, x)
	}
	for _, i := range c.Interfaces {
		i.Attrs = maps.Clone(i.Attrs)
		for key, value := range i.Attrs {
			if a := AttrByKey(key); a != nil {
				i.Attrs[key] = a.unsealed(value)
			}
		}
		open.Interfaces = append(open.Interfaces, i)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	quoted := quoteJSON(text)
	return enc.Encode(open) != nil || bytes.Contains(b.Bytes(), []byte(quoted[1:len(quoted)-1]))
}

// unsealed is a value without the keys in it.
func (a *Attr) unsealed(value string) string {
	switch {
	case a.Type.Secret():
		return ""
	case a.Type != List:
		return value
	}
	list := a.Entries(value)
	for _, e := range list {
		for i := range a.Fields {
			if f := &a.Fields[i]; f.Type.Secret() {
				delete(e, f.Key)
			}
		}
	}
	return a.List(list)
}
