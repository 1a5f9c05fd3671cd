package upgrade

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// composerServer is a Composer repository of which only the first releases of
// each package are shown.
type composerServer struct {
	releases map[string][]map[string]any
	shown    atomic.Int64
}

func (s *composerServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, "/p2/")
	name, isJSON := strings.CutSuffix(name, ".json")
	var body any
	switch {
	case r.URL.Path == "/packages.json":
		body = map[string]any{"packages": []any{}, "metadata-url": "/p2/%package%.json", "notify-batch": "http://" + r.Host + "/downloads/"}
	case ok && isJSON && s.releases[name] != nil:
		all := s.releases[name]
		all = slices.Clone(all[:min(len(all), int(s.shown.Load()))])
		slices.Reverse(all)
		body = map[string]any{"minified": "composer/2.0", "packages": map[string]any{name: minified(all)}}
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

// minified tells each release by what differs from the one before.
func minified(all []map[string]any) []map[string]any {
	var out []map[string]any
	last := map[string]any{}
	for _, r := range all {
		some := map[string]any{}
		for k, v := range r {
			if fmt.Sprint(last[k]) != fmt.Sprint(v) {
				some[k] = v
			}
		}
		for k := range last {
			if _, ok := r[k]; !ok {
				some[k] = "__unset"
			}
		}
		out, last = append(out, some), r
	}
	return out
}

func composerRun(t testing.TB, composer, dir, home string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), composer, append(args, "--no-interaction", "--no-plugins", "--no-ansi")...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+home, "COMPOSER_HOME="+home, "COMPOSER_ALLOW_SUPERUSER=1", "COMPOSER_CACHE_DIR=/dev/null")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// TestComposerTakesWhatIsRaised holds plans over generated projects to Composer:
// a lock that it made and a plan raised must be of its composer.json, and what
// Composer writes when it reads the repository anew.
func TestComposerTakesWhatIsRaised(t *testing.T) {
	composer := program(t, "composer")
	made, tried := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		if tried++; tried > 10 && (made > 0 || tried > 60) && !thorough() {
			return
		}
		root, err := os.MkdirTemp(t.TempDir(), "world")
		if err != nil {
			rt.Fatal(err)
		}
		s := &composerServer{releases: map[string][]map[string]any{}}
		srv := httptest.NewServer(s)
		defer srv.Close()
		names, numbers := drawComposer(rt, s, srv.URL)
		asks := map[string]map[string]string{"require": {}, "require-dev": {}}
		for _, name := range names {
			if kind := rapid.SampledFrom([]string{"require", "require-dev", "", ""}).Draw(rt, "the project asks for "+name); kind != "" {
				asks[kind][name] = composerDraw(rt, numbers, "asked "+name)
			}
		}
		asks["require"]["php"] = ">=7.4"
		manifest := fmt.Sprintf("{\n    \"name\": \"quay/harbour\",\n    \"description\": \"näu/т\",\n    \"require\": %s,\n    \"require-dev\": %s,\n"+
			"    \"extra\": {\"über/x\": [1, {}, {\"0\": true}], \"e\": {}},\n    \"repositories\": [{\"type\": \"composer\", \"url\": %q}, "+
			"{\"packagist.org\": false}],\n    \"config\": {\"secure-http\": false}\n}\n",
			plainJSON(asks["require"]), plainJSON(asks["require-dev"]), srv.URL)
		project := filepath.Join(root, "project")
		files := fstest.MapFS{"composer.json": {Data: []byte(manifest)}}
		writeFS(t, project, files)
		s.shown.Store(int64(rapid.IntRange(1, len(numbers)-1).Draw(rt, "newest")))
		if out, err := composerRun(t, composer, project, root, "update", "--no-install"); err != nil {
			if os.Getenv("SHOWPLAN") != "" {
				t.Log(out)
			}
			return
		}
		s.shown.Store(int64(len(numbers)))
		lock, err := os.ReadFile(filepath.Join(project, "composer.lock"))
		if err != nil {
			rt.Fatal(err)
		}
		files["composer.lock"] = &fstest.MapFile{Data: lock}
		l, err := readComposerLock(&plan.File{Name: "composer.lock", B: lock})
		if err != nil {
			rt.Fatal(err)
		}
		var found []finding.Finding
		for _, q := range l.packages {
			later := slices.DeleteFunc(slices.Clone(numbers), func(v string) bool { return composerKind{}.compare(v, q.version) <= 0 })
			if len(later) > 0 && rapid.Bool().Draw(rt, q.name+" is vulnerable") {
				fixed := strings.TrimPrefix(rapid.SampledFrom(later).Draw(rt, q.name+" is fixed in"), "v")
				found = append(found, vulnerable("composer.lock", "composer", q.name, q.version, fixed))
			}
		}
		dir := plan.Dir{Indexes: map[string]plan.Index{"composer": Packagist(plan.HTTP{Base: srv.URL, Client: srv.Client()})}}
		plan, after := planAll(failer{t, rt}, dir, files, found)
		if strings.Contains(plan, "Raise") {
			made++
		}
		if os.Getenv("SHOWPLAN") != "" {
			t.Log(plan)
		}
		writeFS(t, project, after)
		for _, args := range [][]string{{"validate", "--no-check-all"}, {"install", "--dry-run"}, {"update", "--lock", "--no-install"}} {
			if out, err := composerRun(t, composer, project, root, args...); err != nil {
				rt.Fatalf("%v: %s\n%s\n%s", args, out, plan, toldAll(files, after))
			}
		}
		now, err := os.ReadFile(filepath.Join(project, "composer.lock"))
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(string(after["composer.lock"].Data), string(now)); diff != "" {
			rt.Fatalf("Composer makes of it: (-ours +Composer's)\n%s\n%s\n%s", diff, plan, toldAll(files, after))
		}
	})
	if made == 0 {
		t.Error("nothing was ever raised")
	}
	t.Logf("%d worlds, %d with something raised", tried, made)
}

func composerDraw(rt *rapid.T, numbers []string, label string) string {
	v := rapid.SampledFrom(numbers).Draw(rt, label)
	bare := strings.TrimPrefix(v, "v")
	switch rapid.IntRange(0, 7).Draw(rt, label+" range") {
	case 0:
		return v
	case 1:
		return "~" + bare
	case 2:
		return "~" + bare[:strings.LastIndex(bare, ".")]
	case 3:
		return bare[:strings.LastIndex(bare, ".")] + ".*"
	case 4:
		return "^" + bare + " || ^2.0"
	case 5:
		return ">= " + bare + ", <3.0"
	case 6:
		return "*"
	}
	return "^" + bare
}

// drawComposer fills a repository with packages that depend on one another.
func drawComposer(rt *rapid.T, s *composerServer, base string) (names, numbers []string) {
	names = []string{"quay/anchor", "quay/anchor-chain", "quay/buoy", "rope/deck_plan", "rope/engine"}
	numbers = []string{"v1.0.0", "1.0.1", "v1.1.0", "v2.0.0", "2.0.1", "v3.0.0"}
	for i, name := range names {
		for n, v := range numbers {
			require := map[string]string{"php": []string{"^7.2 || ^8.0", ">=5.4"}[n%2]}
			for _, dep := range names[i+1:] {
				if rapid.IntRange(0, 2).Draw(rt, name+v+" needs "+dep) == 0 {
					require[dep] = composerDraw(rt, numbers, name+v+dep)
				}
			}
			r := map[string]any{
				"name": name, "version": v, "version_normalized": composerFull(v), "require": require,
				"description": "Für/häfen " + v, "keywords": []string{"z", "a"}, "license": []string{"MIT"},
				"authors":  []any{map[string]string{"name": "Ahab", "email": "a@example.org"}},
				"source":   map[string]string{"url": base + "/" + name + ".git", "type": "git", "reference": v + "0123"},
				"dist":     map[string]string{"url": base + "/" + name + ".zip", "type": "zip", "shasum": "", "reference": v + "0123"},
				"time":     "2021-10-01T21:08:31+00:00",
				"autoload": map[string]any{"psr-4": map[string]string{"Quay\\Harbour\\": "src/"}},
				"support":  map[string]string{"issues": base + "/issues"},
			}
			switch rapid.IntRange(0, 11).Draw(rt, name+v+" is") {
			case 0:
				r["bin"], r["type"] = []string{"bin/x"}, "composer-plugin"
				r["type"] = "library"
			case 1:
				r["extra"] = map[string]any{"branch-alias": map[string]string{"dev-main": "1.x-dev"}, "n": 3}
				r["suggest"] = map[string]string{"ext-intl": "for words", "a/b": "x"}
			case 2:
				r["replace"] = map[string]string{"rope/old-" + fmt.Sprint(i): "self.version"}
			case 3:
				r["conflict"] = map[string]string{names[len(names)-1]: "<1.1"}
			}
			s.releases[name] = append(s.releases[name], r)
		}
	}
	return names, numbers
}

// TestContentHashIsPHPs holds what composer.json is known by to PHP, for documents
// of all kinds of values.
func TestContentHashIsPHPs(t *testing.T) {
	php := program(t, "php")
	var docs []string
	value := rapid.Custom(drawJSON)
	for i := range 300 {
		v := value.Example(i)
		docs = append(docs, `{"config":{"platform":`+v+`},"x":1,"require":`+v+`,"extra":`+value.Example(1000+i)+`,"name":"a/b"}`)
	}
	script := `while (($l = fgets(STDIN)) !== false) { $c = json_decode($l, true); $r = array_intersect_key($c, array_flip(["require", "extra", "name"]));
		if (isset($c["config"]["platform"])) { $r["config"]["platform"] = $c["config"]["platform"]; }
		ksort($r); echo md5(json_encode($r, 0)), "\n"; }`
	cmd := exec.CommandContext(t.Context(), php, "-r", script)
	cmd.Stdin = strings.NewReader(strings.Join(docs, "\n") + "\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	sums := strings.Fields(string(out))
	if len(sums) != len(docs) {
		t.Fatalf("%d sums of %d documents", len(sums), len(docs))
	}
	for i, doc := range docs {
		if sum, err := contentHash([]byte(doc)); err != nil || sum != sums[i] {
			t.Errorf("%s: %s, %v, and PHP says %s", doc, sum, err, sums[i])
		}
	}
}

// drawJSON makes a value of JSON without fractions.
func drawJSON(t *rapid.T) string {
	var draw func(depth int) string
	text := func() string {
		return string(plainJSON(rapid.SampledFrom([]string{"", "a/b", "0", "1", "ü", "\U0001F6A2", "\x00\x1f\x7f", "\u2028", "\b\f\n\r\t", `\"`, "<&>", "x"}).Draw(t, "text")))
	}
	draw = func(depth int) string {
		switch k := rapid.IntRange(0, 7).Draw(t, "kind"); {
		case k == 0:
			return rapid.SampledFrom([]string{"true", "false", "null"}).Draw(t, "word")
		case k == 1:
			return fmt.Sprint(rapid.Int64().Draw(t, "number"))
		case k < 4 || depth > 3:
			return text()
		case k < 6:
			var parts []string
			for range rapid.IntRange(0, 3).Draw(t, "elements") {
				parts = append(parts, draw(depth+1))
			}
			return "[" + strings.Join(parts, ",") + "]"
		}
		var parts []string
		for range rapid.IntRange(0, 4).Draw(t, "members") {
			parts = append(parts, text()+":"+draw(depth+1))
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	return draw(0)
}
