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
	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/mod/modfile"

	"github.com/drydock-dev/drydock/internal/damage"
	"github.com/drydock-dev/drydock/internal/finding"
)

// versionsIn lists what a file says of packages: everything that must stay the
// same but for what was raised. An unreadable file says nothing.
func versionsIn(p string, b []byte) map[string]string {
	out := map[string]string{}
	switch base := path.Base(p); {
	case path.Ext(p) == ".json":
		root, err := parseJSON(b)
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
	case base == "Gemfile":
		for _, c := range gemCalls(string(b)) {
			out[c.name] += " " + strings.Join(c.reqs, ", ")
		}
	case path.Ext(p) == ".txt":
		for _, l := range pyLines(string(b)) {
			out[l.name] += " " + l.spec
		}
	case base == "pom.xml":
		m, err := parsePOM(&file{b: b})
		if err != nil {
			return nil
		}
		for _, d := range m.deps {
			out[d.group.s+":"+d.module.s] += " " + m.resolve(d.version.s, 0)
		}
	}
	return out
}

func flatten(b []byte, n *jsonNode, at string, out map[string]string) {
	for _, m := range n.members {
		if m.value.kind == '{' {
			flatten(b, m.value, at+"/"+m.key, out)
			continue
		}
		out[at+"/"+m.key] = m.value.raw(b)
	}
}

// lawful plans for one file with one finding in it, and holds what comes out to
// the law: edits that apply, a file that parses, and nothing changed in it that
// does not name the package.
func lawful(t *testing.T, name string, b []byte, beside fstest.MapFS, f finding.Finding, allowed func(key string) bool) {
	t.Helper()
	files := maps.Clone(beside)
	files[name] = &fstest.MapFile{Data: b}
	us, _ := Plan(t.Context(), Dir{FS: files}, []finding.Finding{f})
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
	again, _ := Plan(t.Context(), Dir{FS: after}, []finding.Finding{f})
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
		us, _ := Plan(t.Context(), Dir{FS: files, Registry: story.dir.Registry}, story.found[:1])
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

// lockFuzz does to the locks of stories what a script says, and plans for what
// comes of it. An edited lock must be read as the one before it was.
func lockFuzz(f *testing.F, name string, read func(*file) error, words []string, stories ...string) {
	f.Helper()
	var all []*story
	for _, s := range stories {
		all = append(all, readStory(f, "testdata/"+s+".txtar"))
	}
	for i := range 10 {
		f.Add(byte(i), []byte{byte(i), 1, byte(20 * i), 9, 0x22, 7, byte(i + 3), 2, 0, 3, 1, 1})
	}
	f.Fuzz(func(t *testing.T, which byte, script []byte) {
		s := all[int(which)%len(all)]
		files := maps.Clone(s.files)
		b := damage.Do(s.files[name].Data, script, words...)
		files[name] = &fstest.MapFile{Data: b}
		us, _ := Plan(t.Context(), dirOf(s, files), s.found)
		edits := allEdits(us)
		for _, e := range edits {
			if len(e.New) > 1<<16 {
				t.Fatalf("an edit of %d bytes", len(e.New))
			}
		}
		after := apply(t, files, "app", edits)
		if err := read(&file{name: name, b: after[name].Data}); err != nil && len(edits) > 0 {
			t.Fatalf("%v\n%s\n%s", err, b, after[name].Data)
		}
	})
}

func FuzzCargoLock(f *testing.F) {
	lockFuzz(f, "Cargo.lock", func(f *file) error {
		_, err := readCargoLock(f)
		return err
	}, []string{"[[package]]\n", "dependencies = [\n", "]\n", "\n", "name = \"rope\"\n"}, "cargo-lock", "cargo-lock1", "cargo-refused")
}

func FuzzCargoToml(f *testing.F) {
	seeds(f, named("Cargo.toml"))
	f.Fuzz(func(t *testing.T, b []byte) {
		lawful(t, "Cargo.toml", b, fstest.MapFS{}, vulnerable("Cargo.toml", "cargo", "buoy", "1.2.0", "1.4.1"), func(k string) bool {
			return strings.Contains(k, "buoy") || strings.Contains(string(b), "package")
		})
	})
}

// lawfulRange holds a range to what raising it promises.
func lawfulRange(t *testing.T, kind flatKind, spec, version string) {
	to, _, ok := kind.raised(spec, version)
	if ok && !kind.admits(to, version) && !strings.Contains(spec, "!") {
		t.Fatalf("%q raised to %q does not admit %s", spec, to, version)
	}
	if again, _, ok := kind.raised(to, version); ok && again != to {
		t.Fatalf("%q raised to %q, and again to %q", spec, to, again)
	}
}

func FuzzCargoRange(f *testing.F) {
	for _, s := range []string{"1.2.3", "^0.1", "~1.2", "=1.2.3", ">=1, <2", "1.*", "*", "> 1.4", "<=1.2", "<0.5", "1.2.3-rc.1"} {
		f.Add(s, "1.5.0")
		f.Add(s, "0.5.2")
	}
	f.Fuzz(func(t *testing.T, spec, version string) {
		if p, ok := parsePart(version); ok && p.have == 3 && p.low() == version && p.pre == "" {
			lawfulRange(t, cargoKind{}, spec, version)
		}
	})
}

func FuzzGemRange(f *testing.F) {
	for _, s := range []string{"1.2.3", "~> 1.2", "~> 1.2.3", "= 1.2", ">= 1, < 2", "!= 1.5", "~> 1.a", "> 1.4", "<= 1.2", "~> 0"} {
		f.Add(s, "1.5.0")
		f.Add(s, "0.5.2.1")
	}
	f.Fuzz(func(t *testing.T, spec, version string) {
		if gemVersion(version) && len(segments(version)) == strings.Count(version, ".")+1 {
			lawfulRange(t, gemKind{}, spec, version)
		}
	})
}

func FuzzComposerRange(f *testing.F) {
	for _, s := range []string{"1.2.3", "^1.2", "~1.2", "~1.2.3", "v1.2", "1.*", "1.2.x", ">=1 <2", ">= 1.0, < 1.4", "^1 || ^2", "!=1.5", "*", "^0.3"} {
		f.Add(s, "1.5.0")
		f.Add(s, "0.5.2")
	}
	f.Fuzz(func(t *testing.T, spec, version string) {
		if digitsOnly(strings.ReplaceAll(version, ".", "")) && len(segments(version)) == strings.Count(version, ".")+1 && strings.Count(version, ".") == 2 {
			lawfulRange(t, composerKind{}, spec, version)
		}
	})
}

func FuzzComposerJSON(f *testing.F) {
	seeds(f, named("composer.json"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if sum, err := contentHash(b); err == nil && len(sum) != 32 {
			t.Fatalf("a content-hash %q", sum)
		}
		lawful(t, "composer.json", b, fstest.MapFS{}, vulnerable("composer.json", "composer", "quay/buoy", "1.2.0", "1.4.1"), func(k string) bool {
			return strings.HasSuffix(strings.ToLower(k), "/quay/buoy")
		})
	})
}

func FuzzComposerLock(f *testing.F) {
	lockFuzz(f, "composer.lock", func(f *file) error {
		_, err := readComposerLock(f)
		return err
	}, []string{`{"name":"a/b","version":"1"},`, "[]", "{}", "null", `"require":{},`}, "composer-lock", "composer-refused")
}

func FuzzPackagist(f *testing.F) {
	story, err := txtar.ParseFile("testdata/composer-lock.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, a := range story.Files {
		if a.Name == "composer/quay/buoy" {
			f.Add(a.Data)
		}
	}
	f.Add([]byte(`{"minified":"composer/2.0","packages":{"quay/buoy":[{"name":"quay/buoy","version":"1.0.1","dist":{"type":"zip"}},{"version":"1.0.0"}]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := parsePackagist(b, "quay/buoy", packagistNotify)
		if err != nil && len(all) > 0 {
			t.Fatal("releases beside an error")
		}
		for _, r := range all {
			if !plausible(r.Version) || !json.Valid(r.Raw) {
				t.Fatalf("%+v", r)
			}
		}
	})
}

func FuzzGemfile(f *testing.F) {
	seeds(f, named("Gemfile"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, c := range gemCalls(string(b)) {
			if c.held == "" && c.quote != "" && (c.start <= 0 || c.end < c.start || c.end >= len(b) || string(b[c.end]) != c.quote) {
				t.Fatalf("%+v in %q", c, b)
			}
		}
		lawful(t, "Gemfile", b, fstest.MapFS{}, vulnerable("Gemfile", "gem", "buoy", "1.2.0", "1.4.1"), named("buoy"))
	})
}

func FuzzGemLock(f *testing.F) {
	lockFuzz(f, "Gemfile.lock", func(f *file) error {
		_, err := readGemLock(f)
		return err
	}, []string{"    rack (1.0)\n", "      rack (>= 1)\n", "GEM\n", "CHECKSUMS\n", "\n", "  specs:\n"}, "gem-lock", "gem-refused")
}

func FuzzGemIndex(f *testing.F) {
	f.Add([]byte("---\n1.2.3-java rack:>= 1&< 3,rake:>= 0|checksum:" + strings.Repeat("0a", 32) + ",ruby:>= 2.7\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := parseGems(b)
		if err != nil && len(all) > 0 {
			t.Fatal("releases beside an error")
		}
		for _, r := range all {
			for _, n := range r.Needs {
				if strings.ContainsAny(n.Name+n.Spec, "\r\n()") {
					t.Fatalf("%+v", n)
				}
			}
		}
	})
}

func FuzzCratesIndex(f *testing.F) {
	f.Add([]byte(`{"name":"rope","vers":"0.5.0","deps":[{"name":"a","req":"^1","optional":true}],"cksum":"` + strings.Repeat("0a", 32) + `"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := parseCrates(b, "rope")
		if err != nil && len(all) > 0 {
			t.Fatal("releases beside an error")
		}
		for _, r := range all {
			if len(r.Hash) != 64 || !plausible(r.Version) {
				t.Fatalf("%+v", r)
			}
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
		if m, err := parsePOM(&file{b: b}); err == nil {
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

func FuzzNPMRange(f *testing.F) {
	for _, s := range []string{"^1.2.3", "~0.1", "1.x || >=2.0.0-rc.1 <3", "1 - 2.3", "*", "", "npm:a@^1", "git+x", ">1", "<=1.2", "=v1.2.3"} {
		f.Add(s, "1.5.0")
	}
	f.Fuzz(func(t *testing.T, spec, version string) {
		p, ok := parsePart(version)
		if !ok || p.have < 3 || p.low() != version {
			return
		}
		to, ok := raisedRange(spec, version)
		if !ok {
			return
		}
		if admits, known := npmAdmits(to, version); !admits && known && p.pre == "" {
			t.Fatalf("%q raised to %q does not admit %s", spec, to, version)
		}
	})
}

func FuzzPySpec(f *testing.F) {
	for _, s := range []string{"==1.2.3", ">=1,<2", "~=1.4", "~=1.4.2", "^1.2", "==1.*", "!=1.5", "===1.0", "*", "1.2", "> 1"} {
		f.Add(s, "1.6.2")
	}
	f.Add("~=0.", "0")
	f.Fuzz(func(t *testing.T, spec, version string) {
		for _, n := range strings.Split(version, ".") {
			if !digitsOnly(n) || len(n) > 6 || len(n) > 1 && n[0] == '0' {
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
