package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/drydock-dev/drydock/internal/vuln/db"
)

// Open opens the advisories that a scan reads: the database of a folder, where
// there is one, before the embedded snapshot. The stack can be used also beside
// an error, which says that the folder's database cannot.
func Open(dir string) (*db.Stack, error) {
	embedded, err := db.Embedded()
	if err != nil {
		return nil, err
	}
	if dir == "" {
		return db.NewStack(embedded), nil
	}
	own, err := db.Open(filepath.Join(dir, "db"))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return db.NewStack(own, embedded), fail("advisories in "+dir, err)
}

// Status lists the sources that the folder's database holds, with their dates;
// none where there is no database yet.
func (u *Updater) Status() ([]db.Source, error) {
	d, err := db.Load(u.path("db"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fail("status", err)
	}
	return d.Sources(), fail("status", d.Close())
}

// Export writes the folder's database, which Import on another machine reads.
func (u *Updater) Export(ctx context.Context, w io.Writer) error {
	d, err := db.Load(u.path("db"))
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
