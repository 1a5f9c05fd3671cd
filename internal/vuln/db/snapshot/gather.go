package main

import (
	"archive/tar"
	"bufio"
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
	goDate    = time.Date(2026, 8, 21, 0, 0, 0, 0, time.UTC)
)

// gather reads every source into memory.
func gather(dir string) (db.Input, error) {
	in := db.Input{Names: values[vuln.Advisory](nil)}
	var osvAlpine []vuln.Advisory
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
		if s.Newest, err = read(f, func(r io.Reader) (time.Time, error) {
			return feed.OSVLines(r, eco, func(rec feed.Record) error {
				all = append(all, rec.Advisories...)
				s.Records++
				return nil
			})
		}); err != nil {
			return in, err
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

	wolfi := db.SourceInput{Source: feed.KnownSource("wolfi")}
	var fixes []vuln.Advisory
	if _, err = read(filepath.Join(dir, "wolfi-security.json.xz"), func(r io.Reader) (time.Time, error) {
		_, _, err := feed.SecDB(r, func(a vuln.Advisory) error { fixes = append(fixes, a); return nil })
		return time.Time{}, err
	}); err != nil {
		return in, err
	}
	wolfi.Newest, wolfi.Records, wolfi.Advisories = wolfiDate, len(fixes), values(fixes)
	in.Sources = append(in.Sources, alpine, wolfi)

	for _, m := range []struct {
		name, file string
		parse      func(io.Reader, func(vuln.Meta) error) (time.Time, error)
	}{
		{"nvd", "cvss.jsonl.xz", vectors},
		{"kev", "kev.json.xz", feed.KEV},
		{"epss", "epss-recent.csv.xz", feed.EPSS},
	} {
		s := db.SourceInput{Source: feed.KnownSource(m.name)}
		var all []vuln.Meta
		if s.Newest, err = read(filepath.Join(dir, m.file), func(r io.Reader) (time.Time, error) {
			return m.parse(r, func(m vuln.Meta) error { all = append(all, m); return nil })
		}); err != nil {
			return in, err
		}
		s.Records, s.Metas = len(all), values(all)
		in.Sources = append(in.Sources, s)
	}
	return in, nil
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
		for _, source := range []string{"nvd", "adp", "cna", "osv", "ghsa", "redhat"} {
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
