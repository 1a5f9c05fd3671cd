package audit

import (
	"io/fs"
	"strings"

	"github.com/moby/moby/api/types/system"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime"
)

// Daemon is what can be read of a Docker Engine: what it says of itself, its
// configuration, and the machine that it runs on.
type Daemon struct {
	Subject finding.Subject `json:"-"`

	Version      string
	Experimental bool
	LiveRestore  bool
	Swarm        bool
	Driver       string   // of storage: "overlay2"
	Logging      string   // the driver of containers that name none: "json-file"
	Root         string   // the folder of its data
	Security     []string // as docker info lists them: "name=rootless"
	Plugins      []string // that authorize requests
	Insecure     []string // registries spoken to over HTTP, without those of the machine itself
	ICC          *bool    // containers of the default bridge reach one another; nil: not known
	NoBridge     bool     // there is no default bridge

	// Config is daemon.json; nil: not known. NoConfig says that there is none.
	Config   map[string]any
	NoConfig bool
	// Arguments are the daemon's own; nil: not known.
	Arguments []string
	RunsAs    string // the user of its process; empty: not known

	Client   runtime.Client // of the user who asks
	Programs []Program      // that it runs containers with; empty: not asked
	Files    []File
	Mounted  bool     // its data has a file system of its own
	Group    string   // of its socket, whose members are root in all but name; empty: none
	Members  []string // of that group
	Records  []Record // files whose changes the system is to record

	program string            // the file that it was started from; empty: not known
	unknown map[string]string // by field: why it is not known
}

// Program is a program of an Engine, with what is known of its version.
type Program struct {
	Name, Version string
	Known         []Vulnerability
	Unread        string // why not all is known
}

// Vulnerability is one that a program's version has.
type Vulnerability struct {
	ID        string
	Severity  finding.Severity
	Exploited bool
	FixedIn   string // empty: nowhere yet
}

// File is a file, a folder or a socket that only some may change.
type File struct {
	Role   string // what it is to the Engine: "docker.service"
	Path   string
	Mode   fs.FileMode
	Owner  string // "root:docker"; empty: not known
	Unread string // why nothing else is known
}

// Record is a file whose changes the system is to record.
type Record struct {
	Item    string // of the benchmark
	Path    string
	Watched bool
}

// Fields of a daemon that no setting of its configuration holds.
const (
	ofBridge    = "@bridge"
	ofFiles     = "@files"
	ofPartition = "@partition"
	ofMembers   = "@members"
	ofRecords   = "@records"
)

func (d *Daemon) asked(field string) string {
	switch field {
	case ofBridge:
		return "whether containers of the default bridge reach one another"
	case ofFiles:
		return "who may change the Engine's files"
	case ofPartition:
		return "whether the Engine's data has a partition of its own"
	case ofMembers:
		return "who is in the Engine's group"
	case ofRecords:
		return "which changes the system records"
	}
	return "the daemon's setting " + field
}

func (*Daemon) repeats(finding.Finding) bool { return false }

func (d *Daemon) missing(field string) string {
	switch {
	case field == ofBridge && d.ICC == nil && !d.NoBridge:
		return "the Engine does not tell"
	case field == "*":
		return ""
	case strings.HasPrefix(field, "@"):
		return d.unknown[field]
	}
	_, why := d.setting(field, nil)
	return why
}

// unsure says that a field is not known, and keeps the first reason.
func (d *Daemon) unsure(field, why string) {
	if d.unknown == nil {
		d.unknown = map[string]string{}
	}
	if d.unknown[field] == "" {
		d.unknown[field] = why
	}
}

// DaemonOf takes what an Engine says of itself.
func DaemonOf(info system.Info) *Daemon {
	d := &Daemon{
		Subject: finding.Subject{Kind: finding.KindEngine, Name: "Docker Engine"}, Version: info.ServerVersion, Experimental: info.ExperimentalBuild,
		LiveRestore: info.LiveRestoreEnabled, Swarm: string(info.Swarm.LocalNodeState) == "active", Driver: info.Driver, Logging: info.LoggingDriver,
		Root: info.DockerRootDir, Security: info.SecurityOptions, Plugins: info.Plugins.Authorization,
	}
	if r := info.RegistryConfig; r != nil {
		for _, c := range r.InsecureRegistryCIDRs {
			if !c.Addr().IsLoopback() {
				d.Insecure = append(d.Insecure, c.String())
			}
		}
		for name, at := range r.IndexConfigs {
			if at != nil && !at.Secure {
				d.Insecure = append(d.Insecure, name)
			}
		}
	}
	return d
}

// Elsewhere says that the machine of the Engine is not this one.
func (d *Daemon) Elsewhere(name string) {
	why := "the Engine runs on another machine (" + name + ")"
	for _, field := range []string{ofFiles, ofPartition, ofMembers, ofRecords, "*config"} {
		d.unsure(field, why)
	}
}

// is reports whether a security option is set.
func (d *Daemon) is(option string) bool {
	for _, o := range d.Security {
		if name, _, _ := strings.Cut(strings.TrimPrefix(o, "name="), ","); name == option {
			return true
		}
	}
	return false
}
