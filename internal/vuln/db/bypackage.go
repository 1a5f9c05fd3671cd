package db

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"

	"github.com/drydock-dev/drydock/internal/vuln"
)

// ByPackage calls use with what several databases say of one package after the other,
// in the memory of one: advisories, and which database each is of.
func ByPackage(ctx context.Context, all []*DB, use func(list []vuln.Advisory, from []int) error) error {
	names := map[string]bool{}
	for _, d := range all {
		for name := range d.bases {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		var in []*packageHead
		for i, d := range all {
			if b := d.bases[name]; b != nil {
				in = append(in, &packageHead{d: d, b: b, order: i})
			}
		}
		if err := byPackage(ctx, in, use); err != nil {
			return err
		}
	}
	return nil
}

// packageHead is the package that comes next of an ecosystem in a database.
type packageHead struct {
	d       *DB
	b       *base
	order   int
	block   *names
	at, row int
	name    string
}

func (h *packageHead) next() error {
	for h.block == nil || h.row == len(h.block.ids) {
		if h.at == len(h.b.packages) {
			return io.EOF
		}
		p := &h.b.packages[h.at]
		s, err := h.d.plain(p.ref)
		if err != nil {
			return err
		}
		if h.block = packageNames(s, p.n); h.block == nil {
			return h.d.corrupt("a block at byte %d is not one", p.ref.at)
		}
		h.at, h.row = h.at+1, 0
	}
	h.name = h.block.ids[h.row]
	h.row++
	return nil
}

func byPackage(ctx context.Context, in []*packageHead, use func([]vuln.Advisory, []int) error) error {
	h := &heads[*packageHead]{less: func(a, b *packageHead) bool {
		return a.name < b.name || a.name == b.name && a.order < b.order
	}}
	if err := h.open(in, (*packageHead).next); err != nil {
		return err
	}
	for len(h.all) > 0 {
		var list []vuln.Advisory
		var from []int
		for name := h.all[0].name; len(h.all) > 0 && h.all[0].name == name; {
			p := h.all[0]
			more, err := p.d.decode(p.b, name, p.block.row(p.row-1), selection{column: -1})
			if err != nil {
				return err
			}
			list = append(list, more...)
			for range more {
				from = append(from, p.order)
			}
			if err := h.advance((*packageHead).next); err != nil {
				return err
			}
		}
		if err := errors.Join(ctx.Err(), use(list, from)); err != nil {
			return err
		}
	}
	return nil
}
