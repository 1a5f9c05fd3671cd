package index

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/sorting"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// Rest are the advisories at rest: a database as a scan opens it.
type Rest interface {
	vuln.Sifter
	vuln.Coverer
	vuln.Packager
	// Own returns the advisories whose own id is one of these.
	Own(ctx context.Context, ids map[string]bool) ([]vuln.Advisory, error)
}

// Lookup is the advisories at rest with what deltas brought since: a record of a
// delta stands in the place of what its source said before under its id, and of
// nothing else.
type Lookup struct {
	Rest
	byName  map[vuln.Name][]vuln.Advisory
	records map[key]store.Record
	ecos    map[string]int          // how many advisories of each ecosystem
	metas   map[string]map[key]bool // by vulnerability: the records that tell of it
}

// key names a record: its source and id.
type key struct{ source, id string }

// NewLookup is a Lookup without deltas.
func NewLookup(rest Rest) *Lookup {
	return &Lookup{
		Rest: rest, byName: map[vuln.Name][]vuln.Advisory{}, records: map[key]store.Record{},
		ecos: map[string]int{}, metas: map[string]map[key]bool{},
	}
}

// Put takes a record in. Nobody may ask the Lookup meanwhile.
func (l *Lookup) Put(r store.Record) {
	k := key{r.Source, r.ID}
	old := l.records[k]
	for i := range old.Advisories {
		a := &old.Advisories[i]
		n := vuln.Name{Ecosystem: a.Ecosystem, Package: a.Package}
		l.byName[n] = slices.DeleteFunc(l.byName[n], func(o vuln.Advisory) bool { return o.ID == a.ID && o.Source == a.Source })
		l.ecos[a.Ecosystem]--
	}
	for _, m := range old.Titles {
		delete(l.metas[m.ID], k)
	}
	l.records[k] = r
	for i := range r.Advisories {
		a := r.Advisories[i]
		n := vuln.Name{Ecosystem: a.Ecosystem, Package: a.Package}
		l.byName[n] = append(l.byName[n], a)
		l.ecos[a.Ecosystem]++
	}
	for _, m := range r.Titles {
		if l.metas[m.ID] == nil {
			l.metas[m.ID] = map[key]bool{}
		}
		l.metas[m.ID][k] = true
	}
}

// Advisories implements [vuln.Lookup].
func (l *Lookup) Advisories(ctx context.Context, ecosystem, name string) ([]vuln.Advisory, error) {
	return l.Sift(ctx, ecosystem, name, nil)
}

// Sift implements [vuln.Sifter].
func (l *Lookup) Sift(ctx context.Context, ecosystem, name string, keep func(*vuln.Advisory) bool) ([]vuln.Advisory, error) {
	list, err := l.Rest.Sift(ctx, ecosystem, name, keep)
	if err != nil || len(l.records) == 0 {
		return list, err
	}
	list = slices.DeleteFunc(slices.Clone(list), func(a vuln.Advisory) bool {
		_, again := l.records[key{a.Source, a.ID}]
		return again
	})
	for _, a := range l.byName[vuln.Name{Ecosystem: ecosystem, Package: name}] {
		if keep == nil || keep(&a) {
			list = append(list, a)
		}
	}
	sorting.By(list, func(a, b vuln.Advisory) int {
		return cmp.Or(strings.Compare(a.ID, b.ID), strings.Compare(a.Source, b.Source))
	})
	return list, nil
}

// Knows implements [vuln.Lookup].
func (l *Lookup) Knows(ctx context.Context, ecosystem string) bool {
	return l.ecos[ecosystem] > 0 || l.Rest.Knows(ctx, ecosystem)
}

// Meta implements [vuln.Lookup]: what records of deltas say stands before what is
// at rest, the newest record first.
func (l *Lookup) Meta(ctx context.Context, id string) (vuln.Meta, error) {
	out, err := l.Rest.Meta(ctx, id)
	if err != nil || len(l.metas[id]) == 0 {
		return out, err
	}
	by := slices.SortedFunc(maps.Keys(l.metas[id]), func(a, b key) int {
		return cmp.Or(l.records[a].Modified.Compare(l.records[b].Modified), strings.Compare(a.source, b.source), strings.Compare(a.id, b.id))
	})
	out.ID = id
	for _, k := range by {
		for _, m := range l.records[k].Titles {
			if m.ID != id {
				continue
			}
			switch k.source {
			case SourceKEV:
				out.KEV, out.KEVAdded = m.KEV, m.KEVAdded
			case SourceEPSS:
				out.EPSS = m.EPSS
			}
			if m.Title != "" {
				out.Title, out.TitleBy = m.Title, m.TitleBy
			}
			if m.Word != finding.Unspecified {
				out.Word, out.WordBy = m.Word, m.WordBy
			}
		}
	}
	return out, nil
}

// The sources of facts about vulnerabilities themselves.
const (
	SourceKEV  = "kev"
	SourceEPSS = "epss"
)

// Before is what sources say at rest under ids, by these.
func (l *Lookup) Before(ctx context.Context, ids []string) (map[string][]vuln.Advisory, error) {
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	all, err := l.Own(ctx, wanted)
	out := make(map[string][]vuln.Advisory, len(wanted))
	for _, a := range all {
		out[a.ID] = append(out[a.ID], a)
	}
	return out, err
}
