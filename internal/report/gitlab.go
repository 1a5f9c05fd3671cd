package report

import (
	"cmp"
	"io"
	"strings"

	gocvss20 "github.com/pandatix/go-cvss/20"
	gocvss30 "github.com/pandatix/go-cvss/30"
	gocvss31 "github.com/pandatix/go-cvss/31"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/jsonstream"
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
	Analyzer  gitlabTool      `json:"analyzer"`
	Scanner   gitlabTool      `json:"scanner"`
	StartTime string          `json:"start_time"`
	EndTime   string          `json:"end_time"`
	Status    string          `json:"status"`
	Type      string          `json:"type"`
	Messages  []gitlabMessage `json:"messages,omitempty"`
}

// gitlabMessage is shown beside the results: level "warn" is a part that failed.
type gitlabMessage struct {
	Level string `json:"level"`
	Value string `json:"value"`
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
	CVSS        []gitlabCVSS       `json:"cvss_vectors,omitempty"`
	Links       []gitlabLink       `json:"links,omitempty"`
}

type gitlabCVSS struct {
	Vendor string `json:"vendor"`
	Vector string `json:"vector"`
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

// GitLab writes the vulnerabilities of res as a container scanning report. What
// could not be told is a message at level "warn". Suppressed findings are left
// out: the format has no word for them.
func GitLab(w io.Writer, res *check.Result, opt Options) error {
	tool := gitlabTool{ID: "drydock", Name: "Drydock", Vendor: gitlabVendor{"Drydock"}, Version: cmp.Or(opt.Tool, "dev")}
	now := opt.Now.UTC().Format("2006-01-02T15:04:05")
	r := gitlabReport{
		Version:         "15.0.7",
		Scan:            gitlabScan{Analyzer: tool, Scanner: tool, StartTime: now, EndTime: now, Status: "success", Type: "container_scanning"},
		Vulnerabilities: []gitlabVuln{},
		Remediations:    []struct{}{},
	}
	for _, u := range res.Unknown {
		r.Scan.Messages = append(r.Scan.Messages, gitlabMessage{"warn", cut(clean("Could not be told: "+about(res, u.Subject)+u.What+": "+u.Why), longestText)})
	}
	for _, s := range coverageLines(res) {
		r.Scan.Messages = append(r.Scan.Messages, gitlabMessage{"info", cut(clean("Coverage: "+s), longestText)})
	}
	for _, m := range res.Warnings {
		r.Scan.Messages = append(r.Scan.Messages, gitlabMessage{"info", cmp.Or(cut(clean(m), longestText), "–")})
	}
	if len(res.Database.Sources) > 0 {
		r.Scan.Messages = append(r.Scan.Messages, gitlabMessage{"info", cut(clean(dataLine(res.Database)), longestText)})
	}
	systems := map[finding.Subject]string{}
	for _, t := range res.Targets {
		if t.Inventory != nil && t.Inventory.Distro != nil {
			systems[t.Subject] = strings.Trim(clean(t.Inventory.Distro.ID+":"+t.Inventory.Distro.VersionID), ":")
		}
	}
	found := func(yield func(any) bool) {
		for _, f := range res.Findings {
			if v := f.Vuln; v != nil && f.Suppressed == nil {
				if g := gitlabOf(f, systems[f.Subject]); !yield(&g) {
					return
				}
			}
		}
	}
	return jsonstream.Write(w, jsonstream.Value{V: &r, Lists: jsonstream.Lists{"vulnerabilities": found}})
}

func gitlabOf(f finding.Finding, system string) gitlabVuln {
	v := f.Vuln
	g := gitlabVuln{
		ID: uuid(f.Fingerprint()), Name: cut(clean(named(v)), 255), Description: cut(clean(vulnSentence(f)), longestText), Severity: gitlabSeverity(f.Severity),
		Location: gitlabLocation{
			Dependency:      gitlabDependency{gitlabPackage{clean(v.Name)}, clean(v.Version)},
			OperatingSystem: cmp.Or(system, "unknown"), Image: cmp.Or(clean(f.Subject.Name), string(f.Subject.Digest), "unknown"),
		},
	}
	for _, id := range append([]string{v.ID}, v.Aliases...) {
		if id = clean(id); id != "" && len(g.Identifiers) < mostIdentifiers {
			g.Identifiers = append(g.Identifiers, gitlabIdentifier{Type: gitlabType(id), Name: id, Value: id})
		}
	}
	if len(g.Identifiers) == 0 {
		g.Identifiers = []gitlabIdentifier{{Type: "drydock", Name: string(f.Rule), Value: cmp.Or(clean(f.Key), string(f.Rule))}}
	}
	g.Solution = cut(clean(v.Remedy()), longestText)
	if gitlabTakes(v.CVSS.Vector) {
		g.CVSS = []gitlabCVSS{{cmp.Or(clean(v.CVSS.Source), "unknown"), v.CVSS.Vector}}
	}
	if u := webURL(v.URL); u != "" {
		g.Links = []gitlabLink{{u}}
		g.Identifiers[0].URL = u
	}
	return g
}

// mostIdentifiers is how many identifiers of a vulnerability GitLab takes.
const mostIdentifiers = 20

// uuid writes 32 hex digits as GitLab wants an id.
func uuid(hex string) string {
	return hex[:8] + "-" + hex[8:12] + "-" + hex[12:16] + "-" + hex[16:20] + "-" + hex[20:]
}

// gitlabTakes reports whether a vector is of a CVSS version that the format has.
func gitlabTakes(vector string) bool {
	if len(vector) > 128 {
		return false
	}
	var err error
	switch {
	case strings.HasPrefix(vector, "CVSS:3.1/"):
		_, err = gocvss31.ParseVector(vector)
	case strings.HasPrefix(vector, "CVSS:3.0/"):
		_, err = gocvss30.ParseVector(vector)
	case strings.HasPrefix(vector, "AV:"):
		_, err = gocvss20.ParseVector(vector)
	default:
		return false
	}
	return err == nil
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
	case strings.HasPrefix(id, "CVE-"):
		return "cve"
	case strings.HasPrefix(id, "GHSA-"):
		return "ghsa"
	}
	return "drydock"
}
