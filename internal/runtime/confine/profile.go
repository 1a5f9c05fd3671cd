package confine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

// Schema is the version of a profile's JSON.
const Schema = "drydock.profile/v1"

// Profile is all that a workload may do.
type Profile struct {
	Schema   string         `json:"schema"`
	Image    observe.Image  `json:"image"`
	Runtime  observe.Engine `json:"runtime"`            // that it was observed on; on another one it may be too tight
	Portable bool           `json:"portable,omitempty"` // it allows what other runtimes call, too

	Mode     string           `json:"mode,omitempty"`          // ModeLog, or empty: what is not allowed is refused
	Default  *observe.Default `json:"engineDefault,omitempty"` // of ModeLog: what is logged and not refused
	Programs []string         `json:"programs,omitempty"`      // of ModeLog: those of the workload

	Seccomp         *seccomp.Profile `json:"seccomp"`      // what is allowed without a record; nil: the Engine's own
	Capabilities    []string         `json:"capabilities"` // all others are dropped; nil: the Engine's own
	NoNewPrivileges bool             `json:"noNewPrivileges"`
	User            string           `json:"user,omitempty"` // "UID:GID"; empty: the image's
	ReadOnly        bool             `json:"readOnly"`       // the root file system
	Tmpfs           []string         `json:"tmpfs"`          // folders that are writable and start empty
	Volumes         []string         `json:"volumes"`        // folders that are writable and start as the image has them

	Memory int64   `json:"memory"` // bytes; of each limit, 0 is none
	PIDs   int64   `json:"pids"`
	CPUs   float64 `json:"cpus"`
	Nofile int64   `json:"nofile"`
	Nproc  int64   `json:"nproc,omitempty"` // of the user in all containers together: see [Options]

	Network string `json:"network"` // "none", or "isolated": a network of its own in which containers do not reach each other
	Ports   []int  `json:"ports"`   // TCP ports that it listens on
	Restart string `json:"restart"`
}

// ModeLog is the mode of a profile that is tried out: what the Engine allows by
// default and the profile does not, is logged by the kernel and not refused.
const ModeLog = "log"

// Options says how a draft is made.
type Options struct {
	Portable bool // allow the calls that stand for each other in another libc or runtime
	Log      bool // the filter logs instead of refusing
	// Nproc limits the processes of the user (RLIMIT_NPROC); 0: it is not written. The
	// kernel counts them per user over all containers and the machine itself, so that
	// one container can starve another: PIDs is the limit of one container.
	Nproc int64
	// UnsafeBeyondDefault is why calls and capabilities that the Engine's default
	// refuses may be allowed; empty: they may not.
	UnsafeBeyondDefault string
}

// Margins on what was seen.
const (
	memoryTimes, pidsTimes, cpuTimes, filesTimes = 2, 2, 4, 4

	leastMemory = 32 << 20
	leastPIDs   = 16
	leastCPUs   = 0.5
	leastFiles  = 1024
)

// Draft makes a profile of what was seen. The capabilities and folders are a
// superset: [Prove] finds out which of them are needed.
func Draft(o *observe.Observation, opt Options) (*Profile, error) {
	native := seccomp.ABI(o.Image.ABI)
	if len(native.Names()) == 0 {
		err := fmt.Errorf("it was made on a machine of %q, whose system calls are not known", o.Image.ABI)
		return nil, finding.WithHint(err, "observe on a machine of x86_64 or aarch64")
	}
	abis, err := abisOf(o, native)
	if err != nil {
		return nil, err
	}
	names := calls(o, abis, opt)
	p := &Profile{
		Schema: Schema, Image: o.Image, Runtime: o.Runtime, Portable: opt.Portable, Nproc: opt.Nproc,
		Seccomp: seccomp.New(abis, names, arguments(o, names, opt)), Capabilities: []string{},
		NoNewPrivileges: o.Runtime.NoNewPrivileges,
		ReadOnly:        true, Tmpfs: []string{}, Volumes: []string{}, Ports: []int{}, Restart: "on-failure:5",
	}
	for _, c := range o.Capabilities {
		used := c.Count > c.Refused && !slices.Equal(c.Phases, []observe.Phase{observe.Runtime})
		if used && (opt.UnsafeBeyondDefault != "" || slices.Contains(o.Default.Capabilities, c.Name)) {
			p.Capabilities = append(p.Capabilities, c.Name)
		}
	}
	if slices.Contains(o.Unseen, "capabilities") {
		p.Capabilities = slices.Clone(o.Default.Capabilities)
	}
	if opt.Log {
		p.Mode, p.Default, p.Programs = ModeLog, &o.Default, o.Programs
	}
	if err := p.folders(o); err != nil {
		return nil, err
	}
	p.limits(o)
	p.network(o)
	return p, nil
}

// abisOf are the ABIs of which calls were seen, the native one first. Beside it there
// is a profile for i386 alone, of which the Engine's default is known.
func abisOf(o *observe.Observation, native seccomp.ABI) ([]seccomp.ABI, error) {
	abis := []seccomp.ABI{native}
	var foreign []string
	for _, c := range o.Calls {
		switch {
		case slices.Contains(abis, c.ABI):
		case c.ABI == seccomp.I386 && (len(o.Default.I386Calls) > 0 || len(o.Default.Calls) == 0):
			abis = append(abis, c.ABI)
		default:
			foreign = append(foreign, fmt.Sprintf("%s of %s", c.Name, c.ABI))
		}
	}
	if len(foreign) == 0 {
		return abis, nil
	}
	err := fmt.Errorf("the workload uses another ABI than the machine's (%s): no profile is written for it", some(foreign))
	if o.Default.I386 > 0 && len(o.Default.I386Calls) == 0 {
		return nil, finding.WithHint(err, "observe it again: the observation does not tell which calls of i386 the Engine allows")
	}
	return nil, err
}

// calls are what the profile allows, sorted. A rule for a name holds in every ABI of
// the profile, so a name must be no wider than the default in each that has it.
func calls(o *observe.Observation, abis []seccomp.ABI, opt Options) []string {
	names := append(always(), byChance(o.Runtime.Name)...)
	if slices.Contains(abis, seccomp.I386) {
		names = append(names, always32()...)
	}
	for _, c := range o.Calls {
		if c.Name != "" {
			names = append(names, c.Name)
		}
	}
	if opt.Portable {
		names = append(names, atStart(o.Runtime.NoNewPrivileges)...)
		all := families()
		if slices.Contains(abis, seccomp.I386) {
			all = append(all, families32()...)
		}
		for _, f := range all {
			if slices.ContainsFunc(f, func(name string) bool { return slices.Contains(names, name) }) {
				names = append(names, f...)
			}
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		return !slices.ContainsFunc(abis, func(abi seccomp.ABI) bool { return abi.Has(name) }) ||
			opt.UnsafeBeyondDefault == "" && o.Default.Refuses(abis, name)
	})
	slices.Sort(names)
	return slices.Compact(names)
}

// folders decides how each folder that was written becomes writable: not at all
// where it is a volume of the image's, as an empty tmpfs, or as a volume where files
// of the image lie in it that were read. A name that the options of docker run
// would read as something else is an error: there is no way to write it.
func (p *Profile) folders(o *observe.Observation) error {
	for _, dir := range o.Writable {
		if !nameable(dir) {
			return fmt.Errorf("the workload writes in %q: no option of docker run can name such a folder", dir)
		}
		if slices.ContainsFunc(o.Image.Volumes, func(v string) bool { return within(dir, v) }) {
			continue
		}
		if dir == "/" {
			p.ReadOnly = false
			continue
		}
		kept := slices.ContainsFunc(o.Files, func(f observe.File) bool {
			return within(f.Path, dir) && f.Path != dir && (f.Read || f.Execute) && !f.Write
		})
		if kept {
			p.Volumes = append(p.Volumes, dir)
		} else {
			p.Tmpfs = append(p.Tmpfs, dir)
		}
	}
	return nil
}

// nameable reports whether the options of docker run can name a folder: whether no
// character ends, or breaks, its path there.
func nameable(dir string) bool {
	return path.Clean(dir) == dir && utf8.ValidString(dir) &&
		!strings.ContainsFunc(dir, func(r rune) bool { return r == ':' || r == ',' || !unicode.IsPrint(r) })
}

func within(p, dir string) bool {
	return p == dir || strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/")
}

func (p *Profile) limits(o *observe.Observation) {
	p.Memory, p.PIDs, p.Nofile, p.CPUs = Margins(o)
}

// Margins are the peaks of an observation with room above them, rounded up to what
// people write: bytes, processes, open files, processors.
func Margins(o *observe.Observation) (memory, pids, nofile int64, cpus float64) {
	const step = 16 << 20
	memory = max(leastMemory, (o.Peaks.Memory*memoryTimes+step-1)/step*step)
	cpus = leastCPUs
	if o.Seconds > 0 {
		cpus = max(leastCPUs, math.Ceil(o.Peaks.CPU/o.Seconds*cpuTimes*4)/4)
	}
	return memory, max(leastPIDs, o.Peaks.PIDs*pidsTimes), max(leastFiles, int64(o.Peaks.OpenFiles)*filesTimes), cpus
}

// network is none unless the workload listens, or reaches out, beyond itself.
func (p *Profile) network(o *observe.Observation) {
	p.Network = "none"
	for _, s := range o.Listens {
		if beyond(s) && s.Refused == "" {
			p.Network = "isolated"
			if s.Port > 0 {
				p.Ports = append(p.Ports, s.Port)
			}
		}
	}
	slices.Sort(p.Ports)
	p.Ports = slices.Compact(p.Ports)
	for _, s := range o.Connects {
		if beyond(s) {
			p.Network = "isolated"
		}
	}
}

// beyond reports whether an address is not within the container.
func beyond(s observe.Socket) bool {
	if s.Family != "inet" && s.Family != "inet6" {
		return false
	}
	a, err := netip.ParseAddr(s.Address)
	return err != nil || !a.Unmap().IsLoopback()
}

// MaxBytes limits the bytes of a profile of confine.
const MaxBytes = 8 << 20

// Read reads a profile.
func Read(b []byte) (*Profile, error) {
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("profile of %d bytes: the limit is %d", len(b), MaxBytes)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	var p Profile
	if err := d.Decode(&p); err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	if d.More() {
		return nil, errors.New("profile: data after the JSON document")
	}
	if p.Schema != Schema {
		return nil, fmt.Errorf("profile: schema %q, not %q", p.Schema, Schema)
	}
	if p.Mode != "" && (p.Mode != ModeLog || p.Default == nil || p.Seccomp == nil) {
		return nil, fmt.Errorf("profile: mode %q is none, or lacks the Engine's default or a filter", p.Mode)
	}
	if p.Seccomp != nil {
		raw, err := p.Seccomp.Marshal()
		if err != nil {
			return nil, err
		}
		if _, err := seccomp.ReadProfile(raw); err != nil {
			return nil, err
		}
	}
	if _, _, ok := ids(p.User); p.User != "" && !ok {
		return nil, fmt.Errorf("profile: user %q is not UID:GID", p.User)
	}
	for _, c := range p.Capabilities {
		if !slices.Contains(seccomp.Capabilities(), c) {
			return nil, fmt.Errorf("profile: no capability is called %q", c)
		}
	}
	for _, dir := range slices.Concat(p.Tmpfs, p.Volumes) {
		if !path.IsAbs(dir) || !nameable(dir) {
			return nil, fmt.Errorf("profile: %q is no folder of a container", dir)
		}
	}
	return &p, nil
}

// clone is a copy that can be changed without the original.
func (p *Profile) clone() *Profile {
	c := *p
	c.Capabilities, c.Tmpfs, c.Volumes = slices.Clone(p.Capabilities), slices.Clone(p.Tmpfs), slices.Clone(p.Volumes)
	return &c
}
