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
	DefaultAction   string   `json:"defaultAction"`
	DefaultErrnoRet *uint    `json:"defaultErrnoRet,omitempty"`
	Architectures   []string `json:"architectures,omitempty"` // SCMP_ARCH_…; of the other ABIs, no call passes
	Rules           []Rule   `json:"syscalls"`
}

// Rule is an action for some calls. Where several rules name a call, one whose
// conditions all hold is enough.
type Rule struct {
	Names    []string    `json:"names"`
	Action   string      `json:"action"`
	ErrnoRet *uint       `json:"errnoRet,omitempty"`
	Args     []Condition `json:"args,omitempty"`
	Comment  string      `json:"comment,omitempty"`
}

// Condition is one on an argument of a call.
type Condition struct {
	Index    uint   `json:"index"`
	Value    uint64 `json:"value"`
	ValueTwo uint64 `json:"valueTwo,omitempty"`
	Op       string `json:"op"` // SCMP_CMP_…
}

// The actions and comparisons that profiles of ours use.
const (
	ActAllow      = "SCMP_ACT_ALLOW"
	ActErrno      = "SCMP_ACT_ERRNO"
	ActLog        = "SCMP_ACT_LOG"
	CmpEqual      = "SCMP_CMP_EQ"
	CmpMaskedEq   = "SCMP_CMP_MASKED_EQ"
	errnoPerm     = 1
	errnoNoSystem = 38
)

// New is a profile that allows calls of the native ABI, by name, and nothing else.
// What libc only tries, and has another way for, is answered with ENOSYS: EPERM
// would be taken for the last word.
func New(native ABI, allow []string, action string) *Profile {
	p := &Profile{DefaultAction: action, Architectures: []string{native.profileName()}}
	if action == ActErrno {
		perm := uint(errnoPerm)
		p.DefaultErrnoRet = &perm
	}
	allow = slices.Compact(slices.Sorted(slices.Values(allow)))
	p.Rules = []Rule{{Names: allow, Action: ActAllow}}
	if action != ActErrno {
		return p
	}
	var tried []string
	for _, name := range []string{"clone3", "faccessat2", "openat2", "rseq", "statx"} {
		if _, known := native.Number(name); known && !slices.Contains(allow, name) {
			tried = append(tried, name)
		}
	}
	if len(tried) > 0 {
		none := uint(errnoNoSystem)
		p.Rules = append(p.Rules, Rule{Names: tried, Action: ActErrno, ErrnoRet: &none, Comment: "libc tries these and falls back on ENOSYS"})
	}
	return p
}

// maxProfile is the size of a profile that is read, in bytes.
const maxProfile = 4 << 20

// ReadProfile reads a profile. Names, actions and comparisons that nobody knows
// are errors, since an Engine would ignore a name and so refuse the call.
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
		if r.Action == ActAllow || r.Action == ActLog {
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
	case "SCMP_CMP_LT":
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

// wants is what the profile asks for a call.
func (p *Profile) wants(c Call) Action {
	if len(p.Architectures) > 0 && !slices.Contains(p.Architectures, c.ABI.profileName()) {
		return KillProcess
	}
	name, known := c.ABI.Name(c.Number)
	def, _ := action(p.DefaultAction, p.DefaultErrnoRet) // ReadProfile has seen to it
	for _, r := range p.Rules {
		if !known || !slices.Contains(r.Names, name) {
			continue
		}
		all := true
		for _, a := range r.Args {
			yes, _ := a.holds(c.Args)
			all = all && yes
		}
		if all {
			act, _ := action(r.Action, r.ErrnoRet)
			return act
		}
	}
	return def
}

// Difference is a call that the loaded filters answer otherwise than the profile.
type Difference struct {
	ABI          ABI    `json:"abi"`
	Name         string `json:"name"` // the number where the tables have no name
	Wanted, Got  Action `json:"-"`
	WantedAction string `json:"wanted"`
	GotAction    string `json:"got"`
}

// Differences runs loaded filters on every call of every ABI of this machine, with
// arguments that meet each condition of the profile and with some that do not, and
// returns where a call passes that should not, or the other way round. How a call
// is refused is not compared: runtimes choose the errno of what they do not know.
func (p *Profile) Differences(filters []Filter) ([]Difference, error) {
	var out []Difference
	for _, abi := range ABIs() {
		for nr := range maxNumber {
			name, known := abi.Name(nr)
			if !known {
				name = fmt.Sprint(nr)
			}
			for _, args := range p.samples(name) {
				c := Call{ABI: abi, Number: nr, Args: args}
				got, err := Evaluate(filters, c)
				if err != nil {
					return nil, err
				}
				if want := p.wants(c); want.Passes() != got.Passes() {
					out = append(out, Difference{abi, name, want, got, want.String(), got.String()})
					break
				}
			}
		}
	}
	return out, nil
}

// samples are arguments that tell the rules about a call apart.
func (p *Profile) samples(name string) [][6]uint64 {
	all := [][6]uint64{{}}
	for _, r := range p.Rules {
		if len(r.Args) == 0 || !slices.Contains(r.Names, name) {
			continue
		}
		for _, by := range []uint64{0, 1, ^uint64(0)} {
			var args [6]uint64
			for _, c := range r.Args {
				v := c.Value
				if c.Op == CmpMaskedEq {
					v = c.ValueTwo
				}
				args[c.Index] = v + by
			}
			all = append(all, args)
		}
	}
	return all
}

// Reachable are the calls of an ABI that the filters let pass with all arguments
// zero, by name; a number stands for a call without a name.
func Reachable(filters []Filter, abi ABI) ([]string, error) {
	var names []string
	for nr := range maxNumber {
		name, known := abi.Name(nr)
		if !known {
			continue // there is no such call
		}
		act, err := Evaluate(filters, Call{ABI: abi, Number: nr})
		if err != nil {
			return nil, err
		}
		if act.Passes() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}
