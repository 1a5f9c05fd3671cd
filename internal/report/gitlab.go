package report

import (
	"cmp"
	"io"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
)

// The part of GitLab's container scanning report, version 15, that is written
// here. https://gitlab.com/gitlab-org/security-products/security-report-schemas

type gitlabReport struct {
	Version         string       `json:"version"`
	Scan            gitlabScan   `json:"scan"`
	Vulnerabilities []gitlabVuln `json:"vulnerabilities"`
	Remediations    []struct{}   `json:"remediations"`
}

type gitlabScan struct {
	Analyzer  gitlabTool `json:"analyzer"`
	Scanner   gitlabTool `json:"scanner"`
	StartTime string     `json:"start_time"`
	EndTime   string     `json:"end_time"`
	Status    string     `json:"status"`
	Type      string     `json:"type"`
}

type gitlabTool struct {
	ID      string       `json:"id"`
	Name    string       `json:"name"`
	Vendor  gitlabVendor `json:"vendor"`
	Version string       `json:"version"`
}

type gitlabVendor struct {
	Name string `json:"name"`
}

type gitlabVuln struct {
	ID          string             `json:"id"`
	Name        string             `json:"name"`
	Description string             `json:"description"`
	Severity    string             `json:"severity"`
	Solution    string             `json:"solution,omitempty"`
	Location    gitlabLocation     `json:"location"`
	Identifiers []gitlabIdentifier `json:"identifiers"`
	Links       []gitlabLink       `json:"links,omitempty"`
}

type gitlabLocation struct {
	Dependency      gitlabDependency `json:"dependency"`
	OperatingSystem string           `json:"operating_system"`
	Image           string           `json:"image"`
}

type gitlabDependency struct {
	Package gitlabPackage `json:"package"`
	Version string        `json:"version"`
}

type gitlabPackage struct {
	Name string `json:"name"`
}

type gitlabIdentifier struct {
	Type  string `json:"type"`
	Name  string `json:"name"`
	Value string `json:"value"`
	URL   string `json:"url,omitempty"`
}

type gitlabLink struct {
	URL string `json:"url"`
}

// GitLab writes the vulnerabilities of res as a container scanning report.
// Suppressed findings are left out: the format has no word for them.
func GitLab(w io.Writer, res *check.Result, opt Options) error {
	tool := gitlabTool{ID: "drydock", Name: "Drydock", Vendor: gitlabVendor{"Drydock"}, Version: cmp.Or(opt.Tool, "dev")}
	now := opt.Now.UTC().Format("2006-01-02T15:04:05")
	r := gitlabReport{
		Version:         "15.0.7",
		Scan:            gitlabScan{Analyzer: tool, Scanner: tool, StartTime: now, EndTime: now, Status: "success", Type: "container_scanning"},
		Vulnerabilities: []gitlabVuln{},
		Remediations:    []struct{}{},
	}
	systems := map[finding.Subject]string{}
	for _, t := range res.Targets {
		systems[t.Subject] = "unknown"
		if t.Inventory != nil && t.Inventory.Distro != nil {
			systems[t.Subject] = t.Inventory.Distro.ID + ":" + t.Inventory.Distro.VersionID
		}
	}
	for _, f := range res.Findings {
		v := f.Vuln
		if v == nil || f.Suppressed != nil {
			continue
		}
		g := gitlabVuln{
			ID: f.Fingerprint(), Name: v.ID + " in " + v.Name, Description: sarifMessage(f), Severity: gitlabSeverity(f.Severity),
			Location: gitlabLocation{
				Dependency:      gitlabDependency{gitlabPackage{v.Name}, v.Version},
				OperatingSystem: cmp.Or(systems[f.Subject], "unknown"), Image: f.Subject.Name,
			},
		}
		for _, id := range append([]string{v.ID}, v.Aliases...) {
			g.Identifiers = append(g.Identifiers, gitlabIdentifier{Type: gitlabType(id), Name: id, Value: id})
		}
		g.Identifiers = g.Identifiers[:min(20, len(g.Identifiers))]
		if v.FixedIn != "" {
			g.Solution = "Upgrade " + v.Name + " to " + v.FixedIn
		}
		if v.URL != "" {
			g.Links = []gitlabLink{{v.URL}}
		}
		r.Vulnerabilities = append(r.Vulnerabilities, g)
	}
	return writeJSON(w, r)
}

func gitlabSeverity(s finding.Severity) string {
	switch s {
	case finding.Critical:
		return "Critical"
	case finding.High:
		return "High"
	case finding.Medium:
		return "Medium"
	case finding.Low:
		return "Low"
	case finding.Negligible:
		return "Info"
	}
	return "Unknown"
}

func gitlabType(id string) string {
	switch {
	case len(id) > 4 && id[:4] == "CVE-":
		return "cve"
	case len(id) > 5 && id[:5] == "GHSA-":
		return "ghsa"
	}
	return "drydock"
}
