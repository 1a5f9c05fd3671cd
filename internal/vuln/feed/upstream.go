package feed

import (
	"bufio"
	"bytes"
	"compress/bzip2"
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

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

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
	Amazon     string // 2/core/latest/x86_64/mirror.list, al2023/core/mirrors/latest/x86_64/mirror.list
	Oracle     string // com.oracle.elsa-all.xml.bz2
	Fedora     string // 42/Everything/x86_64/repodata/repomd.xml
	Photon     string // cve_data_photon5.0.json
}

// Mirror is the bases of a server that has all upstreams below one address, in
// the folders osv, alpine-secdb, wolfi, chainguard, nvd, kev, epss, amazon, oracle,
// fedora and photon.
func Mirror(root string) Bases {
	root = strings.TrimSuffix(root, "/")
	return Bases{
		OSV: root + "/osv", AlpineSec: root + "/alpine-secdb", Wolfi: root + "/wolfi", Chainguard: root + "/chainguard",
		NVD: root + "/nvd", KEV: root + "/kev", EPSS: root + "/epss",
		Amazon: root + "/amazon", Oracle: root + "/oracle", Fedora: root + "/fedora", Photon: root + "/photon",
	}
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
		{&b.Amazon, amazonCDN},
		{&b.Oracle, "https://linux.oracle.com/security/oval"},
		{&b.Fedora, "https://dl.fedoraproject.org/pub/fedora/linux/updates"},
		{&b.Photon, "https://packages.broadcom.com/photon/photon_cve_metadata"},
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
	case "amazon":
		return b.Amazon
	case "oracle":
		return b.Oracle
	case "fedora":
		return b.Fedora
	case "photon":
		return b.Photon
	}
	return b.OSV + "/" + url.PathEscape(source)
}

func metaSources() []string { return []string{"epss", "kev", "nvd"} }

// part is one document of an upstream.
type part struct {
	source, name string
	url          string
	changes      string                                // of an OSV bucket: its list of changes
	record       func(id string) string                // and a record's address
	optional     bool                                  // an upstream without it is whole
	instead      *part                                 // what serves where the document is not there
	locate       func(context.Context) (string, error) // finds out where it is; nil: at url
	read         func(context.Context, *os.File, *db.SourceInput, *partState) error
}

// documents are those of a source: the ones that are known; more of them as long
// as there are any, so that Alpine's next release needs no new program; and those
// that the upstream lists.
type documents struct {
	parts []part
	more  func(n int) []part
	list  func(context.Context) ([]part, error)
}

func (u *Updater) partsOf(source string) documents {
	base := u.bases().of(source)
	var parts []part
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
		return documents{parts: parts, more: func(n int) []part { return of(fmt.Sprint("v3.", 22+n), "main", "community") }}
	case "wolfi":
		return documents{parts: []part{{source: source, name: "all", url: base + "/os/security.json", read: readSecDB, instead: u.bucket(source, "Wolfi")}}}
	case "chainguard":
		return documents{parts: []part{{source: source, name: "all", url: base + "/chainguard/security.json", read: readSecDB, instead: u.bucket(source, "Chainguard")}}}
	case "amazon":
		return documents{parts: u.amazon(), list: u.amazonExtras}
	case "fedora":
		return documents{parts: u.fedora(fedoraFirst, fedoraLast), more: func(n int) []part { return u.fedora(fedoraLast+1+n, fedoraLast+1+n) }}
	case "oracle":
		return documents{parts: []part{{source: source, name: "all", url: base + "/com.oracle.elsa-all.xml.bz2", read: readRecords(OVAL)}}}
	case "photon":
		for n := 1; n <= photonLast; n++ {
			parts = append(parts, photonPart(base, n))
		}
		return documents{parts: parts, more: func(n int) []part { return []part{photonPart(base, photonLast+1+n)} }}
	case "nvd":
		for y := 1999; y <= u.now().Year(); y++ {
			parts = append(parts, part{source: source, name: fmt.Sprint(y), url: fmt.Sprintf("%s/nvdcve-2.0-%d.json.gz", base, y), optional: true, read: metaReader(NVD)})
		}
	case "kev":
		parts = []part{{source: source, name: "all", url: base + "/known_exploited_vulnerabilities.json", read: metaReader(KEV)}}
	case "epss":
		parts = []part{{source: source, name: "all", url: base + "/epss_scores-current.csv.gz", read: metaReader(EPSS)}}
	default:
		parts = []part{*u.bucket(source, source)}
	}
	return documents{parts: parts}
}

// bucket is OSV's of an ecosystem.
func (u *Updater) bucket(source, ecosystem string) *part {
	base := u.bases().of(ecosystem)
	return &part{
		source: source, name: "all", url: base + "/all.zip", changes: base + "/modified_id.csv", read: readBucket,
		record: func(id string) string { return base + "/" + url.PathEscape(id) + ".json" },
	}
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
	in.Facts = func(advisory func(vuln.Advisory) error, meta func(vuln.Meta) error) error {
		newest, err = OSVZip(f, info.Size(), in.Ecosystems[0], func(r Record) error {
			records++
			latest = newer(latest, r.Modified)
			covers.Add(r)
			for _, a := range r.Advisories {
				if err := advisory(a); err != nil {
					return err
				}
			}
			for _, m := range r.Titles {
				if err := meta(m); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
		return err
	}
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

// readRecords reads the records of a document that is not OSV's.
func readRecords(parse func(io.Reader, func(Record) error) error) func(context.Context, *os.File, *db.SourceInput, *partState) error {
	return func(ctx context.Context, f *os.File, in *db.SourceInput, st *partState) error {
		var newest time.Time
		records := 0
		var covers Coverage
		in.Advisories = pushed(func(yield func(vuln.Advisory) error) error {
			r, err := plain(f)
			if err != nil {
				return err
			}
			return parse(r, func(rec Record) error {
				records++
				newest = newer(newest, rec.Modified)
				covers.Add(rec)
				for _, a := range rec.Advisories {
					if base, _, _ := strings.Cut(a.Ecosystem, ":"); !slices.Contains(in.Ecosystems, base) {
						return fmt.Errorf("the document is of %s, not of %s", a.Ecosystem, in.Name)
					}
					if err := yield(a); err != nil {
						return err
					}
				}
				return ctx.Err()
			})
		})
		in.Done = func(s *db.Source) { s.Newest, s.Records, st.Newest = newest, records, newest }
		in.Covers = func(s db.Source) ([]vuln.Coverage, error) { return covers.List(s.Newest), nil }
		return nil
	}
}

// plain decompresses what is compressed.
func plain(f *os.File) (io.Reader, error) {
	var head [6]byte
	if _, err := f.ReadAt(head[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(f, 64<<10)
	switch {
	case bytes.HasPrefix(head[:], []byte{0x1f, 0x8b}):
		return gzip.NewReader(in)
	case bytes.HasPrefix(head[:], []byte("BZh")):
		return bzip2.NewReader(in), nil
	case bytes.HasPrefix(head[:], []byte("\xfd7zXZ\x00")):
		return xz.NewReader(in)
	case bytes.HasPrefix(head[:], []byte{0x28, 0xb5, 0x2f, 0xfd}):
		const window = 128 << 20
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(window))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	}
	return f, nil
}
