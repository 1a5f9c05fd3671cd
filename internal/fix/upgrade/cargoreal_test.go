package upgrade

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"pgregory.net/rapid"
)

// program is one that a test holds us to, where it is there.
func program(t *testing.T, name string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("runs " + name)
	}
	p, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is wanted in CI: %v", name, err)
		}
		t.Skipf("no %s: %v", name, err)
	}
	return p
}

// crateRegistry is a local registry of Cargo's in a folder, and what its index says.
type crateRegistry struct {
	dir   string
	lines map[string][]string
}

func (r crateRegistry) Serves(s string) bool { return (&crates{}).Serves(s) }

func (r crateRegistry) Releases(_ context.Context, name string) ([]plan.Release, error) {
	if len(r.lines[name]) == 0 {
		return nil, fmt.Errorf("no crate %s", name)
	}
	return parseCrates([]byte(strings.Join(r.lines[name], "\n")), name)
}

// crateDep is a dependency of a generated crate.
type crateDep struct {
	Name            string   `json:"name"`
	Req             string   `json:"req"`
	Features        []string `json:"features"`
	Optional        bool     `json:"optional"`
	DefaultFeatures bool     `json:"default_features"`
	Target          *string  `json:"target"`
	Kind            string   `json:"kind"`
}

// publish puts a crate into the registry's folder, with the checksum that it has.
func (r crateRegistry) publish(t testing.TB, name, version string, deps []crateDep, features map[string][]string) {
	t.Helper()
	var manifest strings.Builder
	fmt.Fprintf(&manifest, "[package]\nname = %q\nversion = %q\nedition = \"2018\"\n", name, version)
	for _, d := range deps {
		table := "dependencies"
		if d.Kind == "build" {
			table = "build-dependencies"
		}
		if d.Target != nil {
			table = "target.'" + *d.Target + "'." + table
		}
		fmt.Fprintf(&manifest, "[%s.%s]\nversion = %q\noptional = %t\n", table, d.Name, d.Req, d.Optional)
		fmt.Fprintf(&manifest, "default-features = %t\n", d.DefaultFeatures)
		if len(d.Features) > 0 {
			fmt.Fprintf(&manifest, "features = [%q]\n", d.Features[0])
		}
	}
	manifest.WriteString("[features]\n")
	for k, v := range features {
		fmt.Fprintf(&manifest, "%s = [", k)
		for _, x := range v {
			fmt.Fprintf(&manifest, "%q,", x)
		}
		manifest.WriteString("]\n")
	}
	var archive bytes.Buffer
	z := gzip.NewWriter(&archive)
	w := tar.NewWriter(z)
	for _, f := range [][2]string{{"Cargo.toml", manifest.String()}, {"src/lib.rs", ""}} {
		h := &tar.Header{Name: name + "-" + version + "/" + f[0], Mode: 0o644, Size: int64(len(f[1]))}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(archive.Bytes())
	if deps == nil {
		deps = []crateDep{}
	}
	line, err := json.Marshal(map[string]any{
		"name": name, "vers": version, "deps": deps, "cksum": hex.EncodeToString(sum[:]),
		"features": features, "yanked": false,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.lines[name] = append(r.lines[name], string(line))
	if err := os.WriteFile(filepath.Join(r.dir, name+"-"+version+".crate"), archive.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// index writes what the registry says: of each crate the first lines only.
func (r crateRegistry) index(t testing.TB, keep func(line string) bool) {
	t.Helper()
	for name, lines := range r.lines {
		var some []string
		for _, l := range lines {
			if keep(l) {
				some = append(some, l)
			}
		}
		at := filepath.Join(r.dir, "index", name[:2], name[2:4], name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(strings.Join(some, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// cargoRun runs Cargo in a folder with the registry in place of crates.io.
func cargoRun(t testing.TB, cargo, dir, home string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), cargo, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CARGO_HOME="+home, "CARGO_NET_OFFLINE=true", "CARGO_TERM_COLOR=never")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = nil, &out
	err := cmd.Run()
	return out.String(), err
}

// TestCargoTakesWhatIsRaised holds plans over generated workspaces to Cargo: what
// is raised in a lock that it made, cargo --locked must take as it is.
func TestCargoTakesWhatIsRaised(t *testing.T) {
	cargo := program(t, "cargo")
	made, tried := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		if tried++; tried > 40 && made > 0 && !thorough() { // at least one is raised
			return
		}
		root, err := os.MkdirTemp(t.TempDir(), "world")
		if err != nil {
			rt.Fatal(err)
		}
		reg := crateRegistry{filepath.Join(root, "registry"), map[string][]string{}}
		if err := os.MkdirAll(reg.dir, 0o755); err != nil {
			rt.Fatal(err)
		}
		files, numbers := drawCargo(rt, t, reg)
		newest := rapid.IntRange(1, len(numbers)-1).Draw(rt, "newest")
		home := filepath.Join(root, "home")
		config := fmt.Sprintf("[source.crates-io]\nreplace-with = \"here\"\n[source.here]\nlocal-registry = %q\n", reg.dir)
		writeFS(t, home, fstest.MapFS{"config.toml": {Data: []byte(config)}})
		project := filepath.Join(root, "project")
		writeFS(t, project, files)
		reg.index(t, func(line string) bool {
			return slices.ContainsFunc(numbers[:newest], func(v string) bool { return strings.Contains(line, `"vers":"`+v+`"`) })
		})
		if _, err := cargoRun(t, cargo, project, home, "generate-lockfile"); err != nil {
			return // no such versions yet
		}
		reg.index(t, func(string) bool { return true })
		locked := []string{"metadata", "--locked", "--format-version", "1"}
		if _, err := cargoRun(t, cargo, project, home, locked...); err != nil {
			return // with later releases, Cargo does not take its own
		}
		lock, err := os.ReadFile(filepath.Join(project, "Cargo.lock"))
		if err != nil {
			rt.Fatal(err)
		}
		files["Cargo.lock"] = &fstest.MapFile{Data: lock}
		found := drawCargoFindings(rt, files, numbers)
		plan, after := planAll(failer{t, rt}, plan.Dir{Indexes: map[string]plan.Index{"cargo": reg}}, files, found)
		if strings.Contains(plan, "Raise") {
			made++
		}
		if os.Getenv("SHOWPLAN") != "" {
			t.Log(plan)
		}
		writeFS(t, project, after)
		if out, err := cargoRun(t, cargo, project, home, locked...); err != nil {
			rt.Fatalf("%s\n%s\n%s", out, plan, toldAll(files, after))
		}
	})
	if made == 0 {
		t.Error("nothing was ever raised")
	}
	t.Logf("%d worlds, %d with something raised", tried, made)
}

// drawCargo publishes crates that depend on one another, and makes a workspace
// that asks for some of them.
func drawCargo(rt *rapid.T, t *testing.T, reg crateRegistry) (files fstest.MapFS, numbers []string) {
	names := []string{"anchor", "buoyancy", "chain", "deck-plan", "engine"}
	numbers = []string{"0.1.0", "1.0.0", "0.1.1", "1.0.1", "1.1.0", "0.1.2", "2.0.0", "1.2.0", "2.0.1"}
	spec := func(label string) string {
		v := rapid.SampledFrom(numbers).Draw(rt, label)
		switch rapid.IntRange(0, 6).Draw(rt, label+" range") {
		case 0:
			return "=" + v
		case 1:
			return "~" + v
		case 2:
			return ">=" + v
		case 3:
			return ">=" + v + ", <2.0.1"
		case 4:
			return v[:strings.LastIndex(v, ".")]
		}
		return v
	}
	for i, name := range names {
		var last []crateDep
		lastFeatures := map[string][]string{}
		for n, v := range numbers {
			deps, features := last, lastFeatures
			if n == 0 || rapid.IntRange(0, 3).Draw(rt, name+v+" changes") == 0 {
				deps, features = nil, map[string][]string{}
				for _, dep := range names[i+1:] {
					if rapid.IntRange(0, 2).Draw(rt, name+v+" needs "+dep) != 0 {
						continue
					}
					edge := name + v + dep
					d := crateDep{Name: dep, Req: spec(name + v + " " + dep), Features: []string{}}
					d.DefaultFeatures = rapid.Bool().Draw(rt, edge+" default")
					d.Optional = rapid.IntRange(0, 3).Draw(rt, edge+" optional") == 0
					if d.Optional && rapid.Bool().Draw(rt, edge+" on") {
						features["default"] = append(features["default"], dep)
					}
					if rapid.IntRange(0, 4).Draw(rt, name+v+dep+" build") == 0 {
						d.Kind = "build"
					} else {
						d.Kind = "normal"
					}
					deps = append(deps, d)
				}
			}
			for k := range deps { // ranges move on, the rest seldom does
				deps = slices.Clone(deps)
				if rapid.Bool().Draw(rt, name+v+fmt.Sprint(k)+" moves") {
					deps[k].Req = spec(name + v + " " + deps[k].Name + " now")
				}
			}
			last, lastFeatures = deps, features
			reg.publish(t, name, v, deps, features)
		}
	}
	member := func(pkg string) string {
		text := "[package]\nname = \"" + pkg + "\"\nversion = \"0.1.0\"\nedition = \"2018\"\n"
		for _, table := range []string{"dependencies", "dev-dependencies"} {
			text += "\n[" + table + "]\n"
			for _, name := range names {
				switch rapid.IntRange(0, 3).Draw(rt, pkg+" "+table+" "+name) {
				case 0:
					text += fmt.Sprintf("%s = %q\n", name, spec(pkg+table+name))
				case 1:
					if table == "dependencies" {
						text += fmt.Sprintf("%s = { version = '%s', default-features = false }\n", name, spec(pkg+table+name))
					}
				}
			}
		}
		return text
	}
	return fstest.MapFS{
		"Cargo.toml":          {Data: []byte(member("harbour") + "\n[workspace]\nmembers = [\"crates/*\"]\n")},
		"src/lib.rs":          {},
		"crates/a/Cargo.toml": {Data: []byte(member("quay"))},
		"crates/a/src/lib.rs": {},
	}, numbers
}

// toldAll are the files of a project before a plan and after it.
func toldAll(before, after fstest.MapFS) string {
	var out strings.Builder
	for _, p := range sortedNames(after) {
		if fmt.Fprintf(&out, "-- %s --\n%s", p, before[p].Data); !bytes.Equal(before[p].Data, after[p].Data) {
			fmt.Fprintf(&out, "-- %s, after --\n%s", p, after[p].Data)
		}
	}
	return out.String()
}

// drawCargoFindings says that some of a lock's packages are vulnerable.
func drawCargoFindings(rt *rapid.T, files fstest.MapFS, numbers []string) (found []finding.Finding) {
	l, err := readCargoLock(&plan.File{Name: "Cargo.lock", B: files["Cargo.lock"].Data})
	if err != nil {
		rt.Fatalf("%v\n%s", err, files["Cargo.lock"].Data)
	}
	for _, p := range l.packages {
		if p.Source == "" || rapid.Bool().Draw(rt, p.Name+p.Version+" is sound") {
			continue
		}
		var later []string
		for _, v := range numbers {
			if plan.CompareBy("crates.io", v, p.Version) > 0 && (cargoKind{}).key("", v) == (cargoKind{}).key("", p.Version) {
				later = append(later, v)
			}
		}
		if len(later) == 0 {
			continue
		}
		fixed := rapid.SampledFrom(later).Draw(rt, p.Name+p.Version+" is fixed in")
		found = append(found, vulnerable("Cargo.lock", "cargo", p.Name, p.Version, fixed))
	}
	return found
}
