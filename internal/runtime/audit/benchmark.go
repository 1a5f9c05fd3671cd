package audit

import (
	"slices"
	"strings"
)

// Benchmark names the edition of the CIS Docker Benchmark whose ids rules carry, as
// docker-bench-security 1.6.0 numbers them. Ids alone are taken from it: the titles
// are our own.
const Benchmark = "CIS Docker Benchmark 1.6.0"

// Status is what became of one item of the benchmark, the better first.
type Status int

// The statuses.
const (
	NotLooked Status = iota // no rule for it ran
	Manual                  // no program can tell
	Absent                  // there is nothing that it could be about
	Passed
	Excepted // what fails it does not count: the user says so
	NotKnown // something that it needs could not be read
	Failed
)

func (s Status) String() string {
	return [...]string{"not looked at", "manual", "not applicable", "passed", "excepted", "unknown", "failed"}[s]
}

// MarshalText implements encoding.TextMarshaler.
func (s Status) MarshalText() ([]byte, error) {
	return []byte(strings.ReplaceAll(s.String(), " ", "-")), nil
}

// Item is one recommendation of the benchmark.
type Item struct {
	ID     string // "CIS-2.2"
	Title  string
	Manual string // why no program can tell, and what helps; empty: rules look at it
}

// IsItem reports whether a rule's alias is an id of the benchmark.
func IsItem(alias string) bool {
	return slices.ContainsFunc(Items(), func(i Item) bool { return i.ID == alias })
}

// Items lists sections 1 to 5 of the benchmark in their order.
func Items() []Item {
	const records = "Changes are recorded of "
	return []Item{
		{ID: "CIS-1.1.1", Title: "The Engine's data has a partition of its own"},
		{ID: "CIS-1.1.2", Title: "Only trusted users are in the Engine's group"},
		{ID: "CIS-1.1.3", Title: records + "dockerd"},
		{ID: "CIS-1.1.4", Title: records + "/run/containerd"},
		{ID: "CIS-1.1.5", Title: records + "/var/lib/docker"},
		{ID: "CIS-1.1.6", Title: records + "/etc/docker"},
		{ID: "CIS-1.1.7", Title: records + "docker.service"},
		{ID: "CIS-1.1.8", Title: records + "containerd.sock"},
		{ID: "CIS-1.1.9", Title: records + "docker.socket"},
		{ID: "CIS-1.1.10", Title: records + "/etc/default/docker"},
		{ID: "CIS-1.1.11", Title: records + "/etc/docker/daemon.json"},
		{ID: "CIS-1.1.12", Title: records + "/etc/containerd/config.toml"},
		{ID: "CIS-1.1.13", Title: records + "/etc/sysconfig/docker"},
		{ID: "CIS-1.1.14", Title: records + "containerd"},
		{ID: "CIS-1.1.15", Title: records + "containerd-shim"},
		{ID: "CIS-1.1.16", Title: records + "containerd-shim-runc-v1"},
		{ID: "CIS-1.1.17", Title: records + "containerd-shim-runc-v2"},
		{ID: "CIS-1.1.18", Title: records + "runc"},
		{ID: "CIS-1.2.1", Title: "The host is hardened", Manual: "it has a benchmark of its own, by distribution"},
		{ID: "CIS-1.2.2", Title: "The Engine is up to date"},

		{ID: "CIS-2.1", Title: "The Engine does not run as root"},
		{ID: "CIS-2.2", Title: "Containers of the default bridge do not reach one another"},
		{ID: "CIS-2.3", Title: "The log level is info"},
		{ID: "CIS-2.4", Title: "The Engine writes the firewall rules that it needs"},
		{ID: "CIS-2.5", Title: "No registry is used without TLS"},
		{ID: "CIS-2.6", Title: "The storage driver is not aufs"},
		{ID: "CIS-2.7", Title: "Clients on TCP prove who they are"},
		{ID: "CIS-2.8", Title: "Containers have default ulimits"},
		{ID: "CIS-2.9", Title: "User namespaces are remapped"},
		{ID: "CIS-2.10", Title: "The parent cgroup is the default"},
		{ID: "CIS-2.11", Title: "The base device size is the default"},
		{ID: "CIS-2.12", Title: "A plugin authorizes requests"},
		{ID: "CIS-2.13", Title: "Logs leave the machine"},
		{ID: "CIS-2.14", Title: "Processes gain no privileges by default"},
		{ID: "CIS-2.15", Title: "Containers live on while the Engine restarts"},
		{ID: "CIS-2.16", Title: "The userland proxy is off"},
		{ID: "CIS-2.17", Title: "A seccomp profile is in force by default"},
		{ID: "CIS-2.18", Title: "Experimental features are off"},

		{ID: "CIS-3.1", Title: "docker.service is root's"},
		{ID: "CIS-3.2", Title: "Only root may change docker.service"},
		{ID: "CIS-3.3", Title: "docker.socket is root's"},
		{ID: "CIS-3.4", Title: "Only root may change docker.socket"},
		{ID: "CIS-3.5", Title: "/etc/docker is root's"},
		{ID: "CIS-3.6", Title: "Only root may change /etc/docker"},
		{ID: "CIS-3.7", Title: "Registry certificates are root's"},
		{ID: "CIS-3.8", Title: "Nobody may change registry certificates"},
		{ID: "CIS-3.9", Title: "The CA certificate is root's"},
		{ID: "CIS-3.10", Title: "Nobody may change the CA certificate"},
		{ID: "CIS-3.11", Title: "The server certificate is root's"},
		{ID: "CIS-3.12", Title: "Nobody may change the server certificate"},
		{ID: "CIS-3.13", Title: "The server key is root's"},
		{ID: "CIS-3.14", Title: "Only root may read the server key"},
		{ID: "CIS-3.15", Title: "The Engine's socket is root's and its group's"},
		{ID: "CIS-3.16", Title: "Only root and the group may use the Engine's socket"},
		{ID: "CIS-3.17", Title: "daemon.json is root's"},
		{ID: "CIS-3.18", Title: "Only root may change daemon.json"},
		{ID: "CIS-3.19", Title: "/etc/default/docker is root's"},
		{ID: "CIS-3.20", Title: "Only root may change /etc/sysconfig/docker"},
		{ID: "CIS-3.21", Title: "/etc/sysconfig/docker is root's"},
		{ID: "CIS-3.22", Title: "Only root may change /etc/default/docker"},
		{ID: "CIS-3.23", Title: "containerd's socket is root's"},
		{ID: "CIS-3.24", Title: "Only root may use containerd's socket"},

		{ID: "CIS-4.1", Title: "Containers do not run as root"},
		{ID: "CIS-4.2", Title: "Base images can be trusted", Manual: "drydock check tells who publishes a base"},
		{ID: "CIS-4.3", Title: "Images hold no package that they do not need", Manual: "drydock lint and recommend know some"},
		{ID: "CIS-4.4", Title: "Images are scanned and rebuilt", Manual: "drydock cves scans them"},
		{ID: "CIS-4.5", Title: "Signatures of images are enforced"},
		{ID: "CIS-4.6", Title: "Images have a health check"},
		{ID: "CIS-4.7", Title: "Package lists are not updated in a layer of their own"},
		{ID: "CIS-4.8", Title: "Images hold no set-user-ID programs"},
		{ID: "CIS-4.9", Title: "Images are built with COPY, and not with ADD"},
		{ID: "CIS-4.10", Title: "No secrets are in images"},
		{ID: "CIS-4.11", Title: "Packages are verified as they are installed", Manual: "drydock lint looks at Dockerfiles"},
		{ID: "CIS-4.12", Title: "Signed artifacts are verified", Manual: "who must sign what is the user's to say"},

		{ID: "CIS-5.1", Title: "Swarm mode is off where it is not needed"},
		{ID: "CIS-5.2", Title: "An AppArmor profile is in force"},
		{ID: "CIS-5.3", Title: "SELinux confines the container"},
		{ID: "CIS-5.4", Title: "Capabilities are restricted"},
		{ID: "CIS-5.5", Title: "The container is not privileged"},
		{ID: "CIS-5.6", Title: "No sensitive folder of the host is mounted"},
		{ID: "CIS-5.7", Title: "No SSH server runs in the container"},
		{ID: "CIS-5.8", Title: "No port below 1024 is published"},
		{ID: "CIS-5.9", Title: "Only the ports that are needed are open", Manual: "which are needed, drydock observe sees"},
		{ID: "CIS-5.10", Title: "The host's network namespace is not shared"},
		{ID: "CIS-5.11", Title: "Memory is limited"},
		{ID: "CIS-5.12", Title: "Processor time is limited or weighed"},
		{ID: "CIS-5.13", Title: "The root file system is read-only"},
		{ID: "CIS-5.14", Title: "Ports are published on one address"},
		{ID: "CIS-5.15", Title: "Restarts have an end"},
		{ID: "CIS-5.16", Title: "The host's process namespace is not shared"},
		{ID: "CIS-5.17", Title: "The host's IPC namespace is not shared"},
		{ID: "CIS-5.18", Title: "No device of the host is in the container"},
		{ID: "CIS-5.19", Title: "Ulimits fit the workload"},
		{ID: "CIS-5.20", Title: "Mounts are not propagated to the host"},
		{ID: "CIS-5.21", Title: "The host's UTS namespace is not shared"},
		{ID: "CIS-5.22", Title: "The seccomp profile is not switched off"},
		{ID: "CIS-5.23", Title: "No docker exec is privileged", Manual: "an Engine keeps no record of it: the system's audit log does"},
		{ID: "CIS-5.24", Title: "No docker exec is root", Manual: "an Engine keeps no record of it: the system's audit log does"},
		{ID: "CIS-5.25", Title: "The container's cgroup is the default"},
		{ID: "CIS-5.26", Title: "Processes gain no privileges"},
		{ID: "CIS-5.27", Title: "The container's health is checked"},
		{ID: "CIS-5.28", Title: "Images are the version that is meant"},
		{ID: "CIS-5.29", Title: "Processes are limited"},
		{ID: "CIS-5.30", Title: "The default bridge is not used"},
		{ID: "CIS-5.31", Title: "The host's user namespace is not shared"},
		{ID: "CIS-5.32", Title: "The Engine's socket is not in the container"},
	}
}

// Answer is an item with what became of it.
type Answer struct {
	Item
	Status Status
}

// Answers are the items of the benchmark that rules looked at, and those that no
// rule can where a neighbour of the same section was looked at. Of several subjects
// the worst counts.
func Answers(all ...map[string]Status) []Answer {
	looked := map[string]Status{}
	sections := map[string]bool{}
	for _, one := range all {
		for id, is := range one {
			looked[id] = max(looked[id], is)
			sections[section(id)] = true
		}
	}
	var out []Answer
	for _, i := range Items() {
		switch is := looked[i.ID]; {
		case i.Manual != "" && is < Passed && sections[section(i.ID)]:
			out = append(out, Answer{i, Manual})
		case is > NotLooked:
			out = append(out, Answer{i, is})
		}
	}
	return out
}

// section is the first number of an id.
func section(id string) string {
	s, _, _ := strings.Cut(strings.TrimPrefix(id, "CIS-"), ".")
	return s
}
