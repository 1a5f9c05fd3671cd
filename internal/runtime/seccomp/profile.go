package seccomp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Profile is a seccomp profile as Docker reads it: what is not named is answered
// with the default action.
type Profile struct {
	DefaultAction   string         `json:"defaultAction"`
	DefaultErrnoRet *uint          `json:"defaultErrnoRet,omitempty"`
	Architectures   []string       `json:"architectures,omitempty"` // SCMP_ARCH_…; of the other ABIs, no call passes
	ArchMap         []Architecture `json:"archMap,omitempty"`       // instead of Architectures
	Rules           []Rule         `json:"syscalls"`
}

// Rule is an action for some calls. Where several rules name a call, one whose
// conditions all hold is enough.
type Rule struct {
	Name     string      `json:"name,omitempty"` // instead of Names, in old profiles
	Names    []string    `json:"names,omitempty"`
	Action   string      `json:"action"`
	ErrnoRet *uint       `json:"errnoRet,omitempty"`
	Args     []Condition `json:"args,omitempty"`
	Comment  string      `json:"comment,omitempty"`
	Includes *Where      `json:"includes,omitempty"` // the rule is there only where all of this is so
	Excludes *Where      `json:"excludes,omitempty"` // the rule is not there where any of this is so
}

// Condition is one on an argument of a call.
type Condition struct {
	Index    uint   `json:"index"`
	Value    uint64 `json:"value"`
	ValueTwo uint64 `json:"valueTwo,omitempty"`
	Op       string `json:"op"` // SCMP_CMP_…

	comment string // of its rule
}

// Because is the condition with a comment for its rule in [New].
func (c Condition) Because(comment string) Condition {
	c.comment = comment
	return c
}

// The actions and comparisons that profiles of ours use.
const (
	ActAllow      = "SCMP_ACT_ALLOW"
	ActErrno      = "SCMP_ACT_ERRNO"
	ActLog        = "SCMP_ACT_LOG"
	CmpEqual      = "SCMP_CMP_EQ"
	CmpMaskedEq   = "SCMP_CMP_MASKED_EQ"
	CmpLess       = "SCMP_CMP_LT"
	errnoPerm     = 1
	errnoNoSystem = 38
)

// New is a profile that allows calls by name, in every one of the ABIs that has them,
// and nothing else. The native ABI comes first; of an ABI that is not listed no call
// passes. A call in only passes where one of its conditions holds.
//
// A young call that is not allowed is answered with ENOSYS, as an older kernel does:
// whoever makes it has another way for that, and would take EPERM for the last word.
func New(abis []ABI, allow []string, only map[string][]Condition) *Profile {
	return NewLogging(abis, allow, nil, only)
}

// NewLogging is [New] with calls that pass, too, and are logged.
func NewLogging(abis []ABI, allow, log []string, only map[string][]Condition) *Profile {
	perm := uint(errnoPerm)
	p := &Profile{DefaultAction: ActErrno, DefaultErrnoRet: &perm}
	allow = slices.Compact(slices.Sorted(slices.Values(allow)))
	log = slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(log))), func(name string) bool { return slices.Contains(allow, name) })
	p.pass(allow, ActAllow, only)
	p.pass(log, ActLog, only)
	allow = append(allow, log...)
	var young []string
	for _, abi := range abis {
		p.Architectures = append(p.Architectures, abi.profileName())
		young = append(young, abi.Since(firstYoung)...)
	}
	slices.Sort(young)
	young = slices.DeleteFunc(slices.Compact(young), func(name string) bool {
		return slices.Contains(allow, name) || name == "uretprobe" // which no program calls
	})
	if len(young) > 0 {
		none := uint(errnoNoSystem)
		p.Rules = append(p.Rules, Rule{Names: young, Action: ActErrno, ErrnoRet: &none, Comment: "Linux 3.14 has none of these, and programs do without"})
	}
	return p
}

// ABIs are those of which calls pass, the native one first.
func (p *Profile) ABIs() []ABI {
	return slices.DeleteFunc(every(), func(a ABI) bool { return !slices.Contains(p.Architectures, a.profileName()) })
}

// pass adds the rules for calls that pass.
func (p *Profile) pass(names []string, action string, only map[string][]Condition) {
	free := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return len(only[name]) > 0 })
	if len(free) > 0 {
		p.Rules = append(p.Rules, Rule{Names: free, Action: action})
	}
	for _, name := range names {
		for _, c := range only[name] {
			p.Rules = append(p.Rules, Rule{Names: []string{name}, Action: action, Args: []Condition{c}, Comment: c.comment})
		}
	}
}

// firstYoung is the first call that Linux 3.15 added. Numbers are given in order.
const firstYoung = "renameat2"

// maxProfile limits the bytes of a seccomp profile.
const maxProfile = 4 << 20

// ReadProfile reads a profile, also one with the conditions of Docker's own format:
// see [Profile.Resolve]. Actions and comparisons that nobody knows are errors.
func ReadProfile(b []byte) (*Profile, error) {
	if len(b) > maxProfile {
		return nil, fmt.Errorf("seccomp profile of %d bytes: the limit is %d", len(b), maxProfile)
	}
	var p Profile
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&p); err != nil {
		return nil, fmt.Errorf("seccomp profile: %w", err)
	}
	if d.More() {
		return nil, errors.New("seccomp profile: data after the JSON document")
	}
	if _, err := action(p.DefaultAction, p.DefaultErrnoRet); err != nil {
		return nil, fmt.Errorf("seccomp profile: defaultAction: %w", err)
	}
	for i, r := range p.Rules {
		if _, err := action(r.Action, r.ErrnoRet); err != nil {
			return nil, fmt.Errorf("seccomp profile: syscalls[%d]: %w", i, err)
		}
		for _, c := range r.Args {
			if _, err := c.holds([6]uint64{}); err != nil {
				return nil, fmt.Errorf("seccomp profile: syscalls[%d]: %w", i, err)
			}
		}
	}
	return &p, nil
}

// Marshal writes a profile, indented, so that a person can review it.
func (p *Profile) Marshal() ([]byte, error) {
	b, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("seccomp profile: %w", err)
	}
	return append(b, '\n'), nil
}

// Allowed are the names of calls that the profile lets pass with some arguments,
// sorted.
func (p *Profile) Allowed() []string {
	var names []string
	for _, r := range p.Rules {
		if act, _ := action(r.Action, nil); act.Passes() {
			names = append(names, r.Names...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func action(name string, errno *uint) (Action, error) {
	switch name {
	case ActAllow:
		return Allow, nil
	case ActLog:
		return Log, nil
	case ActErrno:
		if errno != nil {
			return Errno | Action(*errno&0xffff), nil
		}
		return Errno | errnoPerm, nil
	case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD":
		return KillThread, nil
	case "SCMP_ACT_KILL_PROCESS":
		return KillProcess, nil
	case "SCMP_ACT_TRAP":
		return Trap, nil
	case "SCMP_ACT_TRACE":
		return Trace, nil
	case "SCMP_ACT_NOTIFY":
		return Notify, nil
	}
	return 0, fmt.Errorf("unknown action %q", name)
}

func (c Condition) holds(args [6]uint64) (bool, error) {
	if c.Index > 5 {
		return false, fmt.Errorf("a call has no argument %d", c.Index)
	}
	v := args[c.Index]
	switch c.Op {
	case CmpEqual:
		return v == c.Value, nil
	case "SCMP_CMP_NE":
		return v != c.Value, nil
	case CmpLess:
		return v < c.Value, nil
	case "SCMP_CMP_LE":
		return v <= c.Value, nil
	case "SCMP_CMP_GT":
		return v > c.Value, nil
	case "SCMP_CMP_GE":
		return v >= c.Value, nil
	case CmpMaskedEq:
		return v&c.Value == c.ValueTwo, nil
	}
	return false, fmt.Errorf("unknown comparison %q", c.Op)
}
