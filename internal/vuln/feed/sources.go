package feed

import "github.com/drydock-dev/drydock/internal/vuln/db"

// KnownSource describes an upstream by the name that a database has for it: an
// OSV ecosystem ("Debian", "npm"), "alpine-secdb", "wolfi", "chainguard", "amazon",
// "oracle", "fedora", "photon", "nvd", "kev", "epss".
func KnownSource(name string) db.Source {
	s := db.Source{Name: name, Ecosystems: []string{name}, URL: "https://osv.dev/list?ecosystem=" + name}
	switch name {
	case "alpine-secdb":
		s.URL, s.Licence, s.Ecosystems = "https://secdb.alpinelinux.org", "MIT", []string{"Alpine"}
	case "wolfi":
		s.URL, s.Licence, s.Ecosystems = "https://packages.wolfi.dev/os/security.json", "Apache-2.0", []string{"Wolfi"}
	case "chainguard":
		s.URL, s.Licence, s.Ecosystems = "https://packages.cgr.dev/chainguard/security.json", "Apache-2.0", []string{"Chainguard"}
	case "amazon":
		s.URL, s.Ecosystems = "https://alas.aws.amazon.com", []string{"Amazon Linux"}
	case "oracle":
		s.URL, s.Ecosystems = "https://linux.oracle.com/security/oval", []string{"Oracle Linux"}
	case "fedora":
		s.URL, s.Ecosystems = "https://bodhi.fedoraproject.org", []string{"Fedora"}
	case "photon":
		s.URL, s.Ecosystems = "https://packages.broadcom.com/photon/photon_cve_metadata", []string{"Photon OS"}
	case "Red Hat":
		s.URL, s.Licence = "https://security.access.redhat.com/data/osv", "CC-BY-4.0"
	case "SUSE", "openSUSE":
		s.URL = "https://www.suse.com/support/security"
	case "openEuler":
		s.URL = "https://www.openeuler.org/en/security"
	case "Mageia":
		s.URL = "https://advisories.mageia.org"
	case "Azure Linux":
		s.URL, s.Licence = "https://github.com/microsoft/AzureLinuxVulnerabilityData", "MIT"
	case "nvd":
		s.URL, s.Licence, s.Ecosystems = "https://nvd.nist.gov", "public domain", nil
	case "kev":
		s.URL, s.Licence, s.Ecosystems = "https://www.cisa.gov/known-exploited-vulnerabilities-catalog", "CC0-1.0", nil
	case "epss":
		s.URL, s.Licence, s.Ecosystems = "https://www.first.org/epss", "free use with attribution", nil
	case "Debian":
		s.URL, s.Licence = "https://security-tracker.debian.org", "free use (Debian security tracker)"
	case "Ubuntu":
		s.URL, s.Licence = "https://ubuntu.com/security/cves", "CC-BY-SA-4.0"
	case "Alpine":
		s.Licence = "MIT"
	case "npm":
		s.Licence = "CC-BY-4.0, Apache-2.0"
	case "Maven":
		s.Licence = "CC-BY-4.0"
	case "Packagist":
		s.Licence, s.Ecosystems = "CC-BY-4.0, Unlicense", []string{"Packagist", drupal}
	case "NuGet":
		s.Licence = "CC-BY-4.0, MIT"
	case "RubyGems":
		s.Licence = "CC-BY-4.0, public domain"
	case drupal:
		s.URL, s.Licence = "https://www.drupal.org/security", "MIT"
	case "Julia":
		s.Licence = "CC-BY-4.0"
	case "Hackage":
		s.Licence = "public domain"
	case "PyPI":
		s.Licence = "CC-BY-4.0"
	case "Go":
		s.Licence = "CC-BY-4.0"
	case "crates.io":
		s.Licence = "CC0-1.0, CC-BY-4.0"
	case "Bitnami":
		s.Licence = "Apache-2.0"
	case "AlmaLinux":
		s.Licence = "MIT"
	case "Rocky Linux":
		s.Licence = "BSD-3-Clause"
	}
	return s
}
