package catalog

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// nugetProject is what an MSBuild file says of packages.
type nugetProject struct {
	props    map[string]string
	defaults map[string]bool // properties that are set where nothing has set them
	refs     []nugetRef      // PackageReference
	central  []nugetRef      // PackageVersion, GlobalPackageReference
	imports  []string        // other files of which it is made
	files    []string        // of what it is put together
}

// nugetRef is one package that a file names, or what it changes of an earlier one.
type nugetRef struct {
	name, version, private string
	line                   int
	does                   nugetDoes
}

type nugetDoes int

const (
	nugetInclude nugetDoes = iota
	nugetUpdate
	nugetRemove
)

func nugetProjectOf(body []byte) (*nugetProject, error) {
	if err := lockText(body); err != nil {
		return nil, err
	}
	m := &nugetProject{props: map[string]string{}, defaults: map[string]bool{}}
	root := false
	child := map[string]string{} // of the reference that is open
	err := lockXML(body, func(e xmlElement) error {
		n := len(e.path)
		if len(m.props)+len(m.refs)+len(m.central)+len(m.imports) > maxPackages {
			return errLockMany
		}
		switch {
		case n == 1:
			root = e.path[0] == "Project"
		case e.path[n-2] == "PropertyGroup":
			m.property(e)
		case e.path[n-1] == "Import":
			m.imports = append(m.imports, e.attr("Project"))
		case strings.HasPrefix(e.path[n-2], "Package") || e.path[n-2] == "GlobalPackageReference":
			child[strings.ToLower(e.path[n-1])] = e.text
		}
		name := e.path[n-1]
		if name != "PackageReference" && name != "PackageVersion" && name != "GlobalPackageReference" {
			return nil
		}
		refs := nugetRefs(e, child)
		clear(child)
		if name == "PackageReference" {
			m.refs = append(m.refs, refs...)
		} else {
			m.central = append(m.central, refs...)
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

// property sets a property, but for a default where it is set already.
func (m *nugetProject) property(e xmlElement) {
	name := strings.ToLower(e.path[len(e.path)-1])
	_, set := m.props[name]
	if strings.ReplaceAll(strings.ToLower(e.attr("Condition")), " ", "") != "'$("+name+")'==''" {
		delete(m.defaults, name)
	} else if set {
		return
	} else {
		m.defaults[name] = true
	}
	m.props[name] = e.text
}

// nugetRefs are the packages of one element, which may name several.
func nugetRefs(e xmlElement, child map[string]string) (refs []nugetRef) {
	value := func(key string) string {
		if v := e.attr(key); v != "" {
			return v
		}
		return child[strings.ToLower(key)]
	}
	ref := nugetRef{version: value("VersionOverride"), private: value("PrivateAssets"), line: e.line}
	if ref.version == "" {
		ref.version = value("Version")
	}
	if e.path[len(e.path)-1] == "GlobalPackageReference" && ref.private == "" {
		ref.private = "all" // as NuGet takes it
	}
	names := e.attr("Include")
	if names == "" {
		ref.does, names = nugetUpdate, e.attr("Update")
	}
	if names == "" {
		ref.does, names = nugetRemove, e.attr("Remove")
	}
	for name := range strings.SplitSeq(names, ";") {
		if ref.name = strings.TrimSpace(name); ref.name != "" {
			refs = append(refs, ref)
		}
	}
	return refs
}

// nugetInForce are the references that are left when each has done its part, in order.
// What is updated and was not included before comes with the SDK.
func nugetInForce(refs []nugetRef) []nugetRef {
	var out []nugetRef
	for _, ref := range refs {
		same := func(r nugetRef) bool { return strings.EqualFold(r.name, ref.name) }
		switch {
		case ref.does == nugetRemove:
			out = slices.DeleteFunc(out, same)
			continue
		case ref.does == nugetUpdate && slices.ContainsFunc(out, same):
			for i := range out {
				if !same(out[i]) {
					continue
				}
				if ref.version != "" {
					out[i].version = ref.version
				}
				if ref.private != "" {
					out[i].private = ref.private
				}
			}
			continue
		}
		out = append(out, ref)
	}
	return out
}

// pin adds a reference with a version, or what is not known of it.
func (m *nugetProject) pin(r *lockResult, cataloger, file string, ref nugetRef) {
	name := m.resolve(ref.name, 0)
	version := nugetLowest(m.resolve(ref.version, 0))
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

// nugetLowest is the version that NuGet takes of a range: the lowest, where the range
// has it. "1.0" is a range too.
func nugetLowest(version string) string {
	inner, from := strings.CutPrefix(version, "[")
	if !from {
		return version
	}
	low, _, _ := strings.Cut(inner, ",")
	if low == inner { // "[1.0]"
		var closed bool
		if low, closed = strings.CutSuffix(inner, "]"); !closed {
			return version
		}
	}
	return strings.TrimSpace(low)
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

// nugetSpoken reports whether a lock file or a build's output says what a project
// takes.
func (w *dirWalk) nugetSpoken(project string) bool {
	for dir := path.Dir(project); ; dir = path.Dir(dir) {
		if w.spoken(dir, nugetLocks()) {
			return true
		}
		if dir == "." {
			return w.hasBuilt(project)
		}
	}
}

// nugetPins reads the packages that a csproj, fsproj or vbproj without a lock file
// refers to: NuGet takes the lowest version that a reference allows, which is the
// one it names. Central versions and properties come from the nearest
// Directory.Packages.props, Directory.Build.props and Directory.Build.targets.
func nugetPins(w *dirWalk, file string, body []byte) (lockResult, error) {
	if _, err := nugetProjectOf(body); err != nil || w.hasBuilt(file) {
		return lockResult{}, err
	}
	refs, central, m, err := w.nugetProject(file)
	if err != nil {
		return lockResult{}, err
	}
	r := lockResult{name: strings.TrimSuffix(path.Base(file), path.Ext(file))}
	cataloger := strings.TrimPrefix(path.Ext(file), ".")
	for _, ref := range refs {
		agreed := central[strings.ToLower(ref.name)]
		if len(agreed) > 0 {
			ref.name = agreed[0].name // one spelling of names whose case does not count
		}
		if ref.version != "" || len(agreed) == 0 {
			agreed = []nugetRef{ref}
		}
		for _, of := range agreed {
			ref.version = of.version
			m.pin(&r, cataloger, file, ref)
		}
	}
	if len(refs) > 0 {
		r.Unknown = append(r.Unknown, "transitive dependencies")
		r.Why = "a project file does not say them; dotnet restore --use-lock-file does"
	}
	return r, nil
}

// nugetOldCentral is where central versions were before NuGet knew of them, as
// references that are updated.
const nugetOldCentral = "Packages.props"

// nugetProject is what a project refers to, with what files above it add, and the
// versions that it gets from them, by name in lower case.
func (w *dirWalk) nugetProject(file string) (refs []nugetRef, central map[string][]nugetRef, m *nugetProject, err error) {
	m = &nugetProject{props: map[string]string{}}
	for _, name := range []string{"Directory.Build.props", "Directory.Packages.props", nugetOldCentral, "", "Directory.Build.targets"} {
		at := file
		if name != "" {
			at = w.nugetAbove(path.Dir(file), name)
		}
		if at == "" {
			continue
		}
		before := len(m.refs)
		if err := w.nugetFile(at, m, 0); err != nil {
			if at != file {
				err = fmt.Errorf("%s: %w", name, err)
			}
			return nil, nil, nil, err
		}
		if name == nugetOldCentral {
			m.central, m.refs = append(m.central, m.refs[before:]...), m.refs[:before]
		}
	}
	central = map[string][]nugetRef{}
	for _, ref := range nugetInForce(m.central) {
		name := strings.ToLower(ref.name)
		central[name] = append(central[name], ref)
	}
	return nugetInForce(m.refs), central, m, nil
}

// nugetImports bounds how deep files import one another.
const nugetImports = 8

// nugetFile adds what a file says to a project, after what the files say that it
// imports.
func (w *dirWalk) nugetFile(file string, m *nugetProject, depth int) error {
	body, err := w.body(file)
	if err != nil {
		return err
	}
	own, err := nugetProjectOf(body)
	if err != nil {
		return err
	}
	for _, word := range own.imports {
		if at := w.nugetImported(file, word); at != "" && at != file && depth < nugetImports {
			// A file of another kind, or a broken one, adds nothing.
			_ = w.nugetFile(at, m, depth+1)
		}
	}
	for name, value := range own.props {
		if _, set := m.props[name]; !set || !own.defaults[name] {
			m.props[name] = value
		}
	}
	m.files = append(m.files, file)
	m.refs, m.central = append(m.refs, own.refs...), append(m.central, own.central...)
	if len(m.refs)+len(m.central) > maxPackages {
		return errLockMany
	}
	return nil
}

// nugetUpward is how a file imports one of a name from a folder above.
var nugetUpward = lazyregexp.New(`(?i)GetPathOfFileAbove\(\s*['"]?([\w.-]+)['"]?`)

// nugetImported is the file that an import means; empty: it cannot be told, or is not
// there.
func (w *dirWalk) nugetImported(file, word string) string {
	dir := path.Dir(file)
	if m := nugetUpward.FindStringSubmatch(word); m != nil {
		if dir == "." {
			return ""
		}
		return w.nugetAbove(path.Dir(dir), m[1])
	}
	word = strings.ReplaceAll(strings.ReplaceAll(word, "$(MSBuildThisFileDirectory)", ""), "$(MSBuildProjectDirectory)/", "")
	if word = strings.ReplaceAll(word, `\`, "/"); word == "" || strings.ContainsAny(word, "$*") {
		return ""
	}
	at := path.Join(dir, word)
	if info, err := w.root.Stat(at); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return at
}

// nugetCentralPins reads Directory.Packages.props: the versions that a repository's
// projects agree on. One that every project which refers to the package overrides is
// nobody's, and where lock files speak for all projects they say what is taken.
func nugetCentralPins(w *dirWalk, file string, body []byte) (lockResult, error) {
	if _, err := nugetProjectOf(body); err != nil {
		return lockResult{}, err
	}
	m := &nugetProject{props: map[string]string{}}
	if at := w.nugetAbove(path.Dir(file), "Directory.Build.props"); at != "" {
		_ = w.nugetFile(at, m, 0) // the projects' unknown says what is wrong with it
		m.refs, m.central = nil, nil
	}
	if err := w.nugetFile(file, m, 0); err != nil {
		return lockResult{}, err
	}
	own := map[string]string{}
	for _, ref := range m.central {
		own[strings.ToLower(ref.name)] = ref.version
	}
	projects, open := 0, 0
	agreed, overridden := map[string]bool{}, map[string]bool{}
	for _, f := range w.manifests {
		if !slices.Contains([]string{".csproj", ".fsproj", ".vbproj"}, path.Ext(f.path)) {
			continue
		}
		refs, central, of, err := w.nugetProject(f.path)
		if err != nil || !slices.Contains(of.files, file) {
			continue
		}
		if projects++; w.nugetSpoken(f.path) {
			continue
		}
		open++
		for _, ref := range refs {
			name := strings.ToLower(ref.name)
			to := agreed
			same := func(r nugetRef) bool { return r.version == own[name] }
			if ref.version != "" || !slices.ContainsFunc(central[name], same) {
				to = overridden
			}
			to[name] = true
		}
	}
	var r lockResult
	if projects > 0 && open == 0 {
		return r, nil
	}
	for _, ref := range nugetInForce(m.central) {
		if name := strings.ToLower(ref.name); overridden[name] && !agreed[name] {
			continue
		}
		m.pin(&r, "packages-props", file, ref)
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

// nugetAbove is the nearest file of a name, from a folder upwards; empty: there is
// none.
func (w *dirWalk) nugetAbove(dir, name string) string {
	for ; ; dir = path.Dir(dir) {
		at := path.Join(dir, name)
		if info, err := w.root.Stat(at); err == nil && info.Mode().IsRegular() {
			return at
		}
		if dir == "." {
			return ""
		}
	}
}
