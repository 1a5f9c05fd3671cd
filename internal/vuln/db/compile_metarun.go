package db

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// metaRun is what is known of vulnerabilities, in the order of their identifiers, each
// at most once; io.EOF follows the last. The list of vectors is good until the next.
type metaRun interface {
	meta(*vuln.Meta) error
}

// spillMetas writes what is held as a run.
func (c *compiler) spillMetas() (*spilledMetas, error) {
	type keyed struct {
		key string
		m   *vuln.Meta
	}
	all := make([]keyed, 0, len(c.metas))
	for id, m := range c.metas {
		all = append(all, keyed{sortKey(id), m})
	}
	slices.SortFunc(all, func(a, b keyed) int {
		return cmp.Or(strings.Compare(a.key, b.key), strings.Compare(a.m.ID, b.m.ID))
	})
	start := c.aside.size()
	var b []byte
	for i := range all {
		b = putWholeMeta(b[:0], all[i].m)
		if err := c.aside.entry(b); err != nil {
			return nil, err
		}
	}
	return &spilledMetas{from: c.aside, at: c.aside.since(start)}, nil
}

type spilledMetas struct {
	from *spill
	at   section
	in   *entries
}

func (s *spilledMetas) meta(m *vuln.Meta) error {
	if s.in == nil {
		s.in = s.from.entries(s.at)
	}
	r, err := s.in.next()
	if err != nil {
		return err
	}
	return readWholeMeta(&reader{s: strings.Clone(r.s)}, m)
}

// The parts of what is known of a vulnerability, as it is set aside.
const (
	wholeEPSS = 1 << iota
	wholeKEV
	wholeWord
	wholeTitle
	wholeState
)

func putWholeMeta(b []byte, m *vuln.Meta) []byte {
	flags := byte(0)
	set := func(bit byte, on bool) {
		if on {
			flags |= bit
		}
	}
	set(wholeEPSS, m.EPSS != (finding.EPSS{}))
	set(wholeKEV, m.KEV)
	set(wholeWord, m.Word != finding.Unspecified)
	set(wholeTitle, m.Title != "")
	set(wholeState, m.Pending != "" || m.Rejected != "")
	b = append(putString(b, m.ID), flags)
	b = putInt(b, len(m.CVSS))
	for _, v := range m.CVSS {
		b = putString(putString(b, v.Source), v.Vector)
	}
	if flags&wholeEPSS != 0 {
		b = putUint(putUint(b, math.Float64bits(m.EPSS.Score)), math.Float64bits(m.EPSS.Percentile))
		b = putString(b, m.EPSS.Date)
	}
	if flags&wholeKEV != 0 {
		b = putString(b, m.KEVAdded)
	}
	if flags&wholeWord != 0 {
		b = putString(append(b, byte(m.Word)), m.WordBy)
	}
	if flags&wholeTitle != 0 {
		b = putString(putString(b, m.Title), m.TitleBy)
	}
	if flags&wholeState != 0 {
		b = putString(putString(b, m.Pending), m.Rejected)
	}
	return b
}

func readWholeMeta(r *reader, m *vuln.Meta) error {
	*m = vuln.Meta{ID: r.str(), CVSS: m.CVSS[:0]}
	flags := r.byte()
	for range r.count(len(r.s)) {
		m.CVSS = append(m.CVSS, cvss(r.str(), r.str()))
	}
	if flags&wholeEPSS != 0 {
		score, percentile := math.Float64frombits(r.uvarint()), math.Float64frombits(r.uvarint())
		m.EPSS = finding.EPSS{Score: score, Percentile: percentile, Date: r.str()}
	}
	if flags&wholeKEV != 0 {
		m.KEV, m.KEVAdded = true, r.str()
	}
	if flags&wholeWord != 0 {
		m.Word, m.WordBy = finding.Severity(r.byte()), r.str()
	}
	if flags&wholeTitle != 0 {
		m.Title, m.TitleBy = r.str(), r.str()
	}
	if flags&wholeState != 0 {
		m.Pending, m.Rejected = r.str(), r.str()
	}
	if r.bad || len(r.s) > 0 {
		return fmt.Errorf("%.40q: what was set aside does not read", m.ID)
	}
	return nil
}

// partMetas is a table of a compiled database as a run.
type partMetas struct {
	d       *DB
	t       *table
	titles  bool
	block   names
	plain   []byte
	at, row int
}

func (p *partMetas) meta(m *vuln.Meta) error {
	for p.row == p.block.column.len() {
		if p.at == len(p.t.blocks) {
			p.plain, p.block, p.row = nil, names{}, 0
			return io.EOF
		}
		ref := p.t.blocks[p.at]
		var err error
		if p.plain, err = p.d.plainInto(p.plain, ref); err != nil {
			return err
		}
		if !p.block.table(&reader{s: text(p.plain)}, p.t.height(p.at)) {
			return p.d.corrupt("a block at byte %d is not one", ref.at)
		}
		p.at, p.row = p.at+1, 0
	}
	id, row := p.block.column.id(p.row), p.block.row(p.row)
	p.row++
	if p.titles {
		*m = vuln.Meta{ID: id}
		return p.d.title(m, row)
	}
	var err error
	if *m, err = p.d.meta(id, row); err == nil {
		err = checkMeta(m)
	}
	return err
}

// metaHead is a run and what it has next.
type metaHead struct {
	metaRun
	m     vuln.Meta
	key   []byte
	order int
}

func (h *metaHead) next() error {
	if err := h.meta(&h.m); err != nil {
		return err
	}
	prefix, n, ok := splitID(h.m.ID)
	h.key = appendKey(h.key[:0], h.m.ID, prefix, n, ok)
	return nil
}

// mergedMetas are the metas of all runs, as they will be written.
type mergedMetas struct {
	all           section
	known, titled int // how many have facts, and a title
	epss          epssTable
}

// mergeMetas reads the runs once, side by side.
func (c *compiler) mergeMetas() (*mergedMetas, error) {
	h := &heads[*metaHead]{less: func(a, b *metaHead) bool {
		if c := bytes.Compare(a.key, b.key); c != 0 {
			return c < 0
		}
		return cmp.Or(cmp.Compare(a.m.ID, b.m.ID), cmp.Compare(a.order, b.order)) < 0
	}}
	in := make([]*metaHead, len(c.metaRuns))
	for i, r := range c.metaRuns {
		in[i] = &metaHead{metaRun: r, order: i}
	}
	if err := h.open(in, (*metaHead).next); err != nil {
		return nil, err
	}
	out := &mergedMetas{}
	start := c.aside.size()
	var days epssDays
	var b []byte
	var have vuln.Meta
	for len(h.all) > 0 {
		first := h.all[0]
		have = vuln.Meta{ID: strings.Clone(first.m.ID)}
		for len(h.all) > 0 && h.all[0].m.ID == have.ID {
			if err := joinMeta(&have, h.all[0].m); err != nil {
				return nil, err
			}
			if err := h.advance((*metaHead).next); err != nil {
				return nil, err
			}
		}
		if isKnown(&have) {
			out.known++
		}
		if have.Title != "" {
			out.titled++
			c.words.use(have.TitleBy)
		}
		for _, v := range written(&have) {
			c.words.use(v.Source)
			c.vectors.use(v.Vector)
		}
		days.add(have.EPSS)
		b = putWholeMeta(b[:0], &have)
		if err := c.aside.entry(b); err != nil {
			return nil, err
		}
	}
	c.metaRuns = nil
	out.all, out.epss = c.aside.since(start), days.table()
	return out, nil
}

func isKnown(m *vuln.Meta) bool {
	return m.KEV || len(written(m)) > 0 || m.EPSS != (finding.EPSS{})
}

// putMetas writes two tables: what is known of each vulnerability, and the
// titles of those that have one, so that whoever needs no title reads none.
func (c *compiler) putMetas(index []byte, out *blockWriter, metas *mergedMetas) ([]byte, error) {
	var m vuln.Meta
	table := func(rows int, wanted func() bool, put func([]byte) []byte) error {
		t := out.table(index, rows, metaRows)
		err := c.each(metas.all, func(r *reader) error {
			if err := readWholeMeta(r, &m); err != nil || !wanted() {
				return err
			}
			return t.row(m.ID, put)
		})
		if err == nil {
			index, err = t.end()
		}
		return err
	}
	err := table(metas.known, func() bool { return isKnown(&m) }, func(b []byte) []byte {
		return c.putMeta(b, &m, &metas.epss)
	})
	return index, errors.Join(err, table(metas.titled, func() bool { return m.Title != "" }, func(b []byte) []byte {
		return append(putInt(b, c.words.at[m.TitleBy]), m.Title...)
	}))
}
