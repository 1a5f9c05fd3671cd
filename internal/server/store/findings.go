package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// Cause is what sort of event leads to a finding.
type Cause string

// The causes.
const (
	CauseImage    Cause = "image"    // it came in
	CauseAdvisory Cause = "advisory" // a delta
	CauseFeed     Cause = "feed"     // other advisories at rest
	CauseVEX      Cause = "vex"      // a document of statements
)

// Why is the reason for which a finding was opened or closed.
type Why struct {
	Event    int64         `json:"event"` // that led to it
	Cause    Cause         `json:"cause"`
	Advisory string        `json:"advisory,omitempty"` // its id, or a VEX document's; and how it changed:
	Change   string        `json:"change,omitempty"`   // "added", "range", "severity", "withdrawn", "known exploited", "score"; "stated"
	Says     string        `json:"says,omitempty"`     // the statement's reason
	After    time.Duration `json:"after"`              // from the event to the finding, in nanoseconds
}

// Finding is a stored finding: of a part, and so of every image that has it.
type Finding struct {
	N         int64
	Part      uint32
	Opened    time.Time
	WhyOpened Why
	Closed    time.Time // zero: it is open
	WhyClosed Why
	finding.Finding

	body []byte // as it is stored, within a change
	mark uint64 // a hash of it
}

// Same reports whether a finding says what another said that was read before.
func (f *Finding) Same(o *Finding) bool { return f.N == o.N && f.mark == o.mark }

// Judgement is what a match says of a part.
type Judgement struct {
	Part  uint32
	Gaps  bool
	Found []finding.Finding
	Why   func(f *finding.Finding) Why // of one that is opened or closed
}

// Change is a finding that was opened, closed, or says something else now.
type Change struct {
	Finding
	Was *finding.Finding // what it said; nil: it was not there
	Now bool             // it is there
}

// Judge stores what a match by everything up to an event says of parts, and
// returns what that changes. Of a part of which more is known already, nothing is
// stored: a worker that was slow must not bring back what was so once.
func (t *Tx) Judge(ctx context.Context, upTo int64, all []Judgement) ([]Change, error) {
	var out []Change
	for chunk := range slices.Chunk(all, batch) {
		at := make(map[uint32]*Judgement, len(chunk))
		args := []any{upTo}
		for i := range chunk {
			at[chunk[i].Part] = &chunk[i]
			args = append(args, int64(chunk[i].Part))
		}
		fresh, err := t.claimParts(ctx, args, len(chunk))
		if err != nil {
			return nil, err
		}
		if len(fresh) == 0 {
			continue
		}
		open, err := t.open(ctx, fresh)
		if err != nil {
			return nil, err
		}
		g := judging{t: t}
		for _, n := range fresh {
			if err := g.judge(ctx, at[n], open[n]); err != nil {
				return nil, err
			}
		}
		if err := errors.Join(g.open(ctx), t.putGaps(ctx, fresh, at)); err != nil {
			return nil, err
		}
		sorting.By(g.changes, func(a, b Change) int { return cmp.Compare(a.N, b.N) })
		out = append(out, g.changes...)
	}
	return out, nil
}

// putGaps notes of which parts something could not be told.
func (t *Tx) putGaps(ctx context.Context, parts []uint32, at map[uint32]*Judgement) error {
	for _, is := range []bool{false, true} {
		args := []any{0}
		if is {
			args[0] = 1
		}
		for _, n := range parts {
			if at[n].Gaps == is {
				args = append(args, int64(n))
			}
		}
		if len(args) == 1 {
			continue
		}
		if _, err := t.exec(ctx, "UPDATE parts SET gaps = $1 WHERE gaps <> $1 AND n IN ("+marks(2, len(args)-1)+")", args...); err != nil {
			return err
		}
	}
	return nil
}

// claimParts notes up to where parts are judged, and returns those of which that is
// news. Their rows are locked until the change is made.
func (t *Tx) claimParts(ctx context.Context, args []any, n int) ([]uint32, error) {
	rows, err := t.tx.QueryContext(ctx, t.s.sql("UPDATE parts SET judged = $1 WHERE judged <= $1 AND n IN ("+marks(2, n)+") RETURNING n"), args...)
	if err != nil {
		return nil, t.s.fail("write", err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
	var out []uint32
	for rows.Next() {
		var n uint32
		if err := rows.Scan(&n); err != nil {
			return nil, t.s.fail("write", err)
		}
		out = append(out, n)
	}
	slices.Sort(out)
	return out, t.s.fail("write", rows.Err())
}

func (t *Tx) open(ctx context.Context, parts []uint32) (map[uint32]map[string]Finding, error) {
	args := make([]any, len(parts))
	for i, p := range parts {
		args[i] = int64(p)
	}
	rows, err := t.tx.QueryContext(ctx, t.s.sql(findingColumns+"WHERE closed = 0 AND part IN ("+marks(1, len(parts))+")"), args...)
	if err != nil {
		return nil, t.s.fail("read", err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
	out := map[uint32]map[string]Finding{}
	for rows.Next() {
		f, err := scanFinding(rows)
		if err != nil {
			return nil, t.s.fail("read", err)
		}
		if out[f.Part] == nil {
			out[f.Part] = map[string]Finding{}
		}
		out[f.Part][identity(&f.Finding)] = f
	}
	return out, t.s.fail("read", rows.Err())
}

// identity tells the findings of a part apart.
func identity(f *finding.Finding) string { return string(f.Rule) + " " + f.Key }

// judging is a run of judgements with what has to be written for them.
type judging struct {
	t       *Tx
	opened  []Change
	bodies  [][]byte // of these
	changes []Change
}

func (g *judging) judge(ctx context.Context, j *Judgement, open map[string]Finding) error {
	seen := map[string]bool{}
	for i := range j.Found {
		f := &j.Found[i]
		id := identity(f)
		seen[id] = true
		body, err := encode(f)
		if err != nil {
			return err
		}
		had, ok := open[id]
		if !ok {
			g.opened = append(g.opened, Change{Finding: Finding{Part: j.Part, Opened: g.t.s.Now(), WhyOpened: j.Why(f), Finding: *f}, Now: true})
			g.bodies = append(g.bodies, body)
			continue
		}
		if string(had.body) == string(body) {
			continue
		}
		if _, err := g.t.exec(ctx, "UPDATE findings SET body = $1 WHERE n = $2", body, had.N); err != nil {
			return err
		}
		was := had.Finding
		had.Finding = *f
		g.changes = append(g.changes, Change{Finding: had, Was: &was, Now: true})
	}
	for id, f := range open {
		if seen[id] {
			continue
		}
		c, err := g.t.closeFinding(ctx, j, f)
		if err != nil {
			return err
		}
		g.changes = append(g.changes, c)
	}
	return nil
}

// open writes down what is opened.
func (g *judging) open(ctx context.Context) error {
	if len(g.opened) == 0 {
		return nil
	}
	n, err := g.t.next(ctx, "findings", int64(len(g.opened)))
	if err != nil {
		return err
	}
	rows := make([][]any, len(g.opened))
	for i := range g.opened {
		c := &g.opened[i]
		c.N = n + int64(i)
		why, err := encode(c.WhyOpened)
		if err != nil {
			return err
		}
		rows[i] = []any{c.N, int64(c.Part), identity(&c.Finding.Finding), millis(c.Opened), 0, why, []byte("{}"), g.bodies[i]}
	}
	if err := g.t.insert(ctx, "findings (n, part, id, opened, closed, why_opened, why_closed, body)", rows); err != nil {
		return err
	}
	g.changes = append(g.changes, g.opened...)
	return nil
}

func (t *Tx) closeFinding(ctx context.Context, j *Judgement, f Finding) (Change, error) {
	was := f.Finding
	f.Closed, f.WhyClosed = t.s.Now(), j.Why(&f.Finding)
	why, err := encode(f.WhyClosed)
	if err != nil {
		return Change{}, err
	}
	// What is closed is told apart by its number: it may come back and go again in
	// the same millisecond.
	_, err = t.exec(ctx, "UPDATE findings SET closed = $1, id = id || ' ' || CAST(n AS TEXT), why_closed = $2 WHERE n = $3", millis(f.Closed), why, f.N)
	return Change{Finding: f, Was: &was}, err
}

const findingColumns = "SELECT n, part, opened, closed, why_opened, why_closed, body FROM findings "

func scanFinding(r *sql.Rows) (Finding, error) {
	return (&Store{}).scanFinding(r, nil)
}

// scanFinding reads a finding; one that known has, by its number, and that says the
// same, is not decoded again. With known, a finding is marked and its body let go.
func (s *Store) scanFinding(r *sql.Rows, known func(n int64) *Finding) (f Finding, err error) {
	var opened, closed int64
	var why, whyClosed, body []byte
	if err := r.Scan(&f.N, &f.Part, &opened, &closed, &why, &whyClosed, &body); err != nil {
		return f, err
	}
	if known != nil {
		f.mark = maphash.Bytes(s.seed, body)
		if old := known(f.N); old != nil && old.Same(&f) && closed == 0 {
			return *old, nil
		}
	}
	f.Opened, f.Closed, f.body = timeOf(opened), timeOf(closed), body
	for _, d := range []struct {
		from []byte
		to   any
	}{{why, &f.WhyOpened}, {whyClosed, &f.WhyClosed}, {body, &f.Finding}} {
		if err := json.Unmarshal(d.from, d.to); err != nil {
			return f, fmt.Errorf("finding %d: %w", f.N, err)
		}
	}
	if known != nil {
		f.body = nil
	}
	return f, nil
}

// Open calls f for every open finding; those of the parts alone, if there are any.
// What was read before and says the same is given as known has it.
func (s *Store) Open(ctx context.Context, known func(n int64) *Finding, f func(Finding) error, parts ...uint32) error {
	scan := func(r *sql.Rows) error {
		x, err := s.scanFinding(r, known)
		if err != nil {
			return err
		}
		return f(x)
	}
	if len(parts) == 0 {
		return s.each(ctx, scan, findingColumns+"WHERE closed = 0 ORDER BY n")
	}
	for chunk := range slices.Chunk(parts, batch) {
		args := make([]any, len(chunk))
		for i := range chunk {
			args[i] = int64(chunk[i])
		}
		if err := s.each(ctx, scan, findingColumns+"WHERE closed = 0 AND part IN ("+marks(1, len(chunk))+") ORDER BY n", args...); err != nil {
			return err
		}
	}
	return nil
}

// Closed calls f for the findings that were closed since a time, oldest first.
func (s *Store) Closed(ctx context.Context, since time.Time, f func(Finding) error) error {
	return s.each(ctx, func(r *sql.Rows) error {
		x, err := scanFinding(r)
		if err != nil {
			return err
		}
		return f(x)
	}, findingColumns+"WHERE closed > $1 ORDER BY closed, n", millis(since))
}

// Judged tells up to which event parts are judged, and whether they have gaps.
func (s *Store) Judged(ctx context.Context, parts []uint32, f func(n uint32, upTo int64, gaps bool) error) error {
	for chunk := range slices.Chunk(parts, batch) {
		args := make([]any, len(chunk))
		for i := range chunk {
			args[i] = int64(chunk[i])
		}
		err := s.each(ctx, func(r *sql.Rows) error {
			var n uint32
			var upTo, gaps int64
			if err := r.Scan(&n, &upTo, &gaps); err != nil {
				return err
			}
			return f(n, upTo, gaps != 0)
		}, "SELECT n, judged, gaps FROM parts WHERE n IN ("+marks(1, len(chunk))+")", args...)
		if err != nil {
			return err
		}
	}
	return nil
}
