package db

import "strings"

// AdvisoryURL is where a person reads the advisory of a source ("debian",
// "ghsa" and so on, see [vuln.Advisory]): computed from its id, so that the
// database need not store it.
func AdvisoryURL(source, id string) string {
	switch source {
	case "debian":
		return "https://security-tracker.debian.org/tracker/" + id
	case "ubuntu":
		return "https://ubuntu.com/security/" + strings.TrimPrefix(id, "UBUNTU-")
	case "alpine":
		return "https://security.alpinelinux.org/vuln/" + id
	case "wolfi", "chainguard":
		return "https://images.chainguard.dev/security/" + id
	case "ghsa":
		return "https://github.com/advisories/" + id
	case "rocky":
		return "https://errata.rockylinux.org/" + id
	case "osv":
		if strings.HasPrefix(id, "GO-") {
			return "https://pkg.go.dev/vuln/" + id
		}
		if strings.HasPrefix(id, "RUSTSEC-") {
			return "https://rustsec.org/advisories/" + id + ".html"
		}
	}
	return "https://osv.dev/vulnerability/" + id
}
