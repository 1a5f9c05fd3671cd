package feed

import (
	"slices"
	"strings"
)

// Ecosystems lists the ecosystems that the embedded snapshot has; see [Others].
func Ecosystems() []string {
	return []string{"AlmaLinux", "Alpine", "Bitnami", "Debian", "Drupal", "Go", "Hackage", "Julia", "Maven", "NuGet", "Packagist", "PyPI", "RubyGems", "Rocky Linux", "Ubuntu", "Wolfi", "crates.io", "npm"}
}

// Others lists further ecosystems whose advisories are fetched when they are asked
// for, or met in a scan. Any other of OSV's can be named too.
func Others() []string {
	return []string{
		"Amazon Linux", "Azure Linux", "Chainguard", "Echo", "Fedora", "Mageia", "MinimOS", "Alpaquita", "BellSoft Hardened Containers",
		"Oracle Linux", "Photon OS", "Red Hat", "SUSE", "openEuler", "openSUSE",
		"Bioconductor", "ConanCenter", "CRAN", "GitHub Actions", "Hex", "Pub", "SwiftURL",
	}
}

// byOtherName are ecosystems by what people and os-release files call them.
func byOtherName() map[string]string {
	return map[string]string{
		"rhel": "Red Hat", "redhat": "Red Hat", "ubi": "Red Hat", "centos": "Red Hat",
		"sles": "SUSE", "sle": "SUSE", "opensuse-leap": "openSUSE", "opensuse-tumbleweed": "openSUSE",
		"amazon": "Amazon Linux", "amzn": "Amazon Linux", "amazonlinux": "Amazon Linux",
		"oracle": "Oracle Linux", "ol": "Oracle Linux", "oraclelinux": "Oracle Linux",
		"azurelinux": "Azure Linux", "mariner": "Azure Linux", "cbl-mariner": "Azure Linux",
		"photon": "Photon OS", "rocky": "Rocky Linux", "rockylinux": "Rocky Linux", "alma": "AlmaLinux",
	}
}

// sourcesOf are the sources that speak of an ecosystem, which may come with a
// release and in any case.
func sourcesOf(ecosystem string) []string {
	base, _, _ := strings.Cut(ecosystem, ":")
	if name, ok := byOtherName()[strings.ToLower(base)]; ok {
		base = name
	}
	for _, list := range [][]string{Ecosystems(), Others()} {
		if i := slices.IndexFunc(list, func(e string) bool { return strings.EqualFold(e, base) }); i >= 0 {
			base = list[i]
		}
	}
	switch base {
	case "Amazon Linux":
		return []string{"amazon"}
	case "Oracle Linux":
		return []string{"oracle"}
	case "Photon OS":
		return []string{"photon"}
	}
	switch strings.ToLower(base) {
	case "alpine", "alpine-secdb":
		return []string{"Alpine", "alpine-secdb"}
	case "wolfi", "chainguard", "fedora", "epss", "kev", "nvd":
		return []string{strings.ToLower(base)}
	}
	return []string{base}
}
