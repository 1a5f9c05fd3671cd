package sbom

import (
	"net/url"
	"slices"
	"strings"

	packageurl "github.com/package-url/packageurl-go"
)

// PublicRegistry reports whether an address is of the registry that a type of package
// URL is about: a host from which it gives out packages. An address that names no host,
// and a type of which no host is known, contradict nothing.
func PublicRegistry(typ, address string) bool {
	hosts := registryHosts(typ)
	host := hostOf(address)
	return host == "" || hosts == nil || slices.Contains(hosts, host)
}

// registryHosts are those of the registries whose packages advisories are about.
// Packagist has no archives of its own and leads to the hosts of repositories.
func registryHosts(typ string) []string {
	switch typ {
	case packageurl.TypeNPM:
		return []string{"registry.npmjs.org", "registry.npmjs.com", "registry.yarnpkg.com"}
	case packageurl.TypePyPi:
		return []string{"pypi.org", "pypi.python.org", "files.pythonhosted.org"}
	case packageurl.TypeMaven:
		return []string{
			"repo.maven.apache.org", "repo1.maven.org", "central.sonatype.com", "search.maven.org",
			"maven.google.com", "dl.google.com", "repo.jenkins-ci.org",
		}
	case packageurl.TypeGem:
		return []string{"rubygems.org", "index.rubygems.org"}
	case packageurl.TypeNuget:
		return []string{"nuget.org", "www.nuget.org", "api.nuget.org", "globalcdn.nuget.org"}
	case packageurl.TypeCargo:
		return []string{"crates.io", "index.crates.io", "static.crates.io"}
	case packageurl.TypeComposer:
		return []string{
			"packagist.org", "repo.packagist.org",
			"api.github.com", "codeload.github.com", "github.com", "gitlab.com", "bitbucket.org",
		}
	case packageurl.TypeHex:
		return []string{"hex.pm", "repo.hex.pm"}
	case packageurl.TypePub:
		return []string{"pub.dev", "pub.dartlang.org"}
	case packageurl.TypeHackage:
		return []string{"hackage.haskell.org"}
	case packageurl.TypeCran:
		return []string{"cran.r-project.org", "cloud.r-project.org"}
	case packageurl.TypeGolang:
		return []string{"proxy.golang.org", "pkg.go.dev"}
	}
	return nil
}

// hostOf is the host of an address with or without a scheme, in lower case; "" where
// it has none.
func hostOf(address string) string {
	if !strings.Contains(address, "://") {
		address = "//" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
}

// downloaded is where a package was downloaded from by a purl's qualifier, without a
// password; "" where that is its registry, or no address of a host. A Go module
// comes from the host that its path names, too.
func (p *Package) downloaded(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || PublicRegistry(p.Type, address) {
		return ""
	}
	if host, _, _ := strings.Cut(p.Namespace+"/", "/"); p.Type == packageurl.TypeGolang && hostOf(address) == strings.ToLower(host) {
		return ""
	}
	u.User = nil
	return u.String()
}
