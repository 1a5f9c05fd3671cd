package index

import (
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Outcome is what a policy says of an image.
type Outcome string

// The outcomes. What is unknown is never a pass.
const (
	Complies Outcome = "complies"
	Violates Outcome = "violates"
	Unknown  Outcome = "unknown"
)

// Policy is something that every image should keep to.
type Policy struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Why    string `json:"why"`
	Weight int    `json:"weight"` // in the grade
	// judge gives a reason where one is asked for.
	judge func(now time.Time, inv *inventory, row *ImageRow, say bool) (Outcome, string)
}

// Verdict is a policy's word on one image.
type Verdict struct {
	Policy  string  `json:"policy"`
	Title   string  `json:"title"`
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason"`
}

// Passed is how many policies an image keeps to, of how many.
type Passed struct {
	Passed int `json:"passed"`
	Of     int `json:"of"`
}

// Policies are the policies, with their weights in the grade.
func Policies() []Policy {
	return []Policy{
		{
			ID: "no-fixable-critical-or-high", Title: "No fixable critical or high vulnerability", Weight: 35,
			Why: "A fix is out: every day without it is a choice.",
			judge: func(_ time.Time, _ *inventory, r *ImageRow, say bool) (Outcome, string) {
				n := r.Fixable.Critical + r.Fixable.High
				switch {
				case n > 0 && say:
					return Violates, finding.Count(n, "critical or high vulnerability") + " with a fix"
				case n > 0:
					return Violates, ""
				}
				return known(r, "none has a fix")
			},
		},
		{
			ID: "no-known-exploited", Title: "No vulnerability that is known to be exploited", Weight: 30,
			Why: "CISA's catalogue lists what attackers use today.",
			judge: func(_ time.Time, _ *inventory, r *ImageRow, say bool) (Outcome, string) {
				switch {
				case r.KEV > 0 && say:
					return Violates, finding.Count(r.KEV, "vulnerability") + " known to be exploited"
				case r.KEV > 0:
					return Violates, ""
				}
				return known(r, "none is in the catalogue")
			},
		},
		{
			ID: "supported-base", Title: "Supported distribution", Weight: 20,
			Why: "A release that has ended gets no fixes, and nobody tells of its vulnerabilities.",
			judge: func(now time.Time, inv *inventory, _ *ImageRow, say bool) (Outcome, string) {
				if inv == nil || inv.Distro == nil {
					return Unknown, "no distribution was found"
				}
				o, reason := Complies, " is supported until "
				switch {
				case inv.until.IsZero() && say:
					return Unknown, "until when " + inv.distro + " is supported is not known"
				case inv.until.IsZero():
					return Unknown, ""
				case inv.until.Before(now):
					o, reason = Violates, " ended on "
				}
				if !say {
					return o, ""
				}
				return o, inv.distro + reason + inv.until.Format(time.DateOnly)
			},
		},
		{
			ID: "all-known", Title: "Everything in the image is known", Weight: 15,
			Why: "What could not be matched may hold anything.",
			judge: func(_ time.Time, _ *inventory, r *ImageRow, _ bool) (Outcome, string) {
				if !r.Judged {
					return Unknown, "it is not matched yet"
				}
				if r.Unknown {
					return Violates, "of some packages nobody tells vulnerabilities"
				}
				return Complies, "every package was matched"
			},
		},
	}
}

// known is a pass for what was matched as a whole.
func known(r *ImageRow, reason string) (Outcome, string) {
	if !r.Judged {
		return Unknown, "it is not matched yet"
	}
	return Complies, reason
}

// verdicts are all policies' words on an image.
func (x *Index) verdicts(img *image) []Verdict {
	out := make([]Verdict, 0, len(x.policies))
	for i := range x.policies {
		out = append(out, x.verdict(img, i))
	}
	return out
}

func (x *Index) verdict(img *image, i int) Verdict {
	p := &x.policies[i]
	outcome, reason := p.judge(x.now(), numbered(x.inventories, img.Inventory), &img.row, true)
	return Verdict{p.ID, p.Title, outcome, reason}
}

// grade is A to F: the share of the weights of the policies that an image keeps to.
func (x *Index) grade(outcomes []Outcome, judged bool) (Passed, string) {
	p, got, of := Passed{}, 0, 0
	for i, o := range outcomes {
		w := x.policies[i].Weight
		of += w
		p.Of++
		if o == Complies {
			got += w
			p.Passed++
		}
	}
	if !judged {
		return p, "?"
	}
	for _, g := range Grades() {
		if 100*got >= g.From*of {
			return p, g.Name
		}
	}
	return p, "F"
}

// Grade is a grade with the share of the weights, in percent, from which it is
// given.
type Grade struct {
	Name string `json:"name"`
	From int    `json:"from"`
}

// Grades are all grades, the best first.
func Grades() []Grade { return []Grade{{"A", 95}, {"B", 80}, {"C", 65}, {"D", 35}, {"F", 0}} }

// PolicyRow is a policy over the fleet.
type PolicyRow struct {
	Policy
	Complies int `json:"complies"`
	Violates int `json:"violates"`
	Unknown  int `json:"unknown"`
	Of       int `json:"of"`
}

// PolicyList is every policy with how many images keep to it.
func (x *Index) PolicyList(q Query) List[PolicyRow] {
	defer x.read()()
	return x.policyList(q)
}

func (x *Index) policyList(q Query) List[PolicyRow] {
	all := remember(x, "policies "+q.Env, func() []PolicyRow {
		out := make([]PolicyRow, len(x.policies))
		for i, p := range x.policies {
			out[i].Policy = p
		}
		for _, img := range x.fleet.images {
			if q.Env != "" && img.row.Env != q.Env {
				continue
			}
			for i, o := range img.outcomes {
				out[i].Of++
				switch o {
				case Complies:
					out[i].Complies++
				case Violates:
					out[i].Violates++
				default:
					out[i].Unknown++
				}
			}
		}
		return out
	})
	var kept []PolicyRow
	for _, r := range all {
		if q.holds(r.ID, r.Title) {
			kept = append(kept, r)
		}
	}
	return pageOf(kept, q, func(r *PolicyRow) string { return r.ID })
}

// ImageVerdict is an image with a policy's word on it.
type ImageVerdict struct {
	ImageRow
	Verdict Verdict `json:"verdict"`
}

// OfPolicy lists the images of one outcome of a policy.
func (x *Index) OfPolicy(id string, outcome Outcome, q Query) (PolicyRow, List[ImageVerdict], bool) {
	defer x.read()()
	all := x.policyList(Query{Env: q.Env, Limit: MaxLimit})
	for i := range all.Items {
		if all.Items[i].ID != id {
			continue
		}
		out := filter(x.fleet.images, func(img *image) bool {
			return img.outcomes[i] == outcome && (q.Env == "" || img.row.Env == q.Env) && q.holds(img.Ref)
		})
		return all.Items[i], page(out, q, imageID, func(img *image) ImageVerdict { return ImageVerdict{img.row, x.verdict(img, i)} }), true
	}
	return PolicyRow{}, List[ImageVerdict]{}, false
}
