package vuln

import (
	"slices"
	"strings"
)

// modular reports whether an RPM build is a module's, by its release.
func modular(version string) bool { return strings.Contains(version, ".module") }

// buildTag is what the builds of one module build have in common at the end of
// their releases: "2224+b07ac28e" of "1:10.24.0-1.module_el8.4.0+2224+b07ac28e".
// It is "" for any other build.
func buildTag(version string) string {
	_, rest, ok := strings.Cut(version, ".module")
	if !ok {
		return ""
	}
	_, tag, _ := strings.Cut(strings.TrimPrefix(rest, "+"), "+")
	return tag
}

// streams are the modules, with their streams, that a build may be of.
type streams struct {
	sure []string            // it is of one of these; empty: not known
	like map[string][]string // by module, the streams that it or its siblings look like
}

// moduleBuilds is what an inventory tells of each module build in it, by tag.
// A package that has lost its label, as on the way through another tool's SBOM,
// is of the module that the packages of the same build are of.
type moduleBuilds map[string]streams

// note takes in a package of an RPM distribution.
func (b moduleBuilds) note(name, version, label string) {
	tag := buildTag(version)
	if tag == "" {
		return
	}
	s := b[tag]
	_, v := rpmEpoch(version)
	v, _, _ = strings.Cut(v, "-")
	major, rest, _ := strings.Cut(v, ".")
	minor, _, _ := strings.Cut(rest, ".")
	switch {
	case label != "" && !slices.Contains(s.sure, label):
		s.sure = append(s.sure, label)
	case label == "":
		if s.like == nil {
			s.like = map[string][]string{}
		}
		s.like[name] = append(s.like[name], name+":"+major, name+":"+major+"."+minor)
	}
	b[tag] = s
}

// of says which module a build is of: its label's, else that of the same
// module build elsewhere, in the inventory or among the advisories' fixes.
func (b moduleBuilds) of(label, version string, advs []Advisory) streams {
	if label != "" {
		return streams{sure: []string{label}}
	}
	tag := buildTag(version)
	if tag == "" {
		return streams{}
	}
	for i := range advs {
		if a := &advs[i]; len(a.Modules) > 0 && fixesBuild(a, tag) {
			return streams{sure: a.Modules}
		}
	}
	return b[tag]
}

// fixesBuild reports whether a fix of an advisory is of a module build.
func fixesBuild(a *Advisory, tag string) bool {
	return tag != "" && slices.ContainsFunc(a.Ranges, func(r Range) bool {
		return slices.ContainsFunc(r.Events, func(e Event) bool { return e.Fixed != "" && buildTag(e.Fixed) == tag })
	})
}

// concerns reports whether an advisory about modules is about the build's, and
// whether that is known.
func (s streams) concerns(a *Advisory) (yes, known bool) {
	for _, m := range a.Modules {
		if len(s.sure) > 0 {
			known = true
			yes = yes || slices.Contains(s.sure, m)
			continue
		}
		name, stream, _ := strings.Cut(m, ":")
		if like, ok := s.like[name]; ok && isDigit(stream[0]) {
			known = true
			yes = yes || slices.Contains(like, m)
		}
	}
	return yes, known
}

// ofBuild is what an RPM advisory says of builds like the installed one: of the
// same module and stream, or of none. nil: nothing. Where it says the same of
// all, it is the advisory itself.
func (s streams) ofBuild(a *Advisory, version string) *Advisory {
	mod := modular(version)
	yes, known := s.concerns(a)
	if mod && known && !yes {
		return nil
	}
	alike := func(r *Range) bool {
		for _, e := range r.Events {
			if e.Fixed != "" && (modular(e.Fixed) != mod || mod && !known && !sameMajor(version, e.Fixed) || variant(e.Fixed) != variant(version)) {
				return false
			}
		}
		return true
	}
	n := 0
	for i := range a.Ranges {
		if alike(&a.Ranges[i]) {
			n++
		}
	}
	switch n {
	case len(a.Ranges):
		return a
	case 0:
		return nil
	}
	own := *a
	own.Ranges = make([]Range, 0, n)
	for i := range a.Ranges {
		if alike(&a.Ranges[i]) {
			own.Ranges = append(own.Ranges, a.Ranges[i])
		}
	}
	return &own
}

// untold reports whether an advisory about a module is left out of a module build
// only because its stream is not known, and would affect it.
func (s streams) untold(a *Advisory, fam family, version string) bool {
	if len(a.Modules) == 0 || !modular(version) {
		return false
	}
	if _, known := s.concerns(a); known {
		return false
	}
	v, err := judge(a, fam, version)
	return err == nil && v.affected
}

// variant is what Oracle builds a package as beside the usual build: validated
// cryptography, patched while it runs, or one of the lines of its own kernel that
// one release has. The versions of one do not order with those of another.
func variant(version string) string {
	switch {
	case strings.HasSuffix(version, "uek"):
		_, v := rpmEpoch(version)
		return "uek of " + upstreamVersion(v)
	case strings.HasSuffix(version, "_fips"):
		return "fips"
	case strings.Contains(version, ".ksplice"):
		return "ksplice"
	}
	return ""
}

// sameMajor keeps the streams of one package apart where nothing names them:
// they differ in the first number of the version.
func sameMajor(a, b string) bool {
	_, a = rpmEpoch(a)
	_, b = rpmEpoch(b)
	return a[:digits(a)] == b[:digits(b)]
}

// rebuilt reports whether a version is at or above a build that another range of
// the advisory names as fixed, and that was made of the same source as the fix
// of range i: distributions build one source again for each minor release.
func rebuilt(a *Advisory, i int, version string) bool {
	fix := soleFix(&a.Ranges[i])
	if fix == "" {
		return false
	}
	for j := range a.Ranges {
		other := soleFix(&a.Ranges[j])
		if j != i && other != "" && sourceBuild(other) == sourceBuild(fix) && compareRPM(version, other) >= 0 {
			return true
		}
	}
	return false
}

// soleFix is the fix of a range that has one.
func soleFix(r *Range) string {
	fix := ""
	for _, e := range r.Events {
		if e.Fixed != "" && fix != "" {
			return ""
		}
		fix += e.Fixed
	}
	return fix
}

// sourceBuild is a version without what a release says of where it was built:
// "1:10.24.0-1" of "1:10.24.0-1.module_el8.4.0+2224+b07ac28e".
func sourceBuild(version string) string {
	version, _, _ = strings.Cut(version, ".module")
	i := strings.LastIndex(version, ".el")
	if i < 0 || i+3 >= len(version) || !isDigit(version[i+3]) {
		return version
	}
	return version[:i]
}
