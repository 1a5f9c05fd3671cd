package policy

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// Exception is one reason for findings not to count. Every part that is given
// must hold; at least one of ID, Packages, Name, Type and Paths is.
type Exception struct {
	ID        string   // rule id or alias, finding key or fingerprint, vulnerability id or alias; in any case
	Packages  []string // any of these names or purls
	Name      *regexp.Regexp
	Version   string
	Type      string    // purl type
	Namespace string    // Grype's: "debian:distro:debian:11", "github:language:go", "nvd:cpe"
	Paths     []string  // globs; every place of the finding must match one of them
	FixState  string    // "fixed", "not-fixed", "wont-fix", "unknown"
	Until     time.Time // from here on it does not hold; zero: for good
	Reason    string
	By        string // "config" or "ignore-file"
	File      string
	Line      int // 1-based; 0: not known
}

// Exceptions are what one file, or several in order, except.
type Exceptions struct {
	List     []Exception
	Warnings []string // entries that were left out because they were not understood; their findings count
}

// Add joins another file's exceptions.
func (s *Exceptions) Add(more *Exceptions) {
	if more != nil {
		s.List = append(s.List, more.List...)
		s.Warnings = append(s.Warnings, more.Warnings...)
	}
}

// RuleExpired is the rule of an exception whose time has run out.
const RuleExpired finding.RuleID = "policy/expired-exception"

// Rules documents what policy itself finds.
func Rules() []finding.Rule {
	return []finding.Rule{{
		ID:    RuleExpired,
		Title: "An exception has expired",
		Why: "Somebody accepted a risk until a date, and the date has passed. What was excepted counts again. " +
			"Look at it anew: put it right, take the entry out if it is gone, or give it a later date with a reason.",
		Practice: finding.Vulnerabilities,
		Severity: finding.Medium,
		Bad:      "ignore:\n  - id: CVE-2022-0778\n    until: 2022-06-30\n    reason: waiting for the base image\n",
		Good:     "ignore:\n  - id: CVE-2022-0778\n    until: 2999-12-31\n    reason: waiting for the base image\n",
	}}
}

// Apply returns the findings with those excepted suppressed, on the word of
// the first entry that holds; those suppressed already stay as they are. Each
// entry that has expired becomes a finding about the subject, placed at its
// line. The findings given are not changed.
func (s *Exceptions) Apply(findings []finding.Finding, subject finding.Subject, now time.Time) []finding.Finding {
	if s == nil || len(s.List) == 0 {
		return findings
	}
	out := slices.Clone(findings)
	var live []*Exception
	for i := range s.List {
		e := &s.List[i]
		if e.expired(now) {
			out = append(out, e.finding(subject))
		} else {
			live = append(live, e)
		}
	}
	for i := range findings {
		f := &out[i]
		if f.Suppressed != nil {
			continue
		}
		for _, e := range live {
			if e.holds(*f) {
				f.Suppressed = &finding.Suppression{By: e.By, Source: e.source(), Reason: e.reason()}
				break
			}
		}
	}
	return out
}

func (e *Exception) expired(now time.Time) bool { return !e.Until.IsZero() && !now.Before(e.Until) }

func (e *Exception) source() string {
	if e.Line == 0 {
		return e.File
	}
	return fmt.Sprintf("%s:%d", e.File, e.Line)
}

// reason is the one given, or else where to ask for it.
func (e *Exception) reason() string {
	if e.Reason == "" && e.File != "" {
		return "ignored in " + e.source()
	}
	return e.Reason
}

func (e *Exception) finding(subject finding.Subject) finding.Finding {
	r := Rules()[0]
	last := e.Until.Add(-time.Nanosecond).UTC().Format(time.DateOnly)
	f := finding.Finding{
		Rule: r.ID, Key: e.what(), Practice: r.Practice, Severity: r.Severity, Subject: subject,
		At:      []finding.Location{{Source: &finding.Span{File: e.File, Line: e.Line}}},
		Message: fmt.Sprintf("the exception for %s held until %s", e.what(), last),
	}
	if e.Reason != "" {
		f.Evidence = []finding.Evidence{{Kind: finding.EvidenceException, Text: "reason given: " + e.Reason}}
	}
	f.Fixes = []finding.Fix{{Title: "Take the entry out, or give it a later date with a reason"}}
	return f
}

// what names the exception for people.
func (e *Exception) what() string {
	var parts []string
	if e.ID != "" {
		parts = append(parts, e.ID)
	}
	parts = append(parts, e.Packages...)
	if e.Name != nil {
		parts = append(parts, strings.TrimSuffix(strings.TrimPrefix(e.Name.String(), "^(?:"), ")$"))
	}
	for _, s := range []string{e.Version, e.Type, e.FixState} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(append(parts, e.Paths...), " ")
}

// empty reports whether nothing narrows the exception, so that it would hold for
// everything.
func (e *Exception) empty() bool {
	return e.ID == "" && len(e.Packages) == 0 && e.Name == nil && e.Type == "" && len(e.Paths) == 0 && e.FixState == ""
}

func (e *Exception) holds(f finding.Finding) bool {
	if f.Rule == RuleExpired || e.empty() {
		return false
	}
	if e.ID != "" && !e.namesFinding(f) {
		return false
	}
	if len(e.Packages) > 0 && !slices.ContainsFunc(e.Packages, func(p string) bool { return namesPackage(p, f) }) {
		return false
	}
	if e.Name != nil || e.Version != "" || e.Type != "" || e.FixState != "" || e.Namespace != "" {
		if f.Vuln == nil || !e.fitsPackage(f) {
			return false
		}
	}
	return len(e.Paths) == 0 || e.coversPlaces(f)
}

func (e *Exception) namesFinding(f finding.Finding) bool {
	id := normalID(e.ID)
	if strings.EqualFold(id, string(f.Rule)) || strings.EqualFold(id, f.Key) || strings.EqualFold(id, f.Fingerprint()) {
		return true
	}
	if slices.ContainsFunc(f.Aliases, func(a string) bool { return strings.EqualFold(id, normalID(a)) }) {
		return true
	}
	return f.Vuln != nil && namesVuln(e.ID, f.Vuln)
}

var trivyCheck = lazyregexp.New(`(?i)^(?:AVD-)?DS-?0*(\d{1,4})$`)

// normalID joins the spellings of Trivy's Dockerfile checks: "AVD-DS-0002",
// "DS-0002" and "DS002" are one.
func normalID(id string) string {
	if m := trivyCheck.FindStringSubmatch(id); m != nil {
		return "DS" + strings.Repeat("0", max(0, 3-len(m[1]))) + m[1]
	}
	return id
}

func (e *Exception) fitsPackage(f finding.Finding) bool {
	v := f.Vuln
	if e.Name != nil && !e.Name.MatchString(v.Name) && !slices.ContainsFunc(binaries(f), e.Name.MatchString) {
		return false
	}
	if (e.Version != "" && e.Version != v.Version) || (e.Type != "" && e.Type != v.PackageType) {
		return false
	}
	if e.Namespace != "" && !fitsNamespace(e.Namespace, v) {
		return false
	}
	return e.FixState == "" || e.FixState == fixState(v)
}

// fixState is what a source says of a fix, in Grype's words. Its "unknown", that
// nothing is said of fixes at all, is no finding's here: each comes from ranges
// of versions, which say where a fix is or that there is none.
func fixState(v *finding.Vuln) string {
	switch {
	case v.FixedIn != "":
		return "fixed"
	case v.NoFix == "won't fix", v.NoFix == "end of life":
		return "wont-fix"
	}
	return "not-fixed"
}

// fitsNamespace reads the first word of Grype's namespaces: a distribution, or
// "github" and "nvd" for everything else.
func fitsNamespace(ns string, v *finding.Vuln) bool {
	first, rest, _ := strings.Cut(ns, ":")
	distro := v.PackageType == "deb" || v.PackageType == "apk" || v.PackageType == "rpm"
	switch first {
	case "github":
		return !distro && v.PackageType != "generic"
	case "nvd":
		return v.PackageType == "generic"
	}
	return distro && strings.HasPrefix(v.Package, "pkg:"+v.PackageType+"/"+first+"/") && strings.HasPrefix(rest, "distro")
}

// coversPlaces reports whether every place of the finding is excepted: one that
// is not still counts.
func (e *Exception) coversPlaces(f finding.Finding) bool {
	if len(f.At) == 0 {
		return false
	}
	for _, l := range f.At {
		p := l.Path
		if p == "" && l.Source != nil {
			p = l.Source.File
		}
		if p == "" || !slices.ContainsFunc(e.Paths, func(g string) bool { return matchPath(g, p) }) {
			return false
		}
	}
	return true
}

// matchPath matches a path against a glob: "*" and "?" within a name, "**"
// over any number of names; a glob without a slash is for the last name, and
// one that names a directory covers what is in it. A leading slash does not
// count on either side.
func matchPath(glob, p string) bool {
	glob = strings.TrimPrefix(glob, "./")
	p = strings.Trim(path.Clean("/"+p), "/")
	if !strings.Contains(strings.Trim(glob, "/"), "/") && !strings.HasPrefix(glob, "/") {
		if ok, err := path.Match(strings.Trim(glob, "/"), path.Base(p)); err == nil && ok {
			return true
		}
	}
	glob = strings.Trim(glob, "/")
	return matchSegments(strings.Split(glob, "/"), strings.Split(p, "/"))
}

// matchSegments matches greedily, falling back to the last "**" only: that is
// enough, and no input makes it more than quadratic.
func matchSegments(glob, name []string) bool {
	g, n, starG, starN := 0, 0, -1, 0
	for n < len(name) {
		if g == len(glob) {
			return true // the glob named a directory above
		}
		if glob[g] == "**" {
			starG, starN = g, n
			g++
			continue
		}
		if ok, err := path.Match(glob[g], name[n]); err == nil && ok {
			g, n = g+1, n+1
			continue
		}
		if starG < 0 {
			return false
		}
		starN++
		g, n = starG+1, starN
	}
	for g < len(glob) && glob[g] == "**" {
		g++
	}
	return g == len(glob)
}
