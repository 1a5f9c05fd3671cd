package upgrade

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// gemServer serves a compact index of which only the first versions are shown.
type gemServer struct {
	mu    sync.Mutex
	lines map[string][]string // a gem's, by version in order
	shown int
}

func (s *gemServer) info(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := s.lines[name]
	return "---\n" + strings.Join(lines[:min(len(lines), s.shown)], "\n") + "\n"
}

func (s *gemServer) show(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown = n
}

func (s *gemServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, isInfo := strings.CutPrefix(r.URL.Path, "/info/")
	var body string
	switch {
	case isInfo && s.lines[name] != nil:
		body = s.info(name)
	case r.URL.Path == "/versions":
		body = "created_at: 2026-01-01T00:00:00Z\n---\n"
		for _, n := range sortedLines(s.lines) {
			var versions []string
			for line := range strings.Lines(strings.TrimPrefix(s.info(n), "---\n")) {
				v, _, _ := strings.Cut(line, " ")
				versions = append(versions, strings.TrimSpace(v))
			}
			sum := md5.Sum([]byte(s.info(n))) //nolint:gosec // as the compact index has it
			body += n + " " + strings.Join(versions, ",") + " " + hex.EncodeToString(sum[:]) + "\n"
		}
	default:
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write([]byte(body))
}

func sortedLines(m map[string][]string) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// bundleRun runs Bundler in a folder.
func bundleRun(ctx context.Context, bundle, dir, home string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, bundle, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+home, "BUNDLE_USER_HOME="+home, "BUNDLE_SILENCE_ROOT_WARNING=1", "BUNDLE_RETRY=0", "NO_COLOR=1")
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	if err != nil {
		return out.String() + said.String(), err
	}
	return out.String(), nil
}

// TestBundlerTakesWhatIsRaised holds plans over generated Gemfiles to Bundler: it
// must find nothing to change in a lock that it made and a plan raised.
func TestBundlerTakesWhatIsRaised(t *testing.T) {
	bundle := program(t, "bundle")
	made, tried := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		if tried++; tried > 12 && (made > 0 || tried > 60) && !thorough() {
			return
		}
		root, err := os.MkdirTemp(t.TempDir(), "world")
		if err != nil {
			rt.Fatal(err)
		}
		s := &gemServer{lines: map[string][]string{}}
		srv := httptest.NewServer(s)
		defer srv.Close()
		names, numbers := drawGems(rt, s)
		gemfile := fmt.Sprintf("source %q\n\n", srv.URL)
		for _, name := range names {
			switch rapid.IntRange(0, 3).Draw(rt, "asks for "+name) {
			case 0:
				gemfile += fmt.Sprintf("gem %q, %q\n", name, gemDraw(rt, numbers, "asked "+name))
			case 1:
				gemfile += fmt.Sprintf("gem '%s', '%s', '!= 9.9', require: false\n", name, gemDraw(rt, numbers, "asked "+name))
			}
		}
		project := filepath.Join(root, "project")
		files := fstest.MapFS{"Gemfile": {Data: []byte(gemfile)}}
		writeFS(t, project, files)
		s.show(rapid.IntRange(1, len(numbers)-1).Draw(rt, "newest"))
		if _, err := bundleRun(t.Context(), bundle, project, root, "lock"); err != nil {
			return
		}
		s.show(len(numbers))
		lock, err := os.ReadFile(filepath.Join(project, "Gemfile.lock"))
		if err != nil {
			rt.Fatal(err)
		}
		files["Gemfile.lock"] = &fstest.MapFile{Data: lock}
		l, err := readGemLock(&plan.File{Name: "Gemfile.lock", B: lock})
		if err != nil {
			return // it asks for nothing
		}
		var found []finding.Finding
		for _, g := range l.specs {
			later := slices.DeleteFunc(slices.Clone(numbers), func(v string) bool { return plan.CompareBy("RubyGems", v, g.version) <= 0 })
			if len(later) > 0 && rapid.Bool().Draw(rt, g.name+" is vulnerable") {
				found = append(found, vulnerable("Gemfile.lock", "gem", g.name, g.version, rapid.SampledFrom(later).Draw(rt, g.name+" is fixed in")))
			}
		}
		dir := plan.Dir{Indexes: map[string]plan.Index{"gem": RubyGems(plan.HTTP{Base: srv.URL, Client: srv.Client()})}}
		plan, after := planAll(failer{t, rt}, dir, files, found)
		if strings.Contains(plan, "Raise") {
			made++
		}
		if os.Getenv("SHOWPLAN") != "" {
			t.Log(plan)
		}
		writeFS(t, project, after)
		if out, err := bundleRun(t.Context(), bundle, project, root, "lock"); err != nil {
			rt.Fatalf("%s\n%s\n%s", out, plan, toldAll(files, after))
		}
		now, err := os.ReadFile(filepath.Join(project, "Gemfile.lock"))
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(string(after["Gemfile.lock"].Data), string(now)); diff != "" {
			rt.Fatalf("Bundler makes of it: (-ours +Bundler's)\n%s\n%s\n%s", diff, plan, toldAll(files, after))
		}
	})
	if made == 0 {
		t.Error("nothing was ever raised")
	}
	t.Logf("%d worlds, %d with something raised", tried, made)
}

func gemDraw(rt *rapid.T, numbers []string, label string) string {
	v := rapid.SampledFrom(numbers).Draw(rt, label)
	switch rapid.IntRange(0, 5).Draw(rt, label+" range") {
	case 0:
		return v
	case 1:
		return "~> " + v
	case 2:
		return "~> " + v[:strings.LastIndex(v, ".")]
	case 3:
		return "< 9"
	}
	return ">= " + v
}

// drawGems fills a server with gems that depend on one another.
func drawGems(rt *rapid.T, s *gemServer) (names, numbers []string) {
	names = []string{"anchor", "anchor-chain", "buoy", "deck_plan", "engine"}
	numbers = []string{"1.0.0", "1.0.1", "1.1.0", "2.0.0", "2.0.1", "3.0.0"}
	for i, name := range names {
		for _, v := range numbers {
			var deps []string
			for _, dep := range names[i+1:] {
				switch rapid.IntRange(0, 5).Draw(rt, name+v+" needs "+dep) {
				case 0:
					deps = append(deps, dep+":"+gemDraw(rt, numbers, name+v+dep))
				case 1:
					deps = append(deps, dep+":>= 0")
				case 2:
					deps = append(deps, dep+":"+gemDraw(rt, numbers, name+v+dep)+"&!= 0.9")
				}
			}
			sum := hex.EncodeToString(bytes.Repeat([]byte{byte(len(v))}, 32))
			s.lines[name] = append(s.lines[name], v+" "+strings.Join(deps, ",")+"|checksum:"+sum)
		}
	}
	return names, numbers
}
