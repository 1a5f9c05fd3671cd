package catalog

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// TestTruthComposer: of a lock that Composer wrote every package that Composer itself
// lists of it is read, with its version, once.
func TestTruthComposer(t *testing.T) {
	composer, err := exec.LookPath("composer")
	if err != nil || testing.Short() {
		t.Skip("no Composer, or no time for it:", err)
	}
	// A repository of packages of each type, in which each needs the next two.
	const many = 400
	types := []string{"library", "metapackage", "drupal-module", "wordpress-plugin", "composer-plugin", "symfony-bundle", "project"}
	versions := []string{"1.0.0", "v2.3.4", "3.0.0-beta1", "1.2.3.4", "20230101", "4.1.0-RC2"}
	var packages []any
	for i := range many {
		p := map[string]any{
			"name": fmt.Sprintf("acme/p%d", i), "version": versions[i%len(versions)], "type": types[i%len(types)],
			"license": []string{"MIT"}, "require": map[string]string{},
		}
		for _, n := range []int{i + 1, i*2 + 1} {
			if n < many && n != i {
				p["require"].(map[string]string)[fmt.Sprintf("acme/p%d", n)] = "*"
			}
		}
		switch {
		case p["type"] == "metapackage":
		case i%3 == 0:
			p["source"] = map[string]string{"type": "git", "url": "https://git.example/p.git", "reference": "abc"}
		default:
			p["dist"] = map[string]string{"type": "zip", "url": "https://dist.example/p.zip"}
		}
		packages = append(packages, p)
	}
	packages = append(packages, map[string]any{
		"name": "acme/dev", "version": "9.1.0", "dist": map[string]string{"type": "zip", "url": "https://dist.example/d.zip"},
	})
	dir := t.TempDir()
	local := filepath.Join(dir, "own")
	if err := os.MkdirAll(local, 0o755); err != nil {
		t.Fatal(err)
	}
	put := func(file string, v any) {
		b, err := json.Marshal(v)
		if err == nil {
			err = os.WriteFile(file, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	put(filepath.Join(local, "composer.json"), map[string]any{"name": "acme/own", "version": "7.0.0"})
	put(filepath.Join(dir, "composer.json"), map[string]any{
		"name": "acme/shop", "minimum-stability": "dev", "require": map[string]string{"acme/p0": "*", "acme/own": "*"},
		"require-dev": map[string]string{"acme/dev": "*"},
		"repositories": []any{
			map[string]any{"type": "package", "package": packages}, map[string]any{"type": "path", "url": "own"}, map[string]any{"packagist.org": false},
		},
	})
	run := func(args ...string) []byte {
		cmd := exec.CommandContext(t.Context(), composer, append(args, "--no-interaction", "--no-plugins", "--no-ansi")...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+dir, "COMPOSER_HOME="+dir, "COMPOSER_ALLOW_SUPERUSER=1", "COMPOSER_CACHE_DIR=/dev/null")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("composer %q: %v\n%s", args, err, out)
		}
		return out
	}
	run("update", "--no-install")
	var listed struct {
		Locked []struct{ Name, Version string }
	}
	if err := json.Unmarshal(run("show", "--locked", "--format=json"), &listed); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, p := range listed.Locked {
		want[p.Name+" "+p.Version] = true
	}
	inv := &sbom.Inventory{Packages: dirScan(t, dir).Packages}
	if len(want) < many || len(inv.Packages) != len(want) {
		t.Errorf("%d packages, and Composer lists %d", len(inv.Packages), len(want))
	}
	agree(t, want, inv, "composer")
}
