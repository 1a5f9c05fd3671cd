package admission

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestRepositories: a pattern is for the same repositories here and in a builder.
func TestRepositories(t *testing.T) {
	part := rapid.SampledFrom([]string{"a", "ab", "b.c", "*", "a*", "?b", "**", "[ab]", "x-y"})
	name := rapid.SampledFrom([]string{"a", "ab", "b.c", "bxc", "x-y", "b", "abc"})
	rapid.Check(t, func(t *rapid.T) {
		pattern := strings.Join(append([]string{rapid.SampledFrom([]string{"r.io", "r.io:50", "*.io", "**", "*"}).Draw(t, "first")}, rapid.SliceOfN(part, 1, 4).Draw(t, "parts")...), "/")
		if checkPattern(pattern) != nil {
			t.Skip()
		}
		repository := strings.Join(append([]string{rapid.SampledFrom([]string{"r.io", "r.io:50", "q.io"}).Draw(t, "registry")}, rapid.SliceOfN(name, 1, 4).Draw(t, "names")...), "/")
		re, err := regexp.Compile("^docker-image://" + repositories(pattern) + "(:[^/@]+)?(@.*)?$")
		if err != nil {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, after := range []string{"", ":v1", ":v1@sha256:0", "@sha256:0"} {
			if got, want := re.MatchString("docker-image://"+repository+after), Matches(pattern, repository); got != want {
				t.Fatalf("%s of %s%s: %v, and %v here (%s)", pattern, repository, after, got, want, re)
			}
		}
	})
}

func TestBuildKit(t *testing.T) {
	s := &Sources{Default: Deny, Rules: []SourceRule{
		{Name: "app", Patterns: []string{"r.io/me/app"}, Signed: []SignedTag{{"r.io/me/app", "v1", "sha256:1"}}},
		{Name: "all", Patterns: []string{"nginx"}, All: true},
		{Name: "none", Patterns: []string{"r.io/**"}},
	}}
	b, err := s.BuildKit()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Rules []struct {
			Action   string
			Selector struct {
				Identifier string
				MatchType  string `json:"match_type"` // as BuildKit's decoder has it: another spelling is ignored
			}
			Updates struct{ Identifier string }
		}
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	decide := func(id string) (verdict, to string) { // as BuildKit does: the last that matches
		verdict = "ALLOW"
		for _, r := range doc.Rules {
			match := r.Selector.Identifier == id
			switch r.Selector.MatchType {
			case "REGEX":
				match = regexp.MustCompile(r.Selector.Identifier).MatchString(id)
			case "EXACT":
			default:
				t.Fatalf("match type %q", r.Selector.MatchType)
			}
			switch {
			case match && r.Action == "CONVERT":
				return r.Action, r.Updates.Identifier
			case match:
				verdict = r.Action
			}
		}
		return verdict, ""
	}
	const at = "docker-image://"
	for id, want := range map[string]string{
		"r.io/me/app:v1":             "CONVERT",
		"r.io/me/app:v1@sha256:1":    "ALLOW",
		"r.io/me/app@sha256:1":       "ALLOW",
		"r.io/me/app:v2":             "DENY",
		"r.io/me/app@sha256:2":       "DENY",
		"r.io/me/app:v1@sha256:2":    "DENY",
		"docker.io/library/nginx:1":  "ALLOW",
		"docker.io/library/nginx2:1": "DENY",
		"docker.io/library/redis":    "DENY",
		"r.io/other:1":               "DENY",
	} {
		if got, _ := decide(at + id); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
	if _, to := decide(at + "r.io/me/app:v1"); to != at+"r.io/me/app:v1@sha256:1" {
		t.Errorf("a tag becomes %q", to)
	}
	s.Default = Allow
	if b, err = s.BuildKit(); err != nil || json.Unmarshal(b, &doc) != nil {
		t.Fatal(err)
	}
	if got, _ := decide(at + "docker.io/library/redis"); got != "ALLOW" {
		t.Errorf("the default: %s", got)
	}
}
