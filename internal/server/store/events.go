package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// Kind is what an event tells.
type Kind string

// The kinds of event.
const (
	ImageAdded       Kind = "image.added"       // Subject: the image's id
	ImageJudged      Kind = "image.judged"      // all of its parts are matched
	AdvisoryChanged  Kind = "advisory.changed"  // Subject: how many records; Body: [Delta]
	FindingsChanged  Kind = "findings.changed"  // Body: [Findings], of one vulnerability and shard
	ExceptionChanged Kind = "exception.changed" // Subject: its id
	VEXChanged       Kind = "vex.changed"       // Subject: the document's id
	RunningChanged   Kind = "running.changed"   // Subject: the container's id
	FeedChanged      Kind = "feed.changed"      // the advisories at rest are others
	WebhookChanged   Kind = "webhook.changed"   // Subject: its id
	ImageWanted      Kind = "image.wanted"      // Subject: the reference to pull
	ImageRefused     Kind = "image.refused"     // Subject: the reference that could not be pulled
)

// Event is one thing that happened: a pointer, and never a document.
type Event struct {
	N       int64           `json:"id"`
	At      time.Time       `json:"at"`
	Kind    Kind            `json:"kind"`
	Subject string          `json:"subject,omitempty"`
	Body    json.RawMessage `json:"body,omitempty"`
}

// Lane is who waits for a task.
type Lane int64

// The lanes, the first one first.
const (
	None   Lane = -1 // nobody has to do anything
	Prompt Lane = 0  // a user waits
	Sweep  Lane = 1
)

// Together reports whether many events of the kind are done at once.
func (k Kind) Together() bool { return k == ImageAdded }

// Emitted is an event with the lane of its task.
type Emitted struct {
	Event
	Lane Lane
}

// Emit adds an event, and a task for the workers in the lane.
func (t *Tx) Emit(ctx context.Context, e Event, lane Lane) (int64, error) {
	return t.EmitAll(ctx, []Event{e}, lane)
}

// EmitAll adds events, each with a task for the workers in the lane, and returns the
// number of the first.
func (t *Tx) EmitAll(ctx context.Context, all []Event, lane Lane) (first int64, err error) {
	if first, err = t.next(ctx, "outbox", int64(len(all))); err != nil || len(all) == 0 {
		return first, err
	}
	now := millis(t.s.Now())
	events, tasks := make([][]any, len(all)), make([][]any, len(all))
	for i, e := range all {
		body := e.Body
		if body == nil {
			body = json.RawMessage("{}")
		}
		e.N, e.At = first+int64(i), timeOf(now)
		t.told = append(t.told, Emitted{e, lane})
		events[i] = []any{first + int64(i), now, string(e.Kind), e.Subject, []byte(body)}
		tasks[i] = []any{first + int64(i), int64(lane), 0, 0, "", ""}
	}
	err = t.insert(ctx, "outbox (n, at, kind, subject, body)", events)
	if err == nil && lane != None {
		err = t.insert(ctx, "tasks (event, lane, lease, tries, worker, problem)", tasks)
	}
	return first, err
}

// Events are those after a number, oldest first.
func (s *Store) Events(ctx context.Context, after int64, limit int) ([]Event, error) {
	var out []Event
	err := s.each(ctx, func(r *sql.Rows) error {
		e, err := scanEvent(r)
		out = append(out, e)
		return err
	}, "SELECT n, at, kind, subject, body FROM outbox WHERE n > $1 ORDER BY n LIMIT $2", after, limit)
	return out, err
}

// Recent are the newest events, newest first.
func (s *Store) Recent(ctx context.Context, before int64, limit int) ([]Event, error) {
	var out []Event
	err := s.each(ctx, func(r *sql.Rows) error {
		e, err := scanEvent(r)
		out = append(out, e)
		return err
	}, "SELECT n, at, kind, subject, body FROM outbox WHERE n < $1 ORDER BY n DESC LIMIT $2", before, limit)
	return out, err
}

// Last is the number of the newest event; 0: there is none.
func (s *Store) Last(ctx context.Context) (int64, error) {
	var n sql.NullInt64
	err := s.db.QueryRowContext(ctx, "SELECT MAX(n) FROM outbox").Scan(&n)
	return n.Int64, s.fail("read", err)
}

func scanEvent(r interface{ Scan(...any) error }) (Event, error) {
	var e Event
	var at int64
	var body []byte
	err := r.Scan(&e.N, &at, &e.Kind, &e.Subject, &body)
	e.At, e.Body = timeOf(at), body
	if string(body) == "{}" {
		e.Body = nil
	}
	return e, err
}

// Audited is who changed what.
type Audited struct {
	At                           time.Time
	Who, Action, Subject, Result string
}

// Audit writes down a change that was asked for.
func (s *Store) Audit(ctx context.Context, a Audited) error {
	return s.Change(ctx, func(tx *Tx) error {
		n, err := tx.next(ctx, "audit", 1)
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, "INSERT INTO audit (n, at, who, action, subject, result) VALUES ($1, $2, $3, $4, $5, $6)",
			n, millis(s.Now()), a.Who, a.Action, a.Subject, a.Result)
		return err
	})
}

// Audits are the newest entries, newest first.
func (s *Store) Audits(ctx context.Context, limit int) ([]Audited, error) {
	var out []Audited
	err := s.each(ctx, func(r *sql.Rows) error {
		var a Audited
		var at int64
		err := r.Scan(&at, &a.Who, &a.Action, &a.Subject, &a.Result)
		a.At = timeOf(at)
		out = append(out, a)
		return err
	}, "SELECT at, who, action, subject, result FROM audit ORDER BY n DESC LIMIT $1", limit)
	return out, err
}

// encode is a value as JSON; what is encoded here cannot fail to be.
func encode(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return b, nil
}
