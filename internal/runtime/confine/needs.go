package confine

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

// Needs are what a workload needs of what runs it: of an observation, or of a profile.
type Needs struct {
	Image    observe.Image
	Runtime  observe.Engine
	profile  *Profile
	observed *observe.Observation // nil: of a profile
}

// need is one of them.
type need struct {
	rule  finding.RuleID
	name  string
	where string // when; empty: not known
}

// MaxNeeds is the size of what [ReadNeeds] reads, in bytes.
const MaxNeeds = observe.MaxBytes

// ReadNeeds reads an observation or a profile.
func ReadNeeds(b []byte) (*Needs, error) {
	var form struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(b, &form); err != nil {
		return nil, fmt.Errorf("neither an observation nor a profile: %w", err)
	}
	if form.Schema != observe.Schema {
		p, err := Read(b)
		if err != nil {
			return nil, err
		}
		return &Needs{Image: p.Image, Runtime: p.Runtime, profile: p}, nil
	}
	o, err := observe.Read(b)
	if err != nil {
		return nil, err
	}
	p, err := Draft(o, Options{})
	if err != nil {
		return nil, err
	}
	return &Needs{Image: o.Image, Runtime: o.Runtime, profile: p, observed: o}, nil
}

// Change is what came of a new release beside an old one.
type Change struct {
	Findings []finding.Finding // what it started to need
	Stopped  []string          // what it needs no more
	Warnings []string          // why the two can be compared only in part
}

// Compare tells what a workload started to need. Both must be observations, or both
// profiles: what its proof has taken from a profile, an observation still has.
func Compare(old, now *Needs) (Change, error) {
	both := old.observed != nil && now.observed != nil
	if !both && (old.observed != nil || now.observed != nil) {
		return Change{}, errors.New("one is an observation and the other a profile, which its proof made smaller")
	}
	had, has := old.list(both), now.list(both)
	lacks := func(all []need, n need) bool {
		return !slices.ContainsFunc(all, func(x need) bool { return x.rule == n.rule && x.name == n.name })
	}
	var c Change
	for _, n := range has {
		if lacks(had, n) && !old.freely(n) {
			c.Findings = append(c.Findings, n.finding())
		}
	}
	for _, n := range had {
		if lacks(has, n) && !now.freely(n) {
			c.Stopped = append(c.Stopped, n.name)
		}
	}
	if old.Runtime.Name != now.Runtime.Name || old.Runtime.Version != now.Runtime.Version {
		c.Warnings = append(c.Warnings, fmt.Sprintf("the old one is of %s %s and the new one of %s %s: what a runtime calls itself may differ",
			old.Runtime.Name, old.Runtime.Version, now.Runtime.Name, now.Runtime.Version))
	}
	if old.Image.ABI != now.Image.ABI {
		c.Warnings = append(c.Warnings, fmt.Sprintf("the old one is of %s and the new one of %s: their calls differ anyway", old.Image.ABI, now.Image.ABI))
	}
	if both && !slices.Equal(old.observed.Exercise.Steps(), now.observed.Exercise.Steps()) {
		c.Warnings = append(c.Warnings, "the two were put through different exercises: what one of them did not reach is not seen")
	}
	return c, nil
}

// list are all needs, sorted as rules are; both reports whether two observations are
// compared, which tell more than profiles.
func (n *Needs) list(both bool) []need {
	p := n.profile
	var out []need
	add := func(rule finding.RuleID, name, where string) { out = append(out, need{rule, name, where}) }
	if p.User == "" && n.root() || strings.HasPrefix(p.User, "0:") {
		add(newRoot, "root", "")
	}
	for _, c := range p.Capabilities {
		add(newCapability, c, "")
	}
	if p.Seccomp != nil {
		for _, name := range p.Seccomp.Allowed() {
			if where, own := n.called(name); own || !both {
				add(newCall, name, where)
			}
		}
		for _, r := range p.Seccomp.Rules {
			if len(r.Args) > 0 && len(r.Names) > 0 {
				add(newArgument, r.Names[0]+" with "+asked(r), "")
			}
		}
	}
	if !p.ReadOnly {
		add(newWritable, "/", "")
	}
	for _, dir := range slices.Sorted(slices.Values(slices.Concat(p.Tmpfs, p.Volumes))) {
		add(newWritable, dir, "")
	}
	if p.Network != "none" {
		add(newNetwork, "a network", "")
	}
	for _, port := range p.Ports {
		add(newNetwork, fmt.Sprintf("a listener on port %d", port), "")
	}
	if both {
		for _, s := range n.observed.Connects {
			if beyond(s) && s.Port > 0 {
				add(newNetwork, fmt.Sprintf("connections to port %d", s.Port), "")
			}
		}
		for _, path := range n.observed.Programs {
			add(newProgram, path, "")
		}
	}
	seen := map[need]bool{}
	return slices.DeleteFunc(out, func(n need) bool {
		twice := seen[n]
		seen[n] = true
		return twice
	})
}

// asked is what a rule with a condition lets a call ask for.
func asked(r seccomp.Rule) string {
	c := r.Args[0]
	switch {
	case r.Comment != "":
		return r.Comment
	case c.Op == seccomp.CmpMaskedEq && c.Value == asInt:
		return fmt.Sprintf("argument %d = %#x", c.Index+1, c.ValueTwo)
	}
	return fmt.Sprintf("argument %d %s %#x", c.Index+1, strings.TrimPrefix(c.Op, "SCMP_CMP_"), c.Value)
}

// root reports whether the workload runs as root, as far as is known.
func (n *Needs) root() bool {
	if n.observed != nil {
		return slices.ContainsFunc(n.observed.Users, func(u observe.User) bool { return u.UID == 0 })
	}
	return n.Image.User == "" || n.Image.User == "root" || strings.HasPrefix(n.Image.User, "0")
}

// called tells when the workload itself made a call; what only its runtime called is
// not its need.
func (n *Needs) called(name string) (phases string, own bool) {
	if n.observed == nil {
		return "", true
	}
	for _, c := range n.observed.Calls {
		all := slices.DeleteFunc(slices.Clone(c.Phases), func(p observe.Phase) bool { return p == observe.Runtime })
		if c.Name == name && len(all) > 0 {
			return when(all), true
		}
	}
	return "", false
}

// freely reports whether a call may ask for anything.
func (n *Needs) freely(x need) bool {
	name, _, _ := strings.Cut(x.name, " with ")
	if x.rule != newArgument || n.profile.Seccomp == nil {
		return false
	}
	return slices.ContainsFunc(n.profile.Seccomp.Rules, func(r seccomp.Rule) bool {
		return len(r.Args) == 0 && slices.Contains(r.Names, name) && r.Action == seccomp.ActAllow
	})
}

// finding is a need that was not there before.
func (n need) finding() finding.Finding {
	i := slices.IndexFunc(NeedRules(), func(r finding.Rule) bool { return r.ID == n.rule })
	r := NeedRules()[i]
	f := finding.Finding{Rule: r.ID, Key: n.name, Practice: r.Practice, Severity: r.Severity}
	f.Message = "it started to need " + n.name
	switch n.rule {
	case newCall:
		f.Message = "it started to call " + n.name
	case newArgument:
		f.Message = "it started to call " + n.name
	case newCapability:
		f.Message = "it started to need the capability " + n.name
	case newWritable:
		f.Message = "it started to write in " + n.name
	case newProgram:
		f.Message = "it started to execute " + n.name
	}
	if n.where != "" {
		f.Message += " (" + n.where + ")"
	}
	if n.rule == newCall {
		if ids := reaches(n.name); len(ids) > 0 {
			f.Severity = finding.Medium
			f.Message += ", an entry of " + strings.Join(ids, ", ")
		}
	}
	return f
}

// reaches are the kernel's vulnerabilities of which a call is an entry.
func reaches(call string) []string {
	var out []string
	for id, calls := range seccomp.KernelCVEs() {
		if slices.Contains(calls, call) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}
