package db

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sort"
)

// Packaged says from which source package a distribution builds a binary one.
type Packaged struct {
	Base   string // the ecosystem, without release
	Binary string
	Source string // empty: the same name
}

// putPackaged writes which binaries come from which source, sorted.
func putPackaged(all []Packaged) ([]byte, error) {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b Packaged) int {
		return cmp.Or(cmp.Compare(a.Base, b.Base), cmp.Compare(a.Binary, b.Binary), cmp.Compare(a.Source, b.Source))
	})
	all = slices.Compact(all)
	b := putInt(nil, len(all))
	for i, p := range all {
		if i > 0 && all[i-1].Base == p.Base && all[i-1].Binary == p.Binary {
			return nil, fmt.Errorf("%s package %.40q has two sources", p.Base, p.Binary)
		}
		for _, s := range []string{p.Base, p.Binary, p.Source} {
			if len(s) > maxID {
				return nil, fmt.Errorf("a package's name of %d bytes", len(s))
			}
			b = putString(b, s)
		}
	}
	return b, nil
}

func readPackaged(r *reader) []Packaged {
	n := r.count(maxBlock / 3)
	all := make([]Packaged, 0, n)
	for range n {
		all = append(all, Packaged{Base: r.str(), Binary: r.str(), Source: r.str()})
	}
	if !slices.IsSortedFunc(all, func(a, b Packaged) int { return cmp.Or(cmp.Compare(a.Base, b.Base), cmp.Compare(a.Binary, b.Binary)) }) {
		r.fail()
	}
	return all
}

// Packaged lists which binaries come from which source.
func (d *DB) Packaged() ([]Packaged, error) {
	if d.packaged.ref.size == 0 {
		return nil, nil // of an older format
	}
	return d.packaged.get(d, readPackaged)
}

// SourceOf implements [vuln.Packager]. Ubuntu's packages are Debian's by name.
func (d *DB) SourceOf(_ context.Context, ecosystem, binary string) (source string, ok bool, err error) {
	all, err := d.Packaged()
	if err != nil {
		return "", false, err
	}
	base, _ := splitEcosystem(ecosystem)
	switch base {
	case "Ubuntu":
		base = "Debian"
	case "Wolfi", "Chainguard":
		base = "Alpine"
	}
	i := sort.Search(len(all), func(i int) bool {
		return cmp.Or(cmp.Compare(all[i].Base, base), cmp.Compare(all[i].Binary, binary)) >= 0
	})
	if i == len(all) || all[i].Base != base || all[i].Binary != binary {
		return "", false, nil
	}
	return cmp.Or(all[i].Source, binary), true, nil
}

// SourceOf implements [vuln.Packager]: the word of the first database that has one.
func (s *Stack) SourceOf(ctx context.Context, ecosystem, binary string) (source string, ok bool, err error) {
	for _, d := range s.dbs {
		if source, ok, err = d.SourceOf(ctx, ecosystem, binary); ok || err != nil {
			return source, ok, err
		}
	}
	return "", false, nil
}

// packaged is what the first database that has any knows.
func (s *Stack) packaged() ([]Packaged, error) {
	for _, d := range s.dbs {
		if all, err := d.Packaged(); len(all) > 0 || err != nil {
			return all, err
		}
	}
	return nil, nil
}
