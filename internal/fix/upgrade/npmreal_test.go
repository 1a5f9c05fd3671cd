package upgrade

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/npm"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"github.com/google/go-cmp/cmp"
)

// npmProgram is npm, where there is one that reaches its registry.
func npmProgram(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("asks npm's registry")
	}
	program, err := exec.LookPath("npm")
	if err == nil {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		err = exec.CommandContext(ctx, program, "view", "ms@2.1.3", "version", "--fetch-retries=0").Run()
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("npm and its registry are wanted in CI: %v", err)
		}
		t.Skipf("no npm that reaches a registry: %v", err)
	}
	return program
}

// thorough reports whether the tests that take minutes are wanted.
func thorough() bool { return os.Getenv("DRYDOCK_PROVE") == "all" }

// registryOf is the registry that npm is configured for.
func registryOf(t *testing.T, program string) plan.Registry {
	t.Helper()
	out, err := exec.Command(program, "config", "get", "registry").Output()
	if err != nil {
		t.Fatal(err)
	}
	return npm.NewRegistry(plan.HTTP{Base: strings.TrimSpace(string(out))})
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

// lockOnly are npm's arguments for a lock and nothing else.
func lockOnly(more ...string) []string {
	return append([]string{"install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund", "--omit-lockfile-registry-resolved=false"}, more...)
}

// fixable are the findings that have a fixed version.
func fixable(found []finding.Finding) (out []finding.Finding) {
	for _, f := range found {
		if f.Suppressed == nil && f.Vuln.FixedIn != "" {
			out = append(out, f)
		}
	}
	return out
}

// oldServer is a project with old pins, which npm makes a lock for.
const oldServer = `{
	"name": "server",
	"version": "1.0.0",
	"dependencies": {
		"express": "4.17.1",
		"lodash": "^4.17.15",
		"minimist": "1.2.0",
		"node-fetch": "~2.6.0",
		"tar": "4.4.13"
	},
	"devDependencies": {
		"mocha": "8.0.1"
	}
}
`

// locked is the old server with npm's own lock of a version.
func locked(program, version string) func(t *testing.T) fstest.MapFS {
	return lockedAs(program, version, oldServer)
}

// lockedAs is a package.json with npm's own lock of a version.
func lockedAs(program, version, manifest string) func(t *testing.T) fstest.MapFS {
	return func(t *testing.T) fstest.MapFS {
		dir := t.TempDir()
		writeFS(t, dir, fstest.MapFS{"package.json": {Data: []byte(manifest)}})
		run(t, dir, program, lockOnly("--lockfile-version", version)...)
		lock, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
		if err != nil {
			t.Fatal(err)
		}
		return fstest.MapFS{"package.json": {Data: []byte(manifest)}, "package-lock.json": {Data: lock}}
	}
}

// TestNPMTakesWhatIsRaised scans a project, raises what is vulnerable in it and
// holds the result to npm: npm ci must install it, npm must find nothing to
// change in the lock, every upgrade alone must pass as well, and nothing that
// was resolved may be found again.
func TestNPMTakesWhatIsRaised(t *testing.T) {
	program := npmProgram(t)
	react := func(t *testing.T) fstest.MapFS {
		app := os.DirFS(filepath.Join(moduleRoot(t), "examples/react-app"))
		out := fstest.MapFS{}
		for _, p := range []string{"package.json", "package-lock.json"} {
			b, err := fs.ReadFile(app, p)
			if err != nil {
				t.Fatal(err)
			}
			out[p] = &fstest.MapFile{Data: b}
		}
		return out
	}
	for _, c := range []struct {
		name  string
		files func(t *testing.T) fstest.MapFS
		alone bool // each upgrade is tried on its own
	}{
		{"react-app", react, true},
		{"pinned-3", lockedAs(program, "3", `{"name":"app","dependencies":{"lodash":"4.17.20","jsonwebtoken":"8.5.1"}}`), true},
		{"shared-3", lockedAs(program, "3", `{"name":"app","dependencies":{"axios":"0.21.0","follow-redirects":"1.13.0","minimist":"1.2.0","mkdirp":"0.5.1"}}`), true},
		{"server-3", locked(program, "3"), false},
		{"server-2", locked(program, "2"), false},
		{"server-1", locked(program, "1"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !c.alone && !thorough() {
				t.Skip("minutes: DRYDOCK_PROVE=all tries this one too")
			}
			files := c.files(t)
			dir := t.TempDir()
			writeFS(t, dir, files)
			all, advisories := scan(t, dir)
			found, start := fixable(all), time.Now()
			first := len(found)
			resolved := map[string]bool{}
			lockVersion := c.name[len(c.name)-1:]
			after, later := files, true
			for later {
				us, left := Plan(t.Context(), plan.Dir{FS: after, Registry: registryOf(t, program), Advisories: advisories}, found)
				t.Logf("%d findings, planned in %s\n%s", len(found), time.Since(start).Round(time.Millisecond), describe(us, left))
				later = slices.ContainsFunc(left, func(u plan.Unraised) bool { return u.Later })
				var whole []finding.Edit
				for _, u := range us {
					if len(u.Commands) > 0 {
						continue
					}
					whole = append(whole, u.Fix.Edits...)
					for _, i := range u.Resolves {
						resolved[found[i].Key] = true
					}
					if c.alone && thorough() {
						one := t.TempDir()
						writeFS(t, one, apply(t, after, "", u.Fix.Edits))
						run(t, one, program, "ci", "--dry-run", "--ignore-scripts", "--no-audit", "--no-fund")
					}
				}
				after = apply(t, after, "", whole)
				writeFS(t, dir, after)
				if later {
					all, _ := scan(t, dir)
					found = fixable(all)
				}
			}
			ci := []string{"ci", "--ignore-scripts", "--no-audit", "--no-fund"}
			if !thorough() { // its judgement of the lock
				ci = append(ci, "--dry-run")
			}
			run(t, dir, program, ci...)
			left, _ := scan(t, dir)
			for _, f := range left {
				if resolved[f.Key] {
					t.Errorf("%s is still there", f.Key)
				}
			}
			t.Logf("%d of %d findings are resolved by edits alone", len(resolved), first)
			for _, f := range fixable(left) {
				t.Errorf("%s, fixed in %s, has come or is left", f.Key, f.Vuln.FixedIn)
			}
			if len(resolved)*10 < first*8 {
				t.Errorf("only %d of %d findings are resolved", len(resolved), first)
			}
			if lockVersion == "1" || lockVersion == "2" { // written anew in whole by today's npm
				return
			}
			run(t, dir, program, lockOnly()...)
			lock, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(after["package-lock.json"].Data), string(lock)); diff != "" {
				t.Errorf("npm would write the lock otherwise: (-ours +npm's)\n%s", diff)
			}
		})
	}
}

// TestNPMFinishesWhatIsPlannedOffline runs the command that an upgrade without
// the registry asks for.
func TestNPMFinishesWhatIsPlannedOffline(t *testing.T) {
	if !thorough() {
		t.Skip("minutes: DRYDOCK_PROVE=all tries this one too")
	}
	program := npmProgram(t)
	dir := t.TempDir()
	files := locked(program, "3")(t)
	writeFS(t, dir, files)
	all, _ := scan(t, dir)
	found := fixable(all)
	us, unknown := Plan(t.Context(), plan.Dir{FS: files}, found)
	t.Logf("\n%s", describe(us, unknown))
	writeFS(t, dir, apply(t, files, "", allEdits(us)))
	for _, u := range us {
		if len(u.Commands) != 1 || u.Commands[0] != npm.LockCommand || u.Fix.Safety != finding.NeedsReview {
			t.Errorf("%s (%s) asks for %q", u.Fix.Title, u.Fix.Safety, u.Commands)
		}
	}
	run(t, dir, program, strings.Fields(npm.LockCommand)[1:]...)
	run(t, dir, program, "ci", "--dry-run", "--ignore-scripts", "--no-audit", "--no-fund")
	left, _ := scan(t, dir)
	keys := map[string]bool{}
	for _, f := range fixable(left) {
		keys[f.Key] = true
	}
	for _, u := range us {
		for _, i := range u.Resolves {
			if keys[found[i].Key] {
				t.Errorf("%s is still there", found[i].Key)
			}
		}
	}
}
