package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"
)

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

// Taken is what became of tasks that a worker asked for by their numbers.
type Taken struct {
	Tasks []*Task         // that are this worker's now, in order
	Until map[int64]int64 // those that somebody else has, to when his lease ends in milliseconds
}

// Wait is how long a task is somebody else's.
func (t *Taken) Wait(n int64, now time.Time) (time.Duration, bool) {
	until, ok := t.Until[n]
	return time.Duration(until-millis(now)+1) * time.Millisecond, ok
}

// ClaimThese takes those of the tasks that are due. What is in none of its results is
// done, or was set aside.
func (s *Store) ClaimThese(ctx context.Context, ns []int64, worker string, lease time.Duration) (Taken, error) {
	out := Taken{Until: map[int64]int64{}}
	if len(ns) == 0 {
		return out, nil
	}
	now := s.Now()
	until := millis(now.Add(lease))
	ids := make([]any, len(ns))
	for i, n := range ns {
		ids[i] = n
	}
	args := append([]any{until, worker, millis(now), millis(now.Add(max(2*lease, maxWait))), MaxTries}, ids...)
	lock := ""
	if s.postgres {
		lock = " FOR UPDATE SKIP LOCKED"
	}
	mine := map[int64]*Task{}
	if err := s.each(ctx, func(r *sql.Rows) error {
		t := &Task{lease: until}
		err := r.Scan(&t.N, &t.Lane, &t.Tries)
		mine[t.N] = t
		return err
	}, `UPDATE tasks SET lease = $1, worker = $2, tries = tries + 1 WHERE event IN (SELECT event FROM tasks
		WHERE (lease < $3 OR lease > $4) AND tries < $5 AND event IN (`+marks(6, len(ids))+`) ORDER BY event`+lock+`)
		RETURNING event, lane, tries`, args...); err != nil {
		return out, err
	}
	if err := s.each(ctx, func(r *sql.Rows) error {
		var n, lease int64
		var tries int
		err := r.Scan(&n, &lease, &tries)
		switch {
		case mine[n] != nil, tries >= MaxTries && lease < millis(now):
		default: // of a task that is locked the end of the lease is not known yet
			out.Until[n] = max(lease, millis(now.Add(time.Second)))
		}
		return err
	}, "SELECT event, lease, tries FROM tasks WHERE event IN ("+marks(1, len(ids))+")", ids...); err != nil {
		return out, err
	}
	if len(mine) == 0 {
		return out, nil
	}
	err := s.each(ctx, func(r *sql.Rows) error {
		e, err := scanEvent(r)
		if t := mine[e.N]; t != nil {
			t.Event = e
			out.Tasks = append(out.Tasks, t)
		}
		return err
	}, "SELECT n, at, kind, subject, body FROM outbox WHERE n IN ("+marks(1, len(ids))+") ORDER BY n", ids...)
	return out, err
}

// Due are tasks after a number that are due, oldest first.
func (s *Store) Due(ctx context.Context, after int64, limit int) ([]Emitted, error) {
	now := s.Now()
	var out []Emitted
	err := s.each(ctx, func(r *sql.Rows) error {
		var e Emitted
		var at int64
		var body []byte
		err := r.Scan(&e.N, &at, &e.Kind, &e.Subject, &body, &e.Lane)
		if e.At = timeOf(at); string(body) != "{}" {
			e.Body = body
		}
		out = append(out, e)
		return err
	}, `SELECT o.n, o.at, o.kind, o.subject, o.body, t.lane FROM tasks t JOIN outbox o ON o.n = t.event
		WHERE t.event > $1 AND (t.lease < $2 OR t.lease > $3) AND t.tries < $4 ORDER BY t.event LIMIT $5`,
		after, millis(now), millis(now.Add(2*maxWait)), MaxTries, limit)
	return out, err
}
