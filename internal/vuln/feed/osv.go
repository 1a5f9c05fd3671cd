package feed

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// Record is one OSV record: its name and date in the bucket, and what it says
// of the packages of one ecosystem.
type Record struct {
	ID         string
	Modified   time.Time
	Advisories []vuln.Advisory
	Titles     []vuln.Meta // what the vulnerability is and how bad in a word, by its CVE numbers or else by the record's own id
	Partial    bool        // of a source that speaks of a part of the ecosystem only, and says nothing of how far the rest goes

	lagging []string // packages, as "<ecosystem>\x00<name>", whose entries were left out: see laggards
	derived bool     // an entry was concluded from a changelog, and is no word of the tracker
}

// withdrawn reports whether the source took the record back. GitHub says so of
// some only at the beginning of their summary, and a duplicate of another record
// is taken back in the other's favour.
func (r *osvRecord) withdrawn() bool {
	if r.Withdrawn != "" {
		return true
	}
	s := strings.ToLower(strings.TrimLeft(r.Summary, " [(*_"))
	if s == "withdrawn" || s == "rejected cve id" {
		return true
	}
	for _, head := range []string{"withdrawn", "duplicate advisory", "reject **", "rejected reason"} {
		rest, ok := strings.CutPrefix(s, head)
		if ok && rest != "" && strings.ContainsRune(":;-.* )]", rune(rest[0])) {
			return true
		}
	}
	return false
}

type osvRecord struct {
	ID        string        `json:"id"`
	Modified  string        `json:"modified"`
	Published string        `json:"published"`
	Withdrawn string        `json:"withdrawn"`
	Aliases   []string      `json:"aliases"`
	Related   []string      `json:"related"`
	Upstream  []string      `json:"upstream"`
	Summary   string        `json:"summary"`
	Severity  []osvSeverity `json:"severity"`
	Affected  []osvAffected `json:"affected"`
	Database  struct {
		Severity any `json:"severity"`
		Source   any `json:"source"`
	} `json:"database_specific"`
}

type osvSeverity struct {
	Type  string `json:"type"`
	Score string `json:"score"`
}

type osvAffected struct {
	Package struct {
		Ecosystem string `json:"ecosystem"`
		Name      string `json:"name"`
	} `json:"package"`
	Severity []osvSeverity   `json:"severity"`
	Ranges   []osvRange      `json:"ranges"`
	Versions json.RawMessage `json:"versions"` // an enumeration, mostly: read only where it says more than the ranges
	Specific osvSpecific     `json:"ecosystem_specific"`
	Database osvSpecific     `json:"database_specific"`
}

type osvRange struct {
	Type   string     `json:"type"`
	Events []osvEvent `json:"events"`
}

type osvEvent struct {
	Introduced   string `json:"introduced"`
	Fixed        string `json:"fixed"`
	LastAffected string `json:"last_affected"`
	Limit        string `json:"limit"`
}

// osvSpecific gathers the members that some database uses; their types are
// nobody's promise, hence any.
type osvSpecific struct {
	Urgency       any `json:"urgency"`
	Severity      any `json:"severity"`
	Priority      any `json:"ubuntu_priority"`
	Status        any `json:"status"`
	Informational any `json:"informational"`
	Source        any `json:"source"`
	Last          any `json:"last_known_affected_version_range"`

	// The packages that are built from the source that an RPM distribution's entry
	// names: SUSE's by version, openEuler's as the names of files.
	Binaries json.RawMessage `json:"binaries"`
	NoArch   json.RawMessage `json:"noarch"`
	X86      json.RawMessage `json:"x86_64"`
	ARM      json.RawMessage `json:"aarch64"`
}

// OSV reads one OSV record and keeps what it says of the packages of one
// ecosystem, releases included ("Debian" keeps "Debian:11"); all ecosystems for
// "". One advisory comes out for each package and release. GIT ranges are left
// out, and so are entries that affect nothing else.
func OSV(r io.Reader, ecosystem string) (Record, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxRecord+1))
	if err != nil {
		return Record{}, fmt.Errorf("read OSV record: %w", cut(err))
	}
	return new(scanner).osv(b, ecosystem)
}

// osv reads a record that is in memory. Nothing of what it returns is in that memory.
func (s *scanner) osv(b []byte, ecosystem string) (Record, error) {
	if len(b) > maxRecord {
		return Record{}, fmt.Errorf("read OSV record: %w", ErrLimit)
	}
	rec, ok := s.record(b)
	if !ok {
		rec = osvRecord{}
		if err := json.Unmarshal(b, &rec); err != nil {
			return Record{}, fmt.Errorf("read OSV record: %w", err)
		}
	}
	out, err := rec.read(ecosystem)
	if err != nil {
		return Record{}, fmt.Errorf("read OSV record %q: %w", clip(rec.ID), err)
	}
	return out, nil
}

func (rec *osvRecord) read(ecosystem string) (Record, error) {
	if !validID(rec.ID) {
		return Record{}, errors.New("no usable id")
	}
	if len(rec.Affected) > maxAffected {
		return Record{}, fmt.Errorf("%d affected entries: %w", len(rec.Affected), ErrLimit)
	}
	modified, err := osvTime(rec.Modified)
	if err != nil {
		return Record{}, fmt.Errorf("modified: %w", err)
	}
	published, err := osvTime(rec.Published)
	if err != nil {
		return Record{}, fmt.Errorf("published: %w", err)
	}
	out := Record{ID: rec.ID, Modified: modified, Partial: partial(word(rec.Database.Source))}
	if rec.bugfixOnly() {
		return out, nil
	}
	head := vuln.Advisory{
		ID: rec.ID, Aliases: ids(rec.Aliases, rec.ID), Published: published, Modified: modified,
		Withdrawn: rec.withdrawn(),
	}
	// Where an advisory is not itself the vulnerability, "related" or "upstream"
	// names those it is about; elsewhere "related" is every other vendor's word.
	if strings.HasPrefix(rec.ID, "UBUNTU-CVE-") || strings.HasPrefix(rec.ID, "JLSEC-") {
		head.Aliases = ids(append(slices.Clone(rec.Aliases), rec.Upstream...), rec.ID)
	} else if !strings.HasPrefix(rec.ID, "CVE-") {
		head.Related = slices.DeleteFunc(ids(append(slices.Clone(rec.Related), rec.Upstream...), rec.ID), func(id string) bool {
			return !strings.HasPrefix(id, "CVE-") || slices.Contains(head.Aliases, id)
		})
		if len(head.Related) == 0 {
			head.Related = nil
		}
	}
	head.Modules = rec.modules()
	out.Advisories = make([]vuln.Advisory, 0, len(rec.Affected))
	at := map[[2]string]int{}
	add := func(a vuln.Advisory) {
		key := [2]string{a.Ecosystem, a.Package}
		if j, seen := at[key]; seen {
			merge(&out.Advisories[j], a)
			return
		}
		at[key] = len(out.Advisories)
		out.Advisories = append(out.Advisories, a)
	}
	for i := range rec.Affected {
		in := &rec.Affected[i]
		a, ok, err := rec.affected(in, head, ecosystem)
		if err != nil {
			return Record{}, fmt.Errorf("affected[%d]: %w", i, err)
		}
		if !ok {
			continue
		}
		if a.Source == changelog {
			out.derived = true
			if slices.Contains(laggards(), a.Package) {
				out.lagging = append(out.lagging, a.Ecosystem+"\x00"+a.Package)
				continue
			}
		}
		add(a)
		for _, b := range in.Specific.binaries() {
			if b, ok := b.fixed(a); ok && len(out.Advisories) < maxAffected {
				add(b)
			}
		}
	}
	if len(out.Advisories) > 0 && !head.Withdrawn {
		out.Titles = rec.titles(&head)
		out.rate(rec, &head)
	}
	return out, nil
}

func (rec *osvRecord) affected(in *osvAffected, a vuln.Advisory, ecosystem string) (vuln.Advisory, bool, error) {
	eco, name := ecosystemName(rec.ID, in.Package.Ecosystem), in.Package.Name
	base, _, _ := strings.Cut(eco, ":")
	wanted := ecosystem == "" || base == ecosystem || base == drupal && ecosystem == "Packagist"
	if eco == "" || !wanted || misattributed(rec.ID, base, name) || forDebugging(base, name) {
		return a, false, nil
	}
	if !validName(eco) || !validName(name) {
		return a, false, fmt.Errorf("package %q of ecosystem %q", clip(name), clip(eco))
	}
	a.Ecosystem, a.Package = eco, vuln.NormalName(base, name)
	a.Source = rec.source(base, in)
	a.URL = address(a.Source, a.ID)
	for _, r := range in.Ranges {
		if r.Type == "GIT" {
			continue
		}
		out, err := r.read()
		if err != nil {
			return a, false, err
		}
		if len(out.Events) == 0 {
			continue
		}
		if end, ok := lastKnown(word(in.Database.Last)); ok && !bounded(out) {
			out.Events = append(out.Events, end)
		}
		a.Ranges = append(a.Ranges, out)
	}
	if err := versions(&a, base, in.Versions); err != nil {
		return a, false, err
	}
	if len(a.Ranges) == 0 && len(a.Versions) == 0 {
		return a, false, nil
	}
	rec.severity(in, &a)
	return a, true, nil
}

func (r *osvRange) read() (vuln.Range, error) {
	if r.Type != "ECOSYSTEM" && r.Type != "SEMVER" {
		return vuln.Range{}, fmt.Errorf("range of unknown type %q", clip(r.Type))
	}
	if len(r.Events) > maxEvents {
		return vuln.Range{}, fmt.Errorf("%d events: %w", len(r.Events), ErrLimit)
	}
	out := vuln.Range{Type: r.Type, Events: make([]vuln.Event, 0, len(r.Events))}
	for _, e := range r.Events {
		// An object with several members is read as that many events; none is nothing.
		for _, one := range []vuln.Event{{Introduced: e.Introduced}, {Fixed: e.Fixed}, {LastAffected: e.LastAffected}, {Limit: e.Limit}} {
			v := one.Introduced + one.Fixed + one.LastAffected + one.Limit
			if v == "" {
				continue
			}
			if !validVersion(v) {
				return vuln.Range{}, fmt.Errorf("version %q", clip(v))
			}
			out.Events = append(out.Events, one)
		}
	}
	return out, nil
}

// severity fills in the source's own word and vectors.
func (rec *osvRecord) severity(in *osvAffected, a *vuln.Advisory) {
	source := "osv"
	if a.Source == "ghsa" {
		source = "ghsa"
	}
	for _, s := range append(slices.Clone(rec.Severity), in.Severity...) {
		switch s.Type {
		case "CVSS_V2", "CVSS_V3", "CVSS_V4":
			c := finding.CVSS{Vector: s.Score, Source: source}
			if validVector(s.Score) && !slices.Contains(a.CVSS, c) {
				a.CVSS = append(a.CVSS, c)
			}
		case "Ubuntu":
			a.Urgency = word(s.Score)
		}
	}
	status := ""
	for _, s := range []osvSpecific{in.Database, in.Specific} {
		for _, w := range []any{s.Informational, s.Severity, s.Urgency, s.Priority} {
			if w := word(w); w != "" {
				a.Urgency = w
			}
		}
		if w := word(s.Status); w != "" {
			status = w
		}
	}
	if a.Urgency == "" {
		a.Urgency = word(rec.Database.Severity)
	}
	if a.Urgency == "" && (a.Source == "almalinux" || a.Source == "rocky") {
		// "Important: kernel security update": the errata's rating opens the title.
		if w, _, ok := strings.Cut(rec.Summary, ":"); ok {
			if _, err := finding.ParseSeverity(w); err == nil {
				a.Urgency = word(w)
			}
		}
	}
	if s, err := finding.ParseSeverity(a.Urgency); err == nil {
		a.Severity = s
	}
	switch {
	case a.Urgency == "end-of-life":
		a.NoFix = "end of life"
	case status == "ignored":
		a.NoFix = "won't fix"
	case status == "deferred", status == "pending":
		a.NoFix = status
	case status == "needs-triage":
		a.NoFix = "needs triage"
	}
}

// merge adds a second entry of the same package: its ranges and versions, and
// the worse severity.
func merge(a *vuln.Advisory, b vuln.Advisory) {
	for _, r := range b.Ranges {
		if !slices.ContainsFunc(a.Ranges, func(o vuln.Range) bool { return o.Type == r.Type && slices.Equal(o.Events, r.Events) }) {
			a.Ranges = append(a.Ranges, r)
		}
	}
	for _, v := range b.Versions {
		if !slices.Contains(a.Versions, v) {
			a.Versions = append(a.Versions, v)
		}
	}
	for _, c := range b.CVSS {
		if !slices.Contains(a.CVSS, c) {
			a.CVSS = append(a.CVSS, c)
		}
	}
	if b.Severity > a.Severity {
		a.Severity, a.Urgency = b.Severity, b.Urgency
	}
	if a.NoFix != b.NoFix {
		a.NoFix = ""
	}
}
