package upgrade

import (
	"encoding/json"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/BurntSushi/toml"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"golang.org/x/mod/modfile"
)

// versionsIn lists what a file says of packages: everything that must stay the
// same but for what was raised. An unreadable file says nothing.
func versionsIn(p string, b []byte) map[string]string {
	out := map[string]string{}
	switch base := path.Base(p); {
	case path.Ext(p) == ".json":
		root, err := plan.ParseJSON(b)
		if err != nil {
			return nil
		}
		flatten(b, root, "", out)
	case base == "go.mod":
		m, err := modfile.Parse(p, b, nil)
		if err != nil {
			return nil
		}
		for _, r := range m.Require {
			out[r.Mod.Path] = r.Mod.Version
		}
		for _, r := range m.Replace {
			out["=> "+r.Old.String()] = r.New.String()
		}
	case base == "pyproject.toml" || base == "Cargo.toml":
		all, err := scanTOML(b)
		if err != nil {
			return nil
		}
		for _, s := range all {
			k := strings.Join(s.keys, ".")
			if s.inArray {
				d, _ := parsePyDep(string(b[s.start+1 : s.end]))
				k += " " + d.name
			}
			out[k] += string(b[s.start:s.end])
		}
	case isProject(base):
		m, err := readMSBuild(&plan.File{B: b})
		if err != nil {
			return nil
		}
		for _, r := range m.refs {
			out[r.name] += " " + r.version.s + " " + r.override.s
		}
	case base == "Gemfile":
		for _, c := range gemCalls(string(b)) {
			out[c.name] += " " + strings.Join(c.reqs, ", ")
		}
	case path.Ext(p) == ".txt":
		for _, l := range pyLines(string(b)) {
			out[l.name] += " " + l.spec
		}
	case base == "pom.xml":
		m, err := parsePOM(&plan.File{B: b})
		if err != nil {
			return nil
		}
		for _, d := range m.deps {
			out[d.group.s+":"+d.module.s] += " " + m.resolve(d.version.s, 0)
		}
	}
	return out
}

func flatten(b []byte, n *plan.JSONNode, at string, out map[string]string) {
	for _, m := range n.Members {
		if m.Value.Kind == '{' {
			flatten(b, m.Value, at+"/"+m.Key, out)
			continue
		}
		out[at+"/"+m.Key] = m.Value.Raw(b)
	}
}

// lawful plans for one file with one finding in it, and holds what comes out to
// the law: edits that apply, a file that parses, and nothing changed in it that
// does not name the package.
func lawful(t *testing.T, name string, b []byte, beside fstest.MapFS, f finding.Finding, allowed func(key string) bool) {
	t.Helper()
	files := maps.Clone(beside)
	files[name] = &fstest.MapFile{Data: b}
	us, _ := Plan(t.Context(), plan.Dir{FS: files}, []finding.Finding{f})
	edits := allEdits(us)
	after := apply(t, files, "", edits)
	if len(edits) == 0 {
		return
	}
	for p := range files {
		if err := parses(p, files[p].Data); err == nil {
			if err := parses(p, after[p].Data); err != nil {
				t.Fatalf("%s does not parse any more: %v\n%q\n%q", p, err, files[p].Data, after[p].Data)
			}
		}
		was, is := versionsIn(p, files[p].Data), versionsIn(p, after[p].Data)
		for k := range was {
			if was[k] != is[k] && !allowed(k) {
				t.Fatalf("%s: %s was %q and is %q\n%q", p, k, was[k], is[k], files[p].Data)
			}
		}
		for k := range is {
			if _, ok := was[k]; !ok && !allowed(k) {
				t.Fatalf("%s: %s is new\n%q", p, k, files[p].Data)
			}
		}
	}
	again, _ := Plan(t.Context(), plan.Dir{FS: after}, []finding.Finding{f})
	if more := allEdits(again); len(more) > 0 {
		t.Fatalf("planning again edits again: %v\n%q\n%q", more, b, after[name].Data)
	}
}

// seeds adds the files of the stories that match.
func seeds(f *testing.F, match func(name string) bool) {
	f.Helper()
	stories, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	n := 0
	for _, s := range stories {
		for p, in := range readStory(f, s).files {
			if match(path.Base(p)) {
				f.Add(in.Data)
				n++
			}
		}
	}
	if n == 0 {
		f.Fatal("no seeds")
	}
}

func named(names ...string) func(string) bool {
	return func(s string) bool { return slices.Contains(names, s) }
}

func FuzzPackageJSON(f *testing.F) {
	seeds(f, named("package.json"))
	lock := `{"lockfileVersion":3,"packages":{"":{"dependencies":{"buoy":"^1.1.0","pilot":"2.0.1"}},
"node_modules/buoy":{"version":"1.2.0"},"node_modules/pilot":{"version":"2.0.1","dependencies":{"rope":"1"}},"node_modules/rope":{"version":"1.0.0"}}}`
	f.Fuzz(func(t *testing.T, b []byte) {
		beside := fstest.MapFS{"package-lock.json": {Data: []byte(lock)}}
		for _, name := range []string{"buoy", "rope"} {
			from := map[string]string{"buoy": "1.2.0", "rope": "1.0.0"}[name]
			lawful(t, "package.json", b, beside, vulnerable("package-lock.json", "npm", name, from, "1.4.1"), func(k string) bool {
				return strings.HasSuffix(k, "/"+name)
			})
		}
	})
}

func FuzzPackageLock(f *testing.F) {
	seeds(f, named("package-lock.json"))
	story := readStory(f, "testdata/npm-lock3.txtar")
	f.Fuzz(func(t *testing.T, b []byte) {
		files := fstest.MapFS{"package.json": story.files["package.json"], "package-lock.json": {Data: b}}
		us, _ := Plan(t.Context(), plan.Dir{FS: files, Registry: story.dir.Registry}, story.found[:1])
		after := apply(t, files, "", allEdits(us))
		for _, u := range us {
			for _, e := range u.Fix.Edits {
				if len(e.New) > 1<<16 {
					t.Fatalf("an edit of %d bytes", len(e.New))
				}
			}
		}
		if !json.Valid(after["package-lock.json"].Data) && len(allEdits(us)) > 0 {
			t.Fatalf("no JSON any more:\n%s\n%s", b, after["package-lock.json"].Data)
		}
	})
}

func FuzzGoMod(f *testing.F) {
	seeds(f, named("go.mod"))
	f.Fuzz(func(t *testing.T, b []byte) {
		lawful(t, "go.mod", b, fstest.MapFS{}, vulnerable("go.mod", "golang", "example.org/buoy", "v1.2.0", "1.4.1"), func(k string) bool {
			return strings.Contains(k, "example.org/buoy") || strings.HasPrefix(k, "=> ")
		})
	})
}

func FuzzRequirements(f *testing.F) {
	seeds(f, func(s string) bool { return path.Ext(s) == ".txt" })
	f.Fuzz(func(t *testing.T, b []byte) {
		lawful(t, "requirements.txt", b, fstest.MapFS{}, vulnerable("requirements.txt", "pypi", "requests", "2.25.0", "2.31.0"), named("requests"))
	})
}

func FuzzPyproject(f *testing.F) {
	seeds(f, named("pyproject.toml"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var v map[string]any
		all, err := scanTOML(b)
		if (toml.Unmarshal(b, &v) != nil) && err == nil {
			t.Fatal("what is no TOML is read")
		}
		for _, s := range all {
			if s.start < 0 || s.end > len(b) || s.end-s.start < 2 || b[s.start] != b[s.end-1] {
				t.Fatalf("a string at %d to %d of %q", s.start, s.end, b)
			}
		}
		lawful(t, "pyproject.toml", b, fstest.MapFS{"uv.lock": {Data: []byte("version = 1\n")}},
			vulnerable("uv.lock", "pypi", "requests", "2.25.0", "2.31.0"), func(k string) bool {
				return strings.Contains(strings.ToLower(k), "requests")
			})
	})
}

func FuzzPOM(f *testing.F) {
	seeds(f, named("pom.xml"))
	f.Fuzz(func(t *testing.T, b []byte) {
		shared := false // by a property, others go with it
		if m, err := parsePOM(&plan.File{B: b}); err == nil {
			for _, d := range m.deps {
				shared = shared || strings.Contains(d.version.s, "$") || strings.Contains(d.group.s+d.module.s, "$")
			}
		}
		lawful(t, "pom.xml", b, fstest.MapFS{}, vulnerable("pom.xml", "maven", "org.harbour:rope", "0.5.0", "0.5.2"), func(k string) bool {
			return shared || k == "org.harbour:rope"
		})
	})
}

func FuzzDockerfile(f *testing.F) {
	seeds(f, func(s string) bool { return strings.HasPrefix(s, "Dockerfile") })
	f.Fuzz(func(t *testing.T, b []byte) {
		v := vulnerable("Dockerfile", "deb", "openssl", "1.1.1k-1", "1.1.1n-0")
		v.Evidence = []finding.Evidence{{Kind: finding.EvidencePackage, Package: &finding.Installed{Name: "libssl1.1", Version: "1.1.1k-1"}}}
		lawful(t, "Dockerfile", b, fstest.MapFS{}, v, func(string) bool { return true })
	})
}

func FuzzPySpec(f *testing.F) {
	for _, s := range []string{"==1.2.3", ">=1,<2", "~=1.4", "~=1.4.2", "^1.2", "==1.*", "!=1.5", "===1.0", "*", "1.2", "> 1"} {
		f.Add(s, "1.6.2")
	}
	f.Add("~=0.", "0")
	f.Fuzz(func(t *testing.T, spec, version string) {
		for _, n := range strings.Split(version, ".") {
			if !plan.DigitsOnly(n) || len(n) > 6 || len(n) > 1 && n[0] == '0' {
				return
			}
		}
		if strings.Count(version, ".") > 3 || strings.Contains(spec, "!") { // what is excluded by name stays so
			return
		}
		to, _, ok := raisedSpec(spec, version)
		if ok && !specAdmits(to, version) {
			t.Fatalf("%q raised to %q does not admit %s", spec, to, version)
		}
	})
}
