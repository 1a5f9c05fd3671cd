package finding

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Digest is an OCI content digest: "sha256:" and 64 lower-case hex digits.
type Digest string

// Hex is the digest without its algorithm.
func (d Digest) Hex() string {
	_, h, _ := strings.Cut(string(d), ":")
	return h
}

// Short is the first twelve hex digits, for people.
func (d Digest) Short() string { return d.Hex()[:min(12, len(d.Hex()))] }

// IsSHA256 reports whether d is a well-formed sha256 digest, and so no path of
// its own making.
func (d Digest) IsSHA256() bool {
	h, ok := strings.CutPrefix(string(d), "sha256:")
	return ok && len(h) == 2*sha256.Size && strings.Trim(h, "0123456789abcdef") == ""
}

// DigestOf is the sha256 digest of b.
func DigestOf(b []byte) Digest {
	h := sha256.Sum256(b)
	return Digest("sha256:" + hex.EncodeToString(h[:]))
}

// Finding is one thing that is wrong with one subject.
type Finding struct {
	Rule     RuleID
	Aliases  []string // the rule's names in other tools
	Key      string   // tells instances of a rule apart: "CVE-2022-0778 pkg:deb/debian/openssl"
	Practice Practice
	Subject  Subject
	At       []Location // any number of places, the most telling first
	Severity Severity
	Message  string // one sentence, no secret in it
	Evidence []Evidence
	Fixes    []Fix
	Vuln     *Vuln // for vuln/ rules

	// Hidden are the values in the user's file that are secret: they are not to be
	// shown, wherever they stand.
	Hidden []Secret

	// Suppressed says why the finding does not count, and nil that it does.
	Suppressed *Suppression
	// Unshipped is what of a project the finding is in that no image of it holds
	// ("documentation", "tests"): it weighs less. Empty: it may be shipped.
	Unshipped string
	// More is how many more there are like it, of its rule and severity in its
	// subject, that were counted and not kept: see [Omitted].
	More int

	Traits // of the rule
}

// Secret is a value that nothing prints: whoever needs it converts it.
type Secret string

// String implements fmt.Stringer.
func (Secret) String() string { return "****" }

// GoString implements fmt.GoStringer.
func (Secret) GoString() string { return `"****"` }

// MarshalText implements encoding.TextMarshaler.
func (Secret) MarshalText() ([]byte, error) { return []byte("****"), nil }

// SubjectKind says what sort of thing a subject is.
type SubjectKind string

// The kinds of subject.
const (
	KindImage      SubjectKind = "image"
	KindDockerfile SubjectKind = "dockerfile"
	KindFolder     SubjectKind = "folder"
	KindFile       SubjectKind = "file" // a lock file, a program, a jar
	KindRootfs     SubjectKind = "rootfs"
	KindSBOM       SubjectKind = "sbom"
	KindService    SubjectKind = "compose-service"
	KindContainer  SubjectKind = "container"
	KindPod        SubjectKind = "kubernetes-container"
	KindEngine     SubjectKind = "engine"
)

// Subject is what a finding is about.
type Subject struct {
	Kind   SubjectKind
	Name   string // as the user named it, or as it is known: "nginx:1.20", "examples/react-app/Dockerfile"
	Digest Digest // of an image's manifest, or else its configuration; empty where there is none
}

// Location is one place, seen in every world in which it is seen.
type Location struct {
	Source    *Span  // in a file of the user's
	Layer     Digest // diffID of the image's layer
	Path      string // in the image, absolute
	Config    string // JSON pointer into the image configuration, the compose file or daemon.json
	Container string
}

// Span is a range of bytes of a file. Start and End are byte offsets, End
// exclusive; Line and Column count from 1, Column in bytes. A zero Line means
// the file as a whole.
type Span struct {
	File         string
	Start, End   int
	Line, Column int
}

// Evidence is one reason why a finding is so, for people. What a program is to
// know of it has a field of its own.
type Evidence struct {
	Kind    EvidenceKind
	Text    string
	URL     string
	Package *Installed // of [EvidencePackage], where the package has a name of its own
}

// Installed is a package as its manager names it.
type Installed struct {
	Name    string
	Version string
	Arch    string // empty: none, or not known
	Removed bool   // in a later layer
}

// EvidenceKind is what sort of reason a piece of evidence is.
type EvidenceKind string

// The kinds that somebody asks for; the others are words for people.
const (
	EvidenceAdvisory     EvidenceKind = "advisory"
	EvidencePackage      EvidenceKind = "package"
	EvidenceSupport      EvidenceKind = "support"       // whether a package still gets fixes
	EvidenceRewrite      EvidenceKind = "rewrite"       // what a rewrite decided
	EvidenceUndecided    EvidenceKind = "undecided"     // what a rewrite leaves to the user
	EvidenceNotRewritten EvidenceKind = "not rewritten" // why a rewrite is not offered
	EvidenceAttested     EvidenceKind = "attested"      // a signer of the image says so
	EvidenceVEX          EvidenceKind = "vex"
	EvidenceException    EvidenceKind = "exception"
	EvidenceUse          EvidenceKind = "use" // whether a package was in use while it was watched
)

// Suppression says why a finding does not count, and on whose word.
type Suppression struct {
	By     string // "config", "ignore-file", "vex", "owner", [ByPragma], [ByBaseline]
	Source string // the file or package that says so
	Reason string
}

// Who suppresses, where it matters who does.
const (
	ByPragma   = "pragma"
	ByBaseline = "baseline"
)

// Vuln is what a vuln/ finding knows of its vulnerability.
type Vuln struct {
	ID             string   // the id to show: CVE where one is known, else the advisory's
	Aliases        []string // every other id, those that name the vulnerability itself first
	Title          string   // a line that says what it is; empty: none is known
	TitleSource    string   // whose words the title is: "ghsa", "go", "kev" …
	Package        string   // purl, of the source package for a distribution's
	Name           string   // package name as its ecosystem says it
	Version        string   // installed
	PackageType    string   // purl type: "deb", "npm" ...
	FixedIn        string   // the version this release offers; empty: none
	NoFix          string   // why none, where the source says: "won't fix", "deferred", "end of life"
	CVSS           CVSS
	SeveritySource string // who says the severity: "debian", "ubuntu", "nvd", "ghsa" ...
	Unrated        string // why there is no severity, where a source says: "awaiting analysis (nvd)"
	EPSS           EPSS
	KEV            bool   // in CISA's catalogue of known exploited vulnerabilities
	KEVAdded       string // date, "2021-12-10"
	Published      time.Time
	URL            string
	InBase         *bool    // nil: not known
	Dev            bool     // the package is a development dependency, by its lock file
	Via            []string // the direct dependencies that bring the package, "express 4.17.1"; empty: it is one, or not known
	Use            Use      // of the package, while its container was watched
	Path           []string // the shortest way to the package, from the project: "shop 1.0.0", "express 4.17.1", "qs 6.7.0"; empty: not known
}

// CVSS is a vector, its base score (0 to 10) and who gave it.
type CVSS struct {
	Vector string
	Score  float64
	Source string
}

// EPSS is the probability (0 to 1) of exploitation within 30 days, as of Date.
type EPSS struct {
	Score      float64
	Percentile float64
	Date       string // "2026-08-01"
}

// Unknown is something that could not be told. It is never the same as clean.
type Unknown struct {
	Subject Subject
	What    string // what is not known: "vulnerabilities of /app/vendor.jar"
	Why     string // why, and what would help

	// Beyond tells what lies beyond what was asked: the packages of a base image
	// that a file only names. It is shown, and fails only where a gate asks for it.
	Beyond bool
}

// Asked leaves out what lies beyond what was asked.
func Asked(unknown []Unknown) []Unknown {
	var out []Unknown
	for _, u := range unknown {
		if !u.Beyond {
			out = append(out, u)
		}
	}
	return out
}

// Omitted reports what findings say of others that were counted and not kept,
// unless all that are like those are suppressed. A baseline vouches for none of
// them: it has not seen them either.
func Omitted(found []Finding) []Unknown {
	type class struct {
		rule     RuleID
		severity Severity
		subject  Subject
	}
	type count struct {
		kept, more int
		live       bool
	}
	counts := map[class]*count{}
	var order []class
	for _, f := range found {
		if f.Suppressed != nil && f.Suppressed.By == ByPragma {
			continue // those were counted apart
		}
		of := class{f.Rule, f.Severity, f.Subject}
		c := counts[of]
		if c == nil {
			c = &count{}
			counts[of] = c
			order = append(order, of)
		}
		c.kept++
		c.more += f.More
		c.live = c.live || f.Suppressed == nil || f.Suppressed.By == ByBaseline
	}
	var out []Unknown
	for _, of := range order {
		if c := counts[of]; c.live && c.more > 0 {
			out = append(out, Unknown{
				Subject: of.subject,
				What:    fmt.Sprintf("%d of %d findings of %s", c.more, c.kept+c.more, of.rule),
				Why:     fmt.Sprintf("only the first %d of severity %s in a file are shown", c.kept, of.severity),
			})
		}
	}
	return out
}

// Fingerprint identifies the finding across runs: its rule, key, subject and
// place, without message text or byte offsets, as 32 hex digits. What changes
// with every build is left out, so that tomorrow's image keeps today's baseline:
// an image's name, tag and digest, and, of what has a path in it, the installed
// version in a key's purl.
func (f Finding) Fingerprint() string {
	h := sha256.New()
	put := func(parts ...string) {
		for _, p := range parts {
			_, _ = io.WriteString(h, p)
			_, _ = h.Write([]byte{0})
		}
	}
	key := f.Key
	if len(f.At) > 0 && f.At[0].Path != "" {
		key = versionless(key) // the place tells two versions apart
	}
	put(string(f.Rule), key, string(f.Subject.Kind))
	switch f.Subject.Kind {
	case KindImage, KindRootfs, KindSBOM: // one a run, and named anew at every build
	default:
		put(f.Subject.Name)
	}
	if len(f.At) > 0 {
		l := f.At[0]
		put(l.Path, l.Config, l.Container)
		if l.Source != nil {
			put(l.Source.File)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// versionless is a key without the version of the purl in it.
func versionless(key string) string {
	at := strings.LastIndexByte(key, '@')
	if at < 0 || !strings.Contains(key[:at], "pkg:") {
		return key
	}
	return key[:at]
}

// Compare orders findings for people: those that count first, then worst
// first, then by exploitation, rule and key. It is a total order for distinct
// findings of a subject.
func Compare(a, b Finding) int {
	return cmp.Or(
		boolCompare(a.Suppressed != nil, b.Suppressed != nil),
		boolCompare(a.Unshipped != "", b.Unshipped != ""),
		cmp.Compare(a.Severity.Place(), b.Severity.Place()),
		boolCompare(!a.exploited(), !b.exploited()),
		cmp.Compare(b.score(), a.score()),
		cmp.Compare(a.Subject.Name, b.Subject.Name),
		cmp.Compare(a.Rule, b.Rule),
		cmp.Compare(a.Key, b.Key),
		slices.CompareFunc(a.At, b.At, compareLocations),
	)
}

func compareLocations(a, b Location) int {
	c := cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Config, b.Config), cmp.Compare(a.Layer, b.Layer))
	if c != 0 || a.Source == nil || b.Source == nil {
		return c
	}
	return cmp.Or(cmp.Compare(a.Source.File, b.Source.File), cmp.Compare(a.Source.Start, b.Source.Start))
}

// Line is where the finding is told in a file of the user's; 0: nowhere.
func (f Finding) Line() int {
	if len(f.At) == 0 || f.At[0].Source == nil {
		return 0
	}
	return f.At[0].Source.Line
}

func (f Finding) exploited() bool { return f.Vuln != nil && f.Vuln.KEV }

func (f Finding) score() float64 {
	if f.Vuln == nil {
		return 0
	}
	return f.Vuln.CVSS.Score
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
