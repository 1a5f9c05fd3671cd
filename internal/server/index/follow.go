package index

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// Follow brings the index to the newest event.
func (x *Index) Follow(ctx context.Context, s *store.Store) error {
	x.following.Lock()
	defer x.following.Unlock()
	if x.At() == 0 {
		return x.load(ctx, s)
	}
	for {
		events, err := s.Events(ctx, x.At(), 1000)
		if err != nil || len(events) == 0 {
			return err
		}
		if err := x.apply(ctx, s, events); err != nil {
			return err
		}
	}
}

// load reads the whole state. What is written while it reads is met again by
// following, which changes nothing the second time.
func (x *Index) load(ctx context.Context, s *store.Store) error {
	at, err := s.Last(ctx)
	if err != nil {
		return err
	}
	recent, err := s.Recent(ctx, at+1, 2000) // that came of the last deltas
	if err != nil {
		return err
	}
	if err := x.readAdvisories(ctx, s, 0); err != nil {
		return err
	}
	if err := x.readImages(ctx, s); err != nil {
		return err
	}
	if err := x.readFindings(ctx, s, nil); err != nil {
		return err
	}
	if err := x.readExceptions(ctx, s); err != nil {
		return err
	}
	if err := x.readRunning(ctx, s); err != nil {
		return err
	}
	if err := x.readVEX(ctx, s); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range slices.Backward(recent) {
		x.note(&recent[i])
	}
	x.at = at
	return nil
}

// apply takes a run of events in: each is a pointer to what is read anew.
func (x *Index) apply(ctx context.Context, s *store.Store, events []store.Event) error {
	var images, exceptions, running, vex []string
	touched, advisories := roaring.New(), false
	lag, lagOf := time.Duration(0), ""
	for i := range events {
		e := &events[i]
		switch e.Kind {
		case store.ImageAdded:
			images = append(images, e.Subject)
		case store.ImageJudged, store.FindingsChanged:
			f, err := ReadBody(e)
			if err != nil {
				return err
			}
			touched.Or(f.PartSet())
			if f.Why != nil && f.Why.Cause == store.CauseAdvisory {
				lag, lagOf = f.Why.After, f.Vuln
			}
		case store.AdvisoryChanged:
			advisories = true
		case store.ExceptionChanged:
			exceptions = append(exceptions, e.Subject)
		case store.VEXChanged:
			vex = append(vex, e.Subject)
		case store.RunningChanged:
			running = append(running, e.Subject)
		case store.FeedChanged:
		}
	}
	if len(images) > 0 {
		if err := x.readImages(ctx, s, images...); err != nil {
			return err
		}
	}
	if advisories {
		if err := x.readAdvisories(ctx, s, x.At()); err != nil {
			return err
		}
	}
	if !touched.IsEmpty() {
		if err := x.readFindings(ctx, s, touched.ToArray()); err != nil {
			return err
		}
	}
	if len(exceptions) > 0 {
		if err := x.readExceptions(ctx, s, exceptions...); err != nil {
			return err
		}
	}
	if len(vex) > 0 {
		if err := x.readVEX(ctx, s, vex...); err != nil {
			return err
		}
	}
	if len(running) > 0 {
		if err := x.readRunning(ctx, s, running...); err != nil {
			return err
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.at = events[len(events)-1].N
	for i := range events {
		x.note(&events[i])
	}
	if lagOf != "" {
		x.lag, x.lagOf = lag, lagOf
		x.stale.told = true
	}
	return nil
}

func (x *Index) readAdvisories(ctx context.Context, s *store.Store, after int64) error {
	var all []store.Record
	if err := s.Records(ctx, after, func(r store.Record) error { all = append(all, r); return nil }); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, r := range all {
		x.lookup.Put(r)
	}
	return nil
}

// readImages reads what images hold: all of them, or those of the ids.
func (x *Index) readImages(ctx context.Context, s *store.Store, ids ...string) error {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	var parts []*part
	var contents []*store.Content
	var invs []*inventory
	var images []store.Image
	if err := s.Images(ctx, func(i store.Image) error { images = append(images, i); return nil }, ids...); err != nil {
		return err
	}
	// Only a follower adds, and there is one at a time: the lengths hold.
	if err := s.Inventories(ctx, last(x.inventories), func(i store.Inventory) error {
		n := &inventory{Inventory: i, distro: distroName(i.Distro), gaps: len(finding.Asked(i.Unknown)) > 0}
		n.until, _ = supported(i.Distro)
		invs = append(invs, n)
		return nil
	}); err != nil {
		return err
	}
	if err := s.Contents(ctx, last(x.contents), func(c store.Content) error { contents = append(contents, &c); return nil }); err != nil {
		return err
	}
	if err := s.Parts(ctx, last(x.parts), func(p store.Part) error {
		parts = append(parts, &part{Part: p.Part, n: p.N, judged: p.Judged > 0, gaps: p.Gaps, images: roaring.New()})
		return nil
	}); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, p := range parts {
		if err := x.putPart(ctx, p); err != nil {
			return err
		}
	}
	for _, c := range contents {
		x.contents = put(x.contents, c.N, c)
	}
	for _, i := range invs {
		x.inventories = put(x.inventories, i.N, i)
	}
	for i := range images {
		x.putImage(&images[i])
	}
	return nil
}

// last is the highest number of a list.
func last[T any](list []*T) uint32 { return uint32(max(len(list)-1, 0)) } //nolint:gosec // numbers are 32 bits

func (x *Index) putPart(ctx context.Context, p *part) error {
	names, err := p.Names(ctx, x.lookup)
	if err != nil {
		return fmt.Errorf("part %d: %w", p.n, err)
	}
	for _, n := range names {
		add(x.names, n, p.n)
	}
	x.parts = put(x.parts, p.n, p)
	x.stale.parts.Add(p.n)
	for i := range p.Inventory.Packages {
		key := keyOf(&p.Inventory.Packages[i])
		k := x.packages[key]
		if k == nil {
			k = &packaged{key: key, parts: roaring.New()}
			x.packages[key] = k
		}
		k.parts.Add(p.n)
		if !slices.Contains(p.packages, k) {
			p.packages = append(p.packages, k)
		}
		x.stale.packages[k] = true
	}
	return nil
}

func (x *Index) putImage(in *store.Image) {
	img, had := numbered(x.images, in.N), (*inventory)(nil)
	switch {
	case img == nil:
		img = &image{}
		x.images = put(x.images, in.N, img)
		x.stale.grown.Add(in.N)
	case img.Inventory != in.Inventory:
		if old := numbered(x.inventories, img.Inventory); old != nil {
			old.images--
		}
		x.eachPart(img.Inventory, func(p *part) {
			p.images.Remove(in.N)
			x.spoil(p)
		})
		x.stale.grown.Add(in.N)
	default:
		had = numbered(x.inventories, in.Inventory)
	}
	if on := x.onBase[img.Base]; on != nil && img.Base != in.Base {
		on.Remove(in.N)
	}
	img.Image = *in
	x.byID[in.ID] = img
	if had := x.byRef[in.Ref]; had == nil || had.N <= in.N {
		x.byRef[in.Ref] = img
		if on := x.onBase[in.Ref]; on != nil {
			x.stale.images.Or(on) // their base's tag means another image now
		}
	}
	if in.Base != "" {
		if x.onBase[in.Base] == nil {
			x.onBase[in.Base] = roaring.New()
		}
		x.onBase[in.Base].Add(in.N)
	}
	if had := x.byDigest[in.Digest]; in.Digest != "" && (had == nil || had.N <= in.N) {
		x.byDigest[in.Digest] = img
	}
	x.stale.images.Add(in.N)
	x.stale.named = true
	if inv := numbered(x.inventories, in.Inventory); inv != nil && had != inv {
		if inv.images++; inv.images == 1 {
			inv.tally = tally{}
			x.eachPart(in.Inventory, func(p *part) { inv.tally.add(p.tally) })
		}
		x.eachPart(in.Inventory, func(p *part) {
			if p.images.IsEmpty() {
				x.spoil(p) // what no image has counts nowhere
			}
			p.images.Add(in.N)
		})
	}
}

// spoil has everything counted anew that a part counts in.
func (x *Index) spoil(p *part) {
	for i := range p.open {
		x.stale.vulns[p.open[i].Vuln.ID] = true
	}
	for _, k := range p.packages {
		x.stale.packages[k] = true
	}
}

func add[K comparable](m map[K]*roaring.Bitmap, k K, n uint32) {
	b := m[k]
	if b == nil {
		b = roaring.New()
		m[k] = b
	}
	b.Add(n)
}

// readFindings reads what is open: in all parts, or in some.
func (x *Index) readFindings(ctx context.Context, s *store.Store, parts []uint32) error {
	open := map[uint32][]store.Finding{}
	had := map[int64]*store.Finding{} // only a follower replaces them, and there is one at a time
	for _, n := range parts {
		if p := numbered(x.parts, n); p != nil {
			for i := range p.open {
				had[p.open[i].N] = &p.open[i]
			}
		}
	}
	if err := s.Open(ctx, func(n int64) *store.Finding { return had[n] }, func(f store.Finding) error { open[f.Part] = append(open[f.Part], f); return nil }, parts...); err != nil {
		return err
	}
	type state struct{ judged, gaps bool }
	states := map[uint32]state{}
	if err := s.Judged(ctx, parts, func(n uint32, upTo int64, gaps bool) error { states[n] = state{upTo > 0, gaps}; return nil }); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if parts == nil {
		for n, list := range open {
			x.setOpen(n, list)
		}
		return nil
	}
	for _, n := range parts {
		if p := numbered(x.parts, n); p != nil {
			p.judged, p.gaps = states[n].judged, states[n].gaps
			x.setOpen(n, open[n])
		}
	}
	return nil
}

// setOpen replaces what is open in a part, and has that counted anew which differs.
func (x *Index) setOpen(n uint32, list []store.Finding) {
	p := numbered(x.parts, n)
	if p == nil {
		return
	}
	sorting.By(list, func(a, b store.Finding) int {
		return cmp.Or(strings.Compare(a.Vuln.ID, b.Vuln.ID), cmp.Compare(a.N, b.N))
	})
	x.stale.parts.Add(n)
	was := make(map[int64]*store.Finding, len(p.open))
	for i := range p.open {
		was[p.open[i].N] = &p.open[i]
	}
	for i := range list {
		f := &list[i]
		if old := was[f.N]; old != nil && old.Same(f) {
			delete(was, f.N)
			continue
		}
		x.stale.findings(p, f)
	}
	for _, f := range was {
		x.stale.findings(p, f)
		for _, id := range ids(&f.Finding) {
			if b := x.vulns[id]; b != nil {
				if b.Remove(n); b.IsEmpty() {
					delete(x.vulns, id)
				}
			}
		}
	}
	p.open = list
	for i := range list {
		for _, id := range ids(&list[i].Finding) {
			add(x.vulns, id, n)
		}
	}
}

// ids are all names of a finding's vulnerability, each once.
func ids(f *finding.Finding) []string {
	out := []string{f.Vuln.ID}
	for _, a := range f.Vuln.Aliases {
		if !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// readExceptions reads exceptions: all of them, or those of the ids.
func (x *Index) readExceptions(ctx context.Context, s *store.Store, ids ...string) error {
	var list []store.Exception
	if err := s.Exceptions(ctx, func(e store.Exception) error { list = append(list, e); return nil }, ids...); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.exceptions = replace(x.exceptions, list, ids, func(e *store.Exception) string { return e.ID })
	x.stale.exceptions = true
	return nil
}

// readRunning reads containers: all of them, or those of the ids.
func (x *Index) readRunning(ctx context.Context, s *store.Store, ids ...string) error {
	var list []store.Container
	if err := s.Running(ctx, func(c store.Container) error { list = append(list, c); return nil }, ids...); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.running = replace(x.running, list, ids, func(c *store.Container) string { return c.ID })
	x.stale.running = true
	return nil
}

// replace puts what was read in the place of what has the ids; without ids, of all.
// The list stays in the order of its ids, and the old one as it is: rows of pages
// may point into it.
func replace[T any](old, fresh []T, ids []string, id func(*T) string) []T {
	if len(ids) == 0 {
		return fresh
	}
	gone := make(map[string]bool, len(ids))
	for _, i := range ids {
		gone[i] = true
	}
	out := make([]T, 0, len(old)+len(fresh))
	for i := range old {
		if !gone[id(&old[i])] {
			out = append(out, old[i])
		}
	}
	out = append(out, fresh...)
	slices.SortFunc(out, func(a, b T) int { return strings.Compare(id(&a), id(&b)) })
	return out
}
