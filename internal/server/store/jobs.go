package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"
)

// JobKind is what a job does.
type JobKind string

// The kinds of job: both wait for others' machines, so that no task may wait for them.
const (
	JobMessage JobKind = "message" // to a webhook
	JobPull    JobKind = "pull"    // of an image
)

// JobState is how far a job is.
type JobState string

// The states of a job.
const (
	JobWaiting JobState = "waiting"
	JobDone    JobState = "done"
	JobDead    JobState = "dead" // it was tried too often, or can never be done
)

// Job is something to do over the network, which may fail and is tried again.
type Job struct {
	N       int64           `json:"-"`
	Kind    JobKind         `json:"-"`
	ID      string          `json:"id"` // by which it is there once
	Made    time.Time       `json:"made"`
	Due     time.Time       `json:"due"` // to be tried, or while it is tried: that it is lost
	State   JobState        `json:"state"`
	Tries   int             `json:"tries"`
	Problem string          `json:"problem,omitempty"`
	Body    json.RawMessage `json:"-"`
}

// keptJobs is how many jobs that are done are kept, of a kind.
const keptJobs = 200

// AddJob adds a job, due now; fresh is false where one of its id waits already. One of
// the id that is done or dead begins again.
func (t *Tx) AddJob(ctx context.Context, kind JobKind, id string, body any) (fresh bool, err error) {
	b, err := encode(body)
	if err != nil {
		return false, err
	}
	n, err := t.next(ctx, "jobs", 1)
	if err != nil {
		return false, err
	}
	now := millis(t.s.Now())
	rows, err := t.exec(ctx, `INSERT INTO jobs (n, kind, id, made, due, state, tries, problem, body) VALUES ($1, $2, $3, $4, $4, 'waiting', 0, '', $5)
		ON CONFLICT (kind, id) DO UPDATE SET n = excluded.n, made = excluded.made, due = excluded.due, state = excluded.state,
		tries = 0, problem = '', body = excluded.body WHERE jobs.state <> 'waiting'`, n, string(kind), id, now, b)
	return rows > 0, err
}

// ClaimJob takes the job of a kind that is due longest. Until the lease ends nobody
// else takes it. nil: there is none.
func (s *Store) ClaimJob(ctx context.Context, kind JobKind, lease time.Duration) (*Job, error) {
	now := s.Now()
	lock := ""
	if s.postgres {
		lock = " FOR UPDATE SKIP LOCKED"
	}
	row := s.db.QueryRowContext(ctx, s.sql(`UPDATE jobs SET due = $1, tries = tries + 1
		WHERE n = (SELECT n FROM jobs WHERE kind = $2 AND state = 'waiting' AND due <= $3 ORDER BY due, n LIMIT 1`+lock+`)
		RETURNING `+jobColumns), millis(now.Add(lease)), string(kind), millis(now))
	j, err := scanJob(row)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // there is no job, and that is no error
	}
	return &j, s.fail("take a job", err)
}

const jobColumns = "n, kind, id, made, due, state, tries, problem, body"

func scanJob(r interface{ Scan(...any) error }) (Job, error) {
	var j Job
	var made, due int64
	var body []byte
	err := r.Scan(&j.N, &j.Kind, &j.ID, &made, &due, &j.State, &j.Tries, &j.Problem, &body)
	j.Made, j.Due, j.Body = timeOf(made), timeOf(due), body
	return j, err
}

// EndJob writes down how a try ended: done, dead, or waiting until due. What was
// claimed by somebody else meanwhile, since its lease ended, is left to him.
func (s *Store) EndJob(ctx context.Context, j *Job, state JobState, due time.Time, problem string) error {
	return s.Change(ctx, func(tx *Tx) error { return tx.EndJob(ctx, j, state, due, problem) })
}

// EndJob does the same within the change that the job makes.
func (t *Tx) EndJob(ctx context.Context, j *Job, state JobState, due time.Time, problem string) error {
	n, err := t.exec(ctx, "UPDATE jobs SET state = $1, due = $2, problem = $3 WHERE n = $4 AND tries = $5 AND state = 'waiting'",
		string(state), millis(due), problem, j.N, j.Tries)
	switch {
	case err != nil:
		return err
	case n == 0:
		return ErrDone
	case state != JobDone:
		return nil
	}
	_, err = t.exec(ctx, `DELETE FROM jobs WHERE kind = $1 AND state = 'done' AND n <=
		(SELECT MAX(n) FROM jobs WHERE kind = $1) - $2`, string(j.Kind), keptJobs)
	return err
}

// RetryJob has a dead job tried again from the beginning; ok is false where there is
// no such dead job.
func (t *Tx) RetryJob(ctx context.Context, kind JobKind, id string) (ok bool, err error) {
	n, err := t.exec(ctx, "UPDATE jobs SET state = 'waiting', tries = 0, due = $1 WHERE kind = $2 AND id = $3 AND state = 'dead'",
		millis(t.s.Now()), string(kind), id)
	return n > 0, err
}

// DropJob takes a job away that is not being waited for, and reports whether there was one.
func (t *Tx) DropJob(ctx context.Context, kind JobKind, id string) (bool, error) {
	n, err := t.exec(ctx, "DELETE FROM jobs WHERE kind = $1 AND id = $2", string(kind), id)
	return n > 0, err
}

// Jobs are the jobs of a kind: the dead first, then those that wait, then the last
// that are done.
func (s *Store) Jobs(ctx context.Context, kind JobKind, limit int) ([]Job, error) {
	var out []Job
	err := s.each(ctx, func(r *sql.Rows) error {
		j, err := scanJob(r)
		out = append(out, j)
		return err
	}, "SELECT "+jobColumns+` FROM jobs WHERE kind = $1
		ORDER BY CASE state WHEN 'dead' THEN 0 WHEN 'waiting' THEN 1 ELSE 2 END, n DESC LIMIT $2`, string(kind), limit)
	return out, err
}

// CountJobs counts the jobs of a kind by their state.
func (s *Store) CountJobs(ctx context.Context, kind JobKind) (map[JobState]int, error) {
	out := map[JobState]int{}
	err := s.each(ctx, func(r *sql.Rows) error {
		var state JobState
		var n int
		err := r.Scan(&state, &n)
		out[state] = n
		return err
	}, "SELECT state, COUNT(*) FROM jobs WHERE kind = $1 GROUP BY state", string(kind))
	return out, err
}

// Advance moves a mark from one event to a later one; ok is false where it is not at
// the first: another process moved it.
func (t *Tx) Advance(ctx context.Context, mark string, from, to int64) (ok bool, err error) {
	n, err := t.exec(ctx, "UPDATE counters SET n = $1 WHERE name = $2 AND n = $3", to, "mark "+mark, from)
	return n > 0, err
}

// Mark is where a mark is; it is put at an event where there was none.
func (s *Store) Mark(ctx context.Context, mark string, first int64) (int64, error) {
	if _, err := s.db.ExecContext(ctx, s.sql("INSERT INTO counters (name, n) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING"), "mark "+mark, first); err != nil {
		return 0, s.fail("write", err)
	}
	var n int64
	err := s.db.QueryRowContext(ctx, s.sql("SELECT n FROM counters WHERE name = $1"), "mark "+mark).Scan(&n)
	return n, s.fail("read", err)
}
