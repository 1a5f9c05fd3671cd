package index

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// BaseRow is a base, or where it is not known a distribution, that images stand on.
type BaseRow struct {
	Base      string    `json:"base"`
	Known     bool      `json:"known"` // false: it is the distribution
	Distro    string    `json:"distro,omitempty"`
	Images    int       `json:"images"`
	Running   int       `json:"running"` // of these images, those that run
	Worst     Counts    `json:"worst"`   // the highest count of each severity in one of them
	Supported time.Time `json:"supportedUntil,omitzero"`
	Ended     bool      `json:"ended"`
}

// Bases lists what images stand on.
func (x *Index) Bases(q Query) List[BaseRow] {
	x.mu.RLock()
	defer x.mu.RUnlock()
	by := map[string]*BaseRow{}
	for _, r := range x.rows() {
		name := cmp.Or(r.Base, r.Distro, "unknown")
		b := by[name]
		if b == nil {
			b = &BaseRow{Base: name, Known: r.Base != "", Distro: r.Distro}
			if inv := x.inventories[x.images[x.byID[r.ID]].Inventory]; inv != nil {
				b.Supported, _ = supported(inv.Distro)
				b.Ended = !b.Supported.IsZero() && b.Supported.Before(x.now())
			}
			by[name] = b
		}
		b.Images++
		if r.Running > 0 {
			b.Running++
		}
		for _, s := range finding.Severities() {
			*b.Worst.Of(s) = max(*b.Worst.Of(s), *r.Counts.Of(s))
		}
	}
	var all []BaseRow
	for _, b := range by {
		if q.holds(b.Base, b.Distro) && (!q.Running || b.Running > 0) {
			all = append(all, *b)
		}
	}
	column, sign := q.order("images")
	slices.SortFunc(all, func(a, b BaseRow) int {
		first := sign * cmp.Compare(b.Images, a.Images)
		switch column {
		case "base":
			first = sign * strings.Compare(a.Base, b.Base)
		case "counts":
			first = sign * a.Worst.compare(b.Worst)
		}
		return cmp.Or(first, strings.Compare(a.Base, b.Base))
	})
	return page(all, q, func(r *BaseRow) string { return r.Base })
}

// RunningRow is a container with the image that it runs.
type RunningRow struct {
	store.Container
	Image  *ImageRow `json:"image,omitempty"`  // nil: nobody sent that image
	Newest string    `json:"newest,omitempty"` // id of the image that its tag means now, where that is another
}

// Running lists the containers.
func (x *Index) Running(q Query) List[RunningRow] {
	x.mu.RLock()
	defer x.mu.RUnlock()
	all := []RunningRow{}
	for _, c := range x.running {
		row := RunningRow{Container: c}
		if img := x.runs(&c); img != nil {
			i := x.row(img.ID)
			row.Image = &i
			if now := x.newestOf()[c.Ref]; now != nil && now != img {
				row.Newest = now.ID
			}
		}
		if q.holds(c.Name, c.Ref, c.Host, c.Digest) && (q.Env == "" || c.Env == q.Env) {
			all = append(all, row)
		}
	}
	slices.SortStableFunc(all, func(a, b RunningRow) int {
		switch {
		case a.Image == nil || b.Image == nil:
			return cmp.Or(cmp.Compare(btoi(a.Image == nil), btoi(b.Image == nil)), strings.Compare(a.Name, b.Name))
		default:
			return cmp.Or(a.Image.Counts.compare(b.Image.Counts), strings.Compare(a.Name, b.Name))
		}
	})
	return page(all, q, func(r *RunningRow) string { return r.ID })
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// row is the row of one image.
func (x *Index) row(id string) ImageRow {
	by := remember(x, "by id", func() map[string]int {
		m := map[string]int{}
		for i, r := range x.rows() {
			m[r.ID] = i
		}
		return m
	})
	return x.rows()[by[id]]
}

// ExceptionRow is an exception with what it covers.
type ExceptionRow struct {
	store.Exception
	Active bool `json:"active"`
	Images int  `json:"images"` // in which it covers a finding
}

// Exceptions lists exceptions, those that hold first.
func (x *Index) Exceptions(q Query) List[ExceptionRow] {
	x.mu.RLock()
	defer x.mu.RUnlock()
	all := []ExceptionRow{}
	for i := range x.exceptions {
		e := x.exceptions[i]
		if !q.holds(e.Vuln, e.Package, e.Image, e.Reason, e.By, e.ID) {
			continue
		}
		all = append(all, ExceptionRow{Exception: e, Active: Active(&e, x.now()), Images: x.coveredBy(&e)})
	}
	slices.SortStableFunc(all, func(a, b ExceptionRow) int {
		return cmp.Or(cmp.Compare(btoi(b.Active), btoi(a.Active)), b.Made.Compare(a.Made), strings.Compare(a.ID, b.ID))
	})
	return page(all, q, func(r *ExceptionRow) string { return r.ID })
}

func (x *Index) coveredBy(e *store.Exception) int {
	b := x.vulns[e.Vuln]
	if b == nil {
		return 0
	}
	images := map[uint32]bool{}
	for it := b.Iterator(); it.HasNext(); {
		p := x.parts[it.Next()]
		for i := range p.open {
			f := &p.open[i].Finding
			for ns := p.inventories.Iterator(); ns.HasNext(); {
				for im := x.inventories[ns.Next()].images.Iterator(); im.HasNext(); {
					if n := im.Next(); covers(e, f, x.images[n].Ref) {
						images[n] = true
					}
				}
			}
		}
	}
	return len(images)
}

// Exception is one exception.
func (x *Index) Exception(id string) (store.Exception, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, e := range x.exceptions {
		if e.ID == id {
			return e, true
		}
	}
	return store.Exception{}, false
}

// Overview is the fleet in numbers.
type Overview struct {
	Images          int            `json:"images"`
	Running         int            `json:"running"`    // images that run
	Containers      int            `json:"containers"` //
	FixableCritical int            `json:"fixableCritical"`
	RunningFixable  int            `json:"runningFixableCritical"` // images that run and have a critical with a fix
	Unknown         int            `json:"unknown"`                // images of which something could not be told
	Unjudged        int            `json:"unjudged"`
	Vulns           int            `json:"vulnerabilities"`
	Packages        int            `json:"packages"`
	Counts          Counts         `json:"counts"` // vulnerabilities, each once
	Grades          map[string]int `json:"grades"`
	Lag             time.Duration  `json:"lag"` // from the last delta to its findings, in nanoseconds; 0: there was none
	LagOf           string         `json:"lagOf,omitempty"`
	Envs            []string       `json:"environments"`
	First           []Action       `json:"first"` // what to do first
}

// Action is one thing to do that takes risk away from many images.
type Action struct {
	Severity finding.Severity `json:"severity"`
	Title    string           `json:"title"`
	Says     string           `json:"says"`
	Package  string           `json:"package"`
	Type     string           `json:"type"`
	Images   int              `json:"images"`
	Command  string           `json:"command"`
	Image    string           `json:"image"` // id of the worst of them
}

// maxActions is how many actions are offered: one screen, and a morning.
const maxActions = 7

// Overview counts the fleet, or one environment of it.
func (x *Index) Overview(env string) Overview {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return remember(x, "overview "+env, func() Overview { return x.overview(env) })
}

func (x *Index) overview(env string) Overview {
	o := Overview{Grades: map[string]int{}, Envs: []string{}, First: []Action{}, Lag: x.lag, LagOf: x.lagOf, Packages: len(x.packageRows())}
	for _, c := range x.running {
		if env == "" || c.Env == env {
			o.Containers++
		}
	}
	var rows []ImageRow
	for _, r := range x.rows() {
		if r.Env != "" && !slices.Contains(o.Envs, r.Env) {
			o.Envs = append(o.Envs, r.Env)
		}
		if env != "" && r.Env != env {
			continue
		}
		rows = append(rows, r)
		o.Images++
		o.Running += btoi(r.Running > 0)
		o.FixableCritical += btoi(r.Fixable.Critical > 0)
		o.RunningFixable += btoi(r.Fixable.Critical > 0 && r.Running > 0)
		o.Unknown += btoi(r.Unknown)
		o.Unjudged += btoi(!r.Judged)
		o.Grades[r.Grade]++
	}
	slices.Sort(o.Envs)
	for _, v := range x.vulnRows() {
		*o.Counts.Of(v.Severity)++
		o.Vulns++
	}
	o.First = x.actions(rows, o.Running > 0)
	return o
}

// actions are the upgrades that take the most risk away: of what runs where
// anything does.
func (x *Index) actions(rows []ImageRow, running bool) []Action {
	type sum struct {
		counts    Counts
		seen      map[string]bool // vulnerabilities
		images    *roaring.Bitmap
		typ, name string
	}
	wanted := roaring.New()
	for i := range rows {
		if r := &rows[i]; (!running || r.Running > 0) && r.Fixable.Critical+r.Fixable.High > 0 {
			wanted.Add(x.byID[r.ID])
		}
	}
	by := map[[2]string]*sum{}
	for _, p := range x.parts {
		if !p.images.Intersects(wanted) {
			continue
		}
		for i := range p.open {
			f := &p.open[i]
			v := f.Vuln
			if v.FixedIn == "" || f.Severity.Place() > finding.High.Place() || f.Suppressed != nil || x.excepted(&f.Finding, "") != nil {
				continue
			}
			key := [2]string{v.PackageType, v.Name}
			s := by[key]
			if s == nil {
				s = &sum{seen: map[string]bool{}, images: roaring.New(), typ: v.PackageType, name: v.Name}
				by[key] = s
			}
			s.images.Or(p.images)
			if !s.seen[v.ID] {
				s.seen[v.ID] = true
				*s.counts.Of(f.Severity)++
			}
		}
	}
	var out []Action
	weight := map[string]int{}
	for _, s := range by {
		s.images.And(wanted)
		if s.images.IsEmpty() {
			continue
		}
		first := x.images[s.images.Minimum()]
		a := Action{Severity: finding.High, Package: s.name, Type: s.typ, Images: int(s.images.GetCardinality()), Image: first.ID}
		if s.counts.Critical > 0 {
			a.Severity = finding.Critical
		}
		a.Title = fmt.Sprintf("Raise %s in %s", s.name, finding.Count(a.Images, "image"))
		a.Says = fmt.Sprintf("takes %d critical and %d high vulnerabilities away", s.counts.Critical, s.counts.High)
		a.Command = "drydock recommend " + first.Ref
		if s.typ != "deb" && s.typ != "apk" && s.typ != "rpm" {
			a.Command = "drydock fix ."
		}
		weight[a.Title] = (10*s.counts.Critical + s.counts.High) * a.Images
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b Action) int {
		return cmp.Or(cmp.Compare(weight[b.Title], weight[a.Title]), cmp.Compare(b.Images, a.Images), strings.Compare(a.Title, b.Title))
	})
	return append([]Action{}, out[:min(len(out), maxActions)]...)
}
