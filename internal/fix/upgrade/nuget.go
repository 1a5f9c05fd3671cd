package upgrade

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/npm"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// nugetLooks bounds how many files are looked through for locks.
const nugetLooks = 20000

// nugetSet is a project with what it imports by its name.
type nugetSet struct {
	files []*msbuild // the project first, then what it imports
	names []string
}

// nugetFiles are imported by every project below them, the nearest of a name.
func nugetFiles() []string {
	return []string{"Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props"}
}

// nuget plans for a project file, or for the versions that a repository's
// projects agree on.
func nuget(ctx context.Context, p *plan.Planner, j plan.Job) {
	set, err := raiseSet(p, j.File)
	var made []plan.Upgrade
	var of [][]plan.Want
	for _, w := range j.Wants {
		var u plan.Upgrade
		var why string
		if err != nil {
			why = err.Error()
		} else {
			u, why = nugetUpgrade(ctx, p, set, &w)
		}
		if why != "" {
			p.Cannot(w, why)
			continue
		}
		made, of = append(made, u), append(of, []plan.Want{w})
	}
	p.AddJoined(made, of)
}

func raiseSet(p *plan.Planner, name string) (*nugetSet, error) {
	set := &nugetSet{}
	add := func(name string) error {
		f, err := p.Open(name)
		if err != nil {
			return err
		}
		m, err := readMSBuild(f)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		set.files, set.names = append(set.files, m), append(set.names, name)
		return nil
	}
	if err := add(name); err != nil {
		return nil, err
	}
	for _, shared := range nugetFiles() {
		for _, dir := range plan.Upwards(path.Dir(name)) {
			at := path.Join(dir, shared)
			if at == name {
				break
			}
			err := add(at)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			break
		}
	}
	return set, nil
}

// resolve replaces a property by its value; ok is false where it is not set in
// one place.
func (s *nugetSet) resolve(t msbuildText, depth int) (msbuildText, bool) {
	name, isProp := strings.CutPrefix(strings.TrimSpace(t.s), "$(")
	name, closed := strings.CutSuffix(name, ")")
	if !isProp {
		return t, !t.held && !strings.Contains(t.s, "$(")
	}
	var all []msbuildText
	for _, m := range s.files {
		all = append(all, m.props[strings.ToLower(name)]...)
	}
	if !closed || len(all) != 1 || depth > 8 {
		return t, false
	}
	return s.resolve(all[0], depth+1)
}

// users are the packages that go by a text, by a property of it.
func (s *nugetSet) users(t msbuildText) []string {
	var out []string
	for _, m := range s.files {
		for _, r := range m.refs {
			for _, v := range []msbuildText{r.version, r.override} {
				if to, ok := s.resolve(v, 0); ok && v.at > 0 && to.f == t.f && to.at == t.at && !slices.Contains(out, r.name) {
					out = append(out, r.name)
				}
			}
		}
	}
	return out
}

func nugetUpgrade(ctx context.Context, p *plan.Planner, set *nugetSet, w *plan.Want) (u plan.Upgrade, why string) {
	needs, err := nugetNeeds(ctx, p, w)
	if err != nil {
		return u, err.Error()
	}
	u.Fix.Safety = plan.Step(w.From, w.To)
	why = set.names[0] + " names no version of it that could be raised"
	for _, m := range set.files {
		for _, r := range m.refs {
			text := r.version
			if r.override.at > 0 {
				text = r.override
			}
			if !strings.EqualFold(r.name, w.Name) || text.at == 0 {
				continue
			}
			to, ok := set.resolve(text, 0)
			if !ok {
				return u, fmt.Sprintf("its version is %.80q, which is not set in one place", text.s)
			}
			rng, ok := nugetRangeOf(to.s)
			if !ok || compareNuGet(rng.low, w.From) != 0 {
				continue // another version of it, for another target
			}
			raised, capped := rng.raised(w.To)
			if capped {
				u.Fix.Safety = finding.NeedsReview
			}
			others := slices.DeleteFunc(set.users(to), func(s string) bool { return strings.EqualFold(s, w.Name) })
			if len(others) > 0 {
				u.Fix.Safety = finding.NeedsReview
				u.Notes = append(u.Notes, "with it, by the property "+strings.TrimSuffix(strings.TrimPrefix(text.s, "$("), ")")+": "+plan.Few(others))
			}
			u.Fix.Edits = append(u.Fix.Edits, to.f.Edit(to.at, to.at+len(to.s), raised))
		}
	}
	if len(u.Fix.Edits) == 0 {
		return u, why
	}
	if lock := nugetLocked(p, u.Fix.Edits, w.Name); lock != "" {
		return u, lock + " has the contentHash of each package, and that of the new version is not known; " + nugetByHand(set.names[0], *w)
	}
	if why := set.refuses(needs, *w); why != "" {
		return u, why
	}
	if needs == nil {
		u.Notes = append(u.Notes, "what "+w.Name+" "+w.To+" asks of other packages was not looked up, as no registry was asked")
	}
	u.Notes = plan.Unique(u.Notes)
	edits, err := joined(u.Fix.Edits)
	if err != nil {
		return u, err.Error()
	}
	u.Fix.Edits = edits
	return u, ""
}

// nugetByHand is what to do where no edit is made.
func nugetByHand(project string, w plan.Want) string {
	return "ask for " + w.To + " in " + project + ", then run: dotnet restore --force-evaluate"
}

// nugetNeeds asks what the new version needs, and takes the next one that there
// is where it was not published. nil: nobody was asked.
func nugetNeeds(ctx context.Context, p *plan.Planner, w *plan.Want) ([]plan.Need, error) {
	index := p.Dir.Indexes["nuget"]
	if index == nil {
		return nil, nil
	}
	all, err := index.Releases(ctx, strings.ToLower(w.Name))
	if err != nil {
		return nil, err
	}
	clean := npm.CleanIn(ctx, p, "nuget")
	best := -1
	for i, r := range all {
		if compareNuGet(r.Version, w.To) < 0 || r.Withdrawn || preRelease(r.Version) && !preRelease(w.To) || clean != nil && !clean(w.Name, r.Version) {
			continue
		}
		if best < 0 || compareNuGet(r.Version, all[best].Version) < 0 {
			best = i
		}
	}
	if best < 0 {
		return nil, fmt.Errorf("the registry has no release of it from %s on that will do", w.To)
	}
	w.To = all[best].Version
	return append([]plan.Need{}, all[best].Needs...), nil
}

// refuses is why the project's other references do not let a version be: NuGet
// takes a reference to less than another package needs for an error.
func (s *nugetSet) refuses(needs []plan.Need, w plan.Want) string {
	for _, n := range needs {
		rng, ok := nugetRangeOf(n.Spec)
		for _, m := range s.files {
			for _, r := range m.refs {
				text, known := s.resolve(r.version, 0)
				at, read := nugetRangeOf(text.s)
				if !strings.EqualFold(r.name, n.Name) || text.at == 0 || !known || !read || !ok || rng.Admits(at.low) {
					continue
				}
				return fmt.Sprintf("%s %s asks for %s %s, and the project refers to %s: raise that first", w.Name, w.To, r.name, n.Spec, at.low)
			}
		}
	}
	return ""
}

// nugetLocked is a packages.lock.json that would no longer agree; "": none.
func nugetLocked(p *plan.Planner, edits []finding.Edit, name string) string {
	var dirs []string
	for _, e := range edits {
		for n, f := range p.Files {
			if f.Name == e.File {
				dirs = append(dirs, path.Dir(n))
			}
		}
	}
	found, seen := "", 0
	_ = fs.WalkDir(p.Dir.FS, ".", func(at string, d fs.DirEntry, err error) error {
		if seen++; err != nil || seen > nugetLooks || found != "" {
			return fs.SkipAll
		}
		if d.IsDir() || path.Base(at) != "packages.lock.json" {
			return nil
		}
		below := slices.ContainsFunc(dirs, func(dir string) bool { return dir == "." || strings.HasPrefix(at, dir+"/") })
		if f, err := p.Open(at); below && err == nil && strings.Contains(strings.ToLower(string(f.B)), strings.ToLower(`"`+name+`"`)) {
			found = f.Name
		}
		return nil
	})
	return found
}

// nugetLock plans for what restore writes: no registry tells a contentHash, so it
// is left to restore.
func nugetLock(p *plan.Planner, j plan.Job) {
	dir := path.Dir(j.File)
	var projects []string
	if entries, err := fs.ReadDir(p.Dir.FS, dir); err == nil {
		for _, e := range entries {
			if isProject(e.Name()) {
				projects = append(projects, path.Join(dir, e.Name()))
			}
		}
	}
	for _, w := range j.Wants {
		why := "packages.lock.json has the contentHash of each package, and that of the new version is not known; "
		direct := ""
		for _, name := range projects {
			set, err := raiseSet(p, name)
			if err != nil {
				continue
			}
			for i, m := range set.files {
				for _, r := range m.refs {
					if strings.EqualFold(r.name, w.Name) && r.version.at > 0 {
						direct = set.names[i]
					}
				}
			}
		}
		if direct != "" {
			p.Cannot(w, why+nugetByHand(direct, w))
			continue
		}
		project := ""
		if len(projects) == 1 {
			project = projects[0] + " "
		}
		p.Cannot(w, why+"others bring it in; run: dotnet add "+project+"package "+w.Name+" --version "+w.To)
	}
}

// isProject reports whether a file is a .NET project by its name.
func isProject(name string) bool {
	return slices.Contains([]string{".csproj", ".fsproj", ".vbproj"}, path.Ext(name))
}
