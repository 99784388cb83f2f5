//go:build linux

package fleet

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"stet/executors"
	"stet/executors/ssh"
	"stet/executors/wire"
)

// The benchmarks compare with a peer in the same run, since machines differ and
// are noisy: what they report are ratios of medians, of rounds taken in turn. A
// figure named …/allowed is good up to 1.

// rounds of each comparison.
const rounds = 3

func median(ds []time.Duration) time.Duration {
	slices.Sort(ds)
	return ds[len(ds)/2]
}

func needPeers(b *testing.B, names ...string) {
	b.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			b.Skipf("needs %s (make bench installs it)", name)
		}
	}
}

// ansible makes Ansible use an ssh_config of the fleet's, with the connections
// that it keeps, cold at the start: each name has its own.
func (f *fleet) ansible(name, config string) {
	folder := f.path("ansible-" + name)
	f.env = append(f.env, "ANSIBLE_SSH_ARGS=-F "+config+" -o ControlMaster=auto -o ControlPersist=5s", "ANSIBLE_SSH_CONTROL_PATH_DIR="+folder,
		"ANSIBLE_LOCAL_TEMP="+folder, "ANSIBLE_REMOTE_TEMP=/tmp/.ansible-fleet", "ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3", "ANSIBLE_PIPELINING=True")
}

// BenchmarkHosts runs one command on 200 hosts, 50 at once, with the agent there
// already, against pssh with the same key exchange and Ansible's raw: once as it
// comes, with 5 forks and OpenSSH's own key exchange, once as pssh and stet do it.
func BenchmarkHosts(b *testing.B) {
	needPeers(b, "parallel-ssh", "ansible")
	f := newFleet(b, 200)
	f.sshd("hosts", f.hosts, "MaxStartups 1000")
	f.run(f.document(hostname))
	for b.Loop() {
		var ours, pssh, raw, alike, cpu []time.Duration
		for i := range rounds {
			c := f.run(f.document(hostname))
			ours, cpu = append(ours, c.wall), append(cpu, c.cpu)
			pssh = append(pssh, f.ok("parallel-ssh", "-p", "50", "-t", "300", "-h", f.path("hosts"), "-x", "-F "+f.config, "hostname").wall)
			f.ansible(fmt.Sprintf("as-it-comes-%d", i), f.path("config-as-it-comes"))
			raw = append(raw, f.ok("ansible", "all", "-i", f.path("hosts.ini"), "-m", "raw", "-a", "hostname").wall)
			f.ansible(fmt.Sprintf("alike-%d", i), f.config)
			alike = append(alike, f.ok("ansible", "all", "-i", f.path("hosts.ini"), "-f", "50", "-m", "raw", "-a", "hostname").wall)
		}
		b.ReportMetric(float64(median(pssh))/float64(median(ours)), "pssh/stet")
		b.ReportMetric(float64(median(raw))/float64(median(ours)), "ansible-raw/stet")
		b.ReportMetric(float64(median(alike))/float64(median(ours)), "ansible-raw-alike/stet")
		b.ReportMetric(float64(median(cpu).Microseconds())/1000/200, "cpu-ms/host")
		b.ReportMetric(median(ours).Seconds(), "stet-s")
	}
}

// BenchmarkThousandHosts runs one command on 1,000 hosts of a server that forks
// nothing, in this process.
func BenchmarkThousandHosts(b *testing.B) {
	f := newFleet(b, thousand)
	f.server()
	for b.Loop() {
		var wall, cpu []time.Duration
		memory := int64(0)
		for range rounds {
			c := f.run(f.document(hostname))
			wall, cpu, memory = append(wall, c.wall), append(cpu, c.cpu), max(memory, c.memory)
		}
		b.ReportMetric(median(wall).Seconds()/1.5, "time/allowed")
		b.ReportMetric(float64(memory)/(64<<20), "memory/allowed")
		b.ReportMetric(float64(median(cpu).Microseconds())/1000/thousand, "cpu-ms/host")
	}
}

// BenchmarkFarSteps runs 200 steps over a link with a round trip of 50 ms, of
// which each may take 55. What the link itself takes for its 50 is part of that, and
// reported.
func BenchmarkFarSteps(b *testing.B) {
	const count, roundTrip = 200, 50 * time.Millisecond
	f := behindFar(b, roundTrip)
	for b.Loop() {
		one := f.run(f.document(commands(1))).wall
		all := f.run(f.document(commands(count + 1))).wall
		b.ReportMetric((all-one).Seconds()/count/0.055, "time/allowed")
		b.ReportMetric((all-one).Seconds()*1000/count, "ms/step")
		b.ReportMetric(f.bare(roundTrip).Seconds()*1000, "bare-ms")
	}
}

// BenchmarkSteps runs 100 steps on one host against 100 tasks of Ansible's
// command.
func BenchmarkSteps(b *testing.B) {
	needPeers(b, "ansible-playbook")
	const count = 100
	f := newFleet(b, 1)
	f.sshd("host", f.hosts)
	f.run(f.document(commands(1)))
	var book strings.Builder
	book.WriteString("- hosts: all\n  gather_facts: false\n  tasks:\n")
	for range count {
		book.WriteString("    - command: \"true\"\n")
	}
	f.write("book.yml", book.String())
	for b.Loop() {
		ours := f.run(f.document(commands(count))).wall
		f.ansible("playbook", f.config)
		theirs := f.ok("ansible-playbook", "-i", f.path("hosts.ini"), f.path("book.yml")).wall
		b.ReportMetric(theirs.Seconds()/ours.Seconds(), "ansible-command/stet")
		b.ReportMetric(ours.Seconds()/count*1000, "ms/step")
	}
}

// BenchmarkStart starts an agent that lies on the host, against a connection
// that runs "true".
func BenchmarkStart(b *testing.B) {
	f := newFleet(b, 1)
	f.sshd("host", f.hosts)
	f.run(f.document(commands(1)))
	programs, err := ssh.Beside(strings.TrimSuffix(f.stet, "/stet"))
	if err != nil {
		b.Fatal(err)
	}
	d := ssh.New(ssh.Options{Config: f.config})
	defer d.Close()
	dial := func(with func(ctx context.Context, c *ssh.Conn) error) time.Duration {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		start := time.Now()
		c, err := d.Dial(ctx, ssh.Address{Host: f.hosts[0]})
		if err == nil {
			err = with(ctx, c)
		}
		took := time.Since(start)
		if err != nil {
			b.Fatal(err)
		}
		c.Close()
		return took
	}
	var plain, agent []time.Duration
	for b.Loop() {
		for range 40 {
			plain = append(plain, dial(func(ctx context.Context, c *ssh.Conn) error {
				_, err := c.Run(ctx, "true", nil, executors.Output{})
				return err
			}))
			agent = append(agent, dial(func(ctx context.Context, c *ssh.Conn) error {
				s, err := c.Agent(ctx, ssh.Agent{Programs: programs, Args: []string{"agent", "serve"}, Marker: wire.Magic})
				if err == nil && s.Shipped {
					err = fmt.Errorf("the agent was sent")
				}
				return err
			}))
		}
	}
	b.ReportMetric(float64(median(agent))/float64(median(plain)), "agent/plain")
	b.ReportMetric(median(plain).Seconds()*1000, "plain-ms")
}

// BenchmarkOutput has 20 hosts print 100 MB each.
func BenchmarkOutput(b *testing.B) {
	f := newFleet(b, 20)
	f.sshd("hosts", f.hosts, "MaxStartups 100")
	for b.Loop() {
		c := f.printing(100_000_000)
		b.ReportMetric(float64(c.memory)/maxOutputMemory, "memory/allowed")
		b.ReportMetric(2000/c.wall.Seconds(), "MB/s")
	}
}
