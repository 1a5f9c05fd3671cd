package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// Record is what a source says, as a delta brought it: it stands in the place of
// what the advisories at rest say under its source and id.
type Record struct {
	Source     string          `json:"source"`
	ID         string          `json:"id"`
	Modified   time.Time       `json:"modified"`
	Event      int64           `json:"-"` // of the delta that brought it
	Advisories []vuln.Advisory `json:"advisories"`
	Titles     []vuln.Meta     `json:"titles,omitempty"`
}

// Delta is the body of [AdvisoryChanged], and of [FeedChanged] where it was computed.
type Delta struct {
	Records  []Changed `json:"records"`
	Computed bool      `json:"computed,omitempty"` // of a feed: the records are all that differs for the fleet
}

// Touches are the packages and the vulnerabilities that a delta speaks of.
func (d *Delta) Touches() (names []vuln.Name, vulns []string) {
	for _, c := range d.Records {
		names, vulns = append(names, c.Names...), append(vulns, c.Also...)
	}
	return names, vulns
}

// Changed is one record of a delta.
type Changed struct {
	Source string      `json:"source"`
	ID     string      `json:"id"`
	Change string      `json:"change"` // "added", "range", "severity", "withdrawn"
	Names  []vuln.Name `json:"names"`  // packages that the record speaks or spoke of
	Also   []string    `json:"also,omitempty"`
}

// ErrOlder tells that a newer record is there.
var ErrOlder = errors.New("a newer record is stored")

// RecordKey names a record.
type RecordKey struct{ Source, ID string }

// RecordsOf are the records that deltas brought under ids.
func (t *Tx) RecordsOf(ctx context.Context, ids []string) (map[RecordKey]Record, error) {
	out := map[RecordKey]Record{}
	for chunk := range slices.Chunk(ids, batch) {
		args := make([]any, len(chunk))
		for i := range chunk {
			args[i] = chunk[i]
		}
		if err := t.each(ctx, func(r *sql.Rows) error {
			var x Record
			var event int64
			var body []byte
			if err := r.Scan(&event, &body); err != nil {
				return err
			}
			if err := json.Unmarshal(body, &x); err != nil {
				return fmt.Errorf("advisory: %w", err)
			}
			x.Event = event
			out[RecordKey{x.Source, x.ID}] = x
			return nil
		}, "SELECT event, body FROM advisories WHERE id IN ("+marks(1, len(chunk))+")", args...); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// PutRecords stores records, of each source and id one, under the events that tell of
// them.
func (t *Tx) PutRecords(ctx context.Context, all []Record) error {
	rows := make([][]any, len(all))
	for i := range all {
		r := &all[i]
		body, err := encode(r)
		if err != nil {
			return err
		}
		rows[i] = []any{r.Source, r.ID, millis(r.Modified), r.Event, body}
	}
	return t.insertOr(ctx, "advisories (source, id, modified, event, body)", rows,
		" ON CONFLICT (source, id) DO UPDATE SET modified = excluded.modified, event = excluded.event, body = excluded.body")
}

// Records calls f for the records that came after an event.
func (s *Store) Records(ctx context.Context, after int64, f func(Record) error) error {
	return s.each(ctx, func(r *sql.Rows) error {
		var x Record
		var event int64
		var body []byte
		if err := r.Scan(&event, &body); err != nil {
			return err
		}
		if err := json.Unmarshal(body, &x); err != nil {
			return fmt.Errorf("advisory: %w", err)
		}
		x.Event = event
		return f(x)
	}, "SELECT event, body FROM advisories WHERE event > $1 ORDER BY event, source, id", after)
}

// table is one of those that hold documents by id.
type table string

const (
	exceptions table = "exceptions"
	running    table = "running"
	vexes      table = "vex"
	webhooks   table = "webhooks"
)

func (t *Tx) put(ctx context.Context, to table, id string, event int64, v any) error {
	body, err := encode(v)
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, "INSERT INTO "+string(to)+` (id, event, body) VALUES ($1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET event = excluded.event, body = excluded.body`, id, event, body)
	return err
}

func (t *Tx) drop(ctx context.Context, from table, id string) (bool, error) {
	n, err := t.exec(ctx, "DELETE FROM "+string(from)+" WHERE id = $1", id)
	return n > 0, err
}

// documents calls f for every document of a table; those of the ids alone, if there
// are any.
func documents[T any](ctx context.Context, s *Store, from table, f func(T) error, ids ...string) error {
	read := func(r *sql.Rows) error {
		var x T
		var body []byte
		if err := r.Scan(&body); err != nil {
			return err
		}
		if err := json.Unmarshal(body, &x); err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
		return f(x)
	}
	if len(ids) == 0 {
		return s.each(ctx, read, "SELECT body FROM "+string(from)+" ORDER BY id")
	}
	for chunk := range slices.Chunk(ids, batch) {
		args := make([]any, len(chunk))
		for i := range chunk {
			args[i] = chunk[i]
		}
		if err := s.each(ctx, read, "SELECT body FROM "+string(from)+" WHERE id IN ("+marks(1, len(chunk))+") ORDER BY id", args...); err != nil {
			return err
		}
	}
	return nil
}

// Exception says that findings do not count, on whose word and until when.
type Exception struct {
	ID      string    `json:"id"`
	Vuln    string    `json:"vulnerability"`     // its id
	Package string    `json:"package,omitempty"` // name; empty: of any package
	Image   string    `json:"image,omitempty"`   // reference, or a repository; empty: of every image
	State   string    `json:"state"`             // "accepted", "not-affected", "false-positive"
	Reason  string    `json:"reason"`
	By      string    `json:"by,omitempty"`
	Until   time.Time `json:"until,omitzero"` // zero: for good
	Made    time.Time `json:"made"`
}

// PutException stores an exception.
func (t *Tx) PutException(ctx context.Context, e Exception, event int64) error {
	return t.put(ctx, exceptions, e.ID, event, e)
}

// DropException takes one away, and reports whether it was there.
func (t *Tx) DropException(ctx context.Context, id string) (bool, error) {
	return t.drop(ctx, exceptions, id)
}

// Exceptions calls f for every exception; those of the ids alone, if there are any.
func (s *Store) Exceptions(ctx context.Context, f func(Exception) error, ids ...string) error {
	return documents(ctx, s, exceptions, f, ids...)
}

// Container is one that runs, as whoever watches its Engine tells.
type Container struct {
	ID     string    `json:"id"`
	Name   string    `json:"name"`
	Host   string    `json:"host"`
	Ref    string    `json:"ref"`              // the image as it was asked for
	Digest string    `json:"digest,omitempty"` // of the image that runs
	Env    string    `json:"env,omitempty"`
	Since  time.Time `json:"since"`

	// What an agent tells besides.
	Served   []finding.Digest `json:"served,omitempty"` // under which registries serve the image
	Moved    string           `json:"moved,omitempty"`  // the digest that Ref means on the host now, where that is another
	Declared *Declared        `json:"declared,omitempty"`
}

// PutContainer stores a container.
func (t *Tx) PutContainer(ctx context.Context, c Container, event int64) error {
	return t.put(ctx, running, c.ID, event, c)
}

// DropContainer takes one away, and reports whether it was there.
func (t *Tx) DropContainer(ctx context.Context, id string) (bool, error) {
	return t.drop(ctx, running, id)
}

// Running calls f for every container; those of the ids alone, if there are any.
func (s *Store) Running(ctx context.Context, f func(Container) error, ids ...string) error {
	return documents(ctx, s, running, f, ids...)
}

// Fact is what was noted under a name; empty: nothing.
func (t *Tx) Fact(ctx context.Context, name string) (string, error) {
	var b []byte
	err := t.tx.QueryRowContext(ctx, t.s.sql("SELECT body FROM facts WHERE kind = 'note' AND id = $1"), name).Scan(&b)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return string(b), t.s.fail("read", err)
}

// PutFact notes something under a name.
func (t *Tx) PutFact(ctx context.Context, name, value string) error {
	_, err := t.exec(ctx, `INSERT INTO facts (kind, id, event, body) VALUES ('note', $1, 0, $2)
		ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body`, name, []byte(value))
	return err
}

// FactOnce notes something under a name where nothing is noted, and returns what is.
func (t *Tx) FactOnce(ctx context.Context, name, value string) (string, error) {
	if _, err := t.exec(ctx, `INSERT INTO facts (kind, id, event, body) VALUES ('note', $1, 0, $2)
		ON CONFLICT (kind, id) DO NOTHING`, name, []byte(value)); err != nil {
		return "", err
	}
	return t.Fact(ctx, name)
}
