package rewrite

import (
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

// reference is a reference to an image, with what its name and tag say of the image.
type reference struct{ finding.Reference }

func parseReference(s string) reference { return reference{finding.ParseReference(s)} }

// official is the name among the Docker Official Images; empty: it is none.
// Mirrors of these keep their names.
func (r reference) official() string {
	name := r.Name
	for _, prefix := range []string{"docker.io/", "index.docker.io/", "public.ecr.aws/docker/", "mirror.gcr.io/"} {
		name = strings.TrimPrefix(name, prefix)
	}
	name = strings.TrimPrefix(name, "library/")
	if strings.Contains(name, "/") {
		return ""
	}
	return name
}

// with is the reference with another tag, and no digest.
func (r reference) with(tag string) string {
	if tag == "" {
		return r.Name
	}
	return r.Name + ":" + tag
}

// sibling is another official image at the place that this one comes from.
func (r reference) sibling(name string) string {
	if i := strings.LastIndexByte(r.Name, '/'); i >= 0 && r.official() != "" {
		return r.Name[:i+1] + name
	}
	return name
}

// parts of a tag between its hyphens.
func (r reference) parts() []string { return strings.Split(r.Tag, "-") }

// alpine reports whether the tag says so: "21.6-alpine3.18".
func (r reference) alpine() bool {
	return r.official() == "alpine" || slices.ContainsFunc(r.parts(), func(p string) bool { return strings.HasPrefix(p, "alpine") })
}

func (r reference) windows() bool {
	return strings.Contains(r.Tag, "windowsservercore") || strings.Contains(r.Tag, "nanoserver") || strings.Contains(r.Name, "/windows/")
}

func (r reference) has(part string) bool { return slices.Contains(r.parts(), part) }

// codename is the Debian release that the tag names; empty: none.
func (r reference) codename() string {
	for _, p := range r.parts() {
		if slices.Contains(debianNames, p) {
			return p
		}
	}
	return ""
}

// version is the numbers that the tag begins with: 21, 6.
func (r reference) version() []int {
	var out []int
	for _, n := range strings.Split(r.parts()[0], ".") {
		v, err := strconv.Atoi(n)
		if err != nil {
			break
		}
		out = append(out, v)
	}
	return out
}

// major is the first number of the tag; 0: it begins with none.
func (r reference) major() int {
	if v := r.version(); len(v) > 0 {
		return v[0]
	}
	return 0
}

// debianNames are Debian's releases, the oldest first.
var debianNames = []string{"wheezy", "jessie", "stretch", "buster", "bullseye", "bookworm", "trixie", "forky", "sid"}

// knownWorkdir is the working directory of official images that is documented
// and has never changed.
func knownWorkdir(ref string) (string, bool) {
	r := parseReference(ref)
	switch name := r.official(); name {
	case "golang":
		return "/go", true
	case "php":
		return "/var/www/html", true
	case "composer":
		return "/app", true
	case "gradle":
		return "/home/gradle", true
	case "node", "python", "ruby", "rust", "maven", "eclipse-temurin", "openjdk", "amazoncorretto", "debian", "ubuntu", "alpine",
		"busybox", "nginx", "fedora", "centos", "rockylinux", "almalinux", "amazonlinux", "buildpack-deps", "scratch":
		return "/", true
	}
	return "/", strings.HasPrefix(r.Name, "mcr.microsoft.com/dotnet/")
}
