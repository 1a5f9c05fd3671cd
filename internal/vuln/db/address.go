package db

import "strings"

// AdvisoryURL is where a person reads the advisory of a source ("debian",
// "ghsa" and so on, see [vuln.Advisory]): computed from its id, so that the
// database need not store it.
func AdvisoryURL(source, id string) string {
	return string(appendURL(nil, source, id))
}

func appendURL(b []byte, source, id string) []byte {
	switch source {
	case "debian", "debian/changelog":
		b = append(b, "https://security-tracker.debian.org/tracker/"...)
	case "ubuntu":
		return append(append(b, "https://ubuntu.com/security/"...), strings.TrimPrefix(id, "UBUNTU-")...)
	case "alpine":
		b = append(b, "https://security.alpinelinux.org/vuln/"...)
	case "wolfi", "chainguard":
		b = append(b, "https://images.chainguard.dev/security/"...)
	case "ghsa":
		b = append(b, "https://github.com/advisories/"...)
	case "rocky":
		b = append(b, "https://errata.rockylinux.org/"...)
	case "redhat":
		b = append(b, "https://access.redhat.com/errata/"...)
	case "oracle":
		return append(append(append(b, "https://linux.oracle.com/errata/"...), id...), ".html"...)
	case "mageia":
		return append(append(append(b, "https://advisories.mageia.org/"...), id...), ".html"...)
	case "fedora":
		b = append(b, "https://bodhi.fedoraproject.org/updates/"...)
	case "amazon":
		b = append(b, "https://alas.aws.amazon.com/"...)
		if release, ok := strings.CutPrefix(id, "ALAS2"); ok { // each later distribution has a folder
			b = append(b, "AL2"...)
			if len(release) > 3 && release[0] == '0' {
				b = append(b, release[:3]...)
			}
			b = append(b, '/')
		}
		return append(append(b, id...), ".html"...)
	default:
		switch {
		case strings.HasPrefix(id, "GHSA-"):
			b = append(b, "https://github.com/advisories/"...)
		case strings.HasPrefix(id, "CVE-"):
			b = append(b, "https://nvd.nist.gov/vuln/detail/"...)
		case strings.HasPrefix(id, "GO-"):
			b = append(b, "https://pkg.go.dev/vuln/"...)
		case strings.HasPrefix(id, "RUSTSEC-"):
			return append(append(append(b, "https://rustsec.org/advisories/"...), id...), ".html"...)
		default:
			b = append(b, "https://osv.dev/vulnerability/"...)
		}
	}
	return append(b, id...)
}
