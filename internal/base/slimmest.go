package base

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// Slimmest returns the smallest runtime for what a reference stands for, that
// the list of official images has and that is supported at now, with a sentence
// that says why it. The reference is an image, as a build stage names it
// ("node:21.6-alpine3.18", "golang:1.22", "maven:3.9-eclipse-temurin-17"), or
// software by its name with or without a version: "node", "nginx", "jre 17",
// "python 3.12", "distroless static". The release is kept where it is supported,
// else it is the newest of its channel; the C library is kept too, so that what
// was built runs. False: none is known.
func Slimmest(ref string, now time.Time) (image, why string, ok bool) {
	name, version, spaced := strings.Cut(strings.TrimSpace(ref), " ")
	if t, known := runtimes[strings.ToLower(ref)]; known {
		return t.ref, t.why, true
	}
	if spaced {
		ref = cmp.Or(images[strings.ToLower(name)], name) + ":" + version
	} else if images[name] != "" {
		ref = images[name] + ":latest"
	}
	r, err := ParseRef(ref)
	if err != nil {
		return "", "", false
	}
	repo := r.official()
	if t, known := runtimes[repo]; known {
		return t.ref, t.why, true
	}
	if rest, sdk := strings.CutPrefix(r.Repository, "dotnet/sdk"); sdk && rest == "" && r.Registry == "mcr.microsoft.com" {
		return aspnet(r, now)
	}
	want := ParseTag(repo, r.Tag)
	java := javaOf(repo, want, strings.EqualFold(name, "jre"))
	if java != "" {
		repo, want = "eclipse-temurin", ParseTag("eclipse-temurin", java+"-jre"+map[bool]string{true: "-alpine"}[want.Distro.ID == "alpine"])
	}
	if repo == "" {
		return "", "", false
	}
	return slimmest(repo, want, java == "" && !spaced && (r.Tag == "latest" || strings.HasPrefix(ref, repo+":latest")), now)
}

// slimmest chooses among the tags of a repository.
func slimmest(repo string, want Build, free bool, now time.Time) (image, why string, ok bool) {
	a, err := Advise(Question{Ref: repo + ":latest", Now: now})
	if err != nil {
		return "", "", false
	}
	p := &advising{Advice: a, q: Question{Ref: repo + ":latest", Now: now}, repo: repo, tags: newTags(repo), of: a.product}
	p.gather()
	p.Build = want
	p.Release = releaseFor(a.product, want)
	p.line = line(a.product, p.Release)
	release := p.Release
	switch {
	case release.Cycle == "":
		release = p.newestCalm()
	case !release.current(now):
		if release = p.newestCalm(); release.Cycle == "" || compareVersions(release.Cycle, p.Release.Cycle) < 0 {
			return "", "", false
		}
	}
	if release.Cycle == "" {
		return "", "", false
	}
	musl := want.Distro.ID == "alpine"
	for _, v := range variantsFor(musl, free && (repo == "nginx" || repo == "httpd" || repo == "caddy")) {
		c := p.best(release, v, v.family(), false)
		if c == nil {
			continue
		}
		p.Ref = fmt.Sprintf("%s:%s", repo, release.Cycle)
		image = repo + ":" + p.spell(c)
		why = fmt.Sprintf("%s is supported", release.Name())
		if !release.EOL.IsZero() {
			why += " until " + release.EOL.Format(time.DateOnly)
		}
		return image, why + "; " + v.String() + ", as listed " + LibraryDate(), true
	}
	return "", "", false
}

// aspnet is the runtime beside a .NET SDK of the same release.
func aspnet(r Ref, now time.Time) (image, why string, ok bool) {
	b := ParseTag("dotnet/sdk", r.Tag)
	s := releaseFor("dotnet", b)
	if s.Cycle == "" || s.Ended(now) {
		return "", "", false
	}
	return r.Registry + "/dotnet/aspnet:" + r.Tag, s.Name() + " is supported until " + s.EOL.Format(time.DateOnly) + "; the same tag of the runtime, which Microsoft publishes beside the SDK", true
}

// variantsFor lists the variants to look for, the smallest first: with the
// same C library as what was built, or any where nothing is built for one.
func variantsFor(musl, any bool) []variant {
	switch {
	case musl || any:
		return []variant{alpineSlimVariant, alpineVariant}
	default:
		return []variant{slimVariant, fullVariant}
	}
}

// newestCalm is the newest current release of the repository in a channel that
// changes least.
func (p *advising) newestCalm() Support {
	var best Support
	for i := range p.all {
		s := p.all[i].release
		if s.Cycle == "" || p.all[i].build.Pre || !s.current(p.Now) || !calm(line(p.product, s)) {
			continue
		}
		if best.Cycle == "" || compareVersions(s.Cycle, best.Cycle) > 0 {
			best = s
		}
	}
	return best
}

// javaOf is the Java release of an image that builds Java programs; empty: it
// is none.
func javaOf(repo string, b Build, asked bool) string {
	switch repo {
	case "eclipse-temurin", "openjdk", "amazoncorretto", "sapmachine", "ibmjava":
		if v := strings.SplitN(b.Version, ".", 2)[0]; v != "" {
			return v
		}
		if asked || b.Version == "" {
			return "25"
		}
	case "maven", "gradle":
		for _, w := range b.Words {
			for _, prefix := range []string{"jdk", ""} {
				if v := strings.TrimPrefix(w, prefix); v != "" && strings.Trim(v, "0123456789") == "" {
					return v
				}
			}
		}
	}
	return ""
}

// images are the repositories of software by other names.
var images = map[string]string{
	"node": "node", "nodejs": "node", "python": "python", "nginx": "nginx", "jre": "eclipse-temurin", "java": "eclipse-temurin",
	"php": "php", "ruby": "ruby", "httpd": "httpd", "debian": "debian", "alpine": "alpine",
}

type runtime struct{ ref, why string }

// runtimes are what programs run on that bring all they need.
var runtimes = map[string]runtime{
	"distroless static": {"gcr.io/distroless/static-debian12:nonroot", "a statically linked program needs certificates, time zones and an account, and nothing else; published by Google"},
	"distroless base":   {"gcr.io/distroless/base-debian12:nonroot", "a program that is linked with glibc and OpenSSL needs these, and nothing else; published by Google"},
	"distroless cc":     {"gcr.io/distroless/cc-debian12:nonroot", "a program that is linked with glibc and libgcc needs these, and nothing else; published by Google"},
	"golang":            {"gcr.io/distroless/static-debian12:nonroot", "a Go program built with CGO_ENABLED=0 needs certificates, time zones and an account, and nothing else; published by Google"},
	"rust":              {"gcr.io/distroless/cc-debian12:nonroot", "a Rust program is linked with glibc and libgcc and needs these, and nothing else; published by Google"},
}
