package recommend

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
)

// alone is without Docker, without network, in a home of its own.
func alone(t *testing.T) check.Surroundings {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	return check.Surroundings{
		CacheDir: filepath.Join(dir, "cache"), DataDir: filepath.Join(dir, "data"), Offline: true, Platform: "linux/amd64",
		Now: func() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) },
		Getenv: func(name string) string {
			return map[string]string{"DOCKER_HOST": "unix:///nonexistent.sock", "HOME": dir}[name]
		},
		Log: slog.New(slog.DiscardHandler),
	}
}

func march() Wish { return Wish{AsOf: time.Date(2024, 3, 31, 0, 0, 0, 0, time.UTC)} }

func options(a *base.Advice) map[string]*base.Option {
	by := map[string]*base.Option{}
	for i := range a.Options {
		by[a.Options[i].Ref] = &a.Options[i]
	}
	return by
}

// TestGuide is the case of Docker's guide, with what was known in March 2024,
// over the real inventories of nginx 1.20, 1.24 and 1.25: what to go to, with
// sizes, counts and reasons, and what not, though it is newer.
func TestGuide(t *testing.T) {
	rec, err := For(context.Background(), alone(t), "nginx:1.20", march())
	if err != nil {
		t.Fatal(err)
	}
	if len(rec.Places) != 1 || len(rec.Unknown) != 0 || rec.Nothing() || rec.Network {
		t.Fatalf("%d bases, unknown %v", len(rec.Places), rec.Unknown)
	}
	a := rec.Places[0].Advice
	if a.Channel != "stable" || a.Release.EOL.Format(time.DateOnly) != "2022-05-24" || a.Seen.Size != 141_450_000 || a.Seen.Packages != 143 {
		t.Errorf("today: %s, %+v, %+v", a.Channel, a.Release, a.Seen)
	}
	by := options(a)
	type facts struct {
		group       base.Group
		recommended bool
		channel     string
		size        int64
		packages    int
	}
	for ref, want := range map[string]facts{
		"nginx:1.24":               {base.Update, true, "stable", 142_300_000, 143},
		"nginx:1.24-alpine-slim":   {base.Slim, true, "stable", 11_520_000, 20},
		"nginx:1.24-alpine":        {base.Slim, true, "stable", 41_100_000, 63},
		"nginx:1.25.3":             {base.Update, false, "mainline", 186_730_000, 150},
		"nginx:1.25.4-alpine-slim": {base.Slim, false, "mainline", 11_910_000, 20},
	} {
		o := by[ref]
		if o == nil || o.Seen == nil || o.Seen.Found == nil {
			t.Errorf("%s: %+v", ref, o)
			continue
		}
		if got := (facts{o.Group, o.Recommended, o.Channel, o.Seen.Size, o.Seen.Packages}); got != want {
			t.Errorf("%s: %+v, want %+v", ref, got, want)
		}
		if o.Recommended && (o.Seen.Count(finding.Critical) >= a.Seen.Count(finding.Critical) || base.Brought(o.TakesAway) == "") {
			t.Errorf("%s takes nothing away: %q", ref, o.Why)
		}
	}
	if len(by) != 5 {
		t.Errorf("options: %v", slices.Collect(mapsKeys(by)))
	}
	if best := a.Best(base.Slim); best == nil || best.Ref != "nginx:1.24-alpine-slim" {
		t.Errorf("the smallest is %+v", best)
	}

	// By hand, from Debian's, Alpine's and Bitnami's records and their vectors:
	// nginx:1.20 has 23 critical of Debian 11's and three of nginx's own (2026-9256,
	// 2026-42533, 2026-42945) in each of two sources; 1.25.3 has ten of Debian 12's,
	// five of them not in 1.24 (aom 2, libavif 1, openssl 2), and two of nginx's; the
	// slim variant has openssl's CVE-2024-5535 and two of nginx's.
	newer := by["nginx:1.25.3"]
	against := strings.Join(newer.Against, "\n")
	for _, want := range []string{"another channel: mainline, where nginx:1.20 is stable", "it is newer; it has 5 critical", "in aom", "that nginx:1.24 has not"} {
		if !strings.Contains(against, want) {
			t.Errorf("against 1.25 nothing is said of %q:\n%s", want, against)
		}
	}
	if !slices.ContainsFunc(newer.BringsIn, func(v base.Vuln) bool {
		return v == base.Vuln{ID: "CVE-2023-6879", Package: "aom", Severity: finding.Critical}
	}) || newer.Beside != "nginx:1.24" {
		t.Errorf("1.25 brings in %v, beside %s", base.Severe(newer.BringsIn), newer.Beside)
	}
	if why := strings.Join(newer.Why, "\n"); !strings.Contains(why, "takes away 20 critical") {
		t.Errorf("what 1.25 takes away: %s", why)
	}
	slim := strings.Join(by["nginx:1.24-alpine-slim"].Check, "\n")
	for _, want := range []string{"musl", "apk", "BusyBox", "nginx-module-image-filter"} {
		if !strings.Contains(slim, want) {
			t.Errorf("nobody is told to check %s:\n%s", want, slim)
		}
	}
	for _, f := range rec.Findings {
		if f.Rule == "base/smaller-variant" && !strings.Contains(f.Message, "11.5 MB instead of 141 MB, 3 critical and 10 high instead of 29 and 132") {
			t.Errorf("the finding says %q", f.Message)
		}
	}

	// In April, 1.25.5 is known too; today none of them is, and newer ones are.
	april, err := For(context.Background(), alone(t), "nginx:1.20", Wish{AsOf: time.Date(2024, 4, 20, 0, 0, 0, 0, time.UTC)})
	if err != nil || options(april.Places[0].Advice)["nginx:1.25-alpine-slim"] == nil {
		t.Errorf("in April: %v", err)
	}
	today, err := For(context.Background(), alone(t), "nginx:1.20", Wish{})
	if err != nil || options(today.Places[0].Advice)["nginx:1.30-alpine-slim"] == nil || options(today.Places[0].Advice)["nginx:1.24"] != nil {
		t.Errorf("today: %v", err)
	}
}

func mapsKeys(m map[string]*base.Option) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func TestRecommendFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "Dockerfile")
	text := "# syntax=docker/dockerfile:1\r\nARG V=18\r\nFROM --platform=linux/amd64 \\\r\n  node:21.6-alpine3.18 AS build\r\nRUN apk add git && adduser -D app\r\nFROM node:${V} AS lint\r\nFROM build AS again\r\nFROM scratch AS files\r\nFROM nginx:1.20@sha256:63aa22a3a677b20b74f4c977a418576934026d8562c04f6a635f0e71e0686b6d\r\nRUN apt-get update && apt-get install -y curl\r\n"
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	rec, err := For(context.Background(), alone(t), dir, march())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range rec.Places {
		got = append(got, cmp.Or(p.Stage, "final")+" "+p.Advice.Ref)
	}
	want := []string{
		"final nginx:1.20@sha256:63aa22a3a677b20b74f4c977a418576934026d8562c04f6a635f0e71e0686b6d", "build node:21.6-alpine3.18", "lint node:18",
	}
	if !slices.Equal(got, want) {
		t.Errorf("bases %q, want %q", got, want)
	}
	final := rec.Places[0]
	if !slices.Equal(final.Packages, []string{"line 10: apt-get"}) || !slices.Equal(rec.Places[1].Packages, []string{"line 5: adduser", "line 5: apk"}) {
		t.Errorf("what must follow: %q, %q", final.Packages, rec.Places[1].Packages)
	}
	// The edit lands on the base's word and leaves every other byte alone; a
	// digest is replaced by the new one's where that is known.
	i := slices.IndexFunc(final.Advice.Options, func(o base.Option) bool { return o.Ref == "nginx:1.24" })
	if i < 0 || final.Fixes[i] == nil {
		t.Fatalf("no edit to 1.24: %+v", final.Fixes)
	}
	if len(final.Fixes[i].Edits) == 0 {
		t.Fatal(final.Fixes[i].Title)
	}
	e := final.Fixes[i].Edits[0]
	if e.Base != finding.DigestOf([]byte(text)) || e.File != name {
		t.Errorf("%+v", e)
	}
	edited := text[:e.Start] + e.New + text[e.End:]
	if want := strings.Replace(text, text[strings.Index(text, "nginx:1.20@"):strings.Index(text, "\r\nRUN apt-get")], "nginx:1.24@sha256:52687af1dbe5a907fa0fbb552fb199882041630485ea943eaa67b9c7253b4402", 1); edited != want {
		t.Errorf("edited:\n%q\nwant:\n%q", edited, want)
	}
	// Where it is not known, the line names the tag alone, and what must be checked says so.
	if i = slices.IndexFunc(final.Advice.Options, func(o base.Option) bool { return o.Ref == "nginx:1.24-alpine-slim" }); i < 0 || len(final.Fixes[i].Edits) == 0 {
		t.Fatalf("no edit to 1.24-alpine-slim: %+v", final.Fixes)
	}
	e = final.Fixes[i].Edits[0]
	if edited := text[:e.Start] + e.New + text[e.End:]; !strings.Contains(edited, "FROM nginx:1.24-alpine-slim\r\n") {
		t.Errorf("edited:\n%q", edited)
	}
	if !slices.ContainsFunc(final.Advice.Options[i].Check, func(s string) bool {
		return strings.Contains(s, "which bytes nginx:1.24-alpine-slim is")
	}) {
		t.Errorf("the lost digest is not told: %q", final.Advice.Options[i].Check)
	}
	// Where a build argument gives the name, its default is edited.
	for _, f := range rec.Places[2].Fixes {
		e := f.Edits
		if len(e) != 1 || text[:e[0].Start] != text[:strings.Index(text, "18\r\n")] || "Build on node:"+e[0].New != f.Title {
			t.Errorf("no edit of the default: %+v", f)
		}
	}
}

// What the files of the build pin holds for a recommendation as it does for a fix.
func TestRecommendContext(t *testing.T) {
	for _, tt := range []struct{ dockerfile, file, text, ref, want string }{
		{"FROM node:18\nCOPY . .\nCMD [\"node\", \"a.js\"]\n", ".nvmrc", "18\n", "node:22-trixie", `.nvmrc says "18"`},
		{"FROM node:18\nCOPY . .\nCMD [\"node\", \"a.js\"]\n", ".nvmrc", "22\n", "node:22-trixie", ""},
		{"FROM node:18\nCOPY . .\nCMD [\"node\", \"a.js\"]\n", "package.json", `{"engines":{"node":"^18 || ^20"}}`, "node:22-trixie", `package.json says "^18 || ^20"`},
		{"FROM node:18\nCOPY . .\nCMD [\"node\", \"a.js\"]\n", "package.json", `{"dependencies":{"node-sass":"4.14.1"}}`, "node:22-trixie", "node-sass"},
		{"FROM ruby:3.1\nCOPY . .\nRUN bundle install\n", "Gemfile", "ruby '3.1.4'\n", "ruby:3.3", `Gemfile says "3.1.4"`},
		{"FROM python:3.9\nCOPY . .\nRUN pip install .\n", "pyproject.toml", "[project]\nrequires-python = \"<3.11\"\n", "python:3.11", "pyproject.toml"},
		{"FROM golang:1.22\nWORKDIR /src\nCOPY . .\nRUN go build -o /a .\n", "main.go", "package main\n", "golang:1.26", "no go.mod is in sight"},
	} {
		t.Run(tt.ref+" "+tt.file, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{"Dockerfile": tt.dockerfile, tt.file: tt.text} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			rec, err := For(context.Background(), alone(t), dir, Wish{})
			if err != nil {
				t.Fatal(err)
			}
			p := rec.Places[0]
			i := slices.IndexFunc(p.Advice.Options, func(o base.Option) bool { return o.Ref == tt.ref })
			if i < 0 || p.Fixes[i] == nil {
				t.Fatalf("%s is no option: %v", tt.ref, slices.Collect(maps.Keys(options(p.Advice))))
			}
			switch x := p.Fixes[i]; {
			case tt.want == "" && len(x.Edits) == 0:
				t.Errorf("refused: %s", x.Title)
			case tt.want != "" && (len(x.Edits) > 0 || !strings.Contains(x.Title, tt.want)):
				t.Errorf("%d edits, %s; want a refusal with %q", len(x.Edits), x.Title, tt.want)
			}
		})
	}
}

func TestRecommendUnknown(t *testing.T) {
	p := alone(t)
	// A repository of which nothing is known, and one of which the dates are.
	if _, err := For(context.Background(), p, "somebody/thing:1", Wish{}); err == nil {
		t.Error("an image that cannot be had, and of which nothing is known")
	}
	rec, err := For(context.Background(), p, "mcr.microsoft.com/dotnet/sdk:6.0", Wish{})
	if err != nil || rec.Nothing() || len(rec.Unknown) != 1 || !strings.Contains(rec.Unknown[0].Why, "not asked") {
		t.Errorf("%+v, %v", rec, err)
	}
	name := filepath.Join(t.TempDir(), "Dockerfile")
	for text, want := range map[string]string{
		"ARG BASE\nFROM $BASE\n":  "build argument without a default",
		"FROM somebody/thing:1\n": "not asked",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		rec, err := For(context.Background(), p, name, Wish{})
		if err != nil || !rec.Nothing() || len(rec.Unknown) == 0 || !slices.ContainsFunc(rec.Unknown, func(u finding.Unknown) bool { return strings.Contains(u.Why, want) }) {
			t.Errorf("%q: %+v, %v", text, rec, err)
		}
	}
	if err := os.WriteFile(name, []byte("FROM scratch\nCOPY x /\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if rec, err := For(context.Background(), p, name, Wish{}); err != nil || rec.Nothing() || len(rec.Warnings) != 1 {
		t.Errorf("scratch: %+v, %v", rec, err)
	}
}
