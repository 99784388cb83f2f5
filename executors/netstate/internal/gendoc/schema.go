package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

// schema is a JSON Schema, or a part of one (draft 2020-12).
type schema struct {
	Schema      string             `json:"$schema,omitempty"`
	ID          string             `json:"$id,omitempty"`
	Title       string             `json:"title,omitempty"`
	Description string             `json:"description,omitempty"`
	Ref         string             `json:"$ref,omitempty"`
	Type        any                `json:"type,omitempty"`
	Enum        []any              `json:"enum,omitempty"`
	Pattern     string             `json:"pattern,omitempty"`
	Minimum     json.Number        `json:"minimum,omitempty"`
	Maximum     json.Number        `json:"maximum,omitempty"`
	Default     any                `json:"default,omitempty"`
	ReadOnly    bool               `json:"readOnly,omitempty"`
	DoNotSay    bool               `json:"doNotSuggest,omitempty"` // a word of VS Code's
	Items       *schema            `json:"items,omitempty"`
	Properties  map[string]*schema `json:"properties,omitempty"`
	Required    []string           `json:"required,omitempty"`
	Additional  any                `json:"additionalProperties,omitempty"`
	AnyOf       []*schema          `json:"anyOf,omitempty"`
	Not         *schema            `json:"not,omitempty"`
	Defs        map[string]*schema `json:"$defs,omitempty"`
}

// schemaFile is docs/reference/netconfig.schema.json.
func schemaFile() string {
	s := shapeSchema(language(), "")
	s.Schema, s.ID = "https://json-schema.org/draft/2020-12/schema", "urn:stet:netconfig"
	s.Title = "netconfig"
	s.Description = "The body of a netconfig block of stet: nmstate's schema, with extensions. It is about the form: what contradicts itself, or the target, is found by stet lint and stet plan."
	s.Defs = definitions()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(s); err != nil {
		panic(err) // it has only what JSON has
	}
	return b.String()
}

// variable is what a document may write instead of any value, or within it.
const variable = `\$\{[^}]+\}`

const (
	numberPattern = `^(0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|[0-9]+)$|` + variable
	ipv4Pattern   = `[0-9]{1,3}(\.[0-9]{1,3}){3}`
	ipv6Pattern   = `[0-9a-fA-F]*:[0-9a-fA-F:.]*`
	macPattern    = `^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$|` + variable
	namePattern   = `^[^\s/:]{1,15}$|` + variable
	truthPattern  = `^(true|True|TRUE|false|False|FALSE|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF|y|Y|n|N|0|1)$|` + variable
)

// definitions are what many keys take.
func definitions() map[string]*schema {
	return map[string]*schema{
		"truth":    {AnyOf: []*schema{{Type: "boolean"}, {Enum: []any{0, 1}}, {Type: "string", Pattern: truthPattern}}},
		"name":     {Type: "string", Pattern: namePattern, Description: "The name of an interface, 15 bytes at most."},
		"mac":      {Type: "string", Pattern: macPattern},
		"address":  {Type: "string", Pattern: "^(" + ipv4Pattern + "|" + ipv6Pattern + ")$|" + variable},
		"ipv4":     {Type: "string", Pattern: "^" + ipv4Pattern + "$|" + variable},
		"ipv6":     {Type: "string", Pattern: "^" + ipv6Pattern + "$|" + variable},
		"network":  {Type: "string", Pattern: "^(default|(" + ipv4Pattern + "|" + ipv6Pattern + ")(/[0-9]{1,3})?)$|" + variable},
		"secret":   {Type: "string", Description: "A key, or a secret of the document: ${NAME}."},
		"single":   {Type: []string{"string", "number", "boolean"}},
		"empty":    {Type: "string", Pattern: "^$"},
		"variable": {Type: "string", Pattern: variable, Description: "A variable of the document: ${NAME}."},
	}
}

func ref(name string) *schema { return &schema{Ref: "#/$defs/" + name} }

// shapeSchema is the schema of a place of the language.
func shapeSchema(s *netyaml.Shape, path string) *schema {
	var forms []*schema
	if s.Keys != nil {
		forms = append(forms, mappingSchema(s, path))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Kinds)) {
		m := mappingSchema(s.Kinds[name], kindPath(path, name))
		m.Properties["kind"] = &schema{Enum: []any{name}, Description: meaning(kindPath(path, name))}
		m.Required = slices.Sorted(slices.Values(append(m.Required, "kind")))
		forms = append(forms, m)
	}
	if s.Items != nil {
		forms = append(forms, &schema{Type: []string{"array", "null"}, Items: shapeSchema(s.Items, path)})
	}
	if s.Value != nil {
		forms = append(forms, valueSchema(s.Value))
	}
	switch len(forms) {
	case 0:
		return &schema{}
	case 1:
		return forms[0]
	}
	return &schema{AnyOf: forms}
}

func mappingSchema(s *netyaml.Shape, path string) *schema {
	m := &schema{Type: []string{"object", "null"}, Additional: false, Properties: map[string]*schema{}}
	if s.Free {
		m.Additional = ref("single")
	}
	for name, key := range s.Keys {
		m.Properties[name] = keySchema(key, join(path, name))
		if key.Needed {
			m.Required = append(m.Required, name)
		}
	}
	slices.Sort(m.Required)
	return m
}

// join is the path of a key as package netdoc has it: what nmstate puts between
// is left out.
func join(path, name string) string {
	if name == "config" && !strings.Contains(path, ".") {
		return path
	}
	ambiguous := name == "sysctl" || name == "description" || name == "mptcp" // there are such parts of a block, too
	if path == "" || path == "interfaces" && !ambiguous {
		return name
	}
	if sort, ok := sorts[path]; ok {
		path = sort
	}
	return path + "." + name
}

// sorts are lists whose entries package netdoc calls by their sort.
var sorts = map[string]string{
	"ipsec-xfrm.states": "ipsec-xfrm.state", "ipsec-xfrm.policies": "ipsec-xfrm.policy", "mptcp.endpoints": "mptcp.endpoint",
	"traffic-control.qdiscs": "traffic-control.qdisc", "traffic-control.filters": "traffic-control.filter", "traffic-control.classes": "traffic-control.class.htb",
}

// kindPath is the path of an entry of a kind.
func kindPath(path, kind string) string {
	if sort, ok := sorts[path]; ok {
		return sort + "." + kind
	}
	return "traffic-control.action." + kind
}

func keySchema(k *netyaml.Key, path string) *schema {
	if k.Refused != "" {
		return &schema{Description: "Refused: " + k.Refused + ".", Not: &schema{}, DoNotSay: true}
	}
	s := shapeSchema(&k.Shape, path)
	s.Description, s.DoNotSay = meaning(path), k.Hidden
	if k.Value != nil && k.Value.Attr != nil {
		attrAnnotations(s, k.Value.Attr)
	}
	return s
}

// attrAnnotations are what the tables say beside what is taken.
func attrAnnotations(s *schema, a *netstate.Attr) {
	if s.Description == "" {
		s.Description = meaning(a.Key)
	}
	if a.Set == netstate.ReadOnly {
		s.ReadOnly = true
	}
	if a.Set == netstate.OnCreate {
		s.Description += " Set when the interface is made; a change makes it anew."
	}
	switch a.Default {
	case "":
	case "true", "false":
		s.Default = a.Default == "true"
	default:
		s.Default = a.Default
		if n := json.Number(a.Default); isNumber(a) {
			s.Default = n
		}
	}
}
