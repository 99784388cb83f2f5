package ssh

import (
	"net"
	"strconv"
	"strings"
	"time"

	"stet/executors"
)

// Settings are what ssh_config(5) says about one host, after Host, Match,
// Include, canonicalisation and tokens. Names are those of ssh_config.
type Settings struct {
	// Host is the name as it was given (%n); HostName the one to connect to.
	Host, HostName string
	User           string
	Port           int

	AddressFamily string // "any", "inet", "inet6"
	BindAddress   string
	BindInterface string

	IdentityFiles    []string
	CertificateFiles []string
	IdentitiesOnly   bool
	// IdentityAgent is a socket's path, "none", or "" for SSH_AUTH_SOCK.
	IdentityAgent string
	// Preferred is PreferredAuthentications less the methods switched off, in
	// order.
	Preferred       []string
	PasswordPrompts int // NumberOfPasswordPrompts
	BatchMode       bool
	RequiredRSASize int

	// ProxyJump is "" or hops joined by commas, the nearest first.
	ProxyJump string
	// ProxyCommand is "" or a shell command, tokens filled in.
	ProxyCommand    string
	ProxyUseFdpass  bool
	ControlPath     string
	PKCS11Provider  string
	GSSAPI          bool // GSSAPIAuthentication
	Hostbased       bool // HostbasedAuthentication
	RekeyBytes      uint64
	ConnectAttempts int // ConnectionAttempts

	UserKnownHostsFiles   []string
	GlobalKnownHostsFiles []string
	KnownHostsCommand     string
	RevokedHostKeys       string
	HostKeyAlias          string
	// StrictHostKeyChecking is "yes", "ask", "accept-new" or "no".
	StrictHostKeyChecking string
	HashKnownHosts        bool
	NoLocalhostAuth       bool // NoHostAuthenticationForLocalhost

	HostKeyAlgorithms        []string
	KexAlgorithms            []string
	Ciphers                  []string
	MACs                     []string
	PubkeyAcceptedAlgorithms []string
	CASignatureAlgorithms    []string

	// ConnectTimeout bounds the connection and the key exchange; 0 where
	// nothing is configured.
	ConnectTimeout      time.Duration
	ServerAliveInterval time.Duration // 0 where nothing is configured
	ServerAliveCountMax int
}

// Defaults where ssh_config leaves it to the kernel, or to nobody: an operation
// must never hang on a dead peer.
const (
	defaultConnectTimeout = 30 * time.Second
	defaultAliveInterval  = 5 * time.Second
	maxAliveInterval      = time.Minute
	// authTimeout bounds authentication, questions to the operator not
	// counted. It is OpenSSH's LoginGraceTime.
	authTimeout = 120 * time.Second
)

func (s *Settings) connectTimeout() time.Duration {
	if s.ConnectTimeout > 0 {
		return s.ConnectTimeout
	}
	return defaultConnectTimeout
}

// alive is how often to ask a silent host for a sign of life, and how often in
// vain. Asking more often than configured does no harm, waiting twenty minutes
// (Debian's default with BatchMode) would.
func (s *Settings) alive() (interval time.Duration, count int) {
	interval, count = s.ServerAliveInterval, s.ServerAliveCountMax
	if interval <= 0 {
		interval = defaultAliveInterval
	}
	interval = min(interval, maxAliveInterval)
	if count <= 0 {
		count = 3
	}
	return interval, count
}

func (s *Settings) address() string { return net.JoinHostPort(s.HostName, strconv.Itoa(s.Port)) }

// hostKeyName is the name under which known_hosts lists the host: the alias,
// the name, or "[name]:port".
func (s *Settings) hostKeyName() string {
	switch {
	case s.HostKeyAlias != "":
		return strings.ToLower(s.HostKeyAlias)
	case s.Port != 22 && s.Port != 0:
		return "[" + strings.ToLower(s.HostName) + "]:" + strconv.Itoa(s.Port)
	}
	return strings.ToLower(s.HostName)
}

// principal is the name that a host certificate must carry.
func (s *Settings) principal() string {
	if s.HostKeyAlias != "" {
		return s.HostKeyAlias
	}
	return s.HostName
}

// identity tells connections apart that may not be shared.
func (s *Settings) identity() string {
	return strings.Join([]string{
		s.User, s.HostName, strconv.Itoa(s.Port), s.HostKeyAlias, s.ProxyJump, s.ProxyCommand, s.BindAddress, s.BindInterface,
	}, "\x00")
}

// Address is the host part of an ssh:// target.
type Address = executors.Address
