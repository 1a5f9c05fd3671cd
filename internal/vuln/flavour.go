package vuln

import (
	"strings"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// flavours are the ends of versions by which one release of a Maven library is
// told apart for different platforms: they do not order.
func flavours() [][]string {
	return [][]string{
		{"-jre", "-android"},                             // guava
		{".jre8", ".jre11", ".jre17", ".jre21", ".jre7"}, // mssql-jdbc
	}
}

// flavour parts a version from its flavour, and says which those beside it are.
func flavour(version string) (bare, end string, family []string) {
	if !strings.Contains(version, "jre") && !strings.Contains(version, "android") {
		return version, "", nil
	}
	for _, f := range flavours() {
		for _, end := range f {
			if bare, ok := strings.CutSuffix(version, end); ok && bare != "" {
				return bare, end, f
			}
		}
	}
	return version, "", nil
}

// sameFlavour makes versions of two flavours of one library comparable.
func sameFlavour(a, b string) (string, string) {
	bareA, endA, family := flavour(a)
	if endA == "" {
		return a, b
	}
	bareB, endB, other := flavour(b)
	if endB == "" || family[0] != other[0] {
		return a, b
	}
	return bareA, bareB
}

// inFlavour is a fix in the flavour of what is installed: guava 24.1.1-jre is
// fixed in 32.0.0-jre, where the advisory says 32.0.0-android.
func inFlavour(fix, installed string) string {
	_, own, family := flavour(installed)
	bare, end, other := flavour(fix)
	if own == "" || end == "" || own == end || family[0] != other[0] {
		return fix
	}
	return bare + own
}

// withoutPlatform is a gem's version without what it is built for: "1.13.8" of
// "1.13.8-x86_64-linux". A gem's version has no dash; one before a number is of
// somebody else's making.
func withoutPlatform(version string) string {
	bare, platform, ok := strings.Cut(version, "-")
	if ok && bare != "" && platform != "" && isLetter(platform[0]) {
		return bare
	}
	return version
}

// untagged reports whether a Go version is a commit that has no release before it
// ("v0.0.0-20210101000000-0123456789ab"), where a range is of releases that do
// not follow from it: of a major version that the module's path does not name.
// Such releases are made on branches, and nothing says on which side the commit is.
func untagged(a *Advisory, r *Range, version string) bool {
	if a.Ecosystem != "Go" || !strings.HasPrefix(trimV(version), "0.") || !commitOnly(version) {
		return false
	}
	for _, e := range r.Events {
		point, _ := e.point()
		point = trimV(point)
		major := point[:digits(point)]
		if len(major) > 1 || len(major) == 1 && major[0] > '1' {
			return true
		}
	}
	return false
}

// commitOnly reports whether a Go version is a commit with no release before it:
// "v2.0.0-20210101000000-0123456789ab".
func commitOnly(version string) bool {
	major, rest, ok := strings.Cut(trimV(version), ".0.0-")
	return ok && major != "" && digits(major) == len(major) && len(rest) >= 15 && digits(rest) == 14
}

// stamped reports whether the version of a program's own module is a commit in a
// checkout without tags, as most that images are built in are: Go then finds no
// release before it, though there may be many. What an advisory says of releases
// does not tell anything of it; what it says of commits does.
func stamped(p *sbom.Package, a *Advisory, version string) bool {
	if !p.Root || p.Type != "golang" || !commitOnly(version) {
		return false
	}
	for i := range a.Ranges {
		for _, e := range a.Ranges[i].Events {
			if point, _ := e.point(); point != "0" && !commitOnly(point) {
				return true
			}
		}
	}
	return false
}
