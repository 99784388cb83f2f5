package check

import (
	"errors"
	"strings"

	"github.com/expr-lang/expr/file"
)

// reference is the remedy where there is no better one.
const reference = "See the reference page of check."

var (
	mismatchTwo  = pattern(`^invalid operation: (\S+) \(mismatched types (.+) and (.+)\)$`)
	mismatchOne  = pattern(`^invalid operation: (\S+) \(mismatched type (.+)\)$`)
	wrongCount   = pattern(`^(not enough|too many) arguments to call (.+)$`)
	wrongInput   = pattern(`^invalid argument for (\S+) \(type (.+)\)$`)
	wrongResult  = pattern(`^predicate should return boolean \(got (.+)\)$`)
	notCallable  = pattern(`^(.+) is not callable$`)
	wrongElement = pattern(`^array elements can only be selected using an integer \(got (.+)\)$`)
	notList      = pattern(`^builtin (\S+) takes only array \(got (.+)\)$`)
	wrongMember  = pattern(`^cannot use (.+) as type (.+) in (array|map key)$`)
	goType       = pattern(`(\[\]|map\[string\])*\*?((?:check|runbook)\.\w+|interface \{\}|\b(?:u?int(?:8|16|32|64)?|float(?:32|64)|bool|string)\b)`)
)

// plainMessage turns expr's words for a type error into a sentence and a
// remedy.
func plainMessage(message string) (summary, detail string) {
	if m := mismatchTwo().FindStringSubmatch(message); m != nil {
		return mismatch(m[1], typeName(m[2]), typeName(m[3]))
	}
	if m := mismatchOne().FindStringSubmatch(message); m != nil {
		if what := typeName(m[2]); m[1] == "!" || m[1] == "not" {
			return m[1] + " takes true or false, not " + article(what), "Ask for something that is true or false, such as .exists or .up of a link."
		}
		return m[1] + " takes a number, not " + article(typeName(m[2])), reference
	}
	if m := wrongCount().FindStringSubmatch(message); m != nil {
		return m[1] + " arguments for " + m[2], exampleOf(m[2])
	}
	if m := wrongInput().FindStringSubmatch(message); m != nil {
		return m[1] + " does not take " + article(typeName(m[2])), reference
	}
	if m := wrongResult().FindStringSubmatch(message); m != nil {
		return "the condition is " + article(typeName(m[1])) + ", not true or false", "Compare it with what it should be."
	}
	if m := notCallable().FindStringSubmatch(message); m != nil {
		return article(typeName(m[1])) + " is not a function", "Leave out the parentheses."
	}
	if wrongElement().MatchString(message) {
		return "it is a list, which has no such field", "Look into it with any(…), all(…) or filter(…), or take one element with [0]."
	}
	if m := notList().FindStringSubmatch(message); m != nil {
		return m[1] + " takes a list, not " + article(typeName(m[2])), reference
	}
	if m := wrongMember().FindStringSubmatch(message); m != nil {
		return article(typeName(m[1])) + " is never in it: it holds " + plural(typeName(m[2])), "Write the value in the type of what it is looked for in."
	}
	return plainTypes(message), reference
}

// mismatch is an operator between two types that do not go together.
func mismatch(operator, left, right string) (summary, detail string) {
	switch operator {
	case "==", "!=", "<", ">", "<=", ">=":
		detail = "Compare things of one kind."
		if left == "number" && right == "string" || left == "string" && right == "number" {
			detail = `Write numbers without quotes: 1500 is a number, "1500" a string.`
		}
		return article(left) + " cannot be compared with " + article(right), detail
	case "&&", "and", "||", "or":
		wrong := right
		if right == "boolean" {
			wrong = left
		}
		return operator + " takes true or false on both sides, not " + article(wrong), "Compare it with what it should be."
	}
	return operator + " does not work between " + article(left) + " and " + article(right), reference
}

// exampleOf shows how a function is called.
func exampleOf(name string) string {
	for _, f := range functions() {
		if f.name == name {
			return "Write it as in `" + f.example + "`."
		}
	}
	return reference
}

// plainTypes replaces Go's types in a message.
func plainTypes(message string) string {
	if i := strings.Index(message, "func("); i >= 0 {
		return message[:i] + "function"
	}
	return goType().ReplaceAllStringFunc(message, typeName)
}

// typeName is a Go type in the words of the reference page.
func typeName(t string) string {
	switch {
	case strings.HasPrefix(t, "func("):
		return "function"
	case strings.HasPrefix(t, "[]"):
		if inner := typeName(t[2:]); inner != "anything" {
			return "list of " + plural(inner)
		}
		return "list"
	case strings.HasPrefix(t, "map["):
		return "map"
	case strings.HasPrefix(t, "*"):
		return typeName(t[1:])
	}
	switch t {
	case "interface {}", "any", "unknown":
		return "anything"
	case "bool":
		return "boolean"
	case "check.fdbEntry":
		return "forwarding entry"
	case "check.tcClass":
		return "class"
	case "check.tcFilter":
		return "filter"
	case "check.namedNamespace":
		return "namespace"
	case "check.mplsRoute":
		return "label route"
	case "check.xfrmState":
		return "state of IPsec"
	case "check.xfrmPolicy":
		return "policy of IPsec"
	case "check.xfrmTemplate":
		return "template of IPsec"
	case "check.mptcpEndpoint":
		return "endpoint of MPTCP"
	case "check.mptcpLimits":
		return "set of limits of MPTCP"
	case "check.pingReply", "check.tcpReply", "check.httpReply", "check.dnsReply", "check.routeReply", "check.processReply", "check.fileReply":
		return strings.TrimSuffix(strings.TrimPrefix(t, "check."), "Reply") + " answer"
	case "runbook.FactLink":
		return "interface"
	case "runbook.FactAddress":
		return "address"
	case "runbook.FactRoute":
		return "default route"
	case "check.output":
		return "command output"
	case "check.recorded":
		return "snapshot"
	case "check.current":
		return "state of now"
	case "time.Duration":
		return "duration"
	}
	if strings.HasPrefix(t, "int") || strings.HasPrefix(t, "uint") || strings.HasPrefix(t, "float") {
		return "number"
	}
	return strings.TrimPrefix(t, "check.")
}

func plural(word string) string {
	switch {
	case strings.HasSuffix(word, "y"):
		return strings.TrimSuffix(word, "y") + "ies"
	case strings.HasSuffix(word, "s"):
		return word + "es"
	}
	return word + "s"
}

func article(word string) string {
	if word == "anything" || word == "nil" || word == "changes" || word == "counters" {
		return word
	}
	if strings.ContainsRune("aeiou", rune(word[0])) {
		return "an " + word
	}
	return "a " + word
}

// runtimeMessage is an evaluation's error without expr's picture of the
// source.
func runtimeMessage(err error) string {
	var fe *file.Error
	if !errors.As(err, &fe) {
		return err.Error()
	}
	message := fe.Message
	if strings.HasPrefix(message, "interface conversion: ") {
		message = conversionPattern().ReplaceAllString(message, "it is $1, not $2")
	}
	return strings.ReplaceAll(plainTypes(message), "<nil>", "nil")
}

var conversionPattern = pattern(`^interface conversion: interface \{\} is (\S+), not (\S+)$`)
