package index

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// VEX statements are about a package wherever it is, or about an image with or
// without some of its packages. What they take out is known a finding and an image
// each: a scan with the same documents says the same.

// spoken is what statements take out of a finding.
type spoken struct {
	waiver
	of   store.Finding
	seen *roaring.Bitmap // the images that were asked about
}

// readVEX reads documents: all of them, or those of the ids.
func (x *Index) readVEX(ctx context.Context, s *store.Store, ids ...string) error {
	var list []store.VEX
	if err := s.VEX(ctx, func(d store.VEX) error { list = append(list, d); return nil }, ids...); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(list) == 0 && len(x.vex) == 0 {
		return nil
	}
	x.vex = replace(x.vex, list, ids, func(d *store.VEX) string { return d.ID })
	x.stale.exceptions, x.stale.vex = true, true
	return nil
}

// book is documents ready to be asked, and the vulnerabilities that they speak of
// as they and others write them; nil: there is none.
func book(docs []store.VEX) (*vuln.Book, []string) {
	docs = slices.SortedFunc(slices.Values(docs), func(a, b store.VEX) int {
		return cmp.Or(a.Added.Compare(b.Added), strings.Compare(a.ID, b.ID)) // of equally new words the last counts
	})
	var all []vuln.Statement
	ids := map[string]bool{}
	for _, d := range docs {
		all = append(all, d.Statements...)
		for i := range d.Statements {
			for _, id := range d.Statements[i].VulnIDs {
				ids[id], ids[strings.ToUpper(id)] = true, true
				if prefix, rest, ok := strings.Cut(id, "-"); ok { // GHSA-abcd: its letters are small
					ids[strings.ToUpper(prefix)+"-"+strings.ToLower(rest)] = true
				}
			}
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	out := make([]string, 0, len(ids))
	for id := range ids {
		out = append(out, id)
	}
	slices.Sort(out)
	return vuln.NewBook(all), out
}

// speak asks the statements about what changed.
func (x *Index) speak(s *stale) {
	if s.vex {
		x.book, x.bookIDs = book(x.vex)
		x.fleet.spoken = map[int64]*spoken{}
	}
	if x.book == nil || !s.vex && s.parts.IsEmpty() && s.grown.IsEmpty() {
		return
	}
	for _, id := range x.bookIDs {
		x.eachFinding(id, func(p *part, f *store.Finding) {
			w := x.fleet.spoken[f.N]
			if w == nil || !w.of.Same(f) {
				w = &spoken{of: *f, seen: roaring.New()}
				w.images = roaring.New()
				w.Exception = &store.Exception{Vuln: f.Vuln.ID, State: "not-affected"}
				x.fleet.spoken[f.N] = w
			}
			x.ask(x.book, p, w)
		})
	}
}

// ask asks about the images that a finding is of and that were not asked about.
func (x *Index) ask(b *vuln.Book, p *part, w *spoken) {
	for it := roaring.AndNot(p.images, w.seen).Iterator(); it.HasNext(); {
		img := x.images[it.Next()]
		w.seen.Add(img.N)
		f := w.of.Finding
		f.Subject = finding.Subject{Kind: finding.KindImage, Name: img.Ref, Digest: img.Digest}
		known := vuln.Known{}
		if inv := numbered(x.inventories, img.Inventory); inv != nil {
			known.Distro = inv.Distro
		}
		if f = b.Apply(f, known); f.Suppressed != nil {
			w.images.Add(img.N)
			w.ID, w.Reason = cmp.Or(w.ID, "vex "+f.Suppressed.Source), cmp.Or(w.Reason, f.Suppressed.Reason)
		}
	}
}

// Silenced is a finding with the images in which statements take it out.
type Silenced struct {
	Finding store.Finding
	Reason  string
	Source  string
	Images  *roaring.Bitmap
}

// Silences is what documents would take out of the findings of the vulnerabilities
// that they or others speak of, by the findings' numbers.
func (x *Index) Silences(docs, others []store.VEX) map[int64]Silenced {
	defer x.read()()
	out := map[int64]Silenced{}
	b, _ := book(docs)
	_, ids := book(slices.Concat(docs, others))
	if b == nil {
		return out
	}
	for _, id := range ids {
		x.eachFinding(id, func(p *part, f *store.Finding) {
			if _, done := out[f.N]; done || f.Suppressed != nil {
				return
			}
			w := &spoken{of: *f, seen: roaring.New()}
			w.images, w.Exception = roaring.New(), &store.Exception{}
			x.ask(b, p, w)
			if !w.images.IsEmpty() {
				out[f.N] = Silenced{*f, w.Reason, strings.TrimPrefix(w.ID, "vex "), w.images}
			}
		})
	}
	return out
}

// VEX are the documents of statements.
func (x *Index) VEX() []store.VEX {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return slices.Clone(x.vex)
}
