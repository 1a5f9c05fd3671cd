package upgrade

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/drydock-dev/drydock/internal/damage"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/npm"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"github.com/rogpeppe/go-internal/txtar"
)

// lockFuzz does to the locks of stories what a script says, and plans for what
// comes of it. An edited lock must be read as the one before it was.
func lockFuzz(f *testing.F, name string, read func(*plan.File) error, words []string, stories ...string) {
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
		if err := read(&plan.File{Name: name, B: after[name].Data}); err != nil && len(edits) > 0 {
			t.Fatalf("%v\n%s\n%s", err, b, after[name].Data)
		}
	})
}

func FuzzCargoLock(f *testing.F) {
	lockFuzz(f, "Cargo.lock", func(f *plan.File) error {
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
	if ok && !kind.Admits(to, version) && !strings.Contains(spec, "!") {
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
		if p, ok := npm.ParsePart(version); ok && p.Have == 3 && p.Low() == version && p.Pre == "" {
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

func FuzzPyHashes(f *testing.F) {
	lockFuzz(f, "requirements.txt", func(f *plan.File) error {
		for _, l := range pyLines(string(f.B)) {
			if v, _ := pyPinned(l.spec); !l.hashes || !slices.Contains([]string{"2.31.0", "3.7", "1.26.18", "1.1"}, v) {
				continue // as it was
			}
			if _, _, _, ok := l.hashed(string(f.B)); !ok {
				return fmt.Errorf("%s has hashes that are not read any more", l.name)
			}
		}
		return nil
	}, []string{" \\\n    --hash=sha256:00aa", "requests==2.25.0", "# via x\n", " ; python_version > '3'", "\n"}, "py-hashes", "py-hashes-refused")
}

func FuzzPyPI(f *testing.F) {
	f.Add([]byte(`{"info":{"requires_dist":["a<2"],"requires_python":">=3"},"urls":[{"digests":{"sha256":"` + strings.Repeat("0a", 32) + `"}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := parsePyPI(b)
		if err == nil && len(d.Hashes) == 0 {
			t.Fatal("no hash and no error")
		}
		for _, h := range d.Hashes {
			if len(h) != len("sha256:")+64 {
				t.Fatalf("a hash %q", h)
			}
		}
	})
}

func FuzzComposerRange(f *testing.F) {
	for _, s := range []string{"1.2.3", "^1.2", "~1.2", "~1.2.3", "v1.2", "1.*", "1.2.x", ">=1 <2", ">= 1.0, < 1.4", "^1 || ^2", "!=1.5", "*", "^0.3"} {
		f.Add(s, "1.5.0")
		f.Add(s, "0.5.2")
	}
	f.Fuzz(func(t *testing.T, spec, version string) {
		if plan.DigitsOnly(strings.ReplaceAll(version, ".", "")) && len(segments(version)) == strings.Count(version, ".")+1 && strings.Count(version, ".") == 2 {
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
	lockFuzz(f, "composer.lock", func(f *plan.File) error {
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
			if !plan.Plausible(r.Version) || !json.Valid(r.Raw) {
				t.Fatalf("%+v", r)
			}
		}
	})
}

func FuzzNuGetRange(f *testing.F) {
	for _, s := range []string{"1.2.3", "[1.2]", "[1.0,2.0)", "(1,)", "[,3]", "( , 2.0)", "[1.0, 1.4]"} {
		f.Add(s, "1.5.0")
	}
	f.Fuzz(func(t *testing.T, spec, version string) {
		r, ok := nugetRangeOf(spec)
		if !ok || !plan.DigitsOnly(strings.ReplaceAll(version, ".", "")) || len(segments(version)) != strings.Count(version, ".")+1 {
			return
		}
		to, _ := r.raised(version)
		if is, ok := nugetRangeOf(to); !ok || !is.Admits(version) && (r.low == "" || compareNuGet(r.low, version) < 0) {
			t.Fatalf("%q raised to %q does not admit %s", spec, to, version)
		}
	})
}

func FuzzMSBuild(f *testing.F) {
	seeds(f, isProject)
	f.Fuzz(func(t *testing.T, b []byte) {
		shared := strings.Contains(string(b), "$(") // by a property, others go with it
		v := vulnerable("App.csproj", "nuget", "Buoy", "12.0.1", "13.0.1")
		lawful(t, "App.csproj", b, fstest.MapFS{}, v, func(k string) bool { return shared || strings.EqualFold(k, "buoy") })
	})
}

func FuzzNuGetIndex(f *testing.F) {
	f.Add([]byte(`{"items":[{"catalogEntry":{"version":"1.0.0+a","listed":false,"dependencyGroups":[{"dependencies":[{"id":"a","range":"[1, )"}]}]}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := parseNuGet(b)
		if err != nil && len(all) > 0 {
			t.Fatal("releases beside an error")
		}
		for _, r := range all {
			if !nugetVersion(r.Version) {
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
	lockFuzz(f, "Gemfile.lock", func(f *plan.File) error {
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
			if len(r.Hash) != 64 || !plan.Plausible(r.Version) {
				t.Fatalf("%+v", r)
			}
		}
	})
}
