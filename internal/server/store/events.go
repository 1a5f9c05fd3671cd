package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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

// Task is an event that a worker has to do something about.
type Task struct {
	Event
	Lane  Lane
	Tries int // with this one
	lease int64
}

// MaxTries is how often a task is begun before it is set aside.
const MaxTries = 5

// maxWait is how long a task waits at most: a lease that ends later was given by a
// clock that was set back since, or by one that is wrong.
const maxWait = time.Minute

// Claim takes the task that is due: of the first lane, the oldest. Until the lease
// ends nobody else takes it. nil: there is none.
func (s *Store) Claim(ctx context.Context, worker string, lease time.Duration) (*Task, error) {
	now := s.Now()
	until := millis(now.Add(lease))
	lock := ""
	if s.postgres {
		lock = " FOR UPDATE SKIP LOCKED"
	}
	row := s.db.QueryRowContext(ctx, s.sql(`UPDATE tasks SET lease = $1, worker = $2, tries = tries + 1
		WHERE event = (SELECT event FROM tasks WHERE (lease < $3 OR lease > $4) AND tries < $5 ORDER BY lane, event LIMIT 1`+lock+`)
		RETURNING event, lane, tries`), until, worker, millis(now), millis(now.Add(max(2*lease, maxWait))), MaxTries)
	t := &Task{lease: until}
	var n int64
	switch err := row.Scan(&n, &t.Lane, &t.Tries); {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil //nolint:nilnil // there is no task, and that is no error
	case err != nil:
		return nil, s.fail("take a task", err)
	}
	e, err := scanEvent(s.db.QueryRowContext(ctx, s.sql("SELECT n, at, kind, subject, body FROM outbox WHERE n = $1"), n))
	t.Event = e
	return t, s.fail("read a task", err)
}

// ClaimAlike takes up to so many more tasks of a task's kind and lane that nobody has
// begun yet: what many images ask for is done at once.
func (s *Store) ClaimAlike(ctx context.Context, like *Task, worker string, most int) ([]*Task, error) {
	lock := ""
	if s.postgres {
		lock = " FOR UPDATE OF t SKIP LOCKED"
	}
	var ids []any
	err := s.each(ctx, func(r *sql.Rows) error {
		var n int64
		err := r.Scan(&n)
		ids = append(ids, n)
		return err
	}, `UPDATE tasks SET lease = $1, worker = $2, tries = tries + 1 WHERE event IN (
		SELECT t.event FROM tasks t JOIN outbox o ON o.n = t.event
		WHERE t.lane = $3 AND t.lease < $4 AND t.tries = 0 AND o.kind = $5 ORDER BY t.event LIMIT $6`+lock+`) RETURNING event`,
		like.lease, worker, int64(like.Lane), millis(s.Now()), string(like.Kind), most)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	var out []*Task
	err = s.each(ctx, func(r *sql.Rows) error {
		e, err := scanEvent(r)
		out = append(out, &Task{Event: e, Lane: like.Lane, Tries: 1, lease: like.lease})
		return err
	}, "SELECT n, at, kind, subject, body FROM outbox WHERE n IN ("+marks(1, len(ids))+") ORDER BY n", ids...)
	return out, err
}

// ErrDone tells that a task was done by another worker meanwhile.
var ErrDone = errors.New("another worker has done it")

// Done takes a task off the list, in the transaction of its effects.
func (t *Tx) Done(ctx context.Context, task *Task) error {
	n, err := t.exec(ctx, "DELETE FROM tasks WHERE event = $1", task.N)
	if err == nil && n == 0 {
		return ErrDone
	}
	return err
}

// DoneAll takes tasks off the list as [Tx.Done] does, and returns those that were on
// it: the others another worker has done.
func (t *Tx) DoneAll(ctx context.Context, tasks []*Task) ([]*Task, error) {
	args, on := make([]any, len(tasks)), map[int64]bool{}
	for i := range tasks {
		args[i] = tasks[i].N
	}
	err := t.each(ctx, func(r *sql.Rows) error {
		var n int64
		err := r.Scan(&n)
		on[n] = true
		return err
	}, "DELETE FROM tasks WHERE event IN ("+marks(1, len(args))+") RETURNING event", args...)
	return slices.DeleteFunc(slices.Clone(tasks), func(t *Task) bool { return !on[t.N] }), err
}

// Release gives a task back after a problem: it is due again after a while, unless
// that was its last try, in which case it is set aside and shown.
func (s *Store) Release(ctx context.Context, task *Task, problem error, after time.Duration) error {
	_, err := s.db.ExecContext(ctx, s.sql("UPDATE tasks SET lease = $1, problem = $2 WHERE event = $3"),
		millis(s.Now().Add(after)), problem.Error(), task.N)
	return s.fail("give a task back", err)
}

// Aside is a task that was tried too often.
type Aside struct {
	Event
	Tries   int
	Problem string
}

// SetAside are the tasks that nobody tries any more, oldest first.
func (s *Store) SetAside(ctx context.Context) ([]Aside, error) {
	var out []Aside
	err := s.each(ctx, func(r *sql.Rows) error {
		var a Aside
		var at int64
		var body []byte
		err := r.Scan(&a.N, &at, &a.Kind, &a.Subject, &body, &a.Tries, &a.Problem)
		a.At, a.Body = timeOf(at), body
		out = append(out, a)
		return err
	}, `SELECT o.n, o.at, o.kind, o.subject, o.body, t.tries, t.problem FROM tasks t JOIN outbox o ON o.n = t.event
		WHERE t.tries >= $1 AND t.lease < $2 ORDER BY t.event`, MaxTries, millis(s.Now()))
	return out, err
}

// Waiting counts the tasks that are to be done.
func (s *Store) Waiting(ctx context.Context) (int, error) {
	var n int
	err := s.db.QueryRowContext(ctx, s.sql("SELECT COUNT(*) FROM tasks WHERE tries < $1"), MaxTries).Scan(&n)
	return n, s.fail("read", err)
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
