package feed

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/vuln"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

// Import takes advisories from a file or from every file of a folder, such as a
// mirror of the upstreams: OSV's all.zip, secdb documents, Wolfi's
// security.json, the updateinfo.xml of Amazon Linux and Fedora, Oracle's OVAL, Photon
// OS' metadata, NVD year feeds, the KEV catalogue, EPSS scores (compressed or
// not), and databases that Export wrote. What a file is, its content says. Data
// is as old as its file. Everything is read before any of it replaces anything;
// a source with far fewer records than it had is a [ShrunkError], unless forced.
func (u *Updater) Import(ctx context.Context, path string) (Report, error) {
	rep := Report{Path: u.path("db")}
	unlock, err := u.lock(ctx)
	if err != nil {
		return rep, err
	}
	defer unlock()
	info, err := os.Stat(path)
	if err != nil {
		return rep, fail("import", err)
	}
	if !info.IsDir() {
		err = u.importFile(ctx, path, &rep)
		if err == nil && len(rep.Skipped) > 0 {
			err = &Error{
				Op: "import " + path, Err: errors.New("not advisories in a form that is known"),
				hint: "known are OSV's all.zip, secdb and security.json, updateinfo.xml, Oracle's OVAL, Photon OS' metadata, NVD, KEV and EPSS files, and exported databases",
			}
		}
		return rep, u.imported(ctx, &rep, err)
	}
	err = filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		return u.importFile(ctx, p, &rep)
	})
	if err == nil && len(rep.Sources) == 0 {
		err = &Error{Op: "import " + path, Err: errors.New("no advisories in this folder"), hint: "it may be laid out like the upstreams: osv/<Ecosystem>/all.zip, kev/known_exploited_vulnerabilities.json"}
	}
	return rep, u.imported(ctx, &rep, err)
}

// imported compiles what was read, also before an error.
func (u *Updater) imported(ctx context.Context, rep *Report, err error) error {
	if err != nil {
		err = fail("import", err)
	}
	if len(rep.Sources) == 0 {
		return err
	}
	err = errors.Join(err, fail("import", u.guardReleases(ctx)))
	return errors.Join(err, fail("compile advisories", u.assemble(ctx, rep)))
}

func (u *Updater) importFile(ctx context.Context, path string, rep *Report) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = u.importOpen(ctx, path, f, rep)
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return errors.Join(err, f.Close())
}

func (u *Updater) importOpen(ctx context.Context, path string, f *os.File, rep *Report) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	p, err := recognise(ctx, path, f, info.Size())
	if err != nil {
		return err
	}
	if p.source == exported && u.Signed != nil {
		if err := u.Signed(path); err != nil {
			return err
		}
	}
	if p.source == exported {
		sources, err := u.importDB(ctx, path)
		rep.Sources = append(rep.Sources, sources...)
		return err
	}
	if p.source == "" {
		rep.Skipped = append(rep.Skipped, path)
		return nil
	}
	if err := u.take(ctx, p, path, partState{Fetched: u.dated(info)}); err != nil {
		return err
	}
	if i := slices.IndexFunc(rep.Sources, func(s SourceReport) bool { return s.Name == p.source }); i < 0 {
		rep.Sources = append(rep.Sources, SourceReport{Name: p.source, Changed: true})
	}
	return nil
}

// dated is when a file was written, and now for one of the future.
func (u *Updater) dated(info fs.FileInfo) time.Time {
	if now := u.now(); info.ModTime().After(now) {
		return now
	}
	return info.ModTime().UTC()
}

// exported is the pretended source of a file that Export wrote.
const exported = "\x00exported"

// recognise says what a file holds; a part without a source is nothing known.
func recognise(ctx context.Context, path string, f *os.File, size int64) (part, error) {
	var head [8]byte
	n, err := f.ReadAt(head[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return part{}, err
	}
	switch {
	case n == 8 && db.Recognise(head):
		return part{source: exported}, nil
	case bytes.HasPrefix(head[:n], []byte("PK\x03\x04")):
		eco, err := ecosystemOf(ctx, path, f, size)
		if eco == "Wolfi" || eco == "Chainguard" {
			eco = strings.ToLower(eco)
		}
		return part{source: eco, name: "all", read: readBucket}, err
	}
	r, err := plain(f)
	if err != nil {
		return part{}, nil // not gzip after all
	}
	// The telling words stand at the beginning of each document.
	text, err := io.ReadAll(io.LimitReader(r, 4096))
	if err != nil && len(text) == 0 {
		return part{}, nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return part{}, err
	}
	has := func(s string) bool { return bytes.Contains(text, []byte(s)) }
	switch {
	case has(`"catalogVersion"`):
		return part{source: "kev", name: "all", read: metaReader(KEV)}, nil
	case has(`"NVD_CVE"`):
		year := regexp.MustCompile(`(?:19|20)\d\d`).FindString(filepath.Base(path))
		if year == "" {
			return part{}, errors.New("which year this NVD feed is of: name it nvdcve-2.0-<year>.json")
		}
		return part{source: "nvd", name: year, read: metaReader(NVD)}, nil
	case bytes.HasPrefix(text, []byte("#model_version")), bytes.HasPrefix(text, []byte("cve,epss,percentile")):
		return part{source: "epss", name: "all", read: metaReader(EPSS)}, nil
	case has("<updates"):
		return updatesPart(f)
	case has("<oval_definitions"):
		return part{source: "oracle", name: "all", read: readRecords(OVAL)}, nil
	case bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) && has(`"cve_id"`) && has(`"res_ver"`):
		return photonFile(path), nil
	case has(`"apkurl"`) || has(`"urlprefix"`) || has(`"secfixes"`):
		return secdbPart(f)
	}
	return part{}, nil
}

// updatesPart reads a repository's notices up to the first, to know whose they are.
func updatesPart(f *os.File) (part, error) {
	r, err := plain(f)
	if err != nil {
		return part{}, err
	}
	p := part{read: readRecords(UpdateInfo)}
	err = UpdateInfo(r, func(rec Record) error {
		a := &rec.Advisories[0]
		_, release, _ := strings.Cut(a.Ecosystem, ":")
		p.source, p.name = a.Source, release
		if _, topic := alasRelease(rec.ID); a.Source == "amazon" && topic != "" {
			p.name += "-" + topic
		}
		return errFound
	})
	if !errors.Is(err, errFound) {
		return part{}, cmp.Or(err, errors.New("no notice about security in it"))
	}
	_, err = f.Seek(0, io.SeekStart)
	return p, err
}

// errFound ends the reading of a document of which the beginning is enough.
var errFound = errors.New("found")

// photonFile is the metadata of the release of Photon OS that the file's name says;
// of none, the builds say it.
func photonFile(path string) part {
	release := ""
	if m := regexp.MustCompile(`photon(\d+\.\d+)`).FindStringSubmatch(filepath.Base(path)); m != nil {
		release = m[1]
	}
	return part{
		source: "photon", name: cmp.Or(release, "all"),
		read: readRecords(func(r io.Reader, yield func(Record) error) error { return Photon(r, release, yield) }),
	}
}

// secdbPart reads a secdb once to know which one it is.
func secdbPart(f *os.File) (part, error) {
	eco, repo, err := SecDB(f, func(vuln.Advisory) error { return nil })
	if err != nil {
		return part{}, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return part{}, err
	}
	base, release, _ := strings.Cut(eco, ":")
	if base == "Alpine" {
		return part{source: "alpine-secdb", name: release + "-" + repo, read: readSecDB}, nil
	}
	return part{source: strings.ToLower(base), name: "all", read: readSecDB}, nil
}

// ecosystemOf is the ecosystem whose bucket an archive is: the one that every
// record speaks of. Of several, or where records speak of others beside it, the
// folder's name decides.
func ecosystemOf(ctx context.Context, path string, f *os.File, size int64) (string, error) {
	var all map[string]bool
	some := map[string]bool{}
	_, err := OSVZip(f, size, "", func(r Record) error {
		these := map[string]bool{}
		for _, a := range r.Advisories {
			base, _, _ := strings.Cut(a.Ecosystem, ":")
			some[base] = true
			if all == nil || all[base] {
				these[base] = true
			}
		}
		if len(r.Advisories) > 0 {
			all = these
		}
		return ctx.Err()
	})
	if err != nil {
		return "", err
	}
	folder := filepath.Base(filepath.Dir(path))
	if len(all) == 1 {
		for eco := range all {
			return eco, nil
		}
	}
	if some[folder] {
		return folder, nil
	}
	return "", errors.New("which ecosystem this archive is of: put it in a folder of that name")
}

// importDB takes over an exported database: for each ecosystem the newer of it
// and of what was imported before.
func (u *Updater) importDB(ctx context.Context, path string) (rep []SourceReport, err error) {
	d, err := db.Load(path)
	if err != nil {
		return nil, err
	}
	defer u.closing(d)
	if err := d.Verify(ctx); err != nil {
		return nil, err
	}
	if err := u.guardDB(d); err != nil {
		return nil, err
	}
	for _, s := range d.Sources() {
		rep = append(rep, SourceReport{Name: s.Name, Changed: true, Records: s.Records, Newest: s.Newest})
	}
	old, err := db.Load(u.path(importedName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, db.ErrCorrupt) {
		var version *db.VersionError
		if !errors.As(err, &version) {
			return nil, err
		}
	}
	if old != nil {
		defer u.closing(old)
	}
	return rep, u.replace(u.path(importedName), func(w io.Writer) error { return db.NewStack(d, old).Compile(ctx, w) })
}
