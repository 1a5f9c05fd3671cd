package vuln

import (
	"strings"

	"github.com/drydock-dev/drydock/internal/lazyregexp"
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
		if p.Namespace == "" && (p.Name == "std" || p.Name == "go") {
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
		return "SwiftURL", NormalName("SwiftURL", joinName(p.Namespace, p.Name, "/")), true
	case "cran":
		return "CRAN", p.Name, true
	case "bioconductor":
		return "Bioconductor", p.Name, true
	case "github", "githubactions":
		return actions, NormalName(actions, actionName(p)), true
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

// actions is the ecosystem of steps of workflows.
const actions = "GitHub Actions"

// wholeVersion reports whether a version has three numbers. A workflow may name an
// action by a tag that moves ("v4") or by a commit, which do not order.
func wholeVersion(v string) bool {
	v = trimV(v)
	v, _, _ = strings.Cut(v, "-")
	parts := strings.Split(v, ".")
	return len(parts) == 3 && digits(parts[0]) == len(parts[0]) && digits(parts[1]) == len(parts[1]) && digits(parts[2]) == len(parts[2])
}

// actionName is an action by its repository: "actions/cache" of
// "actions/cache/restore".
func actionName(p sbom.Package) string {
	owner, rest, _ := strings.Cut(joinName(p.Namespace, p.Name, "/"), "/")
	repository, _, _ := strings.Cut(rest, "/")
	return owner + "/" + repository
}

// NormalName is a package's name in the one spelling that its ecosystem holds
// equal to all others: lower case for NuGet, Packagist and GitHub Actions, and for Go,
// whose package URLs are written so and whose hosts do not tell case apart; PEP 503
// for PyPI, a repository's address without scheme and ending for SwiftURL, and the
// name itself elsewhere. A [Lookup] keys by it.
func NormalName(ecosystem, name string) string {
	switch ecosystem {
	case "NuGet", "Packagist", "Go", actions, drupal:
		return strings.ToLower(name)
	case "PyPI":
		return normalPyPI(name)
	case "SwiftURL":
		if _, rest, ok := strings.Cut(name, "://"); ok {
			name = rest
		}
		return strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(name, "/"), ".git"))
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

// isDistroEcosystem reports whether an ecosystem is a distribution's.
func isDistroEcosystem(ecosystem string) bool {
	fam := familyOf(ecosystem)
	return fam == famDeb || fam == famAPK || fam.isRPM()
}

func sourceName(p sbom.Package) string {
	if p.Source != "" {
		return p.Source
	}
	return p.Name
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
	if own := vendorsGo.FindStringSubmatch(v); own != nil {
		return own[1]
	}
	return v
}

// vendorsGo is a release with what who built it again adds: "1.22.5-1", "1.21.11b3".
var vendorsGo = lazyregexp.New(`^(1\.[0-9]+\.[0-9]+)(?:b[0-9]+|-(?:[1-9][0-9]*|[a-z]*fips[a-z]*|bazel|google|microsoft|msft)(?:[-.].*)?)$`)

// tagFollowers end the version of what was built of a release with something added:
// commits, as git describes them, changes, a vendor's patches. Semantic versions
// hold all of these for what comes before the release.
var tagFollowers = lazyregexp.New(`-(?:[0-9]+-g[0-9a-f]{6,40}|dirty|(?:eks|aks|gke|rancher|rke2|k3s|tanzu|vmware)[-.0-9][-.0-9A-Za-z]*)$`)

// afterTag is the release that a version is at least of: "v1.7.22" of
// "v1.7.22-5-gabcdef1-dirty".
func afterTag(v string) string {
	for range 3 {
		v = tagFollowers.ReplaceAllString(v, "")
	}
	return v
}
