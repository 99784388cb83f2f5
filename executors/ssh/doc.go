// Package ssh reaches hosts as ssh(1) does: settings come from ssh_config as
// `ssh -G` resolves them, host keys from known_hosts, keys from files and the
// agent. It dials natively with golang.org/x/crypto/ssh, of which it is the
// only importer; what that library cannot do goes through a control master of
// the system's ssh. Over a connection it installs stet's agent by content hash
// and hands back the agent's byte stream, or says in a typed error that the
// host runs no agent.
//
// All blocking functions take a context. Nothing here prints or reads the
// terminal: questions go to a [Prompter], those of many hosts together.
package ssh
