package feed

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/sorting"
	"github.com/drydock-dev/drydock/internal/vuln"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

// assemble makes the folder's database of its sources, and of what was imported
// as a whole. Where nothing changed but when the sources were asked, the facts
// are copied as they are.
func (u *Updater) assemble(ctx context.Context, rep *Report) error {
	in, closeAll, err := u.input(ctx, rep)
	defer closeAll()
	if err != nil {
		return err
	}
	imported, err := u.loadStored(importedName, rep)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if imported != nil {
		defer u.closing(imported)
	}
	var sources []db.Source
	for _, s := range in.Sources {
		sources = append(sources, s.Source)
	}
	if len(sources) == 0 && imported == nil {
		return nil
	}
	if !u.restamped(imported, sources, &err) {
		err = u.compile(ctx, in, imported)
	}
	if err == nil {
		err = ignoreAbsent(os.Remove(u.path(stale)))
	}
	if err != nil {
		return err
	}
	for i := range rep.Sources {
		for _, s := range sources {
			if s.Name == rep.Sources[i].Name {
				rep.Sources[i].Records, rep.Sources[i].Newest = s.Records, s.Newest
			}
		}
	}
	return nil
}

// importedName is what was imported from an exported database.
const importedName = "imported.db"

// loadStored opens a database of the folder; nil, and told in the report, where an older
// drydock wrote it in a format that is read no more.
func (u *Updater) loadStored(name string, rep *Report) (*db.DB, error) {
	d, err := db.Open(u.path(name)) // nobody replaces it while the folder is locked
	var version *db.VersionError
	if errors.As(err, &version) && version.Have < version.Want {
		rep.Older = append(rep.Older, u.path(name))
		return nil, nil //nolint:nilnil // there is none, and that is no error
	}
	return d, err
}

// restamped copies the facts that are there, with new dates of the sources, if
// nothing else is new.
func (u *Updater) restamped(imported *db.DB, sources []db.Source, err *error) bool {
	if _, e := os.Stat(u.path(stale)); imported != nil || !errors.Is(e, fs.ErrNotExist) {
		return false
	}
	old, e := db.Load(u.path("db"))
	if e != nil {
		return false
	}
	defer u.closing(old)
	if !sameSources(old.Sources(), sources) {
		return false
	}
	*err = u.replace(u.path("db"), func(w io.Writer) error { return old.Restamp(w, sources) })
	return true
}

// ownName is of the sources' facts while they are joined with what was imported.
const ownName = ".new-own"

func (u *Updater) compile(ctx context.Context, in db.Input, imported *db.DB) error {
	in.Encoder, in.Quick, in.Aside = &u.encoder, true, u.Dir
	if imported == nil {
		return u.replace(u.path("db"), func(w io.Writer) error { return db.Compile(w, in) })
	}
	own := u.path(ownName)
	if err := u.replace(own, func(w io.Writer) error { return db.Compile(w, in) }); err != nil {
		return err
	}
	d, err := db.Load(own)
	if err == nil {
		err = u.replace(u.path("db"), func(w io.Writer) error { return db.NewStack(d, imported).CompileWith(ctx, w, &u.encoder) })
		err = errors.Join(err, d.Close())
	}
	return errors.Join(err, ignoreAbsent(os.Remove(own)))
}

// sameSources reports whether the database holds the same sources with as many
// records as new.
func sameSources(a, b []db.Source) bool {
	return slices.EqualFunc(a, b, func(x, y db.Source) bool {
		return x.Name == y.Name && x.Records == y.Records && x.Newest.Unix() == y.Newest.Unix()
	})
}

// input opens every stored part. A source's parts become one source; Alpine's
// two sources are merged.
func (u *Updater) input(ctx context.Context, rep *Report) (in db.Input, closeAll func(), err error) {
	var open []*db.DB
	closeAll = func() {
		for _, d := range open {
			u.closing(d)
		}
	}
	names, err := u.sourceNames()
	if err != nil {
		return in, closeAll, err
	}
	if slices.ContainsFunc(names, func(n string) bool { return n == "wolfi" || n == "chainguard" || n == "alpine-secdb" }) {
		snapshot, err := db.Embedded()
		if err != nil {
			return in, closeAll, err
		}
		in.Names = snapshot.Records(ctx)
	}
	var secdb, osv *db.SourceInput
	for _, name := range names {
		parts, err := u.parts(name)
		if err != nil {
			return in, closeAll, err
		}
		s := db.SourceInput{Source: KnownSource(name)}
		read := 0
		for _, p := range parts {
			d, err := u.loadStored(u.partName(name, p), rep)
			if err != nil {
				return in, closeAll, err
			}
			if d == nil {
				continue
			}
			read++
			open = append(open, d)
			for _, src := range d.Sources() {
				s.Records += src.Records
				s.Newest = newer(s.Newest, src.Newest)
				s.Fetched = older(s.Fetched, u.fetched(name, p, src.Fetched))
			}
			s.Parts = append(s.Parts, d)
			s.Covers = covering(s.Covers, d)
		}
		if read > 0 {
			in.Sources = append(in.Sources, s)
		}
	}
	sorting.By(in.Sources, func(a, b db.SourceInput) int { return strings.Compare(a.Name, b.Name) })
	for i := range in.Sources {
		switch in.Sources[i].Name {
		case "Alpine":
			osv = &in.Sources[i]
		case "alpine-secdb":
			secdb = &in.Sources[i]
		}
	}
	if secdb != nil {
		mergeAlpine(ctx, secdb, osv)
	}
	return in, closeAll, nil
}

// mergeAlpine has what both sources of Alpine say of a fix said once. osv may be nil.
func mergeAlpine(ctx context.Context, secdb, osv *db.SourceInput) {
	fixes := secdb.Parts
	var records []*db.DB
	secdb.Parts = nil
	if osv != nil {
		records, osv.Parts = osv.Parts, nil
	}
	for _, d := range slices.Concat(fixes, records) {
		secdb.Metas = chain(secdb.Metas, d.Metas(ctx))
	}
	secdb.Advisories = pushed(func(yield func(vuln.Advisory) error) error {
		heads := alpineHeads{}
		for _, d := range records {
			for a, err := range d.All(ctx) {
				if err != nil {
					return err
				}
				heads.add(&a)
			}
		}
		return db.ByPackage(ctx, slices.Concat(fixes, records), func(all []vuln.Advisory, from []int) error {
			var a, b []vuln.Advisory
			for i := range all {
				if from[i] < len(fixes) {
					a = append(a, all[i])
				} else {
					b = append(b, all[i])
				}
			}
			for _, adv := range heads.merge(UniteSecDB(a), b) {
				if err := yield(adv); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// covering adds what a part covers to what the parts before it cover.
func covering(before func(db.Source) ([]vuln.Coverage, error), d *db.DB) func(db.Source) ([]vuln.Coverage, error) {
	return func(s db.Source) ([]vuln.Coverage, error) {
		all, err := d.Coverages()
		if err != nil || before == nil {
			return all, err
		}
		more, err := before(s)
		return append(all, more...), err
	}
}

// fetched is when a part was asked for last, which its state knows best.
func (u *Updater) fetched(source, part string, in time.Time) time.Time {
	if st, err := u.state(source, part); err == nil && st.Fetched.After(in) {
		return st.Fetched
	}
	return in
}

func older(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
