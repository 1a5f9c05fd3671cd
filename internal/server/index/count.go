package index

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// stale is what changed since it was counted last. What is not in it counts as it
// did: a delta costs what it touches, and not the fleet.
type stale struct {
	parts      *roaring.Bitmap // what is open in them
	images     *roaring.Bitmap // their rows
	grown      *roaring.Bitmap // images that are new to their parts
	vulns      map[string]bool
	packages   map[*packaged]bool
	exceptions bool
	vex        bool
	running    bool
	named      bool // an image came in: a container may run it, an exception cover it
	told       bool // something that only the overview shows
}

func newStale() *stale {
	return &stale{
		parts: roaring.New(), images: roaring.New(), grown: roaring.New(), vulns: map[string]bool{}, packages: map[*packaged]bool{},
	}
}

func (s *stale) empty() bool {
	return s.parts.IsEmpty() && s.images.IsEmpty() && s.grown.IsEmpty() && len(s.vulns) == 0 && len(s.packages) == 0 &&
		!s.exceptions && !s.running && !s.named && !s.told
}

// findings notes that a finding of a part came, went or changed.
func (s *stale) findings(p *part, f *store.Finding) {
	s.vulns[f.Vuln.ID] = true
	for _, k := range p.packages {
		s.packages[k] = true
	}
}

// fleet is what is counted: rows in the order in which lists show them at first.
type fleet struct {
	images   []*image    // the worst first
	vulns    []*VulnRow  // that count in some image
	packages []*packaged // that some image has
	vulnByID map[string]*VulnRow
	running  *roaring.Bitmap
	urgent   *roaring.Bitmap // parts with critical or high findings that have a fix
	waivers  map[string][]*waiver
	narrow   []*waiver         // those of some images only
	spoken   map[int64]*spoken // what VEX statements take out, by the finding's number
	spared   map[uint32]tally  // what these take out of an image's counts
	until    time.Time         // when something counts otherwise though nothing changed; zero: never
}

func newFleet() fleet {
	return fleet{vulnByID: map[string]*VulnRow{}, running: roaring.New(), urgent: roaring.New()}
}

// read locks the index for reading, with everything counted, and returns how to
// unlock it.
func (x *Index) read() (unlock func()) {
	for range 3 {
		x.mu.RLock()
		if x.counted() {
			return x.mu.RUnlock
		}
		x.mu.RUnlock()
		x.mu.Lock()
		x.count()
		x.mu.Unlock()
	}
	// Changes come faster than readers get in: this one keeps them out.
	x.mu.Lock()
	x.count()
	return x.mu.Unlock
}

func (x *Index) counted() bool {
	return x.stale.empty() && (x.fleet.until.IsZero() || x.now().Before(x.fleet.until))
}

// count counts what changed; the caller holds the lock.
func (x *Index) count() {
	if x.counted() {
		return
	}
	s := x.stale
	x.stale = newStale()
	x.counts++
	if !x.fleet.until.IsZero() && !x.now().Before(x.fleet.until) {
		x.fleet.until = time.Time{}
		s.exceptions = true
		for _, i := range x.fleet.images {
			s.images.Add(i.N)
		}
		x.mature(s)
	}
	if s.exceptions {
		x.readWaivers(s)
	} else if s.named {
		x.coverImages(s.images)
	}
	x.speak(s)
	x.tallyParts(s)
	if len(x.fleet.narrow) > 0 || len(x.fleet.spared) > 0 || x.book != nil {
		x.spare(s)
	}
	if s.running || s.named {
		x.place(s)
	}
	x.grow(s)
	x.countVulns(s)
	x.countPackages(s)
	x.countImages(s)
	x.mm.Lock()
	defer x.mm.Unlock()
	clear(x.memo)
}

// mature has the parts counted again in which a grace is over, and keeps the others in mind.
func (x *Index) mature(s *stale) {
	for _, p := range x.parts {
		switch {
		case p == nil || p.due.IsZero():
		case x.now().Before(p.due):
			x.ends(p.due)
		default:
			s.parts.Add(p.n)
		}
	}
}

// ends notes a time at which something counts otherwise.
func (x *Index) ends(t time.Time) {
	if t.After(x.now()) && (x.fleet.until.IsZero() || t.Before(x.fleet.until)) {
		x.fleet.until = t
	}
}

// tallyParts counts parts, and adjusts the inventories that have them.
func (x *Index) tallyParts(s *stale) {
	for it := s.parts.Iterator(); it.HasNext(); {
		p := numbered(x.parts, it.Next())
		if p == nil {
			continue
		}
		t := tally{Packages: len(p.Inventory.Packages), Gaps: btoi(p.gaps), Unjudged: btoi(!p.judged)}
		p.urgent, p.due = p.urgent[:0], time.Time{}
		x.tellLicenses(&t, p)
		for i := range p.open {
			f := &p.open[i]
			if every, _ := x.waived(f); f.Suppressed != nil || every != nil {
				t.Silent++
				continue
			}
			t.finding(&f.Finding, 1)
			p.due = sooner(p.due, x.tellFinding(&t, &f.Finding, 1))
			if f.Vuln.FixedIn != "" && f.Severity.Place() <= finding.High.Place() {
				p.urgent = append(p.urgent, urgent{packageKey{f.Vuln.PackageType, f.Vuln.Name}, f.Vuln.ID, f.Severity})
			}
		}
		x.ends(p.due)
		if len(p.urgent) > 0 {
			x.fleet.urgent.Add(p.n)
		} else {
			x.fleet.urgent.Remove(p.n)
		}
		change := t
		change.sub(p.tally)
		if p.tally = t; change == (tally{}) {
			continue
		}
		seen := make(map[*inventory]bool)
		for it := p.images.Iterator(); it.HasNext(); {
			i := x.inventories[x.images[it.Next()].Inventory]
			if i.images == 1 || !seen[i] {
				i.tally.add(change)
			}
			if i.images > 1 {
				seen[i] = true
			}
		}
		s.images.Or(p.images)
	}
}

// place finds out which image each container runs.
func (x *Index) place(s *stale) {
	runs := map[*image][]*store.Container{}
	for i := range x.running {
		if img := x.runs(&x.running[i]); img != nil {
			runs[img] = append(runs[img], &x.running[i])
		}
	}
	now := roaring.New()
	for img, list := range runs {
		now.Add(img.N)
		img.runs = list
	}
	s.images.Or(now)
	gone := roaring.AndNot(x.fleet.running, now)
	for it := gone.Iterator(); it.HasNext(); {
		x.images[it.Next()].runs = nil
	}
	s.images.Or(gone)
	if x.fleet.running.Equals(now) {
		return
	}
	x.fleet.running = now
	for _, r := range x.fleet.vulns {
		if n := int(r.images.AndCardinality(now)); n != r.Running { //nolint:gosec // as many as there are images
			s.vulns[r.ID] = true
		}
	}
}

// grow adds images to what their parts count in; what is counted anew anyway is
// left to that.
func (x *Index) grow(s *stale) {
	if len(x.fleet.images) == 0 {
		for id := range x.vulns {
			s.vulns[id] = true // the first count
		}
	}
	vulns, packages := map[*VulnRow]bool{}, map[*packaged]bool{}
	for it := s.grown.Iterator(); it.HasNext(); {
		img := x.images[it.Next()]
		if len(x.fleet.images) == 0 {
			break
		}
		x.eachPart(img.Inventory, func(p *part) {
			for i := range p.open {
				f := &p.open[i]
				r := x.fleet.vulnByID[f.Vuln.ID]
				if r == nil || s.vulns[f.Vuln.ID] || f.Suppressed != nil || x.excepted(f, img) != nil {
					continue
				}
				if r.images.CheckedAdd(img.N) {
					vulns[r] = true
				}
			}
			for _, k := range p.packages {
				if x.book != nil {
					s.packages[k] = true // what is said of the others may not be said of this one
				}
				if !s.packages[k] && k.row.images != nil && k.row.images.CheckedAdd(img.N) {
					packages[k] = true
				}
			}
		})
	}
	for r := range vulns {
		r.weigh(x.fleet.running)
	}
	x.fleet.vulns = reorder(x.fleet.vulns, vulns, func(r *VulnRow) bool { return r.Images > 0 }, compareVulns)
	for k := range packages {
		k.row.Images = int(k.row.images.GetCardinality()) //nolint:gosec // as many as there are images
	}
	x.fleet.packages = reorder(x.fleet.packages, packages, func(k *packaged) bool { return k.row.Images > 0 }, comparePackages)
}

func (x *Index) countVulns(s *stale) {
	changed := make(map[*VulnRow]bool, len(s.vulns))
	for id := range s.vulns {
		r := x.fleet.vulnByID[id]
		fresh := x.vulnRow(id)
		switch {
		case fresh == nil && r == nil:
			continue // a name of another, or nothing any more
		case fresh == nil:
			r.Images = 0
			delete(x.fleet.vulnByID, id)
		case r == nil:
			r = fresh
			x.fleet.vulnByID[id] = r
		default:
			*r = *fresh
		}
		changed[r] = true
	}
	x.fleet.vulns = reorder(x.fleet.vulns, changed, func(r *VulnRow) bool { return r.Images > 0 }, compareVulns)
}

func (x *Index) countPackages(s *stale) {
	for k := range s.packages {
		x.packageRow(k)
	}
	x.fleet.packages = reorder(x.fleet.packages, s.packages, func(k *packaged) bool { return k.row.Images > 0 }, comparePackages)
}

func (x *Index) countImages(s *stale) {
	changed := make(map[*image]bool, s.images.GetCardinality())
	for it := s.images.Iterator(); it.HasNext(); {
		img := numbered(x.images, it.Next())
		if img == nil {
			continue
		}
		img.row = x.makeRow(img)
		changed[img] = true
	}
	x.fleet.images = reorder(x.fleet.images, changed, func(*image) bool { return true }, compareImages)
}

func compareImages(a, b *image) int {
	return cmp.Or(a.row.Counts.compare(b.row.Counts), strings.Compare(a.Ref, b.Ref), strings.Compare(a.ID, b.ID))
}

// reorder takes what changed out of a list that is in order, and puts what of it is
// kept where it belongs now.
func reorder[T any](list []*T, changed map[*T]bool, keep func(*T) bool, compare func(a, b *T) int) []*T {
	if len(changed) == 0 {
		return list
	}
	fresh := make([]*T, 0, len(changed))
	for t := range changed {
		if keep(t) {
			fresh = append(fresh, t)
		}
	}
	slices.SortFunc(fresh, compare)
	out := make([]*T, 0, len(list)+len(fresh))
	for _, t := range list {
		if changed[t] {
			continue
		}
		for len(fresh) > 0 && compare(fresh[0], t) < 0 {
			out, fresh = append(out, fresh[0]), fresh[1:]
		}
		out = append(out, t)
	}
	return append(out, fresh...)
}
