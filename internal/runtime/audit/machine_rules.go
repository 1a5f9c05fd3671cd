package audit

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

// guard is how a file that the Engine trusts may be at most, and whose it is.
type guard struct {
	role    string
	most    fs.FileMode
	group   string // that may own it beside root's; empty: none
	ofOwner string // the item of the benchmark for the owner
	ofMode  string
	weight  finding.Severity // of what others may read or use
}

func guards() []guard {
	return []guard{
		{role: "docker.service", most: 0o644, ofOwner: "CIS-3.1", ofMode: "CIS-3.2"},
		{role: "docker.socket", most: 0o644, ofOwner: "CIS-3.3", ofMode: "CIS-3.4"},
		{role: "configuration folder", most: 0o755, ofOwner: "CIS-3.5", ofMode: "CIS-3.6"},
		{role: "registry certificate", most: 0o444, ofOwner: "CIS-3.7", ofMode: "CIS-3.8"},
		{role: "tlscacert", most: 0o444, ofOwner: "CIS-3.9", ofMode: "CIS-3.10"},
		{role: "tlscert", most: 0o444, ofOwner: "CIS-3.11", ofMode: "CIS-3.12"},
		{role: "tlskey", most: 0o400, ofOwner: "CIS-3.13", ofMode: "CIS-3.14", weight: finding.High},
		{role: "socket", most: 0o660, group: "docker", ofOwner: "CIS-3.15", ofMode: "CIS-3.16", weight: finding.High},
		{role: "daemon.json", most: 0o644, ofOwner: "CIS-3.17", ofMode: "CIS-3.18"},
		{role: "/etc/default/docker", most: 0o644, ofOwner: "CIS-3.19", ofMode: "CIS-3.22"},
		{role: "/etc/sysconfig/docker", most: 0o644, ofOwner: "CIS-3.21", ofMode: "CIS-3.20"},
		{role: "containerd.sock", most: 0o660, ofOwner: "CIS-3.23", ofMode: "CIS-3.24", weight: finding.High},
	}
}

func daemonFileMode() Check[*Daemon] {
	var aliases []string
	for _, g := range guards() {
		aliases = append(aliases, g.ofOwner, g.ofMode)
	}
	return daemonRule(finding.Rule{
		ID:       "runtime/daemon-file-mode",
		Title:    "Others than root may change what the Engine trusts",
		Severity: finding.High,
		Aliases:  aliases,
		Why: "Whoever can write the Engine's socket, its configuration or its unit starts anything as root. The socket belongs to root and to the group docker, whose members " +
			"are root in all but name; everything else belongs to root alone. In a rootless Engine all of it belongs to the user who runs it.",
		Bad:  `{"Files": [{"Role": "socket", "Path": "/var/run/docker.sock", "Mode": 438, "Owner": "root:docker"}]}`,
		Good: `{"Files": [{"Role": "socket", "Path": "/var/run/docker.sock", "Mode": 432, "Owner": "root:docker"}]}`,
	}, []string{ofFiles}, func(d *Daemon, p *pass) {
		if d.missing(ofFiles) != "" {
			return
		}
		for _, g := range guards() {
			if !slices.ContainsFunc(d.Files, func(f File) bool { return f.Role == g.role }) {
				p.Absent(g.ofOwner, g.ofMode)
			}
			for _, f := range d.Files {
				if f.Role == g.role {
					g.look(d, f, p)
				}
			}
		}
	})
}

// look looks at one file.
func (g guard) look(d *Daemon, f File, p *pass) {
	if f.Unread != "" {
		p.Unsure(g.ofOwner, g.ofMode)
		p.Unknown(finding.Unknown{What: "who may change " + f.Path, Why: f.Unread})
		return
	}
	if over := f.Mode.Perm() &^ g.most; over != 0 {
		x := daemonFound("", f.Path+" mode", fmt.Sprintf("chmod %o %s", g.most, f.Path), "%s has mode %04o, where %04o is the most", f.Path, f.Mode.Perm(), g.most)
		x.Aliases = []string{g.ofMode}
		if over&0o022 == 0 && (g.weight == 0 || over&0o077 == 0) {
			x.Severity = finding.Low // nobody else can change it
		}
		p.Report(x)
	}
	user, group, known := strings.Cut(f.Owner, ":")
	if !known {
		p.Unsure(g.ofOwner)
		p.Unknown(finding.Unknown{What: "whose " + f.Path + " is", Why: "this system does not tell"})
		return
	}
	want := []string{"root"}
	switch {
	case d.is("rootless") && d.RunsAs == "":
		p.Unsure(g.ofOwner)
		p.Unknown(finding.Unknown{What: "whether " + f.Path + " belongs to the user of the Engine", Why: "which user that is was not found out"})
		return
	case d.is("rootless"):
		want = append(want, d.RunsAs)
		group = "root" // each user has a group of his own
	}
	groups := []string{"root"}
	if g.group != "" {
		groups = append(groups, g.group)
		if v, _ := d.setting("group", nil); v != nil {
			groups = append(groups, fmt.Sprint(v))
		}
	}
	if slices.Contains(want, user) && slices.Contains(groups, group) {
		return
	}
	right := want[len(want)-1] + ":" + groups[min(1, len(groups)-1)]
	if d.is("rootless") {
		right = want[len(want)-1]
	}
	x := daemonFound("", f.Path+" owner", "chown "+right+" "+f.Path, "%s belongs to %s, and not to %s", f.Path, f.Owner, right)
	x.Aliases = []string{g.ofOwner}
	p.Report(x)
}

// machineChecks are the rules over the machine of an Engine.
func machineChecks() []Check[*Daemon] {
	var items []string
	for _, r := range recorded(Machine{}, "", &Daemon{}) {
		items = append(items, r.item)
	}
	return []Check[*Daemon]{
		daemonRule(finding.Rule{
			ID:       "runtime/host-partition",
			Title:    "The Engine's data shares a partition with the system",
			Severity: finding.Low,
			Aliases:  []string{"CIS-1.1.1"},
			Why: "Images, containers and volumes grow, and a container can fill the disk. Where that is the system's own, nothing else can write any more, the Engine and its log included. " +
				"A file system of its own keeps the damage there.",
			Bad:  `{"Root": "/var/lib/docker"}`,
			Good: `{"Root": "/var/lib/docker", "Mounted": true}`,
		}, []string{ofPartition}, func(d *Daemon, p *pass) {
			if d.missing(ofPartition) == "" && !d.Mounted {
				p.Report(daemonFound("/data-root", "partition", "Mount a file system of its own at "+d.Root, "%s has no file system of its own: containers can fill the system's", d.Root))
			}
		}),
		daemonRule(finding.Rule{
			ID:       "runtime/host-group",
			Title:    "A user is root by the Engine's group",
			Severity: finding.Low,
			Aliases:  []string{"CIS-1.1.2"},
			Why: "Members of the group that may use the Engine's socket start a container with the host's root file system in it, without a password. Keep those in it who are root anyway; " +
				"others use sudo, or a rootless Engine of their own.",
			Bad:  `{"Group": "docker", "Members": ["alice"]}`,
			Good: `{"Group": "docker", "Members": []}`,
		}, []string{ofMembers}, func(d *Daemon, p *pass) {
			for _, m := range d.Members {
				p.Report(daemonFound("", m, "If that is not meant: gpasswd -d "+m+" "+d.Group, "%s is in the group %s, and so root on this host", m, d.Group))
			}
		}),
		daemonRule(finding.Rule{
			ID:       "runtime/host-records",
			Title:    "Nobody records who changes the Engine's files",
			Severity: finding.Negligible,
			Aliases:  items,
			Why: "The kernel's audit system records who wrote a file and when. Without a rule for the Engine's programs, configuration and sockets, a change of them leaves no trace. " +
				"On a developer's machine that may not matter; on a server auditors ask for it.",
			Bad:  `{"Records": [{"Item": "CIS-1.1.6", "Path": "/etc/docker"}]}`,
			Good: `{"Records": [{"Item": "CIS-1.1.6", "Path": "/etc/docker", "Watched": true}]}`,
		}, []string{ofRecords}, func(d *Daemon, p *pass) {
			if d.missing(ofRecords) != "" {
				return
			}
			for _, i := range items {
				if !slices.ContainsFunc(d.Records, func(r Record) bool { return r.Item == i }) {
					p.Absent(i)
				}
			}
			var lacking, paths []string
			for _, r := range d.Records {
				if !r.Watched {
					lacking, paths = append(lacking, r.Item), append(paths, r.Path)
				}
			}
			if len(paths) == 0 {
				return
			}
			f := daemonFound("", strings.Join(paths, " "), `Add a line "-w FILE -p wa -k docker" for each to /etc/audit/rules.d/docker.rules, and run augenrules --load`,
				"no audit rule records changes of %s", strings.Join(paths, ", "))
			f.Aliases = slices.Compact(lacking)
			p.Report(f)
		}),
	}
}
