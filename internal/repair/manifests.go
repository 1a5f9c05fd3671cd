package repair

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"github.com/drydock-dev/drydock/internal/policy"
)

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
	unread, err := copyManifests(dir, copied)
	if err != nil {
		return err
	}
	f.res.Unknown = append(f.res.Unknown, unread...)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }() // only read from
	p.dir.Whole = root.FS()
	s := f.subject(finding.KindFolder, dir)
	s.Identity = vulnIdentity
	s.Look = func(ctx context.Context, files map[string][]byte) ([]finding.Finding, []finding.Unknown, error) {
		return p.lookInto(ctx, s, dir, copied, files)
	}
	if len(dockerfiles) == 1 {
		s.builds = dockerfiles[0]
	}
	return f.finish(ctx, s)
}

// lookInto scans the copy of a folder's manifests with versions of files laid
// out in it.
func (p *planner) lookInto(ctx context.Context, s *subject, dir, copied string, files map[string][]byte) ([]finding.Finding, []finding.Unknown, error) {
	for name, b := range files {
		rel, err := filepath.Rel(dir, name)
		if err != nil || !filepath.IsLocal(rel) {
			return nil, nil, fmt.Errorf("%s is not in %s", name, dir)
		}
		if err := os.WriteFile(filepath.Join(copied, rel), b, 0o600); err != nil {
			return nil, nil, err
		}
	}
	q := &check.Pipeline{Surroundings: p.Surroundings, Policy: p.Exceptions()}
	q.NoCache = true
	res, err := q.Run(ctx, copied, check.Ask{Vulnerabilities: true, Inventory: true})
	var none *check.EmptyError
	if errors.As(err, &none) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	below := strings.TrimSuffix(filepath.ToSlash(filepath.Join(dir, "x")), "x")
	names := strings.NewReplacer(filepath.ToSlash(copied)+"/", below, filepath.ToSlash(copied), dir)
	res.Findings = byFile(res.Findings)
	p.plan(ctx, s, plan.Dir{FS: os.DirFS(copied), Whole: p.dir.Whole, Name: filepath.ToSlash(copied)}, res.Findings, names.Replace)
	asSeen := func(name string) string {
		if rel, ok := strings.CutPrefix(filepath.ToSlash(name), filepath.ToSlash(copied)+"/"); ok {
			return filepath.Join(dir, filepath.FromSlash(rel))
		}
		return name
	}
	for i := range res.Findings {
		x := &res.Findings[i]
		x.Subject = s.on
		x.At = slices.Clone(x.At)
		for j, l := range x.At {
			if l.Source != nil {
				at := *l.Source
				at.File = asSeen(at.File)
				x.At[j].Source = &at
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
		res.Unknown[i].Subject = s.on
		res.Unknown[i].What = names.Replace(res.Unknown[i].What)
	}
	return res.Findings, res.Unknown, nil
}

// copyManifests copies what a folder says about its dependencies into a folder
// of its own, so that other versions can be looked at. It returns what it could
// not read. A link to a file of the folder is left out: the file has its own copy.
func copyManifests(dir, to string) (unread []finding.Unknown, err error) {
	err = check.Walk(dir, func(name string, d fs.DirEntry) error {
		rel, err := filepath.Rel(dir, name)
		if err != nil || !isManifest(rel) {
			return err
		}
		if !d.Type().IsRegular() {
			if why := check.LeadsAway(dir, name); why != "" {
				unread = append(unread, finding.Unknown{What: "packages of " + filepath.ToSlash(rel), Why: why})
			}
			return nil
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
	return unread, err
}

// isManifest reports whether a file, by its path within the folder, is about
// dependencies, or about what of their findings counts.
func isManifest(rel string) bool {
	base := strings.ToLower(filepath.Base(rel))
	if base == rel && (base == check.ConfigName || slices.Contains(policy.IgnoreFiles(), base)) {
		return true
	}
	if check.IsDockerfile(base) { // it says which Go builds a module
		return true
	}
	switch base {
	case "package.json", "npm-shrinkwrap.json", ".npmrc", "go.mod", "go.sum", "go.work", "pyproject.toml", "pipfile", "setup.cfg", "setup.py",
		"pom.xml", "cargo.toml", "composer.json", "gemfile", "gems.rb", "gems.locked", "pnpm-workspace.yaml":
		return true
	}
	ext := path.Ext(base)
	if slices.Contains([]string{".csproj", ".fsproj", ".vbproj"}, ext) || base == "packages.config" ||
		strings.HasPrefix(base, "directory.") && (ext == ".props" || ext == ".targets") {
		return true
	}
	return strings.Contains(base, "lock") && (ext == ".json" || ext == ".lock" || ext == ".yaml" || ext == ".yml" || ext == ".lockfile" || ext == ".toml") ||
		(strings.Contains(base, "requirements") || strings.HasPrefix(base, "constraints")) && (ext == ".txt" || ext == ".in")
}
