package recommend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/rewrite"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
	"github.com/drydock-dev/drydock/internal/vuln/db"
	"github.com/drydock-dev/drydock/internal/vuln/feed"
)

// Wish is what is wanted beside the target.
type Wish struct {
	AsOf       time.Time // judge by what was known at this time; zero: now. Nobody is asked then
	Publishers []string  // repositories and prefixes of them that the user trusts
	Hub        string    // address of Docker Hub's API; empty: it is not asked
	Dockerfile string    // that made the image; empty: not known
	Context    string    // folder of the Dockerfile\'s build; empty: the one that a fix would find
}

// Result is what could stand in place of the bases of one target.
type Result struct {
	check.Result         // findings are the recommended options, for gates
	Places       []Place // one a base
	AsOf         time.Time
	Network      bool // whether registries were asked
}

// Place is one base, where it is named, and what could take its place.
type Place struct {
	Base      base.Base
	Advice    *base.Advice
	Publisher Publisher
	Subject   finding.Subject
	At        *finding.Span  // the FROM line; nil: the base was found otherwise
	Stage     string         // of a Dockerfile: its name or number; empty: the final one
	Fixes     []*finding.Fix // one an option; nil: no line of a file names the base. Without edits, the title says why
	Source    []byte         // the file that Fixes edit
	Packages  []string       // commands of the Dockerfile that install packages: "line 4: apt-get"
}

// Publisher is who publishes an image: "official", "verified", "vendor",
// "trusted" (by the user's word), or "unknown".
type Publisher struct{ Kind, Name string }

// For says what could take the place of the base of an image, or of the bases
// that a Dockerfile names. What it does not know of is among the unknown;
// [Result.Nothing] says that this is everything. No policy applies: a base is
// looked at as it is, and what the user excepts of his own image would else make
// today's base better than any other.
func For(ctx context.Context, on check.Surroundings, target string, wish Wish) (*Result, error) {
	on.Offline = on.Offline || !wish.AsOf.IsZero()
	r := &recommending{
		Pipeline: &check.Pipeline{Surroundings: on}, wish: wish, out: &Result{AsOf: wish.AsOf},
		locals: on.Locals(), seen: map[*base.Entry]*base.Seen{}, used: map[string]bool{},
	}
	learned, err := on.Catalogue()
	if err != nil {
		return nil, err
	}
	r.learned = learned
	stack, err := feed.Open(on.DataDir, disk.Caller(on.Getenv))
	if err != nil {
		return nil, errors.Join(err, stack.Close())
	}
	defer func() { _ = stack.Close() }() // only read from
	r.stack = stack
	if err := errors.Join(r.target(ctx, target), r.locals.Close()); err != nil {
		return nil, err
	}
	db, warning, err := r.Describe(r.stack, check.Use{Ecosystems: r.used})
	if err != nil {
		return nil, err
	}
	if r.out.Database = db; warning != "" {
		r.warn(warning)
	}
	r.conclude()
	return r.out, nil
}

// recommending is one target whose bases are looked at.
type recommending struct {
	*check.Pipeline
	wish    Wish
	out     *Result
	locals  *check.Locals
	learned []*base.Entry
	stack   *db.Stack
	seen    map[*base.Entry]*base.Seen
	used    map[string]bool // ecosystems of the database

	unreachable map[string]bool        // registries that do not answer
	fetched     map[string]*base.Entry // what was found out of a reference; nil: nothing
	whole       map[string]bool        // references whose image was pulled, or is not to be
	scans       int                    // images that were pulled

	mu sync.Mutex // of the warnings: a damaged cache record is met beside
}

func (r *recommending) warn(message string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out.Warnings = append(r.out.Warnings, message)
}

func (r *recommending) now() time.Time {
	if !r.wish.AsOf.IsZero() {
		return r.wish.AsOf
	}
	return r.Now()
}

// target finds the bases.
func (r *recommending) target(ctx context.Context, target string) error {
	switch what := check.Resolve(target); what.Kind {
	case check.Folder:
		name := filepath.Join(what.Path, "Dockerfile")
		_, err := os.Stat(name)
		switch {
		case err == nil:
			return r.file(ctx, name)
		case !what.Said:
			return fmt.Errorf("%s: no Dockerfile in it", target)
		}
	case check.Dockerfile:
		return r.file(ctx, target)
	}
	return r.image(ctx, target)
}

// file looks at every base that a Dockerfile names.
func (r *recommending) file(ctx context.Context, name string) error {
	f, err := check.ReadDockerfile(name)
	if err != nil {
		return err
	}
	s := finding.Subject{Kind: finding.KindDockerfile, Name: name}
	r.out.Subjects = []finding.Subject{s}
	last, err := f.Target("")
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	final, around := f.Chain(last)[0].Index, r.Around(f, r.wish.Context)
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
		at.Source = f.Bytes
		at.swaps(around, st)
	}
	if len(f.Stages) > 0 && len(r.out.Places) == 0 && f.Stages[final].Base == "scratch" {
		r.warn("the final stage stands on nothing (scratch): there is no smaller base")
	}
	sorting.By(r.out.Places, func(a, b Place) int {
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

// swaps finds the edit of the file that each option wants, and adds to what must be
// checked of an option what the edit does not settle.
func (p *Place) swaps(around rewrite.Request, st *dockerfile.Stage) {
	for i := range p.Advice.Options {
		o := &p.Advice.Options[i]
		w := o.Swap(around, st)
		if w == nil {
			p.Fixes = append(p.Fixes, nil)
			continue
		}
		p.Fixes = append(p.Fixes, &w.Fix)
		for _, u := range w.Undecided {
			if !slices.Contains(o.Check, u) {
				o.Check = append(o.Check, u)
			}
		}
	}
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
	if was := r.Offline; !r.MayAsk(p.Base) {
		r.Offline = true // of this base
		defer func() { r.Offline = was }()
	}
	q := base.Question{Ref: p.Base.Ref, Digest: p.Base.Digest, Arch: base.ListArch(r.Platform), Now: r.now(), AsOf: r.wish.AsOf, Entries: r.learned}
	if r.wish.AsOf.IsZero() {
		q.Entries = slices.Concat(q.Entries, r.local(ctx, ref))
		if q.Tags = r.tags(ctx, ref); q.Tags != nil && ref.Tag != "" {
			// What the tag means today, for one that may mean another by now.
			tag := ref
			tag.Digest = ""
			if e := r.fetch(ctx, tag.String(), nil, false); e != nil {
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

// fill finds out what the base and each option hold: of all of them what costs
// little, and only then are images pulled.
func (r *recommending) fill(ctx context.Context, p *Place, today *base.Seen) (err error) {
	a := p.Advice
	for _, pull := range []bool{false, true} {
		if today == nil {
			a.Entry = r.better(ctx, a.Ref, a.Entry, pull)
		}
		for i := range a.Options {
			o := &a.Options[i]
			if o.Entry = r.better(ctx, o.Ref, o.Entry, pull); o.Entry != nil && o.Digest == "" {
				o.Digest = cmp.Or(o.Entry.Index, o.Entry.Manifest)
			}
		}
	}
	if a.Seen = today; today == nil {
		if a.Seen, err = r.holds(ctx, p.Subject, a.Entry); err != nil {
			return err
		}
	}
	for i := range a.Options {
		o := &a.Options[i]
		if o.Seen, err = r.holds(ctx, p.Subject, o.Entry); err != nil {
			return err
		}
	}
	return nil
}

// better is what is known of an image, or what can be found out where that is not
// what it holds.
func (r *recommending) better(ctx context.Context, ref string, have *base.Entry, pull bool) *base.Entry {
	if have != nil && !have.Bare {
		return have
	}
	if e := r.fetch(ctx, ref, have, pull); e != nil {
		return e
	}
	return have
}

func (r *recommending) unknown(s finding.Subject, what, why string) {
	u := finding.Unknown{Subject: s, What: what, Why: why}
	if !slices.Contains(r.out.Unknown, u) {
		r.out.Unknown = append(r.out.Unknown, u)
	}
}

// Nothing reports whether nothing at all could be said of any base.
func (r *Result) Nothing() bool {
	for _, p := range r.Places {
		if !p.Advice.Nothing() {
			return false
		}
	}
	return len(r.Places) > 0 || len(r.Unknown) > 0
}
