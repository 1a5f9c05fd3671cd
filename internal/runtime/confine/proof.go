package confine

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/drydock-dev/drydock/internal/runtime/exercise"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

// Proof is what came of it.
type Proof struct {
	Level        string            `json:"level"` // "unproved", or "ran"
	Exercise     exercise.Exercise `json:"exercise"`
	Runtime      *observe.Engine   `json:"runtime,omitempty"` // that it was proved on
	Syscalls     Counts            `json:"syscalls"`
	KernelCVEs   CVEs              `json:"kernelCVEs"`
	Users        []Kept            `json:"users,omitempty"` // the user that stays, where others were tried
	Capabilities []Kept            `json:"capabilities"`
	Writable     []Kept            `json:"writable"`
	Enforced     Enforced          `json:"enforced"`
	NotEnforced  []NotEnforced     `json:"notEnforced"`
	Runs         int               `json:"runs"`
	Replicas     int               `json:"replicas"` // that the last run had at once
	Seconds      float64           `json:"seconds"`
	Checked      []Checked         `json:"checked,omitempty"`   // documents, by programs that were here
	Tolerated    []string          `json:"tolerated,omitempty"` // calls that the profile refused and the exercise did not miss
	Failure      string            `json:"failure,omitempty"`   // of the exercise, where it fails
	Missing      []Missing         `json:"missing,omitempty"`   // what it lacks, where the exercise fails
}

// Counts are how many calls can be made.
type Counts struct {
	Allowed       int `json:"allowed"`
	EngineDefault int `json:"engineDefault"`
	DefaultI386   int `json:"engineDefaultI386"`
}

// CVEs are vulnerabilities of the kernel of which no entry call passes: under the
// profile, and under the Engine's default. The table has x86_64's only.
type CVEs struct {
	Blocked       []string `json:"blocked"`
	EngineDefault []string `json:"engineDefault"`
	Known         int      `json:"known"`
}

// counts says what a profile buys beside the Engine's default.
func counts(p *Profile, d observe.Default) (Counts, CVEs) {
	allowed := d.Calls
	if p.Seccomp != nil {
		native := seccomp.ABI(p.Image.ABI)
		allowed = slices.DeleteFunc(p.loaded().Allowed(), func(name string) bool {
			_, known := native.Number(name)
			return !known
		})
	}
	c := CVEs{[]string{}, []string{}, len(seccomp.KernelCVEs())}
	if p.Image.ABI == string(seccomp.X8664) {
		c.Blocked, c.EngineDefault = seccomp.Blocked(allowed), seccomp.Blocked(d.Calls)
	}
	return Counts{len(allowed), len(d.Calls), d.I386}, c
}

// Kept is a privilege that stays, with the failure that was seen without it.
type Kept struct {
	Name    string `json:"name,omitempty"`
	Path    string `json:"path,omitempty"`
	Failure string `json:"failure"`
}

// Enforced is what the kernel had in force for the first process.
type Enforced struct {
	Seccomp             bool     `json:"seccomp"`
	FilterEqualsProfile bool     `json:"filterEqualsProfile"`
	I386Reachable       int      `json:"i386Reachable"`
	NoNewPrivs          bool     `json:"noNewPrivileges"`
	Capabilities        []string `json:"capabilities"` // that it could ever have
	ReadOnly            bool     `json:"readOnly"`
	User                string   `json:"user"`
	PIDs                int64    `json:"pids"`
	Memory              int64    `json:"memory"`
	CPUs                float64  `json:"cpus"`
	Nofile              int64    `json:"nofile"`
	Nproc               int64    `json:"nproc,omitempty"` // 0: not read, or without limit
	LSM                 string   `json:"lsm"`             // empty: none

	Differences []seccomp.Difference `json:"differences,omitempty"`
}

// NotEnforced is something that was asked for and that this machine does not do.
type NotEnforced struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// ReadProof reads a proof.
func ReadProof(b []byte) (*Proof, error) {
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("proof of %d bytes: the limit is %d", len(b), MaxBytes)
	}
	var p Proof
	if err := json.Unmarshal(b, &p); err != nil {
		return nil, fmt.Errorf("proof: %w", err)
	}
	return &p, nil
}

// Unproved is the proof of a profile under which nothing was run.
func Unproved(p *Profile, o *observe.Observation) *Proof {
	proof := &Proof{
		Level: "unproved", Exercise: o.Exercise, Capabilities: []Kept{}, Writable: []Kept{}, NotEnforced: []NotEnforced{},
	}
	proof.Syscalls, proof.KernelCVEs = counts(p, o.Default)
	return proof
}

// Untried is the proof of a profile that was completed from what was logged under
// another one: what the Engine's default allows is known of that.
func Untried(p, logged *Profile) *Proof {
	return Unproved(p, &observe.Observation{Default: *logged.Default})
}
