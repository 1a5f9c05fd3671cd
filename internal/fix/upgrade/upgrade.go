package upgrade

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// Dir is a folder of sources, and whom to ask about what it depends on.
type Dir struct {
	FS    fs.FS
	Whole fs.FS  // the same folder with what is only looked at in it too: Dockerfiles, files that name a toolchain; nil: FS
	Name  string // what findings and edits put before a path in it: "examples/react-app"; "" or ".": nothing

	// Registry and Modules say what a lock file must hold of a new version.
	// nil: nobody is asked, and locks stay as they are.
	Registry Registry
	Modules  Modules
	Indexes  map[string]Index // by purl type: "cargo", "gem", "composer", "nuget"
	PyPI     Distributions

	// Advisories are asked whether a candidate version is itself vulnerable, so
	// that one step is enough. nil: the findings' fixed versions are believed.
	Advisories vuln.Lookup

	// Dockerfile is the file in FS that an image was built from, and Stage the
	// stage of it ("": the last): where an image's own findings, which have no
	// place in a source file, are fixed. "": they are not.
	Dockerfile string
	Stage      string

	// Base says what is known of the image that a stage stands on: its user. nil: nothing.
	Base func(*dockerfile.Stage) *dockerfile.BaseFacts
}

// Upgrade raises one package, or several that cannot be raised apart.
type Upgrade struct {
	Fix      finding.Fix
	Packages []Package // what vulnerable package goes from which version to which
	Resolves []int     // indices of the findings given to Plan, ascending
	Commands []string  // what to run after the edits, in the manifest's folder; none: the edits are all
	Notes    []string  // what else changes, and what could not be decided
	// Instead are other ways to the same end, of which one is enough. Without
	// edits their titles say what to do.
	Instead []finding.Fix
}

// Unraised is a package for which no upgrade is known.
type Unraised struct {
	Subject finding.Subject
	What    string // "lodash 4.17.11 to 4.17.21", "upgrades in go.mod"
	File    string // in which it is, as the findings name it; "": it says itself
	Why     string
	// Later says that a plan for the files as these upgrades leave them raises it:
	// it needs a safer upgrade of the same plan, which is not to wait for it.
	Later bool
}

// Package is one package's step.
type Package struct {
	Type     string // purl type
	Name     string // as its ecosystem says it
	From, To string
}

func (p Package) String() string {
	if p.To == "" {
		return p.Name + " " + p.From
	}
	return p.Name + " " + p.From + " to " + p.To
}

// Leap reports whether the numbers of the step promise nothing: another major
// version by the ecosystem's rules, which may ask for changes of the program.
func (p Package) Leap() bool {
	return p.To != "" && !isDistro(p.Type) && p.Type != "golang" && !compatible(p.From, p.To)
}

// want is one vulnerable package in one file, with the version it needs.
type want struct {
	Package
	found    []int // indices of findings
	line     int   // in the file; 0: not known
	binaries []string
	source   string // file that the finding names
}

// Plan makes the upgrades that the findings call for, in the order of the
// files and packages they are in. found are any findings: those that are not of
// a vulnerability, suppressed ones and those without a fixed version are
// passed over.
func Plan(ctx context.Context, dir Dir, found []finding.Finding) (fixes []Upgrade, left []Unraised) {
	p := &planner{dir: dir, found: found, files: map[string]*file{}}
	for _, j := range p.jobs(ctx) {
		if ctx.Err() != nil {
			p.unraised(finding.Subject{}, "upgrades in "+j.file, ctx.Err().Error())
			continue
		}
		p.run(ctx, j)
	}
	return p.upgrades, p.left
}

type planner struct {
	dir      Dir
	found    []finding.Finding
	files    map[string]*file
	upgrades []Upgrade
	left     []Unraised
}

// job is what is to be raised in one file.
type job struct {
	file  string // relative to the folder
	wants []want
}

func (p *planner) run(ctx context.Context, j job) {
	base := path.Base(j.file)
	switch {
	case base == "package-lock.json" || base == "npm-shrinkwrap.json":
		p.npm(ctx, j)
	case base == "yarn.lock" || base == "pnpm-lock.yaml" || base == "pnpm-lock.yml":
		p.npmManifest(ctx, j)
	case base == "go.mod":
		p.goMod(ctx, j)
	case base == "Cargo.lock":
		p.cargo(ctx, j)
	case base == "Cargo.toml":
		p.cargoToml(j)
	case base == "Gemfile.lock" || base == "gems.locked":
		p.gem(ctx, j)
	case base == "Gemfile" || base == "gems.rb":
		p.gemfile(j)
	case base == "composer.lock":
		p.composer(ctx, j)
	case base == "composer.json":
		p.composerJSON(j)
	case base == "Directory.Packages.props" || isProject(base):
		p.nuget(ctx, j)
	case base == "packages.lock.json":
		p.nugetLock(j)
	case base == "pom.xml":
		p.maven(j)
	case base == "poetry.lock" || base == "uv.lock" || base == "Pipfile.lock":
		p.pyLock(j)
	case j.wants[0].Type == "pypi":
		p.requirements(ctx, j)
	case isDistro(j.wants[0].Type):
		p.distro(j)
	case j.wants[0].Type == "golang":
		for _, w := range j.wants {
			p.cannot(w, base+" says which Go builds it: build with Go "+w.To+" or newer")
		}
	default:
		for _, w := range j.wants {
			p.cannot(w, "no edit is known for "+base+"; "+byHand(base, w))
		}
	}
}

// byHand is what raises a package in a file that is not edited.
func byHand(base string, w want) string {
	switch base {
	case "packages.config":
		return "run: nuget update packages.config -Id " + w.Name + " -Version " + w.To
	case "paket.lock":
		return "run: paket update " + w.Name + " --version " + w.To
	case "project.assets.json":
		return "run: dotnet add package " + w.Name + " --version " + w.To
	}
	return "raise it with the package manager that wrote the file"
}

func isDistro(typ string) bool { return typ == "deb" || typ == "apk" || typ == "rpm" }

// cannot records that w is not raised.
func (p *planner) cannot(w want, why string) {
	var s finding.Subject
	if len(w.found) > 0 {
		x := &p.found[w.found[0]]
		s = x.Subject
		if v := x.Vuln; v != nil && len(v.Path) != 2 && v.Raise() != "" {
			why += "; or " + v.Raise()
		}
	}
	p.unraised(s, w.String(), why)
	if w.source != "" {
		p.left[len(p.left)-1].File = path.Join(p.root(), w.source)
	}
}

// postpone leaves w to the next plan.
func (p *planner) postpone(w want, why string) {
	p.cannot(w, why)
	p.left[len(p.left)-1].Later = true
}

func (p *planner) unraised(s finding.Subject, what, why string) {
	p.left = append(p.left, Unraised{Subject: s, What: what, Why: why})
}

// jobs sorts the findings by file, package and version.
func (p *planner) jobs(ctx context.Context) []job {
	type key struct{ file, typ, name, version string }
	var order []key
	at := map[key]*want{}
	for i := range p.found {
		f := &p.found[i]
		v := f.Vuln
		if v == nil || f.Suppressed != nil || v.FixedIn == "" {
			continue
		}
		places := 0
		for _, l := range f.At {
			var file string
			line := 0
			switch {
			case l.Source != nil:
				var ok bool
				if file, ok = p.relative(l.Source.File); !ok {
					continue
				}
				line = l.Source.Line
			case l.Path != "" || l.Layer != "":
				if file = p.dir.Dockerfile; file == "" {
					continue
				}
			default:
				continue
			}
			places++
			k := key{file, v.PackageType, v.Name, v.Version}
			w := at[k]
			if w == nil {
				w = &want{Package: Package{Type: v.PackageType, Name: v.Name, From: v.Version}, line: line, source: file}
				at[k] = w
				order = append(order, k)
			}
			if len(w.found) == 0 || w.found[len(w.found)-1] != i {
				w.found = append(w.found, i)
			}
			w.addBinaries(f)
		}
		if places == 0 {
			p.unraised(f.Subject, v.Name+" "+v.Version, "the finding names no file of "+p.name()+" that could be edited")
		}
	}
	sorting.By(order, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.typ, b.typ), cmp.Compare(a.name, b.name), cmp.Compare(a.version, b.version))
	})
	var jobs []job
	for _, k := range order {
		w := *at[k]
		if err := p.target(ctx, &w); err != nil {
			p.cannot(w, err.Error())
			continue
		}
		if n := len(jobs); n > 0 && jobs[n-1].file == k.file && class(jobs[n-1].wants[0].Type) == class(k.typ) {
			jobs[n-1].wants = append(jobs[n-1].wants, w)
			continue
		}
		jobs = append(jobs, job{file: k.file, wants: []want{w}})
	}
	return jobs
}

// class is what a file's packages are planned together by.
func class(typ string) string {
	if isDistro(typ) {
		return "distro"
	}
	return typ
}

// addBinaries takes the names of a distribution's installed packages from the
// finding's evidence.
func (w *want) addBinaries(f *finding.Finding) {
	for _, e := range f.Evidence {
		if e.Package == nil || e.Package.Removed || !isDistro(w.Type) {
			continue
		}
		if name := e.Package.Name; !slices.Contains(w.binaries, name) {
			w.binaries = append(w.binaries, name)
		}
	}
}

func (p *planner) name() string { return cmp.Or(p.dir.Name, "the folder") }

// root is what stands before the names of files; "": nothing.
func (p *planner) root() string {
	if n := path.Clean(p.dir.Name); n != "." {
		return n
	}
	return ""
}

// relative is a finding's file as seen from the folder.
func (p *planner) relative(file string) (string, bool) {
	if n := p.root(); n != "" {
		rest, ok := strings.CutPrefix(path.Clean(file), strings.TrimSuffix(n, "/")+"/")
		if ok && fs.ValidPath(rest) {
			return rest, true
		}
		if _, err := fs.Stat(p.dir.FS, file); err != nil {
			return "", false
		}
	}
	file = path.Clean(file)
	return file, fs.ValidPath(file)
}

// title says a step in the imperative.
func title(ps []Package) string {
	const show = 4
	parts := make([]string, 0, show)
	for _, s := range ps {
		parts = append(parts, s.String())
	}
	if len(parts) > show {
		parts = append(parts[:show], fmt.Sprintf("%d more", len(ps)-show))
	}
	if len(parts) > 1 {
		last := len(parts) - 1
		return "Raise " + strings.Join(parts[:last], ", ") + " and " + parts[last]
	}
	return "Raise " + parts[0]
}

// add records an upgrade of wants.
func (p *planner) add(u Upgrade, wants ...want) {
	for _, w := range wants {
		u.Packages = append(u.Packages, w.Package)
		u.Resolves = append(u.Resolves, w.found...)
	}
	slices.Sort(u.Resolves)
	u.Resolves = slices.Compact(u.Resolves)
	u.Fix.Title = cmp.Or(u.Fix.Title, title(u.Packages))
	p.upgrades = append(p.upgrades, u)
}

// addJoined records upgrades, those whose edits touch as one.
func (p *planner) addJoined(made []Upgrade, of [][]want) {
	for i := 0; i < len(made); i++ {
		for k := i + 1; k < len(made); k++ {
			if !touch(made[i].Fix.Edits, made[k].Fix.Edits) {
				continue
			}
			edits, ok := joinEdits(append(slices.Clone(made[i].Fix.Edits), made[k].Fix.Edits...))
			if !ok {
				for _, w := range of[k] {
					p.cannot(w, "its edits and those for "+of[i][0].Name+" are in one another's way; apply those and plan again")
				}
			} else {
				u := &made[i]
				u.Fix.Edits, u.Fix.Safety = edits, min(u.Fix.Safety, made[k].Fix.Safety)
				u.Commands = unique(append(u.Commands, made[k].Commands...))
				u.Notes = unique(append(u.Notes, made[k].Notes...))
				of[i] = append(of[i], of[k]...)
			}
			made, of = slices.Delete(made, k, k+1), slices.Delete(of, k, k+1)
			k = i // what it has become may touch others
		}
	}
	for i := range made {
		p.add(made[i], of[i]...)
	}
}

// unique leaves out what was said before.
func unique(words []string) []string {
	var out []string
	for _, w := range words {
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// few lists the first of many.
func few(words []string) string {
	const show = 8
	if len(words) > show {
		words = append(slices.Clone(words[:show]), fmt.Sprintf("%d more", len(words)-show))
	}
	return strings.Join(words, ", ")
}
