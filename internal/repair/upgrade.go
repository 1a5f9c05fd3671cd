package repair

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/egress"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
	"github.com/drydock-dev/drydock/internal/fix/upgrade"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/gomod"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/npm"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"github.com/drydock-dev/drydock/internal/vuln/feed"
)

// vulnIdentity is what a vulnerability is counted by: an upgrade changes where
// it stands and in which version.
func vulnIdentity(f finding.Finding) string {
	if f.Vuln == nil {
		return string(f.Rule)
	}
	return f.Vuln.ID + " of " + f.Vuln.Name
}

// planner makes upgrades of what is vulnerable, in the surroundings of the
// pipeline.
type planner struct {
	*fixer
	dir plan.Dir
}

// planner opens what upgrades ask. The caller calls done.
func (f *fixer) planner() (p *planner, done func() error, err error) {
	stack, err := feed.Open(f.DataDir, disk.Caller(f.Getenv))
	if err != nil {
		return nil, nil, errors.Join(err, stack.Close())
	}
	p = &planner{fixer: f, dir: plan.Dir{Advisories: stack}}
	if !f.Offline {
		h := plan.HTTP{Client: f.Web(egress.Limits{})}
		p.dir.Registry, p.dir.Modules = npm.NewRegistry(h), gomod.NewProxy(h)
		p.dir.PyPI = upgrade.PyPI(h)
		p.dir.Indexes = map[string]plan.Index{"cargo": upgrade.Crates(h), "gem": upgrade.RubyGems(h), "composer": upgrade.Packagist(h), "nuget": upgrade.NuGet(h)}
	}
	return p, stack.Close, nil
}

// plan gives findings the fixes that raise their packages: of those that one
// upgrade puts right, the first has it.
// seen makes what is said of the files that were looked at one that is said of
// the user's.
func (p *planner) plan(ctx context.Context, s *subject, dir plan.Dir, found []finding.Finding, seen func(string) string) {
	dir.Registry, dir.Modules, dir.Indexes, dir.PyPI = p.dir.Registry, p.dir.Modules, p.dir.Indexes, p.dir.PyPI
	dir.Advisories = p.dir.Advisories
	for i := range found {
		found[i].Fixes = nil // in words only: "upgrade x"
	}
	wanted := make([]finding.Finding, len(found))
	for i, x := range found {
		if wanted[i] = x; !p.wanted(x) {
			wanted[i].Vuln = nil
		}
	}
	ups, left := upgrade.Plan(ctx, dir, wanted)
	ups = together(ups, found)
	first := s.Beside == nil // what is said of files that were edited is said of nothing that the user has
	if first {
		s.Beside = map[string]fix.Beside{}
	}
	for _, u := range ups {
		if len(u.Resolves) == 0 {
			continue
		}
		var r fix.Beside
		for _, c := range u.Commands {
			r.Todo = append(r.Todo, seen(c))
		}
		for _, n := range u.Notes {
			r.Notes = append(r.Notes, seen(n))
		}
		for _, x := range u.Packages {
			if x.Leap() {
				r.Notes = append(r.Notes, seen(fmt.Sprintf("undecided: whether the program works with %s %s, which is another major version than %s", x.Name, x.To, x.From)))
			}
		}
		for _, i := range u.Resolves[1:] {
			r.Findings = append(r.Findings, found[i])
		}
		s.Beside[u.Fix.Title] = r
		at := u.Resolves[0]
		found[at].Fixes = append(found[at].Fixes, u.Fix)
	}
	s.later = nil
	for _, u := range left {
		if u.File != "" {
			u.What += " in " + u.File
		}
		if u.Later {
			s.later = append(s.later, "not raised yet: "+seen(u.What+": "+u.Why))
		}
		if !first || u.Later {
			continue
		}
		note := "not raised: " + seen(u.What+": "+u.Why)
		if !slices.Contains(s.notes, note) {
			s.notes = append(s.notes, note)
		}
	}
}

// byFile makes of each finding one for each file that it is in: what is put right
// in one of them is so there.
func byFile(found []finding.Finding) []finding.Finding {
	var out []finding.Finding
	for _, x := range found {
		var files []string
		for _, l := range x.At {
			if l.Source != nil && !slices.Contains(files, l.Source.File) {
				files = append(files, l.Source.File)
			}
		}
		if len(files) < 2 {
			out = append(out, x)
			continue
		}
		for i, file := range files {
			one := x
			one.At = slices.DeleteFunc(slices.Clone(x.At), func(l finding.Location) bool {
				return l.Source != nil && l.Source.File != file || l.Source == nil && i > 0
			})
			out = append(out, one)
		}
	}
	return out
}

// together makes one of upgrades that put the same right in files of their own, or
// by the same edits.
func together(ups []plan.Upgrade, found []finding.Finding) []plan.Upgrade {
	var out []plan.Upgrade
	for _, u := range ups {
		n := slices.IndexFunc(out, func(o plan.Upgrade) bool { return alike(o, u, found) })
		if n < 0 {
			out = append(out, u)
			continue
		}
		o := &out[n]
		if !slices.Equal(o.Fix.Edits, u.Fix.Edits) {
			o.Fix.Edits = slices.Concat(o.Fix.Edits, u.Fix.Edits)
		}
		o.Fix.Changes = slices.Concat(o.Fix.Changes, u.Fix.Changes)
		o.Fix.Safety = min(o.Fix.Safety, u.Fix.Safety)
		o.Commands, o.Notes = slices.Concat(o.Commands, u.Commands), slices.Concat(o.Notes, u.Notes)
		o.Resolves = slices.Concat(o.Resolves, u.Resolves)
	}
	return out
}

// alike reports whether two upgrades do the same for the same vulnerabilities.
func alike(a, b plan.Upgrade, found []finding.Finding) bool {
	puts := func(u plan.Upgrade) []string {
		var ids []string
		for _, i := range u.Resolves {
			ids = append(ids, vulnIdentity(found[i]))
		}
		slices.Sort(ids)
		return slices.Compact(ids)
	}
	if a.Fix.Title != b.Fix.Title || !slices.Equal(puts(a), puts(b)) {
		return false
	}
	return slices.Equal(a.Fix.Edits, b.Fix.Edits) || !slices.ContainsFunc(a.Fix.Edits, func(e finding.Edit) bool {
		return slices.ContainsFunc(b.Fix.Edits, func(x finding.Edit) bool { return x.File == e.File })
	})
}
