package upgrade

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/npm"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"pgregory.net/rapid"
)

// world is a generated registry with a project that npm has locked.
type world struct {
	registry memory
	files    fstest.MapFS
	found    []finding.Finding
}

// drawWorld makes packages with versions that depend on one another, a project
// that asks for some of them, the lock that npm would make of it at a time when
// only the older versions were there, and findings in the lock.
func drawWorld(t *rapid.T) world {
	names := []string{"anchor", "buoy", "chain", "deck", "engine"}
	numbers := []string{"1.0.0", "1.0.1", "1.1.0", "2.0.0", "2.0.1", "3.0.0"}
	spec := func(label string) string {
		v := rapid.SampledFrom(numbers).Draw(t, label)
		switch rapid.IntRange(0, 4).Draw(t, label+" range") {
		case 0:
			return v
		case 1:
			return "~" + v
		case 2:
			return ">=" + v
		}
		return "^" + v
	}
	w := world{registry: memory{}}
	for i, name := range names {
		all := map[string]plan.Manifest{}
		for _, v := range numbers {
			m := plan.Manifest{
				Tarball: npm.PublicRegistry + name + "/-/" + name + "-" + v + ".tgz", Integrity: "sha512-" + name + v,
				Dependencies: map[string]string{},
			}
			for _, dep := range names[i+1:] { // no circles
				if rapid.IntRange(0, 2).Draw(t, name+v+" needs "+dep) == 0 {
					m.Dependencies[dep] = spec(name + v + " " + dep)
				}
			}
			all[v] = m
		}
		w.registry[name] = all
	}
	asks := map[string]map[string]string{npm.Prod: {}, npm.Dev: {}}
	for _, name := range names {
		if kind := rapid.SampledFrom([]string{npm.Prod, npm.Dev, ""}).Draw(t, "the project needs "+name); kind != "" {
			asks[kind][name] = spec("the project " + name)
		}
	}
	newest := rapid.IntRange(1, len(numbers)-1).Draw(t, "newest")
	lock, ok := w.lock(asks, numbers[:newest])
	if !ok {
		return w // no such versions yet: it has no files
	}
	manifest, err := json.MarshalIndent(map[string]any{"name": "harbour", npm.Prod: asks[npm.Prod], npm.Dev: asks[npm.Dev]}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	w.files = fstest.MapFS{"package.json": {Data: append(manifest, '\n')}, "package-lock.json": {Data: lock}}
	return w
}

// lock resolves as npm does: the highest version that will do, as far up as
// nothing else stands. ok is false where there is none.
func (w *world) lock(asks map[string]map[string]string, numbers []string) (lock []byte, ok bool) {
	placed := map[string]string{}
	var install func(at string, deps map[string]string) bool
	install = func(at string, deps map[string]string) bool {
		var fresh []string
		for _, name := range sortedKeys(deps) {
			to, free := "", ""
			for dir := at; ; dir = npm.Above(dir) {
				p := path.Join(dir, "node_modules", name)
				if placed[p] != "" {
					to = p
					break
				}
				if free = p; dir == "" {
					break
				}
			}
			if yes, _ := npm.Admits(deps[name], placed[to]); to != "" && yes {
				continue
			}
			i := len(numbers) - 1
			for ; i >= 0; i-- {
				if yes, _ := npm.Admits(deps[name], numbers[i]); yes {
					break
				}
			}
			if i < 0 {
				return false
			}
			placed[free] = numbers[i]
			fresh = append(fresh, free)
		}
		for _, p := range fresh {
			if !install(p, w.registry[npm.FolderName(p)][placed[p]].Dependencies) {
				return false
			}
		}
		return true
	}
	all := map[string]string{}
	for _, deps := range asks {
		for k, v := range deps {
			all[k] = v
		}
	}
	if !install("", all) || len(placed) == 0 {
		return nil, false
	}
	entries := map[string]any{"": map[string]any{"name": "harbour", npm.Prod: asks[npm.Prod], npm.Dev: asks[npm.Dev]}}
	for p, v := range placed {
		m := w.registry[npm.FolderName(p)][v]
		e := map[string]any{"version": v, "resolved": m.Tarball, "integrity": m.Integrity}
		if len(m.Dependencies) > 0 {
			e[npm.Prod] = m.Dependencies
		}
		entries[p] = e
	}
	lock, err := json.MarshalIndent(map[string]any{"name": "harbour", "lockfileVersion": 3, "packages": entries}, "", "  ")
	return lock, err == nil
}

// flagged puts into a lock for whom npm installs each package.
func flagged(t testing.TB, files fstest.MapFS) fstest.MapFS {
	t.Helper()
	p := &plan.Planner{Dir: plan.Dir{FS: files}, Files: map[string]*plan.File{}}
	l, _, err := npm.Open(p, "package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(files["package-lock.json"].Data, &root); err != nil {
		t.Fatal(err)
	}
	for at, f := range (&npm.Solver{Lock: l}).Graph().Flags() {
		if f.Dev {
			root["packages"].(map[string]any)[at].(map[string]any)["dev"] = true
		}
	}
	b, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{"package.json": files["package.json"], "package-lock.json": {Data: b}}
}

func sortedKeys(m map[string]string) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// TestALockAgreesWithItsManifest is the law of every edit of a lock, of any
// choice of upgrades: each range of package.json and of each package in the
// lock is satisfied by what the lock resolves, the lock's copy of package.json
// is equal to it, and nothing is there twice that was not.
func TestALockAgreesWithItsManifest(t *testing.T) {
	made := 0
	if thorough() {
		harder(t, 500_000)
	} else {
		harder(t, 5_000)
	}
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt)
		if w.files == nil {
			return
		}
		files := flagged(t, w.files)
		p := &plan.Planner{Dir: plan.Dir{FS: files}, Files: map[string]*plan.File{}}
		l, _, err := npm.Open(p, "package-lock.json")
		if err != nil {
			rt.Fatal(err)
		}
		if len(brokenEdges(t, files, "package-lock.json")) > 0 {
			return // what stands further down has taken somebody's place
		}
		seen := map[string]bool{}
		for _, at := range l.Paths {
			e := l.Entries[at]
			if e.Project() || seen[e.Name+e.Version] || rapid.Bool().Draw(rt, at+" is sound") {
				continue
			}
			seen[e.Name+e.Version] = true
			later := npm.Ascending(w.registry[e.Name], e.Version)
			if len(later) == 0 {
				continue
			}
			fixed := rapid.SampledFrom(later).Draw(rt, at+" is fixed in")
			w.found = append(w.found, vulnerable("package-lock.json", "npm", e.Name, e.Version, fixed))
		}
		plan, after := planAll(failer{t, rt}, plan.Dir{Registry: w.registry}, files, w.found)
		if strings.Contains(plan, "Raise") {
			made++
		}
		if strings.Contains(plan, "run:") { // npm is to write the lock
			return
		}
		if what := disagrees(rt, after); what != "" {
			rt.Fatalf("%s\n%s\n%s", what, plan, shown(files, after, "package-lock.json"))
		}
	})
	if made == 0 {
		t.Error("nothing was ever raised")
	}
}

// harder has the test draw as often: most worlds cannot be locked, and what goes
// wrong needs several upgrades that meet.
func harder(t *testing.T, checks int) {
	t.Helper()
	f := flag.Lookup("rapid.checks")
	if f == nil || f.Value.String() != f.DefValue { // it is said on the command line
		return
	}
	if err := flag.Set("rapid.checks", fmt.Sprint(checks)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set("rapid.checks", f.DefValue) })
}

// disagrees reads a project as Node and npm do, with none of the planner's own
// code but its ranges, and returns what is wrong with the lock; "": nothing.
func disagrees(t *rapid.T, files fstest.MapFS) string {
	type entry struct {
		Version         string            `json:"version"`
		Dependencies    map[string]string `json:"dependencies"`
		DevDependencies map[string]string `json:"devDependencies"`
	}
	var manifest struct {
		entry
		Overrides map[string]json.RawMessage `json:"overrides"`
	}
	var lock struct {
		Packages map[string]entry `json:"packages"`
	}
	if err := json.Unmarshal(files["package.json"].Data, &manifest); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(files["package-lock.json"].Data, &lock); err != nil {
		t.Fatal(err)
	}
	root := lock.Packages[""]
	if !maps.Equal(root.Dependencies, manifest.Dependencies) || !maps.Equal(root.DevDependencies, manifest.DevDependencies) {
		return "the lock's copy of package.json is another"
	}
	for at, e := range lock.Packages {
		deps := maps.Clone(e.Dependencies)
		if at == "" {
			deps = maps.Clone(e.Dependencies)
			maps.Copy(deps, e.DevDependencies)
		}
		for name, spec := range deps {
			if at != "" {
				override := func(raw json.RawMessage, member string) string {
					var one string
					var many map[string]string
					if json.Unmarshal(raw, &one) == nil && member == "." {
						return one
					}
					_ = json.Unmarshal(raw, &many)
					return many[member]
				}
				forced := cmp.Or(override(manifest.Overrides[path.Base(at)], name), override(manifest.Overrides[name], "."))
				if spec = cmp.Or(forced, spec); spec == "$"+name {
					spec = manifest.Dependencies[name] + manifest.DevDependencies[name]
				}
			}
			dir, version := at, ""
			for {
				if in, ok := lock.Packages[strings.TrimPrefix(dir+"/node_modules/"+name, "/")]; ok {
					version = in.Version
					break
				}
				i := strings.LastIndex(dir, "node_modules/")
				if i < 0 {
					break
				}
				dir = strings.TrimSuffix(dir[:i], "/")
			}
			if yes, _ := npm.Admits(spec, version); !yes {
				return fmt.Sprintf("%q needs %s %s and gets %q", at, name, spec, version)
			}
		}
	}
	return ""
}

// failer is a test whose failures rapid sees and makes smaller.
type failer struct {
	*testing.T
	rt *rapid.T
}

func (f failer) Errorf(format string, args ...any) { f.rt.Fatalf(format, args...) }
func (f failer) Fatalf(format string, args ...any) { f.rt.Fatalf(format, args...) }
func (f failer) Fatal(args ...any)                 { f.rt.Fatal(args...) }
func (f failer) Error(args ...any)                 { f.rt.Fatal(fmt.Sprint(args...)) }
