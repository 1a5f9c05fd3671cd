package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ulikunitz/xz"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/vuln"
	"github.com/drydock-dev/drydock/internal/vuln/db"
	"github.com/drydock-dev/drydock/internal/vuln/feed"
)

// Files that carry no date of their own, and the date of what is in them. Of
// the secdb it is the releases' date; edge is of August 2026. Go's records say
// dates only where GitHub wrote them.
var (
	secdbDate = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	wolfiDate = time.Date(2025, 5, 7, 0, 0, 0, 0, time.UTC)
	edgeDate  = time.Date(2026, 8, 22, 0, 0, 0, 0, time.UTC)
	goDate    = time.Date(2026, 8, 21, 0, 0, 0, 0, time.UTC)
)

// rejected are numbers that were taken back while an ecosystem's advisory still
// stands.
//
//go:embed rejected.tsv
var rejected string

// packaged are the sources of binary packages: Debian's package index, Alpine's
// and Debian's official images, the notices of AlmaLinux.
//
//go:embed packaged.tsv.xz
var packaged []byte

// gather reads every source into memory.
func gather(dir string) (db.Input, error) {
	in := db.Input{Names: values[vuln.Advisory](nil)}
	var osvAlpine []vuln.Advisory
	built, err := xz.NewReader(bytes.NewReader(packaged))
	if err != nil {
		return in, err
	}
	lines := bufio.NewScanner(built)
	for lines.Scan() {
		f := strings.Split(lines.Text(), "\t")
		if len(f) != 3 {
			return in, fmt.Errorf("packaged.tsv.xz: %q", lines.Text())
		}
		in.Packaged = append(in.Packaged, db.Packaged{Base: f[0], Binary: f[1], Source: f[2]})
	}
	if err := lines.Err(); err != nil {
		return in, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl.xz"))
	if err != nil {
		return in, err
	}
	for _, f := range files {
		eco := strings.TrimSuffix(filepath.Base(f), ".jsonl.xz")
		if eco == "cvss" {
			continue
		}
		s := db.SourceInput{Source: feed.KnownSource(eco)}
		var all []vuln.Advisory
		var titles []vuln.Meta
		covers := &feed.Coverage{}
		if s.Newest, err = read(f, func(r io.Reader) (time.Time, error) {
			return feed.OSVLines(r, eco, func(rec feed.Record) error {
				all = append(all, rec.Advisories...)
				titles = append(titles, rec.Titles...)
				covers.Add(rec)
				s.Records++
				return nil
			})
		}); err != nil {
			return in, err
		}
		s.Metas = values(titles)
		s.Covers = func(s db.Source) ([]vuln.Coverage, error) { return covers.List(s.Newest), nil }
		if eco == "Debian" {
			support, err := debianSupport(filepath.Join(dir, "debian-security-support.tsv.xz"))
			if err != nil {
				return in, err
			}
			s.Covers = func(s db.Source) ([]vuln.Coverage, error) { return append(covers.List(s.Newest), support...), nil }
		}
		if eco == "Go" {
			s.Newest = goDate
		}
		if eco == "Alpine" {
			osvAlpine = all
			s.Advisories = nil
		} else {
			s.Advisories = values(all)
		}
		in.Sources = append(in.Sources, s)
	}
	alpine := db.SourceInput{Source: feed.KnownSource("alpine-secdb")}
	alpine.Newest = secdbDate
	secdb, err := secdbs(filepath.Join(dir, "alpine-secdb.tar.xz"))
	if err != nil {
		return in, err
	}
	alpine.Records = len(secdb)
	alpine.Advisories = values(feed.MergeAlpine(secdb, osvAlpine))
	alpine.Covers = covers(secdb, func(eco string) time.Time {
		if eco == "Alpine:edge" {
			return edgeDate
		}
		return secdbDate
	})

	wolfi := db.SourceInput{Source: feed.KnownSource("wolfi")}
	var fixes []vuln.Advisory
	if _, err = read(filepath.Join(dir, "wolfi-security.json.xz"), func(r io.Reader) (time.Time, error) {
		_, _, err := feed.SecDB(r, func(a vuln.Advisory) error { fixes = append(fixes, a); return nil })
		return time.Time{}, err
	}); err != nil {
		return in, err
	}
	wolfi.Newest, wolfi.Records, wolfi.Advisories = wolfiDate, len(fixes), values(fixes)
	wolfi.Covers = covers(fixes, func(string) time.Time { return wolfiDate })
	in.Sources = append(in.Sources, alpine, wolfi)

	for _, m := range []struct {
		name, file string
		parse      func(io.Reader, func(vuln.Meta) error) (time.Time, error)
	}{
		{"nvd", "cvss.jsonl.xz", vectors},
		{"kev", "kev.json.xz", feed.KEV},
		{"epss", "epss.csv.xz", feed.EPSS},
	} {
		s := db.SourceInput{Source: feed.KnownSource(m.name)}
		var all []vuln.Meta
		if s.Newest, err = read(filepath.Join(dir, m.file), func(r io.Reader) (time.Time, error) {
			return m.parse(r, func(m vuln.Meta) error { all = append(all, m); return nil })
		}); err != nil {
			return in, err
		}
		s.Records = len(all)
		if m.name == "nvd" {
			// The file of vectors does not say which numbers were rejected.
			for line := range strings.Lines(rejected) {
				if id, _, ok := strings.Cut(line, "\t"); ok && !strings.HasPrefix(line, "#") {
					all = append(all, vuln.Meta{ID: id, Rejected: m.name})
				}
			}
		}
		s.Metas = values(all)
		in.Sources = append(in.Sources, s)
	}
	return in, nil
}

// covers is what documents without dates cover, each as of a day.
func covers(all []vuln.Advisory, asOf func(ecosystem string) time.Time) func(db.Source) ([]vuln.Coverage, error) {
	return func(db.Source) ([]vuln.Coverage, error) {
		by := map[string]*feed.Coverage{}
		for _, a := range all {
			if by[a.Ecosystem] == nil {
				by[a.Ecosystem] = &feed.Coverage{}
			}
			by[a.Ecosystem].Add(feed.Record{Advisories: []vuln.Advisory{a}})
		}
		var out []vuln.Coverage
		for eco, c := range by {
			out = append(out, c.List(asOf(eco))...)
		}
		return out, nil
	}
}

// debianSupport reads which packages Debian's security team supports less than
// the rest, a line each: release, package, level, a version that is not used
// here, and since when. A final ".*" or "*" stands for any ending.
func debianSupport(path string) ([]vuln.Coverage, error) {
	by := map[string]int{}
	var out []vuln.Coverage
	_, err := read(path, func(r io.Reader) (time.Time, error) {
		lines := bufio.NewScanner(r)
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "#") {
				continue
			}
			f := strings.Split(lines.Text(), "\t")
			if len(f) != 5 {
				return time.Time{}, fmt.Errorf("%q: %d fields", lines.Text(), len(f))
			}
			s := vuln.Support{Package: f[1], Level: vuln.Level(f[2])}
			if p, ok := strings.CutSuffix(s.Package, ".*"); ok {
				s.Package = p + "*"
			}
			if f[4] != "" {
				t, err := time.Parse(time.DateOnly, f[4])
				if err != nil {
					return time.Time{}, err
				}
				s.Since = t
			}
			eco := "Debian:" + f[0]
			if _, ok := by[eco]; !ok {
				by[eco] = len(out)
				out = append(out, vuln.Coverage{Ecosystem: eco})
			}
			out[by[eco]].Support = append(out[by[eco]].Support, s)
		}
		return time.Time{}, lines.Err()
	})
	return out, err
}

func values[T any](all []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range all {
			if !yield(v, nil) {
				return
			}
		}
	}
}

func read(path string, parse func(io.Reader) (time.Time, error)) (time.Time, error) {
	f, err := os.Open(path)
	if err != nil {
		return time.Time{}, err
	}
	var t time.Time
	r, err := xz.NewReader(bufio.NewReaderSize(f, 1<<20))
	if err == nil {
		t, err = parse(r)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return time.Time{}, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

func secdbs(path string) ([]vuln.Advisory, error) {
	var all []vuln.Advisory
	_, err := read(path, func(r io.Reader) (time.Time, error) {
		t := tar.NewReader(r)
		for {
			h, err := t.Next()
			if errors.Is(err, io.EOF) {
				return time.Time{}, nil
			}
			if err != nil {
				return time.Time{}, err
			}
			if !strings.HasSuffix(h.Name, ".json") {
				continue
			}
			if _, _, err := feed.SecDB(t, func(a vuln.Advisory) error { all = append(all, a); return nil }); err != nil {
				return time.Time{}, fmt.Errorf("%s: %w", h.Name, err)
			}
		}
	})
	return feed.UniteSecDB(all), err
}

// vectors reads one vulnerability a line with a CVSS vector a source.
func vectors(r io.Reader, yield func(vuln.Meta) error) (time.Time, error) {
	// The file says no date; its description does: August 2026.
	newest := time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)
	dec := json.NewDecoder(r)
	for {
		var line map[string]any
		if err := dec.Decode(&line); errors.Is(err, io.EOF) {
			return newest, nil
		} else if err != nil {
			return newest, err
		}
		m := vuln.Meta{}
		m.ID, _ = line["id"].(string)
		for _, source := range []string{"nvd", "adp", "cna", "osv", "ghsa", "redhat", "bitnami", "pypa", "rustsec", "julia"} {
			if v, ok := line[source].(string); ok && v != "" {
				m.CVSS = append(m.CVSS, finding.CVSS{Vector: v, Source: source})
			}
		}
		if len(m.CVSS) == 0 {
			continue
		}
		if err := yield(m); err != nil {
			return newest, err
		}
	}
}
