package db

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/vuln"
)

// All yields every advisory, ordered by ecosystem, package, id and release. It
// ends with the first error.
func (d *DB) All(ctx context.Context) iter.Seq2[vuln.Advisory, error] {
	return func(yield func(vuln.Advisory, error) bool) {
		for _, name := range slices.Sorted(maps.Keys(d.bases)) {
			if !d.each(ctx, d.bases[name], nil, yield) {
				return
			}
		}
	}
}

// Records yields every record once, as it is whatever the package: without one, and
// without ranges. Its lists are good until the next. It ends with the first error.
func (d *DB) Records(ctx context.Context) iter.Seq2[vuln.Advisory, error] {
	return func(yield func(vuln.Advisory, error) bool) {
		var scratch keyReader
		for _, name := range slices.Sorted(maps.Keys(d.bases)) {
			run := &partRun{d: d, b: d.bases[name]}
			for {
				key, err := run.record()
				if errors.Is(err, io.EOF) {
					break
				}
				if err = errors.Join(err, ctx.Err()); err != nil {
					yield(vuln.Advisory{}, err)
					return
				}
				if !yield(*scratch.record(key), nil) {
					return
				}
			}
		}
	}
}

// each yields the advisories of an ecosystem; false: yield or an error ended it.
func (d *DB) each(ctx context.Context, b *base, record func(int) bool, yield func(vuln.Advisory, error) bool) bool {
	for i := range b.packages {
		err := ctx.Err()
		var block *names
		if err == nil {
			block, err = d.packageBlock(&b.packages[i])
		}
		if err != nil {
			yield(vuln.Advisory{}, err)
			return false
		}
		for j, name := range block.ids {
			list, err := d.decode(b, name, block.row(j), selection{column: -1, record: record})
			if err != nil {
				yield(vuln.Advisory{}, err)
				return false
			}
			for k := range list {
				if !yield(list[k], nil) {
					return false
				}
			}
		}
	}
	return true
}

// Metas yields all that is known of vulnerabilities, ordered by id, and then
// their titles, each as a Meta of its own.
func (d *DB) Metas(ctx context.Context) iter.Seq2[vuln.Meta, error] {
	return func(yield func(vuln.Meta, error) bool) {
		for i := range d.metas.blocks {
			err := ctx.Err()
			var block *names
			if err == nil {
				block, err = d.tableBlock(&d.metas, i)
			}
			if err != nil {
				yield(vuln.Meta{}, err)
				return
			}
			for j := range block.column.len() {
				id := block.column.id(j)
				m, err := d.meta(id, block.row(j))
				if !yield(m, err) || err != nil {
					return
				}
			}
		}
		d.eachTitle(ctx, yield)
	}
}

func (d *DB) eachTitle(ctx context.Context, yield func(vuln.Meta, error) bool) {
	for i := range d.titles.blocks {
		err := ctx.Err()
		var block *names
		if err == nil {
			block, err = d.tableBlock(&d.titles, i)
		}
		if err != nil {
			yield(vuln.Meta{}, err)
			return
		}
		for j := range block.column.len() {
			m := vuln.Meta{ID: block.column.id(j)}
			err := d.title(&m, block.row(j))
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

// Find returns every advisory that has the id, or names it as an alias or as
// related, in any case, ecosystem and package. It reads the whole database.
func (d *DB) Find(ctx context.Context, id string) ([]vuln.Advisory, error) {
	return d.hit(ctx, func(b *base) (map[int]bool, error) { return d.records(ctx, b, id) })
}

// Own returns every advisory whose own id is one of these, letter by letter. It reads
// the ids of the whole database, once for all of these.
func (d *DB) Own(ctx context.Context, ids map[string]bool) ([]vuln.Advisory, error) {
	return d.hit(ctx, func(b *base) (map[int]bool, error) {
		hits := map[int]bool{}
		for i := range b.records.blocks {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			block, err := d.tableBlock(&b.records, i)
			if err != nil {
				return nil, err
			}
			for j := range block.column.len() {
				if ids[block.column.id(j)] {
					hits[i*tableRows+j] = true
				}
			}
		}
		return hits, nil
	})
}

// hit returns the advisories of the records that of finds.
func (d *DB) hit(ctx context.Context, of func(*base) (map[int]bool, error)) ([]vuln.Advisory, error) {
	var out []vuln.Advisory
	for _, name := range slices.Sorted(maps.Keys(d.bases)) {
		b := d.bases[name]
		hits, err := of(b)
		if err != nil {
			return nil, err
		}
		if len(hits) == 0 {
			continue
		}
		d.each(ctx, b, func(rec int) bool { return hits[rec] }, func(a vuln.Advisory, e error) bool {
			if err = e; e == nil {
				out = append(out, a)
			}
			return e == nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// records finds the records that are or name a vulnerability.
func (d *DB) records(ctx context.Context, b *base, id string) (map[int]bool, error) {
	hits := map[int]bool{}
	named := func(name string) bool { return len(name) == len(id) && strings.EqualFold(name, id) }
	for i := range b.records.blocks {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		block, err := d.tableBlock(&b.records, i)
		if err != nil {
			return nil, err
		}
		for j := range block.column.len() {
			own := block.column.id(j)
			a := vuln.Advisory{ID: own}
			x := &decoder{d: d, b: b}
			if err := x.record(&a, &reader{s: block.row(j)}); err != nil {
				return nil, err
			}
			if x.r.bad {
				return nil, d.corrupt("record %s does not read", own)
			}
			if named(own) || slices.ContainsFunc(a.Aliases, named) || slices.ContainsFunc(a.Related, named) {
				hits[i*tableRows+j] = true
			}
		}
	}
	return hits, nil
}

// Verify reads everything: the checksum of the file, that of each block, and
// every fact. nil says that all of it can be used.
func (d *DB) Verify(ctx context.Context) error {
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(d.data, headerSize, d.size-headerSize)); err != nil {
		return fmt.Errorf("read advisory database %s: %w", d.path, err)
	}
	if [32]byte(sum.Sum(nil)) != d.sha {
		return d.corrupt("the file does not have its checksum")
	}
	for _, err := range d.All(ctx) {
		if err != nil {
			return err
		}
	}
	for _, err := range d.Metas(ctx) {
		if err != nil {
			return err
		}
	}
	_, vectors := d.vectorTable()
	_, covers := d.coverages()
	_, epss := d.epssDay()
	_, packaged := d.Packaged()
	return errors.Join(vectors, covers, epss, packaged)
}

// Rangeless lists the advisories of ecosystems without releases that name neither
// a range's end nor a version, by ecosystem, package and id: everything may be
// meant, or an import lost the range.
func (d *DB) Rangeless(ctx context.Context) ([]vuln.Advisory, error) {
	var out []vuln.Advisory
	var failed error
	for _, name := range slices.Sorted(maps.Keys(d.bases)) {
		b := d.bases[name]
		if a := (vuln.Advisory{Ecosystem: name, Ranges: []vuln.Range{{Events: []vuln.Event{{Introduced: "0"}}}}}); !a.Everything() {
			continue // a distribution's: what has no fix is said so
		}
		if !d.each(ctx, b, nil, func(a vuln.Advisory, err error) bool {
			if failed = err; err == nil && a.Everything() && !a.Withdrawn {
				out = append(out, a)
			}
			return err == nil
		}) {
			return nil, failed
		}
	}
	return out, nil
}
