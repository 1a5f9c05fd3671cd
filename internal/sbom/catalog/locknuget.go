package catalog

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// nugetConfig reads packages.config, which names every package of a project,
// transitive ones too.
func nugetConfig() lockParser {
	return lockParser{Name: "packages-config", Wants: lockNamed("packages.config"), Read: nugetConfigRead}
}

func nugetConfigRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	var r lockResult
	root := false
	err := lockXML(body, func(e xmlElement) error {
		switch e.at() {
		case "packages":
			root = true
		case "packages/package":
			if r.full() {
				return errLockMany
			}
			id, version := e.attr("id"), e.attr("version")
			if !nugetWord(id) {
				id = ""
			}
			if id == "" || !nugetWord(version) {
				r.odd(id, e.line)
				return nil
			}
			p := lockPackage("packages-config", "nuget", id, version, file, e.line)
			p.Dev = strings.EqualFold(e.attr("developmentDependency"), "true")
			r.Packages = append(r.Packages, p)
		}
		return nil
	})
	if err == nil && !root {
		err = errors.New("not a packages.config: the root element is not packages")
	}
	if err != nil {
		return lockResult{}, err
	}
	return r, nil
}

// nugetCentral reads Directory.Packages.props: the versions that a repository's
// projects agree on.
func nugetCentral() lockParser {
	return lockParser{Name: "packages-props", Wants: lockNamed("Directory.Packages.props"), Read: func(file string, body []byte) (lockResult, error) {
		m, err := nugetProjectOf(body)
		if err != nil {
			return lockResult{}, err
		}
		var r lockResult
		for _, ref := range m.central {
			m.pin(&r, "packages-props", file, ref, ref.version)
		}
		return r, nil
	}}
}

// nugetProject is what an MSBuild file says of packages.
type nugetProject struct {
	props   map[string]string
	refs    []nugetRef // PackageReference
	central []nugetRef // PackageVersion, GlobalPackageReference
}

type nugetRef struct {
	name, version, private string
	line                   int
}

func nugetProjectOf(body []byte) (*nugetProject, error) {
	if err := lockText(body); err != nil {
		return nil, err
	}
	m := &nugetProject{props: map[string]string{}}
	root := false
	child := map[string]string{} // of the reference that is open
	err := lockXML(body, func(e xmlElement) error {
		n := len(e.path)
		if len(m.props)+len(m.refs)+len(m.central) > maxPackages {
			return errLockMany
		}
		switch {
		case n == 1:
			root = e.path[0] == "Project"
		case e.path[n-2] == "PropertyGroup":
			m.props[strings.ToLower(e.path[n-1])] = e.text
		case strings.HasPrefix(e.path[n-2], "Package") || e.path[n-2] == "GlobalPackageReference":
			child[strings.ToLower(e.path[n-1])] = e.text
		}
		name := e.path[n-1]
		if name != "PackageReference" && name != "PackageVersion" && name != "GlobalPackageReference" {
			return nil
		}
		value := func(key string) string {
			if v := e.attr(key); v != "" {
				return v
			}
			return child[strings.ToLower(key)]
		}
		ref := nugetRef{name: e.attr("Include"), version: value("VersionOverride"), private: value("PrivateAssets"), line: e.line}
		if ref.name == "" {
			ref.name = e.attr("Update")
		}
		if ref.version == "" {
			ref.version = value("Version")
		}
		clear(child)
		switch {
		case ref.name == "": // Remove
		case name == "PackageReference":
			m.refs = append(m.refs, ref)
		default:
			m.central = append(m.central, ref)
		}
		return nil
	})
	if err == nil && !root {
		err = errors.New("not a project: the root element is not Project")
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// pin adds a reference with a version, or what is not known of it.
func (m *nugetProject) pin(r *lockResult, cataloger, file string, ref nugetRef, version string) {
	name := m.resolve(ref.name, 0)
	version = m.resolve(version, 0)
	if inner, exact := strings.CutPrefix(version, "["); exact && strings.HasSuffix(inner, "]") && !strings.Contains(inner, ",") {
		version = strings.TrimSuffix(inner, "]")
	}
	switch {
	case !nugetWord(name):
		r.Unknown = append(r.Unknown, fmt.Sprintf("%.80q", ref.name))
	case !nugetWord(version):
		r.Unknown = append(r.Unknown, name)
	default:
		p := lockPackage(cataloger, "nuget", name, version, file, ref.line)
		p.Dev = strings.EqualFold(ref.private, "all") // analyzers and build tools
		r.Packages = append(r.Packages, p)
		return
	}
	r.Why = "not one version; dotnet restore --use-lock-file says which"
}

// resolve replaces $(name) by the file's properties; what is left holds a dollar
// sign.
func (m *nugetProject) resolve(s string, depth int) string {
	before, rest, ok := strings.Cut(s, "$(")
	name, after, closed := strings.Cut(rest, ")")
	value, known := m.props[strings.ToLower(strings.TrimSpace(name))]
	if !ok || !closed || !known || depth > 8 || len(s) > 1024 {
		return strings.TrimSpace(s)
	}
	return m.resolve(before+value+after, depth+1)
}

func nugetWord(s string) bool { return lockWord(s) && !strings.ContainsAny(s, "$()[]*,/;@%") }

// nugetLocks are the files that speak for a project.
func nugetLocks() []string {
	return []string{"packages.lock.json", "packages.config", "obj/project.assets.json", "project.assets.json", "paket.lock"}
}

// nugetPins reads the packages that a csproj, fsproj or vbproj without a lock file
// refers to: NuGet takes the lowest version that a reference allows, which is the
// one it names. Central versions and properties come from the nearest
// Directory.Packages.props and Directory.Build.props.
func nugetPins(w *dirWalk, file string, body []byte) (lockResult, error) {
	m, err := nugetProjectOf(body)
	if err != nil || w.hasBuilt(file) {
		return lockResult{}, err
	}
	central := map[string]string{}
	for _, name := range []string{"Directory.Build.props", "Directory.Packages.props"} {
		up, err := nugetAbove(w, file, name)
		if err != nil {
			return lockResult{}, fmt.Errorf("%s: %w", name, err)
		}
		props := maps.Clone(up.props)
		maps.Copy(props, m.props)
		m.props = props
		for _, ref := range up.central {
			central[strings.ToLower(ref.name)] = ref.version
		}
		m.refs = append(m.refs, up.refs...)
	}
	r := lockResult{name: strings.TrimSuffix(path.Base(file), path.Ext(file))}
	for _, ref := range m.refs {
		version := ref.version
		if version == "" {
			version = central[strings.ToLower(ref.name)]
		}
		m.pin(&r, strings.TrimPrefix(path.Ext(file), "."), file, nugetRef{ref.name, version, ref.private, ref.line}, version)
	}
	if len(m.refs) > 0 {
		r.Unknown = append(r.Unknown, "transitive dependencies")
		r.Why = "a project file does not say them; dotnet restore --use-lock-file does"
	}
	return r, nil
}

// hasBuilt reports whether a build's output below a project says what it takes.
func (w *dirWalk) hasBuilt(project string) bool {
	if w.builds == nil {
		w.builds = map[string][]string{}
		for p := range w.read {
			if name, ok := strings.CutSuffix(path.Base(p), ".deps.json"); ok {
				w.builds[name] = append(w.builds[name], p)
			}
		}
	}
	name := strings.TrimSuffix(path.Base(project), path.Ext(project))
	return slices.ContainsFunc(w.builds[name], func(p string) bool {
		return path.Dir(project) == "." || strings.HasPrefix(p, path.Dir(project)+"/")
	})
}

// nugetAbove is the nearest file of a name, from a file's folder upwards.
func nugetAbove(w *dirWalk, file, name string) (*nugetProject, error) {
	for dir := path.Dir(file); ; dir = path.Dir(dir) {
		if body, err := w.body(path.Join(dir, name)); err == nil {
			return nugetProjectOf(body)
		}
		if dir == "." {
			return &nugetProject{props: map[string]string{}}, nil
		}
	}
}
