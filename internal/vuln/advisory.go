package vuln

import (
	"context"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Advisory is what one source says of one package: facts only, no prose.
type Advisory struct {
	ID        string   // as the source names it: "CVE-2022-0778", "GHSA-…", "DSA-5103-1"
	Aliases   []string // sorted; the same vulnerability elsewhere
	Modules   []string // the RPM modules whose streams it is about, "mariadb:10.3"; empty: none, or not said
	Related   []string // sorted; for distribution advisories whose CVEs are only "related" (ALSA, RLSA, DSA)
	Source    string   // which database says it: "debian", "ubuntu", "alpine", "wolfi", "ghsa", "osv", "bitnami", "almalinux", "rocky"
	Ecosystem string   // OSV's, with release: "Debian:11", "Alpine:v3.18", "npm"
	Package   string   // as the ecosystem names it
	Ranges    []Range
	Versions  []string         // affected versions listed one by one
	Severity  finding.Severity // the source's own word; Unspecified: none
	Urgency   string           // the distribution's raw word: "unimportant", "not yet assigned", "negligible"
	NoFix     string           // why there is no fix, where the source says: "won't fix", "deferred", "end of life"
	CVSS      []finding.CVSS   // the advisory's own vectors; Score may be 0: computed on use
	Published time.Time
	Modified  time.Time
	Withdrawn bool
	URL       string
}

// Everything reports whether the advisory names no end and no version: an import may
// have lost the range, or all there are are meant. Of a distribution it is how
// what has no fix is said.
func (a *Advisory) Everything() bool {
	if len(a.Versions) > 0 || isDistroEcosystem(a.Ecosystem) {
		return false
	}
	for _, r := range a.Ranges {
		for _, e := range r.Events {
			if e.Introduced != "0" {
				return false
			}
		}
	}
	return len(a.Ranges) > 0
}

// Range is one OSV range: its events in the order of the source.
type Range struct {
	Type   string // "ECOSYSTEM" or "SEMVER"
	Events []Event
}

// Event is one OSV event; exactly one field is set.
type Event struct {
	Introduced, Fixed, LastAffected, Limit string
}

// Meta is what is known of a vulnerability whatever the package.
type Meta struct {
	ID       string
	CVSS     []finding.CVSS   // by source: nvd, adp, cna, osv, ghsa, redhat
	Word     finding.Severity // what a database that rates the vulnerability itself calls it; kept where nobody has a vector
	WordBy   string           // whose word it is: "ghsa", "ubuntu"
	Pending  string           // why NVD has not rated it: "awaiting analysis"; kept where nobody has rated it
	Rejected string           // who says that the number was taken back by whoever assigned it: "nvd"; empty: nobody
	EPSS     finding.EPSS
	KEV      bool
	KEVAdded string
	Title    string // a line that says what it is; empty: none that may be kept
	TitleBy  string // whose words the title is: "ghsa", "pypa", "go", "rustsec" …
}

// Lookup answers what advisories there are. Implementations are safe for
// concurrent use.
type Lookup interface {
	// Advisories returns every advisory of one package in one ecosystem
	// ("Debian:11", "npm"), and nil when there is none.
	Advisories(ctx context.Context, ecosystem, name string) ([]Advisory, error)
	// Meta returns what is known of a vulnerability id; the zero Meta when nothing is.
	Meta(ctx context.Context, id string) (Meta, error)
	// Knows reports whether the ecosystem, release included, is in the database at
	// all: that there is no advisory means something only if it is.
	Knows(ctx context.Context, ecosystem string) bool
}

// Sifter is a Lookup that can leave out the advisories nobody asks for before it
// makes them: of a kernel's thousands, those of older builds.
type Sifter interface {
	Lookup
	// Sift is Advisories without those that keep says no to. keep sees of an
	// advisory what its judgement by version needs: Package, Ecosystem, Ranges
	// and Versions. A nil keep keeps all.
	Sift(ctx context.Context, ecosystem, name string, keep func(*Advisory) bool) ([]Advisory, error)
}

// Packager is a Lookup that knows from which source package a distribution builds
// a binary one.
type Packager interface {
	Lookup
	// SourceOf returns the source of a binary package; ok is false where it is not
	// known.
	SourceOf(ctx context.Context, ecosystem, binary string) (source string, ok bool, err error)
}

// Options are the inputs of a match that are not in the inventory.
type Options struct {
	Now time.Time
	// MatchGit matches what comes from a repository as if it came from the
	// registry that has a package of its name.
	MatchGit bool
	// Sourced tells that a distribution's package without a source is its own, even
	// where no package of the inventory names another: see [Part].
	Sourced bool
	// EndOfLife says when support for the inventory's distribution ended, as a
	// reason for the absence of a fix; nil: not known.
	EndOfLife func(d string, version string) (time.Time, bool)
}
