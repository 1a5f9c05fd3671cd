package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/finding"
)

func day(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

// sample is one finding of each sort that exceptions speak of.
func sample() map[string]finding.Finding {
	at := func(paths ...string) (out []finding.Location) {
		for _, p := range paths {
			out = append(out, finding.Location{Path: p})
		}
		return out
	}
	yes, no := true, false
	return map[string]finding.Finding{
		"openssl": {
			Rule: "vuln/os-package", Key: "CVE-2022-0778 pkg:deb/debian/openssl@1.1.1k-1+deb11u1", Practice: finding.Vulnerabilities,
			Severity: finding.High, At: at("/var/lib/dpkg/status"),
			Evidence: []finding.Evidence{{Kind: finding.EvidencePackage, Package: &finding.Installed{Name: "libssl1.1", Version: "1.1.1k-1+deb11u1"}}},
			Vuln: &finding.Vuln{
				ID: "CVE-2022-0778", Aliases: []string{"DSA-5103-1"}, Package: "pkg:deb/debian/openssl@1.1.1k-1+deb11u1", Name: "openssl",
				Version: "1.1.1k-1+deb11u1", PackageType: "deb", FixedIn: "1.1.1k-1+deb11u2", InBase: &yes, EPSS: finding.EPSS{Score: .05},
			},
		},
		"lodash": {
			Rule: "vuln/language-package", Key: "CVE-2021-23337 pkg:npm/lodash@4.17.15", Practice: finding.Vulnerabilities,
			Severity: finding.Critical, At: at("/app/node_modules/lodash/package.json", "/srv/node_modules/lodash/package.json"),
			Vuln: &finding.Vuln{
				ID: "CVE-2021-23337", Aliases: []string{"GHSA-35jh-r3h4-6jhm"}, Package: "pkg:npm/lodash@4.17.15", Name: "lodash",
				Version: "4.17.15", PackageType: "npm", InBase: &no, KEV: true, EPSS: finding.EPSS{Score: .9},
			},
		},
		"root": {
			Rule: "dockerfile/root-user", Aliases: []string{"DS002", "CIS-4.1"}, Key: "final stage", Practice: finding.LeastPrivilege, Severity: finding.High,
			At: []finding.Location{{Source: &finding.Span{File: "app/Dockerfile", Line: 3}}},
		},
	}
}

func apply(t *testing.T, s *Exceptions, now string) map[string]finding.Finding {
	t.Helper()
	var in []finding.Finding
	var names []string
	for n, f := range sample() {
		in, names = append(in, f), append(names, n)
	}
	out := s.Apply(in, finding.Subject{Kind: finding.KindImage, Name: "x"}, day(now))
	m := map[string]finding.Finding{}
	for i, f := range out {
		if i < len(names) {
			m[names[i]] = f
		} else {
			m["expired: "+f.Key] = f
		}
	}
	return m
}

func suppressed(m map[string]finding.Finding) string {
	var out []string
	for _, n := range []string{"openssl", "lodash", "root"} {
		if m[n].Suppressed != nil {
			out = append(out, n)
		}
	}
	return strings.Join(out, " ")
}

func TestExceptions(t *testing.T) {
	const now = "2026-06-30T12:00:00Z"
	for _, test := range []struct {
		name, file, text string
		want             string // who is suppressed
	}{
		{"CVE", ".drydock.yaml", "ignore: [{id: cve-2022-0778, reason: r}]", "openssl"},
		{"alias", ".drydock.yaml", "ignore: [{id: GHSA-35jh-r3h4-6jhm, reason: r}]", "lodash"},
		{"key", ".drydock.yaml", "ignore: [{id: 'CVE-2021-23337 pkg:npm/lodash@4.17.15', reason: r}]", "lodash"},
		{"rule", ".drydock.yaml", "ignore: [{id: dockerfile/root-user, reason: r}]", "root"},
		{"rule's alias", ".drydock.yaml", "ignore: [{id: cis-4.1, reason: r}]", "root"},
		{"a rule of many", ".drydock.yaml", "ignore: [{id: vuln/os-package, reason: r}]", "openssl"},
		{"another id", ".drydock.yaml", "ignore: [{id: CVE-2022-077, reason: r}]", ""},
		{"package", ".drydock.yaml", "ignore: [{package: lodash, reason: r}]", "lodash"},
		{"binary", ".drydock.yaml", "ignore: [{package: libssl1.1, reason: r}]", "openssl"},
		{"purl", ".drydock.yaml", "ignore: [{package: 'pkg:deb/debian/openssl', reason: r}]", "openssl"},
		{"purl with version", ".drydock.yaml", "ignore: [{package: 'pkg:deb/debian/openssl@1.1.1k-1%2Bdeb11u1?arch=amd64', reason: r}]", "openssl"},
		{"purl of another version", ".drydock.yaml", "ignore: [{package: 'pkg:npm/lodash@4.17.16', reason: r}]", ""},
		{"purl of another type", ".drydock.yaml", "ignore: [{package: 'pkg:pypi/lodash', reason: r}]", ""},
		{"id and another package", ".drydock.yaml", "ignore: [{id: CVE-2022-0778, package: lodash, reason: r}]", ""},
		{"path of one place of two", ".drydock.yaml", "ignore: [{path: /app/**, reason: r}]", "root"}, // app/Dockerfile too
		{"path over both", ".drydock.yaml", "ignore: [{path: '**/node_modules/**', reason: r}]", "lodash"},
		{"paths together", ".drydock.yaml", "ignore: [{path: [app/node_modules, srv], reason: r}]", "lodash"},
		{"a name", ".drydock.yaml", "ignore: [{path: Dockerfile, reason: r}]", "root"},
		{"last day", ".drydock.yaml", "ignore: [{id: CVE-2022-0778, until: 2026-06-30, reason: r}]", "openssl"},
		{"over", ".drydock.yaml", "ignore: [{id: CVE-2022-0778, until: 2026-06-29, reason: r}]", ""},

		{"Trivy", ".trivyignore", "# ours\nCVE-2022-0778\n\nAVD-DS-0002 # runs in a sandbox\n", "openssl root"},
		{"Trivy, to come", ".trivyignore", "CVE-2022-0778 exp:2026-07-01", "openssl"},
		{"Trivy, over from the day on", ".trivyignore", "CVE-2022-0778 exp:2026-06-30", ""},
		{"Trivy YAML", ".trivyignore.yaml", "vulnerabilities:\n- id: CVE-2021-23337\n  purls: [pkg:npm/lodash@4.17.15]\n  statement: s\nmisconfigurations:\n- id: DS-0002\n  paths: [app/Dockerfile]\n", "lodash root"},
		{"Trivy YAML, another path", ".trivyignore.yaml", "vulnerabilities:\n- id: CVE-2021-23337\n  paths: [app/**]\n", ""},
		{"Trivy YAML, an unknown condition", ".trivyignore.yaml", "vulnerabilities:\n- id: CVE-2021-23337\n  only_on: mondays\n", ""},

		{"Grype", ".grype.yaml", "fail-on-severity: high\nignore:\n- vulnerability: CVE-2022-0778\n  fix-state: fixed\n", "openssl"},
		{"Grype, no fix", ".grype.yaml", "ignore:\n- fix-state: not-fixed\n", "lodash"},
		{"Grype, name by expression", ".grype.yaml", "ignore:\n- package: {name: 'lib.*'}\n", "openssl"},
		{"Grype, name whole", ".grype.yaml", "ignore:\n- package: {name: dash}\n", ""},
		{"Grype, type and version", ".grype.yaml", "ignore:\n- package: {type: npm, version: 4.17.15, location: '/**/package.json'}\n", "lodash"},
		{"Grype, namespace", ".grype.yaml", "ignore:\n- namespace: debian:distro:debian:11\n  vulnerability: CVE-2022-0778\n- namespace: github:language:javascript\n  vulnerability: CVE-2022-0778\n", "openssl"},
		{"Grype, a condition not understood", ".grype.yaml", "ignore:\n- vulnerability: CVE-2022-0778\n  match-type: cpe-match\n", ""},

		{"OSV", "osv-scanner.toml", "[[IgnoredVulns]]\nid = \"GHSA-35jh-r3h4-6jhm\"\nignoreUntil = 2026-07-01\nreason = \"r\"\n", "lodash"},
		{"OSV, over", "osv-scanner.toml", "[[IgnoredVulns]]\nid = \"GHSA-35jh-r3h4-6jhm\"\nignoreUntil = 2026-06-01\n", ""},
		{"OSV, package", "osv-scanner.toml", "[[PackageOverrides]]\nname = \"lodash\"\necosystem = \"npm\"\nvulnerability.ignore = true\nreason = \"r\"\n", "lodash"},
		{"OSV, package of another ecosystem", "osv-scanner.toml", "[[PackageOverrides]]\nname = \"lodash\"\necosystem = \"Go\"\nignore = true\n", ""},
		{"OSV, licences only", "osv-scanner.toml", "[[PackageOverrides]]\nname = \"lodash\"\nlicense.override = [\"MIT\"]\n", ""},
		{"OSV, a group", "osv-scanner.toml", "[[PackageOverrides]]\nname = \"lodash\"\ngroup = \"dev\"\nignore = true\n", ""},
		{"OSV, an unknown condition", "osv-scanner.toml", "[[IgnoredVulns]]\nid = \"CVE-2022-0778\"\nonlyOn = \"mondays\"\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var s *Exceptions
			var err error
			if test.file == ".drydock.yaml" {
				var cfg *Config
				if cfg, err = ParseConfig(test.file, []byte(test.text)); err == nil {
					s = &cfg.Exceptions
				}
			} else {
				s, err = ParseIgnoreFile("dir/"+test.file, []byte(test.text))
			}
			if err != nil {
				t.Fatal(err)
			}
			m := apply(t, s, now)
			if got := suppressed(m); got != test.want {
				t.Errorf("suppressed %q, want %q (%+v)", got, test.want, s)
			}
			understood := !strings.Contains(test.name, "condition") && !strings.Contains(test.name, "group")
			if (len(s.Warnings) == 0) != understood {
				t.Errorf("warnings %q", s.Warnings)
			}
			expired := strings.Contains(test.name, "over") && test.want == ""
			if (len(m) == 4) != expired {
				t.Errorf("%d findings", len(m))
			}
		})
	}
}

func TestSuppressionSaysWhere(t *testing.T) {
	cfg, err := ParseConfig("sub/.drydock.yaml", []byte("# c\nignore:\n  - id: CVE-2022-0778\n    reason: the proxy parses them\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := apply(t, &cfg.Exceptions, "2026-01-01T00:00:00Z")["openssl"].Suppressed
	if d := cmp.Diff(&finding.Suppression{By: "config", Source: "sub/.drydock.yaml:3", Reason: "the proxy parses them"}, got); d != "" {
		t.Error(d)
	}
	s, err := ParseIgnoreFile("osv-scanner.toml", []byte("\n[[IgnoredVulns]]\nid = \"CVE-2022-0778\"\nreason = \"r\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	got = apply(t, s, "2026-01-01T00:00:00Z")["openssl"].Suppressed
	if d := cmp.Diff(&finding.Suppression{By: "ignore-file", Source: "osv-scanner.toml:3", Reason: "r"}, got); d != "" {
		t.Error(d)
	}
	s, err = ParseIgnoreFile(".trivyignore", []byte("# first\n\n# no parser\n# reaches it\nCVE-2022-0778\n"))
	if err != nil {
		t.Fatal(err)
	}
	got = apply(t, s, "2026-01-01T00:00:00Z")["openssl"].Suppressed
	if d := cmp.Diff(&finding.Suppression{By: "ignore-file", Source: ".trivyignore:5", Reason: "no parser reaches it"}, got); d != "" {
		t.Error(d)
	}
}

// TestRules holds the rule to its own example, and to what its finding says.
func TestRules(t *testing.T) {
	for _, r := range Rules() {
		for text, fires := range map[string]bool{r.Bad: true, r.Good: false} {
			cfg, err := ParseConfig(".drydock.yaml", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			m := apply(t, &cfg.Exceptions, "2026-01-01T00:00:00Z")
			f, ok := m["expired: CVE-2022-0778"]
			if ok != fires || (suppressed(m) == "openssl") == fires {
				t.Errorf("%s of %q: fires %v, suppressed %q", r.ID, text, ok, suppressed(m))
			}
			if fires && (f.Rule != r.ID || f.Subject.Name != "x" || f.At[0].Source.Line != 2 || f.At[0].Source.File != ".drydock.yaml" ||
				f.Message != "the exception for CVE-2022-0778 held until 2022-06-30") {
				t.Errorf("%+v", f)
			}
		}
	}
}

// What is suppressed already keeps its reason, and nothing given is changed.
func TestApplyKeeps(t *testing.T) {
	f := sample()["openssl"]
	f.Suppressed = &finding.Suppression{By: "owner"}
	in := []finding.Finding{f, sample()["lodash"]}
	s := &Exceptions{List: []Exception{{ID: "CVE-2022-0778"}, {ID: "CVE-2021-23337", Reason: "r"}}}
	out := s.Apply(in, finding.Subject{}, day("2026-01-01T00:00:00Z"))
	if out[0].Suppressed.By != "owner" || out[1].Suppressed == nil || in[1].Suppressed != nil {
		t.Errorf("%+v, %+v", out, in[1].Suppressed)
	}
	if got := (*Exceptions)(nil).Apply(in, finding.Subject{}, time.Now()); len(got) != 2 {
		t.Error(got)
	}
}

func TestMatchPath(t *testing.T) {
	for _, test := range []struct {
		glob, path string
		want       bool
	}{
		{"/app/**", "/app/a/b", true},
		{"app/**", "/app/a/b", true},
		{"app", "/app/a/b", true},
		{"/app", "/apple/a", false},
		{"*.jar", "/opt/x/y.jar", true},
		{"/*.jar", "/opt/x/y.jar", false},
		{"**/y.jar", "/opt/x/y.jar", true},
		{"**/x/**/z", "/a/x/b/x/c/z", true},
		{"**/x/**/z", "/a/x/b/c", false},
		{"a/*/c", "/a/b/c", true},
		{"a/*/c", "/a/b/d/c", false},
		{"**", "/anything", true},
		{"", "/a", false},
		{"a/[", "/a/[", false},
		{"./a/b", "/a/b", true},
		{"b", "/a/b/c", false},
	} {
		if got := matchPath(test.glob, test.path); got != test.want {
			t.Errorf("%q on %q: %v", test.glob, test.path, got)
		}
	}
	// Many stars stay cheap.
	if matchPath(strings.Repeat("**/a/", 200)+"b", strings.Repeat("a/", 2000)+"c") {
		t.Error("matched")
	}
}
