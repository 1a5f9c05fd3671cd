package policy

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/drydock-dev/drydock/internal/finding"
)

const hadolintFile = `failure-threshold: warning
format: tty
ignored:
  - DL3008
  - SC1010
label-schema:
  author: text
  version: semver
  free:
no-fail: false
override:
  error:
    - DL3001
  style: [DL3015, DL3001]
  info:
strict-labels: true
disable-ignore-pragma: yes
trustedRegistries:
  - docker.io
  - "*.gcr.io"
`

func TestParseHadolint(t *testing.T) {
	l, err := ParseHadolint("d/.hadolint.yaml", []byte(hadolintFile))
	if err != nil {
		t.Fatal(err)
	}
	want := &Lint{
		Ignored: Exceptions{List: []Exception{
			{ID: "DL3008", By: "ignore-file", File: "d/.hadolint.yaml", Line: 4},
			{ID: "SC1010", By: "ignore-file", File: "d/.hadolint.yaml", Line: 5},
		}},
		Overrides:         []Override{{"DL3001", finding.High}, {"DL3015", finding.Negligible}, {"DL3001", finding.Negligible}},
		TrustedRegistries: []string{"docker.io", "*.gcr.io"},
		LabelSchema:       map[string]string{"author": "text", "version": "semver", "free": "text"},
		StrictLabels:      true, IgnorePragma: true, FailOn: "severity:medium",
	}
	if d := cmp.Diff(want, l, cmpopts.IgnoreUnexported(Lint{})); d != "" {
		t.Error(d)
	}
	if got := l.Wants(); !slices.Equal(got, []string{"DL3001", "DL3015", "DL3001"}) {
		t.Errorf("wants %v", got)
	}
}

func TestParseHadolintForms(t *testing.T) {
	for _, test := range []struct{ text, want string }{ // want: of an error, else empty
		{"", ""},
		{"# nothing\n", ""},
		{"ignored:\n", ""},
		{"override:\n", ""},
		{"label-schema:\n", ""},
		{"trustedRegistries: docker.io\n", ""},
		{"failure-threshold: none\n", ""},
		{"ignored: DL3008\n", "h:1: expected a list"},
		{"ignored:\n- [a]\n", "h:2: expected one value"},
		{"override:\n  fatal: [DL3008]\n", `h:2: fatal: unknown severity "fatal"`},
		{"failure-threshold: awful\n", `h:1: failure-threshold: unknown failure threshold "awful"`},
		{"label-schema:\n  a: b\n", `h:2: a: unknown kind of label "b"`},
		{"strict-labels: perhaps\n", `h:1: "perhaps" is neither true nor false`},
		{"[]\n", "h:1: expected keys with values"},
	} {
		l, err := ParseHadolint("h", []byte(test.text))
		switch {
		case (err == nil) != (test.want == ""), err != nil && !strings.Contains(err.Error(), test.want):
			t.Errorf("%q: %v, want %q", test.text, err, test.want)
		case err == nil && len(l.Warnings) > 0:
			t.Errorf("%q: %v", test.text, l.Warnings)
		}
	}
	l, err := ParseHadolint("h", []byte("ignore: [DL3008]\n"))
	if err != nil || len(l.Warnings) != 1 || !strings.Contains(l.Warnings[0], `h:1: unknown key "ignore"`) {
		t.Errorf("a misspelt key: %v, %v", l, err)
	}
}

func TestHadolintEnvironment(t *testing.T) {
	env := map[string]string{
		"HADOLINT_IGNORE": "DL3008, DL3009", "HADOLINT_OVERRIDE_WARNING": "DL3010,DL3020", "HADOLINT_OVERRIDE_INFO": "",
		"HADOLINT_TRUSTED_REGISTRIES": "docker.io", "HADOLINT_REQUIRE_LABELS": "maintainer:text,version:semver,free",
		"HADOLINT_STRICT_LABELS": "no", "HADOLINT_NOFAIL": "Yes", "HADOLINT_FAILURE_THRESHOLD": "style",
	}
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	more, err := HadolintEnvironment(lookup)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ParseHadolint(".hadolint.yaml", []byte("strict-labels: true\ndisable-ignore-pragma: true\nfailure-threshold: error\nignored: [DL1]\nlabel-schema: {version: text}\n"))
	if err != nil {
		t.Fatal(err)
	}
	l.Add(more)
	l.Add(nil)
	want := &Lint{
		Ignored: Exceptions{List: []Exception{
			{ID: "DL1", By: "ignore-file", File: ".hadolint.yaml", Line: 4},
			{ID: "DL3008", By: "config", File: "HADOLINT_IGNORE"},
			{ID: "DL3009", By: "config", File: "HADOLINT_IGNORE"},
		}},
		Overrides:         []Override{{"DL3010", finding.Medium}, {"DL3020", finding.Medium}},
		TrustedRegistries: []string{"docker.io"},
		LabelSchema:       map[string]string{"maintainer": "text", "version": "text", "free": "text"},
		IgnorePragma:      true, NoFail: true, FailOn: "severity:negligible",
	}
	if d := cmp.Diff(want, l, cmpopts.IgnoreUnexported(Lint{})); d != "" {
		t.Error(d)
	}
	for name, value := range map[string]string{"HADOLINT_FAILURE_THRESHOLD": "x", "HADOLINT_REQUIRE_LABELS": "a:b"} {
		_, err := HadolintEnvironment(func(n string) (string, bool) { return value, n == name })
		if err == nil || !strings.HasPrefix(err.Error(), name+": ") {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
}

func TestHadolintFiles(t *testing.T) {
	env := map[string]string{"HOME": "/home/u", "XDG_CONFIG_HOME": "/home/u/.config"}
	got := HadolintFiles("/work", func(name string) string { return env[name] })
	want := []string{
		"/work/.hadolint.yaml", "/work/.hadolint.yml", "/home/u/.config/hadolint.yaml", "/home/u/.config/hadolint.yml",
		"/home/u/.hadolint/hadolint.yaml", "/home/u/.hadolint/hadolint.yml", "/home/u/.hadolint/config.yaml", "/home/u/.hadolint/config.yml",
		"/home/u/hadolint/hadolint.yaml", "/home/u/hadolint/hadolint.yml", "/home/u/hadolint/config.yaml", "/home/u/hadolint/config.yml",
		"/home/u/.hadolint.yaml", "/home/u/.hadolint.yml",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got := HadolintFiles("", func(string) string { return "" }); len(got) != 0 {
		t.Errorf("nowhere: %v", got)
	}
}

func TestLintApply(t *testing.T) {
	l, err := ParseHadolint("h", []byte("ignored: [DL3008, AVD-DS-0005]\noverride:\n  info: [DL3006]\n  error: [DL3006, dockerfile/own]\n"))
	if err != nil {
		t.Fatal(err)
	}
	given := []finding.Finding{
		{Rule: "dockerfile/a", Aliases: []string{"X", "DL3008"}, Severity: finding.Medium},
		{Rule: "dockerfile/b", Aliases: []string{"dl3006"}, Severity: finding.Medium},
		{Rule: "dockerfile/own", Severity: finding.Low},
		{Rule: "dockerfile/c", Aliases: []string{"DL30060"}, Severity: finding.Low, Key: "DL3008"},
		{Rule: "dockerfile/d", Aliases: []string{"DS005"}, Suppressed: &finding.Suppression{By: "pragma"}},
		{Rule: "dockerfile/e", Aliases: []string{"DS005"}},
	}
	got := l.Apply(given)
	want := []struct {
		severity   finding.Severity
		suppressed string
	}{{finding.Medium, "h:1"}, {finding.High, ""}, {finding.High, ""}, {finding.Low, ""}, {0, ""}, {0, "h:1"}}
	for i, w := range want {
		f := got[i]
		if f.Severity != w.severity || (w.suppressed != "" && (f.Suppressed == nil || f.Suppressed.Source != w.suppressed)) || (w.suppressed == "" && f.Suppressed != nil && f.Suppressed.By != "pragma") {
			t.Errorf("%s: %s, %+v", f.Rule, f.Severity, f.Suppressed)
		}
	}
	if given[0].Suppressed != nil || given[1].Severity != finding.Medium {
		t.Error("the findings given were changed")
	}
	var none *Lint
	if len(none.Apply(given)) != len(given) || none.Wants() != nil {
		t.Error("no configuration changes something")
	}
}

// Whatever is read, an error comes without a value, a gate that was taken is
// one, and applying it neither loses nor makes findings.
func FuzzParseHadolint(f *testing.F) {
	for _, s := range []string{hadolintFile, "ignored: [a]\nignored: [b]", "&a [*a]", "a: &a {b: *a}", "override: {error: [x], style: x}", "\x00", "label-schema: {a: }"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := ParseHadolint("h", b)
		if (err == nil) != (l != nil) {
			t.Fatalf("%v with %v", l, err)
		}
		if err != nil {
			return
		}
		if _, err := ParseGate(l.FailOn); err != nil {
			t.Fatalf("the gate that was taken is none: %v", err)
		}
		if n := len(l.Overrides) + len(l.Ignored.List) + len(l.LabelSchema) + len(l.TrustedRegistries); n > len(b)+1 {
			t.Fatalf("%d entries of %d bytes", n, len(b))
		}
		in := []finding.Finding{{Rule: "dockerfile/a", Aliases: []string{"DL3008"}, Severity: finding.Low}}
		if out := l.Apply(in); len(out) != 1 || out[0].Severity == finding.Unspecified {
			t.Fatalf("%+v", out)
		}
		twice := &Lint{}
		twice.Add(l)
		if d := cmp.Diff(l, twice, cmpopts.IgnoreUnexported(Lint{}), cmpopts.EquateEmpty()); d != "" {
			t.Fatal(d)
		}
	})
}
