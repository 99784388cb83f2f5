package ssh

import (
	"strings"
	"sync"
)

// Scripts that run on hosts. The user's login shell, whatever it is, sees
//
//	exec /bin/sh -c '…'
//
// and hands the rest to sh. So that sh, csh and fish read those quotes alike,
// a script has one line, and neither a single quote, a backslash nor an
// exclamation mark in it.

// shellLine wraps a script. Lines and comments make it readable here; on the
// way they become one line.
func shellLine(script string, values ...string) string {
	return "exec /bin/sh -c '" + oneLine(script, values...) + "'"
}

// oneLine is a script as it is quoted.
func oneLine(script string, values ...string) string {
	text := strings.NewReplacer(values...).Replace(script)
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(line)
	}
	return b.String()
}

// quickLine is shellLine for a login shell that is a sh itself: that need not be
// started a second time, which is a third of what starting the agent costs there.
// It ends with the script.
//
// The script is in it once, since a connection keeps the longest message that it has
// sent. What is an assignment in csh are words in sh, of which the script is the
// third, and a list of two in fish, which puts a space between them: each of them
// finds it in one of the two places and nothing in the other. Where there is no third
// word it is no sh that reads this, whatever it calls itself.
func quickLine(script string, values ...string) string {
	return "set _stet = '" + oneLine(script, values...) + " exit'; " + quickRest
}

const quickRest = `test -n "$3" && eval 'case $SHELL in /bin/bash|/bin/sh|/usr/bin/bash|/bin/dash|/bin/ash) eval "$3";; esac'; ` +
	`exec /bin/sh -c 'eval "${1#= }"' /bin/sh "$_stet$3"`

// startLines are the lines that start agents, TOKEN and PROMPT still in them: those
// of a thousand hosts differ in nothing else.
type startLines struct {
	mu    sync.Mutex
	known map[startLine]string
}

type startLine struct {
	quick                bool
	hashes, args, become string
}

// of is the line for agents, arguments and words of sudo. Nil makes it anew.
func (l *startLines) of(quick bool, hashes, args, become string) string {
	k := startLine{quick, hashes, args, become}
	if l == nil {
		return k.text()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil {
		l.known = map[startLine]string{}
	}
	if l.known[k] == "" {
		l.known[k] = k.text()
	}
	return l.known[k]
}

func (k startLine) text() string {
	wrap := shellLine
	if k.quick {
		wrap = quickLine
	}
	return wrap(startScript, "HASHES", k.hashes, "ARGS", k.args, "BECOME", k.become)
}

// A file of the cache is named agent-SHA256, and a half-written one
// .agent-SHA256.PID.TOKEN.
//
// cacheFolder is where an agent lies; otherFolders are taken where the kernel
// runs nothing from the first (noexec). $u is the user's number.
const (
	cacheFolder  = `"${XDG_CACHE_HOME:-$HOME/.cache}/stet"`
	otherFolders = `"${XDG_RUNTIME_DIR:-/nonexistent}/stet" "/var/tmp/stet-$u"`
)

// startScript runs the agent from where it lies. Only a folder counts that belongs
// to the user and in which nobody else can put another program in the agent's
// place. The shell itself sees that of a folder with the sticky bit, where the file
// is the user's and no link; for another one ls shows the mode (of a link too,
// whose mode begins with l), and two processes on the host are half of what
// starting the agent costs.
//
// GOMAXPROCS makes the agent one thread at a time from its beginning; it takes both
// variables out of what its commands see (package agent).
//
// HASHES are the agents of all platforms: which is the right one is not known
// yet, and only the right one lies there. BECOME sets $w to the words of sudo.
const startScript = `
r() {
for d do for h in HASHES; do
p="$d/agent-$h";
[ -x "$p" ] && [ -O "$d" ] || continue;
if [ -k "$d" ] && [ -O "$p" ]; then [ -L "$p" ] || [ -L "$d" ] && continue;
else case $(LC_ALL=C ls -ldn "$d") in drwx------*) ;; *) continue;; esac; fi;
[ -n "$GOMAXPROCS" ] || export GOMAXPROCS=1 STET_LEAN=1;
BECOME exec $w "$p" ARGS;
done; done;
};
r ` + cacheFolder + `;
u=$(id -u);
r ` + otherFolders + `;
echo TOKEN missing;
`

// probeScript tells what the host is and has.
const probeScript = `
t=tools;
for c in gzip sha256sum shasum openssl; do command -v $c >/dev/null 2>&1 && t="$t,$c"; done;
echo "TOKEN $(uname -s) $(uname -m) $t";
`

// installScript takes the agent on standard input. It looks for a folder that
// is safe and that the kernel runs programs from before it reads anything, so
// that a refusal costs nothing. Agents that nobody has renewed for a month go.
// Its last words are "TOKEN ok FOLDER" or "TOKEN STEP" with what failed.
//
// true, not the colon: a redirection that fails ends the shell there.
const installScript = `
umask 077; u=$(id -u); why=folder; t="";
x() { [ -z "$t" ] || rm -f "$t"; };
trap x 0; trap "exit 1" 1 2 13 15;
for d in ` + cacheFolder + ` ` + otherFolders + `; do
case $d in /nonexistent/*) continue;; esac;
[ -L "$d" ] && continue;
mkdir -p "$d" && [ -O "$d" ] && chmod 1700 "$d" || continue;
case $(LC_ALL=C ls -ldn "$d") in drwx-----[-T]*) ;; *) continue;; esac;
t="$d/.agent-HASH.$$.TOKEN";
true > "$t" || { why=space; t=""; continue; };
chmod 700 "$t" && [ -x "$t" ] && { why=""; break; };
why=noexec; rm -f "$t"; t="";
done;
[ -z "$why" ] || { echo "TOKEN $why"; exit 1; };
UNPACK > "$t" || { echo "TOKEN write"; exit 1; };
s=$(SUM < "$t");
case $s in *HASH*) ;; *) echo "TOKEN sum"; exit 1;; esac;
chmod 700 "$t" && mv -f "$t" "$d/agent-HASH" || { echo "TOKEN write"; exit 1; };
t="";
find "$d" -type f -name "*agent-*" -mtime +30 -exec rm -f {} + 2>/dev/null;
echo "TOKEN ok $d";
`
