package db

import (
	"io"
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// partRun is an ecosystem of a compiled database as a run: what was sorted once is
// not sorted again, and of its advisories none is made.
type partRun struct {
	d *DB
	b *base

	block   names // of records
	plain   []byte
	at, row int // the next block and the next row of this one
	key     []byte
	x       decoder

	pieces  *names // of packages
	pplain  []byte
	pat     int
	prow    int
	columns []reader
	lines   []int
	texts   []string
	ends    []int
}

func (r *partRun) again() run { return &partRun{d: r.d, b: r.b} }

func (r *partRun) releases() []string { return r.b.releases }

func (r *partRun) record() (string, error) {
	for r.row == r.block.column.len() {
		if r.at == len(r.b.records.blocks) {
			r.plain, r.block = nil, names{}
			r.row = 0
			return "", io.EOF
		}
		ref := r.b.records.blocks[r.at]
		var err error
		if r.plain, err = r.d.plainInto(r.plain, ref); err != nil {
			return "", err
		}
		if !r.block.table(&reader{s: text(r.plain)}, r.b.records.height(r.at)) {
			return "", r.d.corrupt("a block at byte %d is not one", ref.at)
		}
		r.at, r.row = r.at+1, 0
	}
	a, err := r.x.wholeRecord(r.d, r.b, r.block.column.id(r.row), r.block.row(r.row))
	if err != nil {
		return "", err
	}
	r.row++
	r.key = recordKey(r.key[:0], &a)
	return text(r.key), nil
}

// wholeRecord reads a record whatever the package. Its lists are good until the next.
func (x *decoder) wholeRecord(d *DB, b *base, id, row string) (vuln.Advisory, error) {
	*x = decoder{d: d, b: b, names: x.names[:0], cvss: x.cvss[:0], urls: x.urls[:0], ends: x.ends[:0]}
	a := vuln.Advisory{ID: id}
	if err := x.record(&a, &reader{s: row}); err != nil {
		return a, err
	}
	if x.r.bad {
		return a, d.corrupt("record %s does not read", id)
	}
	if len(x.urls) > 0 {
		a.URL = string(x.urls)
	}
	return a, nil
}

func (r *partRun) piece(p *piece) error {
	p.reset()
	for r.pieces == nil || r.prow == len(r.pieces.ids) {
		if r.pat == len(r.b.packages) {
			r.pplain, r.pieces = nil, &names{}
			r.prow = 0
			return io.EOF
		}
		ref := &r.b.packages[r.pat]
		var err error
		if r.pplain, err = r.d.plainInto(r.pplain, ref.ref); err != nil {
			return err
		}
		if r.pieces = packageNames(text(r.pplain), ref.n); r.pieces == nil {
			return r.d.corrupt("a block at byte %d is not one", ref.ref.at)
		}
		r.pat, r.prow = r.pat+1, 0
	}
	p.name = r.pieces.ids[r.prow]
	body := &reader{s: r.pieces.row(r.prow)}
	r.prow++
	if r.body(p, body); body.bad || len(body.s) > 0 {
		return r.d.corrupt("package %.80q of %s does not read", p.name, r.b.name)
	}
	return nil
}

// body reads a package as putPackage wrote it.
func (r *partRun) body(p *piece, in *reader) {
	if p.shown = in.str(); p.shown == "" {
		p.shown = p.name
	}
	r.texts, r.ends, r.lines = r.texts[:0], r.ends[:0], r.lines[:0]
	for range in.count(maxBlock) {
		r.texts = append(r.texts, in.str())
	}
	for range in.count(maxBlock) {
		p.text = r.state(p.text, in)
		r.ends = append(r.ends, len(p.text))
		if len(p.text) > maxWork {
			in.fail()
		}
	}
	start := 0
	for _, end := range r.ends {
		p.states = append(p.states, text(p.text[start:end]))
		start = end
	}
	last := 0
	for range in.count(maxRows) {
		last += in.number(1 << 31)
		if last >= r.b.records.rows {
			in.fail()
			return
		}
		r.lines = append(r.lines, last)
	}
	r.columns = slices.Grow(r.columns[:0], len(r.b.releases))[:len(r.b.releases)]
	clear(r.columns)
	for range in.count(len(r.b.releases)) {
		col := in.number(len(r.b.releases) - 1)
		cells := in.take(in.number(maxBlock))
		if in.bad || r.columns[col].s != "" {
			in.fail()
			return
		}
		r.columns[col].s = cells
	}
	for _, line := range r.lines {
		for col := range r.columns {
			if r.columns[col].s == "" {
				continue
			}
			if at := r.columns[col].number(len(p.states)); at > 0 {
				p.rows = append(p.rows, row{uint32(line), uint32(at - 1), uint32(col)})
			}
		}
	}
	for col := range r.columns {
		if r.columns[col].bad || r.columns[col].s != "" {
			in.fail()
		}
	}
}

// state spells a state as stateKey does.
func (r *partRun) state(b []byte, in *reader) []byte {
	sev := in.byte()
	if finding.Severity(sev) > finding.Critical {
		in.fail()
	}
	b = append(b, sev)
	urgency, noFix := r.d.word(in), r.d.word(in)
	b = putString(putString(b, urgency), noFix)
	n := in.count(maxBlock)
	b = putInt(b, n)
	for range n {
		head := in.number(maxBlock << 1)
		kind := rangeTypes()[head&1]
		if head>>1 > len(in.s) {
			in.fail()
			return b
		}
		b = putInt(putString(b, kind), head>>1)
		for range head >> 1 {
			v := in.number(maxBlock)
			b = r.text(append(b, byte(v%eventKinds)), in, v/eventKinds)
		}
	}
	n = in.count(maxBlock)
	b = putInt(b, n)
	for range n {
		b = r.text(b, in, in.number(maxBlock))
	}
	return b
}

// rangeTypes are the types of ranges by their numbers.
func rangeTypes() [2]string { return [2]string{"ECOSYSTEM", "SEMVER"} }

func (r *partRun) text(b []byte, in *reader, i int) []byte {
	if i >= len(r.texts) || len(b) > maxWork {
		in.fail()
		return b
	}
	return putString(b, r.texts[i])
}
