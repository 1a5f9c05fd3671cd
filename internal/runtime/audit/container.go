package audit

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

// Form is who says how a container is started, and so how it is put right.
type Form int

// The forms.
const (
	Compose    Form = iota // a service of a compose file
	Inspected              // a container that an Engine has
	Command                // a line of docker run
	Kubernetes             // a container of a pod
)

// Container is how a container is, or would be, started.
type Container struct {
	Subject finding.Subject
	Form    Form
	Folder  string // where relative paths begin, of a compose file
	Host    *Host  // on which it runs; nil: not known

	Image       string
	ImageID     string // empty: not known
	Built       bool   // the image is made from a Dockerfile beside it
	Privileged  bool
	CapAdd      []string // without "CAP_", in capitals
	CapDrop     []string
	SecurityOpt []string // "name=value", as docker run has it
	Network     string   // mode: "host", "none", "default", "container:…", or a network's name
	PID, IPC    string
	UTS, Userns string
	Cgroupns    string
	User        string  // empty: what the image says
	ImageUser   *string // nil: not known
	ReadOnly    bool
	Memory      int64 // bytes; 0: no limit
	PIDs        int64 // 0: no limit
	CPU         bool  // whether there is a limit on, or a weight of, processor time
	Restart     string
	Retries     int // of on-failure; 0: without end
	Mounts      []Mount
	Devices     []string // of the host; "cgroup rule …" and "request …" among them
	Ports       []Port
	Env         []Variable
	Words       []string // entry point and command
	Ulimits     []string // that are set: "nofile"
	Health      *bool    // whether its health is checked; nil: the image may say so
	Exposed     bool     // ports, without publishing them

	Observed     *observe.Observation // what it did; nil: nobody watched
	Secrets      []SecretFile
	Ignored      []Ignored // what has no effect where it stands
	CgroupParent string    // empty: the daemon's
	Processes    []string  // that run in it
	Confined     Confined
	Building     Building // of its image, by a compose file
	Pod          *Pod     // of Kubernetes alone

	unknown map[string]string // by field: why it is not known
	at      func(field string) finding.Location
	edit    editor
}

// Confined is how the Engine says that a running container is confined. Empty: not
// at all.
type Confined struct {
	Known             bool
	AppArmor, SELinux string
}

// Ignored is a setting that has no effect where it stands.
type Ignored struct{ Field, What, Do string }

// Mount is something of the host in the container.
type Mount struct {
	Source      string // empty: a volume
	Target      string
	ReadOnly    bool
	Propagation string // "shared", "rslave" …; empty: private
	field       string
}

// Port is a published port.
type Port struct {
	Address string // of the host; empty: all
	Host    string // port or range; empty: any free one
	Inside  string
	field   string
}

// Variable is an environment variable that is said with its value.
type Variable struct {
	Name, Value string
	field       string
}

// Host is what an Engine says of the machine that containers run on.
type Host struct {
	AppArmor, SELinux, Seccomp bool
	Rootless, Remapped         bool // root of a container is not root of the machine
	NoNewPrivileges            bool // for every container
	Ulimits                    bool // for every container, of open files
	MemoryLimit, PIDsLimit     bool // the kernel can
	CPUQuota                   bool
	ICC                        *bool // containers of the default bridge may talk; nil: not known
	NoBridge                   bool  // there is no default bridge
}

// An editor writes fixes into what a container was read from.
type editor interface {
	// set gives a field a value, and takes the place of one that it has.
	set(field, value string) []finding.Edit
	// add puts an item into a list.
	add(field, value string) []finding.Edit
	// remove takes a field, or an item of a list, away.
	remove(field string) []finding.Edit
	// replace writes another value in the place of one.
	replace(field, value string) []finding.Edit
	// publish binds a published port to the machine's own address.
	publish(p Port) []finding.Edit
	// outside has the value of an environment variable filled in from outside of the
	// file.
	outside(field, name string) []finding.Edit
}

// noEdits is the editor of what is not a file.
type noEdits struct{}

func (noEdits) set(string, string) []finding.Edit     { return nil }
func (noEdits) add(string, string) []finding.Edit     { return nil }
func (noEdits) remove(string) []finding.Edit          { return nil }
func (noEdits) replace(string, string) []finding.Edit { return nil }
func (noEdits) publish(Port) []finding.Edit           { return nil }
func (noEdits) outside(string, string) []finding.Edit { return nil }

// FromImage takes in what the image says where the container says nothing.
func (c *Container) FromImage(user string, health, exposed bool) {
	c.ImageUser = &user
	if c.Health == nil {
		c.Health = &health
	}
	c.Exposed = c.Exposed || exposed
}

// Running says which processes run in the container, or why that is not known.
func (c *Container) Running(processes []string, err error) {
	c.Processes = processes
	if err != nil {
		c.unsure("processes", err.Error())
	}
}

// unsure says that a field is not known, and keeps the first reason.
func (c *Container) unsure(field, why string) {
	field, _, _ = strings.Cut(field, "/")
	if c.unknown == nil {
		c.unknown = map[string]string{}
	}
	if c.unknown[field] == "" {
		c.unknown[field] = why
	}
}

func (c *Container) missing(field string) string { return c.unknown[field] }

func (c *Container) asked(field string) string {
	if field == "*" {
		return "what it says in all"
	}
	return "what " + field + " comes to"
}

// repeats reports whether a finding is at what a pod says for all its containers, and
// its first has it.
func (c *Container) repeats(f finding.Finding) bool {
	return c.Pod != nil && !c.Pod.First && f.At[0].Source != nil && slices.Contains(c.Pod.shared, *f.At[0].Source)
}

// knows reports whether a field, and with it that it is not said, is known.
func (c *Container) knows(field string) bool { return c.unknown[field] == "" && c.unknown["*"] == "" }

// securityOpt is the value of an option that is given as name=value or name:value,
// or alone, the item that says so, and whether there is one.
func (c *Container) securityOpt(name string) (value string, item int, ok bool) {
	for i, o := range c.SecurityOpt {
		n, v := o, ""
		if at := strings.IndexAny(o, "=:"); at >= 0 {
			n, v = o[:at], o[at+1:]
		}
		if n == name {
			value, item, ok = v, i, true
		}
	}
	return value, item, ok
}

// noNewPrivileges reports whether set-user-ID programs gain nothing.
func (c *Container) noNewPrivileges() bool {
	v, _, ok := c.securityOpt("no-new-privileges")
	if ok {
		return v == "" || v == "true"
	}
	return c.Host != nil && c.Host.NoNewPrivileges
}

// capability is a capability's name without its prefix.
func capability(s string) string {
	return strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(s)), "CAP_")
}

// Unsure is why a field is not known, as compose files name it; "*" is all of it. Empty: it
// is known.
func (c *Container) Unsure(field string) string { return c.unknown[field] }
