package db

import (
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// selection is which of a package's advisories are wanted.
type selection struct {
	column int                       // of one release; -1: of all
	record func(int) bool            // nil: every record
	keep   func(*vuln.Advisory) bool // nil: every state
}

// decoder takes one package apart. The advisories share what they can: the
// text of the block, the states, and a few slices.
type decoder struct {
	d    *DB
	b    *base
	r    reader
	name string
	out  []vuln.Advisory

	made    []vuln.Advisory // states that were met
	texts   []string
	states  []state
	lines   []int    // the record of each
	columns []column // of each release

	block   *names // of records, and its number
	blockAt int
	work    int // what hostile bytes make this package cost
	limit   int

	ranges []vuln.Range // what advisories point into
	events []vuln.Event
	names  []string
	cvss   []finding.CVSS
	urls   []byte
	ends   []int // of the addresses in urls; equal to the one before: stored in the record
}

// state is decoded when it is first met.
type state struct {
	raw string
	at  int32 // its place in decoder.made, plus one; or unwanted
}

const unwanted = -1

// column is the cells of one release, one a line.
type column struct {
	reader
	wanted bool
}

// decode reads a package's body and returns the advisories wanted, ordered by
// record and then by release.
func (d *DB) decode(b *base, name, body string, want selection) ([]vuln.Advisory, error) {
	x, ok := d.scratch.Get().(*decoder)
	if !ok {
		x = &decoder{}
	}
	x.d, x.b, x.r, x.name, x.blockAt = d, b, reader{s: body}, name, -1
	x.limit = maxWork
	if want.column < 0 {
		x.limit *= max(1, len(b.releases))
	}
	err := x.run(want)
	if err == nil && x.r.bad {
		err = d.corrupt("package %.80q of %s does not read", name, b.name)
	}
	out := x.out
	x.reset()
	d.scratch.Put(x)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// reset keeps what serves the next package and lets go of what is handed out.
func (x *decoder) reset() {
	clear(x.texts)
	clear(x.states)
	clear(x.columns)
	clear(x.made)
	*x = decoder{made: x.made[:0], texts: x.texts[:0], states: x.states[:0], lines: x.lines[:0], columns: x.columns[:0], ends: x.ends[:0], urls: x.urls[:0]}
}

func (x *decoder) run(want selection) error {
	r := &x.r
	if shown := r.str(); shown != "" {
		x.name = shown
	}
	n := r.count(maxBlock)
	for range n {
		x.texts = append(x.texts, r.str())
	}
	for range r.count(maxBlock) {
		x.states = append(x.states, state{raw: x.skipState()})
	}
	last := 0
	for range r.count(maxRows) {
		last += r.number(1 << 31)
		if last >= x.b.records.rows {
			r.fail()
			return nil
		}
		x.lines = append(x.lines, last)
	}
	x.columns = slices.Grow(x.columns, len(x.b.releases))[:len(x.b.releases)]
	for range r.count(len(x.b.releases)) {
		col := r.number(len(x.b.releases) - 1)
		cells := r.take(r.number(maxBlock))
		if r.bad {
			return nil
		}
		if x.columns[col].wanted {
			r.fail() // twice
		}
		if want.column < 0 || want.column == col {
			x.columns[col] = column{reader{s: cells}, true}
		}
	}
	if r.bad || len(r.s) > 0 {
		r.fail()
		return nil
	}
	if want.column >= 0 && want.record == nil {
		n := 0
		for cells := x.columns[want.column].reader; len(cells.s) > 0; {
			at := cells.number(len(x.states))
			if at > 0 && x.keeps(at-1, want.column, want.keep) {
				n++
			}
		}
		if n > 0 {
			x.out = make([]vuln.Advisory, 0, n)
		}
	}
	for _, rec := range x.lines {
		wanted := want.record == nil || want.record(rec)
		for col := range x.columns {
			cells := &x.columns[col]
			if !cells.wanted {
				continue
			}
			at := cells.number(len(x.states))
			if cells.bad {
				r.fail()
				return nil
			}
			if at == 0 || !wanted || !x.keeps(at-1, col, want.keep) {
				continue
			}
			if err := x.add(rec, at-1, col); err != nil || r.bad {
				return err
			}
		}
	}
	for col := range x.columns {
		if len(x.columns[col].s) > 0 {
			r.fail()
			return nil
		}
	}
	x.addresses()
	return nil
}

// keeps decodes a state when it is first met, and reports whether advisories of it
// are wanted. Of one that is not, nothing is held.
func (x *decoder) keeps(at, col int, keep func(*vuln.Advisory) bool) bool {
	s := &x.states[at]
	if s.at != 0 {
		return s.at > 0
	}
	// An event or a version of a byte becomes some words.
	if x.work += 64 * len(s.raw); x.work > x.limit {
		x.r.fail()
		return false
	}
	ranges, events := len(x.ranges), len(x.events)
	a := x.state(s.raw)
	a.Package, a.Ecosystem = x.name, x.b.full[col]
	if keep != nil && !keep(&a) {
		s.at = unwanted
		x.ranges, x.events = x.ranges[:ranges], x.events[:events]
		return false
	}
	x.made = append(x.made, a)
	s.at = int32(len(x.made))
	return true
}

// add appends one advisory.
func (x *decoder) add(rec, at, col int) error {
	s := &x.states[at]
	if at := rec / tableRows; at != x.blockAt {
		block, err := x.d.tableBlock(&x.b.records, at)
		if err != nil {
			return err
		}
		x.block, x.blockAt = block, at
	}
	row := x.block.row(rec % tableRows)
	if x.work += 16*len(row) + 300; x.work > x.limit {
		x.r.fail()
		return nil
	}
	a := x.made[s.at-1]
	a.ID = x.block.column.id(rec % tableRows)
	a.Ecosystem = x.b.full[col]
	if err := x.record(&a, &reader{s: row}); err != nil {
		return err
	}
	x.out = append(x.out, a)
	return nil
}

func (x *decoder) record(a *vuln.Advisory, r *reader) error {
	flags := int(r.byte())
	a.Source = x.d.word(r)
	a.Withdrawn = flags&recordWithdrawn != 0
	if flags&recordCVSS != 0 {
		from := len(x.cvss)
		var err error
		if x.cvss, err = x.d.readVectors(r, r.count(maxBlock), x.cvss); err != nil {
			return err
		}
		a.CVSS = x.cvss[from:len(x.cvss):len(x.cvss)]
	}
	if flags&recordURL != 0 {
		a.URL = r.str()
	} else {
		x.urls = appendURL(x.urls, a.Source, a.ID)
	}
	x.ends = append(x.ends, len(x.urls))
	if flags&recordAliases != 0 {
		a.Aliases = x.list(r, a.ID)
	}
	if flags&recordRelated != 0 {
		a.Related = x.list(r, a.ID)
	}
	if flags&recordModules != 0 {
		from := len(x.names)
		for range r.count(maxBlock) {
			x.names = append(x.names, x.d.word(r))
		}
		a.Modules = x.names[from:len(x.names):len(x.names)]
	}
	a.Published, a.Modified = fromDays(r.uvarint()), fromDays(r.uvarint())
	if r.bad || len(r.s) > 0 {
		x.r.fail()
	}
	return nil
}

func (x *decoder) list(r *reader, own string) []string {
	from := len(x.names)
	for range r.count(maxBlock) {
		x.names = append(x.names, r.name(own))
	}
	return x.names[from:len(x.names):len(x.names)]
}

// addresses hands out the addresses that were gathered in one text.
func (x *decoder) addresses() {
	all := string(x.urls)
	start := 0
	for i, end := range x.ends {
		if end > start {
			x.out[i].URL = all[start:end]
		}
		start = end
	}
}

// skipState takes a state's bytes.
func (x *decoder) skipState() string {
	r := &x.r
	before := r.s
	r.byte()
	r.uvarint()
	r.uvarint()
	for range r.count(maxBlock) {
		n := r.number(maxBlock<<1) >> 1
		if n > len(r.s) {
			r.fail()
		}
		for range min(n, len(r.s)) {
			r.uvarint()
		}
	}
	for range r.count(maxBlock) {
		r.uvarint()
	}
	if r.bad {
		return ""
	}
	return before[:len(before)-len(r.s)]
}

func (x *decoder) state(raw string) vuln.Advisory {
	r := &reader{s: raw}
	var a vuln.Advisory
	a.Severity = finding.Severity(r.byte())
	if a.Severity > finding.Critical {
		r.fail()
	}
	a.Urgency, a.NoFix = x.d.word(r), x.d.word(r)
	if n := r.count(maxBlock); n > 0 {
		from := len(x.ranges)
		x.ranges = append(x.ranges, make([]vuln.Range, n)...)
		a.Ranges = x.ranges[from:len(x.ranges):len(x.ranges)]
	}
	for i := range a.Ranges {
		n := r.number(maxBlock << 1)
		a.Ranges[i].Type = "ECOSYSTEM"
		if n&1 != 0 {
			a.Ranges[i].Type = "SEMVER"
		}
		if n>>1 > len(r.s) {
			r.fail()
			break
		}
		if n > 1 {
			from := len(x.events)
			x.events = append(x.events, make([]vuln.Event, n>>1)...)
			a.Ranges[i].Events = x.events[from:len(x.events):len(x.events)]
		}
		for j := range a.Ranges[i].Events {
			v := r.number(maxBlock)
			a.Ranges[i].Events[j] = eventOf(byte(v%eventKinds), x.text(r, v/eventKinds))
		}
	}
	if n := r.count(maxBlock); n > 0 {
		a.Versions = make([]string, n)
	}
	for i := range a.Versions {
		a.Versions[i] = x.text(r, r.number(maxBlock))
	}
	if r.bad || len(r.s) > 0 {
		x.r.fail()
	}
	return a
}

func (x *decoder) text(r *reader, i int) string {
	if i >= len(x.texts) {
		r.fail()
		return ""
	}
	return x.texts[i]
}
