package main

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// samples are values that are of a type, and values that are not.
type samples struct{ good, bad []any }

// simple are the types without bounds.
var simple = map[string]samples{
	"true, false":                           {[]any{true, false, "yes", "off"}, []any{"perhaps", 2}},
	"interface":                             {[]any{"eth0", "0123456789abcde"}, []any{"0123456789abcdef", "a/b"}},
	"hardware address":                      {[]any{"02:00:00:00:00:01"}, []any{"02:00:00:00:00", "02:00:00:00:00:0g"}},
	"IP address":                            {[]any{"192.0.2.1", "2001:db8::1"}, []any{"example.com", "192.0.2.0/24"}},
	"IPv4 address":                          {[]any{"192.0.2.1"}, []any{"2001:db8::1", "example.com"}},
	"IPv6 address":                          {[]any{"::1"}, []any{"192.0.2.1", "example.com"}},
	"list of IPv4 addresses":                {[]any{"192.0.2.1", []any{"192.0.2.1", "192.0.2.2"}}, []any{"2001:db8::1"}},
	"list of IPv6 addresses":                {[]any{"2001:db8::1", []any{"2001:db8::1", "2001:db8::2"}}, []any{"192.0.2.1"}},
	"prefix":                                {[]any{"10.0.0.0/8", "2001:db8::/32", "192.0.2.1"}, []any{"10.0.0.0/33", "10.0.0.0/8,11.0.0.0/8"}},
	"network":                               {[]any{"10.0.0.0/8", "2001:db8::/32", "192.0.2.1"}, []any{"10.0.0.0/33", "example.com"}},
	"IPv4 network":                          {[]any{"10.0.0.0/8", "192.0.2.1"}, []any{"2001:db8::/32", "10.0.0.0/33"}},
	"IPv6 network":                          {[]any{"2001:db8::/32"}, []any{"192.0.2.0/24", "2001:db8::/129"}},
	"nothing":                               {nil, []any{"192.0.2.1", "2001:db8::1", "link", "eth0"}},
	"list of prefixes":                      {[]any{[]any{"10.0.0.0/8", "2001:db8::/32"}, "10.0.0.0/8"}, []any{"10.0.0.0/33"}},
	"list of hardware addresses":            {[]any{[]any{"02:00:00:00:00:01", "02:00:00:00:00:02"}, "02:00:00:00:00:01"}, []any{"02:00"}},
	"list of FROM:TO":                       {[]any{[]any{"1:2", "3:4"}, "1:2"}, []any{"1"}},
	"list of VNIs":                          {[]any{[]any{"100", "200-300 group 239.1.1.1"}, 16777215}, []any{"300-200", 16777216}},
	"list of VLANs and tunnels":             {[]any{[]any{"10 id 1000", "20-29 id 1020-1029"}, "10 id 4294967295"}, []any{"10", "10 id 1-2", "4095 id 1", []any{"10 id 1", "10 id 2"}}},
	"list of VLANs and options":             {[]any{[]any{"10 msti 1", "20-29 msti 4094 mcast_snooping 0 mcast_igmp_version 3"}, "10 msti 0"}, []any{"10", "10 msti 4095", "4095 msti 1", "10 mcast_igmp_version 4", []any{"10 msti 1", "10 msti 2"}}},
	"list of numbers with `state`":          {[]any{[]any{"1 state forwarding", "2-4094 state 4"}}, []any{"1", "1 state 5", "0 state 4", "1 msti 4"}},
	"list of mappings":                      {[]any{[]any{}}, []any{"x"}},
	"list of words and mappings":            {[]any{[]any{"drop"}, []any{map[string]any{"kind": "pass"}}}, []any{[]any{"dropp"}}},
	"mapping":                               {nil, []any{"x"}},
	"parameters and their values":           {[]any{map[string]any{}}, []any{"x"}},
	"features, each true or false":          {[]any{map[string]any{"rx-gro": true}}, []any{map[string]any{"rx-gro": "perhaps"}}},
	"text":                                  {nil, []any{map[string]any{"a": "b"}, []any{"a"}}},
	"list of texts":                         {nil, []any{map[string]any{"a": "b"}}},
	"a kind":                                {nil, []any{"nonsense"}},
	"ADDRESS:PORT":                          {[]any{"192.0.2.1:51820", "[2001:db8::1]:65535"}, []any{"192.0.2.1", "192.0.2.1:0", "192.0.2.1:65536"}},
	"LOW-HIGH":                              {[]any{"1000-2000", "0-65535"}, []any{"1000", "2000-1000", "1-65536"}},
	"protocol":                              {[]any{"tcp", 0, 255}, []any{"tcpp", 256}},
	"handle, 1: to ffff:":                   {[]any{"1:", "ffff:"}, []any{"x:", "10000:", "0:"}},
	"class, 1:0 to ffff:ffff":               {[]any{"1:10", "ffff:ffff"}, []any{"1", "0:1", "10000:1", "1:10000"}},
	"key in base64":                         {[]any{"xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="}, []any{"xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8D", "?"}},
	"key in base64; a secret":               {[]any{"xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="}, []any{"xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8D", "?"}},
	"percentage, 0% to 100%":                {[]any{"0%", "100%", "0.1"}, []any{"-1%", "100.1%", "x"}},
	"hexadecimal number, 0 to ffff":         {[]any{"0", "ffff", "0x1f"}, []any{"10000", "g"}},
	"rate, 0bit to 34359738360bit":          {[]any{"0bit", "34359738360bit", "1mbps"}, []any{"34359738368bit", "1", "x"}},
	"rate, 0bit to 34359738352bit":          {[]any{"0bit", "34359738352bit"}, []any{"34359738360bit", "x"}},
	"rate, 0bit to 18446744073709551608bit": {[]any{"0bit", "18446744073709551608bit"}, []any{"18446744073709551616bit", "x"}},
	"size, 0b to 4294967295b":               {[]any{"0b", "4294967295b", 15, "15k"}, []any{"4g", "4294967296", "x"}},
	"size, 256b to 4294967295b":             {[]any{"256b", "4294967295b", "15k"}, []any{"255b", "4g", "x"}},
	"size, 0b to 2g":                        {[]any{"0b", "2147483648b"}, []any{"2147483649b", "x"}},
	"time, 0s to 4294s":                     {[]any{"0s", "4294s", "10ms"}, []any{"4294000000001ns", "x"}},
	"time, 0s to 2147483647ns":              {[]any{"0s", "2147483647ns"}, []any{"2147483648ns", "x"}},
	"size":                                  {[]any{"0b", "15k"}, []any{"x", "-1"}},
	"time, 0s to 4294967295ns":              {[]any{"0s", "4294967295ns"}, []any{"4294967296ns", "x"}},
	"time, 0s to 9223372036854775807ns":     {[]any{"0s", "9223372036854775807ns"}, []any{"9223372036854775808ns", "x"}},
	"VLANs":                                 {[]any{map[string]any{"mode": "access", "tag": 4094}, map[string]any{"tags": []any{"10 pvid untagged", "20-30"}}}, []any{"10", map[string]any{"tags": []any{"4095"}}}},
}

var (
	numberText  = regexp.MustCompile(`^(?:number|hundredths of a second), (-?[0-9xa-f]+) to ([0-9xa-f]+)$`)
	secondsText = regexp.MustCompile(`^seconds, ([0-9]+)(?:\.([0-9]{2}))? to ([0-9]+)(?:\.([0-9]{2}))?$`)
	digitsText  = regexp.MustCompile(`^(?:hexadecimal|key in hexadecimal), (?:([0-9]+) to )?([0-9]+) digits(?:; a secret)?$`)
	wordsText   = regexp.MustCompile("^(`[^`]+`(?:, `[^`]+`)*)(?:, (?:or )?(.*))?$")
)

// samplesOf are those of a type in the page's words.
func samplesOf(typ string) (s samples, err error) {
	if known, ok := simple[typ]; ok {
		return samples{slices.Clone(known.good), slices.Clone(known.bad)}, nil
	}
	if m := wordsText.FindStringSubmatch(typ); m != nil {
		return samplesOfWords(m[1], m[2])
	}
	if m := numberText.FindStringSubmatch(typ); m != nil {
		return samplesOfNumber(m[1], m[2])
	}
	if m := secondsText.FindStringSubmatch(typ); m != nil {
		s, err = samplesOfNumber(m[1]+(m[2] + "00")[:2], m[3]+(m[4] + "00")[:2])
		for _, list := range [][]any{s.good, s.bad} {
			for i, v := range list {
				if n, ok := v.(json.Number); ok {
					f := new(big.Rat)
					f.SetString(string(n))
					list[i] = json.Number(f.Quo(f, big.NewRat(100, 1)).FloatString(2))
				}
			}
		}
		return s, err
	}
	if m := digitsText.FindStringSubmatch(typ); m != nil {
		return samplesOfDigits(m[1], m[2]), nil
	}
	if list, ok := strings.CutPrefix(typ, "list of "); ok {
		s, err = samplesOf(list)
		for _, list := range [][]any{s.good, s.bad} {
			for i, v := range list {
				list[i] = []any{v}
			}
		}
		return s, err
	}
	if first, second, ok := strings.Cut(typ, ", or "); ok {
		return either(first, second)
	}
	return s, fmt.Errorf("it is not known what %q means", typ)
}

// either are samples of one of two types; what is of neither is not known.
func either(first, second string) (s samples, err error) {
	if s, err = samplesOf(first); err != nil {
		return s, err
	}
	more, err := samplesOf(second)
	return samples{append(s.good, more.good...), nil}, err
}

func samplesOfWords(words, rest string) (s samples, err error) {
	for _, w := range ticked.FindAllStringSubmatch(words, -1) {
		s.good = append(s.good, w[1])
	}
	if rest == "" {
		s.bad = []any{"nonsense"}
		return s, nil
	}
	more, err := samplesOf(rest)
	for _, b := range more.bad {
		if !slices.Contains(s.good, any(fmt.Sprint(b))) {
			s.bad = append(s.bad, b)
		}
	}
	s.good = append(s.good, more.good...)
	return s, err
}

// samplesOfNumber are both ends of a range, and what lies beyond them.
func samplesOfNumber(least, most string) (s samples, err error) {
	low, ok := new(big.Int).SetString(least, 0)
	high, ok2 := new(big.Int).SetString(most, 0)
	if !ok || !ok2 {
		return s, fmt.Errorf("%s and %s are no numbers", least, most)
	}
	one := big.NewInt(1)
	s.good = []any{json.Number(low.String()), json.Number(high.String())}
	s.bad = []any{json.Number(new(big.Int).Sub(low, one).String()), json.Number(new(big.Int).Add(high, one).String()), "many"}
	return s, nil
}

// samplesOfDigits are as many digits as there may be, and two more, or less.
func samplesOfDigits(least, most string) (s samples) {
	var low, high int
	_, _ = fmt.Sscan(most, &high)
	if low = high; least != "" {
		_, _ = fmt.Sscan(least, &low)
	}
	digits := func(n int) any { return "a" + strings.Repeat("0", n-1) }
	s.good = []any{digits(low), digits(high)}
	s.bad = []any{digits(high + 2), "xyzw", digits(low + 1)}
	if low > 2 {
		s.bad = append(s.bad, digits(low-2))
	}
	return s
}
