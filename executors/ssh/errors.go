package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	cryptossh "golang.org/x/crypto/ssh"

	"stet/executors"
)

// ErrNoAgent is in the chain of an error that says why a host does not run
// the agent: noexec, a restricted shell, no tools to check what was sent, an
// operating system for which there is none. Plain commands may still work.
var ErrNoAgent = errors.New("the host does not run the agent")

// errRestricted is an ErrNoAgent: not even scripts run there.
var errRestricted = fmt.Errorf("%w: its login shell is restricted", ErrNoAgent)

// errSilent ends a connection whose peer answers nothing any more.
var errSilent = errors.New("the host has not answered the keep-alives")

// fail makes an *executors.Error of an error met while connecting to host,
// unless it is one already.
func fail(ctx context.Context, host string, err error) error {
	var typed *executors.Error
	if errors.As(err, &typed) {
		return typed
	}
	e := &executors.Error{Code: "unreachable", Op: "connecting to " + host, Err: err}
	var dns *net.DNSError
	var negotiation *cryptossh.AlgorithmNegotiationError
	var channel *cryptossh.OpenChannelError
	text := err.Error()
	switch {
	case ctx.Err() != nil && errors.Is(context.Cause(ctx), context.Canceled):
		e.Code, e.Message, e.Err = "canceled", "interrupted", context.Cause(ctx)
		if by := e.Err.Error(); by != context.Canceled.Error() { // it says by what
			e.Message = by
		}
	case errors.Is(err, errTimeout) || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, syscall.ETIMEDOUT):
		e.Code, e.Message = "timeout", "no answer within the time given"
		e.Remedy = "check that the host is up and that nothing on the way drops the packets; ConnectTimeout in ssh_config sets the time"
		if errors.Is(err, errTimeout) {
			e.Message = text
		}
		if strings.Contains(text, keyExchange) { // a connection was made: small packets get through
			e.Remedy = "the host takes connections: look at its load, and whether large packets get through (ping -M do -s 1400); where a link on the way has a smaller MTU only small ones do"
		}
	case errors.As(err, &dns):
		e.Code, e.Message = "not-found", "the name "+dns.Name+" cannot be resolved: "+dns.Err
		e.Remedy = "check the name, or give the host a HostName in ~/.ssh/config"
	case errors.As(err, &negotiation):
		e.Code, e.Message = "protocol", "no common algorithm: "+strings.TrimPrefix(text, "ssh: handshake failed: ")
		e.Remedy = "allow one that the host offers in ssh_config (KexAlgorithms, Ciphers, MACs, HostKeyAlgorithms)"
	case errors.As(err, &channel):
		e.Message = "the jump host cannot reach it: " + firstLine(channel.Message)
		if channel.Reason == cryptossh.Prohibited {
			e.Message = "the jump host does not forward to it: administratively prohibited"
		}
		e.Remedy = "check the address and the port as the jump host sees them, and that it allows forwarding"
		if strings.Contains(channel.Message, "refused") {
			e.Code = "refused"
		}
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Code, e.Message = "refused", "connection refused"
		e.Remedy = "check that sshd runs there and listens on this port"
	case errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EHOSTUNREACH):
		e.Message = "no route to the host"
		e.Remedy = "check this machine's routes and the host's address"
	case errors.Is(err, errNotSSH):
		e.Code, e.Message = "protocol", text
		e.Remedy = "check the port: what answers there is no SSH server"
	case errors.Is(err, errDropped):
		e.Message = text
		e.Remedy = "the server may be refusing new connections for the moment (MaxStartups, PerSourcePenalties, a full process table): see its log"
	case errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, net.ErrClosed):
		e.Message = "the connection was closed: " + strings.TrimPrefix(text, "ssh: handshake failed: ")
		e.Remedy = "see the server's log"
	case strings.Contains(text, "Too many authentication failures"):
		e.Code, e.Message = "permission", "the server ended the login after too many keys"
		e.Remedy = "set IdentitiesOnly yes and the right IdentityFile for the host in ssh_config"
	}
	return e
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return visible(line)
}

// visible keeps text from a host from moving the cursor of whoever reads it.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

// keyExchange is what a connection begins with.
const keyExchange = "the key exchange"

var (
	errTimeout = errors.New("timed out")
	errNotSSH  = errors.New("not an SSH server")
	errDropped = errors.New("the server closed the connection before it said anything")
)

// refuse is an error about the host's identity or the operator's: connecting
// must not go on.
func refuse(code, host, message, remedy string) error {
	return &executors.Error{Code: code, Op: "connecting to " + host, Message: message, Remedy: remedy}
}
