package index

import (
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/store"
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
	judge  func(x *Index, img *store.Image, row *ImageRow) (Outcome, string)
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
			judge: func(_ *Index, _ *store.Image, r *ImageRow) (Outcome, string) {
				if n := r.Fixable.Critical + r.Fixable.High; n > 0 {
					return Violates, finding.Count(n, "critical or high vulnerability") + " with a fix"
				}
				return known(r, "none has a fix")
			},
		},
		{
			ID: "no-known-exploited", Title: "No vulnerability that is known to be exploited", Weight: 30,
			Why: "CISA's catalogue lists what attackers use today.",
			judge: func(_ *Index, _ *store.Image, r *ImageRow) (Outcome, string) {
				if r.KEV > 0 {
					return Violates, finding.Count(r.KEV, "vulnerability") + " known to be exploited"
				}
				return known(r, "none is in the catalogue")
			},
		},
		{
			ID: "supported-base", Title: "Supported distribution", Weight: 20,
			Why: "A release that has ended gets no fixes, and nobody tells of its vulnerabilities.",
			judge: func(x *Index, img *store.Image, _ *ImageRow) (Outcome, string) {
				inv := x.inventories[img.Inventory]
				if inv == nil || inv.Distro == nil {
					return Unknown, "no distribution was found"
				}
				until, ok := supported(inv.Distro)
				switch {
				case !ok:
					return Unknown, "until when " + distroName(inv.Distro) + " is supported is not known"
				case until.Before(x.now()):
					return Violates, distroName(inv.Distro) + " ended on " + until.Format("2006-01-02")
				}
				return Complies, distroName(inv.Distro) + " is supported until " + until.Format("2006-01-02")
			},
		},
		{
			ID: "all-known", Title: "Everything in the image is known", Weight: 15,
			Why: "What could not be matched may hold anything.",
			judge: func(_ *Index, _ *store.Image, r *ImageRow) (Outcome, string) {
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

func (x *Index) verdicts(img *store.Image, row *ImageRow) []Verdict {
	out := []Verdict{}
	for _, p := range x.policies {
		outcome, reason := p.judge(x, img, row)
		out = append(out, Verdict{p.ID, p.Title, outcome, reason})
	}
	return out
}

// grade is A to F: the share of the weights of the policies that an image keeps to.
func (x *Index) grade(img *store.Image, row *ImageRow) (Passed, string) {
	p, got, of := Passed{}, 0, 0
	for i, v := range x.verdicts(img, row) {
		w := x.policies[i].Weight
		of += w
		p.Of++
		if v.Outcome == Complies {
			got += w
			p.Passed++
		}
	}
	if !row.Judged {
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
	x.mu.RLock()
	defer x.mu.RUnlock()
	all := remember(x, "policies "+q.Env, func() []PolicyRow {
		var out []PolicyRow
		for _, p := range Policies() {
			out = append(out, PolicyRow{Policy: p})
		}
		for _, r := range x.rows() {
			if q.Env != "" && r.Env != q.Env {
				continue
			}
			for i, v := range x.verdicts(x.images[x.byID[r.ID]], &r) {
				out[i].Of++
				switch v.Outcome {
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
	return page(kept, q, func(r *PolicyRow) string { return r.ID })
}

// ImageVerdict is an image with a policy's word on it.
type ImageVerdict struct {
	ImageRow
	Verdict Verdict `json:"verdict"`
}

// OfPolicy lists the images of one outcome of a policy.
func (x *Index) OfPolicy(id string, outcome Outcome, q Query) (PolicyRow, List[ImageVerdict], bool) {
	all := x.PolicyList(Query{Env: q.Env, Limit: MaxLimit})
	x.mu.RLock()
	defer x.mu.RUnlock()
	for i := range all.Items {
		if all.Items[i].ID != id {
			continue
		}
		var out []ImageVerdict
		for _, r := range x.rows() {
			if q.Env != "" && r.Env != q.Env || !q.holds(r.Ref) {
				continue
			}
			if v := x.verdicts(x.images[x.byID[r.ID]], &r)[i]; v.Outcome == outcome {
				out = append(out, ImageVerdict{r, v})
			}
		}
		return all.Items[i], page(out, q, func(r *ImageVerdict) string { return r.ID }), true
	}
	return PolicyRow{}, List[ImageVerdict]{}, false
}
