package check

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

const scanOf = `{"schema":"drydock/v1","subjects":[{"kind":"image","name":"a"}],"database":{"sources":{"npm":"2026-11-01"}},
"findings":[{"rule":"vuln/language-package","severity":"high","id":"CVE-2021-1","aliases":["GHSA-x"],"package":"pkg:npm/a@1","fixedIn":"2","suppressed":null},
{"rule":"vuln/language-package","severity":"low","id":"CVE-2021-2","package":"pkg:npm/b@1","suppressed":{"by":"vex"}},
{"rule":"image/setuid","severity":"low","package":""}]}`

// TestSignedScanBeside: what a signed scan adds depends on what is known here, and from
// when.
func TestSignedScanBeside(t *testing.T) {
	day := func(s string) time.Time {
		at, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	ours := finding.Finding{Vuln: &finding.Vuln{ID: "GHSA-x", Package: "pkg:npm/a@1"}}
	for _, c := range []struct {
		name     string
		packages []sbom.Package
		sources  map[string]time.Time
		found    []finding.Finding
		want     int
		said     string
	}{
		{"the package is not known here", nil, map[string]time.Time{"npm": day("2026-11-20")}, nil, 1, "1 of its finding"},
		{"older advisories here", []sbom.Package{{Type: "npm", Name: "a", Version: "1"}}, map[string]time.Time{"npm": day("2026-10-20")}, nil, 1, "1 of its finding"},
		{"no such advisories here", []sbom.Package{{Type: "npm", Name: "a", Version: "1"}}, nil, nil, 1, "1 of its finding"},
		{"as new here", []sbom.Package{{Type: "npm", Name: "a", Version: "1"}}, map[string]time.Time{"npm": day("2026-11-01")}, nil, 0, "no longer holds"},
		{"by another name", nil, nil, []finding.Finding{ours}, 0, "finds all"},
	} {
		s, err := readScan([]byte(scanOf))
		if err != nil {
			t.Fatal(err)
		}
		if len(s.findings) != 1 {
			t.Fatalf("a suppressed finding, or one of another kind, counts: %+v", s.findings)
		}
		res := &Result{Findings: c.found, Database: Database{Sources: c.sources}}
		out := s.beside(&Target{Inventory: &sbom.Inventory{Packages: c.packages}}, res)
		if len(out.Findings) != c.want || !strings.Contains(out.Warnings[0], c.said) {
			t.Errorf("%s: %d findings, %q", c.name, len(out.Findings), out.Warnings)
		}
	}
}

func TestReadScanRefuses(t *testing.T) {
	for what, b := range map[string]string{
		"is understood":     `{"SchemaVersion":2}`,
		"no JSON report":    `[]`,
		"2 targets":         `{"schema":"drydock/v1","subjects":[{},{}]}`,
		"advisories of":     `{"schema":"drydock/v1","subjects":[{}],"database":{"sources":{"npm":"soon"}}}`,
		"no vulnerability":  `{"schema":"drydock/v1","subjects":[{}],"findings":[{"rule":"vuln/program","id":"X","package":"nonsense"}]}`,
		"unknown severity":  `{"schema":"drydock/v1","subjects":[{}],"findings":[{"rule":"vuln/program","severity":"dire"}]}`,
		"than 20000":        `{"schema":"drydock/v1","subjects":[{}],"findings":[` + strings.Repeat(`{"rule":"vuln/program","id":"X","package":"pkg:npm/a@1"},`, maxSigned) + `{"rule":"vuln/program","id":"X","package":"pkg:npm/a@1"}]}`,
		"no vulnerability ": `{"schema":"drydock/v1","subjects":[{}],"findings":[{"rule":"vuln/program","package":"pkg:npm/a@1"}]}`,
	} {
		if s, err := readScan([]byte(b)); err == nil || s != nil {
			t.Errorf("%s: taken", what)
		} else if !strings.Contains(err.Error(), strings.TrimSpace(what)) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// FuzzReadScan: a signed scan is taken whole or not at all, each of its findings names a
// vulnerability and a package, and no more are taken than there are.
func FuzzReadScan(f *testing.F) {
	f.Add([]byte(scanOf))
	f.Add([]byte(`{"schema":"drydock/v1","subjects":[{}],"findings":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := readScan(b)
		if err != nil {
			if s != nil {
				t.Error("a value beside an error")
			}
			return
		}
		var doc struct{ Findings []json.RawMessage }
		if err := json.Unmarshal(b, &doc); err != nil || len(s.findings) > len(doc.Findings) {
			t.Errorf("%d findings of %d, %v", len(s.findings), len(doc.Findings), err)
		}
		for _, x := range s.findings {
			if x.Vuln.ID == "" || plainPackage(x.Vuln.Package) == "" || x.Vuln.Name == "" {
				t.Errorf("%+v", x)
			}
		}
	})
}
