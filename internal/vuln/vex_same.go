package vuln

import (
	"cmp"
	"slices"
	"strings"

	packageurl "github.com/package-url/packageurl-go"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// samePackage reports whether a statement's purl names a package: a version that
// it leaves out is every version.
func samePackage(want, have *packageurl.PackageURL) bool {
	if want == nil || have == nil || want.Type != have.Type || plainName(want) != plainName(have) {
		return false
	}
	return want.Version == "" || want.Version == have.Version || plainVersion(want) == plainVersion(have) && sameEpoch(want, have)
}

// plainName is a name in the one spelling that its ecosystem has for all.
func plainName(p *packageurl.PackageURL) string {
	name := joinName(p.Namespace, p.Name, "/")
	switch {
	case p.Type == "pypi":
		return normalPyPI(name)
	case p.Type == "golang" && (name == "std" || name == "go"):
		return "stdlib"
	}
	return strings.ToLower(name)
}

// plainVersion is a version without what tools write or leave out: an epoch, Go's and
// Composer's "v", what a gem is built for.
func plainVersion(p *packageurl.PackageURL) string {
	_, v := rpmEpoch(p.Version)
	switch p.Type {
	case "golang":
		if plainName(p) == "stdlib" {
			v = goVersion(trimV(v))
		}
		return strings.TrimSuffix(trimV(v), "+incompatible")
	case "composer":
		return trimV(v)
	case "gem":
		return withoutPlatform(v)
	}
	return v
}

// agrees reports whether what a statement's purl states beside name and version is
// true of the package. What is not known of the package contradicts nothing.
func agrees(want *packageurl.PackageURL, have vexPackage, d *sbom.Distro) bool {
	q := want.Qualifiers.Map()
	if arch := q["arch"]; arch != "" {
		if slices.ContainsFunc(have.archs, func(a string) bool { return !sameArch(arch, a) }) {
			return false
		}
	}
	if distro := q["distro"]; distro != "" && d != nil && !sbom.SameDistro(distro, want.Namespace, d) {
		return false
	}
	if url := q["vcs_url"]; url != "" && url != have.purl.Qualifiers.Map()["vcs_url"] {
		return false
	}
	if q["classifier"] != "" || !sbom.PublicRegistry(want.Type, q["repository_url"]) {
		return false // of another file, or of another registry's package of the name
	}
	_, version, stated := strings.Cut(want.Version, "-")
	if platform := q["platform"]; want.Type == "gem" && (platform != "" || stated && version != "") {
		return sameBuild(cmp.Or(platform, version), have.purl.Version)
	}
	return true
}

// sameBuild reports whether a gem is the build for a platform: "ruby" is the one for all.
func sameBuild(platform, version string) bool {
	_, built, ok := strings.Cut(version, "-")
	if !ok {
		built = "ruby"
	}
	return platform == built
}

// sameArch compares architectures by any of their names. What is built for none
// is for each.
func sameArch(a, b string) bool {
	plain := func(s string) string {
		switch s = strings.ToLower(s); s {
		case "x86_64", "x86-64":
			return "amd64"
		case "aarch64", "arm64v8":
			return "arm64"
		case "i386", "i586", "i686":
			return "386"
		case "all", "noarch", "any":
			return ""
		}
		return s
	}
	return plain(a) == plain(b) || plain(b) == "" || plain(a) == ""
}

// sameEpoch compares epochs wherever a tool writes them: before the version or
// as a qualifier. One that is not said may be any.
func sameEpoch(a, b *packageurl.PackageURL) bool {
	ea, eb := epochOf(a), epochOf(b)
	return ea == "" || eb == "" || ea == eb
}

func epochOf(p *packageurl.PackageURL) string {
	if e, _ := rpmEpoch(p.Version); e != "" {
		return e
	}
	for _, q := range p.Qualifiers {
		if q.Key == "epoch" {
			return q.Value
		}
	}
	return ""
}
