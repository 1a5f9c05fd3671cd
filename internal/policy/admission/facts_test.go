package admission

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
)

// scanned are facts of a scan.
type scanned struct {
	Facts
	all   []Vulnerability
	bases []Base
	err   error
}

func (s scanned) Vulnerabilities(context.Context, Subject) ([]Vulnerability, error) {
	return s.all, s.err
}

func (s scanned) Bases(context.Context, Subject) ([]Base, error) { return s.bases, s.err }

// decide is a policy's answer about r.io/me/app:v1.
func decide(t *testing.T, policy string, facts Facts) Decision {
	t.Helper()
	n, err := image.ParseName("r.io/me/app:v1")
	if err != nil {
		t.Fatal(err)
	}
	p := mustParse(t, head+"rules: [{name: app, images: [r.io/me/app], "+policy)
	return p.Rule(n.Repository).Decide(context.Background(), Subject{Name: n, Digest: finding.DigestOf([]byte("x"))}, facts, noon())
}

// TestVulnerabilities: a severity's grace counts from the day on which a vulnerability
// became known; one without a fix counts where the rule says so; an exception lifts one
// vulnerability by any of its names, until its day has passed.
func TestVulnerabilities(t *testing.T) {
	ago := func(days int) time.Time { return noon().AddDate(0, 0, -days) }
	v := func(id, severity string, days int, fixed bool) Vulnerability {
		return Vulnerability{ID: id, Severity: severity, Since: ago(days), Fixed: fixed, Aliases: []string{"GHSA-" + id}}
	}
	except := func(what, until string) string {
		return "}]\nexceptions: [{image: r.io/me/app, except: [" + what + "], reason: soon, until: " + until + "}]"
	}
	unknownDay := Vulnerability{ID: "CVE-5", Severity: "high", Fixed: true}
	for name, c := range map[string]struct {
		policy string
		all    []Vulnerability
		err    error
		want   Verdict
		text   string
	}{
		"none":                      {"vulnerabilities: {critical: 0d}}]", nil, nil, Allowed, ""},
		"another severity":          {"vulnerabilities: {critical: 0d}}]", []Vulnerability{v("CVE-1", "high", 99, true)}, nil, Allowed, ""},
		"at once":                   {"vulnerabilities: {critical: 0d}}]", []Vulnerability{v("CVE-1", "critical", 0, true)}, nil, Refused, "CVE-1 (critical)"},
		"within grace":              {"vulnerabilities: {high: 14d}}]", []Vulnerability{v("CVE-1", "high", 13, true)}, nil, Allowed, ""},
		"beyond grace":              {"vulnerabilities: {high: 14d}}]", []Vulnerability{v("CVE-1", "high", 14, true)}, nil, Refused, "CVE-1 (high)"},
		"known since nobody knows":  {"vulnerabilities: {high: 14d}}]", []Vulnerability{unknownDay}, nil, Refused, "CVE-5"},
		"no fix":                    {"vulnerabilities: {high: 0d}}]", []Vulnerability{v("CVE-1", "high", 99, false)}, nil, Allowed, ""},
		"no fix, and that counts":   {"vulnerabilities: {high: {after: 0d, unfixed: true}}}]", []Vulnerability{v("CVE-1", "high", 99, false)}, nil, Refused, "CVE-1"},
		"unrated":                   {"vulnerabilities: {unrated: 0d}}]", []Vulnerability{v("CVE-1", "unrated", 9, true)}, nil, Refused, "CVE-1 (unrated)"},
		"many":                      {"vulnerabilities: {low: 0d}}]", []Vulnerability{v("CVE-1", "low", 9, true), v("CVE-2", "low", 9, true), v("CVE-3", "low", 9, true), v("CVE-4", "low", 9, true)}, nil, Refused, "and 1 more"},
		"excepted":                  {"vulnerabilities: {high: 0d}" + except("CVE-1", "2026-11-23"), []Vulnerability{v("CVE-1", "high", 99, true)}, nil, Allowed, ""},
		"excepted by another name":  {"vulnerabilities: {high: 0d}" + except("GHSA-CVE-1", "2026-11-23"), []Vulnerability{v("CVE-1", "high", 99, true)}, nil, Allowed, ""},
		"the exception is over":     {"vulnerabilities: {high: 0d}" + except("CVE-1", "2026-11-22"), []Vulnerability{v("CVE-1", "high", 99, true)}, nil, Refused, "CVE-1"},
		"another is excepted":       {"vulnerabilities: {high: 0d}" + except("CVE-2", "2026-11-23"), []Vulnerability{v("CVE-1", "high", 99, true)}, nil, Refused, "CVE-1"},
		"all are excepted":          {"vulnerabilities: {high: 0d}" + except("vulnerabilities", "2026-11-23"), []Vulnerability{v("CVE-1", "high", 99, true)}, nil, Allowed, ""},
		"the scan was not complete": {"vulnerabilities: {high: 0d}}]", nil, errors.New("a layer is broken"), Unknown, "a layer is broken"},
	} {
		d := decide(t, c.policy, scanned{all: c.all, err: c.err})
		if d.Verdict != c.want || !strings.Contains(d.Reason, c.text) || c.want != Allowed && d.Requirement != "vulnerabilities" {
			t.Errorf("%s: %+v, want %s and %q", name, d, c.want, c.text)
		}
		if excepted := strings.Contains(c.policy, "exceptions"); c.want == Allowed && excepted != slices.ContainsFunc(d.Excepted, func(s string) bool { return strings.HasSuffix(s, "soon") }) {
			t.Errorf("%s: excepted %q", name, d.Excepted)
		}
	}
}

// TestBases: an image stands on one that the rule names, or on one of a publisher that it
// names; what it stands on has to be known.
func TestBases(t *testing.T) {
	alpine, mine := Base{Repository: "docker.io/library/alpine", Publisher: "official"}, Base{Repository: "r.io/base/x"}
	const only = `bases: {images: ["r.io/base/*"], publishers: [official]}}]`
	for name, c := range map[string]struct {
		policy string
		bases  []Base
		err    error
		want   Verdict
		text   string
	}{
		"the publisher":       {only, []Base{alpine}, nil, Allowed, ""},
		"the pattern":         {only, []Base{mine}, nil, Allowed, ""},
		"one of several":      {only, []Base{{Repository: "docker.io/eve/x"}, mine}, nil, Allowed, ""},
		"another":             {only, []Base{{Repository: "docker.io/eve/alpine", Publisher: "vendor"}}, nil, Refused, "it stands on docker.io/eve/alpine"},
		"of nobody known":     {`bases: {publishers: [""]}}]`, []Base{mine}, nil, Refused, "it stands on r.io/base/x"},
		"not known":           {only, nil, nil, Unknown, "not known"},
		"could not be looked": {only, nil, errors.New("down"), Unknown, "down"},
		"excepted":            {only + "\nexceptions: [{image: r.io/me/app, except: [bases], reason: soon, until: 2026-11-23}]", []Base{{Repository: "docker.io/eve/x"}}, nil, Allowed, ""},
	} {
		d := decide(t, c.policy, scanned{bases: c.bases, err: c.err})
		if d.Verdict != c.want || !strings.Contains(d.Reason, c.text) || c.want != Allowed && d.Requirement != "bases" {
			t.Errorf("%s: %+v, want %s and %q", name, d, c.want, c.text)
		}
	}
}
