package observe

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime/exercise"
	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

// Schema is the version of an Observation's JSON. What reads another one refuses
// it.
const Schema = "drydock.observation/v1"

// Status is how far an observation can be trusted to be complete.
type Status string

// An observation is complete if everything was seen from the first call to the
// exit and nothing was lost. That says nothing of what the exercise left out.
const (
	Complete  Status = "complete"
	Partial   Status = "partial"   // something was not looked at
	Truncated Status = "truncated" // a table was full, or events came too fast
)

// Observation is what a container did.
type Observation struct {
	Schema   string   `json:"schema"`
	Service  string   `json:"service,omitempty"` // of a compose file
	Image    Image    `json:"image"`
	Runtime  Engine   `json:"runtime"`
	Way      string   `json:"way"`                // how it was seen: "bpf"
	Observer string   `json:"observer,omitempty"` // "container": where it ran, if not as a process of the machine
	Status   Status   `json:"status"`
	Reasons  []string `json:"reasons,omitempty"` // why it is not complete
	Unseen   []string `json:"unseen,omitempty"`  // parts that this way of seeing has no eyes for: "capabilities"
	Unsafe   []string `json:"unsafe,omitempty"`  // what was allowed, and why

	Began        time.Time         `json:"began"`
	Seconds      float64           `json:"seconds"`
	Up           float64           `json:"up"`           // seconds from the start until it was up
	LastNew      float64           `json:"lastNew"`      // seconds after the start, when something was seen for the first time
	Items        int               `json:"items"`        // how many different things were seen
	ItemsAMinute float64           `json:"itemsAMinute"` // new ones in the last minute
	Exercise     exercise.Exercise `json:"exercise"`
	Exit         *Exit             `json:"exit,omitempty"`

	Calls        []Call       `json:"calls"`
	Arguments    []Argument   `json:"arguments,omitempty"`
	Capabilities []Capability `json:"capabilities"`
	Files        []File       `json:"files"`
	Raw          []string     `json:"raw,omitempty"`       // paths before they were generalised, if that was asked for
	Devices      []string     `json:"devices,omitempty"`   // files below /dev that were opened
	Writable     []string     `json:"writable"`            // folders in which something was written, made, changed or taken away
	Programs     []string     `json:"programs"`            // that were executed
	Processes    []Process    `json:"processes,omitempty"` // who executed them
	Packages     []Package    `json:"packages,omitempty"`  // of the image's inventory, if that was looked at
	Listens      []Socket     `json:"listens,omitempty"`
	Connects     []Socket     `json:"connects,omitempty"`
	Users        []User       `json:"users"` // that processes ran as
	Refused      []Refusal    `json:"refused,omitempty"`
	Peaks        Peaks        `json:"peaks"`

	Default Default `json:"engineDefault"` // what the Engine lets a container call that asks for nothing
}

// Image is what was run.
type Image struct {
	Name    string   `json:"name"`
	ID      string   `json:"id"`
	ABI     string   `json:"abi"` // of the machine: "x86_64"
	Command []string `json:"command"`
	Env     []string `json:"env,omitempty"`     // names of variables that were set beside the image's
	Volumes []string `json:"volumes,omitempty"` // folders that the image declares as such
	Exposed []uint16 `json:"exposed,omitempty"` // TCP ports
	Health  bool     `json:"health,omitempty"`  // it has a health check
	User    string   `json:"user,omitempty"`    // as the image says
}

// Machine is the architecture of the machine, as images name it; empty: unknown.
func (i Image) Machine() string {
	return map[string]string{"x86_64": "amd64", "aarch64": "arm64"}[i.ABI]
}

// Engine is what ran it. A profile is good for the runtime that it was seen on:
// each calls other things after the filter is loaded.
type Engine struct {
	Engine          string `json:"engine"`  // "29.1.0"
	Name            string `json:"name"`    // "runc"
	Version         string `json:"version"` // "1.1.5"
	Kernel          string `json:"kernel"`
	NoNewPrivileges bool   `json:"noNewPrivileges"`
}

// Exit is how the first process ended.
type Exit struct {
	Code int  `json:"code"`
	OOM  bool `json:"oom,omitempty"`
	Own  bool `json:"own,omitempty"` // by itself, not because it was told to
}

// Call is a system call that was made.
type Call struct {
	ABI    seccomp.ABI `json:"abi"`
	Number int         `json:"number"`
	Name   string      `json:"name,omitempty"` // empty: unknown
	Count  uint64      `json:"count"`
	Phases []Phase     `json:"phases"`
}

// Argument is one argument that selects what a call does.
type Argument struct {
	Name  string `json:"name"`
	Index int    `json:"index"`
	Value uint64 `json:"value"`
	Count uint64 `json:"count"`
}

// Capability is one that the kernel asked for.
type Capability struct {
	Name    string  `json:"name"` // "CHOWN"
	Count   uint64  `json:"count"`
	Refused uint64  `json:"refused,omitempty"` // of Count
	Phases  []Phase `json:"phases"`
}

// File is a path that was used, generalised: see [Generalise].
type File struct {
	Path    string `json:"path"`
	Target  string `json:"target,omitempty"` // where symbolic links lead from it; empty: it is no other path
	Read    bool   `json:"read,omitempty"`
	Write   bool   `json:"write,omitempty"`
	Execute bool   `json:"execute,omitempty"`
	Map     bool   `json:"map,omitempty"`     // into the memory of a process
	Missing bool   `json:"missing,omitempty"` // it was looked for, and was never there
}

// Socket is an address that was bound or connected to.
type Socket struct {
	Family  string `json:"family"` // "inet", "inet6", "unix", "netlink", or a number
	Address string `json:"address,omitempty"`
	Port    int    `json:"port,omitempty"`
	Refused string `json:"refused,omitempty"` // why it did not come to be
}

// Refusal is a call that the kernel refused, by a filter, for want of a capability or
// a permission, or since it has no such call.
type Refusal struct {
	Call  string `json:"call"`
	Path  string `json:"path,omitempty"` // generalised
	Errno string `json:"errno"`          // "EPERM"
	Phase Phase  `json:"phase,omitempty"`
}

func (r Refusal) String() string {
	s := r.Call
	if r.Path != "" {
		s += fmt.Sprintf("(%q)", r.Path)
	}
	s += ": " + r.Errno
	if r.Phase != "" {
		s += ", at " + string(r.Phase)
	}
	return s
}

// Process is a program that another one executed: paths of programs, generalised.
type Process struct {
	Program string `json:"program"`
	Parent  string `json:"parent,omitempty"` // empty: the runtime, or one that was there before
	Count   int    `json:"count"`
}

// Package is a package of the image, and whether a file of it was used.
type Package struct {
	PURL string `json:"purl"`
	Use  Use    `json:"use"`
	Path string `json:"path,omitempty"` // a file of it that was used
}

// Use is whether a package was used while it was watched.
type Use string

// Of a package that is unknown, nobody knows which files are its own.
const (
	Used      Use = "used"
	Untouched Use = "untouched"
	Unknown   Use = "unknown"
)

// User is who processes ran as.
type User struct {
	UID int `json:"uid"`
	GID int `json:"gid"`
}

// Peaks are the largest values that were seen; 0 is unknown.
type Peaks struct {
	Memory    int64   `json:"memory"`    // bytes
	PIDs      int64   `json:"pids"`      // processes and threads at once
	CPU       float64 `json:"cpu"`       // seconds of processor time in all
	OpenFiles int     `json:"openFiles"` // of one process
}

// Default is what the Engine's default filter lets pass, as it was loaded.
type Default struct {
	Calls        []string `json:"calls"` // of the native ABI
	I386         int      `json:"i386"`  // how many of the 32-bit ABI
	I386Calls    []string `json:"i386Calls,omitempty"`
	Capabilities []string `json:"capabilities"` // that the container had
}

// Allows reports whether the default is known to let a call of an ABI pass.
func (d Default) Allows(abi seccomp.ABI, name string) bool { return slices.Contains(d.of(abi), name) }

// of are the calls of an ABI that pass; none where they are not known.
func (d Default) of(abi seccomp.ABI) []string {
	switch abi {
	case seccomp.X8664, seccomp.AArch64:
		return d.Calls
	case seccomp.I386:
		return d.I386Calls
	}
	return nil
}

// Refuses reports whether the default refuses a call in one of the ABIs that have it.
// Of an ABI whose calls are not known nothing is refused.
func (d Default) Refuses(abis []seccomp.ABI, name string) bool {
	return slices.ContainsFunc(abis, func(abi seccomp.ABI) bool {
		return len(d.of(abi)) > 0 && abi.Has(name) && !d.Allows(abi, name)
	})
}

// Passing are the names of the calls that the default lets pass in every one of the
// ABIs that has them, sorted.
func (d Default) Passing(abis []seccomp.ABI) []string {
	names := slices.Sorted(slices.Values(slices.Concat(d.Calls, d.I386Calls)))
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool {
		return d.Refuses(abis, name) || !slices.ContainsFunc(abis, func(abi seccomp.ABI) bool { return abi.Has(name) })
	})
}

// Words say for how long and how a container was watched: "for 63 s by bpf".
func (o *Observation) Words() string {
	s := fmt.Sprintf("for %.3g s by %s", o.Seconds, cmp.Or(o.Way, "an unknown way"))
	var under []string
	if n := len(o.Exercise.Probes); n > 0 {
		under = append(under, finding.Count(n, "request"))
	}
	if n := len(o.Exercise.Tests); n > 0 {
		under = append(under, finding.Count(n, "command"))
	}
	if len(under) > 0 {
		s += " under " + strings.Join(under, " and ")
	}
	if o.Status != Complete {
		s += strings.TrimSuffix(fmt.Sprintf(" (%s: %s", o.Status, strings.Join(o.Reasons, "; ")), ": ") + ")"
	}
	return s
}

// MaxBytes limits the bytes of an observation.
const MaxBytes = 64 << 20

// Read reads an observation.
func Read(b []byte) (*Observation, error) {
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("observation of %d bytes: the limit is %d", len(b), MaxBytes)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	var o Observation
	if err := d.Decode(&o); err != nil {
		return nil, fmt.Errorf("observation: %w", err)
	}
	if d.More() {
		return nil, errors.New("observation: data after the JSON document")
	}
	if o.Schema != Schema {
		return nil, fmt.Errorf("observation: schema %q, not %q", o.Schema, Schema)
	}
	if err := o.valid(); err != nil {
		return nil, fmt.Errorf("observation: %w", err)
	}
	return &o, nil
}

// valid holds what others rely on: names are the kernel's, numbers are not
// negative.
func (o *Observation) valid() error {
	if o.Status != Complete && o.Status != Partial && o.Status != Truncated {
		return fmt.Errorf("status %q", o.Status)
	}
	for _, c := range o.Calls {
		if name, ok := c.ABI.Name(c.Number); ok && name != c.Name || !ok && c.Name != "" {
			return fmt.Errorf("call %d of ABI %q is not %q", c.Number, c.ABI, c.Name)
		}
	}
	for _, c := range o.Capabilities {
		if !slices.Contains(seccomp.Capabilities(), c.Name) {
			return fmt.Errorf("no capability is called %q", c.Name)
		}
	}
	if o.Peaks.Memory < 0 || o.Peaks.PIDs < 0 || o.Peaks.CPU < 0 || o.Peaks.OpenFiles < 0 {
		return errors.New("a peak is negative")
	}
	return nil
}

// Marshal writes an observation, indented.
func (o *Observation) Marshal() ([]byte, error) {
	w := *o
	w.Calls, w.Capabilities, w.Files, w.Users = list(o.Calls), list(o.Capabilities), list(o.Files), list(o.Users)
	w.Writable, w.Programs = list(o.Writable), list(o.Programs)
	w.Image.Command, w.Default.Calls, w.Default.Capabilities = list(o.Image.Command), list(o.Default.Calls), list(o.Default.Capabilities)
	for i := range w.Calls {
		w.Calls[i].Phases = list(w.Calls[i].Phases)
	}
	for i := range w.Capabilities {
		w.Capabilities[i].Phases = list(w.Capabilities[i].Phases)
	}
	b, err := json.MarshalIndent(w, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("observation: %w", err)
	}
	return append(b, '\n'), nil
}

// list is a copy that is never nil: JSON has a list there.
func list[T any](s []T) []T { return append([]T{}, s...) }

// Merge joins two observations of one image: what either saw, the larger of the
// peaks, and the worse status. Images, machines and runtimes must be the same.
func Merge(a, b *Observation) (*Observation, error) {
	if a.Image.ID != b.Image.ID {
		return nil, fmt.Errorf("observations of two images: %s and %s", a.Image.ID, b.Image.ID)
	}
	if a.Image.ABI != b.Image.ABI {
		return nil, fmt.Errorf("observations of two architectures: %s and %s", a.Image.ABI, b.Image.ABI)
	}
	if a.Runtime.Name != b.Runtime.Name || a.Runtime.Version != b.Runtime.Version || a.Runtime.NoNewPrivileges != b.Runtime.NoNewPrivileges {
		return nil, errors.New("observations on two runtimes, or with other settings: each calls other things under the filter")
	}
	o := *a
	o.Began = a.Began
	if b.Began.Before(a.Began) {
		o.Began = b.Began
	}
	o.Seconds, o.Up, o.LastNew = a.Seconds+b.Seconds, max(a.Up, b.Up), max(a.LastNew, b.LastNew)
	worst := []Status{Complete, Partial, Truncated}
	o.Items, o.ItemsAMinute = max(a.Items, b.Items), max(a.ItemsAMinute, b.ItemsAMinute)
	o.Status = worst[max(slices.Index(worst, a.Status), slices.Index(worst, b.Status))]
	o.Reasons, o.Way = union(a.Reasons, b.Reasons), a.Way
	if a.Way != b.Way {
		o.Way = strings.Join(union(strings.Split(a.Way, "+"), strings.Split(b.Way, "+")), "+")
	}
	o.Unsafe = union(a.Unsafe, b.Unsafe)
	o.Packages = joined(a.Packages, b.Packages, func(p Package) string { return p.PURL }, func(x, y Package) Package {
		if y.Use == Used || x.Use == Untouched && y.Use == Unknown {
			return y
		}
		return x
	})
	o.Unseen = nil // what one of them sees is seen
	for _, part := range a.Unseen {
		if slices.Contains(b.Unseen, part) {
			o.Unseen = append(o.Unseen, part)
		}
	}
	o.Exercise.Probes = union(a.Exercise.Probes, b.Exercise.Probes)
	o.Exercise.Tests = union(a.Exercise.Tests, b.Exercise.Tests)
	o.Exercise.For = max(a.Exercise.For, b.Exercise.For)
	o.Exit = cmp.Or(a.Exit, b.Exit)

	o.Calls = joined(a.Calls, b.Calls, callKeyOf, addCalls)
	o.Arguments = joined(a.Arguments, b.Arguments, func(c Argument) string { return fmt.Sprintf("%s %d %020d", c.Name, c.Index, c.Value) },
		func(x, y Argument) Argument { x.Count += y.Count; return x })
	o.Capabilities = joined(a.Capabilities, b.Capabilities, func(c Capability) string { return c.Name }, func(x, y Capability) Capability {
		x.Count, x.Refused, x.Phases = x.Count+y.Count, x.Refused+y.Refused, union(x.Phases, y.Phases)
		return x
	})
	o.Files = joined(a.Files, b.Files, func(f File) string { return f.Path }, func(x, y File) File {
		return File{x.Path, cmp.Or(x.Target, y.Target), x.Read || y.Read, x.Write || y.Write, x.Execute || y.Execute, x.Map || y.Map, x.Missing && y.Missing}
	})
	o.Raw, o.Devices = union(a.Raw, b.Raw), union(a.Devices, b.Devices)
	o.Writable, o.Programs = union(a.Writable, b.Writable), union(a.Programs, b.Programs)
	o.Processes = joined(a.Processes, b.Processes, func(p Process) string { return p.Parent + "\x00" + p.Program },
		func(x, y Process) Process { x.Count += y.Count; return x })
	key := func(s Socket) string { return fmt.Sprintf("%s %s %05d %s", s.Family, s.Address, s.Port, s.Refused) }
	same := func(x, _ Socket) Socket { return x }
	o.Listens, o.Connects = joined(a.Listens, b.Listens, key, same), joined(a.Connects, b.Connects, key, same)
	o.Refused = joined(a.Refused, b.Refused, Refusal.String, func(r, _ Refusal) Refusal { return r })
	o.Users = joined(a.Users, b.Users, func(u User) string { return fmt.Sprintf("%010d %010d", u.UID, u.GID) }, func(x, _ User) User { return x })
	o.Peaks = Peaks{
		max(a.Peaks.Memory, b.Peaks.Memory), max(a.Peaks.PIDs, b.Peaks.PIDs),
		max(a.Peaks.CPU, b.Peaks.CPU), max(a.Peaks.OpenFiles, b.Peaks.OpenFiles),
	}
	return &o, nil
}

func callKeyOf(c Call) string { return fmt.Sprintf("%s %05d", c.ABI, c.Number) }

func addCalls(x, y Call) Call {
	x.Count, x.Phases = x.Count+y.Count, union(x.Phases, y.Phases)
	return x
}

// union is all values of both, sorted.
func union[T cmp.Ordered](a, b []T) []T {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(a, b))))
}

// joined is all rows of both, sorted by key; two of one key are made one.
func joined[T any](a, b []T, key func(T) string, both func(x, y T) T) []T {
	rows := map[string]T{}
	for _, r := range slices.Concat(a, b) {
		k := key(r)
		if x, ok := rows[k]; ok {
			r = both(x, r)
		}
		rows[k] = r
	}
	out := make([]T, 0, len(rows))
	for _, k := range slices.Sorted(maps.Keys(rows)) {
		out = append(out, rows[k])
	}
	return out
}
