package feed

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/vuln"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

// lawful holds what every parser promises of an advisory: named, of an
// ecosystem, in a form that the database takes, and with nothing in it that
// does something to a terminal.
func lawful(t *testing.T, a vuln.Advisory) {
	t.Helper()
	for _, s := range append([]string{a.ID, a.Ecosystem, a.Package, a.Source, a.URL}, append(a.Aliases, a.Related...)...) {
		if s == "" || len(s) > 4*maxName || !printable(s) {
			t.Fatalf("%q in %+v", s, a)
		}
	}
	if len(a.Ranges) == 0 && len(a.Versions) == 0 {
		t.Fatalf("an advisory about nothing: %+v", a)
	}
	if err := db.Compile(io.Discard, db.Input{Sources: []db.SourceInput{{Source: db.Source{Name: "x"}, Advisories: list([]vuln.Advisory{a})}}}); err != nil {
		t.Fatalf("%v: %+v", err, a)
	}
}

func lawfulMeta(t *testing.T, m vuln.Meta) {
	t.Helper()
	if err := db.Compile(io.Discard, db.Input{Sources: []db.SourceInput{{Source: db.Source{Name: "x"}, Metas: list([]vuln.Meta{m})}}}); err != nil || !printable(m.ID) {
		t.Fatalf("%v: %+v", err, m)
	}
}

func FuzzOSV(f *testing.F) {
	f.Add([]byte(record("npm", "GHSA-a", "left", "1.0", 1)), "npm")
	f.Add([]byte(`{"id":"CVE-1","affected":[{"package":{"ecosystem":"Debian:11","name":"x"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0","fixed":"1"},{}]}],"versions":["1"],"severity":[{"type":"CVSS_V2","score":"AV:N/"}]}]}`), "")
	f.Add([]byte(`{"id":"UBUNTU-CVE-2024-1","upstream":["CVE-2024-1"],"severity":[{"type":"Ubuntu","score":"low"}],"database_specific":{"severity":[1]}}`), "Ubuntu")
	f.Fuzz(func(t *testing.T, b []byte, eco string) {
		rec, err := OSV(bytes.NewReader(b), eco)
		if err != nil {
			if rec.ID != "" || rec.Advisories != nil {
				t.Fatalf("a value beside an error: %+v", rec)
			}
			return
		}
		for _, a := range rec.Advisories {
			if base, _, _ := strings.Cut(a.Ecosystem, ":"); eco != "" && base != eco {
				t.Fatalf("%s among those of %s", a.Ecosystem, eco)
			}
			lawful(t, a)
		}
	})
}

func FuzzSecDB(f *testing.F) {
	f.Add([]byte(secdb318))
	f.Add([]byte(`{"urlprefix":"https://packages.wolfi.dev","packages":[{"pkg":{"name":"a","secfixes":{"1-r0":["CVE-1","GHSA-a b c"],"0":[""]}}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		eco, repo, err := SecDB(bytes.NewReader(b), func(a vuln.Advisory) error {
			lawful(t, a)
			return nil
		})
		if (err == nil) != (eco != "") || err != nil && repo != "" {
			t.Fatalf("%q, %q, %v", eco, repo, err)
		}
	})
}

func FuzzMeta(f *testing.F) {
	f.Add([]byte(`{"format":"NVD_CVE","vulnerabilities":[{"cve":{"id":"CVE-2024-1","metrics":{"cvssMetricV31":[{"source":"nvd","cvssData":{"vectorString":"CVSS:3.1/AV:N"}}]}}}]}`))
	f.Add([]byte(`{"dateReleased":"2026-07-23T16:21:10.8082Z","vulnerabilities":[{"cveID":"CVE-2026-1","dateAdded":"2026-07-22"}]}`))
	f.Add([]byte(`{"vulnerabilities":[{"cveID":"CVE-2026-1","dateAdded":"0000-01-01"}]}`))
	f.Add([]byte("#score_date:2026-08-22\ncve,epss,percentile\nCVE-2026-1,0.00043,0.1\nCVE-2026-2,1e-9,,2026-08-22\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, parse := range []func(io.Reader, func(vuln.Meta) error) (time.Time, error){NVD, KEV, EPSS} {
			at, err := parse(bytes.NewReader(b), func(m vuln.Meta) error { lawfulMeta(t, m); return nil })
			if err != nil && !at.IsZero() {
				t.Fatalf("a date beside an error: %v", at)
			}
		}
	})
}

func FuzzBucket(f *testing.F) {
	f.Add(zipped(f, map[string]string{"GHSA-a": record("npm", "GHSA-a", "left", "1.0", 1)}))
	f.Add([]byte("2026-02-03T00:00:00Z,GHSA-c\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		at, err := OSVZip(bytes.NewReader(b), int64(len(b)), "", func(r Record) error {
			for _, a := range r.Advisories {
				lawful(t, a)
			}
			return nil
		})
		if err != nil && !at.IsZero() {
			t.Fatalf("a date beside an error: %v", at)
		}
		changes, _, err := Changes(bytes.NewReader(b), time.Time{}, 10)
		if err != nil && changes != nil || len(changes) > 11 {
			t.Fatalf("%v, %v", changes, err)
		}
		for _, c := range changes {
			if !validID(c.ID) || strings.ContainsAny(c.ID, "/\\") {
				t.Fatalf("id %q", c.ID)
			}
		}
	})
}
