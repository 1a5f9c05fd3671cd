package index

import (
	"slices"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/policy/admission"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// Verdict is a policy's word on one image.
type Verdict struct {
	Policy  string            `json:"policy"`
	Title   string            `json:"title"`
	Outcome admission.Outcome `json:"outcome"`
	Reason  string            `json:"reason"`
}

// Passed is how many policies an image keeps to, of how many that are for it.
type Passed struct {
	Passed int `json:"passed"`
	Of     int `json:"of"`
}

// Policy is something that every image should keep to.
type Policy struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Why    string `json:"why"`
	Weight int    `json:"weight"` // in the grade
}

// Hold puts other policies in the place of those that hold where nobody has said others.
// It is called before anything is loaded.
func (x *Index) Hold(policies []admission.Standard) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.policies = policies
}

// tellFinding adds what policies count of a finding, or with -1 takes it away again.
func (x *Index) tellFinding(t *tally, f *finding.Finding, sign int32) (due time.Time) {
	v := admission.VulnerabilityOf(f)
	now := x.now()
	for i := range x.policies {
		s := &x.policies[i]
		if s.Slot() < 0 {
			continue
		}
		sum, until := s.Count(&v, now)
		t.Sums[s.Slot()].Add(sum, sign)
		due = sooner(due, until)
	}
	return due
}

// tellLicenses adds what policies count of a part's packages.
func (x *Index) tellLicenses(t *tally, p *part) {
	for i := range x.policies {
		s := &x.policies[i]
		if !s.Licenses() {
			continue
		}
		for k := range p.Inventory.Packages {
			if pkg := &p.Inventory.Packages[k]; !pkg.Removed {
				t.Sums[s.Slot()].Add(s.CountLicenses(pkg.Licenses), 1)
			}
		}
	}
}

// sooner is the first of two times; the zero one is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// known is what is known of an image for the policies.
func (x *Index) known(img *image, row *ImageRow) admission.Known {
	k := admission.Known{
		Now: x.now(), Env: row.Env, Sums: img.sums[:], Distro: row.Distro,
		Signed:   admission.Fact[string]{Why: "an SBOM does not tell who signed the image"},
		Attested: admission.Fact[[]string]{Why: "an SBOM does not tell what is attested of the image"},
		Secrets:  admission.Fact[[]string]{Why: "an SBOM does not tell of secrets"},
		Privileges: admission.Fact[[]string]{
			Why: "an SBOM does not tell what a container is given",
		},
	}
	inv := numbered(x.inventories, img.Inventory)
	switch {
	case !row.Judged:
		k.Unmatched, k.Waiting = "it is not matched yet", true
	case row.Unknown:
		k.Unmatched = "of some packages nobody tells vulnerabilities"
	}
	if inv != nil && inv.gaps {
		k.Unlisted = "something in it could not be read"
	}
	switch {
	case inv == nil || inv.Distro == nil:
		k.Ends.Why = "no distribution was found"
	case inv.until.IsZero():
		k.Ends.Why = "until when its distribution is supported is not known"
	default:
		k.Ends = admission.Is(inv.until)
	}
	if img.User != nil {
		k.User = admission.Is(*img.User)
	}
	if img.Base != "" {
		k.Base = admission.Is(x.baseOf(img.Base))
	}
	k.Newer = x.newer(img)
	for i := range x.policies {
		if len(x.policies[i].Images) > 0 {
			k.Repository = admission.Repository(img.Ref)
			break
		}
	}
	return k
}

// baseOf is a base by its reference; there are few of them beside images.
func (x *Index) baseOf(ref string) admission.Base {
	b, ok := x.bases[ref]
	if !ok {
		b = admission.BaseOf(ref)
		x.bases[ref] = b
	}
	return b
}

// newer tells whether an image stands on what its base's tag means now: on the image of
// that name that came in last.
func (x *Index) newer(img *image) admission.Fact[string] {
	f := admission.Fact[string]{}
	if img.Base == "" {
		return f
	}
	now := x.byRef[img.Base]
	own := slices.IndexFunc(img.Layers, func(l store.Layer) bool { return !l.Base })
	if own < 0 {
		own = len(img.Layers)
	}
	switch {
	case now == nil:
		f.Why = "its base is not here: send that, too"
	case own == 0 || len(now.Layers) == 0:
		f.Why = "which layers are its base's is not known"
	case own != len(now.Layers) || !slices.EqualFunc(img.Layers[:own], now.Layers, func(a, b store.Layer) bool { return a.Digest == b.Digest }):
		return admission.Is("its base's tag means a newer image now")
	default:
		f.Known = true
	}
	return f
}

// judge asks every policy about an image; an outcome is empty where it is not for it.
func (x *Index) judge(img *image, row *ImageRow) {
	k := x.known(img, row)
	img.outcomes = img.outcomes[:0]
	var score admission.Score
	row.Policies = Passed{}
	for i := range x.policies {
		s := &x.policies[i]
		o, _, ok := s.Judge(&k)
		img.outcomes = append(img.outcomes, o)
		if !ok {
			continue
		}
		row.Policies.Of++
		row.Policies.Passed += btoi(o == admission.Complies)
		score.Add(o, s.Weighs())
	}
	row.Grade = score.Grade()
}

// verdicts are all policies' words on an image.
func (x *Index) verdicts(img *image) []Verdict {
	out := make([]Verdict, 0, len(x.policies))
	for i := range x.policies {
		if img.outcomes[i] != "" {
			out = append(out, x.verdict(img, i))
		}
	}
	return out
}

func (x *Index) verdict(img *image, i int) Verdict {
	s, row := &x.policies[i], img.row
	k := x.known(img, &row)
	k.Say = true
	_, reason, _ := s.Judge(&k)
	return Verdict{s.ID(), s.Title(), img.outcomes[i], reason}
}

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
		for i := range x.policies {
			s := &x.policies[i]
			out[i].Policy = Policy{s.ID(), s.Title(), s.Why(), s.Weighs()}
		}
		for _, img := range x.fleet.images {
			if q.Env != "" && img.row.Env != q.Env {
				continue
			}
			for i, o := range img.outcomes {
				switch o {
				case "": // it is not for the image
					continue
				case admission.Complies:
					out[i].Complies++
				case admission.Violates:
					out[i].Violates++
				case admission.NotKnown:
					out[i].Unknown++
				}
				out[i].Of++
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
func (x *Index) OfPolicy(id string, outcome admission.Outcome, q Query) (PolicyRow, List[ImageVerdict], bool) {
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
