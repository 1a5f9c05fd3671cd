package plan

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
	return p.To != "" && !IsDistro(p.Type) && p.Type != "golang" && !Compatible(p.From, p.To)
}

// Want is one vulnerable package in one file, with the version it needs.
type Want struct {
	Package
	Found    []int // indices of findings
	Line     int   // in the file; 0: not known
	Binaries []string
	source   string // file that the finding names
}

// Planner is the state of one plan: the files as they were read, and what was decided.
type Planner struct {
	Dir      Dir
	Found    []finding.Finding
	Files    map[string]*File
	Upgrades []Upgrade
	Left     []Unraised
}

// Job is what is to be raised in one file.
type Job struct {
	File  string // relative to the folder
	Wants []Want
}

// IsDistro reports whether a purl type is that of a distribution's packages.
func IsDistro(typ string) bool { return typ == "deb" || typ == "apk" || typ == "rpm" }

// Cannot records that w is not raised.
func (p *Planner) Cannot(w Want, why string) {
	var s finding.Subject
	if len(w.Found) > 0 {
		x := &p.Found[w.Found[0]]
		s = x.Subject
		if v := x.Vuln; v != nil && len(v.Path) != 2 && v.Raise() != "" {
			why += "; or " + v.Raise()
		}
	}
	p.Unraised(s, w.String(), why)
	if w.source != "" {
		p.Left[len(p.Left)-1].File = path.Join(p.root(), w.source)
	}
}

// Postpone leaves w to the next plan.
func (p *Planner) Postpone(w Want, why string) {
	p.Cannot(w, why)
	p.Left[len(p.Left)-1].Later = true
}

// Unraised records that something is not raised.
func (p *Planner) Unraised(s finding.Subject, what, why string) {
	p.Left = append(p.Left, Unraised{Subject: s, What: what, Why: why})
}

// Jobs sorts the findings by file, package and version.
func (p *Planner) Jobs(ctx context.Context) []Job {
	type key struct{ file, typ, name, version string }
	var order []key
	at := map[key]*Want{}
	for i := range p.Found {
		f := &p.Found[i]
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
				if file = p.Dir.Dockerfile; file == "" {
					continue
				}
			default:
				continue
			}
			places++
			k := key{file, v.PackageType, v.Name, v.Version}
			w := at[k]
			if w == nil {
				w = &Want{Package: Package{Type: v.PackageType, Name: v.Name, From: v.Version}, Line: line, source: file}
				at[k] = w
				order = append(order, k)
			}
			if len(w.Found) == 0 || w.Found[len(w.Found)-1] != i {
				w.Found = append(w.Found, i)
			}
			w.addBinaries(f)
		}
		if places == 0 {
			p.Unraised(f.Subject, v.Name+" "+v.Version, "the finding names no file of "+p.name()+" that could be edited")
		}
	}
	sorting.By(order, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.typ, b.typ), cmp.Compare(a.name, b.name), cmp.Compare(a.version, b.version))
	})
	var jobs []Job
	for _, k := range order {
		w := *at[k]
		if err := p.target(ctx, &w); err != nil {
			p.Cannot(w, err.Error())
			continue
		}
		if n := len(jobs); n > 0 && jobs[n-1].File == k.file && class(jobs[n-1].Wants[0].Type) == class(k.typ) {
			jobs[n-1].Wants = append(jobs[n-1].Wants, w)
			continue
		}
		jobs = append(jobs, Job{File: k.file, Wants: []Want{w}})
	}
	return jobs
}

// class is what a file's packages are planned together by.
func class(typ string) string {
	if IsDistro(typ) {
		return "distro"
	}
	return typ
}

// addBinaries takes the names of a distribution's installed packages from the
// finding's evidence.
func (w *Want) addBinaries(f *finding.Finding) {
	for _, e := range f.Evidence {
		if e.Package == nil || e.Package.Removed || !IsDistro(w.Type) {
			continue
		}
		if name := e.Package.Name; !slices.Contains(w.Binaries, name) {
			w.Binaries = append(w.Binaries, name)
		}
	}
}

func (p *Planner) name() string { return cmp.Or(p.Dir.Name, "the folder") }

// root is what stands before the names of files; "": nothing.
func (p *Planner) root() string {
	if n := path.Clean(p.Dir.Name); n != "." {
		return n
	}
	return ""
}

// relative is a finding's file as seen from the folder.
func (p *Planner) relative(file string) (string, bool) {
	if n := p.root(); n != "" {
		rest, ok := strings.CutPrefix(path.Clean(file), strings.TrimSuffix(n, "/")+"/")
		if ok && fs.ValidPath(rest) {
			return rest, true
		}
		if _, err := fs.Stat(p.Dir.FS, file); err != nil {
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

// Add records an upgrade of wants.
func (p *Planner) Add(u Upgrade, wants ...Want) {
	for _, w := range wants {
		u.Packages = append(u.Packages, w.Package)
		u.Resolves = append(u.Resolves, w.Found...)
	}
	slices.Sort(u.Resolves)
	u.Resolves = slices.Compact(u.Resolves)
	u.Fix.Title = cmp.Or(u.Fix.Title, title(u.Packages))
	p.Upgrades = append(p.Upgrades, u)
}

// AddJoined records upgrades, those whose edits touch as one.
func (p *Planner) AddJoined(made []Upgrade, of [][]Want) {
	for i := 0; i < len(made); i++ {
		for k := i + 1; k < len(made); k++ {
			if !touch(made[i].Fix.Edits, made[k].Fix.Edits) {
				continue
			}
			edits, ok := JoinEdits(append(slices.Clone(made[i].Fix.Edits), made[k].Fix.Edits...))
			if !ok {
				for _, w := range of[k] {
					p.Cannot(w, "its edits and those for "+of[i][0].Name+" are in one another's way; apply those and plan again")
				}
			} else {
				u := &made[i]
				u.Fix.Edits, u.Fix.Safety = edits, min(u.Fix.Safety, made[k].Fix.Safety)
				u.Commands = Unique(append(u.Commands, made[k].Commands...))
				u.Notes = Unique(append(u.Notes, made[k].Notes...))
				of[i] = append(of[i], of[k]...)
			}
			made, of = slices.Delete(made, k, k+1), slices.Delete(of, k, k+1)
			k = i // what it has become may touch others
		}
	}
	for i := range made {
		p.Add(made[i], of[i]...)
	}
}

// Unique leaves out what was said before.
func Unique(words []string) []string {
	var out []string
	for _, w := range words {
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// Few lists the first of many.
func Few(words []string) string {
	const show = 8
	if len(words) > show {
		words = append(slices.Clone(words[:show]), fmt.Sprintf("%d more", len(words)-show))
	}
	return strings.Join(words, ", ")
}
