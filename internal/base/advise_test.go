package base

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

func TestParseTag(t *testing.T) {
	for in, want := range map[string]Build{
		"nginx:1.20":                               {Version: "1.20"},
		"nginx:stable-alpine-slim":                 {Follows: "stable", Distro: sbom.Distro{ID: "alpine"}, Slim: true},
		"node:21.6-alpine3.18":                     {Version: "21.6", Distro: sbom.Distro{ID: "alpine", VersionID: "3.18"}},
		"node:bookworm-slim":                       {Follows: "latest", Distro: sbom.Distro{ID: "debian", VersionID: "12"}, Slim: true},
		"debian:bookworm-slim":                     {Version: "bookworm", Distro: sbom.Distro{ID: "debian", VersionID: "bookworm"}, Slim: true},
		"debian:bookworm-20260803":                 {Version: "bookworm", Distro: sbom.Distro{ID: "debian", VersionID: "bookworm"}, Stamp: "20260803"},
		"python:3.15.0rc1-slim-trixie":             {Version: "3.15.0rc1", Distro: sbom.Distro{ID: "debian", VersionID: "13"}, Slim: true, Pre: true},
		"php:8.4.25RC1-fpm-alpine":                 {Version: "8.4.25RC1", Distro: sbom.Distro{ID: "alpine"}, Words: []string{"fpm"}, Pre: true},
		"php:8.4-rc":                               {Version: "8.4", Pre: true},
		"eclipse-temurin:17.0.20.1_1-jre-alpine":   {Version: "17.0.20.1_1", Distro: sbom.Distro{ID: "alpine"}, Words: []string{"jre"}},
		"eclipse-temurin:21-jre-alpine-3.24":       {Version: "21", Distro: sbom.Distro{ID: "alpine", VersionID: "3.24"}, Words: []string{"jre"}},
		"maven:3.9-eclipse-temurin-17":             {Version: "3.9", Words: []string{"17", "eclipse", "temurin"}},
		"rabbitmq:4-management-alpine":             {Version: "4", Distro: sbom.Distro{ID: "alpine"}, Words: []string{"management"}},
		"ghcr.io/org/app:v1.2.3":                   {Version: "1.2.3"},
		"alpine:3.18":                              {Version: "3.18", Distro: sbom.Distro{ID: "alpine", VersionID: "3.18"}},
		"alpine:latest":                            {Follows: "latest", Distro: sbom.Distro{ID: "alpine"}},
		"golang:1.22rc1-bullseye":                  {Version: "1.22rc1", Distro: sbom.Distro{ID: "debian", VersionID: "11"}, Pre: true},
		"registry.example.com/x:sha-0123456789abc": {Follows: "latest", Words: []string{"0123456789abc", "sha"}},
	} {
		r, err := ParseRef(in)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, ParseTag(r.official(), r.Tag)); d != "" {
			t.Errorf("%s (-want +got):\n%s", in, d)
		}
	}
}

func TestChannel(t *testing.T) {
	for in, want := range map[string]string{
		"nginx 1.24 2024-03": "stable", "nginx 1.25 2024-03": "mainline", "python 3.12 2024-03": "", "debian 12 2024-03": "", "go 1.26 2026-03": "",
		"ubuntu 24.04 2026-11": "LTS", "ubuntu 24.10 2024-11": "short-term", "mariadb 11.4 2026-11": "LTS",
		"eclipse-temurin 21 2026-11": "LTS", "eclipse-temurin 22 2024-06": "short-term",
		"nodejs 20 2024-03": "LTS", "nodejs 21 2024-03": "current",
		// Before it becomes one for the long term, and after its end, it is none.
		"nodejs 20 2023-06": "current", "nodejs 20 2026-11": "", "nodejs 18 2026-11": "", "ubuntu 16.04 2026-11": "",
	} {
		f := strings.Fields(in)
		s, ok := EndOfLife(f[0], f[1])
		at, err := time.Parse("2006-01", f[2])
		if got := Channel(f[0], s, at); !ok || err != nil || got != want {
			t.Errorf("%s is %q, %v, want %q", in, got, ok, want)
		}
	}
	a, err := Advise(Question{Ref: "node:18", Now: now})
	if err != nil || a.Channel != "" {
		t.Errorf("node:18 is %q, %v", a.Channel, err)
	}
	a.Judge()
	for _, o := range a.Options {
		if o.Release.Ended(now) && o.Channel == "LTS" {
			t.Errorf("%s is over, and said to be for the long term", o.Ref)
		}
	}
}

func TestCompareVersions(t *testing.T) {
	order := []string{"1.2", "1.9", "1.9.1", "1.10", "1.10.2", "2", "17.0.2_8", "17.0.10_1", "24.04"}
	for i := range order {
		for j := range order {
			if got, want := compareVersions(order[i], order[j]), compareInts(i, j); got != want {
				t.Errorf("%s, %s: %d, want %d", order[i], order[j], got, want)
			}
		}
	}
}

func compareInts(a, b int) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// advise is what is proposed for a reference: "update nginx:1.24", with "not"
// before what is not recommended.
func advise(t *testing.T, ref, asOf string, change ...func(*Question)) []string {
	t.Helper()
	q := Question{Ref: ref, Now: now}
	if asOf != "" {
		day, err := time.Parse(time.DateOnly, asOf)
		if err != nil {
			t.Fatal(err)
		}
		q.AsOf, q.Now = day, day
	}
	for _, f := range change {
		f(&q)
	}
	a, err := Advise(q)
	if err != nil {
		t.Fatal(err)
	}
	a.Judge()
	var out []string
	for i := range a.Options {
		o := &a.Options[i]
		s := string(o.Group) + " " + o.Ref
		if !o.Recommended {
			s = "not " + s
		}
		out = append(out, s)
		if o.Listed {
			if tag, _ := Library(o.Ref); !tag.Listed {
				t.Errorf("%s proposes %s, which is not listed", ref, o.Ref)
			}
		}
	}
	return out
}

func TestAdvise(t *testing.T) {
	for _, tt := range []struct {
		ref, asOf string
		want      []string
	}{
		{"python:3.8", "", []string{"update python:3.11", "update python:3.12", "update python:3.14", "slim python:3.11-slim", "slim python:3.11-alpine"}},
		{"python:3.14.2-slim", "", []string{"update python:3.14.7-slim", "slim python:3.14.7-alpine"}},
		// An LTS stays on LTS, and so does what was none.
		{"node:18", "", []string{"update node:22-trixie", "update node:24-trixie", "update node:26", "slim node:22-slim", "slim node:22-alpine"}},
		{"node:21.6-alpine3.18", "", []string{"update node:22.23-alpine3.24", "update node:24.19-alpine3.24", "update node:26.7-alpine3.24"}},
		// Nothing newer is for the long term, but what one is on ends in 62 days.
		{"node:21.6-alpine3.18", "2024-03-31", []string{"update node:20.9-alpine3.18"}},
		{"node:20.9.0-alpine3.18", "2024-06-30", []string{"update node:20.15.0-alpine3.19"}},
		// Supported, and on a distribution release that is: it is stayed on.
		{"node:24-trixie", "", []string{"update node:26-trixie", "slim node:24-trixie-slim", "slim node:24-alpine3.24"}},
		// A stable stays on stable, and what is on mainline may go to either.
		{"nginx:1.20", "", []string{"update nginx:1.30", "slim nginx:1.30-alpine-slim", "slim nginx:1.30-alpine", "not update nginx:1.31", "not slim nginx:1.31-alpine-slim"}},
		{"nginx:1.27", "", []string{"update nginx:1.30", "update nginx:1.31", "slim nginx:1.30-alpine-slim", "slim nginx:1.30-alpine"}},
		{"nginx:1.20", "2024-03-31", []string{"update nginx:1.24", "slim nginx:1.24-alpine-slim", "slim nginx:1.24-alpine", "not update nginx:1.25.3", "not slim nginx:1.25.4-alpine-slim"}},
		{"nginx:1.25.4-alpine-slim", "2024-03-31", nil},                        // 1.24 ends sooner
		{"nginx:stable-alpine", "", []string{"slim nginx:stable-alpine-slim"}}, // it follows its channel by itself
		{"node:lts-alpine", "", nil},
		{"nginx", "", []string{"slim nginx:alpine-slim", "slim nginx:alpine"}},
		{"debian:bookworm", "", []string{"update debian:trixie", "slim debian:trixie-slim"}},
		{"debian:11-slim", "", []string{"update debian:13-slim"}},
		{"alpine:3.18", "", []string{"update alpine:3.22", "update alpine:3.23", "update alpine:3.24"}},
		{"eclipse-temurin:17-jdk", "", []string{"update eclipse-temurin:21-jdk", "update eclipse-temurin:25-jdk", "slim eclipse-temurin:17-jre", "slim eclipse-temurin:17-jdk-alpine"}},
		{"php:7.4-fpm-alpine3.12", "", []string{"update php:8.2-fpm-alpine3.24", "update php:8.3-fpm-alpine3.24", "update php:8.5-fpm-alpine3.24"}},
		// Built no more: what took its place.
		{"openjdk:8-jre-slim", "", []string{"update eclipse-temurin:8-jre", "update eclipse-temurin:11-jre", "update eclipse-temurin:25-jre", "slim eclipse-temurin:8-jre-alpine"}},
		{"centos:7", "", []string{"update almalinux:8", "update almalinux:9", "update almalinux:10"}},
		{"maven:3.8-openjdk-17", "", nil},
		{"centos:centos7", "", []string{"update almalinux:8", "update almalinux:9", "update almalinux:10"}},
		// Older than the dates go back, and tags that follow a channel on a distribution that is gone.
		{"nginx:1.13-alpine", "", []string{"update nginx:1.30-alpine", "slim nginx:1.30-alpine-slim", "not update nginx:1.31-alpine", "not slim nginx:1.31-alpine-slim"}},
		{"golang:1.8.3-alpine", "", []string{"update golang:1.26.7-alpine", "update golang:1.27.0-alpine"}},
		{"node:lts-buster-slim", "", []string{"update node:lts-trixie-slim", "slim node:lts-alpine3.24"}},
		{"rust:buster", "", []string{"update rust:trixie", "slim rust:slim-trixie", "slim rust:alpine3.24"}},
		{"nginx:1.30-alpine-slim", "", []string{"not update nginx:1.31-alpine-slim"}},
		{"redis:6", "", []string{"update redis:7.2", "update redis:7", "update redis:8", "not slim redis:6-alpine"}}, // on an Alpine that is over
		{"mcr.microsoft.com/dotnet/sdk:6.0", "", nil},
		{"somebody/thing:1", "", nil},
	} {
		if d := cmp.Diff(tt.want, advise(t, tt.ref, tt.asOf)); d != "" {
			t.Errorf("%s %s (-want +got):\n%s", tt.ref, tt.asOf, d)
		}
	}
}

func TestStatus(t *testing.T) {
	for ref, want := range map[string]string{
		"node:24": "built", "python:3.14.2-slim": "superseded python:3.14-slim", "nginx:1.20": "unlisted", "centos:7": "gone almalinux", "mono:6": "gone", "x/y:1": "",
	} {
		a, err := Advise(Question{Ref: ref, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		status, by := a.Status()
		if got := strings.TrimSpace(status + " " + by); got != want {
			t.Errorf("%s is %q, want %q", ref, got, want)
		}
	}
}

func TestAdviseFromRegistry(t *testing.T) {
	tags := func(list ...string) func(*Question) { return func(q *Question) { q.Tags = list } }
	got := advise(t, "mcr.microsoft.com/dotnet/sdk:6.0", "", tags("6.0", "7.0", "8.0", "9.0", "10.0", "10.0-alpine", "11.0-preview", "10.0.1"))
	if d := cmp.Diff([]string{"update mcr.microsoft.com/dotnet/sdk:10.0", "slim mcr.microsoft.com/dotnet/sdk:10.0-alpine"}, got); d != "" {
		t.Errorf("dotnet (-want +got):\n%s", d)
	}
	// The same tag is another image by now.
	moved := &Entry{Ref: "registry.example.com/node:24", Names: []string{"registry.example.com/node:24"}, Index: finding.DigestOf([]byte("new")), Created: now, Source: "registry"}
	got = advise(t, "registry.example.com/node:24", "", func(q *Question) {
		q.Entries, q.Digest = []*Entry{moved}, finding.DigestOf([]byte("old"))
	})
	if d := cmp.Diff([]string{"refresh registry.example.com/node:24"}, got); d != "" {
		t.Errorf("moved (-want +got):\n%s", d)
	}
	if got := advise(t, "registry.example.com/node:24", "", func(q *Question) { q.Entries, q.Digest = []*Entry{moved}, moved.Index }); got != nil {
		t.Errorf("not moved: %v", got)
	}
	// What is embedded is of another time: it is no newer than what is in use.
	if got := advise(t, "nginx:1.24@"+string(finding.DigestOf([]byte("later"))), ""); slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "refresh") }) {
		t.Errorf("refreshed from the embedded catalogue: %v", got)
	}
	// What the architecture asked for is not built for is not proposed.
	if got := advise(t, "eclipse-temurin:17", "", func(q *Question) { q.Arch = "arm32v7" }); slices.Contains(got, "update eclipse-temurin:25") {
		t.Errorf("for an architecture that has none: %v", got)
	}
}

// vulns makes n vulnerabilities of a severity in a package.
func vulns(pkg string, s finding.Severity, ids ...int) []Vuln {
	var out []Vuln
	for _, id := range ids {
		out = append(out, Vuln{ID: fmt.Sprintf("CVE-%d", id), Package: pkg, Severity: s})
	}
	return out
}

// TestNewerAndWorse: what is newer and has more severe vulnerabilities is not
// recommended, and what brings them in is named.
func TestNewerAndWorse(t *testing.T) {
	seen := map[string]*Seen{
		"python:3.12": {Size: 400, Found: slices.Concat(vulns("zlib", finding.Critical, 1), vulns("perl", finding.High, 2, 3))},
		"python:3.13": {Size: 410, Found: vulns("zlib", finding.Critical, 1)},
		"python:3.14": {Size: 420, Found: slices.Concat(vulns("aom", finding.Critical, 5, 6), vulns("zlib", finding.Critical, 1), vulns("heif", finding.High, 7))},
	}
	a, err := Advise(Question{Ref: "python:3.12", Now: now})
	if err != nil {
		t.Fatal(err)
	}
	a.Seen = seen[a.Ref]
	for i := range a.Options {
		a.Options[i].Seen = seen[a.Options[i].Ref]
	}
	a.Judge()
	by := map[string]*Option{}
	for i := range a.Options {
		by[a.Options[i].Ref] = &a.Options[i]
	}
	worse, better := by["python:3.14"], by["python:3.13"]
	if worse == nil || better == nil {
		t.Fatalf("options: %+v", a.Options)
	}
	if worse.Recommended || !better.Recommended || a.Best(Update) != better {
		t.Errorf("3.14 recommended %v, 3.13 %v", worse.Recommended, better.Recommended)
	}
	want := []string{
		"it has 2 critical, 1 high (2 in aom, 1 in heif) that python:3.12 has not",
		"it is newer; it has 2 critical, 1 high (2 in aom, 1 in heif) that python:3.13 has not",
	}
	if d := cmp.Diff(want, worse.Against); d != "" {
		t.Errorf("against 3.14 (-want +got):\n%s", d)
	}
	if !slices.Contains(better.Why, "takes away 2 high (2 in perl)") {
		t.Errorf("for 3.13: %q", better.Why)
	}
	// A smaller build that is not known to be smaller is no smaller build.
	a.Seen, by["python:3.12-alpine"].Seen = &Seen{Size: 100, Found: []Vuln{}}, &Seen{Size: 100, Found: []Vuln{}}
	a.Judge()
	if i := slices.IndexFunc(a.Options, func(o Option) bool { return o.Ref == "python:3.12-alpine" }); a.Options[i].Recommended {
		t.Error("as large as today's, and recommended as smaller")
	}
}

// TestNotAssessedIsNotRecommended: over what was, and by nothing that a gate or a
// grade sees.
func TestNotAssessedIsNotRecommended(t *testing.T) {
	ask := func(assessed ...string) *Advice {
		a, err := Advise(Question{Ref: "python:3.12", Now: now})
		if err != nil {
			t.Fatal(err)
		}
		for i := range a.Options {
			if o := &a.Options[i]; slices.Contains(assessed, o.Ref) {
				o.Seen = &Seen{Found: []Vuln{}}
			} else {
				o.Seen = &Seen{Size: 1}
			}
		}
		a.Judge()
		return a
	}
	a := ask()
	if o := a.Best(Slim); o == nil || o.Assessed() {
		t.Fatalf("%+v", o)
	}
	for _, g := range Groups() {
		if f, _, ok := a.Finding(g); ok {
			t.Errorf("a finding of what nobody assessed: %+v", f)
		}
	}
	first, second := a.Options[0].Ref, a.Options[1].Ref
	if a.Options[0].Group != Update || a.Options[1].Group != Update {
		t.Fatalf("%+v", a.Options)
	}
	a = ask(second)
	if o := a.Best(Update); o.Ref != second || !o.Assessed() {
		t.Errorf("%s is taken, and %s is assessed", o.Ref, second)
	}
	if _, _, ok := a.Finding(Update); !ok {
		t.Error("what is assessed is no finding")
	}
	if a = ask(first, second); a.Best(Update).Ref != first {
		t.Errorf("both are assessed: %s", a.Best(Update).Ref)
	}
}

// Another release of what keeps data is no smaller image of the same software, and one of
// the same release is.
func TestSmallerDatabase(t *testing.T) {
	slim := func(ref string, now time.Time) []string {
		a, err := Advise(Question{Ref: ref, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, o := range a.Options {
			if o.Group == Slim {
				out = append(out, o.Ref)
			}
		}
		return out
	}
	after := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	if got := slim("postgres:14", after); len(got) > 0 { // its support ended on 12 November
		t.Errorf("%v", got)
	}
	if got := slim("postgres:17", after); len(got) == 0 || !strings.HasPrefix(got[0], "postgres:17") {
		t.Errorf("%v", got)
	}
}

// TestChecks: what must be looked at before an option is taken.
func TestChecks(t *testing.T) {
	for _, tt := range []struct {
		ref, option string
		want        []string
		not         []string
	}{
		{"postgres:17", "postgres:17-alpine", []string{"musl", "apk", "postgres is 70 instead of 999"}, []string{"stored data"}},
		{"postgres:16", "postgres:18", []string{"stored data", "PostgreSQL 18 instead of 16"}, []string{"musl", "accounts"}},
		{"php:8.4-fpm", "php:8.4-fpm-alpine", []string{"www-data is 82 instead of 33"}, nil},
		{"node:22", "node:24-trixie", []string{"Node.js 24 instead of 22", "Debian 12 (Bookworm) to Debian 13 (Trixie)"}, []string{"accounts", "musl"}},
		{"eclipse-temurin:17-jdk", "eclipse-temurin:17-jre", []string{"javac"}, []string{"Eclipse Temurin"}},
		{"eclipse-temurin:17", "eclipse-temurin:25", []string{"not built for arm32v7"}, nil},
		{"python:3.13-bookworm", "python:3.14-trixie", []string{"Debian 12 (Bookworm) to Debian 13 (Trixie)"}, []string{"musl"}},
		{"openjdk:8-jre", "eclipse-temurin:8-jre", []string{"takes the place of openjdk"}, nil},
		{"alpine:3.20", "alpine:3.24", []string{"Alpine Linux 3.20 to Alpine Linux 3.24"}, []string{"application on"}},
	} {
		a, err := Advise(Question{Ref: tt.ref, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		a.Judge()
		i := slices.IndexFunc(a.Options, func(o Option) bool { return o.Ref == tt.option })
		if i < 0 {
			t.Errorf("%s: no %s among %v", tt.ref, tt.option, advise(t, tt.ref, ""))
			continue
		}
		got := strings.Join(a.Options[i].Check, "\n")
		for _, w := range tt.want {
			if !strings.Contains(got, w) {
				t.Errorf("%s to %s: nothing of %q in\n%s", tt.ref, tt.option, w, got)
			}
		}
		for _, w := range tt.not {
			if strings.Contains(got, w) {
				t.Errorf("%s to %s: %q in\n%s", tt.ref, tt.option, w, got)
			}
		}
	}
}

func TestBrought(t *testing.T) {
	if got := Brought(vulns("x", finding.Medium, 1)); got != "" {
		t.Errorf("nothing severe: %q", got)
	}
	var many []Vuln
	for i := range 8 {
		many = append(many, vulns(fmt.Sprintf("p%d", i), finding.High, i)...)
	}
	if got, want := Brought(many), "8 high (1 in p0, 1 in p1, 1 in p2, 1 in p3, 1 in p4, and 3 more packages)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func FuzzAdvise(f *testing.F) {
	for _, s := range []string{"nginx:1.20", "node:21.6-alpine3.18", "openjdk:8", "centos:7", "a/b:1-2-3", "debian:-", "python:3.14@sha256:" + strings.Repeat("a", 64), "php:8.4.25RC1", "x:vv", "nginx:..", "alpine:3.18-slim-slim"} {
		f.Add(s, "1.30,1.31-alpine,2")
	}
	f.Fuzz(func(t *testing.T, ref, list string) {
		a, err := Advise(Question{Ref: ref, Now: now, Tags: strings.Split(list, ",")})
		if (err == nil) != (a != nil) {
			t.Fatalf("%v, %v", a, err)
		}
		if a == nil {
			return
		}
		a.Judge()
		for _, o := range a.Options {
			r, err := ParseRef(o.Ref)
			if err == nil && a.successor == "" && o.Group != Refresh && r.String() == a.Ref {
				t.Errorf("%s is proposed in its own place", o.Ref)
			}
			if o.Recommended && len(o.Against) > 0 {
				t.Errorf("%s is recommended against %q", o.Ref, o.Against)
			}
		}
	})
}

func BenchmarkAdvise(b *testing.B) {
	for b.Loop() {
		if _, err := Advise(Question{Ref: "nginx:1.20", Now: now}); err != nil {
			b.Fatal(err)
		}
	}
}

// A repository with as many tags as are read of one.
func BenchmarkAdviseManyTags(b *testing.B) {
	var tags []string
	for i := range 20_000 {
		tags = append(tags, fmt.Sprintf("%d.%d.%d-alpine3.%d", 10+i%17, i/17%40, i%7, i%24))
	}
	for b.Loop() {
		if _, err := Advise(Question{Ref: "ghcr.io/org/node:18.2.1-alpine3.18", Now: now, Tags: tags}); err != nil {
			b.Fatal(err)
		}
	}
}
