package gomod

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// goChanges bounds how many modules one plan may raise.
const goChanges = 500

// goPlan finds what of a go.mod must change together: Go builds with the
// highest version that anybody requires, and refuses a go.mod that lists a
// lower one.
type goPlan struct {
	f     *plan.File
	mod   *modfile.File
	lines map[string]goLine // by path
	to    map[string]string // path -> version
	owner map[string]int
	joins plan.Joins
	sums  map[string]plan.Sums // path@version
	new   map[int][]string
	goMin map[int]string // of the go line
	needs map[int]string // the module that wants it
	why   map[int]string // what could not be done; the lock is left to the command
}

// goLine is the place of a version in go.mod.
type goLine struct {
	version    string
	start, end int
	replaced   bool // the version is a replacement's: nobody's requirement moves it
}

// goTidy brings go.sum, and go.mod's indirect requirements, after an edit.
const goTidy = "go mod tidy"

// Raise plans the edits of a go.mod that a job asks for.
func Raise(ctx context.Context, p *plan.Planner, j plan.Job) {
	f, err := p.Open(j.File)
	var mod *modfile.File
	if err == nil {
		mod, err = modfile.Parse(f.Name, f.B, nil)
	}
	if err != nil {
		for _, w := range j.Wants {
			p.Cannot(w, err.Error())
		}
		return
	}
	dir := path.Dir(j.File)
	var wants []plan.Want
	for _, w := range j.Wants {
		if w.Name == "stdlib" {
			goRelease(p, newGoPlan(f, mod), w)
			continue
		}
		wants = append(wants, w)
	}
	limit, memo := goLimit(ctx, p, mod, dir), &goMemo{Modules: p.Dir.Modules}
	for {
		g := newGoPlan(f, mod)
		if wants = goWants(p, g, wants); len(wants) == 0 {
			return
		}
		goFollow(ctx, p, g, memo, dir, wants)
		i, why, hard := g.beyond(wants, limit, func(w plan.Want) bool { return hasLower(p, w) })
		if i < 0 {
			goUpgrades(p, g, dir, wants)
			return
		}
		if lower, rest, ok := lower(p, wants[i]); ok {
			wants[i] = lower
			if hard {
				p.Cannot(rest, why)
			} else {
				p.Postpone(rest, why)
			}
			continue
		}
		p.Cannot(wants[i], why)
		wants = slices.Delete(wants, i, i+1)
	}
}

func newGoPlan(f *plan.File, mod *modfile.File) *goPlan {
	return &goPlan{
		f: f, mod: mod, lines: goLines(f, mod), to: map[string]string{}, owner: map[string]int{},
		sums: map[string]plan.Sums{}, new: map[int][]string{}, goMin: map[int]string{}, needs: map[int]string{}, why: map[int]string{},
	}
}

// goWants begins a plan with the wants that go.mod names.
func goWants(p *plan.Planner, g *goPlan, all []plan.Want) []plan.Want {
	var wants []plan.Want
	for _, w := range all {
		to, err := g.version(w)
		if err != nil {
			p.Cannot(w, err.Error())
			continue
		}
		i := len(wants)
		g.joins = append(g.joins, i)
		wants = append(wants, w)
		g.raise(w.Name, to, i)
	}
	return wants
}

// goFollow asks what the new versions require, as long as that raises anything.
func goFollow(ctx context.Context, p *plan.Planner, g *goPlan, memo *goMemo, dir string, wants []plan.Want) {
	if p.There(path.Join(dir, "vendor/modules.txt")) {
		for i := range wants {
			g.why[i] = "the vendor folder holds the old version"
		}
	}
	if memo.Modules == nil {
		for i := range wants {
			g.why[i] = cmp.Or(g.why[i], "nobody was asked for the hash of the new version")
		}
		return
	}
	for more := true; more && len(g.to) < goChanges; {
		more = g.follow(ctx, memo)
	}
}

// goLines finds each module's version: of its replacement where there is one.
func goLines(f *plan.File, mod *modfile.File) map[string]goLine {
	out := map[string]goLine{}
	for _, r := range mod.Require {
		if l, ok := versionIn(f, r.Syntax, r.Mod.Version); ok {
			out[r.Mod.Path] = l
		}
	}
	for _, r := range mod.Replace {
		old, ok := out[r.Old.Path]
		if ok && (r.Old.Version == "" || r.Old.Version == old.version) {
			old.replaced = true
			out[r.Old.Path] = old
		}
		if r.New.Version == "" {
			continue
		}
		if l, ok := versionIn(f, r.Syntax, r.New.Version); ok {
			l.replaced = true
			out[r.New.Path] = l
		}
	}
	return out
}

// versionIn finds the last token of a line if it is the version.
func versionIn(f *plan.File, line *modfile.Line, version string) (goLine, bool) {
	if len(line.Token) == 0 {
		return goLine{}, false
	}
	last := strings.Trim(line.Token[len(line.Token)-1], "\"`")
	end := line.End.Byte
	if end > line.Start.Byte && strings.ContainsRune("\"`", rune(f.B[end-1])) {
		end--
	}
	start := end - len(last)
	if last != version || start < line.Start.Byte || string(f.B[start:end]) != version {
		return goLine{}, false
	}
	return goLine{version: version, start: start, end: end}, true
}

// version is the wanted version as go.mod writes it.
func (g *goPlan) version(w plan.Want) (string, error) {
	l, ok := g.lines[w.Name]
	switch {
	case !ok:
		return "", errors.New("go.mod does not name it")
	case strings.TrimPrefix(l.version, "v") != strings.TrimPrefix(w.From, "v"):
		return "", fmt.Errorf("go.mod has %s", l.version)
	}
	to := "v" + strings.TrimPrefix(w.To, "v")
	if strings.HasSuffix(l.version, "+incompatible") && !strings.HasSuffix(to, "+incompatible") {
		to += "+incompatible"
	}
	if err := module.Check(w.Name, to); err != nil {
		return "", fmt.Errorf("%s is no version of this module path: the code must import another: %w", to, err)
	}
	return to, nil
}

// raise notes a module's new version for a want.
func (g *goPlan) raise(name, version string, owner int) {
	if o, ok := g.owner[name]; ok {
		g.joins.Union(o, owner)
	}
	g.owner[name] = owner
	if semver.Compare(version, g.to[name]) > 0 {
		g.to[name] = version
	}
}

// follow asks what the new versions require, and reports whether that has raised
// anything that is not asked about yet.
func (g *goPlan) follow(ctx context.Context, m plan.Modules) bool {
	more := false
	for _, name := range slices.Sorted(maps.Keys(g.to)) {
		version := g.to[name]
		key := name + "@" + version
		if _, done := g.sums[key]; done {
			continue
		}
		more = true
		owner := g.owner[name]
		s, err := m.Sums(ctx, name, version)
		g.sums[key] = s
		if err != nil {
			g.why[owner] = err.Error()
			continue
		}
		before := len(g.new[owner])
		if err := g.require(s.GoMod, name+" "+version, owner); err != nil {
			g.why[owner] = fmt.Sprintf("go.mod of %s: %v", key, err)
		}
		if len(g.new[owner]) > before {
			if old, err := m.Sums(ctx, name, g.lines[name].version); err == nil {
				g.new[owner] = slices.DeleteFunc(g.new[owner], requiredBy(old.GoMod))
			}
		}
	}
	return more
}

// requiredBy says of a module whether a go.mod requires it: the old version
// did, and the build does without.
func requiredBy(body []byte) func(string) bool {
	mod, err := modfile.ParseLax("go.mod", body, nil)
	return func(name string) bool {
		return err == nil && slices.ContainsFunc(mod.Require, func(r *modfile.Require) bool { return r.Mod.Path == name })
	}
}

// require takes in a module's requirements.
func (g *goPlan) require(body []byte, of string, owner int) error {
	mod, err := modfile.ParseLax("go.mod", body, nil)
	if err != nil {
		return err
	}
	if mod.Go != nil && goNewer(mod.Go.Version, g.goMin[owner]) {
		g.goMin[owner], g.needs[owner] = mod.Go.Version, of
	}
	for _, r := range mod.Require {
		l, listed := g.lines[r.Mod.Path]
		switch {
		case !listed:
			if !r.Indirect && !slices.Contains(g.new[owner], r.Mod.Path) {
				g.new[owner] = append(g.new[owner], r.Mod.Path)
			}
		case l.replaced:
		case semver.Compare(r.Mod.Version, l.version) > 0 && semver.Compare(r.Mod.Version, g.to[r.Mod.Path]) > 0:
			g.raise(r.Mod.Path, r.Mod.Version, owner)
		case g.to[r.Mod.Path] != "" && semver.Compare(r.Mod.Version, l.version) > 0:
			g.joins.Union(owner, g.owner[r.Mod.Path])
		}
	}
	return nil
}

func goUpgrades(p *plan.Planner, g *goPlan, dir string, wants []plan.Want) {
	sum, sumErr := p.Open(path.Join(dir, "go.sum"))
	var made []plan.Upgrade
	var of [][]plan.Want
	for i := range wants {
		if g.joins.Leader(i) != i {
			continue
		}
		u := plan.Upgrade{Fix: finding.Fix{Safety: finding.Behaviour}}
		var mine []plan.Want
		var why, beside, fresh []string
		goMin := ""
		for k, w := range wants {
			if g.joins.Leader(k) != i {
				continue
			}
			w.To = g.to[w.Name]
			mine = append(mine, w)
			fresh = append(fresh, g.new[k]...)
			if g.why[k] != "" {
				why = append(why, g.why[k])
			}
			if goNewer(g.goMin[k], goMin) {
				goMin = g.goMin[k]
			}
		}
		var lines []string
		for _, name := range slices.Sorted(maps.Keys(g.to)) {
			if g.joins.Leader(g.owner[name]) != i {
				continue
			}
			to, l := g.to[name], g.lines[name]
			u.Fix.Edits = append(u.Fix.Edits, g.f.Edit(l.start, l.end, to))
			if !slices.ContainsFunc(mine, func(w plan.Want) bool { return w.Name == name }) {
				beside = append(beside, name+" "+l.version+" goes to "+to)
			}
			sums := sumLines(g.sums[name+"@"+to], name, to)
			if len(sums) == 0 && len(why) == 0 {
				why = append(why, "the hash of "+name+" "+to+" was not asked for")
			}
			lines = append(lines, sums...)
		}
		if len(beside) > 0 {
			u.Notes = append(u.Notes, "with it: "+plan.Few(beside))
		}
		if e, note := g.language(goMin); note != "" {
			why = append(why, note)
		} else if e != nil {
			u.Fix.Edits = append(u.Fix.Edits, *e)
			u.Notes = append(u.Notes, "the new version needs Go "+goMin+", and so the module does")
			u.Fix.Safety = finding.NeedsReview
		}
		if w := g.unhashed(sum, sumErr, lines, i); w != "" && len(why) == 0 {
			why = append(why, w)
		}
		switch {
		case len(why) > 0:
		case sumErr != nil:
			why = append(why, "go.sum: "+sumErr.Error())
		default:
			u.Fix.Edits = append(u.Fix.Edits, sumEdits(sum, lines)...)
		}
		if len(why) > 0 {
			u.Fix.Safety = finding.NeedsReview
			u.Commands = []string{goTidy}
			if g.vendored(wants, i) {
				u.Commands = append(u.Commands, "go mod vendor")
			}
			u.Notes = append(u.Notes, "go.sum is not edited: "+strings.Join(plan.Unique(why), "; "))
		} else if len(fresh) > 0 {
			slices.Sort(fresh)
			u.Fix.Safety, u.Commands = finding.NeedsReview, []string{goTidy}
			u.Notes = append(u.Notes, "it also requires "+plan.Few(slices.Compact(fresh))+", which go.mod does not list yet")
		}
		edits, ok := plan.JoinEdits(u.Fix.Edits)
		if !ok {
			p.Cannot(wants[i], "its edits are in one another's way")
			continue
		}
		u.Fix.Edits = edits
		made, of = append(made, u), append(of, mine)
	}
	p.AddJoined(made, of)
}

// unhashed is why go.sum would lack a line: before Go 1.17 the go command reads
// the go.mod of everything that anybody requires, and wants its hash.
func (g *goPlan) unhashed(sum *plan.File, err error, lines []string, i int) string {
	if err != nil || g.mod.Go != nil && !goNewer("1.17", g.mod.Go.Version) {
		return ""
	}
	have := map[string]bool{}
	for _, l := range append(strings.Split(string(sum.B), "\n"), lines...) {
		name, rest, _ := strings.Cut(l, " ")
		version, _, _ := strings.Cut(rest, " ")
		have[name+" "+version] = true
	}
	for _, name := range slices.Sorted(maps.Keys(g.to)) {
		if g.joins.Leader(g.owner[name]) != i {
			continue
		}
		mod, err := modfile.ParseLax("go.mod", g.sums[name+"@"+g.to[name]].GoMod, nil)
		if err != nil {
			continue
		}
		for _, r := range mod.Require {
			if !have[r.Mod.Path+" "+r.Mod.Version+"/go.mod"] {
				return fmt.Sprintf("the hash of %s %s, which %s requires, was not asked for", r.Mod.Path, r.Mod.Version, name)
			}
		}
	}
	return ""
}

func (g *goPlan) vendored(wants []plan.Want, i int) bool {
	for k := range wants {
		if g.joins.Leader(k) == i && strings.HasPrefix(g.why[k], "the vendor folder") {
			return true
		}
	}
	return false
}

// language raises the go line, below which no requirement's may be; note says
// why it cannot.
func (g *goPlan) language(least string) (e *finding.Edit, note string) {
	if least == "" || g.mod.Go != nil && !goNewer(least, g.mod.Go.Version) || !goNewer(least, "1.20") {
		return nil, ""
	}
	if g.mod.Go == nil || g.mod.Toolchain != nil && goNewer(least, strings.TrimPrefix(g.mod.Toolchain.Name, "go")) {
		return nil, "the new version needs Go " + least
	}
	l, ok := versionIn(g.f, g.mod.Go.Syntax, g.mod.Go.Version)
	if !ok {
		return nil, "the new version needs Go " + least
	}
	edit := g.f.Edit(l.start, l.end, least)
	return &edit, ""
}

// goNewer compares Go's own versions.
func goNewer(a, b string) bool {
	if a == "" || b == "" {
		return a != ""
	}
	norm := func(s string) string {
		s, _, _ = strings.Cut(s, "rc")
		return "v" + s
	}
	return semver.Compare(norm(a), norm(b)) > 0
}

// goRelease raises the release of Go itself: the toolchain line, or a go line
// that names one.
func goRelease(p *plan.Planner, g *goPlan, w plan.Want) {
	var prefix, version string
	var line *modfile.Line
	switch {
	case g.mod.Toolchain != nil:
		prefix, line, version = "go", g.mod.Toolchain.Syntax, g.mod.Toolchain.Name
	case g.mod.Go != nil:
		line, version = g.mod.Go.Syntax, g.mod.Go.Version
	default:
		p.Cannot(w, "go.mod names no release of Go")
		return
	}
	l, ok := versionIn(g.f, line, version)
	if !ok || version != prefix+w.From {
		p.Cannot(w, "go.mod has "+version)
		return
	}
	p.Add(plan.Upgrade{
		Fix:   finding.Fix{Safety: finding.Behaviour, Edits: []finding.Edit{g.f.Edit(l.start, l.end, prefix+w.To)}},
		Notes: []string{"what builds it must be that release too: the builder image in the Dockerfile, the CI"},
	}, w)
}
