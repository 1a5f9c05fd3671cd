package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

const digest = "sha256:2c60d1f4e0c1b1f4e0c1b1f4e0c1b1f4e0c1b1f4e0c1b1f4e0c1b1f4e0c1b1f4"

func TestShorten(t *testing.T) {
	for _, c := range []struct {
		in, want string
		width    int
	}{
		{"Dockerfile", "Dockerfile", 10},
		{"packages/platform/services/payment/Dockerfile", "packages/…/payment/Dockerfile", 32},
		{"packages/platform/services/payment/Dockerfile", "package…ment/Dockerfile", 23},
		{"nginx:stable@sha256:2c60d1f4e0c1", "nginx:stable@2c60d1f4e0c1", 26},
		{"nginx:stable-alpine-slim@sha256:2c60d1f4e0c1", "nginx:…@2c60d1f4e0c1", 20},
		{"", "", 0},
		{"ab", "…", 1},
	} {
		if got := shorten(c.in, c.width); got != c.want {
			t.Errorf("shorten(%q, %d) = %q, want %q", c.in, c.width, got, c.want)
		}
	}
}

func TestShortDigests(t *testing.T) {
	for in, want := range map[string]string{
		"nginx@" + digest + ": x, y@" + digest: "nginx@sha256:2c60d1f4e0c1: x, y@sha256:2c60d1f4e0c1",
		"sha256:abc is none":                   "sha256:abc is none",
		digest + "0":                           digest + "0",
		"":                                     "",
	} {
		if got := shortDigests(in); got != want {
			t.Errorf("shortDigests(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestShortenAll holds names in short to their width, and to being as many as
// they were.
func TestShortenAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(18, 60).Draw(t, "width")
		before := rapid.StringMatching(`([a-z]{3,9}/){1,6}`).Draw(t, "before")
		after := rapid.StringMatching(`(/[a-z]{3,9}){0,3}/Dockerfile`).Draw(t, "after")
		var names []string
		for i := range rapid.IntRange(1, 40).Draw(t, "n") {
			names = append(names, before+fmt.Sprintf("app-%d", i)+after)
		}
		seen := map[string]string{}
		for name, s := range shortenAll(names, width) {
			if w := ansi.StringWidth(s); w > width {
				t.Fatalf("%q is %d columns of %d: %q", name, w, width, s)
			}
			if other, ok := seen[s]; ok {
				t.Fatalf("%q and %q are both %q", name, other, s)
			}
			seen[s] = name
		}
	})
}

// TestCountsStay prints forty Dockerfiles far down in a repository that stand on
// an image by its digest: every row has its counts, and none is like another.
func TestCountsStay(t *testing.T) {
	res := &check.Result{}
	ref := "registry.example.com/platform/nginx:stable-alpine-slim@" + digest
	for i := range 40 {
		s := finding.Subject{Kind: finding.KindDockerfile, Name: fmt.Sprintf("packages/platform/services/gateway-%d/docker/Dockerfile", i)}
		v := &finding.Vuln{
			ID: "CVE-2026-1", Package: "pkg:deb/debian/" + strings.Repeat("long-name-", 9) + "@1", Name: strings.Repeat("long-name-", 9), Version: "1",
		}
		res.Subjects = append(res.Subjects, s)
		res.Targets = append(res.Targets, check.Target{
			Subject: s, Base: &base.Base{Ref: ref}, Inventory: &sbom.Inventory{Packages: make([]sbom.Package, 77)},
		})
		res.Findings = append(res.Findings, finding.Finding{Rule: "vuln/os-package", Subject: s, Severity: finding.High, Vuln: v})
	}
	for _, view := range []View{Card, Quickview, CVEs} {
		for _, width := range []int{80, 100, 120} {
			var b bytes.Buffer
			if err := Write(&b, "text", res, Options{View: view, Width: width, Quiet: true}); err != nil {
				t.Fatal(err)
			}
			rows := map[string]bool{}
			for l := range strings.Lines(b.String()) {
				l = strings.TrimRight(l, "\n")
				if w := ansi.StringWidth(l); w > width {
					t.Errorf("%s: %d columns of %d: %s", view, w, width, l)
				}
				switch f := strings.Fields(l); {
				case view == CVEs && strings.HasSuffix(l, "  1H") && strings.HasPrefix(l, "  long"):
					rows[fmt.Sprint(len(rows))] = true
				case view == Card && strings.HasSuffix(l, "77  0  1  0  0  0  0"), view == Quickview && len(f) == 7 && f[2] == "1":
					rows[f[0]] = true
				}
			}
			if len(rows) != 40 {
				t.Errorf("%s at %d columns has %d rows with counts, not 40:\n%s", view, width, len(rows), b.String())
			}
		}
	}
}
