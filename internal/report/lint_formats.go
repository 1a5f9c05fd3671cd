package report

import (
	"bufio"
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/jsonstream"
)

// located are the findings that count and have a line in a file, and the
// unknowns, which no format may leave out.
func located(res *check.Result, each func(f finding.Finding, s finding.Span)) {
	for _, f := range res.Findings {
		if f.Suppressed != nil {
			continue
		}
		at := finding.Span{File: f.Subject.Name, Line: 1, Column: 1}
		if s := sourceOf(f); s != nil {
			at = *s
		}
		at.Line, at.Column = max(at.Line, 1), max(at.Column, 1)
		each(f, at)
	}
}

// messageOf is a finding's message, or its vulnerability's sentence.
func messageOf(f finding.Finding) string {
	if f.Vuln != nil {
		return vulnSentence(f)
	}
	return sentence(f.Message)
}

type checkstyleReport struct {
	XMLName xml.Name         `xml:"checkstyle"`
	Version string           `xml:"version,attr"`
	Files   []checkstyleFile `xml:"file"`
}

type checkstyleFile struct {
	Name   string            `xml:"name,attr"`
	Errors []checkstyleError `xml:"error"`
}

type checkstyleError struct {
	Line     int    `xml:"line,attr"`
	Column   int    `xml:"column,attr"`
	Severity string `xml:"severity,attr"`
	Message  string `xml:"message,attr"`
	Source   string `xml:"source,attr"`
}

// Checkstyle writes the findings as Checkstyle's XML, a file element a file.
func Checkstyle(w io.Writer, res *check.Result, _ Options) error {
	out := checkstyleReport{Version: "4.3"}
	index := map[string]int{}
	add := func(file string, e checkstyleError) {
		i, ok := index[file]
		if !ok {
			i = len(out.Files)
			index[file] = i
			out.Files = append(out.Files, checkstyleFile{Name: clean(file)})
		}
		out.Files[i].Errors = append(out.Files[i].Errors, e)
	}
	located(res, func(f finding.Finding, s finding.Span) {
		level := sarifLevel(f.Severity)
		if level == "note" {
			level = "info"
		}
		add(s.File, checkstyleError{s.Line, s.Column, level, messageOf(f), cmp.Or(firstOf(f.Aliases), string(f.Rule))})
	})
	for _, u := range res.Unknown {
		add(u.Subject.Name, checkstyleError{1, 1, "error", sentence("could not be told: " + u.What + ": " + u.Why), "drydock/unknown"})
	}
	b := bufio.NewWriter(w)
	fmt.Fprint(b, xml.Header)
	enc := xml.NewEncoder(b)
	enc.Indent("", "  ")
	if err := enc.Encode(out); err != nil {
		return err
	}
	fmt.Fprintln(b)
	return b.Flush()
}

func firstOf(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return s[0]
}

// climate is an issue of Code Climate's format, which GitLab's code quality
// reads.
type climate struct {
	Type        string          `json:"type"`
	CheckName   string          `json:"check_name"`
	Description string          `json:"description"`
	Categories  []string        `json:"categories"`
	Fingerprint string          `json:"fingerprint"`
	Severity    string          `json:"severity"`
	Location    climateLocation `json:"location"`
}

type climateLocation struct {
	Path  string       `json:"path"`
	Lines climateLines `json:"lines"`
}

type climateLines struct {
	Begin int `json:"begin"`
	End   int `json:"end"`
}

// CodeClimate writes the findings as an array of Code Climate's issues.
func CodeClimate(w io.Writer, res *check.Result, _ Options) error {
	out := []climate{}
	located(res, func(f finding.Finding, s finding.Span) {
		category := "Bug Risk"
		if f.Practice == finding.LeastPrivilege || f.Practice == finding.Vulnerabilities || f.Practice == finding.TrustedBase || f.Practice == finding.ContentTrust {
			category = "Security"
		}
		out = append(out, climate{
			Type: "issue", CheckName: string(f.Rule), Description: messageOf(f), Categories: []string{category}, Fingerprint: f.Fingerprint(),
			Severity: climateSeverity(f.Severity), Location: climateLocation{Path: strings.TrimPrefix(clean(s.File), "./"), Lines: climateLines{s.Line, s.Line}},
		})
	})
	for _, u := range res.Unknown {
		out = append(out, climate{
			Type: "issue", CheckName: "drydock/unknown", Description: sentence("could not be told: " + u.What + ": " + u.Why), Categories: []string{"Bug Risk"},
			Fingerprint: finding.Finding{Rule: "drydock/unknown", Key: u.What, Subject: u.Subject}.Fingerprint(),
			Severity:    "major", Location: climateLocation{Path: clean(cmp.Or(u.Subject.Name, "-")), Lines: climateLines{1, 1}},
		})
	}
	return jsonstream.Write(w, out)
}

func climateSeverity(s finding.Severity) string {
	switch s {
	case finding.Critical:
		return "blocker"
	case finding.High:
		return "critical"
	case finding.Medium:
		return "major"
	case finding.Low:
		return "minor"
	}
	return "info"
}

// GitHub writes the findings as workflow commands, which GitHub shows at the
// lines of a pull request.
func GitHub(w io.Writer, res *check.Result, _ Options) error {
	b := bufio.NewWriter(w)
	located(res, func(f finding.Finding, s finding.Span) {
		level := sarifLevel(f.Severity)
		if level == "note" {
			level = "notice"
		}
		names := strings.Join(append([]string{string(f.Rule)}, f.Aliases...), " ")
		fmt.Fprintf(b, "::%s file=%s,line=%d,col=%d,title=%s::%s\n", level, property(s.File), s.Line, s.Column, property(names), data(messageOf(f)))
	})
	for _, u := range res.Unknown {
		fmt.Fprintf(b, "::error title=could not be told::%s\n", data(sentence(u.What+": "+u.Why)))
	}
	return b.Flush()
}

// data and property escape what a workflow command may not hold.
func data(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func property(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(clean(s))
}
