package feed

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/vuln"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

// ShrunkError is a source that has far fewer records than what it would take
// the place of: a file that was cut or filtered, which would make everything
// that is not in it look clean.
type ShrunkError struct {
	Source    string // with the document's name, where it has several
	Have, Had int
}

func (e *ShrunkError) Error() string {
	return fmt.Sprintf("%s would have %d of %d records: refused, since what is missing would count as no vulnerability", e.Source, e.Have, e.Had)
}

// Hint says what to do.
func (e *ShrunkError) Hint() string {
	return "what was there is kept; --force takes the new one where it is meant to be smaller"
}

// shrunk reports whether more than a tenth is gone.
func shrunk(have, had int) bool { return 10*have < 9*had }

// guarded makes a part an error that has far fewer records than what answers
// now: the part as stored, else what the program has of the source. It says so
// when all is read and nothing is written.
func (u *Updater) guarded(p part, in *db.SourceInput) {
	if u.Force {
		return
	}
	covers := in.Covers
	in.Covers = func(s db.Source) ([]vuln.Coverage, error) {
		had, err := u.had(p)
		if err != nil {
			return nil, err
		}
		if shrunk(s.Records, had) {
			name := p.source
			if p.name != "all" {
				name += " " + p.name
			}
			return nil, &ShrunkError{name, s.Records, had}
		}
		if covers == nil {
			return nil, nil
		}
		return covers(s)
	}
}

// had is how many records a part takes the place of; 0 where that is unknown,
// as of one of several documents of a source that none is stored of.
func (u *Updater) had(p part) (int, error) {
	d, err := db.Load(u.partPath(p.source, p.name))
	if err == nil {
		defer u.closing(d)
		return records(d, p.source), nil
	}
	if p.name != "all" {
		return 0, nil
	}
	if d, err = db.Embedded(); err != nil {
		return 0, err
	}
	return records(d, p.source), nil
}

func records(d *db.DB, source string) int {
	n := 0
	for _, s := range d.Sources() {
		if s.Name == source {
			n += s.Records
		}
	}
	return n
}

// guardReleases looks at the releases of Alpine of which documents are new: one
// repository without the other would answer alone for the release. What is
// refused is taken away again.
func (u *Updater) guardReleases(ctx context.Context) error {
	fresh := u.fresh
	u.fresh = nil
	if u.Force {
		return nil
	}
	embedded, err := db.Embedded()
	if err != nil {
		return err
	}
	var errs []error
	for _, p := range fresh {
		release := p.name[:max(strings.LastIndexByte(p.name, '-'), 0)]
		c, _, err := embedded.Coverage(ctx, "Alpine:"+release)
		if err != nil {
			return err
		}
		have, err := u.countOf(p.source, release+"-")
		if err != nil {
			return err
		}
		if shrunk(have, c.Advisories) {
			errs = append(errs, &ShrunkError{p.source + " " + release, have, c.Advisories})
		}
	}
	if len(errs) == 0 {
		return nil
	}
	for _, p := range fresh {
		path := u.partPath(p.source, p.name)
		for _, name := range []string{path, strings.TrimSuffix(path, ".db") + ".json"} {
			if err := ignoreAbsent(os.Remove(name)); err != nil {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(slices.CompactFunc(errs, func(a, b error) bool { return a.Error() == b.Error() })...)
}

// countOf counts the records of the stored parts of a source whose names begin so.
func (u *Updater) countOf(source, prefix string) (int, error) {
	parts, err := u.parts(source)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, name := range parts {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		d, err := db.Load(u.partPath(source, name))
		if err != nil {
			return 0, err
		}
		n += records(d, source)
		u.closing(d)
	}
	return n, nil
}

// guardDB is guarded for an exported database: each of its sources is held to
// what answers now.
func (u *Updater) guardDB(d *db.DB) error {
	if u.Force {
		return nil
	}
	stack, err := Open(u.Dir, u.User)
	if err != nil { // of a damaged database, which this one may replace: the embedded one counts
		u.log().Warn("stored advisories are unusable", "reason", err)
	}
	if stack == nil {
		return nil
	}
	defer u.closing(stack)
	now := map[string]int{}
	for _, s := range stack.Sources() {
		now[s.Name] = s.Records
	}
	var errs []error
	for _, s := range d.Sources() {
		if shrunk(s.Records, now[s.Name]) {
			errs = append(errs, &ShrunkError{s.Name, s.Records, now[s.Name]})
		}
	}
	return errors.Join(errs...)
}

// isNew reports whether a part has no predecessor.
func (u *Updater) isNew(p part) bool {
	_, err := os.Stat(u.partPath(p.source, p.name))
	return errors.Is(err, fs.ErrNotExist)
}
