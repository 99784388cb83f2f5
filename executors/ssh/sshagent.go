package ssh

import (
	"os"
	"slices"
	"sync"
	"time"

	cryptossh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// keyAgents keeps one connection to each ssh-agent, whatever the number of
// hosts.
type keyAgents struct {
	mu     sync.Mutex
	agents map[string]*keyAgent
}

type keyAgent struct {
	once    sync.Once
	signers []cryptossh.Signer
	err     error
	close   func() error
}

// agentTimeout bounds the listing of keys; signing may wait for a touch.
const agentTimeout = 10 * time.Second

// socket is where IdentityAgent points; "" for no agent.
func (s *Settings) socket() string {
	switch a := s.IdentityAgent; {
	case a == "none":
		return ""
	case a == "" || a == "SSH_AUTH_SOCK":
		return defaultAgent()
	case a[0] == '$':
		// $NAME and ${NAME} both name a variable with the path.
		return os.Expand(a, os.Getenv)
	default:
		return a
	}
}

// signers lists the keys of the agent at path. An agent that does not answer
// has none; the error says why, for the report of a login that failed.
func (k *keyAgents) signers(path string) ([]cryptossh.Signer, error) {
	if path == "" {
		return nil, nil
	}
	k.mu.Lock()
	a := k.agents[path]
	if a == nil {
		a = &keyAgent{}
		if k.agents == nil {
			k.agents = map[string]*keyAgent{}
		}
		k.agents[path] = a
	}
	k.mu.Unlock()
	a.once.Do(func() { a.open(path) })
	return slices.Clone(a.signers), a.err
}

func (a *keyAgent) open(path string) {
	conn, err := dialAgent(path)
	if err != nil {
		a.err = err
		return
	}
	a.close = conn.Close
	stuck := time.AfterFunc(agentTimeout, func() { conn.Close() })
	a.signers, a.err = agent.NewClient(conn).Signers()
	stuck.Stop()
}

func (k *keyAgents) Close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, a := range k.agents {
		// Taking the turn waits for an opening under way.
		a.once.Do(func() {})
		if a.close != nil {
			_ = a.close() // it was only read from
		}
	}
	k.agents = nil
}
