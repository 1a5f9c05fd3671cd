package check

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func testVariables() variables {
	values := map[string]string{"TAG": "1.20", "EMPTY": "", "DB_PASSWORD": "correcthorse9"}
	return over(func(string) string { return "" }, values)
}

func TestExpand(t *testing.T) {
	for in, want := range map[string]expanded{
		"nginx:1.20":               {text: "nginx:1.20"},
		"nginx:$TAG-alpine":        {text: "nginx:1.20-alpine", filled: true},
		"nginx:${TAG}":             {text: "nginx:1.20", filled: true},
		"${DB:-postgres:9.4}":      {text: "postgres:9.4"},
		"${DB-postgres:9.4}":       {text: "postgres:9.4"},
		"${EMPTY:-postgres:9.4}":   {text: "postgres:9.4"},
		"a${EMPTY-b}":              {text: "a"},
		"${TAG:+nginx:1.21}":       {text: "nginx:1.21"},
		"a${NO:+b}":                {text: "a"},
		"a${EMPTY:+b}${EMPTY+c}":   {text: "ac"},
		"nginx:${TAG:?say which}":  {text: "nginx:1.20", filled: true},
		"nginx:${NO:?say which}":   {text: "nginx:", missing: []string{"NO"}},
		"nginx:${NO?say which}":    {text: "nginx:", missing: []string{"NO"}},
		"${NO}/${TAG}:$OTHER":      {text: "/1.20:", missing: []string{"NO", "OTHER"}, filled: true},
		"${A:-${B:-redis:${TAG}}}": {text: "redis:1.20", filled: true},
		"${A:-${B}}":               {missing: []string{"B"}},
		"cost:$$5":                 {text: "cost:$5"},
		"x:${DB_PASSWORD}":         {text: "x:", missing: []string{"DB_PASSWORD"}}, // a secret is not shown
		"${TAG:--}":                {text: "1.20", filled: true},
		"${NO:--}":                 {text: "-"},
		"${NO:-a?b+c}":             {text: "a?b+c"},
		"${EMPTY}":                 {},
	} {
		got, err := testVariables().expand(in)
		if d := cmp.Diff(want, got, cmp.AllowUnexported(expanded{})); err != nil || d != "" {
			t.Errorf("%q: %v %s", in, err, d)
		}
	}
	for _, in := range []string{"$", "a$ b", "${", "${}", "${TAG", "${1}", "${TAG!x}", "${TAG:}", "${A:-${B}", strings.Repeat("${A:-", 40) + strings.Repeat("}", 40), strings.Repeat("x", maxExpanded+1)} {
		if got, err := testVariables().expand(in); err == nil {
			t.Errorf("%.30q: %+v and no error", in, got)
		}
	}
}

func TestParseEnv(t *testing.T) {
	environment := func(name string) string {
		if name == "FROM_SHELL" {
			return "shell"
		}
		return ""
	}
	got := parseEnv([]byte("# a comment\nA=1\n export B = two # said\nC='$A # raw'\nD=\"$A-${B}\"\nE=${NO:-x}\n9=no\nno line\nF=\nG=${FROM_SHELL}\nH=#\nI=a#b\r\nJ=\"open\n"), environment)
	want := map[string]string{
		"A": "1", "B": "two", "C": "$A # raw", "D": "1-two", "E": "x", "F": "", "G": "shell", "H": "", "I": "a#b", "J": "open",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	bomb := "A=" + strings.Repeat("x", 64) + "\n" + strings.Repeat("A=$A$A\n", 64)
	if got := parseEnv([]byte(bomb), environment)["A"]; len(got) > maxExpanded {
		t.Errorf("%d bytes of a value that doubles", len(got))
	}
	if v, set := over(environment, map[string]string{"FROM_SHELL": "file"})("FROM_SHELL"); v != "shell" || !set {
		t.Errorf("the file goes before the environment: %q", v)
	}
}

// What holds no dollar sign is what it is; what comes of the rest is bounded, and
// what a default says is in it.
func FuzzExpand(f *testing.F) {
	for _, s := range []string{"nginx:${TAG}", "${A:-${B-c}}", "$$", "${X:?no}", "${TAG:+x}$TAG"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := testVariables().expand(s)
		if err != nil {
			if got.text != "" || got.missing != nil || got.filled {
				t.Fatalf("%+v with %v", got, err)
			}
			return
		}
		if len(got.text) > maxExpanded {
			t.Fatalf("%d bytes", len(got.text))
		}
		if !strings.Contains(s, "$") && got.text != s {
			t.Fatalf("%q became %q", s, got.text)
		}
		if strings.Contains(got.text, "correcthorse9") {
			t.Fatal("a secret is filled in")
		}
		if strings.ContainsAny(s, "{}$") {
			return
		}
		if d, err := testVariables().expand("${NO-" + s + "}"); err != nil || d.text != s {
			t.Fatalf("a default of %q is %q, %v", s, d.text, err)
		}
	})
}
