package main

import (
	"encoding/json"
	"fmt"
	"strconv"

	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

// valueSchema is the schema of a single value.
func valueSchema(v *netyaml.Value) *schema {
	if v.Attr != nil {
		return attrSchema(v.Attr)
	}
	s := typeSchema(v)
	if v.Empty {
		return &schema{AnyOf: []*schema{s, ref("empty")}}
	}
	return s
}

func typeSchema(v *netyaml.Value) *schema {
	switch v.Type {
	case netyaml.Truth:
		return ref("truth")
	case netyaml.Name:
		return ref("name")
	case netyaml.Address:
		return ref("address")
	case netyaml.Network:
		return ref("network")
	case netyaml.HardwareName:
		return ref("mac")
	case netyaml.Number:
		n := numberSchema(v.Least, v.Most)
		if len(v.Words) == 0 {
			return n
		}
		return &schema{AnyOf: []*schema{words(v.Words), n}}
	}
	if len(v.Words) > 0 {
		return words(v.Words)
	}
	return ref("single")
}

func words(list []string) *schema {
	s := &schema{}
	for _, w := range list {
		s.Enum = append(s.Enum, w)
	}
	return orVariable(s)
}

func orVariable(s *schema) *schema { return &schema{AnyOf: []*schema{s, ref("variable")}} }

// numberSchema takes a number, which may stand in quotes.
func numberSchema(least int64, most uint64) *schema {
	s := &schema{Type: []string{"integer", "string"}, Pattern: numberPattern,
		Minimum: json.Number(strconv.FormatInt(least, 10)), Maximum: json.Number(strconv.FormatUint(most, 10))}
	if least < 0 {
		s.Pattern = "^-1$|" + numberPattern
		if least < -1 {
			s.Pattern = "^-[0-9]+$|" + numberPattern
		}
	}
	return s
}

// seconds are hundredths as seconds.
func seconds(n uint64) json.Number {
	whole, rest := n/100, n%100
	if rest == 0 {
		return json.Number(strconv.FormatUint(whole, 10))
	}
	return json.Number(fmt.Sprintf("%d.%02d", whole, rest))
}

// isNumber tells that the canonical text of an attribute is a JSON number.
func isNumber(a *netstate.Attr) bool {
	n, err := strconv.ParseFloat(a.Default, 64)
	return err == nil && json.Valid([]byte(a.Default)) && n >= 0 && a.Type != netstate.Enum && a.Type != netstate.String
}

// attrSchema takes what an attribute of the tables takes (netstate.Attr.Canonical).
func attrSchema(a *netstate.Attr) *schema {
	switch a.Type {
	case netstate.Bool, netstate.Bool32, netstate.Flag, netstate.BoolOpt, netstate.FlagBit:
		return ref("truth")
	case netstate.IFFlag:
		if a.Enum == nil {
			return ref("truth")
		}
		return enumSchema(a.Enum)
	case netstate.Enum, netstate.MaskedEnum:
		return enumSchema(a.Enum)
	case netstate.Centi, netstate.Centi64:
		least, most := a.Limits()
		return &schema{Type: []string{"number", "string"}, Pattern: `^[0-9]+(\.[0-9]{1,2})?$|` + variable, Minimum: seconds(least), Maximum: seconds(most)}
	case netstate.Uint8, netstate.Uint16, netstate.Uint16BE, netstate.Uint32, netstate.Uint32BE, netstate.Uint64, netstate.Hundredths, netstate.BitField:
		least, most := a.Limits()
		return numberSchema(int64(least), most) //nolint:gosec // the least of a number is small
	case netstate.Hex32:
		return numberSchema(int64(a.Min), 1<<32-1) //nolint:gosec // the least of a number is small
	case netstate.Int32:
		least, most := a.Signed()
		return numberSchema(least, uint64(most)) //nolint:gosec // the most of a number is above zero
	case netstate.MAC:
		return ref("mac")
	case netstate.LinkRef:
		return &schema{AnyOf: []*schema{ref("name"), ref("empty")}}
	case netstate.IPv4:
		return &schema{AnyOf: []*schema{ref("ipv4"), ref("empty")}}
	case netstate.IPv6:
		return &schema{AnyOf: []*schema{ref("ipv6"), ref("empty")}}
	case netstate.IPAddress:
		family := "address"
		switch {
		case a.IFLA6 == 0:
			family = "ipv4"
		case a.IFLA == 0:
			family = "ipv6"
		}
		return &schema{AnyOf: []*schema{ref(family), ref("empty")}}
	case netstate.Key64, netstate.KeyHex:
		return ref("secret")
	case netstate.PortRange:
		return &schema{Type: "string", Pattern: `^[0-9]{1,5}-[0-9]{1,5}$|` + variable}
	case netstate.HexID:
		return ref("single")
	}
	return ref("single")
}

// enumSchema takes a name, or the kernel's number for it. Names are offered as
// they are written; the decoder does not tell capitals apart.
func enumSchema(values []netstate.EnumValue) *schema {
	s := &schema{}
	for _, v := range values {
		s.Enum = append(s.Enum, v.Name)
	}
	for _, v := range values {
		if v.Value <= 1<<16 {
			s.Enum = append(s.Enum, v.Value)
		}
	}
	return orVariable(s)
}
