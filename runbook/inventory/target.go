package inventory

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"stet/executors"
)

// unused are variables about the connection for which ssh has a place of its
// own.
var unused = map[string]string{
	"ansible_ssh_private_key_file": "IdentityFile", "ansible_private_key_file": "IdentityFile",
	"ansible_ssh_common_args": "its options", "ansible_ssh_extra_args": "its options",
	"ansible_ssh_executable": "the path",
}

// target is the host as stet reaches it. The address is what stet_address says,
// else made of ansible_host, ansible_user, ansible_port and ansible_connection.
func (h Host) target() (t executors.Target, warnings []string) {
	t = executors.Target{Name: h.Name, Vars: h.Vars}
	for key, place := range unused {
		if _, ok := h.Vars[key]; ok {
			warnings = append(warnings, fmt.Sprintf("%s is not used; write it into ~/.ssh/config (%s), which stet follows", key, place))
		}
	}
	t.Become, warnings = h.become(warnings)
	switch connection := h.word("ansible_connection"); connection {
	case "", "ssh", "smart", "paramiko", "paramiko_ssh", "ansible.builtin.ssh", "ansible.builtin.paramiko_ssh":
		t.Address = h.address()
	case "local", "ansible.builtin.local":
		t.Address = "local"
	default: // opening it says that there is no such way
		t.Address = strings.Map(lettersOnly, connection) + "://" + h.Name
	}
	if own := h.word("stet_address"); own != "" {
		t.Address = own
	}
	return t, warnings
}

func lettersOnly(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' || r == '.' {
		return r
	}
	return -1
}

func (h Host) address() string {
	name := h.word("ansible_host", "ansible_ssh_host")
	if name == "" {
		name = h.Name
	}
	a := executors.Address{User: h.word("ansible_user", "ansible_ssh_user"), Host: name}
	bare := strings.Trim(name, "[]")
	if port := h.word("ansible_port", "ansible_ssh_port"); port != "" {
		a.Host = net.JoinHostPort(bare, port)
	} else if strings.Contains(name, ":") { // IPv6
		a.Host = "[" + bare + "]"
	}
	return "ssh://" + a.String()
}

func (h Host) become(warnings []string) (string, []string) {
	if !h.truth("ansible_become", "ansible_sudo") {
		return "", warnings
	}
	if m := h.word("ansible_become_method"); m != "" && m != "sudo" && m != "ansible.builtin.sudo" {
		return "", append(warnings, fmt.Sprintf("ansible_become_method %s is not known; stet becomes root by sudo only, and %s is reached without", m, h.Name))
	}
	if u := h.word("ansible_become_user", "ansible_sudo_user"); u != "" && u != "root" {
		return "", append(warnings, fmt.Sprintf("ansible_become_user %s is not used; stet becomes root only, and %s is reached without", u, h.Name))
	}
	return "sudo", warnings
}

// word is the first of these variables that is set, as text.
func (h Host) word(keys ...string) string {
	for _, k := range keys {
		switch v := h.Vars[k].(type) {
		case string:
			if v != "" {
				return v
			}
		case int:
			return strconv.Itoa(v)
		}
	}
	return ""
}

func (h Host) truth(keys ...string) bool {
	for _, k := range keys {
		switch v := h.Vars[k].(type) {
		case bool:
			return v
		case int:
			return v != 0
		case string:
			switch strings.ToLower(v) {
			case "yes", "true", "on", "1", "y", "t":
				return true
			}
		}
	}
	return false
}
