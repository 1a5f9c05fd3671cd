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
	"github.com/drydock-dev/drydock/internal/sorting"
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
	defer x.read()()
	by := remember(x, "bases", x.baseRows)
	var all []BaseRow
	for _, b := range by {
		if q.holds(b.Base, b.Distro) && (!q.Running || b.Running > 0) {
			all = append(all, b)
		}
	}
	column, sign := q.order("images")
	sorting.By(all, func(a, b BaseRow) int {
		first := sign * cmp.Compare(b.Images, a.Images)
		switch column {
		case "base":
			first = sign * strings.Compare(a.Base, b.Base)
		case "counts":
			first = sign * a.Worst.compare(b.Worst)
		}
		return cmp.Or(first, strings.Compare(a.Base, b.Base))
	})
	return pageOf(all, q, func(r *BaseRow) string { return r.Base })
}

func (x *Index) baseRows() []BaseRow {
	at := map[string]int{}
	var out []BaseRow
	for _, img := range x.fleet.images {
		r := &img.row
		name := cmp.Or(r.Base, r.Distro, "unknown")
		i, ok := at[name]
		if !ok {
			i = len(out)
			at[name] = i
			out = append(out, BaseRow{Base: name, Known: r.Base != "", Distro: r.Distro})
			if inv := numbered(x.inventories, img.Inventory); inv != nil {
				out[i].Supported = inv.until
				out[i].Ended = !inv.until.IsZero() && inv.until.Before(x.now())
			}
		}
		b := &out[i]
		b.Images++
		b.Running += btoi(r.Running > 0)
		w, c := &b.Worst, &r.Counts
		w.Critical, w.High, w.Medium = max(w.Critical, c.Critical), max(w.High, c.High), max(w.Medium, c.Medium)
		w.Low, w.Negligible, w.Unspecified = max(w.Low, c.Low), max(w.Negligible, c.Negligible), max(w.Unspecified, c.Unspecified)
	}
	return out
}

// RunningRow is a container with the image that it runs.
type RunningRow struct {
	store.Container
	Image  *ImageRow `json:"image,omitempty"`  // nil: nobody sent that image
	Newest string    `json:"newest,omitempty"` // id of the image that its tag means now, where that is another
}

// Running lists the containers.
func (x *Index) Running(q Query) List[RunningRow] {
	defer x.read()()
	all := []RunningRow{}
	for _, c := range x.running {
		row := RunningRow{Container: c}
		if img := x.runs(&c); img != nil {
			row.Image = &img.row
			now := x.byRef[c.Ref]
			if moved := x.byDigest[finding.Digest(c.Moved)]; c.Moved != "" && moved != nil {
				now = moved
			}
			if now != nil && now != img && (c.Digest == "" || now.Digest != "") {
				row.Newest = now.ID
			}
		}
		if q.holds(c.Name, c.Ref, c.Host, c.Digest) && (q.Env == "" || c.Env == q.Env) {
			all = append(all, row)
		}
	}
	sorting.By(all, func(a, b RunningRow) int {
		switch {
		case a.Image == nil || b.Image == nil:
			return cmp.Or(cmp.Compare(btoi(a.Image == nil), btoi(b.Image == nil)), strings.Compare(a.Name, b.Name))
		default:
			return cmp.Or(a.Image.Counts.compare(b.Image.Counts), strings.Compare(a.Name, b.Name))
		}
	})
	l := pageOf(all, q, func(r *RunningRow) string { return r.ID })
	for i := range l.Items {
		if r := l.Items[i].Image; r != nil {
			row := *r // what is counted next is not this reader's
			l.Items[i].Image = &row
		}
	}
	return l
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Exceptions lists exceptions, those that hold first.
func (x *Index) Exceptions(q Query) List[ExceptionRow] {
	defer x.read()()
	all := []ExceptionRow{}
	for i := range x.exceptions {
		e := x.exceptions[i]
		if !q.holds(e.Vuln, e.Package, e.Image, e.Reason, e.By, e.ID) {
			continue
		}
		all = append(all, ExceptionRow{Exception: e, Active: Active(&e, x.now())})
	}
	sorting.By(all, func(a, b ExceptionRow) int {
		return cmp.Or(cmp.Compare(btoi(b.Active), btoi(a.Active)), b.Made.Compare(a.Made), strings.Compare(a.ID, b.ID))
	})
	l := pageOf(all, q, func(r *ExceptionRow) string { return r.ID })
	for i := range l.Items {
		e := &l.Items[i]
		e.Images = remember(x, "covered "+e.ID, func() int { return x.coveredBy(&e.Exception) })
	}
	return l
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
	Exceptions      int            `json:"exceptions"`
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
	defer x.read()()
	return remember(x, "overview "+env, func() Overview { return x.overview(env) })
}

func (x *Index) overview(env string) Overview {
	o := Overview{Grades: map[string]int{}, Envs: []string{}, First: []Action{}, Lag: x.lag, LagOf: x.lagOf}
	o.Exceptions = len(x.exceptions)
	for i := range x.running {
		if env == "" || x.running[i].Env == env {
			o.Containers++
		}
	}
	envs := map[string]bool{}
	own := roaring.New()                        // images of the environment
	wanted, run := roaring.New(), roaring.New() // images with critical or high findings that have a fix
	for _, img := range x.fleet.images {
		r := &img.row
		envs[r.Env] = true
		if env != "" && r.Env != env {
			continue
		}
		own.Add(img.N)
		o.Images++
		o.Running += btoi(r.Running > 0)
		o.FixableCritical += btoi(r.Fixable.Critical > 0)
		o.RunningFixable += btoi(r.Fixable.Critical > 0 && r.Running > 0)
		o.Unknown += btoi(r.Unknown)
		o.Unjudged += btoi(!r.Judged)
		o.Grades[r.Grade]++
		if r.Fixable.Critical+r.Fixable.High > 0 {
			wanted.Add(img.N)
			if r.Running > 0 {
				run.Add(img.N)
			}
		}
	}
	delete(envs, "")
	for e := range envs {
		o.Envs = append(o.Envs, e)
	}
	slices.Sort(o.Envs)
	for _, k := range x.fleet.packages {
		if env == "" || k.row.images.Intersects(own) {
			o.Packages++
		}
	}
	for _, v := range x.fleet.vulns {
		if env != "" && !v.images.Intersects(own) {
			continue
		}
		*o.Counts.Of(v.Severity)++
		o.Vulns++
	}
	if o.Running > 0 {
		wanted = run
	}
	o.First = x.actions(wanted)
	return o
}

// urgent is a critical or high vulnerability of a package that has a fix.
type urgent struct {
	packageKey
	vuln     string
	severity finding.Severity
}

// actions are the upgrades that take the most risk away from some images.
func (x *Index) actions(wanted *roaring.Bitmap) []Action {
	type sum struct {
		packageKey
		counts Counts
		seen   map[string]bool // vulnerabilities
		images *roaring.Bitmap
	}
	by := map[packageKey]*sum{}
	for it := x.fleet.urgent.Iterator(); it.HasNext(); {
		p := x.parts[it.Next()]
		if !p.images.Intersects(wanted) {
			continue
		}
		var last *sum
		for _, u := range p.urgent {
			s := by[u.packageKey]
			if s == nil {
				s = &sum{packageKey: u.packageKey, seen: map[string]bool{}, images: roaring.New()}
				by[u.packageKey] = s
			}
			if s != last {
				s.images.Or(p.images)
				last = s
			}
			if !s.seen[u.vuln] {
				s.seen[u.vuln] = true
				*s.counts.Of(u.severity)++
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
	sorting.By(out, func(a, b Action) int {
		return cmp.Or(cmp.Compare(weight[b.Title], weight[a.Title]), cmp.Compare(b.Images, a.Images), strings.Compare(a.Title, b.Title))
	})
	return append([]Action{}, out[:min(len(out), maxActions)]...)
}
