package check

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/sbom/catalog"
)

// Limits on what a folder may hold.
const (
	maxFolderEntries = 200_000
	maxComposeBytes  = 1 << 20
)

// folder looks at a folder of sources: its lock files, its Dockerfiles and its
// compose files.
func (r *run) folder(ctx context.Context, dir string) error {
	s := finding.Subject{Kind: finding.KindFolder, Name: dir}
	inv, err := catalog.FromDir(ctx, dir, s)
	if err != nil {
		return err
	}
	if err := r.configureFrom(dir); err != nil {
		return err
	}
	r.exclude(inv)
	markBase(inv, false)
	if r.ask.Inventory {
		r.add(Target{Subject: s, Inventory: inv}, nil, nil)
		return nil
	}
	dockerfiles, composes, err := buildFiles(dir, r.Config.Excludes)
	if err != nil {
		return err
	}
	if len(inv.Packages) == 0 && len(inv.Unknown) == 0 && len(dockerfiles) == 0 && len(composes) == 0 {
		return &emptyError{dir}
	}
	r.add(Target{Subject: s, Inventory: inv}, nil, nil)
	for _, f := range dockerfiles {
		if err := r.dockerfile(ctx, f); err != nil {
			r.report(s, nil, []finding.Unknown{{What: f, Why: err.Error()}})
		}
	}
	for _, f := range composes {
		if err := r.compose(f); err != nil {
			r.report(s, nil, []finding.Unknown{{What: f, Why: err.Error()}})
		}
	}
	return nil
}

// exclude leaves out what the configuration says is none of the project's:
// packages whose every place is excluded.
func (r *run) exclude(inv *sbom.Inventory) {
	for i := range inv.Packages {
		p := &inv.Packages[i]
		p.Locations = slices.DeleteFunc(p.Locations, func(l sbom.Location) bool { return r.Config.Excludes(l.Path) })
	}
	inv.Packages = slices.DeleteFunc(inv.Packages, func(p sbom.Package) bool { return len(p.Locations) == 0 })
}

// emptyError is a folder with nothing in it that can be looked at.
type emptyError struct{ dir string }

func (e *emptyError) Error() string {
	return fmt.Sprintf("%s: no lock file, Dockerfile or compose file found", e.dir)
}

func (e *emptyError) Hint() string { return "a root file system is said as fs://" + e.dir }

// buildFiles finds the Dockerfiles and compose files below dir, sorted, leaving
// out what package managers and version control keep there and what the user
// excluded.
func buildFiles(dir string, excluded func(path string) bool) (dockerfiles, composes []string, err error) {
	seen := 0
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if seen++; seen > maxFolderEntries {
			return fmt.Errorf("%s: more than %d files", dir, maxFolderEntries)
		}
		switch {
		case d.IsDir():
			if path != dir && slices.Contains([]string{".git", "node_modules", "vendor", "testdata"}, d.Name()) {
				return fs.SkipDir
			}
		case !d.Type().IsRegular() && (!isDockerfile(path) || !leadsWithin(dir, path)) || excluded(relative(dir, path)):
		case isDockerfile(path):
			dockerfiles = append(dockerfiles, path)
		case isCompose(path):
			composes = append(composes, path)
		}
		return nil
	})
	return dockerfiles, composes, err
}

// leadsWithin says whether path is a link to a regular file below dir. A link
// out of it is not followed: it would put a stranger's file into the report.
func leadsWithin(dir, path string) bool {
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false
	}
	to, err := filepath.EvalSymlinks(path)
	if err != nil || !filepath.IsLocal(relative(root, to)) {
		return false
	}
	info, err := os.Stat(to)
	return err == nil && info.Mode().IsRegular()
}

// relative is path as seen from dir, slash-separated.
func relative(dir, path string) string {
	if rel, err := filepath.Rel(dir, path); err == nil {
		return filepath.ToSlash(rel)
	}
	return path
}

// isDockerfile goes by the names that docker build and editors know.
func isDockerfile(path string) bool {
	n := strings.ToLower(filepath.Base(path))
	if strings.HasSuffix(n, ".dockerignore") {
		return false
	}
	return n == "dockerfile" || n == "containerfile" || strings.HasPrefix(n, "dockerfile.") ||
		strings.HasPrefix(n, "containerfile.") || strings.HasSuffix(n, ".dockerfile")
}

func isCompose(path string) bool {
	n := strings.ToLower(filepath.Base(path))
	ext := filepath.Ext(n)
	if ext != ".yaml" && ext != ".yml" {
		return false
	}
	n, _, _ = strings.Cut(n, ".")
	return n == "compose" || n == "docker-compose"
}

// dockerfile looks at what a Dockerfile's final stage stands on.
func (r *run) dockerfile(ctx context.Context, name string) error {
	b, err := readLimited(name, dockerfile.MaxBytes)
	if err != nil {
		return err
	}
	f, err := dockerfile.Parse(name, b)
	if err != nil && r.ask.Rules {
		r.lint(ctx, name, b, LintOptions{})
		return nil
	}
	if err != nil {
		return err
	}
	stage, err := f.Target("")
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	stage = f.Chain(stage)[0]
	if stage.Base == "" {
		return fmt.Errorf("%s:%d: the base %q is a build argument without a default", name, stage.Span.Line, stage.BaseRaw)
	}
	s := finding.Subject{Kind: finding.KindDockerfile, Name: name}
	r.reference(s, stage.Base, &stage.Span)
	if r.ask.Rules {
		r.keepSource(name, b)
		found, unknown := r.lintFindings(ctx, name, b, LintOptions{knownBase: stage.Base})
		r.report(s, found, unknown)
	}
	return nil
}

// reference takes in what is known, without asking anybody, of an image that a
// file names at span.
func (r *run) reference(s finding.Subject, ref string, span *finding.Span) {
	t := Target{Subject: s, From: span, Base: &base.Base{Ref: ref, By: "dockerfile"}}
	if ref == "scratch" {
		r.add(t, nil, nil)
		return
	}
	var found []finding.Finding
	if r.ask.Rules {
		found = base.CheckRef(ref, r.Now())
	}
	var unknown []finding.Unknown
	if o, ok := base.Find(ref); ok {
		t.Inventory, t.AsOf, t.Reconstructed = o.Inventory(), o.Created, o.Reconstructed
		t.Inventory.Subject = s
		markBase(t.Inventory, true)
		if r.ask.Rules {
			found = append(found, base.Aged(t.Inventory, r.Now())...)
		}
	} else {
		unknown = append(unknown, finding.Unknown{
			What: "packages of " + ref,
			Why:  "not in the embedded catalogue; scan the image itself: check " + ref,
		})
	}
	for i := range found {
		found[i].At = append([]finding.Location{{Source: span}}, found[i].At...)
	}
	r.add(t, found, unknown)
}

// markBase says of every package whether the base brings it.
func markBase(inv *sbom.Inventory, in bool) {
	for i := range inv.Packages {
		inv.Packages[i].InBase = &in
	}
}

// compose looks at the images that a compose file's services run.
func (r *run) compose(name string) error {
	b, err := readLimited(name, maxComposeBytes)
	if err != nil {
		return err
	}
	var doc struct {
		Services yaml.Node `yaml:"services"`
	}
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if doc.Services.Kind != yaml.MappingNode {
		return fmt.Errorf("%s: no services", name)
	}
	for i := 0; i+1 < len(doc.Services.Content); i += 2 {
		key, body := doc.Services.Content[i], doc.Services.Content[i+1]
		var service struct {
			Image yaml.Node `yaml:"image"`
			Build yaml.Node `yaml:"build"`
		}
		if err := body.Decode(&service); err != nil {
			return fmt.Errorf("%s: service %s: %w", name, key.Value, err)
		}
		if service.Image.Value == "" || service.Build.Kind != 0 {
			continue // built here: its Dockerfile speaks for it
		}
		r.reference(
			finding.Subject{Kind: finding.KindService, Name: name + "#" + key.Value}, service.Image.Value,
			&finding.Span{File: name, Line: service.Image.Line, Column: service.Image.Column},
		)
	}
	return nil
}

// readFound reads a file that was come upon and not named by the user. It may be
// anything: the opening of a pipe would wait for who writes to it, and for ever.
func readFound(name string, limit int64) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New(name + ": no regular file")
	}
	return readLimited(name, limit)
}

// readLimited reads a file of at most limit bytes.
func readLimited(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	b, err := io.ReadAll(bufio.NewReader(io.LimitReader(f, limit+1)))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, errors.New(name + ": larger than " + fmt.Sprint(limit) + " bytes")
	}
	return b, nil
}
