package base

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

var now = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

func keys(found []finding.Finding) []string {
	var out []string
	for _, f := range found {
		out = append(out, string(f.Rule)+" "+f.Key+" "+f.Severity.String())
	}
	return out
}

func TestParseRef(t *testing.T) {
	digest := "sha256:" + strings.Repeat("ab", 32)
	for in, want := range map[string]string{
		"node": "node:latest", "docker.io/library/node:21": "node:21", "index.docker.io/a/b": "a/b:latest", "library/node:x": "node:x",
		"localhost:5000/a:b": "localhost:5000/a:b", "localhost/a": "localhost/a:latest", "ghcr.io/a/b/c:v1@" + digest: "ghcr.io/a/b/c:v1@" + digest,
		"node@" + digest: "node@" + digest, "a/b:1.0-X_y": "a/b:1.0-X_y",
	} {
		r, err := ParseRef(in)
		if err != nil || r.String() != want {
			t.Errorf("ParseRef(%q) = %q, %v, want %q", in, r, err, want)
		}
	}
	for _, in := range []string{"", "Node", "a:", "a:-x", "a@sha256:12", "a//b", "a b", "a:b:c", "/a", "a/", "${X}", "a@", "é"} {
		if r, err := ParseRef(in); err == nil || r != (Ref{}) {
			t.Errorf("ParseRef(%q) = %+v, %v, want an error and nothing", in, r, err)
		}
	}
}

func FuzzParseRef(f *testing.F) {
	for _, s := range []string{"node", "localhost:5000/a:b", "a/b@sha256:" + strings.Repeat("0", 64), "x.y/z:1", "docker.io/docker.io/x", "docker.io/library/library/x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRef(s)
		if err != nil {
			if r != (Ref{}) {
				t.Errorf("ParseRef(%q) = %+v with an error", s, r)
			}
			return
		}
		again, err := ParseRef(r.String())
		if err != nil || again != r {
			t.Errorf("ParseRef(%q) = %+v; of its String %q: %+v, %v", s, r, r.String(), again, err)
		}
		CheckRef(s, now) // does not panic
	})
}

func FuzzFacts(f *testing.F) {
	for _, b := range [][]byte{packedEOL, packedOfficial, packedLibrary} {
		text, err := unpack(b)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text[:min(len(text), 2000)])
	}
	f.Add("@2026-08-22\n=debian=Debian\n12\x00Bookworm\x00230610\x00\x00260711\x00280630\x00\x0012.15")
	f.Add("@2026-08\n=node\n24 lts|amd64 arm64v8\n")
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := parseDates(s); (err == nil) == (d == nil) {
			t.Errorf("parseDates(%q) = %v, %v", s, d, err)
		} else if d != nil {
			for name, p := range d.products {
				for i := p.first; i < p.end; i++ {
					d.support(name, p.title, i)
				}
			}
		}
		if l, err := parseLibrary(s); (err == nil) == (l == nil) {
			t.Errorf("parseLibrary(%q) = %v, %v", s, l, err)
		}
		if o, err := parseOfficial(s); err != nil && o != nil {
			t.Errorf("parseOfficial(%q) = %v, %v", s, o, err)
		}
	})
}

func TestEndOfLife(t *testing.T) {
	tests := []struct{ product, version, cycle, eol string }{
		{"nodejs", "21.6.1", "21", "2024-06-01"},
		{"nodejs", "v24.19.0", "24", "2028-04-30"},
		{"nginx", "1.20.2", "1.20", "2022-05-24"},
		{"alpine-linux", "3.18.9", "3.18", "2025-05-09"},
		{"alpine-linux", "3.1.0", "3.1", "2016-11-01"},
		{"debian", "bookworm", "12", "2028-06-30"},
		{"debian", "11", "11", "2026-08-31"},
		{"ubuntu", "jammy", "22.04", "2027-04-01"},
		{"python", "3.7.17", "3.7", "2023-06-27"},
		{"openssl", "1.1.1k", "1.1.1", "2023-09-11"},
		{"nginx", "1.31.4", "1.31", ""},
		{"nodejs", "210", "", ""},
		{"debian", "sid", "", ""},
		{"nothing", "1", "", ""},
		{"nodejs", "", "", ""},
	}
	for _, tt := range tests {
		s, ok := EndOfLife(tt.product, tt.version)
		eol := ""
		if !s.EOL.IsZero() {
			eol = s.EOL.Format(time.DateOnly)
		}
		if ok != (tt.cycle != "") || s.Cycle != tt.cycle || eol != tt.eol {
			t.Errorf("EndOfLife(%q, %q) = %q %q, %v; want %q %q", tt.product, tt.version, s.Cycle, eol, ok, tt.cycle, tt.eol)
		}
	}
	if s, _ := EndOfLife("debian", "12"); s.Name() != "Debian 12 (Bookworm)" || s.Latest != "12.15" || s.Regular.Format(time.DateOnly) != "2026-07-11" {
		t.Errorf("Debian 12 is %+v", s)
	}
}

func TestNamesAreProducts(t *testing.T) {
	for name, product := range programs {
		if _, ok := dates().products[product]; !ok {
			t.Errorf("program %q: no product %q", name, product)
		}
	}
	for repo, id := range distributions {
		if _, ok := official().repos[repo]; !ok && repo != "centos" {
			t.Errorf("no official repository %q", repo)
		}
		found := false
		for _, v := range []string{"3.20", "12", "24.04", "40", "9", "2023", "5", "9.0", "7", "5.0"} {
			_, ok := DistroSupport(sbom.Distro{ID: id, VersionID: v})
			found = found || ok
		}
		if !found {
			t.Errorf("distribution %q has no known release", id)
		}
	}
}

func TestHoldingsAreKnown(t *testing.T) {
	for _, h := range holdings {
		if (h.distro == "") == (h.product == "") {
			t.Errorf("%s is a distribution or a program: %+v", h.address, h)
		}
		if _, ok := dates().products[h.product]; !ok && h.product != "" {
			t.Errorf("%s: no product %q", h.address, h.product)
		}
		if kind, _ := Publisher(h.address + "9:1"); kind != "vendor" && h.numbered {
			t.Errorf("%s: publisher %q", h.address, kind)
		} else if kind, _ := Publisher(h.address + ":1"); kind != "vendor" && !h.numbered {
			t.Errorf("%s: publisher %q", h.address, kind)
		}
	}
}

func TestDistroSupport(t *testing.T) {
	for _, tt := range []struct {
		d    sbom.Distro
		want string
	}{
		{sbom.Distro{ID: "alpine", VersionID: "3.18.9"}, "Alpine Linux 3.18"},
		{sbom.Distro{ID: "debian", VersionID: "12"}, "Debian 12 (Bookworm)"},
		{sbom.Distro{ID: "debian", Codename: "trixie"}, "Debian 13 (Trixie)"},
		{sbom.Distro{ID: "debian", Codename: "sid"}, ""},
		{sbom.Distro{ID: "wolfi"}, ""},
		{sbom.Distro{ID: "alpine", VersionID: "3.99.0_alpha20260101"}, ""},
		{sbom.Distro{ID: "centos", VersionID: "9", PrettyName: "CentOS Stream 9"}, "CentOS Stream 9"},
		{sbom.Distro{ID: "amzn", VersionID: "2023"}, "Amazon Linux 2023"},
		{sbom.Distro{ID: "rhel", VersionID: "9.4"}, "Red Hat Enterprise Linux 9"},
	} {
		s, ok := DistroSupport(tt.d)
		if ok != (tt.want != "") || ok && s.Name() != tt.want {
			t.Errorf("DistroSupport(%+v) = %q, %v, want %q", tt.d, s.Name(), ok, tt.want)
		}
	}
}

func TestFind(t *testing.T) {
	o, ok := Find("docker.io/library/nginx:1.20.2")
	if !ok || o.Ref != "nginx:1.20" || len(o.Packages) != 142 || o.Distro.Codename != "bullseye" || len(o.Layers) != 6 || o.Compressed != 56716959 {
		t.Fatalf("nginx:1.20.2 is %+v", o)
	}
	if again, _ := Find("nginx@sha256:63aa22a3a677b20b74f4c977a418576934026d8562c04f6a635f0e71e0686b6d"); again != o {
		t.Errorf("by digest: %+v", again)
	}
	var openssl sbom.Package
	for _, p := range o.Inventory().Packages {
		if p.Name == "libssl1.1" {
			openssl = p
		}
	}
	want := sbom.Package{Type: "deb", Namespace: "debian", Name: "libssl1.1", Version: "1.1.1k-1+deb11u1", Source: "openssl", Arch: "amd64", LayerIndex: -1, Cataloger: "dpkg"}
	if d := cmp.Diff(want, openssl); d != "" {
		t.Errorf("libssl1.1 (-want +got):\n%s", d)
	}
	o, ok = Find("node:21.6-alpine3.18")
	if !ok || len(o.Packages) != 17 || o.Size != 141080000 || o.Distro.VersionID != "3.18" || o.Created.Format(time.DateOnly) != "2024-01-30" {
		t.Fatalf("node:21.6-alpine3.18 is %+v", o)
	}
	if len(o.Programs) != 2 || o.Programs[0].Name != "node" || o.Programs[0].Version != "21.6.1" || o.Programs[1].Version != "1.22.19" {
		t.Errorf("programs: %+v", o.Programs)
	}
	for _, ref := range []string{"nginx", "nginx:1.21", "other/nginx:1.20", "ghcr.io/library/nginx:1.20", "nginx@sha256:" + strings.Repeat("0", 64), ""} {
		if o, ok := Find(ref); ok {
			t.Errorf("Find(%q) = %s", ref, o.Ref)
		}
	}
	// By hand from INDEX.tsv and the inventories that it names.
	for ref, want := range map[string]struct {
		own, os, program string
		packages         int
		reconstructed    bool
	}{
		"node:24":                {"node:24.19.0-bookworm", "debian 12", "node 24.19.0", 411, true},
		"node:24-trixie-slim":    {"node:24.19.0-trixie-slim", "debian 13", "node 24.19.0", 79, true},
		"python:3.13-slim":       {"python:3.13.14-slim-trixie", "debian 13", "python 3.13.14", 86, true},
		"python:3.12":            {"python:3.12.13-trixie", "debian 13", "python 3.12.13", 469, true},
		"golang:1.27":            {"golang:1.27.0-trixie", "debian 13", "go 1.27.0", 207, true},
		"debian:trixie-slim":     {"debian:trixie-slim", "debian 13", "", 78, true},
		"debian":                 {"debian:trixie", "debian 13", "", 78, true},
		"ruby:3.4-slim":          {"ruby:3.4.9-slim-trixie", "debian 13", "ruby 3.4.9", 84, true},
		"httpd:2.4":              {"httpd:2.4.68", "debian 13", "httpd 2.4.68", 111, true},
		"alpine:3.22":            {"alpine:3.22.6", "alpine 3.22", "", 16, false},
		"alpine:edge":            {"alpine:20260805", "alpine edge", "", 16, false},
		"nginx:1.30-alpine-slim": {"nginx:1.30.5-alpine-slim", "alpine 3.24", "nginx 1.30.5", 21, false},
	} {
		o, ok := Find(ref)
		if !ok {
			t.Errorf("%s is not known", ref)
			continue
		}
		program := ""
		for _, p := range o.Programs {
			program += p.Name + " " + p.Version
		}
		if o.Ref != want.own || o.Distro.ID+" "+o.Distro.VersionID != want.os || program != want.program || len(o.Packages) != want.packages || o.Reconstructed != want.reconstructed {
			t.Errorf("%s is %s of %s with %q, %d packages, reconstructed %t; want %+v", ref, o.Ref, o.Distro.ID+" "+o.Distro.VersionID, program, len(o.Packages), o.Reconstructed, want)
		}
		if strings.Contains(o.From(), "reconstructed") != want.reconstructed {
			t.Errorf("%s is from %q", ref, o.From())
		}
	}
	seen, reconstructed := map[string]bool{}, 0
	for _, o := range Officials() {
		if len(o.Packages) < 15 || o.Created.IsZero() || o.Reconstructed && (o.ID != "" || o.Index != "" || o.Manifest != "" || o.Layers != nil || o.Size != 0) {
			t.Errorf("%s: %d packages of %s, reconstructed %t, id %q", o.Ref, len(o.Packages), o.Created, o.Reconstructed, o.ID)
		}
		if o.Reconstructed {
			reconstructed++
		} else if o.ID == "" {
			t.Errorf("%s was observed and has no id", o.Ref)
		}
		for _, n := range o.Names {
			if seen[n] {
				t.Errorf("%s is two images", n)
			}
			seen[n] = true
		}
	}
	if reconstructed != 91 {
		t.Errorf("%d are reconstructed, and INDEX.tsv has 91", reconstructed)
	}
}

func TestLibrary(t *testing.T) {
	for ref, want := range map[string]string{
		"node:24-alpine": "listed", "nginx": "listed", "node:21-alpine": "not", "nginx:1.20": "not", "centos:7": "gone", "hello-world:linux": "listed", "debian:bookworm-slim": "listed",
		"me/node:24": "", "ghcr.io/node:24": "", "public.ecr.aws/docker/library/node:24": "listed",
	} {
		tag, ok := Library(ref)
		got := ""
		switch {
		case !ok:
		case tag.Gone:
			got = "gone"
		case tag.Listed:
			got = "listed"
		default:
			got = "not"
		}
		if got != want || tag.Listed != (len(tag.Architectures) > 0) {
			t.Errorf("Library(%q) = %+v, %v, want %s", ref, tag, ok, want)
		}
	}
}

// In a stage that only builds, a toolchain one release old is low, and an older one is not.
func TestBuildOnly(t *testing.T) {
	now := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	for ref, want := range map[string]finding.Severity{
		"golang:1.25": finding.Low, "golang:1.24": finding.High, "golang:1.12": finding.High, "ubuntu:12.04": finding.High,
	} {
		found := CheckRef(ref, now)
		BuildOnly(found, ref, now)
		worst := finding.Unspecified
		for _, f := range found {
			worst = max(worst, f.Severity)
		}
		if worst != want {
			t.Errorf("%s: %v, want %v", ref, worst, want)
		}
	}
}

func TestCheckRef(t *testing.T) {
	for ref, want := range map[string][]string{
		"scratch": nil, "": nil, "${BASE}": nil, "node:$V": nil, "!": nil,
		"node:24-alpine":                      nil,
		"debian:12":                           nil, // its inventory is known: its release is Aged's to tell
		"ubuntu:20.04":                        {"base/unsupported-tag ubuntu:20.04 medium", "base/end-of-life ubuntu 20.04 high"},
		"nginx:1.20":                          {"base/unsupported-tag nginx:1.20 medium"}, // its releases are Aged's to tell
		"node:21-bookworm":                    {"base/unsupported-tag node:21-bookworm medium", "base/end-of-life debian 12 medium", "base/end-of-life-program nodejs 21 high"},
		"python:3.7-alpine3.9":                {"base/unsupported-tag python:3.7-alpine3.9 medium", "base/end-of-life alpine-linux 3.9 high", "base/end-of-life-program python 3.7 high"},
		"python:3.14.1-alpine":                {"base/unsupported-tag python:3.14.1-alpine low"},
		"no-such-image":                       {"base/unsupported-tag no-such-image medium"},
		"somebody/thing":                      {"base/unknown-publisher somebody/thing low"},
		"gcr.io/distroless/nodejs18-debian11": {"base/end-of-life debian 11 high"},
		"centos:7":                            {"base/unsupported-tag centos medium", "base/end-of-life centos 7 high"},
		"eclipse-temurin:17-jre-focal":        {"base/unsupported-tag eclipse-temurin:17-jre-focal medium", "base/end-of-life ubuntu 20.04 high"},
		// Vendors' own registries.
		"mcr.microsoft.com/dotnet/aspnet:6.0-alpine3.17":     {"base/end-of-life alpine-linux 3.17 high", "base/end-of-life-program dotnet 6 high"},
		"mcr.microsoft.com/dotnet/sdk:7.0.100":               {"base/end-of-life-program dotnet 7 high"},
		"mcr.microsoft.com/dotnet/nightly/runtime:5.0":       {"base/end-of-life-program dotnet 5 high"},
		"mcr.microsoft.com/dotnet/aspnet:10.0":               nil,
		"mcr.microsoft.com/dotnet/framework/aspnet:4.8":      nil,
		"mcr.microsoft.com/dotnet/aspnet":                    nil,
		"registry.access.redhat.com/ubi7/ubi-minimal:latest": {"base/end-of-life rhel 7 high"},
		"registry.access.redhat.com/ubi9/nodejs-20:1-34":     nil,
		"registry.access.redhat.com/ubi7-minimal":            {"base/end-of-life rhel 7 high"},
		"quay.io/centos/centos:stream8":                      {"base/end-of-life centos-stream 8 high"},
		"quay.io/centos/centos:stream10":                     nil,
		"registry.fedoraproject.org/fedora-minimal:38":       {"base/end-of-life fedora 38 high"},
		"opensuse/leap:15.3":                                 {"base/end-of-life opensuse 15.3 high"},
		"registry.suse.com/bci/bci-base:15.3":                {"base/end-of-life sles 15.3 high"},
		"rockylinux/rockylinux:8":                            nil,
		"bitnami/redis:6.0.16-debian-10-r3":                  {"base/unknown-publisher bitnami/redis low", "base/end-of-life debian 10 high", "base/end-of-life-program redis 6.0 high"},
	} {
		if d := cmp.Diff(want, keys(CheckRef(ref, now))); d != "" {
			t.Errorf("CheckRef(%q) (-want +got):\n%s", ref, d)
		}
	}
	f := CheckRef("node:21-bookworm", now)[0]
	if len(f.Fixes) != 1 || f.Fixes[0].Title != "Use a tag that is built: node:26-bookworm, node:24-bookworm, node:22-bookworm" {
		t.Errorf("suggestion: %+v", f.Fixes)
	}
	// Node.js 26 is for the long term from October 2026 on.
	f = CheckRef("node:21-bookworm", Date())[0]
	if len(f.Fixes) != 1 || f.Fixes[0].Title != "Use a tag that is built: node:24-bookworm, node:22-bookworm" {
		t.Errorf("suggestion in August: %+v", f.Fixes)
	}
}

func TestSuggestions(t *testing.T) {
	for ref, want := range map[string]string{
		"python:3.14.1-alpine": "Use python:3.14-alpine", "eclipse-temurin:25.0.1_8-jre-alpine": "Use eclipse-temurin:25-jre-alpine",
		"nginx:1.20-alpine": "Use a tag that is built: nginx:1.30-alpine", "nginx:1.25-alpine": "Use a tag that is built: nginx:1.31-alpine, nginx:1.30-alpine", "golang:1.8-stretch": "Use a tag that is built: golang:1.27, golang:1.26",
		"php:7.4-fpm-alpine3.12": "Use a tag that is built: php:8.5-fpm-alpine, php:8.4-fpm-alpine, php:8.3-fpm-alpine", "debian:jessie-slim": "Use a tag that is built: debian:13-slim",
		"ubuntu:14.04": "Use a tag that is built: ubuntu:26.04, ubuntu:24.04, ubuntu:22.04", "node:21.6-slim": "Use a tag that is built: node:26-slim, node:24-slim, node:22-slim",
	} {
		found := CheckRef(ref, now)
		if len(found) == 0 || len(found[0].Fixes) != 1 || found[0].Fixes[0].Title != want {
			t.Errorf("%s: %+v, want %q", ref, found[0].Fixes, want)
		}
	}
}

// A stable nginx is not sent to the mainline.
func TestMovesStayInTheChannel(t *testing.T) {
	for ref, want := range map[string]string{"nginx:1.20": "Move to nginx 1.30", "nginx:1.25.4-alpine-slim": "Move to nginx 1.31"} {
		o, ok := Find(ref)
		if !ok {
			t.Fatalf("%s is not in the catalogue", ref)
		}
		titles := []string{}
		for _, f := range Aged(o.Inventory(), now) {
			for _, x := range f.Fixes {
				titles = append(titles, x.Title)
			}
		}
		if !slices.ContainsFunc(titles, func(s string) bool { return strings.HasPrefix(s, want) }) {
			t.Errorf("%s: %q, want %q", ref, titles, want)
		}
	}
}

func TestAged(t *testing.T) {
	o, _ := Find("node:21.6-alpine3.18")
	found := Aged(o.Inventory(), now)
	want := []string{"base/end-of-life alpine-linux 3.18 high", "base/end-of-life-program nodejs 21 high"}
	if d := cmp.Diff(want, keys(found)); d != "" {
		t.Errorf("node (-want +got):\n%s", d)
	}
	if m := found[1].Message; m != "Node.js 21 has had no security fixes since 2024-06-01" {
		t.Errorf("message: %q", m)
	}
	if len(found[1].Fixes) != 1 || found[1].Fixes[0].Title != "Move to Node.js 26, supported until 2029-04-30" {
		t.Errorf("fix: %+v", found[1].Fixes)
	}
	// 2024-01-30, when it was current, Node.js 21 had more than 90 days to go.
	if found := Aged(o.Inventory(), o.Created); len(found) != 0 {
		t.Errorf("then: %v", keys(found))
	}
	owned := &sbom.Inventory{Packages: []sbom.Package{{Type: "generic", Name: "python", Version: "3.7.3", Owner: "pkg:deb/debian/python3.7"}, {Type: "npm", Name: "node", Version: "12"}}}
	if found := Aged(owned, now); len(found) != 0 {
		t.Errorf("owned: %v", keys(found))
	}
}

// A rule's own Bad fires it, and its Good fires nothing.
func TestRules(t *testing.T) {
	for _, r := range Rules() {
		if r.Title == "" || r.Why == "" || len(r.Aliases) == 0 || r.Practice != finding.TrustedBase && r.Practice != finding.MinimalBase || r.Severity == 0 {
			t.Errorf("%s: documentation is incomplete", r.ID)
		}
		fires := false
		for _, f := range CheckRef(strings.TrimSpace(strings.TrimPrefix(r.Bad, "FROM ")), Date()) {
			fires = fires || f.Rule == r.ID
		}
		o, known := Find(strings.TrimSpace(strings.TrimPrefix(r.Bad, "FROM ")))
		if known {
			for _, f := range Aged(o.Inventory(), Date()) {
				fires = fires || f.Rule == r.ID
			}
		}
		fires = fires || advises(t, r.Bad, r.ID)
		if advises(t, r.Good, r.ID) {
			t.Errorf("%s: Good fires it", r.ID)
		}
		if !fires {
			t.Errorf("%s: Bad does not fire it", r.ID)
		}
		if found := CheckRef(strings.TrimSpace(strings.TrimPrefix(r.Good, "FROM ")), Date()); len(found) != 0 {
			t.Errorf("%s: Good: %v", r.ID, keys(found))
		}
	}
}

// advises reports whether the advice on a FROM line is a finding of that rule.
func advises(t *testing.T, from string, rule finding.RuleID) bool {
	t.Helper()
	a, err := Advise(Question{Ref: strings.TrimSpace(strings.TrimPrefix(from, "FROM ")), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	for i := range a.Options {
		a.Options[i].Seen = &Seen{Found: []Vuln{}}
	}
	a.Judge()
	for _, g := range Groups() {
		if f, _, ok := a.Finding(g); ok && f.Rule == rule {
			return true
		}
	}
	return false
}

func BenchmarkLoad(b *testing.B) {
	b.Run("dates", func(b *testing.B) {
		for b.Loop() {
			mustLoad("dates", packedEOL, parseDates)
		}
	})
	b.Run("library", func(b *testing.B) {
		for b.Loop() {
			mustLoad("library", packedLibrary, parseLibrary)
		}
	})
	b.Run("official", func(b *testing.B) {
		for b.Loop() {
			mustLoad("official", packedOfficial, parseOfficial)
		}
	})
}
