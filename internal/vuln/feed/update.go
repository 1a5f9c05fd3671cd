package feed

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/egress"
	"github.com/drydock-dev/drydock/internal/vuln"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

// Updater keeps a folder of advisories up to date. The zero value of every
// field but Dir is useful. Several updaters, also of several processes, may work
// on one folder: the second waits for the first.
type Updater struct {
	Dir       string
	User      disk.User    // whose folder it is
	Client    *http.Client // nil: as [Outgoing] makes it
	Bases     Bases
	Now       func() time.Time
	Force     bool // a source may have far fewer records than it had
	UserAgent string
	Backoff   time.Duration // before the first retry; doubled for each further one; 0: a second
	// Signed holds an exported database to its signature before it is read; nil: all
	// are taken.
	Signed func(path string) error
	// Progress is told how many bytes of a source have come, of how many (-1: not
	// known). It is called by one goroutine at a time.
	Progress func(source string, done, total int64)
	Log      *slog.Logger

	mu sync.Mutex // of Progress

	reach reach  // of the update under way
	fresh []part // documents of several that were not there before, see guardReleases

	once    sync.Once
	direct  *http.Client
	encoder db.Encoder // of all that it compiles
}

// Report is what an update or an import did.
type Report struct {
	Sources []SourceReport
	Skipped []string // files of an imported folder that are no advisories
	Older   []string // what was left out: see [Report.Warnings]
	Path    string   // of the database
}

// Warnings say which stored advisories are left out, as they are in a format that
// is read no more.
func (r *Report) Warnings() []string {
	var out []string
	for _, path := range r.Older {
		what := "drydock db update brings its advisories again"
		if filepath.Base(path) == importedName {
			what = "drydock db import, or db update, brings its advisories again"
		}
		out = append(out, path+" is in the format of an older drydock and is left out: "+what)
	}
	return out
}

// SourceReport is what became of one source.
type SourceReport struct {
	Name    string
	Changed bool // false: what was there is the newest
	Records int
	Newest  time.Time
	Err     error // what is stored is what was stored before
}

// Update brings the sources of some ecosystems up to date, those that are stored
// already for none, and with meta the facts about vulnerabilities (NVD, KEV,
// EPSS). A source that fails keeps what it had and does not stop the others; its
// error is in the report and in the error returned.
func (u *Updater) Update(ctx context.Context, ecosystems []string, meta bool) (Report, error) {
	rep := Report{Path: u.path("db")}
	unlock, err := u.lock(ctx)
	if err != nil {
		return rep, err
	}
	u.reach.forget()
	defer unlock()
	sources, err := u.wanted(ecosystems, meta)
	if err != nil {
		return rep, fail("update advisories", err)
	}
	var errs []error
	for _, name := range sources {
		r := SourceReport{Name: name}
		r.Changed, r.Err = u.source(ctx, name)
		if r.Err != nil {
			r.Err = fail("fetch "+name, r.Err)
			errs = append(errs, r.Err)
		}
		rep.Sources = append(rep.Sources, r)
		if ctx.Err() != nil {
			return rep, errors.Join(errs...)
		}
	}
	errs = append(errs, fail("update alpine-secdb", u.guardReleases(ctx)), fail("compile advisories", u.assemble(ctx, &rep)))
	return rep, errors.Join(errs...)
}

// wanted are the sources that an update is about.
func (u *Updater) wanted(ecosystems []string, meta bool) ([]string, error) {
	var out []string
	for _, e := range ecosystems {
		out = append(out, sourcesOf(e)...)
	}
	if len(ecosystems) == 0 {
		stored, err := u.sourceNames()
		if err != nil {
			return nil, err
		}
		for _, s := range stored {
			if !slices.Contains(metaSources(), s) {
				out = append(out, s)
			}
		}
	}
	if meta {
		out = append(out, metaSources()...)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// source updates one source, part by part.
func (u *Updater) source(ctx context.Context, name string) (changed bool, err error) {
	var mu sync.Mutex
	found := 0
	run := func(ctx context.Context, p part) (bool, error) {
		did, err := u.part(ctx, p)
		if p.instead != nil && isMissing(err) {
			did, err = u.part(ctx, *p.instead)
		}
		missing := p.optional && isMissing(err)
		mu.Lock()
		defer mu.Unlock()
		changed = changed || did
		if missing {
			return false, nil
		}
		found++
		if err != nil && p.name != "all" {
			err = fmt.Errorf("%s: %w", p.name, err)
		}
		return true, err
	}
	of := u.partsOf(name)
	if of.list != nil {
		listed, err := of.list(ctx)
		if err != nil {
			return false, err
		}
		of.parts = append(of.parts, listed...)
	}
	g := &errgroup.Group{} // one part's failure does not stop the others
	g.SetLimit(4)
	for _, p := range of.parts {
		g.Go(func() error {
			_, err := run(ctx, p)
			return err
		})
	}
	err = g.Wait()
	for n := 0; of.more != nil && err == nil; n++ {
		there := false
		for _, p := range of.more(n) {
			ok, e := run(ctx, p)
			there, err = there || ok, errors.Join(err, e)
		}
		if !there {
			break
		}
	}
	if err == nil && found == 0 {
		err = &StatusError{u.bases().of(name), http.StatusNotFound}
	}
	return changed, err
}

// part updates one document of a source.
func (u *Updater) part(ctx context.Context, p part) (changed bool, err error) {
	d, st, ok := u.stored(ctx, p.source, p.name)
	if ok {
		defer u.closing(d)
	}
	if ok && p.changes != "" {
		done, changed, err := u.increment(ctx, p, d, st)
		if done || err != nil {
			return changed, err
		}
	}
	if p.locate != nil {
		if p.url, err = p.locate(ctx); err != nil {
			return false, err
		}
	}
	for try := 0; ; try++ {
		file, v, err := u.download(ctx, p.source, p.url, st.Version)
		if errors.Is(err, errNotModified) {
			st.Fetched = u.now()
			return false, u.saveState(p.source, p.name, st)
		}
		if err != nil {
			return false, err
		}
		next := partState{Version: v, Fetched: u.now()}
		err = u.take(ctx, p, file, next)
		err = errors.Join(err, ignoreAbsent(os.Remove(file)))
		if err == nil {
			return true, nil
		}
		// A complete download that does not read: perhaps the upstream was just
		// being written, or a proxy spoke instead. Once more, then give up.
		if try > 0 || ctx.Err() != nil || !isContent(err) {
			return false, err
		}
		u.log().Info("retrying", "source", p.source, "reason", err)
		if err := egress.Pause(ctx, u.backoff()); err != nil {
			return false, err
		}
	}
}

// isContent tells a document that does not read from a disk that does not write.
func isContent(err error) bool {
	var path *fs.PathError
	var less *ShrunkError
	return !errors.As(err, &path) && !errors.As(err, &less)
}

// take reads a document and stores its facts.
func (u *Updater) take(ctx context.Context, p part, file string, st partState) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	in := db.SourceInput{Source: KnownSource(p.source)}
	in.Fetched = st.Fetched
	err = p.read(ctx, f, &in, &st)
	if err == nil {
		done := in.Done
		in.Done = func(s *db.Source) {
			if done != nil {
				done(s)
			}
			if s.Newest.IsZero() {
				s.Newest = newer(st.Version.modified(), s.Newest)
			}
			if s.Newest.IsZero() {
				s.Newest = st.Fetched // no date anywhere: it is today's
			}
			if st.Newest.IsZero() {
				st.Newest = s.Newest
			}
		}
		u.guarded(p, &in)
		fresh := p.source == "alpine-secdb" && u.isNew(p)
		if err = u.store(p.source, p.name, in, &st); err == nil && fresh {
			u.mu.Lock()
			u.fresh = append(u.fresh, p)
			u.mu.Unlock()
		}
	}
	return errors.Join(err, f.Close())
}

// maxIncrement is how many records are fetched one by one before the whole
// bucket is the shorter way.
const maxIncrement = 500

// increment fetches the records that changed since the last update. done is
// false where the whole bucket has to be fetched instead.
func (u *Updater) increment(ctx context.Context, p part, d *db.DB, st partState) (done, changed bool, err error) {
	file, v, err := u.download(ctx, p.source, p.changes, st.Changes)
	if errors.Is(err, errNotModified) {
		st.Fetched = u.now()
		return true, false, u.saveState(p.source, p.name, st)
	}
	if err != nil {
		if isMissing(err) {
			return false, false, nil
		}
		return false, false, err
	}
	changes, total, err := u.changes(file, st.Newest)
	if err = errors.Join(err, ignoreAbsent(os.Remove(file))); err != nil {
		return false, false, err
	}
	src := d.Sources()[0]
	st.Changes, st.Fetched = v, u.now()
	added := total - src.Records
	if len(changes) == 0 && added == 0 {
		return true, false, u.saveState(p.source, p.name, st)
	}
	if len(changes) > maxIncrement || added < 0 || added > len(changes) {
		return false, false, nil
	}
	records, err := u.records(ctx, p, changes)
	if isMissing(err) {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	in := db.SourceInput{Source: src}
	in.Records, in.Fetched = total, st.Fetched
	ids := make([]string, 0, len(records))
	add := records[0].Advisories[:0:0]
	var titles []vuln.Meta
	var covers Coverage
	for i, r := range records {
		ids = append(ids, r.ID)
		add = append(add, r.Advisories...)
		titles = append(titles, r.Titles...)
		covers.Add(r)
		st.Newest = newer(st.Newest, newer(changes[i].Modified, r.Modified))
		if !r.Partial {
			in.Newest = newer(in.Newest, newer(changes[i].Modified, r.Modified))
		}
	}
	in.Advisories = concat(without(d.All(ctx), ids), list(add))
	in.Metas = concat(d.Metas(ctx), list(titles))
	in.Covers = func(s db.Source) ([]vuln.Coverage, error) {
		old, err := d.Coverages()
		return append(old, covers.beside(old, s.Newest)...), err
	}
	return true, true, u.store(p.source, p.name, in, &st)
}

func (u *Updater) changes(file string, since time.Time) ([]Change, int, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, 0, err
	}
	changes, total, err := Changes(f, since, maxIncrement)
	return changes, total, errors.Join(err, f.Close())
}

// records fetches records one by one, a few at a time.
func (u *Updater) records(ctx context.Context, p part, changes []Change) ([]Record, error) {
	out := make([]Record, len(changes))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i, c := range changes {
		g.Go(func() error {
			file, _, err := u.download(ctx, p.source, p.record(c.ID), version{})
			if err != nil {
				return err
			}
			f, err := os.Open(file)
			if err == nil {
				out[i], err = OSV(f, KnownSource(p.source).Ecosystems[0])
				err = errors.Join(err, f.Close())
			}
			if err == nil && out[i].ID != c.ID {
				err = fmt.Errorf("%s holds %s", p.record(c.ID), clip(out[i].ID))
			}
			return errors.Join(err, ignoreAbsent(os.Remove(file)))
		})
	}
	return out, g.Wait()
}

// lock waits until no other update works on the folder.
func (u *Updater) lock(ctx context.Context) (func(), error) {
	if u.Dir == "" {
		return nil, errors.New("no folder for advisories")
	}
	if err := u.User.MkdirAll(u.Dir, 0o755); err != nil {
		return nil, fail("make the folder of advisories", err)
	}
	if err := u.User.Private(u.Dir); err != nil {
		return nil, fail("keep advisories", err)
	}
	for said := false; ; said = true {
		f, err := tryLock(u.User, u.path("lock"))
		if err != nil {
			return nil, fail("lock the folder of advisories", err)
		}
		if f != nil {
			u.tidy()
			return func() { u.closing(f) }, nil
		}
		if !said {
			u.log().Warn("another update is at work: waiting for it", "folder", u.Dir)
		}
		if err := egress.Pause(ctx, 100*time.Millisecond); err != nil {
			return nil, fail("wait for another update", err)
		}
	}
}

func (u *Updater) client() *http.Client {
	if u.Client != nil {
		return u.Client
	}
	u.once.Do(func() { u.direct = Outgoing(egress.Options{Log: u.Log}) })
	return u.direct
}

// Outgoing is a client for upstreams: it takes documents as they are stored, and
// leaves it to the updater to try again.
func Outgoing(opt egress.Options) *http.Client {
	opt.Own, opt.Raw, opt.Limits.Tries = true, true, 1
	return egress.New(opt).Client()
}

func (u *Updater) now() time.Time {
	if u.Now != nil {
		return u.Now().UTC()
	}
	return time.Now().UTC()
}

func (u *Updater) userAgent() string {
	if u.UserAgent != "" {
		return u.UserAgent
	}
	return "drydock"
}

func (u *Updater) backoff() time.Duration {
	if u.Backoff > 0 {
		return u.Backoff
	}
	return time.Second
}

func (u *Updater) log() *slog.Logger {
	if u.Log != nil {
		return u.Log
	}
	return slog.New(slog.DiscardHandler)
}
