package base

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

func TestFactsOf(t *testing.T) {
	path := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	node := FactsOf("node:21.6-alpine3.18")
	if node.Accounts["node"] != 1000 || node.Accounts["nobody"] != 65534 || node.Accounts["www-data"] != 0 {
		t.Errorf("accounts: %v", node.Accounts)
	}
	node.Accounts = nil
	want := &dockerfile.BaseFacts{
		Ref: "node:21.6-alpine3.18", Source: "the embedded catalogue (2024-01)", Config: true, Entrypoint: []string{"docker-entrypoint.sh"}, Cmd: []string{"node"},
		Env: map[string]string{"NODE_VERSION": "21.6.1", "YARN_VERSION": "1.22.19", "PATH": path}, Distribution: "alpine", Release: "3.18",
	}
	if d := cmp.Diff(want, node); d != "" {
		t.Errorf("node (-want +got):\n%s", d)
	}

	// Through three images down to Debian's, and past an ENTRYPOINT that takes
	// away the CMD below it.
	python := FactsOf("docker.io/library/python:3.14")
	if python == nil || !python.Config || python.Distribution != "debian" || python.Release != "13" || !slices.Equal(python.Cmd, []string{"python3"}) ||
		!strings.HasPrefix(python.Env["PATH"], "/usr/local/bin:/usr/local/sbin:") {
		t.Errorf("python: %+v", python)
	}
	dind := FactsOf("docker:29-dind-rootless")
	if dind == nil || dind.User != "rootless" || dind.Cmd != nil || dind.Accounts["rootless"] != 1000 || len(dind.Volumes) != 2 {
		t.Errorf("docker: %+v", dind)
	}
	httpd := FactsOf("httpd:2.4")
	if httpd == nil || httpd.Workdir != "/usr/local/apache2" || httpd.StopSignal != "SIGWINCH" || !slices.Equal(httpd.Exposed, []string{"80/tcp"}) || httpd.Accounts["www-data"] != 33 {
		t.Errorf("httpd: %+v", httpd)
	}

	// Another version of the same build, which says so and keeps no version's own.
	next := FactsOf("node:24-alpine")
	if next == nil || !next.Config || !strings.HasPrefix(next.Source, "inferred from node:21.6-alpine3.18") || next.Env["NODE_VERSION"] != "" || next.Release != "" || next.Accounts["squid"] != 0 {
		t.Errorf("node:24-alpine: %+v", next)
	}
	if pg := FactsOf("postgres:13"); pg == nil || pg.Env["PG_MAJOR"] != "" || pg.Env["PGDATA"] != "" || pg.Accounts["postgres"] != 999 {
		t.Errorf("postgres:13: %+v", pg)
	}
	if f := FactsOf("nginx:1.24-alpine"); f == nil || f.Config || f.Distribution != "alpine" || f.Release != "3.17" {
		t.Errorf("of an image whose Dockerfile is not at hand: %+v", f)
	}
	if f := FactsOf("debian:bookworm-slim"); f == nil || !f.Config || f.Release != "12" || f.Accounts["_apt"] != 42 || !slices.Equal(f.Cmd, []string{"bash"}) {
		t.Errorf("debian: %+v", f)
	}
	for _, ref := range []string{"", "scratch", "somebody/node:21", "ghcr.io/library/node:21", "redis:7", "node@sha256:" + strings.Repeat("a", 64), "$BASE"} {
		if f := FactsOf(ref); f != nil {
			t.Errorf("FactsOf(%q) = %+v", ref, f)
		}
	}
	// What one caller does to the facts, another does not see.
	FactsOf("debian:12").Accounts["root"] = 7
	FactsOf("node:21.6-alpine3.18").Env["PATH"] = ""
	if FactsOf("debian:12").Accounts["root"] != 0 || FactsOf("node:21.6-alpine3.18").Env["PATH"] != path {
		t.Error("facts are shared")
	}
}

// Every embedded configuration is read, and its tags are the list's or older.
func TestConfigurations(t *testing.T) {
	c := configs()
	if len(c.lines) < 200 {
		t.Fatalf("%d configurations", len(c.lines))
	}
	for i := range c.lines {
		k, err := c.at(i)
		if err != nil || len(k.Tags) == 0 || len(k.Cmd)+len(k.Entrypoint) == 0 || k.Env["PATH"] == "" {
			t.Errorf("%d: %+v, %v", i, k, err)
			continue
		}
		if f := FactsOf(k.Tags[0]); f == nil || !f.Config || strings.HasPrefix(f.Source, "inferred") || f.Distribution == "" {
			t.Errorf("%s: %+v", k.Tags[0], f)
		}
	}
}

func FuzzFactsOf(f *testing.F) {
	for _, s := range []string{"node:21.6-alpine3.18", "python:3.14-slim", "debian:x", "docker.io/library/httpd", "alpine:3", "php:8.4-fpm-alpine3.24", "nginx:-", "node:\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := FactsOf(s); got != nil {
			if r, err := ParseRef(s); err != nil || r.official() == "" || got.Source == "" || got.Distribution == "" {
				t.Errorf("FactsOf(%q) = %+v", s, got)
			}
		}
		if image, why, ok := Slimmest(s, now); ok != (image != "") || ok != (why != "") {
			t.Errorf("Slimmest(%q) = %q, %q, %v", s, image, why, ok)
		}
	})
}

func TestSlimmest(t *testing.T) {
	for in, want := range map[string]string{
		"node:21.6-alpine3.18": "node:26-alpine", "node:22": "node:22-slim", "node": "node:26-slim", "nginx": "nginx:1.30-alpine-slim", "jre 17": "eclipse-temurin:17-jre",
		"python 3.12": "python:3.12-slim", "python:3.8": "python:3.14-slim", "python:3.12-alpine": "python:3.12-alpine", "golang:1.22": "gcr.io/distroless/static-debian12:nonroot",
		"maven:3.9-eclipse-temurin-17": "eclipse-temurin:17-jre", "gradle:8-jdk21-alpine": "eclipse-temurin:21-jre-alpine", "openjdk:11": "eclipse-temurin:11-jre",
		"distroless static": "gcr.io/distroless/static-debian12:nonroot", "php:7.4-apache": "php:8.5-apache", "rust:1.70": "gcr.io/distroless/cc-debian12:nonroot",
		"debian:bookworm": "debian:13-slim", "mcr.microsoft.com/dotnet/sdk:10.0": "mcr.microsoft.com/dotnet/aspnet:10.0", "mcr.microsoft.com/dotnet/sdk:6.0": "", "somebody/x:1": "", "": "",
	} {
		got, why, ok := Slimmest(in, now)
		if got != want || ok != (want != "") {
			t.Errorf("Slimmest(%q) = %q (%s), want %q", in, got, why, want)
		}
		if r, err := ParseRef(got); err == nil && r.official() != "" {
			if tag, _ := Library(got); !tag.Listed {
				t.Errorf("Slimmest(%q) = %q, which is not listed", in, got)
			}
		}
	}
	// Node.js 26 is for the long term from October 2026 on.
	if got, _, _ := Slimmest("node", time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)); got != "node:24-slim" {
		t.Errorf("node in September is %s", got)
	}
}

func BenchmarkFactsOf(b *testing.B) {
	for b.Loop() {
		FactsOf("node:24-alpine")
	}
}
