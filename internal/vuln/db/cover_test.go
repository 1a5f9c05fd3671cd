package db

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/vuln"
)

func onDay(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// covered is a database of one advisory of Debian 12, from a day on which its
// tracker ended and one to which fixes are known.
func covered(t *testing.T, fix string, to, unfixed time.Time, support ...vuln.Support) *DB {
	t.Helper()
	in := one("Debian", to, []vuln.Advisory{{
		ID: "CVE-2026-1", Ecosystem: "Debian:12", Package: "bash",
		Ranges: []vuln.Range{{Type: "ECOSYSTEM", Events: []vuln.Event{{Introduced: "0"}, {Fixed: fix}}}},
	}}, nil)
	in.Sources[0].Ecosystems = []string{"Debian"}
	in.Sources[0].Covers = func(s Source) ([]vuln.Coverage, error) {
		return []vuln.Coverage{
			{Ecosystem: "Debian:12", From: onDay(2020, 1, 2), To: s.Newest, Unfixed: unfixed, Lagging: []string{"thunderbird"}},
			{Ecosystem: "Debian:12", Lagging: []string{"firefox-esr"}, Support: support},
		}, nil
	}
	return opened(t, compiled(t, in))
}

func TestCoverage(t *testing.T) {
	ctx := context.Background()
	limited := vuln.Support{Package: "golang*", Level: vuln.LimitedSupport}
	ended := vuln.Support{Package: "xen", Level: vuln.NoSupport, Since: onDay(2023, 9, 30)}
	d := covered(t, "2", onDay(2026, 11, 27), onDay(2025, 2, 12), ended, limited)
	want := vuln.Coverage{
		Ecosystem: "Debian:12", Advisories: 1, From: onDay(2020, 1, 2), To: onDay(2026, 11, 27), Unfixed: onDay(2025, 2, 12),
		Lagging: []string{"firefox-esr", "thunderbird"}, Support: []vuln.Support{limited, ended},
	}
	got, ok, err := d.Coverage(ctx, "Debian:12")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got.Complete() {
		t.Error("what ends 21 months before the fixes do is no complete record")
	}
	for _, eco := range []string{"Debian:13", "Debian", "npm"} {
		if c, ok, err := d.Coverage(ctx, eco); ok || err != nil {
			t.Errorf("coverage of %s: %+v, %v", eco, c, err)
		}
	}

	// A whole record answers before a later one of fixes only; where it says
	// nothing of support, the other's word counts.
	whole := covered(t, "3", onDay(2026, 6, 1), onDay(2026, 6, 1))
	for _, s := range []*Stack{NewStack(whole, d), NewStack(d, whole)} {
		list, err := s.Advisories(ctx, "Debian:12", "bash")
		if err != nil || len(fixedIn(list, "CVE-2026-1")) != 1 || fixedIn(list, "CVE-2026-1")[0] != "3" {
			t.Errorf("the record of fixes answers: %+v, %v", list, err)
		}
		c, ok, err := s.Coverage(ctx, "Debian:12")
		if err != nil || !ok || !c.Complete() || len(c.Support) != 2 {
			t.Errorf("coverage %+v, %v", c, err)
		}
	}

	// A stack that is written as one database keeps what it covers.
	again := opened(t, func() []byte {
		var b writerOf
		if err := NewStack(d).Compile(ctx, &b); err != nil {
			t.Fatal(err)
		}
		return b
	}())
	if got, _, err = again.Coverage(ctx, "Debian:12"); err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("compiled anew: %s, %v", cmp.Diff(want, got), err)
	}
}

type writerOf []byte

func (w *writerOf) Write(p []byte) (int, error) { *w = append(*w, p...); return len(p), nil }

func TestSupportOf(t *testing.T) {
	c := vuln.Coverage{Support: []vuln.Support{
		{Package: "rust*", Level: vuln.LimitedSupport},
		{Package: "rust-sequoia-sqv", Level: vuln.FullSupport},
		{Package: "xen", Level: vuln.NoSupport, Since: onDay(2023, 9, 30)},
		{Package: "binutils", Level: vuln.LimitedSupport},
	}}
	for name, want := range map[string]string{
		"rustc": "limited security support", "rust": "limited security support", "rust-sequoia-sqv": "",
		"xen": "no security support since 2023-09-30", "xen-tools": "", "binutils": "limited security support", "openssl": "",
	} {
		got := ""
		if s, ok := c.Of(name); ok {
			got = s.Phrase()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
