package feed

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/sorting"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// isRPM reports whether an ecosystem, without release, is of an RPM distribution.
func isRPM(base string) bool {
	switch base {
	case "AlmaLinux", "Rocky Linux", "Red Hat", "SUSE", "openSUSE", "openEuler", "Mageia", "Azure Linux", "Photon OS", "Amazon Linux", "Oracle Linux", "Fedora":
		return true
	}
	return false
}

// bugfixOnly recognises the notices about bug fixes and enhancements that name no
// vulnerability: RPM distributions publish them beside the security advisories.
func (rec *osvRecord) bugfixOnly() bool {
	named := func(id string) bool { return strings.HasPrefix(id, "CVE-") }
	return bugfix(rec.ID) && !slices.ContainsFunc(rec.Related, named) && !slices.ContainsFunc(rec.Aliases, named) && !slices.ContainsFunc(rec.Upstream, named)
}

func bugfix(id string) bool {
	return slices.ContainsFunc([]string{
		"ALBA-", "ALEA-", "RHBA-", "RHEA-", "ELBA-", "ELEA-", "SUSE-RU-", "SUSE-FU-", "SUSE-OU-", "openSUSE-RU-", "openSUSE-FU-", "openSUSE-OU-",
	}, func(p string) bool { return strings.HasPrefix(id, p) })
}

// forDebugging tells the packages of debugging symbols that an RPM distribution's
// notice lists beside each package: what they are built from is named too.
func forDebugging(base, name string) bool {
	return isRPM(base) && (strings.HasSuffix(name, "-debuginfo") || strings.HasSuffix(name, "-debugsource"))
}

// epochless is a version without the epoch 0, which says nothing.
func epochless(v string) string {
	if rest, ok := strings.CutPrefix(v, "0:"); ok && rest != "" {
		return rest
	}
	return v
}

// build is a package and its version.
type build struct{ name, version string }

// binaries are the packages that an entry's source builds, where the entry says.
// What does not read says nothing.
func (s *osvSpecific) binaries() []build {
	var out []build
	var lists []map[string]string
	if len(s.Binaries) > 0 && json.Unmarshal(s.Binaries, &lists) != nil {
		lists = make([]map[string]string, 1)
		if json.Unmarshal(s.Binaries, &lists[0]) != nil {
			lists = nil
		}
	}
	for _, list := range lists {
		for name, version := range list {
			out = append(out, build{name, version})
		}
	}
	for _, raw := range []json.RawMessage{s.NoArch, s.X86, s.ARM} {
		var files []string
		if len(raw) == 0 || json.Unmarshal(raw, &files) != nil {
			continue
		}
		for _, f := range files {
			if b, ok := buildOf(f); ok {
				out = append(out, b)
			}
		}
	}
	sorting.By(out, func(a, b build) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.version, b.version))
	})
	return slices.Compact(out)
}

// buildOf takes the name of an RPM's file apart:
// "openssl-libs-1.1.1f-4.oe1.x86_64.rpm".
func buildOf(file string) (build, bool) {
	file, ok := strings.CutSuffix(file, ".rpm")
	file = file[:max(0, strings.LastIndexByte(file, '.'))]
	i := strings.LastIndexByte(file, '-')
	k := strings.LastIndexByte(file[:max(0, i)], '-')
	if !ok || k < 1 {
		return build{}, false
	}
	return build{file[:k], file[k+1:]}, true
}

// fixed is what an advisory about a source package says of a package that is
// built from it: fixed in that very build.
func (b build) fixed(a vuln.Advisory) (vuln.Advisory, bool) {
	base, _, _ := strings.Cut(a.Ecosystem, ":")
	if b.name == a.Package || !isRPM(base) || !validName(b.name) || !validVersion(b.version) || forDebugging(base, b.name) || !fixedOnce(a) {
		return a, false
	}
	a.Package = b.name
	a.Ranges = []vuln.Range{{Type: "ECOSYSTEM", Events: []vuln.Event{{Introduced: "0"}, {Fixed: b.version}}}}
	return a, true
}

// fixedOnce reports whether an advisory is about all builds before one.
func fixedOnce(a vuln.Advisory) bool {
	if len(a.Ranges) != 1 || len(a.Versions) > 0 || len(a.Ranges[0].Events) != 2 {
		return false
	}
	e := a.Ranges[0].Events
	return e[0].Introduced == "0" && e[1].Fixed != "" && e[1].Fixed != "0"
}
