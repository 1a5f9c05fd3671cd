package index

import (
	"context"
	"reflect"

	"github.com/drydock-dev/drydock/internal/server/store"
)

// maxEnvs is of how many environments days are kept, by their names.
const maxEnvs = 50

// Day is the fleet as it is now, and each of its environments.
func (x *Index) Day() []store.Day {
	day := store.DayOf(x.now())
	all := x.Overview("")
	var out []store.Day
	for _, env := range append([]string{""}, all.Envs[:min(len(all.Envs), maxEnvs)]...) {
		o := x.Overview(env)
		d := store.Day{Day: day, Env: env, Numbers: store.Numbers{
			Images: o.Images, Running: o.Running, Fixable: o.FixableCritical, Critical: o.Counts.Critical, High: o.Counts.High,
			Medium: o.Counts.Medium, Low: o.Counts.Low, Negligible: o.Counts.Negligible, Unspecified: o.Counts.Unspecified,
			Policies: []store.DayPolicy{},
		}}
		for _, p := range x.PolicyList(Query{Env: env, Limit: MaxLimit}).Items {
			d.Policies = append(d.Policies, store.DayPolicy{ID: p.ID, Complies: p.Complies, Violates: p.Violates, Unknown: p.Unknown})
		}
		out = append(out, d)
	}
	return out
}

// Recorder keeps what the fleet was on each day.
type Recorder struct {
	Index *Index
	Store *store.Store

	last map[string]store.Day
}

// Record stores what changed since it was called last, and a row for each new day. A fleet
// without images has no history.
func (r *Recorder) Record(ctx context.Context) error {
	now := map[string]store.Day{}
	var changed []store.Day
	for _, d := range r.Index.Day() {
		if d.Env == "" && d.Images == 0 && r.last == nil {
			return nil
		}
		if old, ok := r.last[d.Env]; !ok || !reflect.DeepEqual(old, d) {
			changed = append(changed, d)
		}
		now[d.Env] = d
	}
	if len(changed) > 0 {
		if err := r.Store.PutDays(ctx, changed); err != nil {
			return err
		}
	}
	r.last = now
	return nil
}

// previous are the images that came in before others of their repository, by number.
func (x *Index) previous() map[uint32]*image {
	return remember(x, "previous", func() map[uint32]*image {
		last, out := map[string]*image{}, map[uint32]*image{}
		for _, img := range x.images { // in the order in which they came in
			if img == nil {
				continue
			}
			if before := last[img.row.Repository]; before != nil {
				out[img.N] = before
			}
			last[img.row.Repository] = img
		}
		return out
	})
}

// compared adds to rows of a page what the image before it in its repository was.
func (x *Index) compared(l List[ImageRow]) List[ImageRow] {
	if len(l.Items) == 0 {
		return l
	}
	all := x.previous()
	for i := range l.Items {
		img := x.byID[l.Items[i].ID]
		if img == nil || all[img.N] == nil {
			continue
		}
		before := &all[img.N].row
		l.Items[i].Before = &Before{ID: before.ID, Ref: before.Ref, Grade: before.Grade, Policies: before.Policies, Counts: before.Counts}
	}
	return l
}

// Before is the image that came in before another of its repository, as it is judged today.
type Before struct {
	ID       string `json:"id"`
	Ref      string `json:"ref"`
	Grade    string `json:"grade"`
	Policies Passed `json:"policies"`
	Counts   Counts `json:"counts"`
}
