package admission

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// Standard is a policy of the list "policies": what every image should keep to, wherever
// it is. The service and "check" judge it; the gate does not.
type Standard struct {
	Policy       string   `yaml:"policy"`                 // the kind: see [Kinds]
	Name         string   `yaml:"name,omitempty"`         // tells policies of one kind apart; else the kind
	Images       []string `yaml:"images,omitempty"`       // patterns of repositories; none: every image
	Environments []string `yaml:"environments,omitempty"` // none: everywhere
	Weight       *int     `yaml:"weight,omitempty"`       // in the grade; else the kind's
	Grace        Age      `yaml:"grace,omitempty"`        // for how long after its advisory a vulnerability does not count
	Severities   []string `yaml:"severities,omitempty"`
	Unfixed      bool     `yaml:"unfixed,omitempty"` // those without a fix count, too
	CVEs         []string `yaml:"cves,omitempty"`    // that count whatever their severity
	Deny         []string `yaml:"deny,omitempty"`    // patterns of licences
	Bases        *Bases   `yaml:"bases,omitempty"`
	Types        []string `yaml:"types,omitempty"` // of attestations

	kind *Kind
	slot int // of its sum among those of a policy; -1: it counts nothing
}

// Kind is a sort of policy.
type Kind struct {
	ID     string
	Title  string
	Why    string
	Weight int      // in the grade, where the policy does not say another
	Takes  []string // the keys that it takes beside those of every policy
	Wants  string   // of these, the one that it needs; empty: none

	asks          Asked
	asked         bool                                                    // an SBOM does not answer it: it holds only where a list has it
	vulnerability func(s *Standard, v *Vulnerability) (counts, sure bool) // nil: it counts none
	licenses      bool
	judge         func(s *Standard, k *Known, sum Sum) (Outcome, string)
}

// Asked is what a policy wants to know that only a registry tells.
type Asked string

// What registries tell.
const (
	AsksSignatures   Asked = "signatures"
	AsksAttestations Asked = "attestations"
	AsksBase         Asked = "base"
)

// MaxCounted is how many policies of one list may count vulnerabilities or packages: the
// service keeps their sums for each image.
const MaxCounted = 8

// The weights of policies.
const maxWeight = 1000

// Standards are the policies that hold where nobody has said others.
func Standards() []Standard {
	all := make([]Standard, 0, len(Kinds()))
	for _, k := range Kinds() {
		if k.Wants == "" && !k.asked {
			all = append(all, Standard{Policy: k.ID})
		}
	}
	if err := completeStandards(all); err != nil {
		panic(err) // the kinds are constants
	}
	return all
}

func completeStandards(all []Standard) error {
	seen, counted := map[string]bool{}, 0
	if len(all) > maxRules {
		return fmt.Errorf("policies: more than %d", maxRules)
	}
	for i := range all {
		s := &all[i]
		if err := s.complete(); err != nil {
			return fmt.Errorf("policies: policy %d: %w", i+1, err)
		}
		if seen[s.ID()] {
			return fmt.Errorf("policies: policy %d: there are two %s: give one a name", i+1, s.ID())
		}
		seen[s.ID()] = true
		if s.slot = -1; s.kind.vulnerability != nil || s.kind.licenses {
			s.slot = counted
			counted++
		}
	}
	if counted > MaxCounted {
		return fmt.Errorf("policies: more than %d are about vulnerabilities or licences", MaxCounted)
	}
	return nil
}

func (s *Standard) complete() error {
	kinds := Kinds()
	i := slices.IndexFunc(kinds, func(k Kind) bool { return k.ID == s.Policy })
	if i < 0 {
		var known []string
		for _, k := range kinds {
			known = append(known, k.ID)
		}
		return fmt.Errorf("policy: %q is none of %s", s.Policy, strings.Join(known, ", "))
	}
	s.kind = &kinds[i]
	for key, said := range map[string]bool{
		"grace": s.Grace != 0, "severities": s.Severities != nil, "unfixed": s.Unfixed, "cves": s.CVEs != nil,
		"deny": s.Deny != nil, "bases": s.Bases != nil, "types": s.Types != nil,
	} {
		if said && !slices.Contains(s.kind.Takes, key) {
			return fmt.Errorf("%s: a policy %s takes no %s", s.Policy, s.Policy, key)
		}
		if key == s.kind.Wants && !said {
			return fmt.Errorf("%s: it needs %s", s.Policy, key)
		}
	}
	if s.Name != "" && !plainName(s.Name) {
		return fmt.Errorf("name: %q: letters, digits, dots, dashes and underscores, 64 at most", s.Name)
	}
	if s.Weight != nil && (*s.Weight < 0 || *s.Weight > maxWeight) {
		return fmt.Errorf("weight: it is between 0 and %d", maxWeight)
	}
	if s.Grace < 0 {
		return errors.New("grace: it is not negative")
	}
	for _, sev := range s.Severities {
		if !slices.Contains([]string{"critical", "high", "medium", "low", "negligible", "unrated"}, sev) {
			return fmt.Errorf("severities: %q is no severity", sev)
		}
	}
	for _, p := range s.Deny {
		if _, err := path.Match(strings.ToLower(p), ""); err != nil || p == "" {
			return fmt.Errorf("deny: %q is no pattern of licences", p)
		}
	}
	for _, t := range s.Types {
		if err := checkAttestation(t); err != nil {
			return fmt.Errorf("types: %w", err)
		}
	}
	for _, p := range s.Images {
		if err := checkPattern(p); err != nil {
			return fmt.Errorf("images: %w", err)
		}
	}
	if s.Bases != nil {
		return s.Bases.check()
	}
	return nil
}

func plainName(s string) bool {
	return len(s) <= 64 && s != "." && s != ".." && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	})
}

func (b *Bases) check() error {
	if len(b.Images)+len(b.Publishers) == 0 {
		return errors.New("bases: name images or publishers")
	}
	for _, pattern := range b.Images {
		if err := checkPattern(pattern); err != nil {
			return fmt.Errorf("bases: %w", err)
		}
	}
	return nil
}

// allow reports whether an image may stand on a base.
func (b *Bases) allow(on Base) bool {
	return slices.ContainsFunc(b.Images, func(p string) bool { return Matches(p, on.Repository) }) ||
		on.Publisher != "" && slices.Contains(b.Publishers, on.Publisher)
}

// ID tells the policy apart in its list.
func (s *Standard) ID() string {
	if s.Name != "" {
		return s.Name
	}
	return s.Policy
}

// Title is what people call it, with what it asks for beyond its kind.
func (s *Standard) Title() string {
	out := s.kind.Title
	if len(s.Severities) > 0 {
		out = "No fixable " + strings.Join(s.Severities, " or ") + " vulnerability"
		if s.Unfixed {
			out = "No " + strings.Join(s.Severities, " or ") + " vulnerability"
		}
	}
	if len(s.Environments) > 0 {
		out += " in " + strings.Join(s.Environments, ", ")
	}
	return out
}

// Why is why one wants it, and from when it counts.
func (s *Standard) Why() string {
	if s.Grace > 0 {
		return fmt.Sprintf("%s A vulnerability counts %s after its advisory.", s.kind.Why, days(time.Duration(s.Grace)))
	}
	return s.kind.Why
}

// Weighs is its weight in the grade.
func (s *Standard) Weighs() int {
	if s.Weight != nil {
		return *s.Weight
	}
	return s.kind.Weight
}

// Slot is which of an image's sums is the policy's; -1: it has none.
func (s *Standard) Slot() int { return s.slot }

// Ask reports whether one of the policies wants to know something.
func Ask(all []Standard, what Asked) bool {
	return slices.ContainsFunc(all, func(s Standard) bool { return s.kind.asks == what })
}

// AttestationTypes are those that one of the policies wants.
func AttestationTypes(all []Standard) []string {
	var out []string
	for i := range all {
		if all[i].kind.asks == AsksAttestations {
			out = append(out, all[i].types()...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (s *Standard) types() []string {
	if s.Types == nil {
		return []string{"sbom", "provenance"}
	}
	return s.Types
}

// Licenses reports whether the policy counts packages by their licences.
func (s *Standard) Licenses() bool { return s.kind.licenses }

func days(d time.Duration) string {
	if n := int(d.Hours() / 24); d == time.Duration(n)*24*time.Hour {
		if n == 1 {
			return "1 day"
		}
		return fmt.Sprintf("%d days", n)
	}
	return d.String()
}
