package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// InventoryError is a result that an SBOM format cannot hold: it has no
// inventory, or several.
type InventoryError struct {
	Subjects []string // whose inventories there are
}

func (e *InventoryError) Error() string {
	if len(e.Subjects) == 0 {
		return "an SBOM holds one inventory, and this target has none"
	}
	names := make([]string, len(e.Subjects))
	for i, s := range e.Subjects {
		names[i] = clean(s)
	}
	const most = 5
	list := strings.Join(names[:min(len(names), most)], ", ")
	if n := len(names) - most; n > 0 {
		list += fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("an SBOM holds one inventory, and this target has %d: %s", len(e.Subjects), list)
}

// Hint says what to do.
func (e *InventoryError) Hint() string {
	if len(e.Subjects) == 0 {
		return "an image, a root file system, a folder with lock files or an SBOM has one; --format json reports on everything"
	}
	return "name one of them as the target, or use --format json, which holds them all"
}

// inventory is the target of a result that has the one inventory. Inventories
// without a package stand back where another has some.
func inventory(res *check.Result) (check.Target, error) {
	var with, empty []check.Target
	for _, t := range res.Targets {
		switch {
		case t.Inventory == nil:
		case len(t.Inventory.Packages) > 0:
			with = append(with, t)
		default:
			empty = append(empty, t)
		}
	}
	if len(with) == 0 {
		with = empty
	}
	if len(with) == 1 {
		return with[0], nil
	}
	e := &InventoryError{}
	for _, t := range with {
		e.Subjects = append(e.Subjects, t.Subject.Name)
	}
	return check.Target{}, e
}

// SPDX writes the inventory of res as SPDX 2.3, which has no room for
// vulnerabilities.
func SPDX(w io.Writer, res *check.Result, opt Options) error {
	t, err := inventory(res)
	if err != nil {
		return err
	}
	return sbom.Encode(w, "spdx", t.Inventory, sbom.EncodeOptions{Now: opt.Now, ToolVersion: opt.Tool})
}

// CycloneDX writes the inventory of res with its vulnerabilities.
func CycloneDX(w io.Writer, res *check.Result, opt Options) error {
	t, err := inventory(res)
	if err != nil {
		return err
	}
	bill := sbom.CycloneDX(t.Inventory, sbom.EncodeOptions{Now: opt.Now, ToolVersion: opt.Tool})
	dated(bill.BOM, res.Database)
	return bill.Write(w, func(yield func(cdx.Vulnerability) bool) {
		seen := map[string]bool{}
		for _, f := range res.Findings {
			if id := f.Fingerprint(); f.Vuln != nil && f.Subject == t.Subject && !seen[id] {
				seen[id] = true
				v := cdxVulnerability(f, bill.Refs)
				v.BOMRef = "vulnerability-" + id
				if !yield(v) {
					return
				}
			}
		}
	})
}

func cdxVulnerability(f finding.Finding, refs func(purl string) []string) cdx.Vulnerability {
	v := f.Vuln
	out := cdx.Vulnerability{ID: v.ID, Ratings: &[]cdx.VulnerabilityRating{}, Affects: &[]cdx.Affects{}}
	if u := webURL(v.URL); u != "" {
		out.Source = &cdx.Source{Name: host(u), URL: u}
		out.Advisories = &[]cdx.Advisory{{URL: u}}
	}
	word := cdx.VulnerabilityRating{Severity: cdxSeverity(f.Severity), Source: cdxSource(v.SeveritySource)}
	if v.CVSS.Score > 0 {
		score := v.CVSS.Score
		rating := cdx.VulnerabilityRating{Source: cdxSource(v.CVSS.Source), Score: &score, Vector: v.CVSS.Vector, Method: cdxMethod(v.CVSS.Vector)}
		if v.SeveritySource == v.CVSS.Source || v.SeveritySource == "" {
			rating.Severity, word.Severity = word.Severity, ""
		}
		*out.Ratings = append(*out.Ratings, rating)
	}
	if word.Severity != "" {
		// The word that counts comes first.
		*out.Ratings = append([]cdx.VulnerabilityRating{word}, *out.Ratings...)
	}
	out.Recommendation = v.Remedy()
	if !v.Published.IsZero() {
		out.Published = v.Published.UTC().Format(time.RFC3339)
	}
	if len(v.Aliases) > 0 {
		out.References = &[]cdx.VulnerabilityReference{}
		for _, a := range v.Aliases {
			*out.References = append(*out.References, cdx.VulnerabilityReference{ID: a, Source: &cdx.Source{Name: aliasSource(a)}})
		}
	}
	for _, r := range refs(v.Package) {
		*out.Affects = append(*out.Affects, cdx.Affects{Ref: r})
	}
	out.Analysis = cdxAnalysis(f.Suppressed)
	return out
}

// cdxAnalysis is a suppression in CycloneDX's words. That somebody lives with a
// vulnerability does not make the package not affected, and is not said so.
func cdxAnalysis(s *finding.Suppression) *cdx.VulnerabilityAnalysis {
	if s == nil {
		return nil
	}
	a := &cdx.VulnerabilityAnalysis{Detail: s.By + ": " + s.Reason}
	switch {
	case s.By == "vex" && strings.HasPrefix(s.Reason, string(vuln.Fixed)):
		a.State = cdx.IASResolved
	case s.By == "vex":
		a.State = cdx.IASNotAffected
	case s.By == "owner" || s.By == "kernel-headers":
		a.State = cdx.IASFalsePositive
	case s.By == "removed":
		a.State = cdx.IASNotAffected
		a.Justification = cdx.IAJCodeNotPresent
	case s.By == finding.ByBaseline:
		return nil // known before is no decision
	default:
		a.Response = &[]cdx.ImpactAnalysisResponse{cdx.IARWillNotFix}
	}
	return a
}

// dated says in the bill's metadata from when the advisory data is.
func dated(bom *cdx.BOM, d check.Database) {
	if len(d.Sources) == 0 || bom.Metadata == nil {
		return
	}
	var props []cdx.Property
	if bom.Metadata.Properties != nil {
		props = *bom.Metadata.Properties
	}
	for _, name := range slices.Sorted(maps.Keys(d.Sources)) {
		props = append(props, cdx.Property{Name: "drydock:advisories:" + name, Value: day(d.Sources[name])})
	}
	bom.Metadata.Properties = &props
}

func cdxSource(name string) *cdx.Source {
	if name == "" {
		return nil
	}
	return &cdx.Source{Name: name}
}

func host(u string) string {
	_, rest, _ := strings.Cut(u, "://")
	h, _, _ := strings.Cut(rest, "/")
	return h
}

// aliasSource is who gives out ids of the kind of id.
func aliasSource(id string) string {
	prefix, _, _ := strings.Cut(id, "-")
	switch prefix {
	case "CVE":
		return "NVD"
	case "GHSA":
		return "GitHub"
	}
	return prefix
}

func cdxSeverity(s finding.Severity) cdx.Severity {
	switch s {
	case finding.Critical:
		return cdx.SeverityCritical
	case finding.High:
		return cdx.SeverityHigh
	case finding.Medium:
		return cdx.SeverityMedium
	case finding.Low:
		return cdx.SeverityLow
	case finding.Negligible:
		return cdx.SeverityInfo
	}
	return cdx.SeverityUnknown
}

func cdxMethod(vector string) cdx.ScoringMethod {
	switch {
	case strings.HasPrefix(vector, "CVSS:4.0/"):
		return cdx.ScoringMethodCVSSv4
	case strings.HasPrefix(vector, "CVSS:3.1/"):
		return cdx.ScoringMethodCVSSv31
	case strings.HasPrefix(vector, "CVSS:3.0/"):
		return cdx.ScoringMethodCVSSv3
	case strings.HasPrefix(vector, "AV:"):
		return cdx.ScoringMethodCVSSv2
	}
	return cdx.ScoringMethodOther
}
