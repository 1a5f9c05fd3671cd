package feed

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/vuln"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

// Bases are the addresses below which the upstreams' documents are; an empty
// one is the real upstream's.
type Bases struct {
	OSV        string // <Ecosystem>/all.zip, <Ecosystem>/modified_id.csv, <Ecosystem>/<id>.json
	AlpineSec  string // v3.18/main.json
	Wolfi      string // os/security.json
	Chainguard string // chainguard/security.json
	NVD        string // nvdcve-2.0-<year>.json.gz
	KEV        string // known_exploited_vulnerabilities.json
	EPSS       string // epss_scores-current.csv.gz
}

// Mirror is the bases of a server that has all upstreams below one address, in
// the folders osv, alpine-secdb, wolfi, chainguard, nvd, kev and epss.
func Mirror(root string) Bases {
	root = strings.TrimSuffix(root, "/")
	return Bases{root + "/osv", root + "/alpine-secdb", root + "/wolfi", root + "/chainguard", root + "/nvd", root + "/kev", root + "/epss"}
}

func (u *Updater) bases() Bases {
	b := u.Bases
	for _, d := range []struct {
		at   *string
		real string
	}{
		{&b.OSV, "https://osv-vulnerabilities.storage.googleapis.com"},
		{&b.AlpineSec, "https://secdb.alpinelinux.org"},
		{&b.Wolfi, "https://packages.wolfi.dev"},
		{&b.Chainguard, "https://packages.cgr.dev"},
		{&b.NVD, "https://nvd.nist.gov/feeds/json/cve/2.0"},
		{&b.KEV, "https://www.cisa.gov/sites/default/files/feeds"},
		{&b.EPSS, "https://epss.empiricalsecurity.com"},
	} {
		if *d.at == "" {
			*d.at = d.real
		}
		*d.at = strings.TrimSuffix(*d.at, "/")
	}
	return b
}

func (b Bases) of(source string) string {
	switch source {
	case "alpine-secdb":
		return b.AlpineSec
	case "wolfi":
		return b.Wolfi
	case "chainguard":
		return b.Chainguard
	case "nvd":
		return b.NVD
	case "kev":
		return b.KEV
	case "epss":
		return b.EPSS
	}
	return b.OSV + "/" + url.PathEscape(source)
}

func metaSources() []string { return []string{"epss", "kev", "nvd"} }

// Ecosystems lists the ecosystems that the embedded snapshot has; others of
// OSV's can be asked for too.
func Ecosystems() []string {
	return []string{"AlmaLinux", "Alpine", "Bitnami", "Debian", "Drupal", "Go", "Hackage", "Julia", "Maven", "NuGet", "Packagist", "PyPI", "RubyGems", "Rocky Linux", "Ubuntu", "Wolfi", "crates.io", "npm"}
}

// sourcesOf are the sources that speak of an ecosystem, which may come with a
// release and in any case.
func sourcesOf(ecosystem string) []string {
	base, _, _ := strings.Cut(ecosystem, ":")
	if i := slices.IndexFunc(Ecosystems(), func(e string) bool { return strings.EqualFold(e, base) }); i >= 0 {
		base = Ecosystems()[i]
	}
	switch strings.ToLower(base) {
	case "alpine", "alpine-secdb":
		return []string{"Alpine", "alpine-secdb"}
	case "wolfi", "chainguard", "epss", "kev", "nvd":
		return []string{strings.ToLower(base)}
	}
	return []string{base}
}

// part is one document of an upstream.
type part struct {
	source, name string
	url          string
	changes      string                 // of an OSV bucket: its list of changes
	record       func(id string) string // and a record's address
	optional     bool                   // an upstream without it is whole
	read         func(context.Context, *os.File, *db.SourceInput, *partState) error
}

// partsOf are the documents of a source, and more of them as long as there are
// any: Alpine's next release needs no new program.
func (u *Updater) partsOf(source string) (parts []part, more func(n int) []part) {
	base := u.bases().of(source)
	switch source {
	case "alpine-secdb":
		of := func(release string, repos ...string) (out []part) {
			for _, repo := range repos {
				out = append(out, part{source: source, name: release + "-" + repo, url: base + "/" + release + "/" + repo + ".json", optional: true, read: readSecDB})
			}
			return out
		}
		for n := 2; n <= 21; n++ {
			parts = append(parts, of(fmt.Sprint("v3.", n), "main", "community")...)
		}
		parts = append(parts, of("edge", "main", "community", "testing")...)
		return parts, func(n int) []part { return of(fmt.Sprint("v3.", 22+n), "main", "community") }
	case "wolfi":
		return []part{{source: source, name: "all", url: base + "/os/security.json", read: readSecDB}}, nil
	case "chainguard":
		return []part{{source: source, name: "all", url: base + "/chainguard/security.json", read: readSecDB}}, nil
	case "nvd":
		for y := 1999; y <= u.now().Year(); y++ {
			parts = append(parts, part{source: source, name: fmt.Sprint(y), url: fmt.Sprintf("%s/nvdcve-2.0-%d.json.gz", base, y), optional: true, read: metaReader(NVD)})
		}
		return parts, nil
	case "kev":
		return []part{{source: source, name: "all", url: base + "/known_exploited_vulnerabilities.json", read: metaReader(KEV)}}, nil
	case "epss":
		return []part{{source: source, name: "all", url: base + "/epss_scores-current.csv.gz", read: metaReader(EPSS)}}, nil
	}
	return []part{{
		source: source, name: "all", url: base + "/all.zip", changes: base + "/modified_id.csv", read: readBucket,
		record: func(id string) string { return base + "/" + url.PathEscape(id) + ".json" },
	}}, nil
}

// readBucket streams an all.zip into the compiler.
func readBucket(ctx context.Context, f *os.File, in *db.SourceInput, st *partState) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	var newest, latest time.Time
	records := 0
	var covers Coverage
	var titles []vuln.Meta
	in.Advisories = pushed(func(yield func(vuln.Advisory) error) error {
		newest, err = OSVZip(f, info.Size(), in.Name, func(r Record) error {
			records++
			latest = newer(latest, r.Modified)
			covers.Add(r)
			titles = append(titles, r.Titles...)
			for _, a := range r.Advisories {
				if err := yield(a); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
		return err
	})
	in.Metas = func(yield func(vuln.Meta, error) bool) { list(titles)(yield) } // known when the advisories have been read
	in.Done = func(s *db.Source) { s.Newest, s.Records, st.Newest = newest, records, latest }
	in.Covers = func(s db.Source) ([]vuln.Coverage, error) { return covers.List(s.Newest), nil }
	return nil
}

// readSecDB reads a secdb, which carries no date of its own.
func readSecDB(ctx context.Context, f *os.File, in *db.SourceInput, _ *partState) error {
	records := 0
	var covers Coverage
	in.Advisories = pushed(func(yield func(vuln.Advisory) error) error {
		eco, _, err := SecDB(f, func(a vuln.Advisory) error {
			records++
			covers.Add(Record{Advisories: []vuln.Advisory{a}})
			return errors.Join(ctx.Err(), yield(a))
		})
		if base, _, _ := strings.Cut(eco, ":"); err == nil && !slices.Contains(in.Ecosystems, base) {
			err = fmt.Errorf("the document is of %s, not of %s", eco, in.Name)
		}
		return err
	})
	in.Done = func(s *db.Source) { s.Records = records }
	in.Covers = func(s db.Source) ([]vuln.Coverage, error) { return covers.List(s.Newest), nil }
	return nil
}

// metaReader reads facts about vulnerabilities, gzipped or not.
func metaReader(parse func(io.Reader, func(vuln.Meta) error) (time.Time, error)) func(context.Context, *os.File, *db.SourceInput, *partState) error {
	return func(ctx context.Context, f *os.File, in *db.SourceInput, _ *partState) error {
		var newest time.Time
		records := 0
		in.Metas = pushed(func(yield func(vuln.Meta) error) error {
			r, err := plain(f)
			if err != nil {
				return err
			}
			newest, err = parse(r, func(m vuln.Meta) error {
				records++
				return errors.Join(ctx.Err(), yield(m))
			})
			return err
		})
		in.Done = func(s *db.Source) { s.Newest, s.Records = newest, records }
		return nil
	}
}

// plain decompresses what is gzipped.
func plain(f *os.File) (io.Reader, error) {
	var head [2]byte
	if _, err := f.ReadAt(head[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if head != [2]byte{0x1f, 0x8b} {
		return f, nil
	}
	return gzip.NewReader(f)
}
