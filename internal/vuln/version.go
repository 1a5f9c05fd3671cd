package vuln

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/osv-scalibr/semantic"
)

// maxVersion bounds the length of a version that is compared: the longest
// real one is under a hundred bytes, and comparison of huge numbers is not
// linear.
const maxVersion = 256

var (
	errVersion  = errors.New("version cannot be compared")
	errUntagged = errors.New("a commit without a release before it")
)

// family is how versions of an ecosystem compare. An RPM one may have marks.
type family uint16

const (
	famOther family = iota // by the semantic library alone
	famDeb
	famRPM
	famAPK
	famSemver    // three numbers, then a pre-release
	famPadded    // dotted numbers, missing ones zero: PyPI, Maven, RubyGems, NuGet
	famPackagist // the same, and names of branches
	famJulia     // as famSemver, and builds count

	// Marks of famRPM.
	tagless  family = 1 << 8  // advisories leave the tag of the distribution away: "1.3.1-1" is "1.3.1-1.azl3"
	rebuilds family = 1 << 9  // what is installed was built again by others: "2.4.6-97.el7.centos.5" is "2.4.6-97.el7_9.5"
	epochs   family = 1 << 10 // the installed version's epoch is not known
)

// isRPM reports whether versions are RPM's, whatever the marks.
func (f family) isRPM() bool { return f&(tagless-1) == famRPM }

// familyOf tells the family from an ecosystem, release or not.
func familyOf(ecosystem string) family {
	base, _, _ := strings.Cut(ecosystem, ":")
	switch base {
	case "Debian", "Ubuntu", "Echo":
		return famDeb
	case "AlmaLinux", "Rocky Linux", "Red Hat", "openSUSE", "SUSE", "openEuler", "Mageia", "Amazon Linux", "Oracle Linux", "Fedora", "Photon OS":
		return famRPM
	case "Azure Linux":
		return famRPM | tagless
	case "Alpine", "Wolfi", "Chainguard", "MinimOS", "Alpaquita", "BellSoft Hardened Containers":
		return famAPK
	case "npm", "Go", "crates.io", "Bitnami", "Hex", "Pub", "SwiftURL", "ConanCenter", "GitHub Actions":
		return famSemver
	case "PyPI", "Maven", "RubyGems", "NuGet":
		return famPadded
	case "Packagist", drupal:
		return famPackagist
	case "Julia":
		return famJulia
	}
	return famOther
}

// Compare orders two versions of an ecosystem (-1, 0, +1) by the ecosystem's
// own rules, and says by an error that it cannot. "0" is before everything, as
// in OSV's events.
func Compare(ecosystem, a, b string) (int, error) {
	return compareIn(familyOf(ecosystem), ecosystem, a, b)
}

func compareIn(fam family, ecosystem, a, b string) (int, error) {
	switch {
	case a == b:
		return 0, nil
	case a == "0":
		return -1, nil
	case b == "0":
		return 1, nil
	case len(a) > maxVersion || len(b) > maxVersion || a == "" || b == "":
		return 0, errVersion
	}
	if fam.isRPM() {
		return fam.compareRPM(a, b), nil
	}
	switch fam {
	case famDeb:
		return compareDeb(a, b)
	case famAPK:
		if c, ok := compareAPK(a, b); ok {
			return c, nil
		}
	case famSemver:
		if c, ok := comparePlain(trimV(a), trimV(b), 3); ok {
			return c, nil
		}
	case famPadded:
		if ecosystem == "Maven" {
			a, b = sameFlavour(a, b)
		}
		if c, ok := comparePlain(a, b, 4); ok {
			return c, nil
		}
	case famJulia:
		return compareJulia(a, b)
	case famPackagist:
		a, b = trimV(a), trimV(b)
		if c, ok := comparePlain(a, b, 4); ok {
			return c, nil
		}
	}
	return compareSemantic(ecosystem, a, b)
}

// compareJulia orders versions as Julia's VersionNumber does: semantic versions
// whose build counts, since it tells two builds of one library apart. Without a
// build is before every build.
func compareJulia(a, b string) (int, error) {
	a, buildA, _ := strings.Cut(trimV(a), "+")
	b, buildB, _ := strings.Cut(trimV(b), "+")
	c, ok := comparePlain(a, b, 3)
	if !ok {
		var err error
		if c, err = compareSemantic("Julia", a, b); err != nil {
			return 0, err
		}
	}
	if c != 0 || buildA == buildB {
		return c, nil
	}
	if buildA == "" || buildB == "" {
		return cmp.Compare(len(buildA), len(buildB)), nil
	}
	partsA, partsB := strings.Split(buildA, "."), strings.Split(buildB, ".")
	return slices.CompareFunc(partsA, partsB, func(x, y string) int {
		nx, ny := x != "" && digits(x) == len(x), y != "" && digits(y) == len(y)
		switch {
		case nx && ny:
			x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
			return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y))
		case nx:
			return -1 // numbers are before words
		case ny:
			return 1
		}
		return strings.Compare(x, y)
	}), nil
}

// compareSemantic is the library's answer, for whatever has no short way.
func compareSemantic(ecosystem, a, b string) (int, error) {
	if ecosystem == drupal {
		ecosystem = "Packagist"
	}
	va, err := semantic.Parse(a, ecosystem)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errVersion, err)
	}
	c, err := va.CompareStr(b)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errVersion, err)
	}
	return c, nil
}

// comparableVersion reports whether a version as installed is one at all. The library
// reads "(devel)", "dev-main" and "workspace:*" as some version, which would
// make them look clean or vulnerable at random.
func comparableVersion(fam family, v string) bool {
	if v == "" || len(v) > maxVersion || strings.ContainsAny(v, " \t\n$*{}()[]/\\,;'\"`#<>|&=") {
		return false
	}
	if fam.isRPM() {
		fam = famRPM
	}
	switch fam {
	case famDeb, famRPM:
		epoch, rest, ok := strings.Cut(v, ":")
		if !ok {
			epoch, rest = "0", v
		}
		// What has no number, such as "unknown", would be newer than every fix.
		return epoch != "" && len(epoch) < 10 && digits(epoch) == len(epoch) && strings.ContainsAny(rest, "0123456789")
	case famPadded:
		// Maven names releases "r09" and "Finchley.SR1"; what has no number, such as
		// "unspecified" or "LATEST", says nothing of which.
		return strings.ContainsAny(v, "0123456789") && !strings.Contains(v, ":")
	default:
		v = trimV(v)
		return v != "" && isDigit(v[0])
	}
}

func trimV(v string) string {
	if len(v) > 1 && (v[0] == 'v' || v[0] == 'V') && isDigit(v[1]) {
		return v[1:]
	}
	return v
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// digits is the length of the run of digits that s starts with.
func digits(s string) int {
	i := 0
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return i
}

// compareNumbers orders two runs of digits by value, of any length.
func compareNumbers(a, b string) int {
	for len(a) > 0 && a[0] == '0' {
		a = a[1:]
	}
	for len(b) > 0 && b[0] == '0' {
		b = b[1:]
	}
	if len(a) != len(b) {
		return sign(len(a) - len(b))
	}
	return strings.Compare(a, b)
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

// comparePlain orders dotted numbers of at most n parts, missing ones zero;
// ok is false for anything else.
func comparePlain(a, b string, n int) (c int, ok bool) {
	for i := 0; a != "" || b != ""; i++ {
		if i == n {
			return 0, false
		}
		var pa, pb string
		if pa, a, ok = plainPart(a); !ok {
			return 0, false
		}
		if pb, b, ok = plainPart(b); !ok {
			return 0, false
		}
		if c == 0 {
			c = compareNumbers(pa, pb)
		}
	}
	return c, true
}

// plainPart takes one number and the dot after it off s.
func plainPart(s string) (part, rest string, ok bool) {
	n := digits(s)
	switch {
	case s == "":
		return "", "", true
	case n == 0:
		return "", "", false
	case n == len(s):
		return s, "", true
	case s[n] == '.' && n+1 < len(s):
		return s[:n], s[n+1:], true
	}
	return "", "", false
}
