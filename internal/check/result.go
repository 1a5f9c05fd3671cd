package check

import (
	"cmp"
	"path/filepath"
	"time"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/policy"
	"github.com/drydock-dev/drydock/internal/policy/admission"
	"github.com/drydock-dev/drydock/internal/runtime/audit"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// Result is all that a run found, ready for a report.
type Result struct {
	Subjects  []finding.Subject
	Database  Database
	Findings  []finding.Finding // sorted by finding.Compare; suppressed ones included
	Unknown   []finding.Unknown
	Coverage  []Coverage           // of each ecosystem that the targets have packages of
	Support   []Support            // of each release that the targets stand on, as far as dates are known
	Undecided []policy.Undecided   // by the filter; each is among the warnings too
	Warnings  []string             // of the run itself: "the advisory data is 12 days old"
	Card      []Row                // a row a practice; empty for verbs that do not grade
	Targets   []Target             // what was looked at, one a subject that was scanned
	Decisions []admission.Decision // of the policy about images, where there is one
	Health    []admission.Health   // by the policies that images keep to, where there are some
	Benchmark []audit.Answer       // of the CIS Docker Benchmark, what an audit looked at

	Titles  map[string]string // by a subject's name, what people call it where that does not say: of ".", the folder
	Secrets []string          // values in them that are not shown, wherever they stand
	Sources map[string][]byte // the Dockerfiles that were looked at, by name
}

// Title is what people call a subject.
func (r *Result) Title(s finding.Subject) string { return cmp.Or(r.Titles[s.Name], s.Name) }

// FolderTitle is the name of a folder that a path like "." does not tell; empty:
// the path tells it.
func FolderTitle(path string) string {
	if base := filepath.Base(path); base != "." && base != ".." {
		return ""
	}
	abs, err := filepath.Abs(path)
	if err != nil || filepath.Dir(abs) == abs {
		return ""
	}
	return filepath.Base(abs)
}

// Coverage is what the advisory data cover of one ecosystem of one target.
// Coverage that is not complete is neither an Unknown nor a finding: what has no
// fix may be absent.
type Coverage struct {
	Subject finding.Subject
	vuln.Covered
}

// Support is how long a release is supported that a target stands on: of its
// distribution, or of a program that this does not fix. What of it is over is a
// finding where rules are asked for, and is told everywhere.
type Support struct {
	Subject finding.Subject
	base.Support
	Over  bool
	Aging string // where it is over, will be soon, or others carry it on
}

// Database says what advisory data was used, and from when.
type Database struct {
	Date     time.Time            // the newest record of any source used
	Sources  map[string]time.Time // newest record by source: "Debian" -> 2025-02-12
	Embedded bool                 // whether all of it came with the program
}

// Row is one practice's line on the card.
type Row struct {
	Practice finding.Practice
	Grade    string   // "A" to "F"; empty: not assessed
	Reasons  []string // why this grade, the weightiest first; or why not assessed
}

// Target is one thing that was scanned. A field is nil where it does not apply.
type Target struct {
	Subject   finding.Subject
	Image     *image.Image // closed; its description only
	Scan      *image.Scan  // nil unless Ask.Layers
	Inventory *sbom.Inventory
	Base      *base.Base                       // nil: not known
	Spans     map[finding.Digest]*finding.Span // Dockerfile instruction by layer; nil: no Dockerfile
	From      *finding.Span                    // the line that names the image whose inventory this is

	// Of such an inventory, where it is known from, and from when that is. One that
	// is reconstructed nobody read in the image: it is what the image's Dockerfile
	// installed on that day. One that is attested is the word of the image's
	// builder.
	Source        Source
	AsOf          time.Time
	Reconstructed bool
	Attested      bool

	signed *signedScan // that a signer of the image's repository attested; nil: there is none

	Idle Idle // what an observation did not see used

	Unmatched bool // the database has advisories of none of the inventory's packages

	remembered finding.Digest // under which the cache has the inventory, as it is without InBase; empty: it has not
}

// Idle is how many packages of the distribution an observation did not see used, and how
// large they are: the most that an image could be without.
type Idle struct {
	Packages int
	Bytes    int64
}
