package stream

import (
	"cmp"
	"context"
	"reflect"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/sorting"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// Differences is what other advisories at rest say otherwise of the packages that
// the fleet has: a delta that is computed. More than so many records are not worth
// telling apart; the delta is then not computed, and everything is matched again.
func Differences(ctx context.Context, x *index.Index, old, now index.Rest) (store.Delta, error) {
	d := differ{old: old, now: now, at: map[recordKey]int{}, metas: map[string]string{}}
	for _, n := range x.Names() {
		if err := d.name(ctx, n); err != nil {
			return store.Delta{}, err
		}
		if len(d.out) > maxRecords {
			return store.Delta{}, nil
		}
	}
	sorting.By(d.out, func(a, b store.Changed) int {
		return cmp.Or(strings.Compare(a.Source, b.Source), strings.Compare(a.ID, b.ID))
	})
	return store.Delta{Computed: true, Records: d.out}, nil
}

type recordKey struct{ source, id string }

type differ struct {
	old, now index.Rest
	out      []store.Changed
	at       map[recordKey]int
	metas    map[string]string // how what is told of a vulnerability changed; empty: it did not
}

// name compares what both say of a package.
func (d *differ) name(ctx context.Context, n vuln.Name) error {
	was, err := d.old.Sift(ctx, n.Ecosystem, n.Package, nil)
	if err != nil {
		return err
	}
	is, err := d.now.Sift(ctx, n.Ecosystem, n.Package, nil)
	if err != nil {
		return err
	}
	bySource := func(list []vuln.Advisory) (map[recordKey][]vuln.Advisory, []recordKey) {
		m, order := map[recordKey][]vuln.Advisory{}, []recordKey(nil)
		for _, a := range list {
			k := recordKey{a.Source, a.ID}
			if m[k] == nil {
				order = append(order, k)
			}
			m[k] = append(m[k], a)
		}
		return m, order
	}
	before, order := bySource(was)
	after, more := bySource(is)
	for _, k := range append(order, more...) {
		r := store.Record{Source: k.source, ID: k.id, Advisories: after[k]}
		if change := changeOf(before[k], len(before[k]) > 0, &r, nil); change != "" {
			d.add(k, change, n)
		}
	}
	for i := range is {
		for _, id := range append([]string{is[i].ID}, is[i].Aliases...) {
			change, err := d.meta(ctx, id)
			if err != nil {
				return err
			}
			if change != "" {
				d.add(recordKey{is[i].Source, id}, change, n)
			}
		}
	}
	return nil
}

func (d *differ) add(k recordKey, change string, n vuln.Name) {
	i, ok := d.at[k]
	if !ok {
		i = len(d.out)
		d.at[k] = i
		d.out = append(d.out, store.Changed{Source: k.source, ID: k.id, Change: change, Also: []string{k.id}})
	}
	if c := &d.out[i]; !slices.Contains(c.Names, n) {
		c.Names = append(c.Names, n)
	}
}

// meta says in a word how what both tell of a vulnerability differs.
func (d *differ) meta(ctx context.Context, id string) (string, error) {
	if change, ok := d.metas[id]; ok {
		return change, nil
	}
	was, err := d.old.Meta(ctx, id)
	if err != nil {
		return "", err
	}
	is, err := d.now.Meta(ctx, id)
	if err != nil {
		return "", err
	}
	change := ""
	switch {
	case was.KEV != is.KEV:
		change = "known exploited"
	case was.EPSS != is.EPSS:
		was.EPSS = is.EPSS
		change = "score"
	}
	if was.KEV, was.KEVAdded = is.KEV, is.KEVAdded; !reflect.DeepEqual(was, is) {
		change = cmp.Or(change, "severity")
	}
	d.metas[id] = change
	return change, nil
}
