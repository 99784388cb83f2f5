package ssh

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	config "github.com/kevinburke/ssh_config"

	"stet/executors"
)

// plain reads ssh_config without an ssh program: Host blocks, includes and
// literal values. What it cannot read as ssh(1) would is refused, for a
// misread setting may lead to another host.
func (r *resolver) plain(a Address, jump string) (*Settings, error) {
	files, err := r.plainFiles()
	if err != nil {
		return nil, err
	}
	d := dump{}
	for _, keyword := range plainKeywords {
		for _, f := range files {
			values, err := f.GetAll(a.Host, keyword)
			if err != nil {
				return nil, fmt.Errorf("looking up %s: %w", keyword, err)
			}
			several := keyword == "identityfile" || keyword == "certificatefile"
			if len(values) > 0 && !several {
				values = values[:1]
			}
			if len(d[keyword]) == 0 || several {
				d[keyword] = append(d[keyword], unquote(values)...)
			}
		}
	}
	r.plainDefaults(d, a, jump)
	if err := checkPlainValues(d); err != nil {
		return nil, err
	}
	return d.settings(a.Host, &r.lists)
}

var plainKeywords = []string{
	"hostname", "user", "port", "addressfamily", "bindaddress", "bindinterface", "identityfile", "certificatefile", "identitiesonly",
	"identityagent", "numberofpasswordprompts", "batchmode", "requiredrsasize", "proxyjump", "proxycommand", "proxyusefdpass", "controlpath",
	"pkcs11provider", "gssapiauthentication", "hostbasedauthentication", "connectionattempts", "userknownhostsfile", "globalknownhostsfile",
	"knownhostscommand", "revokedhostkeys", "hostkeyalias", "hashknownhosts", "nohostauthenticationforlocalhost", "hostkeyalgorithms",
	"kexalgorithms", "ciphers", "macs", "pubkeyacceptedalgorithms", "casignaturealgorithms", "connecttimeout", "serveraliveinterval",
	"serveralivecountmax", "rekeylimit", "stricthostkeychecking", "preferredauthentications", "pubkeyauthentication",
	"kbdinteractiveauthentication", "passwordauthentication",
}

// plainFiles reads the user's file and the system's, the user's first.
func (r *resolver) plainFiles() ([]*config.Config, error) {
	paths := []string{filepath.Join(r.local.home, ".ssh", "config"), systemConfig()}
	if r.config != "" {
		paths = []string{r.config}
	}
	var files []*config.Config
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) && r.config == "" {
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := r.checkPlainText(path, text, 0); err != nil {
			return nil, err
		}
		f, err := config.DecodeBytes(text)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
		files = append(files, f)
	}
	return files, nil
}

func systemConfig() string {
	if runtime.GOOS == "windows" {
		return filepath.Join(os.Getenv("PROGRAMDATA"), "ssh", "ssh_config")
	}
	return "/etc/ssh/ssh_config"
}

// checkPlainText refuses keywords whose meaning takes ssh itself, in the file
// and in what it includes.
func (r *resolver) checkPlainText(path string, text []byte, depth int) error {
	if depth > 16 {
		return fmt.Errorf("reading %s: includes nest too deep", path)
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		keyword, value := line, ""
		if i := strings.IndexAny(line, " \t="); i >= 0 {
			keyword, value = line[:i], strings.Trim(line[i:], " \t=")
		}
		switch strings.ToLower(keyword) {
		case "match":
			return needsProgram(path, n, "Match")
		case "canonicalizehostname":
			if !isNo(value) {
				return needsProgram(path, n, "CanonicalizeHostname")
			}
		case "include":
			if err := r.checkPlainIncludes(path, n, value, depth); err != nil {
				return err
			}
		}
	}
	return lines.Err()
}

func (r *resolver) checkPlainIncludes(path string, line int, value string, depth int) error {
	for _, pattern := range strings.Fields(value) {
		if strings.ContainsAny(pattern, "\"%$") {
			return needsProgram(path, line, "Include "+pattern)
		}
		pattern = r.local.tilde(pattern)
		if !filepath.IsAbs(pattern) {
			// Relative to the folder that ssh would take, not to the file.
			folder := filepath.Join(r.local.home, ".ssh")
			if path == systemConfig() {
				folder = filepath.Dir(path)
			}
			pattern = filepath.Join(folder, pattern)
		}
		included, err := filepath.Glob(pattern)
		if err != nil {
			return fmt.Errorf("reading %s, line %d: %w", path, line, err)
		}
		for _, file := range included {
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			if err := r.checkPlainText(file, text, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func needsProgram(path string, line int, what string) error {
	return &executors.Error{
		Code: "unsupported", Op: "reading " + path,
		Message: fmt.Sprintf("line %d: %s can be read only with the ssh program, and this machine has none", line, what),
		Remedy:  "install OpenSSH's client, or give stet a file without it",
	}
}

// plainDefaults adds what ssh(1) takes where the files say nothing.
func (r *resolver) plainDefaults(d dump, a Address, jump string) {
	set := func(keyword, value string) {
		if value != "" {
			d[keyword] = []string{value}
		}
	}
	otherwise := func(keyword string, values ...string) {
		if len(d[keyword]) == 0 {
			d[keyword] = values
		}
	}
	set("user", a.User)
	set("proxyjump", jump)
	if a.Port != 0 {
		set("port", strconv.Itoa(a.Port))
	}
	if jump != "" {
		delete(d, "proxycommand")
	}
	otherwise("user", r.local.user)
	otherwise("port", "22")
	otherwise("hostname", strings.ToLower(a.Host))
	d["hostname"][0] = strings.ReplaceAll(d["hostname"][0], "%h", a.Host)
	var keys []string
	for _, kind := range []string{"rsa", "ecdsa", "ecdsa_sk", "ed25519", "ed25519_sk"} {
		keys = append(keys, "~/.ssh/id_"+kind)
	}
	otherwise("identityfile", keys...)
	otherwise("userknownhostsfile", "~/.ssh/known_hosts ~/.ssh/known_hosts2")
	folder := filepath.Dir(systemConfig())
	otherwise("globalknownhostsfile", filepath.Join(folder, "ssh_known_hosts")+" "+filepath.Join(folder, "ssh_known_hosts2"))
}

// checkPlainValues refuses values that need OpenSSH's own lists or tokens.
func checkPlainValues(d dump) error {
	for _, keyword := range []string{"hostkeyalgorithms", "kexalgorithms", "ciphers", "macs", "pubkeyacceptedalgorithms", "casignaturealgorithms"} {
		if v := d.one(keyword); v != "" && (strings.ContainsAny(v[:1], "+-^") || strings.ContainsAny(v, "*?!")) {
			return needsProgramFor(keyword + " " + v)
		}
	}
	if strings.Contains(d.one("hostname"), "%") {
		return needsProgramFor("HostName " + d.one("hostname"))
	}
	return nil
}

func needsProgramFor(what string) error {
	return &executors.Error{
		Code: "unsupported", Op: "reading ssh_config",
		Message: what + " can be read only with the ssh program, and this machine has none",
		Remedy:  "install OpenSSH's client, or write the value out",
	}
}

// unquote takes the quotes off values that have them.
func unquote(values []string) []string {
	plain := make([]string, len(values))
	for i, v := range values {
		if len(v) > 1 && v[0] == '"' && v[len(v)-1] == '"' {
			v = v[1 : len(v)-1]
		}
		plain[i] = v
	}
	return plain
}
