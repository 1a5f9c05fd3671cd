package policy

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/finding"
)

func TestParseGate(t *testing.T) {
	for text, want := range map[string]Gate{
		"":                  {},
		"none":              {},
		"high":              {Severity: finding.High},
		"severity:CRITICAL": {Severity: finding.Critical},
		"severity:high,efficiency:0.95,waste:20MB": {Severity: finding.High, Efficiency: .95, Waste: 20_000_000, HasWaste: true},
		"severity:high,unrated":                    {Severity: finding.High, Unrated: true},
		"unrated,critical":                         {Severity: finding.Critical, Unrated: true},
		"unspecified":                              {Unrated: true},
		"severity:unspecified":                     {Unrated: true},
		"severity:unknown,severity:low":            {Severity: finding.Low, Unrated: true},
		"unrated:false":                            {},
		"unknown":                                  {Unknown: true},
		" medium , kev ":                           {Severity: finding.Medium, KEV: true},
		"efficiency:90%":                           {Efficiency: .9},
		"waste:1MiB":                               {Waste: 1 << 20, HasWaste: true},
		"waste:0":                                  {HasWaste: true},
		"user-waste:10%":                           {UserWaste: .1, HasUserWaste: true},
		"epss:0.5,kev:false":                       {EPSS: .5},
	} {
		got, err := ParseGate(text)
		if err != nil || got != want {
			t.Errorf("%q: %+v %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"dreadful", "severity:", "efficiency:2", "efficiency:x", "waste:much", "waste:-1", "waste:1e9999", "waste:9999999TB", "size:3", "epss:NaN", "kev:perhaps"} {
		if g, err := ParseGate(text); err == nil || g != (Gate{}) || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: %+v %v", text, g, err)
		}
	}
}

func FuzzParseGate(f *testing.F) {
	for _, s := range []string{"severity:high,efficiency:0.95,waste:20MB", "high", "kev,epss:1%", "user-waste:.1", ",,", "waste:1.5GiB"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		g, err := ParseGate(s)
		if err != nil {
			if g != (Gate{}) {
				t.Fatal("a gate with an error")
			}
			return
		}
		if !(g.Efficiency >= 0 && g.Efficiency <= 1 && g.EPSS >= 0 && g.EPSS <= 1 && g.UserWaste >= 0 && g.UserWaste <= 1 && g.Waste >= 0) {
			t.Fatalf("%+v", g)
		}
		// A clean image passes any gate.
		if v := g.Judge(nil, nil, Stats{Efficiency: 1}); v.Code != 0 {
			t.Fatalf("%+v of nothing at all", v)
		}
		if g.And(g) != g || g.And(Gate{}) != g {
			t.Fatalf("%+v and itself is another", g)
		}
	})
}

func TestJudge(t *testing.T) {
	s := sample()
	all := []finding.Finding{s["openssl"], s["lodash"], s["root"]}
	hidden := s["lodash"]
	hidden.Suppressed = &finding.Suppression{By: "vex"}
	unknown := []finding.Unknown{{What: "vulnerabilities of 3 deb packages", Why: "the database has nothing for Debian:99"}}
	unrated := finding.Finding{Vuln: &finding.Vuln{ID: "CVE-2026-1"}}
	beyond := []finding.Unknown{{What: "packages of corp/base", Why: "not in the catalogue", Beyond: true}}
	for _, test := range []struct {
		name    string
		gate    string
		found   []finding.Finding
		unknown []finding.Unknown
		stats   []Stats
		code    int
		reasons string // held by the reasons together
	}{
		{"no gate", "", all, nil, nil, 0, ""},
		{"over", "critical", all, nil, nil, 2, "1 critical finding (severity:critical)"},
		{"at and over", "high", all, nil, nil, 2, "2 high findings (severity:high)"},
		{"suppressed", "critical", []finding.Finding{hidden}, nil, nil, 0, ""},
		{"under", "critical", []finding.Finding{s["root"]}, nil, nil, 0, ""},
		{"unknown alone", "", nil, unknown, nil, 1, "1 thing could not be told: vulnerabilities of 3 deb packages"},
		{"unknown and nothing over", "critical", []finding.Finding{s["root"]}, unknown, nil, 1, "Debian:99"},
		{"unknown and over", "high", all, unknown, nil, 2, "could not be told"},
		{"beyond what was asked", "critical", nil, beyond, nil, 0, ""},
		{"beyond what was asked, and asked for", "unknown", nil, beyond, nil, 2, "packages of corp/base"},
		{"both", "", nil, append(beyond[:1:1], unknown...), nil, 1, "1 thing could not be told: vulnerabilities"},
		{"both, and asked for", "unknown", nil, append(beyond[:1:1], unknown...), nil, 2, "2 things could not be told"},
		{"unknown, and none is", "unknown", all, nil, nil, 0, ""},
		{"unrated passes a severity", "high", []finding.Finding{unrated}, nil, nil, 0, ""},
		{"unrated", "unrated", []finding.Finding{unrated, s["root"]}, nil, nil, 2, "1 finding without a severity (unrated)"},
		{"a severity or none", "severity:critical,unrated", []finding.Finding{unrated, s["root"]}, nil, nil, 2, "1 finding without a severity (unrated)"},
		{"none is unrated", "unrated", []finding.Finding{s["root"]}, nil, nil, 0, ""},
		{"exploited", "kev", all, nil, nil, 2, "1 known exploited vulnerability (kev)"},
		{"likely exploited", "epss:0.5", all, nil, nil, 2, "1 vulnerability likely"},
		{"unlikely", "epss:0.95", all, nil, nil, 0, ""},
		{"inefficient", "efficiency:0.95", nil, nil, []Stats{{Name: "app", Efficiency: .9, Wasted: 30_000_000}}, 2, "app: efficiency 0.9000 is under 0.95 (30.0 MB wasted)"},
		{"efficient", "efficiency:0.95", nil, nil, []Stats{{Efficiency: .96, Wasted: 30_000_000}}, 0, ""},
		{"tiny and inefficient", "efficiency:0.95", nil, nil, []Stats{{Efficiency: .5, Wasted: EfficiencyFloor - 1}}, 0, ""},
		{"wasteful", "waste:20MB", nil, nil, []Stats{{Efficiency: 1, Wasted: 20_000_001}}, 2, "20.0 MB wasted, over 20.0 MB"},
		{"as wasteful as may be", "waste:20MB", nil, nil, []Stats{{Wasted: 20_000_000}}, 0, ""},
		{"tiny and wasteful", "waste:1kB", nil, nil, []Stats{{Wasted: WasteFloor - 1}}, 0, ""},
		{"user's share", "user-waste:10%", nil, nil, []Stats{{Wasted: 5_000_000, UserSize: 40_000_000}}, 2, "12.5% of the layers"},
		{"user's share not known", "user-waste:10%", nil, nil, []Stats{{Wasted: 5_000_000}}, 0, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			g, err := ParseGate(test.gate)
			if err != nil {
				t.Fatal(err)
			}
			v := g.Judge(test.found, test.unknown, test.stats...)
			if got := strings.Join(v.Reasons, "; "); v.Code != test.code || !strings.Contains(got, test.reasons) || (test.reasons == "") != (got == "") {
				t.Errorf("code %d, %q, want %d, %q", v.Code, got, test.code, test.reasons)
			}
		})
	}
}

func TestUnjudged(t *testing.T) {
	s := sample()
	unrated := finding.Finding{Vuln: &finding.Vuln{ID: "CVE-2026-1"}}
	hidden := unrated
	hidden.Suppressed = &finding.Suppression{By: "vex"}
	all := []finding.Finding{unrated, unrated, hidden, s["root"]}
	for gate, want := range map[string]string{
		"":                      "",
		"kev":                   "",
		"severity:high,unrated": "",
		"critical":              "2 findings without a severity passed (severity:critical,unrated stops them)",
		"epss:0.5":              "2 vulnerabilities without an EPSS score passed (epss:0.5)",
	} {
		g, err := ParseGate(gate)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(g.Judge(all, nil).Unjudged, "; "); got != want {
			t.Errorf("%q: %q, want %q", gate, got, want)
		}
	}
}

func TestUndecided(t *testing.T) {
	s := sample()
	unknown := finding.Finding{Vuln: &finding.Vuln{ID: "CVE-2026-1", FixedIn: "2"}}
	unlikely := finding.Finding{Severity: finding.High, Vuln: &finding.Vuln{ID: "CVE-2026-2", EPSS: finding.EPSS{Score: .01, Date: "2026-08-01"}}}
	hidden := unknown
	hidden.Suppressed = &finding.Suppression{By: "vex"}
	all := []finding.Finding{unknown, unlikely, hidden, s["root"]}
	for _, test := range []struct {
		f    Filter
		kept int
		want []Undecided
	}{
		{Filter{}, 4, nil},
		{Filter{EPSS: .5}, 2, []Undecided{{"epss-score", "EPSS score", 1, true}}},
		{Filter{Severities: []finding.Severity{finding.High}}, 2, []Undecided{{"severity", "severity", 1, false}}},
		{Filter{Severities: []finding.Severity{finding.High, finding.Unspecified}}, 4, nil},
		{Filter{Severities: []finding.Severity{finding.High}, OnlyKEV: true}, 0, nil},
		{Filter{EPSS: .5, Severities: []finding.Severity{finding.High}}, 0, []Undecided{{"severity", "severity", 1, false}}},
	} {
		out, got := test.f.Apply(all)
		if d := cmp.Diff(test.want, got); len(out) != test.kept || d != "" {
			t.Errorf("%+v: keeps %d, want %d: %s", test.f, len(out), test.kept, d)
		}
	}
}

func TestDive(t *testing.T) {
	g, err := ParseDiveCI(".dive-ci", []byte("rules:\n  lowestEfficiency: 0.95\n  highestWastedBytes: 20MB\n  highestUserWastedPercent: 0.20\n"))
	if want := (Gate{Efficiency: .95, Waste: 20_000_000, HasWaste: true, UserWaste: .2, HasUserWaste: true}); err != nil || g != want {
		t.Errorf("%+v %v", g, err)
	}
	g, err = ParseDiveCI(".dive-ci", []byte("rules:\n  lowestEfficiency: disabled\n  highestWastedBytes: disabled\n"))
	if err != nil || !g.Empty() {
		t.Errorf("%+v %v", g, err)
	}
	for _, bad := range []string{"rules:\n  lowestEffciency: 0.9", "rules: [a]", "rules:\n  lowestEfficiency: much"} {
		if g, err := ParseDiveCI(".dive-ci", []byte(bad)); err == nil || !g.Empty() {
			t.Errorf("%q: %+v %v", bad, g, err)
		}
	}
	a, b := Gate{Severity: finding.High, Efficiency: .9, Waste: 5, HasWaste: true}, Gate{Severity: finding.Low, Efficiency: .95, EPSS: .5, UserWaste: .1, HasUserWaste: true}
	want := Gate{Severity: finding.Low, Efficiency: .95, EPSS: .5, Waste: 5, HasWaste: true, UserWaste: .1, HasUserWaste: true}
	if a.And(b) != want || b.And(a) != want {
		t.Errorf("%+v, %+v", a.And(b), b.And(a))
	}
}

func TestFilter(t *testing.T) {
	s := sample()
	expired := finding.Finding{Rule: RuleExpired, Severity: finding.Medium}
	for _, test := range []struct {
		name string
		f    Filter
		want string
	}{
		{"all", Filter{}, "openssl lodash root"},
		{"severity", Filter{Severities: []finding.Severity{finding.High}}, "openssl root"},
		{"fixed", Filter{OnlyFixed: true}, "openssl root"},
		{"unfixed", Filter{OnlyUnfixed: true}, "lodash"},
		{"package", Filter{Packages: []string{"LODASH"}}, "lodash"},
		{"purl", Filter{Packages: []string{"pkg:deb/debian/openssl"}}, "openssl"},
		{"binary's purl", Filter{Packages: []string{"pkg:deb/debian/libssl1.1"}}, "openssl"},
		{"type", Filter{PackageTypes: []string{"deb"}}, "openssl"},
		{"type by another name", Filter{PackageTypes: []string{"javascript"}}, "lodash"},
		{"id", Filter{IDs: []string{"cve-2022-0778"}}, "openssl"},
		{"alias", Filter{IDs: []string{"GHSA-35JH-r3h4-6jhm"}}, "lodash"},
		{"exploited", Filter{OnlyKEV: true}, "lodash"},
		{"likely", Filter{EPSS: .5}, "lodash"},
		{"without the base's", Filter{IgnoreBase: true}, "lodash root"},
		{"the base's", Filter{OnlyBase: true}, "openssl"},
		{"two terms", Filter{OnlyFixed: true, IDs: []string{"CVE-2021-23337"}}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, n := range []string{"openssl", "lodash", "root"} {
				if test.f.Keep(s[n]) {
					got = append(got, n)
				}
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("keeps %q, want %q", got, test.want)
			}
			if out, _ := test.f.Apply([]finding.Finding{expired}); len(out) != 1 {
				t.Error("an expired exception is filtered out")
			}
		})
	}
}

func TestParseSeverities(t *testing.T) {
	got, err := ParseSeverities([]string{"CRITICAL,high", "high", ""})
	if d := cmp.Diff([]finding.Severity{finding.Critical, finding.High}, got); err != nil || d != "" {
		t.Errorf("%v %s", err, d)
	}
	if got, err := ParseSeverities([]string{"high,dreadful"}); err == nil || got != nil {
		t.Errorf("%v %v", got, err)
	}
}

func TestBaseline(t *testing.T) {
	s := sample()
	old, hidden := s["openssl"], s["root"]
	type entry struct {
		Fingerprint string `json:"fingerprint"`
		Suppressed  any    `json:"suppressed"`
	}
	report, err := json.Marshal(map[string]any{"schema": "drydock/v1", "findings": []entry{
		{old.Fingerprint(), nil}, {hidden.Fingerprint(), map[string]string{"by": "config"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"report": string(report), "list": "# known\n" + old.Fingerprint() + " # openssl\r\n\n"} {
		b, err := ParseBaseline("old", []byte(text))
		if err != nil || b.Len() != 1 {
			t.Fatalf("%s: %v %v", name, b, err)
		}
		in := []finding.Finding{old, s["lodash"], hidden}
		out := b.Apply(in)
		if out[0].Suppressed == nil || out[0].Suppressed.By != "baseline" || out[1].Suppressed != nil || out[2].Suppressed != nil || in[0].Suppressed != nil {
			t.Errorf("%s: %+v", name, out)
		}
	}
	for _, bad := range []string{"{", `{"findings":[]}`, `{"schema":"cyclonedx"}`, `{"schema":"drydock/v1","findings":[{}]}`, "CVE-2022-0778", strings.Repeat("A", 32)} {
		if b, err := ParseBaseline("old", []byte(bad)); err == nil || b != nil {
			t.Errorf("%q: %v %v", bad, b, err)
		}
	}
	if out := (*Baseline)(nil).Apply([]finding.Finding{old}); len(out) != 1 || out[0].Suppressed != nil {
		t.Error(out)
	}
}

func FuzzParseBaseline(f *testing.F) {
	for _, s := range []string{`{"schema":"drydock/v1","findings":[{"fingerprint":"00112233445566778899aabbccddeeff"}]}`, "00112233445566778899aabbccddeeff\n", "# x", "{}", "[]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		base, err := ParseBaseline("f", b)
		if (err != nil) != (base == nil) {
			t.Fatalf("%v with %v", base, err)
		}
		if base != nil && 32*base.Len() > len(b) {
			t.Fatalf("%d fingerprints of %d bytes", base.Len(), len(b))
		}
	})
}

func TestGrade(t *testing.T) {
	v := func(s finding.Severity, fixed string, kev bool) finding.Finding {
		return finding.Finding{Practice: finding.Vulnerabilities, Severity: s, Vuln: &finding.Vuln{FixedIn: fixed, KEV: kev}}
	}
	many := func(n int, f finding.Finding) (out []finding.Finding) {
		for range n {
			out = append(out, f)
		}
		return out
	}
	l := func(s finding.Severity) finding.Finding {
		return finding.Finding{Practice: finding.Layering, Severity: s}
	}
	hidden := v(finding.Critical, "2", true)
	hidden.Suppressed = &finding.Suppression{By: "vex"}
	for _, test := range []struct {
		name   string
		p      finding.Practice
		found  []finding.Finding
		stats  []Stats
		letter string
		first  string // reason
	}{
		{"nothing", finding.Vulnerabilities, nil, nil, "A", ""},
		{"low", finding.Vulnerabilities, many(9, v(finding.Low, "2", false)), nil, "A", ""},
		{"medium", finding.Vulnerabilities, many(1, v(finding.Medium, "2", false)), nil, "B", "1 medium vulnerability"},
		{"unrated", finding.Vulnerabilities, many(3, v(finding.Unspecified, "", false)), nil, "B", "3 unrated vulnerabilities"},
		{"many unrated with a fix", finding.Vulnerabilities, many(35, v(finding.Unspecified, "2", false)), nil, "C", "35 unrated, fixable vulnerabilities"},
		{"high", finding.Vulnerabilities, many(10, v(finding.High, "", false)), nil, "C", "10 high vulnerabilities"},
		{"many high", finding.Vulnerabilities, many(11, v(finding.High, "", false)), nil, "D", "11 high vulnerabilities"},
		{"critical without a fix", finding.Vulnerabilities, many(1, v(finding.Critical, "", false)), nil, "D", "1 critical vulnerability"},
		{"critical with a fix", finding.Vulnerabilities, append(many(1, v(finding.Medium, "", false)), v(finding.Critical, "2", false)), nil, "F", "1 critical, fixable vulnerability"},
		{"exploited", finding.Vulnerabilities, many(1, v(finding.Low, "", true)), nil, "F", "1 known exploited vulnerability"},
		{"suppressed", finding.Vulnerabilities, []finding.Finding{hidden}, nil, "A", ""},
		{"another practice's", finding.LeastPrivilege, many(3, v(finding.Critical, "", true)), nil, "A", ""},
		{"one high finding", finding.Layering, many(1, l(finding.High)), nil, "C", "1 high finding"},
		{"three", finding.Layering, many(3, l(finding.High)), nil, "D", "3 high findings"},
		{"critical finding", finding.Layering, many(1, l(finding.Critical)), nil, "F", "1 critical finding"},
		{"efficient", finding.Layering, nil, []Stats{{Efficiency: .99, Wasted: 50e6, Reclaimable: 25e6}}, "A", "25.0 MB reclaimable, efficiency 99.0%"},
		{"inefficient", finding.Layering, many(1, l(finding.Medium)), []Stats{{Efficiency: .75, Wasted: 50e6, Reclaimable: 25e6}}, "D", "25.0 MB reclaimable, efficiency 75.0%"},
		{"tiny", finding.Layering, nil, []Stats{{Efficiency: .2, Wasted: 3e6}}, "A", ""},
	} {
		letter, reasons := Grade(test.p, test.found, test.stats...)
		first := ""
		if len(reasons) > 0 {
			first = reasons[0]
		}
		if letter != test.letter || first != test.first {
			t.Errorf("%s: %s %q, want %s %q", test.name, letter, reasons, test.letter, test.first)
		}
	}
}
