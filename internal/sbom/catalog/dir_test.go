package catalog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/google/go-cmp/cmp"
)

// dirLines shows what FromDir found, one line a package and unknown.
func dirLines(inv *sbom.Inventory) []string {
	var out []string
	for _, p := range inv.Packages {
		s := p.PURL()
		for _, l := range p.Locations {
			s += fmt.Sprintf(" %s:%d", l.Path, l.Line)
		}
		if p.Dev {
			s += " dev"
		}
		out = append(out, s)
	}
	for _, u := range inv.Unknown {
		out = append(out, "unknown: "+u.What+": "+u.Why)
	}
	return out
}

func dirScan(t testing.TB, dir string) *sbom.Inventory {
	t.Helper()
	inv, err := FromDir(t.Context(), dir, finding.Subject{Kind: finding.KindFolder, Name: dir})
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// The same dependencies, locked by npm, pnpm and yarn in every version of
// their formats, are the same packages.
func TestNPMLocksOfEveryKindAgree(t *testing.T) {
	want := map[string]bool{ // whether for development only
		"pkg:npm/%40babel/runtime@7.20.0": false, "pkg:npm/axios@0.21.0": false, "pkg:npm/client-only@0.0.1": false,
		"pkg:npm/debug@2.6.8": true, "pkg:npm/follow-redirects@1.16.3": false, "pkg:npm/js-tokens@4.0.0": false,
		"pkg:npm/lodash@4.17.15": false, "pkg:npm/loose-envify@1.4.0": false, "pkg:npm/minimist@1.2.0": false,
		"pkg:npm/ms@2.0.0": true, "pkg:npm/react@18.2.0": false, "pkg:npm/regenerator-runtime@0.13.11": false,
		"pkg:npm/styled-jsx@5.1.1": false, "pkg:npm/ws@7.4.5": true,
	}
	for _, kind := range []string{"npm1", "npm2", "npm3", "pnpm5", "pnpm6", "pnpm9", "yarn1", "yarn4"} {
		t.Run(kind, func(t *testing.T) {
			inv := dirScan(t, "testdata/shapes/"+kind)
			got := map[string]bool{}
			for _, p := range inv.Packages {
				got[p.PURL()] = p.Dev
				if len(p.Locations) != 1 || p.Locations[0].Line == 0 {
					t.Errorf("%s has locations %v", p.PURL(), p.Locations)
				}
			}
			want := want
			if kind[0] == 'y' { // yarn's locks do not say
				want = map[string]bool{}
				for k := range got {
					want[k] = false
				}
				if len(want) != 14 {
					t.Errorf("%d packages, want 14", len(want))
				}
			}
			if kind[0] == 'p' { // axios has debug as an optional peer, and pnpm fills it
				want = mapWith(want, "pkg:npm/debug@2.6.8", "pkg:npm/ms@2.0.0")
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			if len(inv.Unknown) > 0 {
				t.Error(inv.Unknown)
			}
		})
	}
}

func mapWith(m map[string]bool, production ...string) map[string]bool {
	out := map[string]bool{}
	for k, v := range m {
		out[k] = v
	}
	for _, k := range production {
		out[k] = false
	}
	return out
}

func TestFolderIsReadWithinBounds(t *testing.T) {
	lock := `{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0"}}}`
	dir := lockFolder(t, map[string]string{
		"package.json": `{"name":"x","dependencies":{"a":"1"}}`, "package-lock.json": lock,
		"web/package.json":                 `{"dependencies":{"a":"1"}}`, // the lock above has it
		"node_modules/b/package-lock.json": lock, "vendor/x/go.mod": "module x\n", ".git/package-lock.json": lock,
		"deep/er/package-lock.json": lock,
	})
	secret := lockFolder(t, map[string]string{"Cargo.lock": "[[package]]\nname = \"stolen\"\nversion = \"1\"\nsource = \"r\"\n"})
	for link, target := range map[string]string{
		"Cargo.lock": filepath.Join(secret, "Cargo.lock"), "outside": secret, "loop": ".",
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"pkg:npm/a@1.0.0 deep/er/package-lock.json:1 package-lock.json:1",
		"unknown: packages of Cargo.lock: path escapes from parent",
	}
	if d := cmp.Diff(want, dirLines(dirScan(t, dir))); d != "" {
		t.Error(d)
	}
}

func TestManifestsWithoutLockAreUnknown(t *testing.T) {
	dir := lockFolder(t, map[string]string{
		"package.json": `{"dependencies":{"a":"1"}}`, "empty/package.json": `{"name":"x"}`, "py/pyproject.toml": "[tool.black]\n",
		"rs/Cargo.toml": "[dependencies]\na = \"1\"\n", "rs/member/Cargo.toml": "[dependencies]\n", "rs/member/Cargo.lock": "version = 4\n",
		"net/app.csproj": `<Project><ItemGroup><PackageReference Include="A" /></ItemGroup></Project>`,
	})
	want := []string{
		"unknown: versions of A, transitive dependencies in net/app.csproj: a project file does not say them; dotnet restore --use-lock-file does",
		"unknown: versions of package.json's dependencies: no lock file; run: npm install --package-lock-only",
		"unknown: versions of rs/Cargo.toml's dependencies: no lock file; run: cargo generate-lockfile",
	}
	if d := cmp.Diff(want, dirLines(dirScan(t, dir))); d != "" {
		t.Error(d)
	}
}

func TestOversizedLockFileIsUnknown(t *testing.T) {
	dir := lockFolder(t, map[string]string{"package-lock.json": "{}"})
	if err := os.Truncate(filepath.Join(dir, "package-lock.json"), 65<<20); err != nil {
		t.Fatal(err)
	}
	want := []string{"unknown: packages of package-lock.json: 68157440 bytes are over the limit of 67108864: not read"}
	if d := cmp.Diff(want, dirLines(dirScan(t, dir))); d != "" {
		t.Error(d)
	}
}

func TestFromDirErrors(t *testing.T) {
	if _, err := FromDir(t.Context(), filepath.Join(t.TempDir(), "none"), finding.Subject{}); err == nil {
		t.Error("no error for a folder that is not there")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := FromDir(ctx, t.TempDir(), finding.Subject{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func BenchmarkFromDir(b *testing.B) {
	for b.Loop() {
		dirScan(b, "testdata/shapes")
	}
}

// Which direct dependency brings what, by npm's, pnpm's and yarn's locks alike.
func TestNPMLocksTellWhatBringsAPackage(t *testing.T) {
	for _, kind := range []string{"npm1", "npm2", "npm3", "pnpm5", "pnpm6", "pnpm9", "yarn1", "yarn4"} {
		t.Run(kind, func(t *testing.T) {
			want := map[string]string{
				"client-only": "styled-jsx 5.1.1", "follow-redirects": "axios 0.21.0", "js-tokens": "react 18.2.0",
				"loose-envify": "react 18.2.0", "ms": "debug 2.6.8", "regenerator-runtime": "@babel/runtime 7.20.0",
			}
			got := map[string]string{}
			inv := dirScan(t, "testdata/shapes/"+kind)
			ways := sbom.NewWays(inv)
			for i := range inv.Packages {
				if via := sbom.Via(ways.To(&inv.Packages[i], 8)); len(via) > 0 {
					got[inv.Packages[i].Name] = strings.Join(via, ", ")
				}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}
