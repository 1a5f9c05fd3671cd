package catalog

import (
	"bytes"
	"fmt"
	"path"
	"strings"
)

// dirManifest is a file that names dependencies and leaves their versions to a
// lock file, or one of a kind that is not read.
type dirManifest struct {
	name   string   // base name, or a pattern of path.Match
	in     string   // the name of its folder; empty: any
	locks  []string // any of them, in its folder or one above, speaks for it
	has    func(body []byte) bool
	hint   string // what makes the lock file
	direct bool   // what it pins is what its project itself depends on
	unread string // whose file it is, where no parser reads it

	lists bool // it lists packages as a lock file does, and speaks for others

	// pins reads what the manifest itself says of versions, where no lock file
	// speaks for it.
	pins func(w *dirWalk, file string, body []byte) (lockResult, error)
}

func dirManifests() []dirManifest {
	return []dirManifest{
		{
			name: "package.json", has: dirNPMDepends,
			locks: append(npmLocks(), "node_modules/.package-lock.json", ".pnp.cjs", ".pnp.js", ".pnp.data.json"),
			hint:  "npm install --package-lock-only",
		},
		{
			name: "pyproject.toml", has: dirHolds("dependencies"), pins: pyprojectPins, direct: true,
			locks: []string{"uv.lock", "poetry.lock", "requirements.txt", "Pipfile.lock", "pdm.lock", "pylock.toml", "pixi.lock", "conda-lock.yml"}, hint: "uv lock",
		},
		{name: "Pipfile", locks: []string{"Pipfile.lock"}, hint: "pipenv lock"},
		{
			name: "setup.py", has: dirHolds("install_requires"), pins: setupPyPins, direct: true,
			locks: []string{"requirements.txt", "poetry.lock", "uv.lock", "Pipfile.lock", "pdm.lock", "pylock.toml"}, hint: "pip-compile",
		},
		{
			name: "setup.cfg", has: dirHolds("install_requires"), pins: setupCfgPins, direct: true,
			locks: []string{"requirements.txt", "poetry.lock", "uv.lock", "Pipfile.lock", "pdm.lock", "pylock.toml"}, hint: "pip-compile",
		},
		{name: "requirements.in", locks: []string{"requirements.txt", "uv.lock"}, hint: "pip-compile"},
		{name: "Cargo.toml", has: dirHolds("dependencies"), locks: []string{"Cargo.lock"}, hint: "cargo generate-lockfile"},
		{name: "Gemfile", has: dirHolds("gem "), locks: []string{"Gemfile.lock"}, hint: "bundle lock"},
		{name: "gems.rb", has: dirHolds("gem "), locks: []string{"gems.locked"}, hint: "bundle lock"},
		{name: "composer.json", has: dirHolds(`"require`), locks: []string{"composer.lock", "vendor/composer/installed.json"}, hint: "composer update --no-install"},
		{name: "build.gradle", has: dirHolds("dependencies"), locks: gradleLocks(), hint: "gradle dependencies --write-locks"},
		{name: "build.gradle.kts", has: dirHolds("dependencies"), locks: gradleLocks(), hint: "gradle dependencies --write-locks"},
		{name: "pom.xml", pins: mavenPins, direct: true},
		{name: "libs.versions.toml", pins: gradleCatalogPins, locks: gradleLocks()},
		{name: "verification-metadata.xml", in: "gradle", pins: gradleVerification, lists: true, locks: []string{"gradle.lockfile"}},
		{name: "installed.json", in: "composer", pins: composerInstalled, lists: true, locks: []string{"composer.lock"}},
		{name: ".package-lock.json", in: "node_modules", pins: npmInstalled, lists: true, locks: npmLocks()},
		{name: ".pnp.cjs", pins: pnpPins, lists: true, locks: append(npmLocks(), ".pnp.data.json")},
		{name: ".pnp.js", pins: pnpPins, lists: true, locks: append(npmLocks(), ".pnp.data.json")},
		{name: ".pnp.data.json", pins: pnpPins, lists: true, locks: npmLocks()},
		{name: "go.sum", pins: goSumPins, locks: []string{"go.mod"}},
		{name: "Directory.Packages.props", pins: nugetCentralPins, lists: true},
		{name: "*.csproj", pins: nugetPins, direct: true, locks: nugetLocks()},
		{name: "*.fsproj", pins: nugetPins, direct: true, locks: nugetLocks()},
		{name: "*.vbproj", pins: nugetPins, direct: true, locks: nugetLocks()},
	}
}

func npmLocks() []string {
	return []string{
		"package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "pnpm-lock.yml", "bun.lock", "bun.lockb", "deno.lock",
	}
}

func gradleLocks() []string { return []string{"gradle.lockfile", "gradle/verification-metadata.xml"} }

// dirFound is a manifest that the walk met.
type dirFound struct {
	path string
	kind *dirManifest
}

func dirManifestOf(kinds []dirManifest, p string) *dirManifest {
	base := path.Base(p)
	for i, m := range kinds {
		if m.in != "" && path.Base(path.Dir(p)) != m.in {
			continue
		}
		ok := base == m.name
		if !ok && strings.Contains(m.name, "*") {
			ok, _ = path.Match(m.name, base)
		}
		if ok {
			return &kinds[i]
		}
	}
	return nil
}

func dirHolds(word string) func([]byte) bool {
	return func(body []byte) bool { return bytes.Contains(body, []byte(word)) }
}

// dirNPMDepends reports whether a package.json names a dependency, or is none that
// can be read.
func dirNPMDepends(body []byte) bool {
	j := newLockJSON(body)
	some := false
	err := j.document(func(name []byte, _ int) error {
		switch string(name) {
		case "dependencies", "devDependencies", "optionalDependencies":
			return j.object(func([]byte, int) error {
				some = true
				return j.skip()
			})
		}
		return j.skip()
	})
	return some || err != nil
}

// manifest says what a manifest leaves open: nothing if a lock file stands
// beside it or above, where a workspace has it.
func (w *dirWalk) manifest(f dirFound) {
	p, m := f.path, f.kind
	for dir := path.Dir(p); ; dir = path.Dir(dir) {
		if w.spoken(dir, m.locks) {
			return // read, or already an unknown of its own
		}
		if dir == "." {
			break
		}
	}
	if m.has != nil {
		body, err := w.body(p)
		if err != nil {
			w.unknown("dependencies of "+p, dirWhy(err))
			return
		}
		if !m.has(body) {
			return
		}
	}
	if m.pins != nil {
		body, err := w.body(p)
		if err != nil {
			w.unknown("packages of "+p, dirWhy(err))
			return
		}
		r, err := m.pins(w, p, body)
		if err != nil {
			w.unknown("packages of "+p, err.Error())
			return
		}
		w.pinned(p, m, r)
		return
	}
	if m.unread != "" {
		w.unknown("packages of "+p, fmt.Sprintf("files of %s are not read yet; scan the built image, or an SBOM made by its own tools", m.unread))
		return
	}
	w.unknown("versions of "+p+"'s dependencies", fmt.Sprintf("no lock file; run: %s", m.hint))
}

// spoken reports whether one of a folder's files was read: names, or patterns of
// path.Match.
func (w *dirWalk) spoken(dir string, names []string) bool {
	for _, name := range names {
		if w.read[path.Join(dir, name)] {
			return true
		}
		if !strings.Contains(name, "*") {
			continue
		}
		for p := range w.read {
			if ok, _ := path.Match(name, path.Base(p)); ok && path.Dir(p) == dir {
				return true
			}
		}
	}
	return false
}

// pinned takes in what a manifest itself pins. Where it pins nothing, or leaves
// something open, it is a lock file that is missing.
func (w *dirWalk) pinned(p string, m *dirManifest, r lockResult) {
	if m.hint != "" && len(r.Packages)+len(r.Unknown) > 0 {
		if len(r.Packages) == 0 {
			w.unknown("versions of "+p+"'s dependencies", "no lock file; run: "+m.hint)
			return
		}
		r.Unknown = append(r.Unknown, "transitive dependencies")
		r.Why = "no lock file; run: " + m.hint
	}
	if m.direct && r.graph == nil {
		r.graph = &lockGraph{flat: true}
		n := r.graph.project(r.name, r.version, p, "")
		for i := range r.Packages {
			node := r.graph.node(i)
			r.graph.nodes[n].needs = append(r.graph.nodes[n].needs, node)
		}
	}
	w.take(p, r)
	for _, in := range r.Include {
		w.parse(path.Join(path.Dir(p), in), 1)
	}
}
