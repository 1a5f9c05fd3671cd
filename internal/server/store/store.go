package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/drydock-dev/drydock/internal/disk"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options say where the state lies.
type Options struct {
	Dir  string    // of the SQLite file drydock.sqlite; made where it is not there
	URL  string    // of PostgreSQL; empty: SQLite
	User disk.User // whose folder it is
	Now  func() time.Time
}

// Store is the database. It is safe for concurrent use.
type Store struct {
	db       *counting
	postgres bool
	now      func() time.Time
	signal   signal
	seed     maphash.Seed // of what is read, to tell it from what was read before
	known    sync.Map     // identities of parts that are stored, to their numbers

	committed func([]Emitted) // nil: nobody is told
	file      *databaseAt     // nil: PostgreSQL
}

// Error is the database's refusal, with what to do about it.
type Error struct {
	Op   string
	Err  error
	hint string
}

func (e *Error) Error() string { return e.Op + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Hint says what to do about it.
func (e *Error) Hint() string { return e.hint }

// Open opens the database and brings its schema up to date. A schema that is newer
// than the program is an error.
func Open(ctx context.Context, opt Options) (*Store, error) {
	s := &Store{postgres: opt.URL != "", now: opt.Now, seed: maphash.MakeSeed()}
	if s.now == nil {
		s.now = time.Now
	}
	var db *sql.DB
	var err error
	if s.postgres {
		db, err = openPostgres(opt.URL)
	} else {
		db, err = openSQLite(opt)
	}
	if err != nil {
		return nil, err
	}
	s.db = &counting{DB: db}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	if !s.postgres {
		if s.file, err = databaseIn(opt.Dir); err != nil {
			return nil, errors.Join(err, s.db.Close())
		}
	}
	return s, nil
}

func openPostgres(address string) (*sql.DB, error) {
	db, err := sql.Open("pgx", address)
	if err != nil || !strings.HasPrefix(address, "postgres://") && !strings.HasPrefix(address, "postgresql://") {
		return nil, &Error{Op: "open the database", Err: errors.New("the address is not one of PostgreSQL"), hint: "--db postgres://user@host:5432/drydock"}
	}
	db.SetMaxOpenConns(8)
	return db, nil
}

func openSQLite(opt Options) (*sql.DB, error) {
	if err := opt.User.MkdirAll(opt.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if err := opt.User.Private(opt.Dir); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	path, err := filepath.Abs(filepath.Join(opt.Dir, databaseFile))
	if err != nil {
		return nil, err
	}
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(10000)", "journal_mode(wal)", "synchronous(full)", "foreign_keys(on)", "cache_size(-32000)",
	}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: strings.ReplaceAll(url.PathEscape(path), "%2F", "/"), RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.SetMaxOpenConns(4)
	db.SetMaxIdleConns(4) // none is opened again, which would make a file where none is left
	return db, nil
}

func (s *Store) migrate(ctx context.Context) error {
	dialect := goose.DialectSQLite3
	if s.postgres {
		dialect = goose.DialectPostgres
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(dialect, s.db.DB, files, goose.WithLogger(goose.NopLogger()), goose.WithGoMigrations(s.lifting()))
	if err != nil {
		return s.fail("read the migrations", err)
	}
	sources := p.ListSources()
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return s.fail("open the database", err)
	}
	if last := sources[len(sources)-1].Version; have > last {
		return &Error{
			Op: "open the database", Err: fmt.Errorf("its schema is version %d, and this drydock knows %d", have, last),
			hint: "a newer drydock wrote it: use that one, or another --data folder",
		}
	}
	if _, err := p.Up(ctx); err != nil {
		return s.fail("bring the schema up to date", err)
	}
	return nil
}

// Close closes the database.
func (s *Store) Close() error { return s.db.Close() }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.file.there(); err != nil {
		return err
	}
	var n int
	return s.fail("ask the database", s.db.QueryRowContext(ctx, "SELECT 1").Scan(&n))
}

// Size is how many bytes the database takes.
func (s *Store) Size(ctx context.Context) (int64, error) {
	q := "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
	if s.postgres {
		q = "SELECT pg_database_size(current_database())"
	}
	var n int64
	err := s.db.QueryRowContext(ctx, q).Scan(&n)
	return n, s.fail("read", err)
}

// Kind names the database for people.
func (s *Store) Kind() string {
	if s.postgres {
		return "PostgreSQL"
	}
	return "SQLite"
}

// Now is the store's clock, to the millisecond that it keeps.
func (s *Store) Now() time.Time { return s.now().UTC().Truncate(time.Millisecond) }

func (s *Store) fail(op string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	e := &Error{Op: op, Err: err}
	switch {
	case away(err):
		e.hint = "is PostgreSQL running, and does its address say so?"
	case full(err):
		e.hint = "make room on the disk; the service goes on by itself"
	}
	return e
}

// away reports whether there is no database that answers.
func away(err error) bool {
	var conn *pgconn.ConnectError
	var said *pgconn.PgError
	var broken net.Error
	switch {
	case errors.As(err, &said):
		return strings.HasPrefix(said.Code, "08") || strings.HasPrefix(said.Code, "57P") // it goes down, or comes up
	case errors.As(err, &conn), errors.As(err, &broken):
		return true
	}
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		strings.Contains(err.Error(), "conn closed") // of pgx, which has no value for it
}

// full reports whether the database's disk is full.
func full(err error) bool {
	var said *pgconn.PgError
	return errors.As(err, &said) && said.Code == "53100" || strings.Contains(err.Error(), "disk is full")
}

// sql puts a statement, whose parameters are "$1", into the database's words.
func (s *Store) sql(q string) string {
	if s.postgres {
		return q
	}
	return strings.ReplaceAll(q, "$", "?")
}

// Tx is one change of the state.
type Tx struct {
	s    *Store
	tx   *countingTx
	made map[string]int64 // parts that are stored once the change is made
	told []Emitted        // events, likewise
}

// Change makes one change: all of do's writes and events, or none. It is tried
// again where two changes met (PostgreSQL), so that do must be able to run twice: they
// waited for each other, or both stored what is stored once and neither saw the other's.
func (s *Store) Change(ctx context.Context, do func(*Tx) error) error {
	for try := 0; ; try++ {
		err := s.once(ctx, do)
		var pg *pgconn.PgError
		if try < 10 && errors.As(err, &pg) && slices.Contains([]string{"40001", "40P01", "23505"}, pg.Code) && ctx.Err() == nil {
			continue
		}
		if err == nil {
			s.signal.wake()
		}
		return err
	}
}

func (s *Store) once(ctx context.Context, do func(*Tx) error) error {
	tx, err := s.db.begin(ctx)
	if err != nil {
		return s.fail("begin a change", err)
	}
	t := &Tx{s: s, tx: tx, made: map[string]int64{}}
	if err := do(t); err != nil {
		if rerr := tx.Rollback(); rerr != nil && !errors.Is(rerr, sql.ErrTxDone) {
			return errors.Join(err, rerr)
		}
		return err
	}
	if err := s.file.there(); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return s.fail("commit a change", err)
	}
	for id, n := range t.made {
		s.known.Store(id, n)
	}
	if s.committed != nil && len(t.told) > 0 {
		s.committed(t.told)
	}
	return nil
}

func (t *Tx) exec(ctx context.Context, q string, args ...any) (int64, error) {
	r, err := t.tx.ExecContext(ctx, t.s.sql(q), args...)
	if err != nil {
		return 0, t.s.fail("write", err)
	}
	return r.RowsAffected()
}

// insert writes rows, many in a statement.
func (t *Tx) insert(ctx context.Context, into string, rows [][]any) error {
	return t.insertOr(ctx, into, rows, "")
}

// insertOr is insert with what is done about rows that are there.
func (t *Tx) insertOr(ctx context.Context, into string, rows [][]any, or string) error {
	if len(rows) == 0 {
		return nil
	}
	width := len(rows[0])
	for chunk := range slices.Chunk(rows, max(1, batch/width)) {
		var values strings.Builder
		args := make([]any, 0, len(chunk)*width)
		for i, r := range chunk {
			if i > 0 {
				values.WriteString(", ")
			}
			values.WriteString("(" + marks(1+i*width, width) + ")")
			args = append(args, r...)
		}
		if _, err := t.exec(ctx, "INSERT INTO "+into+" VALUES "+values.String()+or, args...); err != nil {
			return err
		}
	}
	return nil
}

// each calls f for every row of a query, within the change.
func (t *Tx) each(ctx context.Context, f func(*sql.Rows) error, q string, args ...any) error {
	rows, err := t.tx.QueryContext(ctx, t.s.sql(q), args...)
	if err != nil {
		return t.s.fail("read", err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
	for rows.Next() {
		if err := f(rows); err != nil {
			return t.s.fail("read", err)
		}
	}
	return t.s.fail("read", rows.Err())
}

// next hands out numbers, in order of commits.
func (t *Tx) next(ctx context.Context, counter string, count int64) (first int64, err error) {
	row := t.tx.QueryRowContext(ctx, t.s.sql(`INSERT INTO counters (name, n) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET n = counters.n + excluded.n RETURNING n`), counter, count)
	var last int64
	if err := row.Scan(&last); err != nil {
		return 0, t.s.fail("count "+counter, err)
	}
	return last - count + 1, nil
}

// marks are n parameters: "$2, $3, $4".
func marks(from, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(from+i))
	}
	return b.String()
}

// batch is how many parameters a statement takes.
const batch = 500

// each calls f for every row of a query.
func (s *Store) each(ctx context.Context, f func(*sql.Rows) error, q string, args ...any) error {
	rows, err := s.db.QueryContext(ctx, s.sql(q), args...)
	if err != nil {
		return s.fail("read", err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
	for rows.Next() {
		if err := f(rows); err != nil {
			return s.fail("read", err)
		}
	}
	return s.fail("read", rows.Err())
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func timeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
