package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
)

// Options says how a report is printed.
type Options struct {
	Tool           string // the program's version
	Now            time.Time
	Width          int      // columns for text; 0: 120
	Color          bool     // ANSI colours in text
	Full           bool     // show all that fixes change, lock files included
	All            bool     // list every finding, where the card lists the worst
	ShowSuppressed bool     // list what does not count, with the reason
	Items          bool     // list every item of the benchmark
	Quiet          bool     // no next steps
	Depth          int      // how deep a tree goes; 0: as deep as it is
	View           View     // which text; the other formats print everything
	Program        string   // how the user calls the program, for the next command: "drydock", "docker drydock"
	Target         string   // as the user named it
	More           []string // targets after it

	// For the next command: the flags that one by a verb needs to look at the same
	// thing, without some (nil: none), and whether no network was used, and will not be.
	Again   func(verb string, but ...string) []string
	Offline bool
	Kept    bool // by the environment, which keeps it so
}

// View is which of the text reports is wanted.
type View string

// The text reports.
const (
	Card      View = "check"
	CVEs      View = "cves"
	Quickview View = "quickview"
	Layers    View = "layers"
	Packages  View = "sbom"
	Tree      View = "tree"
	Lint      View = "lint"
	Audit     View = "audit"
)

// writer prints one format.
type writer func(io.Writer, *check.Result, Options) error

func writers() map[string]writer {
	return map[string]writer{
		"text":      forPeople(Text),
		"json":      JSON,
		"sarif":     SARIF,
		"markdown":  forPeople(Markdown),
		"gitlab":    GitLab,
		"html":      forPeople(HTML),
		"cyclonedx": CycloneDX,
		"spdx":      SPDX,
		"openvex":   OpenVEX,

		"checkstyle":  Checkstyle,
		"codeclimate": CodeClimate,
		"github":      GitHub,
	}
}

// Formats lists what Write can print, sorted.
func Formats() []string {
	var names []string
	for n := range writers() {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Write prints res in the named format.
func Write(w io.Writer, format string, res *check.Result, opt Options) error {
	print, ok := writers()[format]
	if !ok {
		return fmt.Errorf("unknown format %q (one of %s)", format, strings.Join(Formats(), ", "))
	}
	return print(w, res, opt.ready(format))
}

// ready are the options with what stands for a zero value, for one format.
func (o Options) ready(format string) Options {
	if o.Width <= 0 {
		o.Width = 120
	}
	if o.Program == "" {
		o.Program = "drydock"
	}
	o.Color = o.Color && format == "text"
	o.Program, o.Target, o.More = clean(o.Program), clean(o.Target), cleanAll(o.More)
	return o
}

// tally counts findings that count, by severity.
type tally map[finding.Severity]int

func tallyOf(findings []finding.Finding, keep func(finding.Finding) bool) tally {
	t := tally{}
	for _, f := range findings {
		if f.Suppressed == nil && (keep == nil || keep(f)) {
			t[f.Severity]++
		}
	}
	return t
}

// notLooked stands in the place of a count of what was not looked at.
const notLooked = "–"

// nothing is what is said of a subject in which nothing was found: that nothing
// was, only where something was looked at.
func nothing(res *check.Result, s finding.Subject) string {
	_, linted := res.Sources[s.Name]
	looked := linted || slices.ContainsFunc(res.Targets, func(t check.Target) bool {
		return t.Subject == s && (matched(t) || t.Image != nil && t.Scan != nil)
	})
	switch {
	case !looked:
		return notLooked
	case partly(res, s):
		return "nothing found, and not everything is known"
	}
	return "nothing found"
}

// partly reports whether something of a subject is not known: that nothing was
// found of it does not make it clean.
func partly(res *check.Result, s finding.Subject) bool {
	return slices.ContainsFunc(res.Unknown, func(u finding.Unknown) bool { return u.Subject == s })
}
