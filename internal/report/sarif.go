package report

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
)

// The part of SARIF 2.1.0 that is written here.
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool        sarifTool         `json:"tool"`
	Results     []sarifResult     `json:"results"`
	Invocations []sarifInvocation `json:"invocations"`
	ColumnKind  string            `json:"columnKind"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	Version        string      `json:"version,omitempty"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID               string         `json:"id"`
	Name             string         `json:"name,omitempty"`
	ShortDescription sarifText      `json:"shortDescription"`
	FullDescription  *sarifText     `json:"fullDescription,omitempty"`
	HelpURI          string         `json:"helpUri,omitempty"`
	Help             *sarifText     `json:"help,omitempty"`
	Properties       map[string]any `json:"properties,omitempty"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifResult struct {
	RuleID              string             `json:"ruleId"`
	RuleIndex           int                `json:"ruleIndex"`
	Level               string             `json:"level"`
	Message             sarifText          `json:"message"`
	Locations           []sarifLocation    `json:"locations"`
	PartialFingerprints map[string]string  `json:"partialFingerprints"`
	Suppressions        []sarifSuppression `json:"suppressions,omitempty"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Justification string `json:"justification,omitempty"`
}

type sarifLocation struct {
	PhysicalLocation sarifPhysical  `json:"physicalLocation"`
	Message          *sarifText     `json:"message,omitempty"`
	LogicalLocations []sarifLogical `json:"logicalLocations,omitempty"`
}

type sarifLogical struct {
	FullyQualifiedName string `json:"fullyQualifiedName"`
	Kind               string `json:"kind"`
}

type sarifPhysical struct {
	ArtifactLocation sarifArtifact `json:"artifactLocation"`
	Region           *sarifRegion  `json:"region,omitempty"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn,omitempty"`
}

type sarifInvocation struct {
	ExecutionSuccessful bool                `json:"executionSuccessful"`
	Notifications       []sarifNotification `json:"toolExecutionNotifications,omitempty"`
}

type sarifNotification struct {
	Level   string    `json:"level"`
	Message sarifText `json:"message"`
}

// SARIF writes res as SARIF 2.1.0. A vulnerability is a rule of its own, as
// code scanning expects; a result points at the Dockerfile or lock file line
// where one is known, else at the file in the image. What could not be told is
// a notification.
func SARIF(w io.Writer, res *check.Result, opt Options) error {
	s := sarifRun{
		Tool:        sarifTool{sarifDriver{Name: "drydock", Version: opt.Tool, InformationURI: "https://github.com/drydock-dev/drydock", Rules: []sarifRule{}}},
		Results:     []sarifResult{},
		Invocations: []sarifInvocation{{ExecutionSuccessful: true}},
		ColumnKind:  "utf16CodeUnits",
	}
	index := map[string]int{}
	for _, f := range res.Findings {
		rule := sarifRuleOf(f)
		i, seen := index[rule.ID]
		if !seen {
			i = len(s.Tool.Driver.Rules)
			index[rule.ID] = i
			s.Tool.Driver.Rules = append(s.Tool.Driver.Rules, rule)
		}
		r := sarifResult{
			RuleID: rule.ID, RuleIndex: i, Level: sarifLevel(f.Severity), Message: sarifText{sarifMessage(f)},
			Locations:           sarifLocations(f),
			PartialFingerprints: map[string]string{"drydock/v1": f.Fingerprint()},
		}
		if f.Suppressed != nil {
			r.Suppressions = []sarifSuppression{{Kind: "external", Justification: f.Suppressed.Reason}}
		}
		s.Results = append(s.Results, r)
	}
	for _, u := range res.Unknown {
		s.Invocations[0].Notifications = append(s.Invocations[0].Notifications,
			sarifNotification{Level: "warning", Message: sarifText{"could not be told: " + u.What + ": " + u.Why}})
	}
	return writeJSON(w, sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{s}})
}

func sarifRuleOf(f finding.Finding) sarifRule {
	if v := f.Vuln; v != nil {
		r := sarifRule{ID: v.ID, Name: string(f.Rule), ShortDescription: sarifText{v.ID + " in " + v.Name}, HelpURI: v.URL}
		r.Properties = map[string]any{"tags": append([]string{"vulnerability", "security"}, v.Aliases...)}
		if v.CVSS.Score > 0 {
			r.Properties["security-severity"] = fmt.Sprintf("%.1f", v.CVSS.Score)
		} else {
			r.Properties["security-severity"] = nominalScore(f.Severity)
		}
		return r
	}
	r := sarifRule{ID: string(f.Rule), ShortDescription: sarifText{string(f.Rule)}}
	if rule, ok := check.FindRule(string(f.Rule)); ok {
		r.ShortDescription = sarifText{rule.Title}
		r.FullDescription = &sarifText{rule.Why}
		r.Properties = map[string]any{"tags": append([]string{string(rule.Practice)}, rule.Aliases...), "security-severity": nominalScore(rule.Severity)}
	}
	return r
}

// nominalScore stands for a severity that came without a score, in the middle
// of CVSS's band for it.
func nominalScore(s finding.Severity) string {
	switch s {
	case finding.Critical:
		return "9.5"
	case finding.High:
		return "8.0"
	case finding.Medium:
		return "5.5"
	case finding.Low:
		return "2.0"
	}
	return "0.0"
}

func sarifLevel(s finding.Severity) string {
	switch s {
	case finding.Critical, finding.High:
		return "error"
	case finding.Medium:
		return "warning"
	}
	return "note"
}

func sarifMessage(f finding.Finding) string {
	v := f.Vuln
	if v == nil {
		return f.Message
	}
	fix := "no fix"
	switch {
	case v.FixedIn != "":
		fix = "fixed in " + v.FixedIn
	case v.NoFix != "":
		fix = "no fix: " + v.NoFix
	}
	return fmt.Sprintf("%s %s: %s (%s), %s", v.Name, v.Version, v.ID, f.Severity, fix)
}

func sarifLocations(f finding.Finding) []sarifLocation {
	var out []sarifLocation
	for _, l := range f.At {
		var loc sarifLocation
		switch {
		case l.Source != nil:
			loc.PhysicalLocation.ArtifactLocation.URI = sarifURI(l.Source.File)
			loc.PhysicalLocation.Region = &sarifRegion{StartLine: max(1, l.Source.Line), StartColumn: l.Source.Column}
		case l.Path != "":
			loc.PhysicalLocation.ArtifactLocation.URI = sarifURI(strings.TrimPrefix(l.Path, "/"))
			loc.PhysicalLocation.Region = &sarifRegion{StartLine: 1}
		default:
			loc.PhysicalLocation.ArtifactLocation.URI = sarifURI(f.Subject.Name)
			loc.PhysicalLocation.Region = &sarifRegion{StartLine: 1}
		}
		if l.Layer != "" {
			loc.LogicalLocations = []sarifLogical{{FullyQualifiedName: string(l.Layer) + l.Path, Kind: "resource"}}
		}
		out = append(out, loc)
	}
	if len(out) == 0 {
		out = []sarifLocation{{PhysicalLocation: sarifPhysical{ArtifactLocation: sarifArtifact{sarifURI(f.Subject.Name)}, Region: &sarifRegion{StartLine: 1}}}}
	}
	return out[:min(len(out), 10)]
}

// sarifURI is a path as a relative URI reference (RFC 3986).
func sarifURI(path string) string {
	const keep = "-._~/@+,=!$&'()*;"
	var b strings.Builder
	for _, c := range []byte(filepath.ToSlash(path)) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte(keep, c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
