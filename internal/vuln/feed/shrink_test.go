package feed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/vuln/db"
)

// A source that shrinks by more than a tenth is refused, and what was there
// stays: against the program's own records where nothing is stored, else against
// what is.
func TestShrunkSources(t *testing.T) {
	ctx := context.Background()
	up := newUpstream(t)
	bucket := func(n int) {
		docs, days := map[string]string{}, map[string]int{}
		for i := range n {
			id := fmt.Sprintf("GHSA-%04d", i)
			docs[id], days[id] = record("npm", id, "left", "1.0.9", 1), 1+i%9
		}
		up.bucket(t, "npm", docs, days)
	}
	u := updater(t, up)
	u.Force = false
	bucket(1)
	var less *ShrunkError
	rep, err := u.Update(ctx, []string{"npm"}, false)
	if !errors.As(err, &less) || less.Source != "npm" || less.Have != 1 || less.Had != 3905 || !strings.Contains(less.Hint(), "--force") {
		t.Fatalf("one record in place of the program's 3,905: %v, %+v", err, rep)
	}
	if _, err := os.Stat(filepath.Join(u.Dir, "db")); err == nil {
		t.Error("a database was made of it")
	}
	u.Force = true
	bucket(100)
	if _, err := u.Update(ctx, []string{"npm"}, false); err != nil {
		t.Fatal(err)
	}
	u.Force = false
	for _, c := range []struct {
		n       int
		refused bool
	}{{91, false}, {90, false}, {80, true}, {81, false}, {1, true}} { // each beside the last that was taken
		bucket(c.n)
		_, err := u.Update(ctx, []string{"npm"}, false)
		if refused := errors.As(err, &less); refused != c.refused || !refused && err != nil {
			t.Errorf("%d records: %v", c.n, err)
		}
	}
	status, err := u.Status()
	if err != nil || len(status) != 1 || status[0].Records != 81 {
		t.Errorf("what is stored: %+v, %v", status, err)
	}
}

// The same for files: one document of a release of Alpine, the catalogue of
// exploited vulnerabilities, the scores, and a whole database.
func TestShrunkFiles(t *testing.T) {
	ctx := context.Background()
	for name, doc := range map[string]string{
		"main.json":            secdb318,
		"kev.json":             `{"catalogVersion":"x","dateReleased":"2027-02-03T00:00:00Z","vulnerabilities":[{"cveID":"CVE-2023-2650","dateAdded":"2027-02-01"}]}`,
		"epss_scores.csv":      "#model_version:v1,score_date:2027-02-04T00:00:00+0000\ncve,epss,percentile\nCVE-2023-2650,0.5,0.9\n",
		"security.json":        `{"urlprefix":"https://packages.wolfi.dev","packages":[{"pkg":{"name":"x","secfixes":{"1-r0":["CVE-2026-1"]}}}]}`,
		"all-of-npm.db":        "",
		"nested/v3.99/m.json":  strings.ReplaceAll(secdb318, "v3.18", "v3.99"), // a release that the program does not know
		"nested/v3.99/kev.txt": "nothing",
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if name == "all-of-npm.db" {
			other := updater(t, newUpstream(t))
			docs := map[string]string{"GHSA-a": record("npm", "GHSA-a", "left", "1.0.9", 1)}
			up := newUpstream(t)
			up.bucket(t, "npm", docs, map[string]int{"GHSA-a": 1})
			other.Bases = Mirror(up.URL)
			if _, err := other.Update(ctx, []string{"npm"}, false); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(filepath.Join(other.Dir, "db"))
			if err != nil {
				t.Fatal(err)
			}
			doc = string(b)
		}
		if err := os.WriteFile(file, []byte(doc), 0o644); err != nil {
			t.Fatal(err)
		}
		u := updater(t, newUpstream(t))
		u.Force = false
		_, err := u.Import(ctx, file)
		var less *ShrunkError
		switch {
		case strings.HasSuffix(name, "m.json"):
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		case strings.HasSuffix(name, ".txt"):
			continue
		case !errors.As(err, &less):
			t.Errorf("%s: %v", name, err)
		}
		if d, err := db.Open(filepath.Join(u.Dir, "db")); err == nil {
			t.Errorf("%s: a database was made of it: %+v", name, d.Sources())
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}
		u.Force = true
		if _, err := u.Import(ctx, file); err != nil {
			t.Errorf("%s, forced: %v", name, err)
		}
	}
}
