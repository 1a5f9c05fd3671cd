package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/policy"
	"github.com/drydock-dev/drydock/internal/vuln/db"
	"github.com/drydock-dev/drydock/internal/vuln/feed"
)

// Wish is what is wanted of [Pipeline.Recommend] beside its target.
type Wish struct {
	AsOf       time.Time // judge by what was known at this time; zero: now. Nobody is asked then
	Catalogue  string    // file of learned images; empty: none
	Publishers []string  // repositories and prefixes of them that the user trusts
	Hub        string    // address of Docker Hub's API; empty: it is not asked
}

// Recommendation is what could stand in place of the bases of one target.
type Recommendation struct {
	Result          // findings are the recommended options, for gates
	Places  []Place // one a base
	AsOf    time.Time
	Network bool // whether registries were asked
}

// Place is one base, where it is named, and what could take its place.
type Place struct {
	Base      base.Base
	Advice    *base.Advice
	Publisher Publisher
	Subject   finding.Subject
	At        *finding.Span  // the FROM line; nil: the base was found otherwise
	Stage     string         // of a Dockerfile: its name or number; empty: the final one
	Fixes     []*finding.Fix // one an option; nil: no line of a file names the base
	Packages  []string       // commands of the Dockerfile that install packages: "line 4: apt-get"
}

// Publisher is who publishes an image: "official", "verified", "vendor",
// "trusted" (by the user's word), or "unknown".
type Publisher struct{ Kind, Name string }

// Recommend says what could take the place of the base of an image, or of the
// bases that a Dockerfile names. What it does not know of is among the unknown;
// [Recommendation.Nothing] says that this is everything.
func (p *Pipeline) Recommend(ctx context.Context, target string, wish Wish) (*Recommendation, error) {
	q := *p
	// A base is looked at as it is: what the user excepts of his own image would
	// else make today's base better than any other.
	q.Filter, q.Baseline, q.VEX, q.Config = policy.Filter{}, "", nil, nil
	q.Offline = q.Offline || !wish.AsOf.IsZero()
	r := &recommending{run: &run{Pipeline: &q, res: &Result{}}, wish: wish, out: &Recommendation{AsOf: wish.AsOf}, seen: map[*base.Entry]*base.Seen{}, used: map[string]bool{}}
	if wish.Catalogue != "" {
		learned, err := readCatalogue(wish.Catalogue)
		if err != nil {
			return nil, err
		}
		r.learned = learned
	}
	stack, err := feed.Open(p.DataDir)
	if err != nil {
		return nil, errors.Join(err, stack.Close())
	}
	defer func() { _ = stack.Close() }() // only read from
	r.stack = stack
	if err := errors.Join(r.target(ctx, target), r.finish()); err != nil {
		return nil, err
	}
	if err := r.describe(r.stack, r.used); err != nil {
		return nil, err
	}
	r.conclude()
	r.out.Result = *r.res
	return r.out, nil
}

// recommending is one target whose bases are looked at.
type recommending struct {
	*run
	wish    Wish
	out     *Recommendation
	learned []*base.Entry
	stack   *db.Stack
	seen    map[*base.Entry]*base.Seen
	used    map[string]bool // ecosystems of the database

	unreachable map[string]bool        // registries that do not answer
	fetched     map[string]*base.Entry // what was found out of a reference; nil: nothing
	scans       int                    // images that were pulled
}

func (r *recommending) now() time.Time {
	if !r.wish.AsOf.IsZero() {
		return r.wish.AsOf
	}
	return r.Now()
}

// target finds the bases.
func (r *recommending) target(ctx context.Context, target string) error {
	info, err := os.Stat(target)
	switch {
	case err == nil && info.IsDir():
		if _, err := os.Stat(filepath.Join(target, "oci-layout")); err == nil {
			break
		}
		name := filepath.Join(target, "Dockerfile")
		if _, err := os.Stat(name); err != nil {
			return fmt.Errorf("%s: no Dockerfile in it", target)
		}
		return r.file(ctx, name)
	case err == nil && isDockerfile(target):
		return r.file(ctx, target)
	}
	return r.image(ctx, target)
}

// file looks at every base that a Dockerfile names.
func (r *recommending) file(ctx context.Context, name string) error {
	b, err := readLimited(name, dockerfile.MaxBytes)
	if err != nil {
		return err
	}
	f, err := dockerfile.Parse(name, b)
	if err != nil {
		return err
	}
	s := finding.Subject{Kind: finding.KindDockerfile, Name: name}
	r.res.Subjects = []finding.Subject{s}
	last, err := f.Target("")
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	final := f.Chain(last)[0].Index
	for i := range f.Stages {
		st := &f.Stages[i]
		switch {
		case st.Parent != nil || st.Base == "scratch":
			continue
		case st.Base == "":
			r.unknown(s, "the base of stage "+stageName(st), fmt.Sprintf("%s:%d: %q is a build argument without a default", name, st.Span.Line, st.BaseRaw))
			continue
		}
		p := Place{Subject: s, At: &st.BaseWord.Span, Base: base.Base{Ref: st.Base, By: "dockerfile"}, Packages: installs(f, st)}
		if i != final {
			p.Stage = stageName(st)
		}
		if err := r.place(ctx, p, nil, nil); err != nil {
			return err
		}
		at := &r.out.Places[len(r.out.Places)-1]
		for n := range at.Advice.Options {
			at.Fixes = append(at.Fixes, swap(f, st, &at.Advice.Options[n]))
		}
	}
	if len(f.Stages) > 0 && len(r.out.Places) == 0 && f.Stages[final].Base == "scratch" {
		r.warn("the final stage stands on nothing (scratch): there is no smaller base")
	}
	slices.SortStableFunc(r.out.Places, func(a, b Place) int {
		switch {
		case a.Stage == "" && b.Stage != "":
			return -1
		case a.Stage != "" && b.Stage == "":
			return 1
		}
		return 0
	})
	return nil
}

func stageName(s *dockerfile.Stage) string {
	if s.Name != "" {
		return s.Name
	}
	return fmt.Sprint(s.Index)
}

// place takes in one base; e is what it is made of and today what it holds,
// where it was looked at.
func (r *recommending) place(ctx context.Context, p Place, e *base.Entry, today *base.Seen) error {
	ref, err := base.ParseRef(p.Base.Ref)
	if err != nil {
		return err
	}
	if was := r.Offline; !r.mayAsk(p.Base) {
		r.Offline = true // of this base
		defer func() { r.Offline = was }()
	}
	q := base.Question{Ref: p.Base.Ref, Digest: p.Base.Digest, Arch: listArch(r.Platform), Now: r.now(), AsOf: r.wish.AsOf, Entries: r.learned}
	if r.wish.AsOf.IsZero() {
		q.Entries = slices.Concat(q.Entries, r.local(ctx, ref))
		if q.Tags = r.tags(ctx, ref); q.Tags != nil && ref.Tag != "" {
			// What the tag means today, for one that may mean another by now.
			tag := ref
			tag.Digest = ""
			if e := r.fetch(ctx, tag.String(), nil); e != nil {
				q.Entries = append(q.Entries, e)
			}
		}
	}
	a, err := base.Advise(q)
	if err != nil {
		return err
	}
	p.Advice, p.Publisher = a, r.publisher(ctx, ref)
	if e != nil {
		a.Entry = e
	}
	if err := r.fill(ctx, &p, today); err != nil {
		return err
	}
	a.Judge()
	for _, u := range a.Unknown {
		r.unknown(p.Subject, u.What, u.Why)
	}
	r.out.Places = append(r.out.Places, p)
	return nil
}

// fill finds out what the base and each option hold.
func (r *recommending) fill(ctx context.Context, p *Place, today *base.Seen) (err error) {
	a := p.Advice
	if a.Entry != nil && a.Entry.Bare && today == nil {
		if e := r.fetch(ctx, a.Ref, a.Entry); e != nil {
			a.Entry = e
		}
	}
	if a.Entry == nil && today == nil {
		a.Entry = r.fetch(ctx, a.Ref, nil)
	}
	if a.Seen = today; today == nil {
		if a.Seen, err = r.holds(ctx, p.Subject, a.Entry); err != nil {
			return err
		}
	}
	for i := range a.Options {
		o := &a.Options[i]
		if o.Entry == nil || o.Entry.Bare {
			if e := r.fetch(ctx, o.Ref, o.Entry); e != nil {
				o.Entry = e
				if o.Digest == "" {
					o.Digest = cmp.Or(e.Index, e.Manifest)
				}
			}
		}
		if o.Seen, err = r.holds(ctx, p.Subject, o.Entry); err != nil {
			return err
		}
	}
	return nil
}

func (r *recommending) unknown(s finding.Subject, what, why string) {
	u := finding.Unknown{Subject: s, What: what, Why: why}
	if !slices.Contains(r.res.Unknown, u) {
		r.res.Unknown = append(r.res.Unknown, u)
	}
}

// Nothing says whether nothing at all could be said of any base.
func (r *Recommendation) Nothing() bool {
	for _, p := range r.Places {
		if !p.Advice.Nothing() {
			return false
		}
	}
	return len(r.Places) > 0 || len(r.Unknown) > 0
}
