package catalog

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/sbom"
	"go.yaml.in/yaml/v4"
)

// What a folder or an installed tree holds is held here to the word of the package
// manager that made it: none missed, none twice, none invented.

// reaching is a program that reaches its registry, by a command that asks for
// something small.
func reaching(t *testing.T, name string, ask ...string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("asks a registry")
	}
	program, err := exec.LookPath(name)
	if err == nil {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		err = exec.CommandContext(ctx, program, ask...).Run()
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s and its registry are wanted in CI: %v", name, err)
		}
		t.Skipf("no %s that reaches a registry: %v", name, err)
	}
	return program
}

// said runs a program; npm ls exits with 1 for peers that disagree, and lists all
// the same.
func said(t *testing.T, dir, program string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "YARN_ENABLE_TELEMETRY=0", "CI=")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil && (len(out) == 0 || args[0] != "ls") {
		t.Fatalf("%s %s: %v\n%s\n%s", program, strings.Join(args, " "), err, out, stderr.String())
	}
	return out
}

// agree holds an inventory to a list of "name version".
func agree(t *testing.T, want map[string]bool, inv *sbom.Inventory, typ string) {
	t.Helper()
	got := map[string]bool{}
	for _, p := range inv.Packages {
		if p.Type != typ {
			continue
		}
		name := strings.TrimPrefix(p.Namespace+"/"+p.Name, "/") + " " + p.Version
		if got[name] {
			t.Errorf("%s is listed twice", name)
		}
		got[name] = true
	}
	for name := range want {
		if !got[name] {
			t.Errorf("%s is missed", name)
		}
	}
	for name := range got {
		if !want[name] {
			t.Errorf("%s is not there", name)
		}
	}
	t.Logf("%d packages", len(want))
}

// npmTreeOf is what npm ls prints.
type npmTreeOf struct {
	Version      string
	Missing      bool
	Dependencies map[string]npmTreeOf
}

// npmLists is what npm says is in the lock of a folder, or with a tree installed. An
// alias is what it stands for, by the lock itself.
func npmLists(t *testing.T, npm, dir string, args ...string) map[string]bool {
	t.Helper()
	var tree npmTreeOf
	if err := json.Unmarshal(said(t, dir, npm, append([]string{"ls", "--all", "--json"}, args...)...), &tree); err != nil {
		t.Fatal(err)
	}
	var lock struct {
		Packages     map[string]struct{ Name, Version string }
		Dependencies map[string]npmTreeOf // of lockfile version 1
	}
	_ = json.Unmarshal(readFile(t, filepath.Join(dir, "package-lock.json")), &lock)
	alias := map[string]string{}
	for folder, p := range lock.Packages {
		if i := strings.LastIndex(folder, "node_modules/"); i >= 0 && p.Name != "" {
			alias[folder[i+len("node_modules/"):]+" "+p.Version] = p.Name + " " + p.Version
		}
	}
	var older func(map[string]npmTreeOf)
	older = func(all map[string]npmTreeOf) {
		for name, d := range all {
			if real, ok := strings.CutPrefix(d.Version, "npm:"); ok {
				to, version := npmSplit(real)
				alias[name+" "+version] = to + " " + version
			}
			older(d.Dependencies)
		}
	}
	older(lock.Dependencies)
	list := map[string]bool{}
	var walk func(npmTreeOf)
	walk = func(n npmTreeOf) {
		for name, d := range n.Dependencies {
			if key := name + " " + d.Version; d.Version != "" && !d.Missing {
				if real := alias[key]; real != "" {
					key = real
				}
				list[key] = true
			}
			walk(d)
		}
	}
	walk(tree)
	return list
}

// project is a folder that depends on packages of npm's registry.
func project(t *testing.T, wants ...string) string {
	t.Helper()
	deps := map[string]string{}
	for _, w := range wants {
		name, version := yarnPattern(w)
		deps[name] = version
	}
	b, err := json.Marshal(map[string]any{"name": "app", "version": "1.0.0", "private": true, "dependencies": deps})
	if err != nil {
		t.Fatal(err)
	}
	return lockFolder(t, map[string]string{"package.json": string(b)})
}

// thorough reports whether the tests that take minutes are wanted.
func thorough() bool { return os.Getenv("DRYDOCK_PROVE") == "all" }

func truthProjects() []string {
	if thorough() {
		return []string{
			"express@4.17.1", "eslint@8", "react-scripts@5.0.1", "@angular/cli@15", "gatsby@5", "nuxt@3.8.0", "lerna@7.4.2",
			"@strapi/strapi@4.15.0", "firebase-tools@12", "serverless@3", "jest@29", "webpack@5", "@nestjs/cli@10", "ionic@5",
			"@storybook/react@7", "electron-builder@24", "typeorm@0.3",
		}
	}
	return []string{"express@4.17.1", "eslint@8"}
}

// TestTruthNPMLocks: locks of every version that npm writes, by npm ls.
func TestTruthNPMLocks(t *testing.T) {
	npm := reaching(t, "npm", "view", "ms@2.1.3", "version", "--fetch-retries=0")
	for _, of := range truthProjects() {
		t.Run(of, func(t *testing.T) {
			for _, format := range []string{"1", "2", "3"} {
				dir := project(t, of)
				said(t, dir, npm, "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund",
					"--legacy-peer-deps", "--lockfile-version", format)
				agree(t, npmLists(t, npm, dir, "--package-lock-only"), dirScan(t, dir), "npm")
			}
		})
	}
}

// TestTruthNPMTree: what npm has installed, as an image has it and as a folder.
func TestTruthNPMTree(t *testing.T) {
	npm := reaching(t, "npm", "view", "ms@2.1.3", "version", "--fetch-retries=0")
	dir := project(t, "express@4.17.1", "npm@9.0.0", "jsdom@16.4.0")
	said(t, dir, npm, "install", "--ignore-scripts", "--no-audit", "--no-fund")
	want := npmLists(t, npm, dir)
	agree(t, want, inventoryOf(t, scanOfPath(t, dir)), "npm")
	if err := os.Remove(filepath.Join(dir, "package-lock.json")); err != nil {
		t.Fatal(err)
	}
	agree(t, want, dirScan(t, dir), "npm")
}

// TestTruthOtherLocksOfNode: what yarn, pnpm and bun lock, by readers of their own or
// a general one.
func TestTruthOtherLocksOfNode(t *testing.T) {
	npm := reaching(t, "npm", "view", "ms@2.1.3", "version", "--fetch-retries=0")
	programs := []string{"yarn@1.22.22", "@yarnpkg/cli-dist@4.5.0", "pnpm@9.15.0", "@yarnpkg/lockfile@1.1.0"}
	projects := []string{"express@4.17.1"}
	if thorough() {
		programs = append(programs, "pnpm8@npm:pnpm@8.15.9", "bun@1.2.23")
		projects = append(projects, "react-scripts@5.0.1", "webpack@5", "gatsby@5", "nuxt@3.8.0", "lerna@7.4.2")
	}
	tools := project(t, programs...)
	said(t, tools, npm, "install", "--ignore-scripts", "--no-audit", "--no-fund")
	in := func(p string) string { return filepath.Join(tools, "node_modules", filepath.FromSlash(p)) }
	bun := "bun" // its package holds no program, but links one of these as it is installed
	if found, err := filepath.Glob(in("@oven/bun-linux-*/bin/bun")); err != nil || thorough() && len(found) == 0 {
		t.Fatalf("npm installed no bun for this machine: %v", err)
	} else if len(found) > 0 {
		bun = found[0]
	}
	for _, c := range []struct {
		name, file string
		command    []string
		list       func(*testing.T, string) map[string]bool
	}{
		{"yarn 1", "yarn.lock", []string{
			"node", in("yarn/bin/yarn.js"), "install", "--ignore-scripts", "--ignore-engines", "--non-interactive",
		}, func(t *testing.T, file string) map[string]bool {
			script := "console.log(JSON.stringify(require(process.argv[1]).parse(require('fs').readFileSync(process.argv[2],'utf8')).object))"
			var lock map[string]struct{ Version string }
			if err := json.Unmarshal(said(t, tools, "node", "-e", script, in("@yarnpkg/lockfile"), file), &lock); err != nil {
				t.Fatal(err)
			}
			list := map[string]bool{}
			for key, e := range lock {
				name, want := yarnPattern(key)
				if alias, ok := strings.CutPrefix(want, "npm:"); ok {
					name, _ = npmSplit(alias)
				}
				list[name+" "+e.Version] = true
			}
			return list
		}},
		{"yarn 4", "yarn.lock", []string{"node", in("@yarnpkg/cli-dist/bin/yarn.js"), "install", "--mode=update-lockfile"}, func(t *testing.T, file string) map[string]bool {
			var lock map[string]struct{ Version, Resolution string }
			if err := yaml.Unmarshal(readFile(t, file), &lock); err != nil {
				t.Fatal(err)
			}
			list := map[string]bool{}
			for _, e := range lock {
				if name, from := yarnPattern(e.Resolution); e.Resolution != "" && !strings.HasPrefix(from, "workspace:") {
					list[name+" "+e.Version] = true
				}
			}
			return list
		}},
		{"pnpm 8", "pnpm-lock.yaml", []string{"node", in("pnpm8/bin/pnpm.cjs"), "install", "--lockfile-only", "--ignore-scripts"}, pnpmLists},
		{"pnpm 9", "pnpm-lock.yaml", []string{"node", in("pnpm/bin/pnpm.cjs"), "install", "--lockfile-only", "--ignore-scripts"}, pnpmLists},
		{"bun", "bun.lock", []string{bun, "install", "--lockfile-only", "--ignore-scripts", "--save-text-lockfile"}, func(t *testing.T, file string) map[string]bool {
			var lock struct{ Packages map[string][]any }
			if err := yaml.Unmarshal(readFile(t, file), &lock); err != nil { // JSON with a comma too many
				t.Fatal(err)
			}
			list := map[string]bool{}
			for _, e := range lock.Packages {
				name, version := npmSplit(e[0].(string))
				list[name+" "+version] = true
			}
			return list
		}},
	} {
		if !thorough() && (c.name == "pnpm 8" || c.name == "bun") {
			continue
		}
		for _, of := range projects {
			t.Run(c.name+"/"+of, func(t *testing.T) {
				dir := project(t, of)
				if c.file == "yarn.lock" { // a project of its own, whatever is above it
					if err := os.WriteFile(filepath.Join(dir, c.file), nil, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				said(t, dir, c.command[0], c.command[1:]...)
				agree(t, c.list(t, filepath.Join(dir, c.file)), dirScan(t, dir), "npm")
			})
		}
	}
}

func pnpmLists(t *testing.T, file string) map[string]bool {
	var lock struct{ Packages map[string]any }
	if err := yaml.Unmarshal(readFile(t, file), &lock); err != nil {
		t.Fatal(err)
	}
	list := map[string]bool{}
	for key := range lock.Packages {
		key, _, _ = strings.Cut(strings.TrimPrefix(key, "/"), "(")
		name, version := npmSplit(key)
		list[name+" "+version] = true
	}
	return list
}

// TestTruthGoModules: the modules of a build, by the go command: every one of them is
// listed at its version, whether go.mod names it (from Go 1.17 on) or go.sum.
func TestTruthGoModules(t *testing.T) {
	program := reaching(t, "go", "list", "-m", "golang.org/x/text@v0.3.8")
	old := lockFolder(t, map[string]string{
		"go.mod":  "module example.com/old\n\ngo 1.16\n\nrequire github.com/spf13/viper v1.7.0\n",
		"main.go": "package main\n\nimport _ \"github.com/spf13/viper\"\n\nfunc main() {}\n",
	})
	said(t, old, program, "mod", "tidy")
	for name, dir := range map[string]string{"as of Go 1.16": old, "this one": "../../.."} {
		t.Run(name, func(t *testing.T) {
			var mod lockResult
			file := filepath.Join(dir, "go.mod")
			w := newDirWalk(openRoot(t, dir), dirScan(t, t.TempDir()).Subject)
			mod, err := goModRead("go.mod", readFile(t, file))
			if err != nil {
				t.Fatal(err)
			}
			goModMore(w, "go.mod", &mod)
			got := map[string]bool{}
			for _, p := range mod.Packages {
				got[strings.TrimPrefix(p.Namespace+"/"+p.Name, "/")+" "+p.Version] = true
			}
			out := said(t, dir, program, "list", "-deps", "-f", "{{with .Module}}{{.Path}} {{.Version}}{{end}}", "./...")
			built := map[string]bool{}
			for line := range strings.SplitSeq(string(out), "\n") {
				if name, version, ok := strings.Cut(strings.TrimSpace(line), " "); ok && version != "" {
					built[name+" "+version] = true
				}
			}
			for _, m := range slices.Sorted(maps.Keys(built)) {
				if !got[m] {
					t.Errorf("%s is missed", m)
				}
			}
			if len(built) < 10 || len(mod.Unknown) > 0 {
				t.Errorf("%d modules are built; unknown: %v", len(built), mod.Unknown)
			}
			t.Logf("%d modules", len(built))
		})
	}
}

func openRoot(t *testing.T, dir string) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root
}
