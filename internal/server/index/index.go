package index

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/policy/admission"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/sorting"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// Index is the read model. It is safe for concurrent use.
type Index struct {
	now      func() time.Time
	policies []admission.Standard

	following sync.Mutex // one follower at a time
	mu        sync.RWMutex
	at        int64 // the event up to which it holds
	lookup    *Lookup

	parts       []*part // by number, as contents, inventories and images; nil: there is none
	contents    []*store.Content
	inventories []*inventory
	images      []*image
	names       map[vuln.Name]*roaring.Bitmap // to parts
	vulns       map[string]*roaring.Bitmap    // vulnerability, by each of its ids, to parts
	packages    map[packageKey]*packaged
	byID        map[string]*image
	byRef       map[string]*image          // the newest of each reference
	byDigest    map[finding.Digest]*image  // the newest of each digest
	bases       map[string]admission.Base  // by reference
	onBase      map[string]*roaring.Bitmap // images by their base's reference
	exceptions  []store.Exception
	running     []store.Container
	deltas      []DeltaRow // the last ones, oldest first
	vex         []store.VEX
	book        *vuln.Book    // of these; nil: there is none
	bookIDs     []string      // the vulnerabilities that it speaks of
	lag         time.Duration // from the last delta to its findings
	lagOf       string

	stale  *stale // what changed and is not counted yet
	fleet  fleet  // what is counted
	mm     sync.Mutex
	memo   map[string]any // lists made of what is counted, until that changes
	counts int            // how often it was counted, for tests
}

// part is a part with what is open in it.
type part struct {
	vuln.Part
	n        uint32
	judged   bool
	gaps     bool
	images   *roaring.Bitmap // that have it in some layer
	open     []store.Finding // by vulnerability, and without places: these are an image's
	packages []*packaged     // its packages by name
	tally    tally           // of what is open, as it was counted last
	urgent   []urgent
	due      time.Time // when a policy counts something of it otherwise; zero: never
}

// inventory is what an image holds, with the sum of its parts' tallies.
type inventory struct {
	store.Inventory
	images int
	tally  tally // while it has images
	distro string
	until  time.Time // that the distribution is supported; zero: not known
	gaps   bool      // something could not be read
}

// image is an image with its row.
type image struct {
	store.Image
	row      ImageRow
	outcomes []admission.Outcome // of the policies; empty: it is not for the image
	sums     [admission.MaxCounted]admission.Sum
	runs     []*store.Container
}

// New makes an empty index over the advisories at rest.
func New(rest Rest, now func() time.Time) *Index {
	if now == nil {
		now = time.Now
	}
	return &Index{
		now: now, policies: admission.Standards(), bases: map[string]admission.Base{}, onBase: map[string]*roaring.Bitmap{}, lookup: NewLookup(rest), names: map[vuln.Name]*roaring.Bitmap{}, vulns: map[string]*roaring.Bitmap{},
		packages: map[packageKey]*packaged{}, byID: map[string]*image{}, byRef: map[string]*image{}, byDigest: map[finding.Digest]*image{},
		stale: newStale(), fleet: newFleet(), memo: map[string]any{},
	}
}

// numbered is the item of a number; the zero one where there is none.
func numbered[T any](list []*T, n uint32) *T {
	if int(n) >= len(list) {
		return nil
	}
	return list[n]
}

// put puts an item under its number.
func put[T any](list []*T, n uint32, v *T) []*T {
	if need := int(n) + 1 - len(list); need > 0 {
		list = append(list, make([]*T, need)...)
	}
	list[n] = v
	return list
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

// Names are all names that parts ask for advisories of.
func (x *Index) Names() []vuln.Name {
	x.mu.RLock()
	defer x.mu.RUnlock()
	out := make([]vuln.Name, 0, len(x.names))
	for n := range x.names {
		out = append(out, n)
	}
	sorting.By(out, func(a, b vuln.Name) int {
		return cmp.Or(strings.Compare(a.Ecosystem, b.Ecosystem), strings.Compare(a.Package, b.Package))
	})
	return out
}

// Gaps are the parts of which something could not be told.
func (x *Index) Gaps() *roaring.Bitmap {
	x.mu.RLock()
	defer x.mu.RUnlock()
	out := roaring.New()
	for _, p := range x.parts {
		if p != nil && (p.gaps || !p.judged) {
			out.Add(p.n)
		}
	}
	return out
}

// Unjudged are the parts of an image that nobody has matched yet.
func (x *Index) Unjudged(imageID string) *roaring.Bitmap {
	x.mu.RLock()
	defer x.mu.RUnlock()
	out := roaring.New()
	if img := x.byID[imageID]; img != nil {
		x.eachPart(img.Inventory, func(p *part) {
			if !p.judged {
				out.Add(p.n)
			}
		})
	}
	return out
}

// All are all parts.
func (x *Index) All() *roaring.Bitmap {
	x.mu.RLock()
	defer x.mu.RUnlock()
	out := roaring.New()
	for _, p := range x.parts {
		if p != nil {
			out.Add(p.n)
		}
	}
	return out
}

// turn is how long a match keeps others waiting.
const turn = 20 * time.Millisecond

// Match matches parts by everything that the index knows, and tells up to which
// event that is. It lets others in now and then: what is matched later may know
// more than the first, and is told as no newer.
func (x *Index) Match(ctx context.Context, parts *roaring.Bitmap) (list []store.Judgement, upTo int64, err error) {
	opt := vuln.Options{Now: x.now(), EndOfLife: base.DistroEnds}
	upTo = -1
	for it := parts.Iterator(); it.HasNext(); {
		x.mu.RLock()
		if upTo < 0 {
			upTo = x.at
		}
		for began := time.Now(); it.HasNext() && time.Since(began) < turn; {
			p := numbered(x.parts, it.Next())
			if p == nil {
				continue
			}
			found, unknown, err := p.Match(ctx, x.lookup, opt)
			if err != nil {
				x.mu.RUnlock()
				return nil, 0, fmt.Errorf("match part %d: %w", p.n, err)
			}
			list = append(list, store.Judgement{Part: p.n, Found: found, Gaps: len(finding.Asked(unknown)) > 0})
		}
		x.mu.RUnlock()
	}
	return list, max(upTo, 0), nil
}

// Hit are the images that have any of the parts.
func (x *Index) Hit(parts *roaring.Bitmap) *roaring.Bitmap {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var images []*roaring.Bitmap
	for it := parts.Iterator(); it.HasNext(); {
		if p := numbered(x.parts, it.Next()); p != nil {
			images = append(images, p.images)
		}
	}
	return roaring.FastOr(images...)
}

// Before is what sources say at rest under ids: see [Lookup.Before].
func (x *Index) Before(ctx context.Context, ids []string) (map[string][]vuln.Advisory, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.lookup.Before(ctx, ids)
}

// eachPart calls f for each part of an inventory.
func (x *Index) eachPart(n uint32, f func(*part)) {
	inv := numbered(x.inventories, n)
	if inv == nil {
		return
	}
	for i, l := range inv.Layers {
		c := numbered(x.contents, l.Content)
		if c == nil {
			continue
		}
		for _, n := range c.Parts {
			if p := numbered(x.parts, n); p != nil && !x.inAny(inv.Layers[:i], n) {
				f(p)
			}
		}
	}
}

// inAny reports whether any of the layers brought packages of a part.
func (x *Index) inAny(layers []store.InLayer, part uint32) bool {
	for _, l := range layers {
		if c := numbered(x.contents, l.Content); c != nil {
			if _, ok := slices.BinarySearch(c.Parts, part); ok {
				return true
			}
		}
	}
	return false
}

// places are where the packages of an inventory's parts lie.
func (x *Index) places(n uint32) map[uint32][]vuln.Place {
	inv := numbered(x.inventories, n)
	if inv == nil {
		return nil
	}
	out := map[uint32][]vuln.Place{}
	x.eachPart(n, func(p *part) { out[p.n] = make([]vuln.Place, len(p.Inventory.Packages)) })
	for _, l := range inv.Layers {
		c := numbered(x.contents, l.Content)
		if c == nil {
			continue
		}
		all, err := c.Places(l.Index)
		if err != nil {
			continue // it could be read when it was loaded
		}
		for _, h := range all {
			if at := out[h.Part]; h.Package < len(at) {
				at[h.Package] = h.Place
			}
		}
	}
	return out
}

// remember is a list that is made once until something changes. Its caller reads.
func remember[T any](x *Index, name string, make func() T) T {
	x.mm.Lock()
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
