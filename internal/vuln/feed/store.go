package feed

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/vuln"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

// The folder:
//
//	db                          what scans read
//	sources/<source>/<part>.db  the facts of one document of an upstream, in the same format
//	sources/<source>/<part>.json  which version of the document that is
//	imported.db                 what was imported from an exported database
//	partial/                    downloads that were cut off
//	stale                       there while sources are newer than db
//	lock

const stale = "stale"

// partState is what is kept beside a part's facts.
type partState struct {
	Version version   `json:"version"`
	Changes version   `json:"changes"` // of the bucket's list of changes
	Newest  time.Time `json:"newest"`  // to the fraction of a second, for increments
	Fetched time.Time `json:"fetched"`
}

func (u *Updater) partPath(source, part string) string { return u.path(u.partName(source, part)) }

func (u *Updater) partName(source, part string) string {
	return filepath.Join("sources", fileName(source), fileName(part)+".db")
}

// stored opens a part's facts and reads its state; ok is false where there are
// none that can be used, and then they are fetched anew.
func (u *Updater) stored(ctx context.Context, source, part string) (*db.DB, partState, bool) {
	path := u.partPath(source, part)
	st, err := u.state(source, part)
	if err != nil {
		return nil, partState{}, false
	}
	d, err := db.Load(path)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			u.log().Warn("stored advisories are unusable and will be fetched anew", "source", source, "reason", err)
		}
		return nil, partState{}, false
	}
	if !d.Whole() {
		u.log().Warn("stored advisories are of an older drydock and will be fetched anew", "source", source)
		u.closing(d)
		return nil, partState{}, false
	}
	if err := d.Verify(ctx); err != nil {
		u.log().Warn("stored advisories are unusable and will be fetched anew", "source", source, "reason", err)
		u.closing(d)
		return nil, partState{}, false
	}
	return d, st, true
}

func (u *Updater) state(source, part string) (st partState, err error) {
	b, err := os.ReadFile(strings.TrimSuffix(u.partPath(source, part), ".db") + ".json")
	if err == nil {
		err = json.Unmarshal(b, &st)
	}
	return st, err
}

func (u *Updater) closing(c io.Closer) {
	if err := c.Close(); err != nil {
		u.log().Warn("closing", "reason", err)
	}
}

// store replaces a part's facts and then its state, which may change while the
// facts are read. Ended in between, the state is an older one, and the next
// update fetches once too often.
func (u *Updater) store(source, part string, in db.SourceInput, st *partState) error {
	path := u.partPath(source, part)
	if err := u.User.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	// From here on the database is not what the sources say, until it is compiled.
	if err := u.replace(u.path(stale), func(io.Writer) error { return nil }); err != nil {
		return err
	}
	// Compile writes only when it has read everything, so that an error of the
	// document leaves no trace.
	if err := u.replace(path, func(w io.Writer) error {
		return db.Compile(w, db.Input{Sources: []db.SourceInput{in}, Encoder: &u.encoder, Quick: true, Aside: u.Dir})
	}); err != nil {
		return err
	}
	return u.saveState(source, part, *st)
}

func (u *Updater) saveState(source, part string, st partState) error {
	b, err := json.MarshalIndent(st, "", "  ")
	if err != nil {
		return err
	}
	return u.replace(strings.TrimSuffix(u.partPath(source, part), ".db")+".json", func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

// replace puts a file in path's place when it is complete and on the disk.
func (u *Updater) replace(path string, write func(io.Writer) error) error {
	return disk.Write(path, disk.Options{User: u.User}, write)
}

// parts lists the stored parts of a source; sourceNames the stored sources.
func (u *Updater) parts(source string) ([]string, error) {
	files, err := os.ReadDir(u.path("sources", fileName(source)))
	if err != nil {
		return nil, ignoreAbsent(err)
	}
	var out []string
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), ".db"); ok && !strings.HasPrefix(name, ".") {
			out = append(out, unescape(name))
		}
	}
	return out, nil
}

func (u *Updater) sourceNames() ([]string, error) {
	files, err := os.ReadDir(u.path("sources"))
	if err != nil {
		return nil, ignoreAbsent(err)
	}
	var out []string
	for _, f := range files {
		if f.IsDir() {
			out = append(out, unescape(f.Name()))
		}
	}
	return out, nil
}

// tidy removes what an update that was killed left behind. Cut-off downloads
// stay: the next update takes them up.
func (u *Updater) tidy() {
	err := filepath.WalkDir(u.Dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
		case e.IsDir():
			disk.Sweep(path, "")
		case e.Name() == ownName:
			err = os.Remove(path)
		}
		return err
	})
	if err != nil {
		u.log().Warn("removing what an interrupted update left", "reason", err)
	}
}

func list[T any](all []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range all {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// without leaves out the advisories of some records.
func without(in iter.Seq2[vuln.Advisory, error], ids []string) iter.Seq2[vuln.Advisory, error] {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return func(yield func(vuln.Advisory, error) bool) {
		for a, err := range in {
			if err == nil {
				if _, gone := slices.BinarySearch(ids, a.ID); gone {
					continue
				}
			}
			if !yield(a, err) {
				return
			}
		}
	}
}

func concat[T any](all ...iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, seq := range all {
			for v, err := range seq {
				if !yield(v, err) {
					return
				}
			}
		}
	}
}

// chain is concat where the first may be nil.
func chain[T any](a, b iter.Seq2[T, error]) iter.Seq2[T, error] {
	if a == nil {
		return b
	}
	return concat(a, b)
}

// pushed turns a parser, which calls a function for each value, into a sequence.
func pushed[T any](parse func(yield func(T) error) error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		stop := errors.New("stopped")
		err := parse(func(v T) error {
			if !yield(v, nil) {
				return stop
			}
			return nil
		})
		if err != nil && !errors.Is(err, stop) {
			var zero T
			yield(zero, err)
		}
	}
}
