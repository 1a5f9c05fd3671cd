package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

// Open opens the advisories that a scan reads: the database of a folder, where
// there is one, before the embedded snapshot. The stack can be used also beside
// an error, which says that the folder's database cannot.
//
// A database that others than user could have written is an error: it would be
// their word on what is vulnerable.
func Open(dir string, user disk.User) (*db.Stack, error) {
	embedded, err := db.Embedded()
	if err != nil {
		return nil, err
	}
	if dir == "" {
		return db.NewStack(embedded), nil
	}
	file := filepath.Join(dir, "db")
	own, err := db.Open(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = nil
	case err == nil:
		if err = private(user, dir, file); err != nil {
			err = errors.Join(err, own.Close())
			own = nil
		}
	}
	return db.NewStack(own, embedded), fail("advisories in "+dir, err)
}

// private is nil where nobody but user could have written a folder's database.
func private(user disk.User, dir, file string) error {
	if err := user.Private(dir); err != nil {
		return err
	}
	return user.Private(file)
}

// Status lists the sources that the folder's database holds, with their dates;
// none where there is no database yet.
func (u *Updater) Status() ([]db.Source, error) {
	d, err := u.load()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fail("status", err)
	}
	return d.Sources(), fail("status", d.Close())
}

// load opens the folder's database, if nobody else could have written it.
func (u *Updater) load() (*db.DB, error) {
	d, err := db.Load(u.path("db"))
	if err != nil {
		return nil, err
	}
	if err := private(u.User, u.Dir, u.path("db")); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Export writes the folder's database, which Import on another machine reads.
func (u *Updater) Export(ctx context.Context, w io.Writer) error {
	d, err := u.load()
	if errors.Is(err, fs.ErrNotExist) {
		return &Error{Op: "export", Err: fmt.Errorf("no advisories in %s", u.Dir), hint: "drydock db update fetches them; the embedded ones need no export"}
	}
	if err != nil {
		return fail("export", err)
	}
	err = d.Verify(ctx)
	if err == nil {
		err = d.Restamp(w, d.Sources())
	}
	return fail("export", errors.Join(err, d.Close()))
}

// Verify reads everything in the folder, and says of each file that it is
// damaged.
func (u *Updater) Verify(ctx context.Context) error {
	if err := u.User.Private(u.Dir); err != nil {
		return fail("verify", err)
	}
	var errs []error
	err := filepath.WalkDir(u.Dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.Name() != "db" && filepath.Ext(path) != ".db" || !e.Type().IsRegular() {
			return nil
		}
		d, err := db.Load(path)
		if err == nil {
			err = errors.Join(d.Verify(ctx), d.Close())
		}
		errs = append(errs, fail("verify", err))
		return ctx.Err()
	})
	if _, serr := os.Stat(u.Dir); errors.Is(serr, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(append(errs, fail("verify", err))...)
}
