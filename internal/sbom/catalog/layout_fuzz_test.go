package catalog

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
)

// The law: what the TOML library reads, the cursor reads too, and finds the
// same packages.
func FuzzLockTOML(f *testing.F) {
	for _, s := range []string{
		"version = 4\n[[package]]\nname = \"a\"\nversion = '1.0'\ndependencies = [\n \"b\", # c\n]\n", "package = [{name = 'a', version = \"1\"}, {version = '2', name = \"b\"}]\n",
		"[[ package ]]\n\"name\" = \"\"\"\\\n  a\"\"\"\nversion = '''\n1'''\n[package.source]\na.b = 1\n[[package.x]]\n", "a = 1979-05-27 07:32:00Z\nb = [1, [2.5e+3, nan]]\nc.\"d e\" = { f = true, g = {} }\n[t.u]\npackage = 1\n",
		"x = \"\\u00e9\\t\\\\\"\r\n", "[a]\n[[package]]\nname = 5\nversion = '''''x'''''\n", "\"\" = ''\n''.x = 1\n", "package = []\n[metadata]\nh = 0xFF\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var doc struct {
			Package []map[string]any `toml:"package"`
		}
		if _, err := toml.Decode(string(b), &doc); err != nil || lockText(b) != nil {
			return
		}
		got, err := lockTables(b, "name", "version")
		if err != nil {
			if len(doc.Package) == 0 && len(got) == 0 {
				return // empty, nested too deep, or "Package", which the library takes too
			}
			t.Fatalf("%v, and the library finds %v", err, doc.Package)
		}
		if len(got) != len(doc.Package) {
			if len(got) == 0 {
				return // "PACKAGE" is another key
			}
			t.Fatalf("%d packages, and the library finds %d", len(got), len(doc.Package))
		}
		for i, p := range doc.Package {
			for _, key := range []string{"name", "version"} {
				if want, ok := p[key].(string); ok && got[i].str(key) != want {
					t.Fatalf("package %d: %s is %q, by the library %q", i, key, got[i].str(key), want)
				}
			}
		}
	})
}

// The law: what is read line by line, the YAML library reads as the same.
func FuzzLockByLine(f *testing.F) {
	for _, pattern := range []string{"testdata/shapes/pnpm*/*", "testdata/shapes/yarn4/*"} {
		files, _ := filepath.Glob(pattern)
		if len(files) == 0 {
			f.Fatal("the seeds are gone: ", pattern)
		}
		for _, p := range files {
			b, err := os.ReadFile(p)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b[:min(len(b), 1200)])
		}
	}
	for _, s := range []string{
		"lockfileVersion: 9\npackages:\n  ? 'a@1'\n  : name: x\n    dev: true\n  b@2:\n    deprecated: |-\n      c@1:\n    version: \"1\"\n",
		"lockfileVersion: 9\nimporters:\n  .:\n    dependencies:\n      a:\n        specifier: 1\n        version: 1.0.0(b@1)\nsnapshots:\n  a@1.0.0(b@1):\n    dependencies:\n      b: 1\n  b@1: {}\n",
		"__metadata:\n  version: 8\n\"a@npm:1, a@npm:2\":\n  version: 1.0.0\n  bin:\n    a: b\n  resolution: \"a@npm:1.0.0\"\n",
	} {
		f.Add([]byte(s))
	}
	type read struct {
		Major   string
		Entries []pnpmEntry
		Graph   map[string][]pnpmNeed
		Of      []pnpmImporter
		Wanted  bool
		Yarn    []yarnEntry
		Headed  bool
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if lockText(b) != nil {
			return
		}
		p, q := &pnpmFile{graph: map[string][]pnpmNeed{}}, &pnpmFile{graph: map[string][]pnpmNeed{}}
		if p.scan(b) == nil {
			if err := lockYAML(b, q.tree); err == nil {
				got, want := read{Major: p.major, Entries: p.entries, Graph: p.graph, Of: p.importers, Wanted: p.wanted}, read{Major: q.major, Entries: q.entries, Graph: q.graph, Of: q.importers, Wanted: q.wanted}
				if d := cmp.Diff(want, got, cmp.AllowUnexported(pnpmEntry{}, pnpmNeed{}, pnpmImporter{})); d != "" {
					t.Fatalf("pnpm: %s", d)
				}
			} else if errors.Is(err, errLockShape) {
				t.Fatal(err)
			}
		}
		y, z := &yarnFile{}, &yarnFile{}
		if y.berry(b) == nil && lockYAML(b, z.tree) == nil {
			if d := cmp.Diff(read{Yarn: z.entries, Headed: z.headed}, read{Yarn: y.entries, Headed: y.headed}, cmp.AllowUnexported(yarnEntry{})); d != "" {
				t.Fatalf("yarn: %s", d)
			}
		}
	})
}
