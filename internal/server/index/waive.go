package index

import (
	"path"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// Active reports whether an exception holds at a time.
func Active(e *store.Exception, now time.Time) bool { return e.Until.IsZero() || now.Before(e.Until) }

// waiver is an exception that holds, with the images that it is about.
type waiver struct {
	*store.Exception
	images *roaring.Bitmap // nil: all
}

// names reports whether an exception is about images of a reference.
func names(e *store.Exception, ref string) bool {
	if e.Image == "" || e.Image == ref || e.Image == Repository(ref) {
		return true
	}
	ok, err := path.Match(e.Image, ref)
	return err == nil && ok
}

// speaks reports whether an exception is about a finding, in some image.
func speaks(e *store.Exception, f *finding.Finding) bool {
	return (e.Package == "" || e.Package == f.Vuln.Name || e.Package == f.Vuln.Package) &&
		(e.Vuln == f.Vuln.ID || slices.Contains(f.Vuln.Aliases, e.Vuln))
}

// readWaivers sorts the exceptions that hold, and has everything counted anew that
// those from before and from now speak of.
func (x *Index) readWaivers(s *stale) {
	spoil := func(id string) {
		b := x.vulns[id]
		if b == nil {
			return
		}
		s.parts.Or(b)
		for it := b.Iterator(); it.HasNext(); {
			p := x.parts[it.Next()]
			for i := range p.open {
				if f := &p.open[i]; f.Vuln.ID == id || slices.Contains(f.Vuln.Aliases, id) {
					s.findings(p, f)
				}
			}
		}
	}
	for id := range x.fleet.waivers {
		spoil(id)
	}
	if s.vex {
		_, now := book(x.vex)
		for _, id := range slices.Concat(x.bookIDs, now) {
			spoil(id)
		}
	}
	x.fleet.waivers, x.fleet.narrow = map[string][]*waiver{}, nil
	now := x.now()
	for i := range x.exceptions {
		e := &x.exceptions[i]
		if !Active(e, now) {
			continue
		}
		x.ends(e.Until)
		w := &waiver{Exception: e}
		if e.Image != "" {
			w.images = roaring.New()
			x.fleet.narrow = append(x.fleet.narrow, w)
		}
		if x.fleet.waivers[e.Vuln] == nil {
			spoil(e.Vuln)
		}
		x.fleet.waivers[e.Vuln] = append(x.fleet.waivers[e.Vuln], w)
	}
	if len(x.fleet.narrow) > 0 {
		all := roaring.New()
		for _, img := range x.images {
			if img != nil {
				all.Add(img.N)
			}
		}
		x.coverImages(all)
	}
}

// coverImages tells exceptions of some images which these are.
func (x *Index) coverImages(images *roaring.Bitmap) {
	for _, w := range x.fleet.narrow {
		for it := images.Iterator(); it.HasNext(); {
			if img := numbered(x.images, it.Next()); img != nil && names(w.Exception, img.Ref) {
				w.images.Add(img.N)
			}
		}
	}
}

// waived are the exceptions that speak of a finding: the first for every image, and
// those for some.
func (x *Index) waived(in *store.Finding) (every *waiver, some []*waiver) {
	if len(x.fleet.waivers) == 0 && len(x.fleet.spoken) == 0 {
		return nil, nil
	}
	f := &in.Finding
	for _, id := range ids(f) {
		for _, w := range x.fleet.waivers[id] {
			switch {
			case !speaks(w.Exception, f):
			case w.images != nil:
				some = append(some, w)
			case every == nil:
				every = w
			}
		}
	}
	if w := x.fleet.spoken[in.N]; w != nil && !w.images.IsEmpty() {
		some = append(some, &w.waiver)
	}
	return every, some
}

// excepted is the exception for which a finding of an image does not count.
func (x *Index) excepted(f *store.Finding, img *image) *store.Exception {
	every, some := x.waived(f)
	if every != nil {
		return every.Exception
	}
	for _, w := range some {
		if w.images.Contains(img.N) {
			return w.Exception
		}
	}
	return nil
}

// spare counts what exceptions of some images take out of these.
func (x *Index) spare(s *stale) {
	now := map[uint32]tally{}
	seen := map[*store.Finding]bool{}
	about := slices.Clone(x.bookIDs)
	for _, w := range x.fleet.narrow {
		about = append(about, w.Vuln)
	}
	for _, id := range about {
		x.eachFinding(id, func(p *part, f *store.Finding) {
			every, some := x.waived(f)
			if seen[f] || f.Suppressed != nil || every != nil || len(some) == 0 {
				return
			}
			seen[f] = true
			for it := x.covered(p, some).Iterator(); it.HasNext(); {
				n := it.Next()
				t := now[n]
				t.finding(&f.Finding, -1)
				x.tellFinding(&t, &f.Finding, -1)
				t.Silent++
				now[n] = t
			}
		})
	}
	for n, t := range x.fleet.spared {
		if now[n] != t {
			s.images.Add(n)
		}
	}
	for n, t := range now {
		if x.fleet.spared[n] != t {
			s.images.Add(n)
		}
	}
	x.fleet.spared = now
}

// covered are the images of a part that exceptions are about.
func (x *Index) covered(p *part, some []*waiver) *roaring.Bitmap {
	out := roaring.New()
	for _, w := range some {
		out.Or(w.images)
	}
	out.And(p.images)
	return out
}

// eachFinding calls f for every open finding of a vulnerability, by any of its ids.
func (x *Index) eachFinding(id string, f func(*part, *store.Finding)) {
	b := x.vulns[id]
	if b == nil {
		return
	}
	for it := b.Iterator(); it.HasNext(); {
		p := x.parts[it.Next()]
		for i := range p.open {
			if v := p.open[i].Vuln; v.ID == id || slices.Contains(v.Aliases, id) {
				f(p, &p.open[i])
			}
		}
	}
}

// ExceptionRow is an exception with what it covers.
type ExceptionRow struct {
	store.Exception
	Active bool `json:"active"`
	Images int  `json:"images"` // in which it covers a finding
}

// coveredBy counts the images in which an exception covers a finding.
func (x *Index) coveredBy(e *store.Exception) int {
	hit := roaring.New()
	x.eachFinding(e.Vuln, func(p *part, f *store.Finding) {
		if speaks(e, &f.Finding) {
			hit.Or(p.images)
		}
	})
	if e.Image == "" {
		return int(hit.GetCardinality()) //nolint:gosec // as many as there are images
	}
	n := 0
	for it := hit.Iterator(); it.HasNext(); {
		if img := numbered(x.images, it.Next()); img != nil && names(e, img.Ref) {
			n++
		}
	}
	return n
}
