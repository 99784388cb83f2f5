package probe

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// recordTypes are the types that have a name here (the registry of IANA). Any
// other is written TYPEn (RFC 3597).
var recordTypes = map[string]dnsmessage.Type{
	"A": dnsmessage.TypeA, "NS": dnsmessage.TypeNS, "CNAME": dnsmessage.TypeCNAME, "SOA": dnsmessage.TypeSOA,
	"PTR": dnsmessage.TypePTR, "HINFO": dnsmessage.TypeHINFO, "MX": dnsmessage.TypeMX, "TXT": dnsmessage.TypeTXT,
	"AAAA": dnsmessage.TypeAAAA, "SRV": dnsmessage.TypeSRV, "ANY": dnsmessage.TypeALL,
	"LOC": 29, "NAPTR": 35, "DNAME": 39, "DS": typeDS, "SSHFP": typeSSHFP, "RRSIG": 46, "NSEC": 47, "DNSKEY": typeDNSKEY,
	"TLSA": typeTLSA, "CDS": typeCDS, "CDNSKEY": typeCDNSKEY, "SVCB": 64, "HTTPS": 65, "SPF": 99, "URI": 256, "CAA": typeCAA,
}

const (
	typeDS      = 43
	typeSSHFP   = 44
	typeDNSKEY  = 48
	typeTLSA    = 52
	typeCDS     = 59
	typeCDNSKEY = 60
	typeCAA     = 257
)

func recordType(name string) (dnsmessage.Type, bool) {
	name = strings.ToUpper(name)
	if t, ok := recordTypes[name]; ok {
		return t, true
	}
	digits, ok := strings.CutPrefix(name, "TYPE")
	n, err := strconv.ParseUint(digits, 10, 16)
	return dnsmessage.Type(n), ok && err == nil
}

// rcodes are the names of RFC 1035, 4.1.1, as everybody writes them.
var rcodes = []string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE"}

func rcodeName(c dnsmessage.RCode) string {
	if int(c) < len(rcodes) {
		return rcodes[c]
	}
	return "RCODE" + strconv.Itoa(int(c))
}

// recordText is what a record says, as master files write it (RFC 1035, 5.1).
func recordText(body dnsmessage.ResourceBody) string {
	switch r := body.(type) {
	case *dnsmessage.AResource:
		return netip.AddrFrom4(r.A).String()
	case *dnsmessage.AAAAResource:
		return netip.AddrFrom16(r.AAAA).String()
	case *dnsmessage.CNAMEResource:
		return r.CNAME.String()
	case *dnsmessage.NSResource:
		return r.NS.String()
	case *dnsmessage.PTRResource:
		return r.PTR.String()
	case *dnsmessage.MXResource:
		return fmt.Sprintf("%d %s", r.Pref, r.MX)
	case *dnsmessage.SRVResource:
		return fmt.Sprintf("%d %d %d %s", r.Priority, r.Weight, r.Port, r.Target)
	case *dnsmessage.SOAResource:
		return fmt.Sprintf("%s %s %d %d %d %d %d", r.NS, r.MBox, r.Serial, r.Refresh, r.Retry, r.Expire, r.MinTTL)
	case *dnsmessage.TXTResource:
		parts := make([]string, len(r.TXT))
		for i, s := range r.TXT {
			parts[i] = characterString(s)
		}
		return strings.Join(parts, " ")
	case *dnsmessage.UnknownResource:
		return rawText(r.Type, r.Data)
	}
	return ""
}

// characterString quotes as master files do: what is not printable ASCII is
// \DDD.
func characterString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(s) {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, "\\%03d", c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// rawText writes types that the message package does not know: a few in their
// own form, others as RFC 3597 has it.
func rawText(t dnsmessage.Type, b []byte) string {
	switch {
	case (t == typeDS || t == typeCDS) && len(b) > 4: // RFC 4034, 5.3
		return fmt.Sprintf("%d %d %d %X", binary.BigEndian.Uint16(b), b[2], b[3], b[4:])
	case t == typeSSHFP && len(b) > 2: // RFC 4255
		return fmt.Sprintf("%d %d %X", b[0], b[1], b[2:])
	case t == typeTLSA && len(b) > 3: // RFC 6698
		return fmt.Sprintf("%d %d %d %X", b[0], b[1], b[2], b[3:])
	case t == typeCAA && len(b) > 2 && len(b) >= 2+int(b[1]): // RFC 8659
		end := 2 + int(b[1])
		return fmt.Sprintf("%d %s %s", b[0], b[2:end], characterString(string(b[end:])))
	}
	return fmt.Sprintf("\\# %d %X", len(b), b)
}
