package base

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// Build is a tag taken apart: which version of the software it names, and
// which build of it.
type Build struct {
	Version string      // as the tag has it: "1.20", "21.6.1", "bookworm"; empty: the tag follows a channel
	Follows string      // the channel that such a tag follows: "latest", "stable", "lts"; empty with a version
	Distro  sbom.Distro // ID empty: the tag names none; VersionID empty: it names no release of it
	Slim    bool
	Words   []string // what else makes it another image: "fpm", "jre", "management"; sorted
	Stamp   string   // of a build that is never built anew: "20260811"; empty: none
	Pre     bool     // a release candidate or the like
}

// tags takes tags apart, remembering words: the tags of a repository are a few
// hundred, and their words a few dozen.
type tags struct {
	repo   string
	distro map[string]sbom.Distro
}

func newTags(repo string) *tags { return &tags{repo: repo, distro: map[string]sbom.Distro{}} }

// ParseTag takes a tag of a repository apart; repo is its name among the
// Docker Official Images, or any other repository's.
func ParseTag(repo, tag string) Build { return newTags(repo).parse(tag) }

func (t *tags) parse(tag string) Build {
	var b Build
	for i, w := range strings.Split(tag, "-") {
		switch {
		case w == "":
		case i == 0 && (numbered(w) || distributions[t.repo] != "" && w != "latest"):
			b.Version = strings.TrimPrefix(strings.TrimPrefix(w, t.repo), "v") // centos7
			b.Pre = preRelease(b.Version)
		case i == 0 && slices.Contains([]string{"latest", "stable", "mainline", "lts", "current"}, w):
			b.Follows = w
		case b.Distro.ID != "" && b.Distro.VersionID == "" && numbered(w) && distributions[t.repo] == "":
			b.Distro.VersionID = w // alpine-3.24
		case w == "slim":
			b.Slim = true
		case w == "alpine" || w == "debian" || w == "ubuntu":
			b.Distro = sbom.Distro{ID: w}
		case len(w) == 8 && strings.HasPrefix(w, "20") && only(w, func(c rune) bool { return c >= '0' && c <= '9' }):
			b.Stamp = w
		case preWord(w):
			b.Pre = true
		default:
			d, known := t.distro[w]
			if !known {
				d, _ = distroWord(w)
				t.distro[w] = d
			}
			if d.ID != "" {
				b.Distro = d
			} else {
				b.Words = append(b.Words, w)
			}
		}
	}
	if b.Version == "" && b.Follows == "" {
		b.Follows = "latest"
	}
	if id := distributions[t.repo]; id != "" {
		b.Distro = sbom.Distro{ID: id, VersionID: b.Version}
	}
	slices.Sort(b.Words)
	return b
}

// numbered reports whether a word is a version: 3, 1.20.2, v2, 17.0.2_8, 9.0.0rc1.
func numbered(w string) bool {
	w = strings.TrimPrefix(w, "v")
	return w != "" && w[0] >= '0' && w[0] <= '9'
}

func preWord(w string) bool {
	for _, p := range []string{"rc", "alpha", "beta", "preview", "ea", "nightly", "unstable", "testing", "rolling", "edge", "next", "dev", "snapshot"} {
		if rest, ok := strings.CutPrefix(w, p); ok && strings.Trim(rest, "0123456789.") == "" {
			return true
		}
	}
	return false
}

// preRelease reports whether a version has letters that announce another: 3.15.0rc1.
func preRelease(version string) bool {
	version = strings.ToLower(version)
	i := strings.IndexFunc(version, func(c rune) bool { return c >= 'a' && c <= 'z' })
	return i > 0 && preWord(version[i:])
}

// variant is how large a build of the same software is by convention.
type variant int

// The variants, the largest first.
const (
	fullVariant variant = iota
	slimVariant
	alpineVariant
	alpineSlimVariant
)

// family is the family of a variant's builds, as that of [Build].
func (v variant) family() string {
	if v >= alpineVariant {
		return "alpine"
	}
	return ""
}

// String is what a variant is called in messages.
func (v variant) String() string {
	switch v {
	case slimVariant:
		return "the slim build on glibc"
	case alpineVariant:
		return "the build on Alpine, with musl"
	case alpineSlimVariant:
		return "the slim build on Alpine"
	}
	return "the full image, the only one of this build"
}

// variant is the one that a build is.
func (b Build) variant() variant {
	switch alpine := b.Distro.ID == "alpine"; {
	case alpine && b.Slim:
		return alpineSlimVariant
	case alpine:
		return alpineVariant
	case b.Slim:
		return slimVariant
	}
	return fullVariant
}

// family is the C library and package manager that a build has, as far as its
// tag says: "alpine", or "" for what it stands on otherwise.
func (b Build) family() string {
	if b.Distro.ID == "alpine" {
		return "alpine"
	}
	return ""
}

// Channel is the promise that a release of a product is under at now, and empty
// for a product that has but one: "stable" or "mainline", "LTS" or "current". One
// that was for the long term and is over is under none, and one that will be is
// not yet.
func Channel(product string, s Support, now time.Time) string {
	channel := line(product, s)
	switch {
	case channel != longTermLine:
		return channel
	case s.Ended(now):
		return ""
	case s.LTSSince.After(now):
		s.LTS = false
	}
	return line(product, s)
}

const longTermLine = "LTS"

// line is the promise that a release of a product is made under, whatever the
// time.
func line(product string, s Support) string {
	switch product {
	case "nginx":
		_, minor, ok := strings.Cut(s.Cycle, ".")
		n, err := strconv.Atoi(minor)
		switch {
		case !ok || err != nil:
			return ""
		case n%2 == 0:
			return "stable"
		}
		return "mainline"
	case "perl":
		if _, minor, ok := strings.Cut(s.Cycle, "."); ok && minor != "" && (minor[len(minor)-1]-'0')%2 == 1 {
			return "development"
		}
		return "stable"
	case "nodejs":
		if s.LTS {
			return longTermLine
		}
		return "current"
	}
	if !longTerm(product) {
		return ""
	}
	if s.LTS {
		return longTermLine
	}
	return "short-term"
}

// longTerm reports whether a product has releases for the long term beside others.
func longTerm(product string) bool {
	t := dates()
	p, ok := t.products[product]
	if !ok {
		return false
	}
	lts := 0
	for i := p.first; i < p.end; i++ {
		if t.cells[colLTS][i] != "" {
			lts++
		}
	}
	return lts > 0 && lts < p.end-p.first
}

// calm reports whether a channel is the one that changes least.
func calm(channel string) bool {
	return channel == "" || channel == "stable" || channel == longTermLine
}

// current reports whether a release is out at now, gets fixes, and, where it is one
// for the long term, has become that.
func (s Support) current(now time.Time) bool {
	early := s.LTS && s.LTSSince.After(now)
	return !s.Released.After(now) && !s.Ended(now) && !early && (s.Regular.IsZero() || now.Before(s.Regular))
}

// compareVersions orders versions of one software: numbers by value, what is
// longer after what it begins with.
func compareVersions(a, b string) int {
	for a != "" || b != "" {
		var x, y string
		x, a = versionPart(a)
		y, b = versionPart(b)
		n, errN := strconv.ParseUint(x, 10, 64)
		m, errM := strconv.ParseUint(y, 10, 64)
		c := cmp.Compare(x, y)
		if errN == nil && errM == nil {
			c = cmp.Compare(n, m)
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

func versionPart(s string) (part, rest string) {
	i := strings.IndexAny(s, "._+-")
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i+1:]
}
