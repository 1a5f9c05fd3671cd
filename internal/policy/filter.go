package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Filter is what a user wants to see. The zero value keeps everything.
//
// Terms that pick vulnerabilities out (Packages, PackageTypes, IDs, OnlyKEV,
// EPSS, OnlyBase, OnlyUnfixed) leave other findings out; OnlyFixed and
// IgnoreBase concern vulnerabilities and leave other findings alone. An
// exception that expired is always kept, and so is a vulnerability that nobody
// has given the score that a term asks for.
type Filter struct {
	Severities   []finding.Severity // exactly these; empty: all
	OnlyFixed    bool
	OnlyUnfixed  bool
	Packages     []string // names, or purls with or without version
	PackageTypes []string // purl types; the names that Syft and Grype use are taken too
	IDs          []string // vulnerability ids or aliases
	OnlyKEV      bool
	EPSS         float64 // at least this score; 0: any
	IgnoreBase   bool    // leave out what is known to come with the base
	OnlyBase     bool    // only what is known to come with the base
}

// Apply keeps what the filter keeps, in order, and counts the findings that
// count of which it could not tell. Where it keeps all, it returns the list that
// it was given.
func (f Filter) Apply(findings []finding.Finding) ([]finding.Finding, []Undecided) {
	out, all := findings, true
	unscored, unrated := 0, 0
	anyRated := f
	anyRated.Severities = nil
	for i, x := range findings {
		kept := f.Keep(x)
		switch {
		case all && !kept:
			out, all = append(make([]finding.Finding, 0, len(findings)), findings[:i]...), false
		case !all && kept:
			out = append(out, x)
		}
		switch {
		case x.Suppressed != nil || x.Vuln == nil:
		case kept && f.EPSS > 0 && x.Vuln.EPSS == (finding.EPSS{}):
			unscored++
		case !kept && x.Severity == finding.Unspecified && anyRated.Keep(x):
			unrated++
		}
	}
	var undecided []Undecided
	if unscored > 0 {
		undecided = append(undecided, Undecided{Term: "epss-score", Lacks: "EPSS score", Count: unscored, Kept: true})
	}
	if unrated > 0 {
		undecided = append(undecided, Undecided{Term: "severity", Lacks: "severity", Count: unrated})
	}
	return out, undecided
}

// Undecided is a term of a filter that could not be held against some findings:
// nobody has given them the value that it asks for.
type Undecided struct {
	Term  string // the flag's name: "epss-score"
	Lacks string // the value, in words: "EPSS score"
	Count int    // of findings
	Kept  bool   // whether they are kept or left out
}

// String is a sentence for people.
func (u Undecided) String() string {
	s, have := finding.Count(u.Count, "vulnerability"), "have"
	if u.Count == 1 {
		have = "has"
	}
	if u.Kept {
		return fmt.Sprintf("%s %s no %s: kept (--%s)", s, have, u.Lacks, u.Term)
	}
	return fmt.Sprintf("%s %s no %s: left out (--%s; with unrated among its words they are shown)", s, have, u.Lacks, u.Term)
}

// Keep reports whether the user wants to see the finding.
func (f Filter) Keep(x finding.Finding) bool {
	if x.Rule == RuleExpired {
		return true
	}
	if len(f.Severities) > 0 && !slices.Contains(f.Severities, x.Severity) {
		return false
	}
	v := x.Vuln
	if v == nil {
		return len(f.Packages) == 0 && len(f.PackageTypes) == 0 && len(f.IDs) == 0 &&
			!f.OnlyKEV && f.EPSS == 0 && !f.OnlyBase && !f.OnlyUnfixed
	}
	switch {
	case f.OnlyFixed && v.FixedIn == "",
		f.OnlyUnfixed && v.FixedIn != "",
		f.OnlyKEV && !v.KEV,
		f.EPSS > 0 && v.EPSS.Score < f.EPSS && v.EPSS != (finding.EPSS{}),
		f.IgnoreBase && v.InBase != nil && *v.InBase,
		f.OnlyBase && (v.InBase == nil || !*v.InBase):
		return false
	}
	if len(f.Packages) > 0 && !slices.ContainsFunc(f.Packages, func(p string) bool { return namesPackage(p, x) }) {
		return false
	}
	if len(f.PackageTypes) > 0 && !slices.ContainsFunc(f.PackageTypes, func(t string) bool { return purlType(t) == v.PackageType }) {
		return false
	}
	return len(f.IDs) == 0 || slices.ContainsFunc(f.IDs, func(id string) bool { return namesVuln(id, v) })
}

// purlType is a package type in the words of purl, from Syft's and Grype's.
func purlType(t string) string {
	switch t = strings.ToLower(strings.TrimSpace(t)); t {
	case "python":
		return "pypi"
	case "java-archive", "java", "jenkins-plugin":
		return "maven"
	case "go-module", "go":
		return "golang"
	case "rust-crate", "rust":
		return "cargo"
	case "php-composer", "php":
		return "composer"
	case "dotnet":
		return "nuget"
	case "ruby":
		return "gem"
	case "javascript", "node":
		return "npm"
	case "binary":
		return "generic"
	case "dpkg":
		return "deb"
	}
	return t
}

func namesVuln(id string, v *finding.Vuln) bool {
	return strings.EqualFold(id, v.ID) || slices.ContainsFunc(v.Aliases, func(a string) bool { return strings.EqualFold(id, a) })
}

// namesPackage reports whether a name or purl means the finding's package, or for
// a distribution's one of the binaries in its evidence. A purl's version may
// be left out and its qualifiers do not count.
func namesPackage(want string, f finding.Finding) bool {
	v := f.Vuln
	if v == nil || want == "" {
		return false
	}
	if !strings.HasPrefix(want, "pkg:") {
		return strings.EqualFold(want, v.Name) || slices.Contains(binaries(f), want)
	}
	want, have := barePURL(want), barePURL(v.Package)
	if want == have {
		return true
	}
	head, version := cutVersion(want)
	dir := head[:strings.LastIndexByte(head, '/')+1]
	for _, h := range append([]string{have}, prefixed(dir, f)...) {
		name, hv := cutVersion(h)
		if strings.EqualFold(name, head) && (version == "" || version == hv) {
			return true
		}
	}
	return false
}

// binaries are the names of a distribution package's binaries, from evidence.
func binaries(f finding.Finding) []string {
	var out []string
	for _, e := range f.Evidence {
		if e.Package != nil {
			out = append(out, e.Package.Name)
		}
	}
	return out
}

// prefixed are the binaries as purls under the same type and namespace.
func prefixed(dir string, f finding.Finding) []string {
	if !strings.EqualFold(dir, barePURL(f.Vuln.Package)[:strings.LastIndexByte(barePURL(f.Vuln.Package), '/')+1]) {
		return nil
	}
	var out []string
	for _, e := range f.Evidence {
		if e.Package != nil {
			out = append(out, dir+e.Package.Name+"@"+e.Package.Version)
		}
	}
	return out
}

// barePURL is a purl without qualifiers, subpath and the escapes that tools
// differ in.
func barePURL(s string) string {
	s, _, _ = strings.Cut(s, "#")
	s, _, _ = strings.Cut(s, "?")
	for _, r := range [...][2]string{{"%2B", "+"}, {"%2b", "+"}, {"%3A", ":"}, {"%3a", ":"}, {"%7E", "~"}, {"%7e", "~"}} {
		s = strings.ReplaceAll(s, r[0], r[1])
	}
	return s
}

func cutVersion(purl string) (name, version string) {
	if i := strings.LastIndexByte(purl, '@'); i > strings.LastIndexByte(purl, '/') {
		return purl[:i], purl[i+1:]
	}
	return purl, ""
}
