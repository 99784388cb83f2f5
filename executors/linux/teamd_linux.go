package linux

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// teamdRun is where teamd(8) leaves the number of its process, by the team.
const teamdRun = "/var/run/teamd/"

// teamd tells which process of teamd(8) a team belongs to: it sets the options
// and the ports of the team by its own configuration.
func (n *Namespace) teamd(i *netstate.Interface) {
	b, err := os.ReadFile(teamdRun + i.Name + ".pid")
	pid := strings.TrimSpace(string(b))
	if err != nil || pid == "" {
		return
	}
	fd, err := n.descriptor()
	if err != nil {
		return
	}
	defer func() { _ = unix.Close(fd) }()
	var st unix.Stat_t
	here, err := inodeOf(fd)
	if err == nil && unix.Stat("/proc/"+pid+"/ns/net", &st) == nil && here == (inode{st.Dev, st.Ino}) {
		i.Status["team.daemon"] = "process " + pid
	}
}
