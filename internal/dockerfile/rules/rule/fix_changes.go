package rule

import "github.com/drydock-dev/drydock/internal/finding"

// WithChanges says which files of the image the last fix of a finding means to
// change, and why, so that a proof lets these pass and no others.
func WithChanges(f finding.Finding, reason string, paths ...string) finding.Finding {
	if len(f.Fixes) == 0 || len(f.Fixes[len(f.Fixes)-1].Edits) == 0 {
		return f
	}
	last := &f.Fixes[len(f.Fixes)-1]
	for _, p := range paths {
		last.Changes = append(last.Changes, finding.Change{Path: p, Why: reason})
	}
	return f
}

// Installed are the folders that a distribution's packages write. What people
// put into /usr/src, /usr/local and /srv is not among them.
var Installed = []string{
	"/bin", "/sbin", "/lib", "/lib64", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64", "/usr/libexec", "/usr/share", "/usr/include", "/usr/games",
	"/etc", "/var/lib", "/var/cache", "/var/log",
}
