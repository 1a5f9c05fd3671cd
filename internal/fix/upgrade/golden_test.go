package upgrade

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/BurntSushi/toml"
	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/npm"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/mod/modfile"
)

var update = flag.Bool("update", false, "write the goldens anew")

// story is one case: files, what is vulnerable in them, what the registries
// know; and what must come of it.
type story struct {
	archive *txtar.Archive
	files   fstest.MapFS
	found   []finding.Finding
	dir     plan.Dir
	plan    string
	after   map[string]string
}

// memory is a registry of npm's, in memory.
type memory map[string]map[string]plan.Manifest

func (m memory) Versions(_ context.Context, name string) (map[string]plan.Manifest, error) {
	if v, ok := m[name]; ok {
		return v, nil
	}
	return nil, fmt.Errorf("the registry has no %s", name)
}

func (m memory) Serves(resolved string) bool { return strings.HasPrefix(resolved, npm.PublicRegistry) }

// sums is a checksum database, in memory.
type sums map[string]plan.Sums

func (m sums) Sums(_ context.Context, path, version string) (plan.Sums, error) {
	if s, ok := m[path+"@"+version]; ok {
		return s, nil
	}
	return plan.Sums{}, fmt.Errorf("no hash of %s@%s", path, version)
}

func readStory(t testing.TB, file string) *story {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &story{archive: a, files: fstest.MapFS{}, after: map[string]string{}}
	for _, f := range a.Files {
		kind, rest, _ := strings.Cut(f.Name, "/")
		switch kind {
		case "plan":
			s.plan = string(f.Data)
		case "after":
			s.after[rest] = string(f.Data)
		case "npm":
			all, err := npm.ParsePackument(f.Data)
			if err != nil {
				t.Fatalf("%s: %v", f.Name, err)
			}
			if s.dir.Registry == nil {
				s.dir.Registry = memory{}
			}
			s.dir.Registry.(memory)[rest] = all
		case "crate": // as the index says it
			s.index(t, "cargo", rest, func() ([]plan.Release, error) { return parseCrates(f.Data, rest) })
		case "composer":
			s.index(t, "composer", rest, func() ([]plan.Release, error) { return parsePackagist(f.Data, rest, packagistNotify) })
		case "nuget":
			s.index(t, "nuget", rest, func() ([]plan.Release, error) { return parseNuGet(f.Data) })
		case "pypi": // "requests==2.31.0", as the index says it
			d, err := parsePyPI(f.Data)
			if err != nil {
				t.Fatalf("%s: %v", f.Name, err)
			}
			if s.dir.PyPI == nil {
				s.dir.PyPI = wheels{}
			}
			s.dir.PyPI.(wheels)[rest] = d
		case "gem":
			s.index(t, "gem", rest, func() ([]plan.Release, error) { return parseGems(f.Data) })
		case "mod":
			if s.dir.Modules == nil {
				s.dir.Modules = sums{}
			}
			s.dir.Modules.(sums)[rest] = plan.Sums{Zip: "h1:zip/" + path.Base(rest) + "=", Mod: "h1:mod/" + path.Base(rest) + "=", GoMod: f.Data}
		case "found":
			for line := range strings.Lines(string(f.Data)) {
				s.finding(t, strings.Fields(line))
			}
		case "user": // of the base image
			user := strings.TrimSpace(string(f.Data))
			s.dir.Base = func(*dockerfile.Stage) *dockerfile.BaseFacts { return &dockerfile.BaseFacts{Config: true, User: user} }
		case "in":
			s.files[rest] = &fstest.MapFile{Data: f.Data}
		default:
			t.Fatalf("%s: a file %q", file, f.Name)
		}
	}
	return s
}

// wheels is a Python index in memory.
type wheels map[string]plan.Distribution

func (w wheels) Distribution(_ context.Context, name, version string) (plan.Distribution, error) {
	if d, ok := w[name+"=="+version]; ok {
		return d, nil
	}
	return plan.Distribution{}, fmt.Errorf("the registry has no %s %s", name, version)
}

// shelf is an index in memory.
type shelf struct {
	plan.Index
	releases map[string][]plan.Release
}

func (s shelf) Releases(_ context.Context, name string) ([]plan.Release, error) {
	if r, ok := s.releases[name]; ok {
		return r, nil
	}
	return nil, fmt.Errorf("the registry has no %s", name)
}

// index puts what a registry says of a package on its shelf.
func (s *story) index(t testing.TB, typ, name string, read func() ([]plan.Release, error)) {
	t.Helper()
	all, err := read()
	if err != nil || len(all) == 0 {
		t.Fatalf("what the registry says of %s: %d releases, %v", name, len(all), err)
	}
	if s.dir.Indexes == nil {
		s.dir.Indexes = map[string]plan.Index{}
	}
	if s.dir.Indexes[typ] == nil {
		of := map[string]plan.Index{"cargo": Crates(plan.HTTP{}), "gem": RubyGems(plan.HTTP{}), "composer": Packagist(plan.HTTP{}), "nuget": NuGet(plan.HTTP{})}
		s.dir.Indexes[typ] = shelf{of[typ], map[string][]plan.Release{}}
	}
	s.dir.Indexes[typ].(shelf).releases[name] = all
}

// finding reads "file[:line] type name from to [binary ...]".
func (s *story) finding(t testing.TB, w []string) {
	t.Helper()
	if len(w) < 5 {
		t.Fatalf("a finding %q", w)
	}
	file, line, _ := strings.Cut(w[0], ":")
	f := vulnerable(file, w[1], w[2], w[3], w[4])
	if line != "" {
		_, _ = fmt.Sscan(line, &f.At[0].Source.Line)
	}
	for _, b := range w[5:] {
		f.Evidence = append(f.Evidence, finding.Evidence{Kind: finding.EvidencePackage, Package: &finding.Installed{Name: b, Version: w[3]}})
	}
	s.found = append(s.found, f)
}

// TestGoldens plans each story, holds the plan and the files after it to the
// archive, and tells the same story again with other line ends, without the
// last one, after a byte order mark and with tabs: the edits must be the same
// to the byte otherwise.
func TestGoldens(t *testing.T) {
	stories, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(stories) < 12 && !*update {
		t.Fatalf("%d stories, %v", len(stories), err)
	}
	for _, file := range stories {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			s := readStory(t, file)
			plan, after := planAll(t, dirOf(s, s.files), s.files, s.found)
			if *update {
				s.write(t, file, plan, after)
				return
			}
			if diff := cmp.Diff(s.plan, plan); diff != "" {
				t.Errorf("the plan: (-want +got)\n%s", diff)
			}
			for _, p := range sortedNames(s.files) {
				want, changed := s.after[p]
				if !changed {
					want = string(s.files[p].Data)
				}
				if diff := cmp.Diff(want, string(after[p].Data)); diff != "" {
					t.Errorf("%s: (-want +got)\n%s", p, diff)
				}
			}
			s.hold(t, after)
			for name, change := range variants() {
				t.Run(name, func(t *testing.T) { s.vary(t, change) })
			}
		})
	}
}

func dirOf(s *story, files fstest.MapFS) plan.Dir {
	d := s.dir
	d.FS, d.Name = files, "app"
	return d
}

func sortedNames(m fstest.MapFS) []string {
	var out []string
	for p := range m {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

// variants change the text of a file without changing what it says; the second
// value is false where it does not apply to the file.
func variants() map[string]func(p, text string) string {
	leading := regexp.MustCompile(`(?m)^( {2})+`)
	return map[string]func(p, text string) string{
		"crlf":        func(_, s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
		"no-last-end": func(_, s string) string { return strings.TrimRight(s, "\n") },
		"bom": func(p, s string) string {
			if path.Base(p) == "go.mod" || path.Base(p) == "go.sum" {
				return s // Go takes none
			}
			return "\xef\xbb\xbf" + s
		},
		"tabs": func(p, s string) string {
			if ext := path.Ext(p); ext != ".json" && ext != ".xml" && !isProject(p) {
				return s
			}
			return leading.ReplaceAllStringFunc(s, func(w string) string { return strings.Repeat("\t", len(w)/2) })
		},
	}
}

func (s *story) vary(t *testing.T, change func(p, text string) string) {
	files := fstest.MapFS{}
	for p, f := range s.files {
		files[p] = &fstest.MapFile{Data: []byte(change(p, string(f.Data)))}
	}
	plan, after := planAll(t, dirOf(s, files), files, s.found)
	if diff := cmp.Diff(s.plan, plan); diff != "" {
		t.Errorf("the plan: (-want +got)\n%s", diff)
	}
	for _, p := range sortedNames(s.files) {
		want, changed := s.after[p]
		if !changed {
			want = string(s.files[p].Data)
		}
		if diff := cmp.Diff(change(p, want), string(after[p].Data)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", p, diff)
		}
	}
	s.hold(t, after)
}

// hold says what must be true after every plan: the files parse, and planning
// again edits nothing.
func (s *story) hold(t *testing.T, after fstest.MapFS) {
	t.Helper()
	for p, f := range after {
		if err := parses(p, f.Data); err != nil {
			t.Errorf("%s after it does not parse: %v", p, err)
		}
	}
	again, _ := Plan(t.Context(), dirOf(s, after), s.found)
	for _, e := range allEdits(again) {
		t.Errorf("planning again edits %s: %q for %q", e.File, e.New, after[strings.TrimPrefix(e.File, "app/")].Data[e.Start:e.End])
	}
}

// parses holds a file to its format.
func parses(p string, b []byte) error {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	switch {
	case path.Ext(p) == ".json" || path.Base(p) == "composer.lock":
		var v any
		return json.Unmarshal(b, &v)
	case slices.Contains([]string{"pyproject.toml", "Pipfile", "Cargo.toml", "Cargo.lock"}, path.Base(p)):
		var v map[string]any
		return toml.Unmarshal(b, &v)
	case path.Base(p) == "go.mod":
		_, err := modfile.Parse(p, b, nil)
		return err
	case isProject(p) || strings.HasPrefix(path.Base(p), "Directory."):
		_, err := readMSBuild(&plan.File{B: b})
		return err
	case path.Ext(p) == ".xml":
		_, err := parsePOM(&plan.File{B: b})
		return err
	case strings.HasPrefix(path.Base(p), "Dockerfile"):
		_, err := dockerfile.Parse(p, b)
		return err
	}
	return nil
}

// write puts what came out into the archive.
func (s *story) write(t *testing.T, file, plan string, after fstest.MapFS) {
	t.Helper()
	a := s.archive
	a.Files = slices.DeleteFunc(a.Files, func(f txtar.File) bool {
		return f.Name == "plan" || strings.HasPrefix(f.Name, "after/")
	})
	a.Files = append(a.Files, txtar.File{Name: "plan", Data: []byte(plan)})
	for _, p := range sortedNames(after) {
		if string(after[p].Data) != string(s.files[p].Data) {
			a.Files = append(a.Files, txtar.File{Name: "after/" + p, Data: after[p].Data})
		}
	}
	if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(os.Stderr, file+" written\n")
}
