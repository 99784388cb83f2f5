package ssh

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	cryptossh "golang.org/x/crypto/ssh"

	"stet/executors"
)

// authentication is one login. The server is told of one method at a time, in
// the order of PreferredAuthentications, so that nothing is asked of the
// operator that a key makes needless.
type authentication struct {
	settings *Settings
	agents   *keyAgents
	keys     *keyFiles
	ask      func(context.Context, Question) (string, error)
	clock    func() time.Time
	ctx      context.Context

	listed  bool
	offer   []candidate
	tries   map[string]int
	offered []string
	expired []string
	methods []string // that the server accepts
	odd     bool     // there is a key that only system ssh could use
	remedy  string   // for a question that could not be asked

	mu    sync.Mutex
	notes []string
}

func (a *authentication) note(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Contains(a.notes, text) {
		a.notes = append(a.notes, text)
	}
}

// next is the AuthCallback: the method to try now.
func (a *authentication) next(server *cryptossh.ClientAuthContext) (cryptossh.AuthMethod, error) {
	if err := a.ctx.Err(); err != nil {
		return nil, context.Cause(a.ctx)
	}
	a.methods = server.AllowedMethods
	for _, method := range a.settings.Preferred {
		if !slices.Contains(server.AllowedMethods, method) {
			continue
		}
		switch method {
		case "publickey":
			if m := a.key(); m != nil {
				return m, nil
			}
		case "password":
			if a.may(method) {
				return a.password(), nil
			}
		case "keyboard-interactive":
			if a.may(method) {
				return a.interactive(), nil
			}
		}
	}
	return nil, a.failed()
}

// key is the next key to offer, nil when there is none left.
func (a *authentication) key() cryptossh.AuthMethod {
	if !a.listed {
		var notes []string
		a.offer, notes = a.candidates()
		a.listed = true
		for _, n := range notes {
			a.note(n)
		}
	}
	for len(a.offer) > 0 {
		c := a.offer[0]
		a.offer = a.offer[1:]
		signer, err := a.ready(a.ctx, c)
		if err != nil {
			a.locked(c.name, err)
			continue
		}
		a.offered = append(a.offered, c.name)
		return cryptossh.PublicKeys(signer)
	}
	return nil
}

// locked notes why a key cannot be used, and what would help.
func (a *authentication) locked(name string, err error) {
	var e *executors.Error
	if errors.As(err, &e) && errors.Is(err, errNobody) {
		a.mu.Lock()
		a.remedy = e.Remedy
		a.mu.Unlock()
		err = errors.New(e.Message)
	}
	a.note(name + ": " + err.Error())
}

// may tells whether a method that asks for a secret gets another try: as often
// as NumberOfPasswordPrompts says, and not again with nobody to ask.
func (a *authentication) may(method string) bool {
	if a.tries == nil {
		a.tries = map[string]int{}
	}
	if a.tries[method] >= max(a.settings.PasswordPrompts, 1) {
		return false
	}
	a.tries[method]++
	return true
}

func (a *authentication) password() cryptossh.AuthMethod {
	return cryptossh.PasswordCallback(func() (string, error) {
		q := Question{Kind: Password, Host: a.settings.Host, User: a.settings.User, Attempt: a.tries["password"],
			Text: "the password of " + a.settings.User + " on " + a.settings.Host}
		answer, err := a.ask(a.ctx, q)
		if err != nil {
			a.giveUp("password", q, err)
		}
		return answer, err
	})
}

// interactive answers the host's own questions. A question that is not to be
// shown while typed, alone or the first, is the password.
func (a *authentication) interactive() cryptossh.AuthMethod {
	return cryptossh.KeyboardInteractive(func(name, instruction string, questions []string, echos []bool) ([]string, error) {
		answers := make([]string, len(questions))
		for i, text := range questions {
			q := Question{Kind: Challenge, Host: a.settings.Host, User: a.settings.User, Echo: echos[i], Attempt: a.tries["keyboard-interactive"],
				Text: visible(strings.TrimSpace(strings.Join([]string{name, instruction, text}, "\n")))}
			if !echos[i] && strings.Contains(strings.ToLower(text), "password") {
				q.Kind = Password
			}
			answer, err := a.ask(a.ctx, q)
			if err != nil {
				a.giveUp("keyboard-interactive", q, err)
				return nil, err
			}
			answers[i] = answer
		}
		return answers, nil
	})
}

// giveUp stops a method whose question got no answer.
func (a *authentication) giveUp(method string, q Question, err error) {
	a.tries[method] = 1 << 20
	e := nobody(a.settings.Host, q, err)
	a.note(e.Message)
	if errors.Is(err, errNobody) {
		a.remedy = e.Remedy
	}
}

// failed says what was tried.
func (a *authentication) failed() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.settings
	e := &executors.Error{Code: "permission", Op: "connecting to " + s.Host, Err: errAuth}
	tried := "no key to offer"
	if len(a.offered) > 0 {
		tried = "offered " + strings.Join(a.offered, ", ")
	}
	e.Message = "the host does not let " + s.User + " in: it accepts " + strings.Join(a.methods, ", ") + "; " + tried
	if len(a.notes) > 0 {
		e.Message += "; " + strings.Join(a.notes, "; ")
	}
	e.Remedy = "put the right key into ssh-agent or name it with IdentityFile, check the user, and see that the host lists the key"
	if a.remedy != "" {
		e.Remedy = a.remedy
	}
	if len(a.expired) > 0 {
		e.Code = "expired"
		e.Message = strings.Join(a.expired, "; ") + "; " + e.Message
		e.Remedy = "renew the certificate; check this machine's clock: it says " + a.now().UTC().Format(time.RFC3339)
	}
	return e
}

// errAuth is in the chain of every failed login.
var errAuth = errors.New("authentication failed")
