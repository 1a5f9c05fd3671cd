package policy

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/drydock-dev/drydock/internal/finding"
)

func TestParseConfig(t *testing.T) {
	got, err := ParseConfig(".drydock.yaml", []byte(`
fail-on: [severity:high, "efficiency:0.95", waste:20MB]
severity: critical, high
only-fixed: yes
ignore-base: true
vex: vex/a.json
baseline: old.json
max-db-age: 7d
exclude: ["**/testdata/**"]
publishers: [registry.example.com/base]
ignore:
  - id: CVE-2022-0778
    package: openssl
    path: usr/lib/**
    until: 2026-12-31
    reason: accepted
`))
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		FailOn: "severity:high,efficiency:0.95,waste:20MB", Severities: []finding.Severity{finding.Critical, finding.High},
		OnlyFixed: true, IgnoreBase: true, VEX: []string{"vex/a.json"}, Baseline: "old.json", MaxDBAge: 7 * 24 * time.Hour,
		Exclude:    []string{"**/testdata/**"},
		Publishers: []string{"registry.example.com/base"},
		Exceptions: Exceptions{List: []Exception{{
			ID: "CVE-2022-0778", Packages: []string{"openssl"}, Paths: []string{"usr/lib/**"}, Until: day("2027-01-01T00:00:00Z"),
			Reason: "accepted", By: "config", File: ".drydock.yaml", Line: 12,
		}}},
	}
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
	for _, empty := range []string{"", "# nothing\n", "---\n", "ignore:\n", "null"} {
		if c, err := ParseConfig("c", []byte(empty)); err != nil || len(c.Exceptions.List) != 0 {
			t.Errorf("%q: %+v %v", empty, c, err)
		}
	}
}

func TestParseConfigErrors(t *testing.T) {
	for text, want := range map[string]string{
		"ignor: []":                                  `c.yaml:1: unknown key "ignor"`,
		"\n\nignore:\n  - id: X\n    reson: r":       "c.yaml:5: reson: unknown key",
		"ignore:\n  - id: X":                         "c.yaml:2: an exception needs a reason",
		"ignore:\n  - reason: r":                     "c.yaml:2: an exception needs an id",
		"ignore:\n  - id: X\n    until: tomorrow":    `c.yaml:3: until: "tomorrow" is not a date`,
		"ignore: X":                                  "c.yaml:1: expected a list",
		"ignore: [X]":                                "c.yaml:1: expected keys",
		"fail-on: soon":                              `c.yaml:1: fail-on: gate "soon"`,
		"severity: dreadful":                         "unknown severity",
		"only-fixed: perhaps":                        "neither true nor false",
		"max-db-age: -3d":                            "not an age",
		"- a":                                        "c.yaml:1: expected keys",
		"vex: a\nvex: b":                             "vex",
		"ignore: &a [*a]":                            "expected keys",
		"a: [":                                       "c.yaml",
		"ignore: [{id: [X], reason: r}]":             "expected one value",
		"x: " + strings.Repeat("y", maxFile):         "over the limit",
		"ignore: [{id: X, reason: r, id: Y}]":        "id",
		"baseline: {a: b}":                           "expected one value",
		"max-db-age: 99999999999999999999999999999d": "not an age",
	} {
		c, err := ParseConfig("c.yaml", []byte(text))
		if err == nil || c != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
	var at *lineError
	if _, err := ParseConfig("c", []byte("\nx: 1")); !errors.As(err, &at) || at.line != 2 {
		t.Errorf("no line in %v", err)
	}
}

// What init writes is read without complaint, its examples too.
func TestInitConfig(t *testing.T) {
	text := InitConfig()
	c, err := ParseConfig(".drydock.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Exceptions.List) != 0 || c.FailOn != "" {
		t.Errorf("the file says something by itself: %+v", c)
	}
	text = strings.Replace(text, "ignore: []\n", "ignore:\n", 1)
	for _, line := range []string{"fail-on:", "severity:", "only-fixed:", "ignore-base:", "vex:", "baseline:", "max-db-age:", "exclude:", "publishers:"} {
		if !strings.Contains(text, "\n# "+line) {
			t.Errorf("no example of %s", line)
		}
		text = strings.Replace(text, "\n# "+line, "\n"+line, 1)
	}
	text = strings.ReplaceAll(text, "\n#  ", "\n  ")
	// The table of terms and parts is prose; what is left of it stays comment.
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "   ") && !strings.HasPrefix(line, "    package:") && !strings.HasPrefix(line, "    until:") && !strings.HasPrefix(line, "    reason:") {
			line = "#" + line
		}
		if strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "  - ") && !strings.HasPrefix(line, "    ") {
			line = "#" + line
		}
		b.WriteString(line + "\n")
	}
	c, err = ParseConfig(".drydock.yaml", []byte(b.String()))
	if err != nil {
		t.Fatalf("%v in\n%s", err, b.String())
	}
	if len(c.Exceptions.List) != 1 || c.FailOn != "severity:high" || len(c.Severities) != 2 || !c.OnlyFixed || !c.IgnoreBase ||
		len(c.VEX) != 1 || c.Baseline == "" || c.MaxDBAge != 7*24*time.Hour || len(c.Exclude) != 1 {
		t.Errorf("%+v", c)
	}
}

func TestIgnoreFileErrors(t *testing.T) {
	for name, text := range map[string]string{
		".trivyignore":      "CVE-1 exp:soon",
		".trivyignore.yaml": "vulnerabilities: [{id: X, expired_at: soon}]",
		".grype.yaml":       "ignore: [{package: {name: '('}}]",
		"osv-scanner.toml":  "[[IgnoredVulns",
		"notes.txt":         "CVE-1",
		".grype.yml":        "ignore: [{fix-state: soon}]",
	} {
		s, err := ParseIgnoreFile("d/"+name, []byte(text))
		if err == nil || s != nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %+v %v", name, s, err)
		}
	}
	// An entry that would except everything is left out.
	for name, text := range map[string]string{
		".trivyignore.yaml": "vulnerabilities: [{statement: all of them}]",
		".grype.yaml":       "ignore: [{reason: all of them}]",
		"osv-scanner.toml":  "[[PackageOverrides]]\nignore = true\n",
	} {
		s, err := ParseIgnoreFile(name, []byte(text))
		if err != nil || len(s.List) != 0 || len(s.Warnings) != 1 {
			t.Errorf("%s: %+v %v", name, s, err)
		}
	}
}

// Whatever the file: no list with an error, and no exception that holds for
// everything.
func FuzzIgnoreFile(f *testing.F) {
	for i, s := range []string{
		"CVE-1 exp:2026-01-01 # why", "vulnerabilities: [{id: X, paths: [a/**], purls: ['pkg:npm/a@1'], expired_at: 2026-01-01}]",
		"ignore: [{vulnerability: X, package: {name: 'a.*', type: npm}, fix-state: fixed, namespace: 'a:b'}]",
		"[[IgnoredVulns]]\nid = \"X\"\nignoreUntil = 2026-01-01\n[[PackageOverrides]]\nname=\"a\"\nignore=true\n",
		"ignore: [{id: X, until: 2026-01-01, reason: r}]\nfail-on: kev,waste:1GB", "&a [*a]", "\x00", "a: &a {b: *a}",
	} {
		f.Add(uint8(i), []byte(s))
	}
	names := []string{".trivyignore", ".trivyignore.yaml", ".grype.yaml", "osv-scanner.toml", ""}
	f.Fuzz(func(t *testing.T, n uint8, b []byte) {
		name := names[int(n)%len(names)]
		var s *Exceptions
		var err error
		if name != "" {
			s, err = ParseIgnoreFile(name, b)
		} else {
			var c *Config
			if c, err = ParseConfig("c", b); c != nil {
				if err != nil {
					t.Fatal("a value with an error")
				}
				if _, err := ParseGate(c.FailOn); err != nil {
					t.Fatalf("the gate that was taken is none: %v", err)
				}
				s = &c.Exceptions
			}
		}
		if (err != nil) != (s == nil) {
			t.Fatalf("%v with %v", s, err)
		}
		if s == nil {
			return
		}
		for i := range s.List {
			if e := &s.List[i]; e.By == "" || e.File == "" || (e.empty() && name != ".trivyignore") {
				t.Fatalf("%+v", e)
			}
		}
		stranger := finding.Finding{Rule: "x/y", Key: "\x01stranger", At: []finding.Location{{Path: "/\x01/nowhere"}}}
		for _, f := range s.Apply([]finding.Finding{stranger}, finding.Subject{}, time.Unix(0, 0)) {
			if f.Rule == "x/y" && f.Suppressed != nil && !strings.ContainsAny(string(b), "*?[") {
				t.Fatalf("a stranger is excepted: %+v", f.Suppressed)
			}
		}
	})
}
