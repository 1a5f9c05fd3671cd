package stream

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/vuln"
	"github.com/drydock-dev/drydock/internal/vuln/feed"
)

// The limits of a delta.
const (
	// maxLine limits the bytes of one record of a delta.
	maxLine    = 8 << 20
	maxRecords = 50_000
)

// DeltaReport is what became of a delta.
type DeltaReport struct {
	Event     int64           `json:"event"` // 0: nothing changed
	Records   int             `json:"records"`
	Unchanged int             `json:"unchanged"` // records that say what was said already
	Older     int             `json:"older"`     // records of which a newer one is stored
	Changed   []store.Changed `json:"changed"`
}

// LineError is a line of a delta that cannot be taken.
type LineError struct {
	Line int
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }
func (e *LineError) Unwrap() error { return e.Err }

// Advise takes a delta in: a record a line, of OSV, or {"kev": …} and {"epss": …}
// about a CVE. All of it is taken or, where a line cannot be read, nothing.
func (s *Service) Advise(ctx context.Context, r io.Reader) (DeltaReport, error) {
	records, err := ReadDelta(r)
	if err != nil {
		return DeltaReport{}, err
	}
	if err := s.Index.Follow(ctx, s.Store); err != nil {
		return DeltaReport{}, err
	}
	var rep DeltaReport
	err = s.Store.Change(ctx, func(tx *store.Tx) error {
		rep = DeltaReport{Records: len(records)}
		stored, err := s.take(ctx, tx, &rep, records)
		if err != nil || len(stored) == 0 {
			return err
		}
		body, err := json.Marshal(store.Delta{Records: rep.Changed})
		if err != nil {
			return err
		}
		subject := finding.Count(len(rep.Changed), "record")
		if len(rep.Changed) == 1 {
			subject = rep.Changed[0].ID
		}
		if rep.Event, err = tx.Emit(ctx, store.Event{Kind: store.AdvisoryChanged, Subject: subject, Body: body}, store.Prompt); err != nil {
			return err
		}
		for i := range stored {
			stored[i].Event = rep.Event
		}
		return tx.PutRecords(ctx, stored)
	})
	return rep, err
}

// take reports which records say anything new, and returns these: of each source and
// id the last.
func (s *Service) take(ctx context.Context, tx *store.Tx, rep *DeltaReport, records []store.Record) ([]store.Record, error) {
	ids := make([]string, len(records))
	for i := range records {
		ids[i] = records[i].ID
	}
	slices.Sort(ids)
	had, err := tx.RecordsOf(ctx, slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	source := map[string]string{} // of a record that is taken back without a word on what it was about
	for k := range had {
		if k.Source != index.SourceKEV && k.Source != index.SourceEPSS {
			source[k.ID] = min(cmp.Or(source[k.ID], k.Source), k.Source)
		}
	}
	// What is at rest is asked once for all, and only where no delta spoke since.
	var rest []string
	for i := range records {
		r := &records[i]
		r.Source = cmp.Or(r.Source, source[r.ID])
		if _, ok := had[store.RecordKey{Source: r.Source, ID: r.ID}]; !ok && r.Source != index.SourceKEV && r.Source != index.SourceEPSS {
			rest = append(rest, r.ID)
		}
	}
	before, err := s.Index.Before(ctx, rest)
	if err != nil {
		return nil, err
	}
	at := map[store.RecordKey]int{}
	var out []store.Record
	for i := range records {
		r := records[i]
		c := compare(&r, had, before[r.ID])
		switch {
		case c == nil:
			rep.Older++
			continue
		case c.Change == "":
			rep.Unchanged++
			continue
		}
		rep.Changed = append(rep.Changed, *c)
		k := store.RecordKey{Source: r.Source, ID: r.ID}
		had[k] = r
		if n, again := at[k]; again {
			out[n] = r
			continue
		}
		at[k] = len(out)
		out = append(out, r)
	}
	return out, nil
}

// compare says what a record says otherwise than what is known under its source and
// id, by a delta or else at rest; nil: a newer one is stored.
func compare(r *store.Record, known map[store.RecordKey]store.Record, rest []vuln.Advisory) *store.Changed {
	old, had := known[store.RecordKey{Source: r.Source, ID: r.ID}]
	if had && r.Source != index.SourceKEV && old.Modified.After(r.Modified) {
		return nil
	}
	before := old.Advisories
	if !had {
		for _, a := range rest {
			if r.Source == "" || a.Source == r.Source {
				before = append(before, a)
			}
		}
		had = len(before) > 0
		if r.Source == "" && had {
			r.Source = before[0].Source // taken back without a word on what it was about
		}
	}
	r.Source = cmp.Or(r.Source, "osv")
	c := &store.Changed{Source: r.Source, ID: r.ID, Change: changeOf(before, had, r, old.Titles), Names: names(before, r.Advisories)}
	for _, m := range slices.Concat(old.Titles, r.Titles) {
		if !slices.Contains(c.Also, m.ID) {
			c.Also = append(c.Also, m.ID)
		}
	}
	return c
}

// changeOf says in a word how a record changed; empty: not at all.
func changeOf(before []vuln.Advisory, had bool, r *store.Record, titles []vuln.Meta) string {
	switch r.Source {
	case index.SourceKEV:
		return differs(titles, r.Titles, "known exploited")
	case index.SourceEPSS:
		return differs(titles, r.Titles, "score")
	}
	gone := func(list []vuln.Advisory) bool {
		return !slices.ContainsFunc(list, func(a vuln.Advisory) bool { return !a.Withdrawn })
	}
	type extent struct {
		Ecosystem, Package string
		Ranges             []vuln.Range
		Versions           []string
	}
	extents := func(list []vuln.Advisory) []extent {
		var out []extent
		for _, a := range list {
			out = append(out, extent{a.Ecosystem, a.Package, a.Ranges, a.Versions})
		}
		return out
	}
	alike := func(a, b any) bool {
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		return bytes.Equal(x, y)
	}
	switch {
	case gone(r.Advisories) && (!had || gone(before)):
		if had && !alike(before, r.Advisories) {
			return "withdrawn"
		}
		return ""
	case gone(r.Advisories):
		return "withdrawn"
	case !had || gone(before):
		return "added"
	case !alike(extents(before), extents(r.Advisories)):
		return "range"
	case !alike(before, r.Advisories) || len(titles) > 0 && !alike(titles, r.Titles):
		return "severity"
	}
	return ""
}

func differs(a, b []vuln.Meta, word string) string {
	if reflect.DeepEqual(a, b) {
		return ""
	}
	return word
}

// names are the packages that either list speaks of.
func names(lists ...[]vuln.Advisory) []vuln.Name {
	out := []vuln.Name{}
	for _, list := range lists {
		for _, a := range list {
			if n := (vuln.Name{Ecosystem: a.Ecosystem, Package: a.Package}); !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	return out
}

// ReadDelta reads the records of a delta, a line each; empty lines are left out.
func ReadDelta(r io.Reader) ([]store.Record, error) {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 64<<10), maxLine)
	var out []store.Record
	n := 0
	for in.Scan() {
		n++
		line := bytes.TrimSpace(in.Bytes())
		if len(line) == 0 {
			continue
		}
		if len(out) == maxRecords {
			return nil, &LineError{n, fmt.Errorf("more than %d records", maxRecords)}
		}
		rec, err := readLine(line)
		if err != nil {
			return nil, &LineError{n, err}
		}
		out = append(out, rec...)
	}
	if err := in.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, &LineError{n + 1, fmt.Errorf("it is longer than %d MB", maxLine>>20)}
	} else if err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, &LineError{1, errors.New("there is no record")}
	}
	return out, nil
}

// fact is a line about a vulnerability itself.
type fact struct {
	ID  string `json:"id"`
	KEV *struct {
		Added string `json:"added"` // a date; empty: it is not, or no longer, known to be exploited
	} `json:"kev"`
	EPSS *struct {
		Score      float64 `json:"score"`
		Percentile float64 `json:"percentile"`
		Date       string  `json:"date"`
	} `json:"epss"`
}

func readLine(line []byte) ([]store.Record, error) {
	var f fact
	if err := json.Unmarshal(line, &f); err == nil && (f.KEV != nil || f.EPSS != nil) {
		return f.records()
	}
	rec, err := feed.OSV(bytes.NewReader(line), "")
	if err != nil {
		return nil, err
	}
	// What a record says under the words of several sources is one record each.
	bySource := map[string]int{}
	var out []store.Record
	for _, a := range rec.Advisories {
		i, ok := bySource[a.Source]
		if !ok {
			i = len(out)
			bySource[a.Source] = i
			out = append(out, store.Record{Source: a.Source, ID: rec.ID, Modified: rec.Modified})
		}
		out[i].Advisories = append(out[i].Advisories, a)
	}
	if len(out) == 0 {
		out = append(out, store.Record{ID: rec.ID, Modified: rec.Modified})
	}
	out[0].Titles = rec.Titles
	return out, nil
}

func (f *fact) records() ([]store.Record, error) {
	if len(f.ID) > 64 || len(f.ID) < 5 {
		return nil, errors.New("no usable id")
	}
	var out []store.Record
	if f.KEV != nil {
		at, err := time.Parse(time.DateOnly, f.KEV.Added)
		if err != nil && f.KEV.Added != "" {
			return nil, errors.New("kev.added is not a date")
		}
		m := vuln.Meta{ID: f.ID, KEV: f.KEV.Added != "", KEVAdded: f.KEV.Added}
		out = append(out, store.Record{Source: index.SourceKEV, ID: f.ID, Modified: at, Titles: []vuln.Meta{m}})
	}
	if e := f.EPSS; e != nil {
		at, err := time.Parse(time.DateOnly, e.Date)
		if err != nil || e.Score < 0 || e.Score > 1 || e.Percentile < 0 || e.Percentile > 1 {
			return nil, errors.New("epss needs a date, and score and percentile from 0 to 1")
		}
		m := vuln.Meta{ID: f.ID, EPSS: finding.EPSS{Score: e.Score, Percentile: e.Percentile, Date: e.Date}}
		out = append(out, store.Record{Source: index.SourceEPSS, ID: f.ID, Modified: at, Titles: []vuln.Meta{m}})
	}
	return out, nil
}

// judgeDelta matches again the parts that a delta touches.
func (s *Service) judgeDelta(ctx context.Context, task *store.Task) error {
	var d store.Delta
	if err := json.Unmarshal(task.Body, &d); err != nil {
		return fmt.Errorf("event %d: %w", task.N, err)
	}
	all, also := d.Touches()
	list, upTo, err := s.Index.Match(ctx, s.Index.Touched(all, also))
	if err != nil {
		return err
	}
	why := s.whyDelta(task, d)
	for i := range list {
		list[i].Why = why
	}
	return s.judge(ctx, task, list, upTo)
}

// judge stores what was matched, tells of it, and is done with the task.
func (s *Service) judge(ctx context.Context, task *store.Task, list []store.Judgement, upTo int64) error {
	return s.Store.Change(ctx, func(tx *store.Tx) error {
		if err := tx.Done(ctx, task); err != nil {
			return err
		}
		changes, err := tx.Judge(ctx, upTo, list)
		if err != nil {
			return err
		}
		return s.tell(ctx, tx, changes)
	})
}

// since is how long ago a task's event happened; a clock that was set back meanwhile
// tells nothing.
func (s *Service) since(task *store.Task) time.Duration { return max(0, s.Store.Now().Sub(task.At)) }

// why is the reason of everything that a task opens and closes.
func (s *Service) why(task *store.Task, w store.Why) func(*finding.Finding) store.Why {
	w.Event = task.N
	return func(*finding.Finding) store.Why {
		w.After = s.since(task)
		return w
	}
}

// whyDelta names the record of a delta that speaks of a finding's vulnerability.
func (s *Service) whyDelta(task *store.Task, d store.Delta) func(*finding.Finding) store.Why {
	by := map[string]*store.Changed{}
	for i := range d.Records {
		c := &d.Records[i]
		for _, id := range append(slices.Clone(c.Also), c.ID) {
			by[id] = c
		}
	}
	return func(f *finding.Finding) store.Why {
		w := store.Why{Event: task.N, Cause: store.CauseAdvisory, After: s.since(task)}
		for _, id := range append([]string{f.Vuln.ID}, f.Vuln.Aliases...) {
			if c := by[id]; c != nil {
				w.Advisory, w.Change = c.ID, c.Change
				break
			}
		}
		if w.Advisory == "" && len(d.Records) == 1 {
			w.Advisory, w.Change = d.Records[0].ID, d.Records[0].Change
		}
		return w
	}
}

// judgeFeed matches again what other advisories at rest say otherwise of: what
// differs for the fleet, or everything where that was not computed.
func (s *Service) judgeFeed(ctx context.Context, task *store.Task) error {
	var d store.Delta
	if len(task.Body) > 0 {
		if err := json.Unmarshal(task.Body, &d); err != nil {
			return fmt.Errorf("event %d: %w", task.N, err)
		}
	}
	parts := s.Index.All()
	if d.Computed {
		names, also := d.Touches()
		parts = s.Index.Touched(names, also)
		parts.Or(s.Index.Gaps()) // an ecosystem may be known now
	}
	list, upTo, err := s.Index.Match(ctx, parts)
	if err != nil {
		return err
	}
	why := s.why(task, store.Why{Cause: store.CauseFeed})
	if d.Computed {
		told := s.whyDelta(task, d)
		why = func(f *finding.Finding) store.Why {
			w := told(f)
			w.Cause = store.CauseFeed
			return w
		}
	}
	for i := range list {
		list[i].Why = why
	}
	return s.judge(ctx, task, list, upTo)
}
