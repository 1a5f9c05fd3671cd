package db

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/vuln"
)

var (
	_ vuln.Lookup = (*DB)(nil)
	_ vuln.Lookup = (*Stack)(nil)
)

func seq[T any](all []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range all {
			if !yield(v, nil) {
				return
			}
		}
	}
}

func compiled(t testing.TB, in Input) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := Compile(&buf, in); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func opened(t testing.TB, b []byte) *DB {
	t.Helper()
	d, err := OpenReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func one(name string, newest time.Time, advisories []vuln.Advisory, metas []vuln.Meta) Input {
	s := Source{Name: name, Newest: newest, Ecosystems: []string{name}, Records: len(advisories), URL: "https://example.org", Licence: "CC0-1.0"}
	if advisories == nil {
		s.Ecosystems = nil
	}
	return Input{Sources: []SourceInput{{Source: s, Advisories: seq(advisories), Metas: seq(metas)}}}
}

// any advisory that a feed could make: dates by the day, lists sorted.
func anyAdvisory(t *rapid.T) vuln.Advisory {
	version := rapid.StringMatching(`[0-9]{1,2}(\.[0-9]{1,2}){0,3}(-r[0-9])?`)
	id := rapid.OneOf(rapid.SampledFrom([]string{"GHSA-a", "GHSA-b"}), rapid.StringMatching(`CVE-(1999|20[0-2][0-9])-(0[0-9]{3}|[1-9][0-9]{3,6})`), rapid.StringMatching(`GHSA-[a-z]{4}-[a-z]{4}`),
		rapid.StringMatching(`UBUNTU-CVE-20[0-2][0-9]-[0-9]{4}`), rapid.StringMatching(`BIT-[a-z]{2,5}-20[0-2][0-9]-[0-9]{4,5}`),
		rapid.StringMatching(`[A-Z]{2,5}[-:]?[0-9]{0,12}`), rapid.StringMatching(`[ -~]{1,40}`))
	names := rapid.Custom(func(t *rapid.T) []string {
		l := rapid.SliceOfN(id, 0, 4).Draw(t, "names")
		slices.Sort(l)
		if l = slices.Compact(l); len(l) == 0 {
			return nil
		}
		return l
	})
	date := rapid.Custom(func(t *rapid.T) time.Time {
		n := rapid.IntRange(0, 30000).Draw(t, "day")
		if n == 0 {
			return time.Time{}
		}
		return time.Unix(int64(n)*86400, 0).UTC()
	})
	event := rapid.Custom(func(t *rapid.T) vuln.Event {
		return eventOf(byte(rapid.IntRange(0, 3).Draw(t, "kind")), version.Draw(t, "version"))
	})
	a := vuln.Advisory{
		ID:        id.Draw(t, "id"),
		Aliases:   names.Draw(t, "aliases"),
		Related:   names.Draw(t, "related"),
		Source:    rapid.SampledFrom([]string{"debian", "ubuntu", "alpine", "ghsa", "osv", "rocky"}).Draw(t, "source"),
		Ecosystem: rapid.SampledFrom([]string{"Debian:11", "Debian:12", "npm", "Ubuntu:22.04:LTS", "Ubuntu:Pro:22.04:LTS", "Alpine:v3.18"}).Draw(t, "ecosystem"),
		Package:   rapid.SampledFrom([]string{"openssl", "a", "@scope/name", "linux", "ünï"}).Draw(t, "package"),
		Severity:  finding.Severity(rapid.IntRange(0, 5).Draw(t, "severity")),
		Urgency:   rapid.SampledFrom([]string{"", "low", "not yet assigned"}).Draw(t, "urgency"),
		NoFix:     rapid.SampledFrom([]string{"", "won't fix"}).Draw(t, "nofix"),
		Published: date.Draw(t, "published"), Modified: date.Draw(t, "modified"),
		Withdrawn: rapid.Bool().Draw(t, "withdrawn"),
	}
	a.URL = AdvisoryURL(a.Source, a.ID)
	if rapid.Bool().Draw(t, "own address") {
		a.URL = rapid.SampledFrom([]string{"", "https://example.org/x"}).Draw(t, "url")
	}
	for range rapid.IntRange(0, 3).Draw(t, "ranges") {
		a.Ranges = append(a.Ranges, vuln.Range{Type: rapid.SampledFrom([]string{"ECOSYSTEM", "SEMVER"}).Draw(t, "type"), Events: rapid.SliceOfN(event, 1, 4).Draw(t, "events")})
	}
	a.Modules = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"mariadb:10.3", "nodejs:10"}), 0, 2, rapid.ID[string]).Draw(t, "modules")
	if len(a.Modules) == 0 {
		a.Modules = nil
	}
	a.Versions = rapid.SliceOfN(version, 0, 3).Draw(t, "versions")
	if len(a.Versions) == 0 {
		a.Versions = nil
	}
	for range rapid.IntRange(0, 2).Draw(t, "vectors") {
		a.CVSS = append(a.CVSS, finding.CVSS{Vector: rapid.SampledFrom([]string{"CVSS:3.1/AV:N", "AV:L/AC:H"}).Draw(t, "vector"), Source: rapid.SampledFrom([]string{"osv", "ghsa"}).Draw(t, "by")})
	}
	return a
}

func spelled(a vuln.Advisory) string {
	return string(stateKey(recordKey([]byte(a.Ecosystem+"\x00"+a.Package+"\x00"), &a), &a))
}

func sortAdvisories(l []vuln.Advisory) []vuln.Advisory {
	slices.SortFunc(l, func(a, b vuln.Advisory) int { return strings.Compare(spelled(a), spelled(b)) })
	return slices.CompactFunc(l, func(a, b vuln.Advisory) bool { return spelled(a) == spelled(b) })
}

// What is compiled is what is found: all of it, by key, and nothing else; and
// the order of the input does not show.
func TestRoundTrip(t *testing.T) {
	ctx := context.Background()
	rapid.Check(t, func(rt *rapid.T) {
		all := rapid.SliceOfN(rapid.Custom(anyAdvisory), 0, 40).Draw(rt, "advisories")
		b := compiled(t, one("x", time.Unix(1e9, 0).UTC(), all, nil))
		mixed := slices.Clone(all)
		rand.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		if !bytes.Equal(b, compiled(t, one("x", time.Unix(1e9, 0).UTC(), mixed, nil))) {
			rt.Fatal("another order of the input gives other bytes")
		}
		linked := one("x", time.Time{}, all, nil)
		linked.Names = seq[vuln.Advisory](nil)
		again := one("x", time.Time{}, mixed, nil)
		again.Names = linked.Names
		if !bytes.Equal(compiled(t, linked), compiled(t, again)) {
			rt.Fatal("another order of the input gives other bytes where names are shared")
		}
		d, err := OpenReader(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			rt.Fatal(err)
		}
		if err := d.Verify(ctx); err != nil {
			rt.Fatal(err)
		}
		keys := map[[2]string][]vuln.Advisory{}
		for _, a := range all {
			k := [2]string{a.Ecosystem, a.Package}
			keys[k] = append(keys[k], a)
		}
		for k, want := range keys {
			got, err := d.Advisories(ctx, k[0], k[1])
			if err != nil {
				rt.Fatal(err)
			}
			if diff := cmp.Diff(sortAdvisories(want), sortAdvisories(got)); diff != "" {
				rt.Fatalf("%v: %s", k, diff)
			}
		}
		var iterated []vuln.Advisory
		for a, err := range d.All(ctx) {
			if err != nil {
				rt.Fatal(err)
			}
			iterated = append(iterated, a)
		}
		if diff := cmp.Diff(sortAdvisories(slices.Clone(all)), sortAdvisories(iterated), cmpopts.EquateEmpty()); diff != "" {
			rt.Fatal(diff)
		}
		for _, a := range all[:min(3, len(all))] {
			found, err := d.Find(ctx, a.ID)
			if err != nil {
				rt.Fatal(err)
			}
			if !slices.ContainsFunc(found, func(f vuln.Advisory) bool { return spelled(f) == spelled(a) }) {
				rt.Fatalf("Find(%q) does not find it", a.ID)
			}
			own, err := d.Own(ctx, map[string]bool{a.ID: true, "nobody": true})
			if err != nil {
				rt.Fatal(err)
			}
			found = slices.DeleteFunc(found, func(f vuln.Advisory) bool { return f.ID != a.ID })
			if diff := cmp.Diff(found, own, cmpopts.EquateEmpty()); diff != "" {
				rt.Fatalf("Own(%q) is not what Find finds of its id: %s", a.ID, diff)
			}
		}
	})
}

func TestMetaRoundTrip(t *testing.T) {
	ctx := context.Background()
	var metas []vuln.Meta
	for i := range 3000 {
		m := vuln.Meta{ID: fmt.Sprintf("CVE-%d-%04d", 1999+i%20, i)}
		for j, s := range []string{"nvd", "adp", "redhat"} {
			if i>>j&1 == 1 {
				m.CVSS = append(m.CVSS, finding.CVSS{Vector: fmt.Sprintf("CVSS:3.1/AV:%d", i%7), Source: s})
			}
		}
		switch {
		case i%3 == 0: // of one day, several percentiles to a score
			m.EPSS = finding.EPSS{Score: float64(i/2) / 1e5, Percentile: float64(i*7) / 1e5, Date: "2026-08-01"}
		case i%7 == 0: // of others
			m.EPSS = finding.EPSS{Score: float64(i) / 1e5, Percentile: float64(3000-i) / 1e5, Date: fmt.Sprintf("2026-07-%02d", 1+i%28)}
		}
		if len(m.CVSS) == 0 { // such words stand in the place of vectors
			switch i / 8 % 3 {
			case 0:
				m.Word, m.WordBy = finding.Severity(1+i/24%5), "ghsa"
			case 1:
				m.Pending = "awaiting analysis"
			}
		}
		if i%4 == 0 {
			m.Title, m.TitleBy = fmt.Sprintf("Flaw %d in a “library”", i), []string{"ghsa", "kev"}[i/4%2]
		}
		if i%5 == 0 || len(m.CVSS) == 0 {
			m.KEV, m.KEVAdded = true, "2024-02-29"
		}
		metas = append(metas, m)
	}
	d := opened(t, compiled(t, one("nvd", time.Time{}, nil, metas)))
	for _, want := range metas {
		got, err := d.Meta(ctx, want.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	}
	known := map[string]vuln.Meta{} // as iterated: titles come by themselves
	for m, err := range d.Metas(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		have := known[m.ID]
		if m.Title != "" {
			have.ID, have.Title, have.TitleBy = m.ID, m.Title, m.TitleBy
		} else {
			have = m
		}
		known[m.ID] = have
	}
	for _, want := range metas {
		if diff := cmp.Diff(want, known[want.ID]); diff != "" {
			t.Fatal("iterated: " + diff)
		}
	}
	for _, id := range []string{"", "CVE", "CVE-2030-0001", "CVE-1999-9999999", "ZZZ", "GHSA-xxxx"} {
		if m, err := d.Meta(ctx, id); err != nil || m.ID != "" {
			t.Errorf("Meta(%q) = %v, %v", id, m, err)
		}
	}
}

func TestKnowsReleases(t *testing.T) {
	ctx := context.Background()
	r := []vuln.Range{{Type: "ECOSYSTEM", Events: []vuln.Event{{Introduced: "0"}}}}
	d := opened(t, compiled(t, one("x", time.Time{}, []vuln.Advisory{
		{ID: "A", Ecosystem: "Ubuntu:22.04:LTS", Package: "bash", Ranges: r},
		{ID: "B", Ecosystem: "npm", Package: "x", Ranges: r},
		{ID: "C", Ecosystem: "PyPI", Package: "Zope_Interface", Ranges: r},
	}, nil)))
	for eco, want := range map[string]bool{"Ubuntu:22.04:LTS": true, "Ubuntu:22.04": true, "Ubuntu:24.04:LTS": false, "Ubuntu": false, "npm": true, "npm:1": false, "Debian:11": false, "": false} {
		if got := d.Knows(ctx, eco); got != want {
			t.Errorf("Knows(%q) = %v", eco, got)
		}
	}
	if got, err := d.Advisories(ctx, "Ubuntu:22.04", "bash"); err != nil || len(got) != 1 || got[0].Ecosystem != "Ubuntu:22.04:LTS" {
		t.Errorf("without :LTS: %v, %v", got, err)
	}
	if got, err := d.Advisories(ctx, "PyPI", "zope.interface"); err != nil || len(got) != 1 || got[0].Package != "Zope_Interface" {
		t.Errorf("another spelling: %v, %v", got, err)
	}
}

// Look-ups at once give every one the same answers.
func TestConcurrentLookups(t *testing.T) {
	ctx := context.Background()
	d, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	s := NewStack(d)
	names := keys(t, d, 60)
	counts := make([]int, 4)
	var wg sync.WaitGroup
	for i := range counts {
		wg.Go(func() {
			for j := range names {
				k := names[(j*7+i*13)%len(names)]
				list, err := s.Advisories(ctx, k[0], k[1])
				if err != nil {
					t.Error(err)
				}
				for _, a := range list[:min(3, len(list))] {
					m, err := s.Meta(ctx, a.ID)
					if err != nil {
						t.Error(err)
					}
					counts[i] += len(m.CVSS)
				}
				counts[i] += len(list)
			}
		})
	}
	wg.Wait()
	for _, c := range counts {
		if c == 0 || c != counts[0] {
			t.Fatal(counts)
		}
	}
}

func TestNamesAreShared(t *testing.T) {
	ctx := context.Background()
	r := []vuln.Range{{Type: "ECOSYSTEM", Events: []vuln.Event{{Introduced: "0"}}}}
	in := one("Wolfi", time.Time{}, []vuln.Advisory{
		{ID: "GHSA-a", Ecosystem: "Wolfi", Package: "p", Ranges: r},
		{ID: "GHSA-b", Ecosystem: "Wolfi", Package: "p", Ranges: r},
		{ID: "CVE-2026-0009", Ecosystem: "Wolfi", Package: "p", Ranges: r},
		{ID: "GHSA-a", Ecosystem: "npm", Package: "p", Ranges: r, Aliases: []string{"CVE-2026-0001"}},
	}, nil)
	in.Names = seq([]vuln.Advisory{{ID: "GHSA-b", Aliases: []string{"CVE-2026-0002", "CVE-2026-0001"}}, {ID: "CVE-2026-0009", Aliases: []string{"X-1"}}})
	got, err := opened(t, compiled(t, in)).Advisories(ctx, "Wolfi", "p")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, a := range got {
		names[a.ID] = strings.Join(a.Aliases, " ")
	}
	if diff := cmp.Diff(map[string]string{"GHSA-a": "CVE-2026-0001", "GHSA-b": "CVE-2026-0001 CVE-2026-0002", "CVE-2026-0009": ""}, names); diff != "" {
		t.Error(diff)
	}
}

func TestStackNewestAnswers(t *testing.T) {
	ctx := context.Background()
	r := []vuln.Range{{Type: "ECOSYSTEM", Events: []vuln.Event{{Introduced: "0"}}}}
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	adv := func(id, eco string) vuln.Advisory {
		return vuln.Advisory{ID: id, Ecosystem: eco, Package: "p", Ranges: r}
	}
	meta := func(score float64, kev bool, vectors ...finding.CVSS) []vuln.Meta {
		return []vuln.Meta{{ID: "CVE-2026-0001", KEV: kev, EPSS: finding.EPSS{Score: score, Date: "2026-01-01"}, CVSS: vectors}}
	}
	mk := func(npm, deb, facts int, tag string, m []vuln.Meta, more ...vuln.Advisory) *DB {
		return opened(t, compiled(t, Input{Sources: []SourceInput{
			{Source: Source{Name: "npm", Newest: day(npm), Ecosystems: []string{"npm"}}, Advisories: seq([]vuln.Advisory{adv(tag, "npm")})},
			{Source: Source{Name: "Debian", Newest: day(deb), Ecosystems: []string{"Debian"}}, Advisories: seq(append(more, adv(tag, "Debian:11")))},
			{Source: Source{Name: "kev", Newest: day(facts)}, Metas: seq(m)},
			{Source: Source{Name: "epss", Newest: day(facts)}},
			{Source: Source{Name: "nvd", Newest: day(facts)}},
		}}))
	}
	nvd := finding.CVSS{Vector: "CVSS:3.1/AV:N", Source: "nvd"}
	old := finding.CVSS{Vector: "CVSS:3.1/AV:L", Source: "nvd"}
	red := finding.CVSS{Vector: "CVSS:3.1/AV:P", Source: "redhat"}
	fetched := mk(5, 2, 9, "fetched", meta(0.5, false, nvd))
	embedded := mk(3, 4, 3, "embedded", meta(0.1, true, old, red), adv("embedded", "Debian:10"))
	s := NewStack(fetched, nil, embedded)
	for _, c := range []struct{ eco, want string }{{"npm", "fetched"}, {"Debian:11", "embedded"}, {"Debian:10", "embedded"}} {
		got, err := s.Advisories(ctx, c.eco, "p")
		if err != nil || len(got) != 1 || got[0].ID != c.want {
			t.Errorf("%s: %v, %v; want %s", c.eco, got, err, c.want)
		}
	}
	if s.Knows(ctx, "Debian:12") || !s.Knows(ctx, "Debian:10") {
		t.Error("Knows")
	}
	words := opened(t, compiled(t, one("nvd", day(9), nil, []vuln.Meta{
		{ID: "CVE-2026-0002", Word: finding.Low, WordBy: "ubuntu"},
		{ID: "CVE-2026-0002", Word: finding.Medium, WordBy: "ghsa"},
		{ID: "CVE-2026-0003", Pending: "deferred"},
		{ID: "CVE-2026-0003", Word: finding.Medium, WordBy: "ghsa"},
		{ID: "CVE-2026-0004", CVSS: []finding.CVSS{nvd}},
		{ID: "CVE-2026-0004", Word: finding.Medium, WordBy: "ghsa"},
	})))
	for id, want := range map[string]vuln.Meta{
		"CVE-2026-0002": {Word: finding.Medium, WordBy: "ghsa"}, "CVE-2026-0003": {Word: finding.Medium, WordBy: "ghsa"},
		"CVE-2026-0004": {CVSS: []finding.CVSS{nvd}},
	} {
		want.ID = id
		got, err := NewStack(fetched, words, embedded).Meta(ctx, id)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %s %v", id, diff, err)
		}
	}
	m, err := s.Meta(ctx, "CVE-2026-0001")
	want := vuln.Meta{ID: "CVE-2026-0001", EPSS: finding.EPSS{Score: 0.5, Date: "2026-01-01"}, CVSS: []finding.CVSS{nvd, red}}
	if diff := cmp.Diff(want, m); diff != "" || err != nil {
		t.Error(diff, err)
	}
	var dates []string
	for _, src := range s.Sources() {
		dates = append(dates, src.Name+" "+src.Newest.Format("02"))
	}
	if diff := cmp.Diff([]string{"Debian 04", "epss 09", "kev 09", "npm 05", "nvd 09"}, dates); diff != "" {
		t.Error(diff)
	}
	if got := s.Date(); !got.Equal(day(9)) {
		t.Error(got)
	}
	found, err := s.Find(ctx, "embedded")
	if err != nil || len(found) != 2 {
		t.Errorf("Find: %v, %v: an ecosystem for which another database answers must not show", found, err)
	}
	if again, err := s.Find(ctx, "EMBEDded"); err != nil || len(again) != len(found) {
		t.Errorf("Find in another case: %v, %v", again, err)
	}
}

func TestDamageIsSaid(t *testing.T) {
	ctx := context.Background()
	var all []vuln.Advisory
	for i := range 500 {
		all = append(all, vuln.Advisory{ID: fmt.Sprintf("CVE-2026-%04d", i), Ecosystem: "npm", Package: fmt.Sprint("p", i%50), Ranges: []vuln.Range{{Type: "SEMVER", Events: []vuln.Event{{Introduced: "0"}, {Fixed: fmt.Sprint(i)}}}}})
	}
	good := compiled(t, one("npm", time.Time{}, all, nil))
	path := filepath.Join(t.TempDir(), "db")
	try := func(b []byte) error {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := Open(path)
		if err != nil {
			return err
		}
		return errors.Join(d.Verify(ctx), d.Close())
	}
	if err := try(good); err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(good); at += 1 + len(good)/300 {
		b := slices.Clone(good)
		b[at] ^= 0x20
		err := try(b)
		var version *VersionError
		if !errors.Is(err, ErrCorrupt) && !errors.As(err, &version) {
			t.Fatalf("byte %d changed: %v", at, err)
		}
	}
	for _, n := range []int{0, 7, 63, 64, 100, len(good) - 1} {
		if err := try(good[:n]); !errors.Is(err, ErrCorrupt) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	if err := try(append(slices.Clone(good), 0)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a byte more: %v", err)
	}
	other := slices.Clone(good)
	other[8] = 9
	var version *VersionError
	if err := try(other); !errors.As(err, &version) || version.Have != 9 || version.Hint() == "" {
		t.Errorf("another version: %v", err)
	}
}
