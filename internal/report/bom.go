package report

import (
	"errors"
	"io"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// errOneInventory is a result that an SBOM format cannot hold.
var errOneInventory = errors.New("an SBOM holds one inventory, and this target has several or none; say which, or use --format json")

// inventory is the one inventory of a result.
func inventory(res *check.Result) (*sbom.Inventory, error) {
	var one *sbom.Inventory
	for _, t := range res.Targets {
		if t.Inventory == nil || len(t.Inventory.Packages) == 0 {
			continue
		}
		if one != nil {
			return nil, errOneInventory
		}
		one = t.Inventory
	}
	if one == nil {
		return nil, errOneInventory
	}
	return one, nil
}

// SPDX writes the inventory of res as SPDX 2.3, which has no room for
// vulnerabilities.
func SPDX(w io.Writer, res *check.Result, opt Options) error {
	inv, err := inventory(res)
	if err != nil {
		return err
	}
	return sbom.Encode(w, "spdx", inv, sbom.EncodeOptions{Now: opt.Now, ToolVersion: opt.Tool})
}

// CycloneDX writes the inventory of res with its vulnerabilities.
func CycloneDX(w io.Writer, res *check.Result, opt Options) error {
	inv, err := inventory(res)
	if err != nil {
		return err
	}
	bom, ref := sbom.CycloneDX(inv, sbom.EncodeOptions{Now: opt.Now, ToolVersion: opt.Tool})
	var all []cdx.Vulnerability
	for _, f := range res.Findings {
		if f.Vuln != nil {
			all = append(all, cdxVulnerability(f, ref))
		}
	}
	bom.Vulnerabilities = &all
	return sbom.WriteCycloneDX(w, bom)
}

func cdxVulnerability(f finding.Finding, refs func(purl string) []string) cdx.Vulnerability {
	v := f.Vuln
	out := cdx.Vulnerability{ID: v.ID, Source: &cdx.Source{Name: v.SeveritySource, URL: v.URL}}
	rating := cdx.VulnerabilityRating{Severity: cdxSeverity(f.Severity), Source: &cdx.Source{Name: v.SeveritySource}}
	if v.CVSS.Score > 0 {
		score := v.CVSS.Score
		rating.Score, rating.Vector, rating.Method = &score, v.CVSS.Vector, cdxMethod(v.CVSS.Vector)
	}
	out.Ratings = &[]cdx.VulnerabilityRating{rating}
	if v.FixedIn != "" {
		out.Recommendation = "Upgrade " + v.Name + " to " + v.FixedIn
	}
	var affects []cdx.Affects
	for _, r := range refs(v.Package) {
		affects = append(affects, cdx.Affects{Ref: r})
	}
	out.Affects = &affects
	if s := f.Suppressed; s != nil {
		out.Analysis = &cdx.VulnerabilityAnalysis{State: cdx.IASNotAffected, Detail: s.By + ": " + s.Reason}
	}
	return out
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
	case len(vector) > 8 && vector[:8] == "CVSS:4.0":
		return cdx.ScoringMethodCVSSv4
	case len(vector) > 8 && vector[:8] == "CVSS:3.1":
		return cdx.ScoringMethodCVSSv31
	case len(vector) > 8 && vector[:8] == "CVSS:3.0":
		return cdx.ScoringMethodCVSSv3
	}
	return cdx.ScoringMethodCVSSv2
}
