package admission

import (
	"slices"
	"time"

	"github.com/drydock-dev/drydock/internal/image"
)

// Outcome is what a policy of the list says of an image.
type Outcome string

// The outcomes. What is not known is never a pass.
const (
	Complies Outcome = "complies"
	Violates Outcome = "violates"
	NotKnown Outcome = "unknown"
)

// Fact is something that is known of an image, or why it is not. The zero value is not
// known.
type Fact[T any] struct {
	Value T
	Known bool
	Why   string
}

// Is is a fact that is known.
func Is[T any](v T) Fact[T] { return Fact[T]{Value: v, Known: true} }

// Sum is what a policy counted in an image, or in a part of it: sums of parts add up.
type Sum struct {
	Over   int32 // that count
	Wait   int32 // that will count when their grace is over
	Unsure int32 // of which it is not known whether they count
}

// Add adds another sum, or with -1 takes it away.
func (s *Sum) Add(o Sum, sign int32) {
	s.Over += sign * o.Over
	s.Wait += sign * o.Wait
	s.Unsure += sign * o.Unsure
}

// Known is what is known of an image. A field that nobody filled is not known.
type Known struct {
	Now        time.Time
	Say        bool            // reasons are wanted, and not only outcomes
	Repository string          // with its registry; for patterns
	Env        string          // where it runs; empty: not said
	AnyEnv     bool            // the policies of every environment hold
	Sums       []Sum           // by [Standard.Slot]
	Unmatched  string          // why not all of its vulnerabilities are known; empty: they are
	Waiting    bool            // that is so because it is not matched yet
	Unlisted   string          // why not all of its packages are known; empty: they are
	Distro     string          // as people call it
	Ends       Fact[time.Time] // until when that is supported
	Base       Fact[Base]
	Newer      Fact[string]   // what is newer than its base; empty: nothing
	User       Fact[string]   // of its configuration
	Signed     Fact[string]   // what is wrong with its signatures; empty: nothing, and Why says who signed
	Attested   Fact[[]string] // types of attestations that are signed
	Secrets    Fact[[]string] // what was found
	Privileges Fact[[]string] // that it does not need
}

// Count is what a policy counts of a vulnerability; until is when that changes, and zero
// where it does not. A vulnerability counts a grace after its advisory was published, and
// at once where nobody says when that was.
func (s *Standard) Count(v *Vulnerability, now time.Time) (sum Sum, until time.Time) {
	if s.kind.vulnerability == nil {
		return Sum{}, time.Time{}
	}
	counts, sure := s.kind.vulnerability(s, v)
	over := v.Since.Add(time.Duration(s.Grace))
	switch waits := s.Grace > 0 && !v.Since.IsZero() && now.Before(over); {
	case counts && waits:
		return Sum{Wait: 1}, over
	case !counts && !sure && waits:
		return Sum{}, over
	case counts:
		return Sum{Over: 1}, time.Time{}
	case !sure:
		return Sum{Unsure: 1}, time.Time{}
	}
	return Sum{}, time.Time{}
}

// CountLicenses is what a policy counts of a package.
func (s *Standard) CountLicenses(licenses []string) Sum {
	switch {
	case !s.kind.licenses:
		return Sum{}
	case len(licenses) == 0:
		return Sum{Unsure: 1}
	case slices.ContainsFunc(licenses, func(l string) bool { return denied(l, s.Deny) }):
		return Sum{Over: 1}
	}
	return Sum{}
}

// holds reports whether a policy is for an image.
func (s *Standard) holds(k *Known) bool {
	if len(s.Environments) > 0 && !k.AnyEnv && !slices.Contains(s.Environments, k.Env) {
		return false
	}
	return len(s.Images) == 0 || slices.ContainsFunc(s.Images, func(p string) bool { return Matches(p, k.Repository) })
}

// Judge is a policy's word on an image; holds is false where the policy is not for it.
func (s *Standard) Judge(k *Known) (o Outcome, reason string, holds bool) {
	if !s.holds(k) {
		return "", "", false
	}
	var sum Sum
	if s.slot >= 0 && s.slot < len(k.Sums) {
		sum = k.Sums[s.slot]
	}
	o, reason = s.kind.judge(s, k, sum)
	return o, reason, true
}

// Repository is a reference's, with its registry; empty: it has none.
func Repository(ref string) string {
	n, err := image.ParseName(ref)
	if err != nil {
		return ""
	}
	return n.Repository
}

// Result is a policy's word on one image.
type Result struct {
	Policy  string  `json:"policy"`
	Title   string  `json:"title"`
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason"`
	Weight  int     `json:"weight"`
}

// Health is what a list of policies says of an image.
type Health struct {
	Image   string   `json:"image"`
	Grade   string   `json:"grade"` // A to F; "?": too little is known
	Results []Result `json:"results"`
}

// HealthOf judges an image by each policy that is for it.
func HealthOf(name string, all []Standard, k *Known) Health {
	h, score := Health{Image: name, Results: []Result{}}, Score{}
	k.Say = true
	for i := range all {
		s := &all[i]
		if o, reason, ok := s.Judge(k); ok {
			h.Results = append(h.Results, Result{s.ID(), s.Title(), o, reason, s.Weighs()})
			score.Add(o, s.Weighs())
		}
	}
	h.Grade = score.Grade()
	return h
}

// Grade is a grade with the share of the weights, in percent, from which it is given.
type Grade struct {
	Name string `json:"name"`
	From int    `json:"from"`
}

// Grades are all grades, the best first.
func Grades() []Grade { return []Grade{{"A", 95}, {"B", 80}, {"C", 65}, {"D", 35}, {"F", 0}} }

// Score adds up weights.
type Score struct{ got, known, all int }

// Add takes in an outcome.
func (s *Score) Add(o Outcome, weight int) {
	s.all += weight
	switch o {
	case Complies:
		s.got += weight
		s.known += weight
	case Violates:
		s.known += weight
	}
}

// Grade is that of the share of the weights that the image keeps to, of those of which it
// is known whether it does. With one that is not known it is B at best, and with more than
// half of the weight unknown it is "?".
func (s *Score) Grade() string {
	if s.all == 0 || 2*s.known < s.all {
		return "?"
	}
	for i, g := range Grades() {
		if 100*s.got >= g.From*s.known {
			if i == 0 && s.known < s.all {
				continue
			}
			return g.Name
		}
	}
	return "F"
}
