package catalog

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// The pre-commit hook runs when a lock file changes, whichever the kind.
func TestHookNamesEveryLockFile(t *testing.T) {
	b, err := os.ReadFile("../../../.pre-commit-hooks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var hooks []struct{ ID, Files string }
	if err := yaml.Unmarshal(b, &hooks); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(hooks, func(h struct{ ID, Files string }) bool { return h.ID == "drydock" })
	if i < 0 {
		t.Fatal("no hook is called drydock")
	}
	// Python's verbose flag, which Go's expressions do not have.
	pattern, verbose := strings.CutPrefix(hooks[i].Files, "(?x)")
	if !verbose {
		t.Fatalf("the pattern is not verbose: %q", pattern)
	}
	files := regexp.MustCompile(strings.Join(strings.Fields(pattern), ""))
	read := map[string][]string{
		"package-lock": {"package-lock.json", "web/npm-shrinkwrap.json"},
		"yarn-lock":    {"yarn.lock"},
		"pnpm-lock":    {"pnpm-lock.yaml", "pnpm-lock.yml"},
		"requirements": {"requirements.txt", "requirements-dev.txt", "dev-requirements.txt", "requirements/base.txt"},
		"pipfile-lock": {"Pipfile.lock"},
		"poetry-lock":  {"poetry.lock"},
		"uv-lock":      {"uv.lock"},
		"cargo-lock":   {"Cargo.lock"},
		"go-mod":       {"a/go.mod"},
		"gemfile-lock": {"Gemfile.lock", "gems.locked"},

		"composer-lock": {"composer.lock"},
		"nuget-lock":    {"packages.lock.json"},
		"dotnet-deps":   {"bin/Release/net8.0/App.deps.json"},
		"sbt-lock":      {"build.sbt.lock"},
		"stack-lock":    {"stack.yaml.lock"},
		"cabal-freeze":  {"cabal.project.freeze"},
		"podfile-lock":  {"ios/Podfile.lock"},

		"conan-lock": {"conan.lock"}, "rebar-lock": {"rebar.lock"}, "gleam-lock": {"manifest.toml"}, "renv-lock": {"renv.lock"}, "cartfile-resolved": {"Cartfile.resolved"},
		"julia-manifest": {"Manifest.toml", "JuliaManifest.toml", "Manifest-v1.11.toml"},
		"gopkg-lock":     {"Gopkg.lock"}, "glide-lock": {"glide.lock"}, "conda-lock": {"conda-lock.yml"},
		"conda-environment": {"environment.yml", "environment.yaml"},
		"packages-config":   {"packages.config"}, "nuget-assets": {"obj/project.assets.json"}, "paket-lock": {"paket.lock"},
		"pylock": {"pylock.toml", "pylock.dev.toml"}, "pdm-lock": {"pdm.lock"},
		"bun-lock": {"bun.lock"}, "deno-lock": {"deno.lock"}, "mix-lock": {"mix.lock"}, "pubspec-lock": {"pubspec.lock"}, "package-resolved": {"Package.resolved"},
		"gradle-lock": {"gradle.lockfile", "buildscript-gradle.lockfile", "gradle/dependency-locks/compile.lockfile"},
	}
	for _, p := range lockParsers() {
		if len(read[p.Name]) == 0 {
			t.Errorf("%s has no example here", p.Name)
		}
		for _, name := range read[p.Name] {
			if !p.Wants(name) {
				t.Errorf("%s does not want %s", p.Name, name)
			}
			if !files.MatchString(name) {
				t.Errorf("the hook does not run for %s", name)
			}
		}
	}
	for _, name := range []string{"Dockerfile", "docker/Dockerfile.prod", "api.Dockerfile", "Containerfile", "compose.yaml", "docker-compose.prod.yml", "bun.lock"} {
		if !files.MatchString(name) {
			t.Errorf("the hook does not run for %s", name)
		}
	}
	for _, name := range []string{"main.go", "README.md", "src/packages.json", "Dockerfiles/readme.txt"} {
		if files.MatchString(name) {
			t.Errorf("the hook runs for %s", name)
		}
	}
}
