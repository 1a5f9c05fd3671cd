package db

import (
	"context"
	"slices"
	"sort"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// Knows reports whether the database has advisories of the ecosystem, release
// included. "Ubuntu:22.04" stands for "Ubuntu:22.04:LTS" too.
func (d *DB) Knows(_ context.Context, ecosystem string) bool {
	name, release := splitEcosystem(ecosystem)
	b := d.bases[name]
	return b != nil && b.release(release) >= 0
}

// Ecosystems lists what Knows is true of, sorted.
func (d *DB) Ecosystems() []string {
	var out []string
	for _, b := range d.bases {
		out = append(out, b.full...)
	}
	slices.Sort(out)
	return out
}

func (b *base) release(r string) int {
	if i := slices.Index(b.releases, r); i >= 0 {
		return i
	}
	plain := plainRelease(r)
	return slices.IndexFunc(b.releases, func(have string) bool { return plainRelease(have) == plain })
}

// Advisories returns every advisory of a package, ordered by id. Slices of the
// result may be shared among advisories and must not be changed.
func (d *DB) Advisories(ctx context.Context, ecosystem, name string) ([]vuln.Advisory, error) {
	return d.Sift(ctx, ecosystem, name, nil)
}

// Sift implements [vuln.Sifter]. What advisories have in common is kept or left
// out at once.
func (d *DB) Sift(ctx context.Context, ecosystem, name string, keep func(*vuln.Advisory) bool) ([]vuln.Advisory, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	baseName, rel := splitEcosystem(ecosystem)
	b := d.bases[baseName]
	if b == nil {
		return nil, nil
	}
	column := b.release(rel)
	if column < 0 {
		return nil, nil
	}
	normal := vuln.NormalName(baseName, name)
	found, err := d.named(b, normal, selection{column: column, keep: keep})
	if found == nil && err == nil && normal != name { // as files of before that spelling have it
		found, err = d.named(b, name, selection{column: column, keep: keep})
	}
	return found, err
}

// named decodes the row of a package; nil: there is none.
func (d *DB) named(b *base, name string, of selection) ([]vuln.Advisory, error) {
	p := b.find(name)
	if p == nil {
		return nil, nil
	}
	block, err := d.packageBlock(p)
	if err != nil {
		return nil, err
	}
	i, ok := slices.BinarySearch(block.ids, name)
	if !ok {
		return nil, nil
	}
	return d.decode(b, name, block.row(i), of)
}

// find is the block that may hold the package.
func (b *base) find(name string) *packageBlock {
	i := sort.Search(len(b.packages), func(i int) bool { return b.packages[i].first > name }) - 1
	if i < 0 {
		return nil
	}
	p := &b.packages[i]
	want := fingerprint(name)
	at := func(j int) uint16 { return uint16(p.hashes[2*j]) | uint16(p.hashes[2*j+1])<<8 }
	if j := sort.Search(p.n, func(j int) bool { return at(j) >= want }); j == p.n || at(j) != want {
		return nil
	}
	return p
}

// Meta returns what is known of a vulnerability, the zero Meta for nothing.
func (d *DB) Meta(ctx context.Context, id string) (vuln.Meta, error) {
	if err := ctx.Err(); err != nil {
		return vuln.Meta{}, err
	}
	var m vuln.Meta
	err := d.metaRow(&d.metas, &d.metaBlocks, id, func(row string) (err error) {
		m, err = d.meta(id, row)
		return err
	})
	if err != nil {
		return vuln.Meta{}, err
	}
	err = d.metaRow(&d.titles, &d.titleBlocks, id, func(row string) error {
		m.ID = id
		return d.title(&m, row)
	})
	return m, err
}

// title reads a row of the table of titles, whose memory is another's next.
func (d *DB) title(m *vuln.Meta, row string) error {
	r := &reader{s: row}
	m.TitleBy = d.word(r)
	if r.bad || len(r.s) > maxTitle || r.s == "" {
		return d.corrupt("%s: its title does not read", m.ID)
	}
	m.Title = strings.Clone(r.s)
	return nil
}

func (d *DB) meta(id, row string) (vuln.Meta, error) {
	r := &reader{s: row}
	flags := r.number(maxBlock)
	m := vuln.Meta{ID: id}
	var err error
	if n := flags / metaCVSS; n > 0 {
		if n > len(r.s) {
			return vuln.Meta{}, d.corrupt("%s: its vectors are not there", id)
		}
		if m.CVSS, err = d.readVectors(r, n, nil); err != nil {
			return vuln.Meta{}, err
		}
		takeWord(&m)
	}
	if flags&metaEPSS != 0 {
		if m.EPSS, err = d.score(r); err != nil {
			return vuln.Meta{}, err
		}
	}
	if flags&metaKEV != 0 {
		m.KEV, m.KEVAdded = true, dateString(r.uvarint())
	}
	if r.bad || len(r.s) > 0 {
		return vuln.Meta{}, d.corrupt("%s: what is known of it does not read", id)
	}
	return m, nil
}

// readVectors appends n vectors.
func (d *DB) readVectors(r *reader, n int, out []finding.CVSS) ([]finding.CVSS, error) {
	vectors, err := d.vectorTable()
	if err != nil {
		return nil, err
	}
	for range n {
		source := d.word(r)
		v := r.number(len(vectors) - 1)
		if r.bad || len(vectors) == 0 {
			return nil, d.corrupt("a vector is not there")
		}
		out = append(out, finding.CVSS{Vector: vectors[v], Source: source})
	}
	return out, nil
}

func (d *DB) word(r *reader) string {
	i := r.uvarint()
	if i >= uint64(len(d.words)) {
		r.fail()
		return ""
	}
	return d.words[i]
}

// vectorTable decodes the table of CVSS vectors once.
func (d *DB) vectorTable() ([]string, error) {
	d.once.Do(func() {
		s, err := d.plain(d.vectors)
		if err != nil {
			d.vectorErr = err
			return
		}
		r := &reader{s: s}
		n := r.count(maxBlock)
		all := make([]string, 0, n)
		for range n {
			all = append(all, r.str())
		}
		if r.bad || len(r.s) > 0 || n != d.nvector {
			d.vectorErr = d.corrupt("the table of vectors does not read")
			return
		}
		d.vectorText = all
	})
	return d.vectorText, d.vectorErr
}
