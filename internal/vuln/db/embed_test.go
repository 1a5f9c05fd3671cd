package db

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// fixedIn is the fixed versions of an advisory.
func fixedIn(list []vuln.Advisory, id string) []string {
	var out []string
	for _, a := range list {
		if a.ID != id && !slices.Contains(a.Aliases, id) {
			continue
		}
		for _, r := range a.Ranges {
			for _, e := range r.Events {
				if e.Fixed != "" {
					out = append(out, e.Fixed)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// What the snapshot must say, written down by hand from the lines of
// DRYDOCK_SHARED/advisories-2026-11 that have these ids.
func TestEmbeddedFacts(t *testing.T) {
	ctx := context.Background()
	d, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		eco, name, id string
		fixed         []string
	}{
		{"Debian:11", "openssl", "DSA-5103-1", []string{"1.1.1k-1+deb11u2"}},
		{"Debian:10", "openssl", "DSA-5103-1", []string{"1.1.1d-0+deb10u8"}},
		{"Alpine:v3.18", "apache2", "CVE-2017-3167", []string{"2.4.26-r0"}},
		{"npm", "lodash", "CVE-2020-8203", []string{"4.17.19"}},
		{"npm", "minimist", "CVE-2021-44906", []string{"0.2.4", "1.2.6"}},
		{"Wolfi", "aactl", "CVE-2024-45336", []string{"0.4.12-r22"}},
		{"crates.io", "hyper", "RUSTSEC-2016-0002", []string{"0.9.4"}},
		{"Debian:12", "openssl", "CVE-2026-84782", []string{"3.0.22-1~deb12u2"}}, // of a changelog
		{"Debian:13", "openssl", "CVE-2026-84782", []string{"3.5.7-1~deb13u3"}},
		{"Debian:12", "firefox-esr", "CVE-2025-10531", nil}, // "143.0-1~", of another line than the release's
		{"PyPI", "parsl", "PYSEC-2026-1759", []string{"2026.01.05"}},
		{"Bitnami", "airflow", "CVE-2025-66388", []string{"3.1.4"}},
		{"Julia", "ImageMagick_jll", "CVE-2026-25969", []string{"7.1.2023+0"}},
		{"Hackage", "git-annex", "CVE-2018-10859", []string{"6.20180626"}},
		{"Drupal", "drupal/openid_connect", "DRUPAL-CONTRIB-2021-014", []string{"1.1.0"}},
		{"Drupal", "drupal/core", "DRUPAL-CORE-2018-001", []string{"8.4.5"}},
	} {
		list, err := d.Advisories(ctx, c.eco, c.name)
		if err != nil {
			t.Fatal(err)
		}
		if got := fixedIn(list, c.id); !slices.Equal(got, c.fixed) {
			t.Errorf("%s %s %s is fixed in %v, want %v", c.eco, c.name, c.id, got, c.fixed)
		}
	}
	m, err := d.Meta(ctx, "CVE-2021-44228")
	if err != nil || !m.KEV || m.KEVAdded != "2021-12-10" || m.EPSS.Score < 0.9 || len(m.CVSS) == 0 {
		t.Errorf("Log4Shell: %+v, %v", m, err)
	}
	if m.Title != "Remote code injection in Log4j" || m.TitleBy != "ghsa" {
		t.Errorf("Log4Shell's title: %q by %q", m.Title, m.TitleBy)
	}
	if m, err = d.Meta(ctx, "CVE-1999-0001"); err != nil || m.EPSS != (finding.EPSS{Score: 0.03351, Percentile: 0.8765, Date: "2026-08-16"}) {
		t.Errorf("the first score of FIRST's file: %+v, %v", m, err)
	}
	for eco, want := range map[string][2]string{
		"Debian:12":    {"2026-11-27", "2025-02-12"}, // the tracker's end, and the changelogs'
		"Debian:13":    {"2026-11-27", "2025-02-12"},
		"Debian:10":    {"2024-07-01", ""}, // DLA-3855-1: the last notice
		"Debian:7":     {"2018-06-01", ""}, // DLA-1392-1
		"Alpine:v3.20": {"2025-02-16", ""}, "Alpine:edge": {"2026-08-22", ""},
		"npm":   {"2025-02-14", "2025-02-14"}, // RetireJS goes further, of a few packages
		"NuGet": {"2025-02-13", "2025-02-13"}, "PyPI": {"2026-07-23", "2026-07-23"}, "Rocky Linux:9": {"2025-01-11", ""},
	} {
		c, ok, err := d.Coverage(ctx, eco)
		if got := [2]string{dateString(days(c.To)), dateString(days(c.Unfixed))}; got != want || !ok || err != nil {
			t.Errorf("%s is covered to %v, want %v, %v", eco, got, want, err)
		}
	}
	if c, _, err := d.Coverage(ctx, "Debian:11"); err != nil || len(c.Support) != 50 || len(c.Lagging) != 0 {
		t.Errorf("Debian 11: %d packages of other support, %v, %v", len(c.Support), c.Lagging, err)
	}
	for _, eco := range []string{"Debian:11", "Debian:13", "Ubuntu:22.04", "Ubuntu:24.04:LTS", "Alpine:v3.21", "Alpine:edge", "Wolfi", "npm", "PyPI", "Go", "Maven", "crates.io", "RubyGems", "Packagist", "NuGet", "Bitnami", "AlmaLinux:9", "Rocky Linux:8", "Julia", "Hackage", "Drupal", "Debian:6.0"} {
		if !d.Knows(ctx, eco) {
			t.Errorf("the snapshot does not know %s", eco)
		}
	}
	for _, eco := range []string{"Debian:14", "Alpine:v3.22", "Ubuntu:26.04", "Fedora:40"} {
		if d.Knows(ctx, eco) {
			t.Errorf("the snapshot claims to know %s", eco)
		}
	}
	for _, s := range d.Sources() {
		if s.Newest.IsZero() || s.Records == 0 || s.Licence == "" || s.URL == "" || !s.Fetched.IsZero() {
			t.Errorf("source %+v", s)
		}
	}
	if n := len(snapshot); n > 12<<20 {
		t.Errorf("the snapshot has %d bytes", n)
	}
	if err := d.Verify(ctx); err != nil {
		t.Error(err)
	}
}

// keys are names to look up as an image would: every package of two ecosystems
// in turn, half of them not there.
func keys(b testing.TB, d *DB, n int) [][2]string {
	b.Helper()
	var out [][2]string
	for _, eco := range []string{"Debian", "npm"} {
		full := map[string]string{"Debian": "Debian:12", "npm": "npm"}[eco]
		var have []string
		for i := range d.bases[eco].packages {
			block, err := d.packageBlock(&d.bases[eco].packages[i])
			if err != nil {
				b.Fatal(err)
			}
			have = append(have, block.ids...)
		}
		step := max(1, len(have)/(n/4))
		for i := 0; i < len(have) && len(out) < 2*n; i += step {
			out = append(out, [2]string{full, have[i]}, [2]string{full, have[i] + "-not"})
		}
	}
	return out[:min(n, len(out))]
}

// BenchmarkImage is what an image of 2,400 packages costs: opening, and all
// look-ups with what is known of each vulnerability.
func BenchmarkImage(b *testing.B) {
	ctx := context.Background()
	d, err := Embedded()
	if err != nil {
		b.Fatal(err)
	}
	names := keys(b, d, 2400)
	path := filepath.Join(b.TempDir(), "db")
	if err := os.WriteFile(path, snapshot, 0o600); err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		open func() (*DB, error)
	}{{"embedded", Embedded}, {"file", func() (*DB, error) { return Open(path) }}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d, err := c.open()
				if err != nil {
					b.Fatal(err)
				}
				n := 0
				for _, k := range names {
					list, err := d.Advisories(ctx, k[0], k[1])
					if err != nil {
						b.Fatal(err)
					}
					n += len(list)
				}
				b.ReportMetric(float64(n), "advisories")
				b.ReportMetric(float64(len(names)), "look-ups")
				if err := d.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Embedded(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	ctx := context.Background()
	d, err := Embedded()
	if err != nil {
		b.Fatal(err)
	}
	for _, k := range [][2]string{{"Debian:12", "linux"}, {"Ubuntu:22.04", "linux"}, {"Debian:12", "openssl"}, {"npm", "lodash"}, {"npm", "not-there"}} {
		b.Run(k[0]+"/"+k[1], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				list, err := d.Advisories(ctx, k[0], k[1])
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(list)), "advisories")
			}
		})
	}
}

func BenchmarkMeta(b *testing.B) {
	ctx := context.Background()
	d, err := Embedded()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Meta(ctx, "CVE-2021-44228"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	ctx := context.Background()
	d, err := Embedded()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		list, err := d.Find(ctx, "CVE-2022-0778")
		if err != nil || len(list) == 0 {
			b.Fatal(len(list), err)
		}
	}
}

// How far the embedded database stays below the limits of the format.
func TestEmbeddedIsWithinLimits(t *testing.T) {
	d, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	largest, all := 0, 0
	see := func(refs ...blockRef) {
		for _, r := range refs {
			largest, all = max(largest, r.size), all+r.size
		}
	}
	see(d.vectors)
	see(d.metas.blocks...)
	for _, b := range d.bases {
		see(b.records.blocks...)
		for _, p := range b.packages {
			see(p.ref)
		}
	}
	if largest > maxBlock/8 || len(d.tables) > maxIndex/8 {
		t.Errorf("the largest block has %d bytes, the index %d", largest, len(d.tables))
	}
	t.Logf("%d bytes, %d decompressed, the index %d, the largest block %d", len(snapshot), all, len(d.tables), largest)
}

// TestSift: what is left out early is what would be left out late.
func TestSift(t *testing.T) {
	d, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	keep := func(a *vuln.Advisory) bool {
		if a.Package == "" || a.Ecosystem == "" {
			t.Errorf("asked about %+v", a)
		}
		return len(a.Ranges) > 0 && len(a.Ranges[0].Events) == 1 // no fix
	}
	kept, left := 0, 0
	for _, k := range append(keys(t, d, 400), [2]string{"Debian:12", "linux"}) {
		want, err := d.Advisories(t.Context(), k[0], k[1])
		if err != nil {
			t.Fatal(err)
		}
		all := len(want)
		want = slices.DeleteFunc(want, func(a vuln.Advisory) bool { return !keep(&a) })
		got, err := d.Sift(t.Context(), k[0], k[1], keep)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s %s: -late +early\n%s", k[0], k[1], diff)
		}
		kept, left = kept+len(want), left+all-len(want)
	}
	if kept < 100 || left < 1000 {
		t.Errorf("%d kept and %d left out show nothing", kept, left)
	}
}
