package index

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// Index is the read model. It is safe for concurrent use.
type Index struct {
	now      func() time.Time
	policies []Policy

	following sync.Mutex // one follower at a time
	mu        sync.RWMutex
	at        int64 // the event up to which it holds
	lookup    *Lookup

	parts       map[uint32]*part
	names       map[vuln.Name]*roaring.Bitmap // to parts
	vulns       map[string]*roaring.Bitmap    // vulnerability, by each of its ids, to parts
	inventories map[uint32]*inventory
	images      map[uint32]*store.Image
	byID        map[string]uint32
	exceptions  []store.Exception
	running     []store.Container
	lastPart    uint32
	lastInv     uint32
	lag         time.Duration // from the last delta to its findings
	lagOf       string

	mm     sync.Mutex
	memo   map[string]any // of lists, until the next change or for a minute: exceptions end
	memoAt time.Time
}

// part is a part with what is open in it.
type part struct {
	vuln.Part
	n           uint32
	judged      bool
	gaps        bool
	inventories *roaring.Bitmap
	images      *roaring.Bitmap // that the inventories are of
	open        []store.Finding
}

type inventory struct {
	store.Inventory
	images *roaring.Bitmap
}

// New makes an empty index over the advisories at rest.
func New(rest Rest, now func() time.Time) *Index {
	if now == nil {
		now = time.Now
	}
	return &Index{
		now: now, policies: Policies(), lookup: NewLookup(rest), parts: map[uint32]*part{}, names: map[vuln.Name]*roaring.Bitmap{}, vulns: map[string]*roaring.Bitmap{},
		inventories: map[uint32]*inventory{}, images: map[uint32]*store.Image{}, byID: map[string]uint32{}, memo: map[string]any{},
	}
}

// At is the event up to which the index holds.
func (x *Index) At() int64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.at
}

// Replace puts other advisories at rest in the place of those that there are.
func (x *Index) Replace(rest Rest) {
	x.mu.Lock()
	defer x.mu.Unlock()
	l := NewLookup(rest)
	for _, r := range x.lookup.records {
		l.Put(r)
	}
	x.lookup = l
}

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
	if err := x.advisories(ctx, s, 0); err != nil {
		return err
	}
	if err := x.packages(ctx, s); err != nil {
		return err
	}
	if err := x.findings(ctx, s, nil); err != nil {
		return err
	}
	if err := x.documents(ctx, s); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.at = at
	x.forget()
	return nil
}

// apply takes a run of events in: each is a pointer to what is read anew.
func (x *Index) apply(ctx context.Context, s *store.Store, events []store.Event) error {
	touched, images, documents := roaring.New(), []string(nil), false
	advisories := false
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
		case store.ExceptionChanged, store.RunningChanged:
			documents = true
		case store.FeedChanged:
		}
	}
	if len(images) > 0 {
		if err := x.packages(ctx, s, images...); err != nil {
			return err
		}
	}
	if advisories {
		if err := x.advisories(ctx, s, x.At()); err != nil {
			return err
		}
	}
	if !touched.IsEmpty() {
		if err := x.findings(ctx, s, touched.ToArray()); err != nil {
			return err
		}
	}
	if documents {
		if err := x.documents(ctx, s); err != nil {
			return err
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.at = events[len(events)-1].N
	if lagOf != "" {
		x.lag, x.lagOf = lag, lagOf
	}
	x.forget()
	return nil
}

func (x *Index) advisories(ctx context.Context, s *store.Store, after int64) error {
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

// packages reads what images hold: all of them, or those of the ids.
func (x *Index) packages(ctx context.Context, s *store.Store, ids ...string) error {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	var parts []*part
	var invs []*inventory
	var images []store.Image
	if err := s.Images(ctx, func(i store.Image) error { images = append(images, i); return nil }, ids...); err != nil {
		return err
	}
	if err := s.Inventories(ctx, x.lastInv, func(i store.Inventory) error {
		invs = append(invs, &inventory{Inventory: i, images: roaring.New()})
		return nil
	}); err != nil {
		return err
	}
	if err := s.Parts(ctx, x.lastPart, func(p store.Part) error {
		parts = append(parts, &part{Part: p.Part, n: p.N, judged: p.Judged > 0, gaps: p.Gaps, inventories: roaring.New(), images: roaring.New()})
		return nil
	}); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, p := range parts {
		names, err := p.Names(ctx, x.lookup)
		if err != nil {
			return fmt.Errorf("part %d: %w", p.n, err)
		}
		for _, n := range names {
			add(x.names, n, p.n)
		}
		x.parts[p.n] = p
		x.lastPart = max(x.lastPart, p.n)
	}
	for _, i := range invs {
		x.inventories[i.N] = i
		x.lastInv = max(x.lastInv, i.N)
		for it := i.Parts.Iterator(); it.HasNext(); {
			if p := x.parts[it.Next()]; p != nil {
				p.inventories.Add(i.N)
			}
		}
	}
	for i := range images {
		x.putImage(&images[i])
	}
	return nil
}

func (x *Index) putImage(i *store.Image) {
	if old := x.images[i.N]; old != nil && old.Inventory != i.Inventory {
		x.inventories[old.Inventory].images.Remove(i.N)
		x.eachPart(old.Inventory, func(p *part) { p.images.Remove(i.N) })
	}
	x.images[i.N], x.byID[i.ID] = i, i.N
	if inv := x.inventories[i.Inventory]; inv != nil {
		inv.images.Add(i.N)
		x.eachPart(i.Inventory, func(p *part) { p.images.Add(i.N) })
	}
}

// eachPart calls f for each part of an inventory.
func (x *Index) eachPart(n uint32, f func(*part)) {
	inv := x.inventories[n]
	if inv == nil {
		return
	}
	for it := inv.Parts.Iterator(); it.HasNext(); {
		if p := x.parts[it.Next()]; p != nil {
			f(p)
		}
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

// findings reads what is open: in all parts, or in some.
func (x *Index) findings(ctx context.Context, s *store.Store, parts []uint32) error {
	open := map[uint32][]store.Finding{}
	if err := s.Open(ctx, func(f store.Finding) error { open[f.Part] = append(open[f.Part], f); return nil }, parts...); err != nil {
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
		x.setOpen(n, open[n])
		if p := x.parts[n]; p != nil {
			p.judged, p.gaps = states[n].judged, states[n].gaps
		}
	}
	return nil
}

func (x *Index) setOpen(n uint32, list []store.Finding) {
	p := x.parts[n]
	if p == nil {
		return
	}
	for i := range p.open {
		for _, id := range ids(&p.open[i].Finding) {
			x.vulns[id].Remove(n)
			if x.vulns[id].IsEmpty() {
				delete(x.vulns, id)
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

func (x *Index) documents(ctx context.Context, s *store.Store) error {
	var ex []store.Exception
	var run []store.Container
	if err := s.Exceptions(ctx, func(e store.Exception) error { ex = append(ex, e); return nil }); err != nil {
		return err
	}
	if err := s.Running(ctx, func(c store.Container) error { run = append(run, c); return nil }); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.exceptions, x.running = ex, run
	return nil
}

// forget drops the lists that were made; the caller holds the lock.
func (x *Index) forget() {
	x.mm.Lock()
	defer x.mm.Unlock()
	clear(x.memo)
}

// remember is a list that is made once until something changes.
func remember[T any](x *Index, name string, make func() T) T {
	x.mm.Lock()
	if now := x.now(); now.Sub(x.memoAt).Abs() > time.Minute {
		clear(x.memo)
		x.memoAt = now
	}
	v, ok := x.memo[name]
	x.mm.Unlock()
	if ok {
		return v.(T)
	}
	t := make()
	x.mm.Lock()
	x.memo[name] = t
	x.mm.Unlock()
	return t
}

// Touched are the parts that ask for advisories of the names, or have findings of
// the vulnerabilities.
func (x *Index) Touched(names []vuln.Name, vulns []string) *roaring.Bitmap {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var all []*roaring.Bitmap
	for _, n := range names {
		if b := x.names[n]; b != nil {
			all = append(all, b)
		}
	}
	for _, id := range vulns {
		if b := x.vulns[id]; b != nil {
			all = append(all, b)
		}
	}
	return roaring.FastOr(all...)
}

// Unjudged are the parts of an image that nobody has matched yet.
func (x *Index) Unjudged(imageID string) *roaring.Bitmap {
	x.mu.RLock()
	defer x.mu.RUnlock()
	out := roaring.New()
	img := x.images[x.byID[imageID]]
	if img == nil {
		return out
	}
	for it := x.inventories[img.Inventory].Parts.Iterator(); it.HasNext(); {
		if p := x.parts[it.Next()]; p != nil && !p.judged {
			out.Add(p.n)
		}
	}
	return out
}

// All are all parts.
func (x *Index) All() *roaring.Bitmap {
	x.mu.RLock()
	defer x.mu.RUnlock()
	out := roaring.New()
	for n := range x.parts {
		out.Add(n)
	}
	return out
}

// Match matches parts by everything that the index knows, and tells up to which
// event that is.
func (x *Index) Match(ctx context.Context, parts *roaring.Bitmap) (list []store.Judgement, upTo int64, err error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	opt := vuln.Options{Now: x.now(), EndOfLife: base.DistroEnds}
	for it := parts.Iterator(); it.HasNext(); {
		p := x.parts[it.Next()]
		if p == nil {
			continue
		}
		found, unknown, err := p.Match(ctx, x.lookup, opt)
		if err != nil {
			return nil, 0, fmt.Errorf("match part %d: %w", p.n, err)
		}
		list = append(list, store.Judgement{Part: p.n, Found: found, Gaps: len(finding.Asked(unknown)) > 0})
	}
	return list, x.at, nil
}

// Hit are the images that have any of the parts.
func (x *Index) Hit(parts *roaring.Bitmap) *roaring.Bitmap {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.hit(parts)
}

func (x *Index) hit(parts *roaring.Bitmap) *roaring.Bitmap {
	var images []*roaring.Bitmap
	for it := parts.Iterator(); it.HasNext(); {
		if p := x.parts[it.Next()]; p != nil {
			images = append(images, p.images)
		}
	}
	return roaring.FastOr(images...)
}

// Before is what a source says today under an id: see [Lookup.Before].
func (x *Index) Before(ctx context.Context, source, id string) ([]vuln.Advisory, bool, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.lookup.Before(ctx, source, id)
}
