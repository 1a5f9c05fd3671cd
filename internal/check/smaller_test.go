package check

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
)

// TestMinimalBaseOnTheCard: assessed from what came with the program, with the
// smaller image as a finding and its edit.
func TestMinimalBaseOnTheCard(t *testing.T) {
	for text, want := range map[string]struct{ grade, reason, edit string }{
		"FROM python:3.14\n": {"B", "python:3.14 could be python:3.14-slim", "python:3.14-slim"},
		// There are smaller ones, and nobody has assessed them.
		"FROM nginx:1.20\n":                            {"", "nginx:1.20 could be nginx:1.30-alpine-slim, which nobody has assessed", ""},
		"FROM golang:1.26 AS b\nFROM node:24-slim\n":   {"", "node:24-slim could be node:24-alpine, which nobody has assessed", ""},
		"FROM nginx:1.30-alpine-slim\n":                {"A", "nothing smaller than nginx:1.30-alpine-slim is known", ""},
		"FROM scratch\nCOPY x /\n":                     {"A", "stands on nothing (scratch)", ""},
		"FROM gcr.io/distroless/static\n":              {"", "not assessed: which other images there are of gcr.io/distroless/static is not known", ""},
		"ARG V=3.14\nFROM python:$V\n":                 {"B", "python:3.14 could be python:3.14-slim", "3.14-slim"},
		"FROM python:3.14\nFROM python:3.14 AS last\n": {"B", "python:3.14 could be python:3.14-slim", "python:3.14-slim"},
	} {
		name := filepath.Join(t.TempDir(), "Dockerfile")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		res, err := alone(t).Run(context.Background(), name, Ask{Vulnerabilities: true, Rules: true, Grades: true, Layers: true})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(res.Card, func(r Row) bool { return r.Practice == finding.MinimalBase })
		if i < 0 || res.Card[i].Grade != want.grade || !strings.Contains(strings.Join(res.Card[i].Reasons, "; "), want.reason) {
			t.Errorf("%q: %+v, want %+v", text, res.Card, want)
		}
		edit := ""
		for _, f := range res.Findings {
			if f.Rule != "base/smaller-variant" {
				continue
			}
			if len(f.Fixes) > 0 && len(f.Fixes[0].Edits) > 0 {
				edit = f.Fixes[0].Edits[0].New
				if e := f.Fixes[0].Edits[0]; text[e.Start:e.End] != "nginx:1.20" && text[e.Start:e.End] != "3.14" && !strings.HasPrefix(text[e.Start:e.End], "python:") && !strings.HasPrefix(text[e.Start:e.End], "node:") {
					t.Errorf("%q: an edit of %q", text, text[e.Start:e.End])
				}
			}
		}
		if edit != want.edit {
			t.Errorf("%q: edit to %q, want %q", text, edit, want.edit)
		}
	}
}

// A base that nobody has assessed a smaller one of leaves no best grade to those
// beside it; what is worse stays as it is.
func TestOpenBaseLeavesNoBestGrade(t *testing.T) {
	for text, want := range map[string]struct{ grade, reason string }{
		"FROM nginx:1.30-alpine-slim\n": {"", "not assessed: nginx:1.20 could be nginx:1.30-alpine-slim, which nobody has assessed; " +
			"nothing smaller than nginx:1.30-alpine-slim is known"},
		"FROM python:3.14\n": {"B", "python:3.14 could be python:3.14-slim; nginx:1.20 could be"},
	} {
		dir := t.TempDir()
		for name, body := range map[string]string{"Dockerfile": text, "old.Dockerfile": "FROM nginx:1.20\n"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		res, err := alone(t).Run(context.Background(), dir, Ask{Vulnerabilities: true, Rules: true, Grades: true, Layers: true})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(res.Card, func(r Row) bool { return r.Practice == finding.MinimalBase })
		if i < 0 || res.Card[i].Grade != want.grade || !strings.Contains(strings.Join(res.Card[i].Reasons, "; "), want.reason) {
			t.Errorf("%q: %+v, want %+v", text, res.Card, want)
		}
	}
}

// alone is a pipeline without Docker, without network, in a home of its own.
func alone(t *testing.T) *Pipeline {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	return &Pipeline{Surroundings: Surroundings{
		CacheDir: filepath.Join(dir, "cache"), DataDir: filepath.Join(dir, "data"), Offline: true, Platform: "linux/amd64",
		Now: func() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) },
		Getenv: func(name string) string {
			return map[string]string{"DOCKER_HOST": "unix:///nonexistent.sock", "HOME": dir}[name]
		},
		Log: slog.New(slog.DiscardHandler),
	}}
}
