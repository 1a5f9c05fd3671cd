package admission

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Start is what a container asks for beside its image.
type Start struct {
	Privileged                               bool
	Network, PID, IPC, UTS, Userns, Cgroupns string
	CapAdd, CapDrop                          []string
	Devices                                  []string // of the host; "*" for all of a kind
	Binds                                    []Bind
	SecurityOpt                              []string
	Unmasked                                 bool   // paths that the Engine hides are shown
	Runtime                                  string // empty: the Engine's default
	Checkpoint                               string // to be started from
	User                                     string // empty: not known
	ReadOnly                                 bool
	Memory, Processes                        int64
}

// Bind is a path of the host in a container.
type Bind struct {
	Source   string // with its symbolic links resolved
	ReadOnly bool
}

// Protected are paths of the host that no container gets: what is in them, and what
// holds them.
type Protected []string

// ProtectedPaths are those of every machine. Whoever knows where the Engine keeps its data
// adds that.
func ProtectedPaths() Protected {
	return Protected{
		"/etc", "/proc", "/sys", "/dev", "/boot", "/root/.docker",
		"/run/docker.sock", "/var/run/docker.sock", "/run/docker", "/var/run/docker", "/var/lib/docker", "/usr/lib/docker",
		"/run/containerd", "/var/run/containerd", "/var/lib/containerd",
	}
}

// harmless are files that many containers mount to know the machine's time.
func harmless() []string { return []string{"/etc/localtime", "/etc/timezone"} }

// Refusal is something that a container asks for and does not get.
type Refusal struct {
	What string // as a policy's allow lists it: "privileged", "bind:/etc"
	Why  string
}

// Privileges are the things that a container asks for, and that the rule does not
// allow.
func (r *Rule) Privileges(s Start, guarded Protected) []Refusal {
	var out []Refusal
	no := func(what, format string, args ...any) {
		if !r.allows(what) {
			out = append(out, Refusal{what, fmt.Sprintf(format, args...)})
		}
	}
	if s.Privileged {
		no("privileged", "it is privileged")
	}
	for _, ns := range []struct{ name, mode string }{
		{"network", s.Network}, {"pid", s.PID}, {"ipc", s.IPC}, {"uts", s.UTS}, {"userns", s.Userns}, {"cgroup", s.Cgroupns},
	} {
		if ns.mode == "host" {
			no("host-"+ns.name, "it takes the host's %s namespace", ns.name)
		}
	}
	for _, c := range s.CapAdd {
		if c = Capability(c); slices.Contains([]string{"ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE"}, c) {
			no("cap:"+c, "it adds the capability %s", c)
		}
	}
	for _, d := range s.Devices {
		no("device:"+d, "it takes the device %s", d)
	}
	for _, b := range s.Binds {
		if b.ReadOnly && slices.Contains(harmless(), b.Source) {
			continue
		}
		if at, ok := guarded.holds(b.Source); ok {
			no("bind:"+b.Source, "it mounts %s of the host (%s is protected)", b.Source, at)
		}
	}
	if s.Unmasked {
		no("unmasked", "it shows paths of /proc and /sys that the Engine hides")
	}
	if s.Runtime != "" && strings.Contains(s.Runtime, "/") {
		no("runtime:"+s.Runtime, "it names a runtime by its path")
	}
	if s.Checkpoint != "" {
		no("checkpoint", "it starts from a checkpoint, and not from its image")
	}
	return append(out, r.least(s)...)
}

// Capability is a capability's name as the kernel's headers have it, without CAP_.
func Capability(s string) string {
	return strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(s)), "CAP_")
}

// holds reports a protected path that a source is, lies in, or contains.
func (p Protected) holds(source string) (string, bool) {
	source = path.Clean("/" + source)
	for _, at := range append(Protected{"/"}, p...) {
		if at == source || at != "/" && (under(source, at) || under(at, source)) {
			return at, true
		}
	}
	return "", false
}

func under(name, folder string) bool {
	return name == folder || strings.HasPrefix(name, strings.TrimSuffix(folder, "/")+"/")
}

// allows reports whether the rule, or the policy for all, lists a privilege.
func (r *Rule) allows(what string) bool {
	kind, value, _ := strings.Cut(what, ":")
	for _, a := range slices.Concat(r.Allow, r.policy.Allow) {
		k, v, valued := strings.Cut(a, ":")
		if k != kind {
			continue
		}
		switch {
		case a == what, !valued:
			return true
		case kind == "bind" && under(path.Clean(value), path.Clean(v)):
			return true
		}
	}
	return false
}

// AllowsCall reports whether the policy lists a kind of calls of the Engine that is
// refused else: "plugins", "swarm", "archive".
func (p *Policy) AllowsCall(kind string) bool { return slices.Contains(p.Allow, kind) }

// checkAllowed holds an allow list to what can be allowed.
func checkAllowed(list []string, calls bool) error {
	for _, a := range list {
		kind, value, valued := strings.Cut(a, ":")
		alone := []string{
			"privileged", "host-network", "host-pid", "host-ipc", "host-uts", "host-userns", "host-cgroup", "unmasked", "checkpoint", "device",
		}
		with := []string{"cap", "device", "bind", "runtime"}
		if calls {
			alone = append(alone, "archive", "plugins", "swarm")
		}
		if valued && (!slices.Contains(with, kind) || value == "") || !valued && !slices.Contains(alone, kind) {
			return fmt.Errorf("allow: %q is none of %s, or of %s with a value (cap:SYS_PTRACE)", a, strings.Join(alone, ", "), strings.Join(with, ", "))
		}
		if kind == "bind" && (!path.IsAbs(value) || path.Clean(value) == "/") {
			return fmt.Errorf("allow: %q: a path of the host that is not its root", a)
		}
	}
	return nil
}

// least are the requirements of least privilege that a container does not meet.
func (r *Rule) least(s Start) []Refusal {
	l := r.LeastPrivilege
	if l == nil {
		return nil
	}
	var out []Refusal
	no := func(missing bool, what, why string) {
		if missing {
			out = append(out, Refusal{what, why})
		}
	}
	no(l.NonRoot && asRoot(s.User), "non-root", "it runs as "+cmp.Or(s.User, "root"))
	no(l.ReadOnly && !s.ReadOnly, "read-only", "its file system can be written")
	no(l.NoNewPrivileges && !s.option("no-new-privileges", "", "true"), "no-new-privileges", "it may gain privileges")
	no(l.DropAll && !slices.ContainsFunc(s.CapDrop, func(c string) bool { return Capability(c) == "ALL" }), "drop-all", "it does not drop all capabilities")
	if l.Capabilities != nil {
		for _, c := range s.CapAdd {
			listed := slices.ContainsFunc(l.Capabilities, func(k string) bool { return Capability(k) == Capability(c) })
			no(!listed, "capabilities", "it adds the capability "+Capability(c))
		}
	}
	no(l.Seccomp && (s.Privileged || s.option("seccomp", "unconfined")), "seccomp", "no filter of system calls confines it")
	no(l.Memory && s.Memory <= 0, "memory", "its memory has no limit")
	no(l.Processes && s.Processes <= 0, "processes", "its processes have no limit")
	return out
}

// option reports whether a security option has one of these values.
func (s Start) option(name string, values ...string) bool {
	for _, o := range s.SecurityOpt {
		n, v := o, ""
		if i := strings.IndexAny(o, "=:"); i >= 0 {
			n, v = o[:i], o[i+1:]
		}
		if n == name && slices.Contains(values, v) {
			return true
		}
	}
	return false
}

// WithoutLeast is the rule without its requirements of least privilege: for what changes
// a container and does not say all of it.
func (r *Rule) WithoutLeast() *Rule {
	out := *r
	out.LeastPrivilege = nil
	return &out
}
