package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/finding"
)

// TestFixStates: an entry about one state of a fix must not reach another.
func TestFixStates(t *testing.T) {
	vulns := map[string]finding.Vuln{
		"fixed":       {FixedIn: "2", NoFix: "won't fix"},
		"won't fix":   {NoFix: "won't fix", PackageType: "deb"},
		"end of life": {NoFix: "end of life", PackageType: "deb"},
		"deferred":    {NoFix: "deferred", PackageType: "deb"},
		"none yet":    {PackageType: "deb"},
		"a library's": {PackageType: "npm"},
	}
	for state, want := range map[string][]string{
		"fixed":     {"fixed"},
		"wont-fix":  {"end of life", "won't fix"},
		"not-fixed": {"a library's", "deferred", "none yet"},
		"unknown":   nil,
	} {
		s, err := ParseIgnoreFile(".grype.yaml", []byte("ignore:\n- fix-state: "+state+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for name, v := range vulns {
			f := s.Apply([]finding.Finding{{Vuln: &v}}, finding.Subject{}, day("2026-01-01T00:00:00Z"))[0]
			if f.Suppressed != nil {
				got[name] = true
			}
		}
		all := map[string]bool{}
		for _, n := range want {
			all[n] = true
		}
		if d := cmp.Diff(all, got); d != "" {
			t.Errorf("%s: %s", state, d)
		}
	}
}

// TestTrivyIgnoreReasons: what is no word about an entry is not its reason, and
// an entry without one says where it stands.
func TestTrivyIgnoreReasons(t *testing.T) {
	for _, test := range []struct {
		text string
		want []string
	}{
		{"# What we accept.\nCVE-1\nCVE-2\n", []string{"ignored in d/.trivyignore:2", "ignored in d/.trivyignore:3"}},
		{"# What we accept.\n\nCVE-1\n", []string{"ignored in d/.trivyignore:3"}},
		{"# What we accept.\n#\n# not called\nCVE-1\n", []string{"not called"}},
		{"# not called\nCVE-1\n\nCVE-2\n", []string{"not called", "ignored in d/.trivyignore:4"}},
		{"# not called\nCVE-1\n# nor this\nCVE-2\nCVE-3 # at all\n", []string{"not called", "nor this", "at all"}},
		{"# What we accept.\nCVE-1 # mine\nCVE-2\n", []string{"mine", "ignored in d/.trivyignore:3"}},
		{"CVE-1 #\n", []string{"ignored in d/.trivyignore:1"}},
	} {
		s, err := ParseIgnoreFile("d/.trivyignore", []byte(test.text))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range s.List {
			one := Exceptions{List: []Exception{e}}
			f := finding.Finding{Vuln: &finding.Vuln{ID: e.ID}}
			got = append(got, one.Apply([]finding.Finding{f}, finding.Subject{}, day("2026-01-01T00:00:00Z"))[0].Suppressed.Reason)
		}
		if d := cmp.Diff(test.want, got); d != "" {
			t.Errorf("%q: %s", test.text, d)
		}
	}
}
