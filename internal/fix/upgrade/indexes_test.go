package upgrade

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// Every registry is asked where its documentation says, by names that are names,
// and what it answers is read.
func TestIndexes(t *testing.T) {
	sum := strings.Repeat("0a", 32)
	answers := map[string]string{
		"/1/a":         `{"name":"a","vers":"1.0.0","deps":[],"cksum":"` + sum + `","features":{}}`,
		"/3/s/sha":     `{"name":"sha","vers":"1.0.0","deps":[],"cksum":"` + sum + `","yanked":true,"rust_version":"1.70"}`,
		"/se/rd/serde": `{"name":"serde","vers":"1.0.0","deps":[{"name":"d","package":"serde_derive","req":"^1","optional":true,"features":["x"]},{"name":"t","req":"1","kind":"dev"}],"cksum":"` + sum + `","features":{"std":[]},"features2":{"d":["dep:d"]}}` + "\n" + `{"name":"other","vers":"9.0.0","cksum":"` + sum + `"}`,
		"/info/rack":   "---\n1.0.0 |checksum:" + sum + "\n2.0.0-java rake:>= 1&< 3,json:>= 0|checksum:" + sum + ",ruby:>= 2.4&< 4\n",
		"/p2/a/b.json": `{"minified":"composer/2.0","packages":{"a/b":[
			{"name":"a/b","version":"v2.0.0","require":{"php":">=8","c/d":"^1","ext-intl":"*"},"dist":{"type":"zip","url":"u"}},{"version":"1.0.0","require":"__unset"},{"version":"dev-main"}]}}`,
		"/buoy/index.json":           `{"items":[{"@id":"BASE/buoy/page/1.json"},{"items":[{"catalogEntry":{"version":"2.0.0+x","listed":false}}]}]}`,
		"/buoy/page/1.json":          `{"items":[{"catalogEntry":{"version":"1.0.0","dependencyGroups":[{"targetFramework":"net6.0","dependencies":[{"id":"A","range":"[1.0.0, )"}]}]}}]}`,
		"/away/index.json":           `{"items":[{"@id":"https://example.org/away/page.json"}]}`,
		"/pypi/requests/2.31.0/json": `{"info":{"requires_dist":["urllib3<3"],"requires_python":">=3.7"},"urls":[{"digests":{"sha256":"` + sum + `"}}]}`,
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := answers[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(strings.ReplaceAll(body, "BASE", "http://"+r.Host)))
	}))
	defer srv.Close()
	h := plan.HTTP{Base: srv.URL, Client: srv.Client()}
	for _, c := range []struct {
		index plan.Index
		name  string
		want  int // releases; 0: an error
	}{
		{Crates(h), "a", 1},
		{Crates(h), "sha", 1},
		{Crates(h), "serde", 1},
		{Crates(h), "../x", 0},
		{Crates(h), "none", 0},
		{RubyGems(h), "rack", 2},
		{RubyGems(h), "../rack", 0},
		{Packagist(h), "a/b", 2},
		{Packagist(h), "a", 0},
		{NuGet(h), "Buoy", 2},
		{NuGet(h), "away", 0},
	} {
		all, err := c.index.Releases(t.Context(), c.name)
		if len(all) != c.want || (err == nil) != (c.want > 0) {
			t.Errorf("%T has %d releases of %s, %v; want %d", c.index, len(all), c.name, err, c.want)
		}
	}
	serde, _ := Crates(h).Releases(t.Context(), "serde")
	if n := serde[0].Needs; len(n) != 1 || n[0].Name != "serde_derive" || n[0].As != "d" || !n[0].Optional || len(serde[0].Features) != 2 {
		t.Errorf("serde: %+v", serde)
	}
	rack, _ := RubyGems(h).Releases(t.Context(), "rack")
	if r := rack[1]; r.Platform != "java" || r.Runtime != ">= 2.4, < 4" || len(r.Needs) != 2 || r.Needs[0].Spec != ">= 1, < 3" || r.Needs[1].Spec != "" {
		t.Errorf("rack: %+v", rack)
	}
	ab, _ := Packagist(h).Releases(t.Context(), "a/b")
	if r := ab[0]; r.Runtime != ">=8" || len(r.Needs) != 1 || r.Links["platform"]["ext-intl"] != "*" || len(ab[1].Needs) != 0 {
		t.Errorf("a/b: %+v", ab)
	}
	for source, want := range map[string]bool{
		"registry+https://github.com/rust-lang/crates.io-index": true, "sparse+https://index.crates.io/": true,
		"registry+https://example.org/index": false, "git+https://github.com/rust-lang/crates.io-index": false,
	} {
		if got := Crates(h).Serves(source); got != want {
			t.Errorf("crates.io serves %s: %t", source, got)
		}
	}
	d, err := PyPI(h).Distribution(t.Context(), "Requests", "2.31.0")
	if err != nil || len(d.Hashes) != 1 || d.Hashes[0] != "sha256:"+sum || d.Python != ">=3.7" {
		t.Errorf("requests: %+v, %v", d, err)
	}
	if _, err := PyPI(h).Distribution(t.Context(), "requests", "../x"); err == nil {
		t.Error("a path is a version")
	}
}

// Where pip is told of another index, pypi.org is not asked about its packages.
func TestPyPIIsNotAskedForOthers(t *testing.T) {
	for address, want := range map[string]bool{"": true, "https://pypi.org/simple/": true, "https://pypi.example.org/simple": false} {
		t.Setenv("PIP_INDEX_URL", address)
		if got := PyPI(plan.HTTP{}) != nil; got != want {
			t.Errorf("PIP_INDEX_URL=%q: asked %t", address, got)
		}
	}
}
