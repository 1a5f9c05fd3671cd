package upgrade

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// npmProgram is npm, where there is one that reaches its registry.
func npmProgram(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("asks npm's registry")
	}
	npm, err := exec.LookPath("npm")
	if err == nil {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		err = exec.CommandContext(ctx, npm, "view", "ms@2.1.3", "version", "--fetch-retries=0").Run()
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("npm and its registry are wanted in CI: %v", err)
		}
		t.Skipf("no npm that reaches a registry: %v", err)
	}
	return npm
}

// registryOf is the registry that npm is configured for.
func registryOf(t *testing.T, npm string) Registry {
	t.Helper()
	out, err := exec.Command(npm, "config", "get", "registry").Output()
	if err != nil {
		t.Fatal(err)
	}
	return NPM(HTTP{Base: strings.TrimSpace(string(out))})
}

func writeFS(t *testing.T, dir string, files fstest.MapFS) {
	t.Helper()
	for p, f := range files {
		p = filepath.Join(dir, filepath.FromSlash(p))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// npmCI holds a project to npm's own judgement of its lock.
func npmCI(t *testing.T, npm, dir string) {
	t.Helper()
	cmd := exec.Command(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci refuses the edited project: %v\n%s", err, out)
	}
}

func reactFindings(t *testing.T) (string, []byte) {
	t.Helper()
	root := moduleRoot(t)
	cmd := exec.Command("go", "run", "./cmd/drydock", "cves", "examples/react-app", "-f", "json")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return root, out
}

func TestReactAppIsRaisedWithNPM(t *testing.T) {
	npm := npmProgram(t)
	root, found := reactFindings(t)
	app := os.DirFS(filepath.Join(root, "examples/react-app"))
	var mine = reported(t, found)
	mine = mine[:0:0]
	for _, f := range reported(t, found) {
		if f.Vuln.PackageType == "npm" {
			mine = append(mine, f)
		}
	}
	us, unknown := Plan(t.Context(), Dir{FS: app, Name: "examples/react-app", Registry: registryOf(t, npm)}, mine)
	t.Log("\n" + describe(us, unknown))
	after := apply(t, app, "examples/react-app", allEdits(us))
	dir := t.TempDir()
	if keep := os.Getenv("KEEP"); keep != "" {
		dir = keep
	}
	writeFS(t, dir, after)
	npmCI(t, npm, dir)
}
