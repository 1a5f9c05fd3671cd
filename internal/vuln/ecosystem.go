package vuln

import (
	"cmp"
	"strings"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// Ecosystem says under which OSV ecosystem, release included, and under which
// name a package's advisories are kept: "Debian:11" and the source package for
// a distribution's, "npm" and the like for a language's, "Bitnami" for a
// program that no package manager owns. ok is false where there is no such
// ecosystem: a distribution's package without a known distribution, or a type
// that nobody publishes advisories for.
func Ecosystem(p sbom.Package, d *sbom.Distro) (ecosystem, name string, ok bool) {
	if isDistro(p.Type) {
		if d == nil {
			return "", "", false
		}
		eco := distroEcosystem(d)
		return eco, sourceName(p), eco != "" && distroType(d) == p.Type
	}
	switch p.Type {
	case "npm":
		return "npm", joinName(p.Namespace, p.Name, "/"), true
	case "pypi":
		return "PyPI", NormalName("PyPI", p.Name), true
	case "maven":
		return "Maven", joinName(p.Namespace, p.Name, ":"), true
	case "golang":
		if p.Namespace == "" && p.Name == "std" {
			return "Go", "stdlib", true
		}
		return "Go", joinName(p.Namespace, p.Name, "/"), true
	case "cargo":
		return "crates.io", p.Name, true
	case "composer":
		return "Packagist", NormalName("Packagist", joinName(p.Namespace, p.Name, "/")), true
	case "gem":
		return "RubyGems", p.Name, true
	case "nuget":
		return "NuGet", NormalName("NuGet", p.Name), true
	case "hex":
		return "Hex", p.Name, true
	case "pub":
		return "Pub", p.Name, true
	case "conan":
		return "ConanCenter", p.Name, true
	case "julia":
		return "Julia", p.Name, true
	case "hackage":
		return "Hackage", p.Name, true
	case "swift":
		return "SwiftURL", joinName(p.Namespace, p.Name, "/"), true
	case "bitnami":
		return "Bitnami", p.Name, true
	case "generic":
		return "Bitnami", programName(p.Name), true
	}
	return "", "", false
}

// drupal is the ecosystem of what Drupal's own repository of Composer packages
// has; the packages' type is Packagist's.
const drupal = "Drupal"

// NormalName is a package's name in the one spelling that its ecosystem holds
// equal to all others: lower case for NuGet and Packagist, PEP 503 for PyPI,
// and the name itself elsewhere. A [Lookup] keys by it.
func NormalName(ecosystem, name string) string {
	switch ecosystem {
	case "NuGet", "Packagist", drupal:
		return strings.ToLower(name)
	case "PyPI":
		return normalPyPI(name)
	}
	return name
}

// normalPyPI lowers the name and makes each run of "-", "_" and "." one "-".
func normalPyPI(name string) string {
	clean := true
	for i := 0; i < len(name) && clean; i++ {
		c := name[i]
		clean = c != '_' && c != '.' && (c < 'A' || c > 'Z') && (c != '-' || i == 0 || name[i-1] != '-')
	}
	if clean {
		return name
	}
	var b strings.Builder
	run := false
	for i := range len(name) {
		c := name[i]
		if c == '-' || c == '_' || c == '.' {
			run = true
			continue
		}
		if run {
			b.WriteByte('-')
			run = false
		}
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		b.WriteByte(c)
	}
	return b.String()
}

func joinName(namespace, name, sep string) string {
	if namespace == "" {
		return name
	}
	return namespace + sep + name
}

func isDistro(purlType string) bool {
	return purlType == "deb" || purlType == "apk" || purlType == "rpm"
}

// isDistroEcosystem says whether an ecosystem is a distribution's.
func isDistroEcosystem(ecosystem string) bool {
	switch familyOf(ecosystem) {
	case famDeb, famRPM, famAPK:
		return true
	}
	return false
}

func sourceName(p sbom.Package) string {
	if p.Source != "" {
		return p.Source
	}
	return p.Name
}

// distroType is the package format of the distributions that have an ecosystem.
func distroType(d *sbom.Distro) string {
	switch d.ID {
	case "debian", "ubuntu":
		return "deb"
	case "alpine", "wolfi", "chainguard":
		return "apk"
	}
	return "rpm"
}

// distroEcosystem is the ecosystem as OSV's records spell it; empty for a
// distribution that OSV does not have.
func distroEcosystem(d *sbom.Distro) string {
	major, _, _ := strings.Cut(d.VersionID, ".")
	switch d.ID {
	case "debian":
		if major == "" {
			return "Debian:" + debianRelease(d)
		}
		return "Debian:" + debianNumber(d.VersionID)
	case "ubuntu":
		return "Ubuntu:" + ubuntuRelease(cmp.Or(d.VersionID, ubuntuNumber(d.Codename)))
	case "alpine":
		return "Alpine:" + alpineRelease(d.VersionID)
	case "wolfi":
		return "Wolfi"
	case "chainguard":
		return "Chainguard"
	case "almalinux":
		return "AlmaLinux:" + major
	case "rocky":
		return "Rocky Linux:" + major
	case "rhel", "redhat":
		return "Red Hat:" + major
	case "opensuse-leap":
		return "openSUSE:Leap " + d.VersionID
	case "opensuse-tumbleweed":
		return "openSUSE:Tumbleweed"
	case "sles":
		return "SUSE:Linux Enterprise Server " + d.VersionID
	case "openeuler":
		return "openEuler:" + d.VersionID
	}
	return ""
}

// debianNumber is a release as the tracker numbers it: those before wheezy have
// two numbers.
func debianNumber(version string) string {
	major, rest, _ := strings.Cut(version, ".")
	switch major {
	case "3":
		minor, _, _ := strings.Cut(rest, ".")
		return "3." + cmp.Or(minor, "1")
	case "4", "5", "6":
		return major + ".0"
	}
	return major
}

// debianRelease is the number of a Debian that does not say it, as testing and
// sid do not.
func debianRelease(d *sbom.Distro) string {
	switch d.Codename {
	case "squeeze":
		return "6.0"
	case "wheezy":
		return "7"
	case "jessie":
		return "8"
	case "stretch":
		return "9"
	case "buster":
		return "10"
	case "bullseye":
		return "11"
	case "bookworm":
		return "12"
	case "trixie":
		return "13"
	case "forky":
		return "14"
	case "duke":
		return "15"
	}
	return "sid"
}

// ubuntuNumber is the number of a release that only its name is said of.
func ubuntuNumber(codename string) string {
	return map[string]string{
		"trusty": "14.04", "xenial": "16.04", "bionic": "18.04", "focal": "20.04", "groovy": "20.10", "hirsute": "21.04", "impish": "21.10",
		"jammy": "22.04", "kinetic": "22.10", "lunar": "23.04", "mantic": "23.10", "noble": "24.04", "oracular": "24.10",
		"plucky": "25.04", "questing": "25.10",
	}[codename]
}

// ubuntuRelease adds the mark that OSV puts on long-term releases: April of
// even years.
func ubuntuRelease(version string) string {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return version
	}
	version = parts[0] + "." + parts[1]
	if y := parts[0]; parts[1] == "04" && y != "" && (y[len(y)-1]-'0')%2 == 0 {
		return version + ":LTS"
	}
	return version
}

// alpineRelease is "v3.18" of "3.18.9", and "edge" of a snapshot
// ("3.22_alpha20250108") or of none.
func alpineRelease(version string) string {
	if version == "" || strings.Contains(version, "_alpha") || version == "edge" {
		return "edge"
	}
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return "v" + version
	}
	return "v" + parts[0] + "." + parts[1]
}

// programName is Bitnami's name for a program's.
func programName(name string) string {
	name = strings.ToLower(name)
	switch name {
	case "node.js", "nodejs":
		return "node"
	case "httpd", "apache2", "apache-httpd":
		return "apache"
	case "postgres":
		return "postgresql"
	case "go":
		return "golang"
	case "cpython", "python3":
		return "python"
	case "mysqld":
		return "mysql"
	case "mariadbd":
		return "mariadb"
	case "mongod", "mongo":
		return "mongodb"
	case "redis-server":
		return "redis"
	case "sqlite3":
		return "sqlite"
	}
	return name
}

// nginxRevision recognises nginx.org's "1~bullseye".
func nginxRevision(r string) bool {
	n := digits(r)
	return n > 0 && n+1 < len(r) && r[n] == '~' && letters(r[n+1:]) == len(r)-n-1
}

// goVersion turns a toolchain's version ("go1.21rc2", "go1.22.5
// X:boringcrypto") into the semantic version that Go's advisories use.
func goVersion(v string) string {
	v = strings.TrimPrefix(v, "go")
	v, _, _ = strings.Cut(v, " ")
	for _, pre := range []string{"rc", "beta"} {
		if num, n, ok := strings.Cut(v, pre); ok && digits(n) == len(n) && n != "" && !strings.Contains(num, "-") {
			if strings.Count(num, ".") == 1 {
				num += ".0"
			}
			return num + "-" + pre + "." + n
		}
	}
	return v
}
