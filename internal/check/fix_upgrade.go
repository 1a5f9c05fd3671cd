package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/egress"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
	"github.com/drydock-dev/drydock/internal/fix/upgrade"
	"github.com/drydock-dev/drydock/internal/policy"
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
	dir upgrade.Dir
}

// planner opens what upgrades ask. The caller calls done.
func (f *fixer) planner() (p *planner, done func() error, err error) {
	stack, err := feed.Open(f.DataDir)
	if err != nil {
		return nil, nil, errors.Join(err, stack.Close())
	}
	p = &planner{fixer: f, dir: upgrade.Dir{Advisories: stack}}
	if !f.Offline {
		h := upgrade.HTTP{Client: f.web(egress.Limits{})}
		p.dir.Registry, p.dir.Modules = upgrade.NPM(h), upgrade.GoProxy(h)
	}
	return p, stack.Close, nil
}

// plan gives findings the fixes that raise their packages: of those that one
// upgrade puts right, the first has it.
// seen makes what is said of the files that were looked at one that is said of
// the user's.
func (p *planner) plan(ctx context.Context, g *gathering, dir upgrade.Dir, found []finding.Finding, seen func(string) string) {
	dir.Registry, dir.Modules, dir.Advisories = p.dir.Registry, p.dir.Modules, p.dir.Advisories
	for i := range found {
		found[i].Fixes = nil // in words only: "upgrade x"
	}
	wanted := make([]finding.Finding, len(found))
	for i, x := range found {
		if wanted[i] = x; !p.wanted(x) {
			wanted[i].Vuln = nil
		}
	}
	ups, unknown := upgrade.Plan(ctx, dir, wanted)
	first := g.also == nil // what is said of files that were edited is said of nothing that the user has
	if first {
		g.also = map[string]resolution{}
	}
	for _, u := range ups {
		if len(u.Resolves) == 0 {
			continue
		}
		var r resolution
		for _, c := range u.Commands {
			r.todo = append(r.todo, seen(c))
		}
		for _, n := range u.Notes {
			r.notes = append(r.notes, seen(n))
		}
		for _, i := range u.Resolves[1:] {
			r.findings = append(r.findings, found[i])
		}
		g.also[u.Fix.Title] = r
		at := u.Resolves[0]
		found[at].Fixes = append(found[at].Fixes, u.Fix)
	}
	for _, u := range unknown {
		if !first {
			break
		}
		note := "not raised: " + strings.TrimPrefix(u.What, "an upgrade of ") + ": " + seen(u.Why)
		if !slices.Contains(g.notes, note) {
			g.notes = append(g.notes, note)
		}
	}
}

// manifests raises what a folder's manifests depend on.
func (f *fixer) manifests(ctx context.Context, dir string, dockerfiles []string) error {
	p, done, err := f.planner()
	if err != nil {
		return err
	}
	defer func() { _ = done() }() // only read from
	temp, err := f.Ledger.Folder("manifests")
	if err != nil {
		return err
	}
	defer func() { _ = temp.Remove() }() // what stays is in the ledger
	copied := temp.Path
	if err := copyManifests(dir, copied); err != nil {
		return err
	}
	g := &gathering{fixer: f, start: map[string][]byte{}, identity: vulnIdentity}
	g.on = finding.Subject{Kind: finding.KindFolder, Name: dir}
	g.look = func(ctx context.Context, files map[string][]byte, _ string) ([]finding.Finding, []finding.Unknown, error) {
		return p.lookInto(ctx, g, dir, copied, files)
	}
	builds := ""
	if len(dockerfiles) == 1 {
		builds = dockerfiles[0]
	}
	return f.finish(ctx, g, builds)
}

// lookInto scans the copy of a folder's manifests with versions of files laid
// out in it.
func (p *planner) lookInto(ctx context.Context, g *gathering, dir, copied string, files map[string][]byte) ([]finding.Finding, []finding.Unknown, error) {
	for name, b := range files {
		rel, err := filepath.Rel(dir, name)
		if err != nil || !filepath.IsLocal(rel) {
			return nil, nil, fmt.Errorf("%s is not in %s", name, dir)
		}
		if err := os.WriteFile(filepath.Join(copied, rel), b, 0o600); err != nil {
			return nil, nil, err
		}
	}
	q := *p.Pipeline
	q.Filter, q.Baseline, q.NoCache = policy.Filter{}, "", true
	res, err := q.Run(ctx, copied, Ask{Vulnerabilities: true, Inventory: true})
	var none *emptyError
	if errors.As(err, &none) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	below := strings.TrimSuffix(filepath.ToSlash(filepath.Join(dir, "x")), "x")
	names := strings.NewReplacer(filepath.ToSlash(copied)+"/", below, filepath.ToSlash(copied), dir)
	p.plan(ctx, g, upgrade.Dir{FS: os.DirFS(copied), Name: filepath.ToSlash(copied)}, res.Findings, names.Replace)
	asSeen := func(name string) string {
		if rel, ok := strings.CutPrefix(filepath.ToSlash(name), filepath.ToSlash(copied)+"/"); ok {
			return filepath.Join(dir, filepath.FromSlash(rel))
		}
		return name
	}
	for i := range res.Findings {
		x := &res.Findings[i]
		x.Subject = g.on
		x.At = slices.Clone(x.At)
		for j, l := range x.At {
			if l.Source != nil {
				s := *l.Source
				s.File = asSeen(s.File)
				x.At[j].Source = &s
			}
		}
		for j := range x.Fixes {
			x.Fixes[j].Edits = slices.Clone(x.Fixes[j].Edits)
			for k := range x.Fixes[j].Edits {
				x.Fixes[j].Edits[k].File = asSeen(x.Fixes[j].Edits[k].File)
			}
		}
	}
	for i := range res.Unknown {
		res.Unknown[i].Subject = g.on
		res.Unknown[i].What = names.Replace(res.Unknown[i].What)
	}
	return res.Findings, res.Unknown, nil
}

// copyManifests copies what a folder says about its dependencies into a folder
// of its own, so that other versions can be looked at.
func copyManifests(dir, to string) error {
	seen := 0
	return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if seen++; seen > maxFolderEntries {
			return fmt.Errorf("%s: more than %d files", dir, maxFolderEntries)
		}
		if d.IsDir() {
			if n := d.Name(); name != dir && slices.Contains([]string{".git", "node_modules", "vendor", "testdata"}, n) {
				return fs.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil || !d.Type().IsRegular() || !isManifest(rel) {
			return err
		}
		b, err := fix.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(to, filepath.Dir(rel)), 0o700); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o600)
	})
}

// isManifest says whether a file, by its path within the folder, is about
// dependencies, or about what of their findings counts.
func isManifest(rel string) bool {
	base := strings.ToLower(filepath.Base(rel))
	if base == rel && (base == ConfigName || slices.Contains(policy.IgnoreFiles(), base)) {
		return true
	}
	switch base {
	case "package.json", "npm-shrinkwrap.json", ".npmrc", "go.mod", "go.sum", "go.work", "pyproject.toml", "pipfile", "setup.cfg", "setup.py",
		"pom.xml", "cargo.toml", "composer.json", "gemfile", "pnpm-workspace.yaml":
		return true
	}
	ext := path.Ext(base)
	return strings.Contains(base, "lock") && (ext == ".json" || ext == ".lock" || ext == ".yaml" || ext == ".yml" || ext == ".lockfile" || ext == ".toml") ||
		(strings.Contains(base, "requirements") || strings.HasPrefix(base, "constraints")) && (ext == ".txt" || ext == ".in")
}

// image fixes what an image brings, in the Dockerfile that made it. What is
// wrong is gone only when the image is built anew.
func (f *fixer) image(ctx context.Context, target string) error {
	q := *f.Pipeline
	q.Filter, q.Baseline = policy.Filter{}, ""
	res, err := q.Run(ctx, target, Ask{Vulnerabilities: true})
	if err != nil {
		return err
	}
	if f.Dockerfile == "" {
		return &noFixError{"an image is fixed in the Dockerfile that it is built from, and none is named", "--dockerfile FILE"}
	}
	name := f.Dockerfile
	b, err := fix.ReadFile(name)
	if err != nil {
		return err
	}
	p, done, err := f.planner()
	if err != nil {
		return err
	}
	defer func() { _ = done() }() // only read from
	g := &gathering{fixer: f, name: name, start: map[string][]byte{name: b}, identity: vulnIdentity, built: true}
	if g.on = (finding.Subject{Kind: finding.KindImage, Name: target}); len(res.Subjects) > 0 {
		g.on = res.Subjects[0]
	}
	// A line that a layer is joined to is not what an upgrade edits: the planner
	// is to see the places in the image.
	places := make([][]finding.Location, len(res.Findings))
	for i := range res.Findings {
		x := &res.Findings[i]
		places[i], x.At = x.At, slices.Clone(x.At)
		for j := range x.At {
			if l := &x.At[j]; l.Path != "" || l.Layer != "" {
				l.Source = nil
			}
		}
	}
	dir := filepath.Dir(name)
	p.plan(ctx, g, upgrade.Dir{FS: os.DirFS(dir), Name: filepath.ToSlash(dir), Dockerfile: filepath.Base(name), Stage: f.opt.Stage}, res.Findings, func(text string) string { return text })
	for i := range res.Findings {
		res.Findings[i].At = places[i]
	}
	g.look = func(context.Context, map[string][]byte, string) ([]finding.Finding, []finding.Unknown, error) {
		return res.Findings, res.Unknown, nil
	}
	return f.finish(ctx, g, name)
}

// Resolves lists the vulnerabilities that the fix puts right, the worst first.
func (i FixItem) Resolves() []string {
	ids := map[string]finding.Severity{}
	for _, x := range append([]finding.Finding{i.Finding}, i.Also...) {
		if x.Vuln != nil {
			ids[x.Vuln.ID] = max(ids[x.Vuln.ID], x.Severity)
		}
	}
	return slices.SortedFunc(maps.Keys(ids), func(a, b string) int { return cmp.Or(cmp.Compare(ids[b], ids[a]), strings.Compare(a, b)) })
}
