package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/drydock-dev/drydock/internal/disk"
)

// databaseFile is the SQLite file in a data folder.
const databaseFile = "drydock.sqlite"

// Backup writes the whole state as of one moment, while others change it. dir is
// the data folder, whose disk needs room for a copy meanwhile.
func (s *Store) Backup(ctx context.Context, dir string, w io.Writer) (err error) {
	if s.postgres {
		return &Error{Op: "back up", Err: errors.New("the state is in PostgreSQL"), hint: "pg_dump backs it up while it runs, and pg_restore restores it"}
	}
	aside, err := os.MkdirTemp(dir, "backup-")
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(aside)) }()
	path := filepath.Join(aside, databaseFile)
	if _, err := s.db.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		return s.fail("back up", err)
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	defer f.Close() //nolint:errcheck // read only
	if _, err := io.Copy(w, f); err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	return nil
}

// Restore puts a backup into a data folder that has no state yet. One that is
// damaged, of something else, or of a newer program changes nothing.
func Restore(ctx context.Context, opt Options, r io.Reader) (err error) {
	to := filepath.Join(opt.Dir, databaseFile)
	if _, err := os.Lstat(to); err == nil {
		return &Error{Op: "restore", Err: errors.New(opt.Dir + " has a state already"), hint: "another --data folder, or move " + to + " away with what begins with its name, while no service runs"}
	}
	if err := opt.User.MkdirAll(opt.Dir, 0o700); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	aside, err := os.MkdirTemp(opt.Dir, "restore-")
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(aside)) }()
	path := filepath.Join(aside, databaseFile)
	if err := disk.Write(path, disk.Options{Mode: 0o600}, func(w io.Writer) error {
		_, err := io.Copy(w, r)
		return err
	}); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	in := opt
	in.Dir, in.URL = aside, ""
	if err := holdsState(ctx, in); err != nil {
		return err
	}
	s, err := Open(ctx, in)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	var word string
	err = s.db.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&word)
	if err == nil && word != "ok" {
		err = errors.New(word)
	}
	if err == nil {
		_, err = s.db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	}
	if err = errors.Join(err, s.Close()); err != nil {
		return &Error{Op: "restore", Err: err, hint: "the file is damaged: take another backup"}
	}
	if err := os.Link(path, to); err != nil { // never over a state that came meanwhile
		return fmt.Errorf("restore: %w", err)
	}
	return nil
}

// holdsState is an error unless the database is one of a service. An empty file, or
// another program's database, would otherwise become a state with nothing in it.
func holdsState(ctx context.Context, opt Options) (err error) {
	db, err := openSQLite(opt)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var tables int
	const ask = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('goose_db_version', 'images', 'outbox')"
	switch err := db.QueryRowContext(ctx, ask).Scan(&tables); {
	case err != nil:
		return &Error{Op: "restore", Err: err, hint: "the file is damaged, or no backup: drydock serve backup FILE writes one"}
	case tables != 3:
		return &Error{Op: "restore", Err: errors.New("the file is no backup of a service"), hint: "drydock serve backup FILE writes one"}
	}
	return nil
}
