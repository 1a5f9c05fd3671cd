package fix

import (
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"pgregory.net/rapid"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/layer"
)

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"/app", "/app", true},
		{"/app", "/app/src/x", true},
		{"/app/", "/app/src/x", true},
		{"/app", "/apple", false},
		{"/app/*.js", "/app/x.js", true},
		{"/app/*.js", "/app/src/x.js", false},
		{"/app/**/x.js", "/app/x.js", true},
		{"/app/**/x.js", "/app/a/b/x.js", true},
		{"/app/**/x.js", "/app/a/b/y.js", false},
		{"/**/node_modules", "/app/node_modules/a/index.js", true},
		{"/**", "/anything/at/all", true},
		{"/", "/anything", true},
		{"/app/[", "/app/[", false},
		{"/app/**/**/**/**/**/**/x", "/app/x", false},
		{"/a?c", "/abc", true},
		{"/app/../etc", "/etc/passwd", true},
		{"/app/src", "/app", false},
	} {
		if got := matches(c.pattern, c.path); got != c.want {
			t.Errorf("%s stands for %s: %v", c.pattern, c.path, got)
		}
	}
}

// treeOf makes an image's tree of files and their content, all in one layer.
func treeOf(files map[string]string) appTree {
	r := &layer.Record{}
	for p, text := range files {
		e := layer.Entry{Path: p[1:], Kind: layer.File, Mode: 0o644, Size: int64(len(text))}
		if text != "" {
			e.Hash = xxhash.Sum64String(text)
		}
		r.Entries = append(r.Entries, e)
	}
	sortEntries(r.Entries)
	t := appTree{tree: image.BuildTree([]*layer.Record{r}), app: map[string]layer.Entry{}}
	for _, e := range r.Entries {
		t.app["/"+e.Path] = e
	}
	return t
}

func sortEntries(e []layer.Entry) {
	for i := range e {
		for k := i; k > 0 && layer.ComparePaths(e[k-1].Path, e[k].Path) > 0; k-- {
			e[k-1], e[k] = e[k], e[k-1]
		}
	}
}

func TestReasons(t *testing.T) {
	before := treeOf(map[string]string{"/app/Dockerfile": "old", "/app/src/a": "1", "/app/build/index.html": "<p>", "/app/build/x.js": "x"})
	after := treeOf(map[string]string{"/app/Dockerfile": "new", "/app/src/a": "2", "/www/index.html": "<p>", "/www/x.js": "other"})
	r := &proving{Prover: &Prover{}, v: &Verdict{}, c: Candidate{
		Before: map[string][]byte{"ctx/Dockerfile": []byte("old")}, After: map[string][]byte{"ctx/Dockerfile": []byte("new")},
		Fixes: []finding.Fix{{Changes: []finding.Change{{Path: "/app/build", To: "/www", Why: "moved"}}}},
	}}
	want := map[string]string{
		"/app/Dockerfile":       "Dockerfile is copied into the image, and the fix edits it",
		"/app/src/a":            "",
		"/app/build/index.html": "moved",
		"/app/build/x.js":       "",
		"/www/index.html":       "moved",
		"/www/x.js":             "",
	}
	diffs := before.differences(after)
	if len(diffs) != len(want) {
		t.Fatalf("%+v", diffs)
	}
	for _, d := range diffs {
		if got := r.reason(d, before, after); got != want[d.path] {
			t.Errorf("%s %s: %q, want %q", d.path, d.what, got, want[d.path])
		}
	}
	left, told := r.excuse(diffs, before, after)
	if len(left) != 3 || len(told) != 2 {
		t.Errorf("%+v %q", left, told)
	}
	// A Dockerfile in the image that is neither version is no edited file.
	if r.c.After["ctx/Dockerfile"] = []byte("newer"); r.reason(difference{"/app/Dockerfile", "differs"}, before, after) != "" {
		t.Error("another file's content is excused")
	}
}

// TestDifferencesLaw: what is told is exactly what is not the same, and a tree
// does not differ from itself.
func TestDifferencesLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		files := rapid.MapOf(rapid.SampledFrom([]string{"/a", "/b/c", "/b/d", "/e/f/g"}), rapid.SampledFrom([]string{"", "1", "2"}))
		old, now := files.Draw(t, "before"), files.Draw(t, "after")
		got := map[string]string{}
		for _, d := range treeOf(old).differences(treeOf(now)) {
			got[d.path] = d.what
		}
		for _, p := range []string{"/a", "/b/c", "/b/d", "/e/f/g"} {
			a, was := old[p]
			b, is := now[p]
			want := ""
			switch {
			case was && !is:
				want = "is gone"
			case !was && is:
				want = "is new"
			case a != b:
				want = "differs"
			}
			if got[p] != want {
				t.Fatalf("%s: %q, want %q", p, got[p], want)
			}
		}
		if d := treeOf(old).differences(treeOf(old)); len(d) > 0 {
			t.Fatalf("a tree differs from itself: %+v", d)
		}
	})
}

func TestRecheckCounts(t *testing.T) {
	f := func(rule finding.RuleID, keys ...string) (out []finding.Finding) {
		for _, k := range keys {
			out = append(out, finding.Finding{Rule: rule, Key: k, Message: k})
		}
		return out
	}
	quiet := f("a", "q")
	quiet[0].Suppressed = &finding.Suppression{}
	for _, c := range []struct {
		name          string
		before, after []finding.Finding
		gone          []string
		stages        int
		want          string
	}{
		{"gone", f("a", "1"), nil, []string{"a"}, 0, ""},
		{"still there", f("a", "1"), f("a", "1"), []string{"a"}, 0, "still there"},
		{"still there, worded otherwise", f("a", "1"), f("a", "2"), []string{"a"}, 0, "still there: a: 2"},
		{"one of two", f("a", "1", "2"), f("a", "2"), []string{"a"}, 0, ""},
		{"one of two, numbered anew", f("a", "x", "x #2"), f("a", "x"), []string{"a"}, 0, ""},
		{"another rule's key changes", append(f("a", "1"), f("b", "old text")...), f("b", "new text"), []string{"a"}, 0, ""},
		{"new", f("a", "1"), f("b", "2"), []string{"a"}, 0, "brings a new finding: b"},
		{"one more", f("b", "1"), f("b", "1", "2"), nil, 0, "brings a new finding: b: 2"},
		{"one more, in a new stage", f("b", "1"), f("b", "1", "2"), nil, 1, ""},
		{"new, in a new stage", f("a", "1"), f("b", "2"), []string{"a"}, 1, "brings a new finding: b"},
		{"suppressed", nil, quiet, nil, 0, ""},
		{"came and went between", nil, nil, []string{"a"}, 0, ""},
	} {
		_, got := Recheck(c.before, c.after, Expect{Gone: c.gone, Stages: c.stages})
		if (got == nil) != (c.want == "") || got != nil && !strings.Contains(got.Why, c.want) {
			t.Errorf("%s: %+v, want %q", c.name, got, c.want)
		}
	}
}

func TestLesserFindingsAreToldAndTaken(t *testing.T) {
	before := []finding.Finding{{Rule: "root", Severity: finding.Medium}}
	after := []finding.Finding{{Rule: "name", Severity: finding.Low, Message: "a name"}}
	want := Expect{Gone: []string{"root"}, Lesser: finding.Medium}
	if came, failed := Recheck(before, after, want); failed != nil || len(came) != 1 || !strings.Contains(came[0], "name: a name") {
		t.Errorf("%v %+v", came, failed)
	}
	want.Lesser = finding.Low
	if _, failed := Recheck(before, after, want); failed == nil {
		t.Error("one as bad is taken")
	}
	after[0].Drifts = true
	if came, failed := Recheck(before, after, want); failed != nil || len(came) != 1 {
		t.Errorf("a version that nobody names is not taken: %v %+v", came, failed)
	}
	after[0].Severity = finding.Medium
	if _, failed := Recheck(before, after, want); failed == nil {
		t.Error("a worse one about versions is taken")
	}
	after[0].Severity, after[0].Drifts = finding.Low, false
	after[0].Rule, want.Lesser = "root", finding.Critical
	if _, failed := Recheck(before, after, want); failed == nil {
		t.Error("what is still there is taken")
	}
}

func TestPlainWords(t *testing.T) {
	if w, err := plainWords("after", "nginx -t -c /etc/nginx.conf"); err != nil || len(w) != 4 {
		t.Errorf("%v %v", w, err)
	}
	for _, s := range []string{"", "a | b", "echo $HOME", "x > y", "a; b", "'a'", "a && b", "`x`"} {
		if _, err := plainWords("after", s); err == nil {
			t.Errorf("%q needs no shell", s)
		}
	}
}
