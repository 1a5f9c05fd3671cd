package catalog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// Cataloger knows one package format. Wants, Limit and Read are as in
// [layer.Analyzer]; Read returns the packages that one file declares. It may
// return packages together with an error: what was read counts, and what was
// not is said.
//
// A package without Locations was read from the file itself; a distribution's
// package leaves Namespace empty, for the file does not know it.
type Cataloger struct {
	Name    string
	Version int
	Limit   int64
	Wants   func(path string, mode fs.FileMode, size int64) bool
	Read    func(ctx context.Context, f layer.Input) ([]sbom.Package, error)

	// learn is Read for a format that also says which files its packages own.
	learn func(ctx context.Context, f layer.Input) (facts, error)
}

// Catalogers is every package format there is. A language's Wants is told
// paths of an image and of a folder alike.
func Catalogers() []Cataloger {
	return []Cataloger{
		dpkg(),
		apk(),
		rpm(),
		rpmList(),
		binary(),
		program(),
		npmTree(),
		npmProjects(),
		npmState(),
		yarnPnP(),
		pyTree(),
		pyArchives(),
		javaArchives(),
		javaPoms(),
		gemTree(),
		composerTree(),
		nugetTree(),
		embeddedSBOMs(),
		unread(),
	}
}

// Analyzers is everything that [FromScan] needs from a layer: each cataloger,
// who owns which file, declared licences, and the distribution's own words.
func Analyzers() []layer.Analyzer {
	var rs []layer.Analyzer
	for _, c := range Catalogers() {
		rs = append(rs, c.reader())
	}
	return append(rs, dpkgFiles().reader(), debLicenses(), askedFor(), distroFiles())
}

// reader is the cataloger as the layer pass sees it.
func (c Cataloger) reader() layer.Analyzer {
	learn := c.learn
	if learn == nil {
		learn = func(ctx context.Context, f layer.Input) (facts, error) {
			ps, err := c.Read(ctx, f)
			return facts{packages: ps}, err
		}
	}
	return layer.Analyzer{
		Name:    c.Name,
		Version: c.Version<<8 | encoding,
		Limit:   c.Limit,
		Wants:   c.Wants,
		Read: func(ctx context.Context, f layer.Input) ([]byte, error) {
			got, err := learn(ctx, f)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			got.check()
			if err != nil && got.empty() {
				return nil, err
			}
			if err != nil {
				got.problems = append(got.problems, err.Error())
			}
			if got.empty() {
				return nil, nil
			}
			return got.encode(), nil
		},
	}
}

// packagesOf is the Read of a cataloger that learns more than packages.
func packagesOf(learn func(context.Context, layer.Input) (facts, error)) func(context.Context, layer.Input) ([]sbom.Package, error) {
	return func(ctx context.Context, f layer.Input) ([]sbom.Package, error) {
		got, err := learn(ctx, f)
		for _, p := range got.problems {
			err = errors.Join(err, errors.New(p))
		}
		return got.packages, err
	}
}

const (
	// maxPackages limits the packages of one package database or file.
	maxPackages = 200_000
	maxName     = 1024 // bytes of a name or version
)

// check drops what no inventory may hold: a package without name or version,
// or with one that no packager would write. What is dropped is a problem.
func (f *facts) check() {
	if len(f.packages) > maxPackages {
		f.problems = append(f.problems, fmt.Sprintf("%d packages, only the first %d are listed", len(f.packages), maxPackages))
		f.packages = f.packages[:maxPackages]
	}
	to := make([]int, max(len(f.packages), f.graph.packages()))
	kept := f.packages[:0]
	bad := 0
	for i := range to {
		to[i] = -1
	}
	for i, p := range f.packages {
		if why := unsound(p); why != "" {
			if bad++; bad <= 3 {
				f.problems = append(f.problems, fmt.Sprintf("package %.80q: %s", p.Name, why))
			}
			continue
		}
		to[i] = len(kept)
		kept = append(kept, p)
	}
	if bad > 0 || len(kept) < len(to) {
		f.graph.without(to)
		f.manifests = slices.DeleteFunc(f.manifests, func(m manifest) bool { return m.pkg >= len(to) || m.pkg >= 0 && to[m.pkg] < 0 })
		for i := range f.manifests {
			if m := &f.manifests[i]; m.pkg >= 0 {
				m.pkg = to[m.pkg]
			}
		}
	}
	if bad > 3 {
		f.problems = append(f.problems, "and "+finding.Count(bad-3, "more package")+" like that")
	}
	f.packages = kept
}

func unsound(p sbom.Package) string {
	switch {
	case p.Name == "":
		return "no name"
	case p.Version == "":
		return "no version"
	}
	for _, s := range []string{p.Namespace, p.Name, p.Version, p.Source, p.SourceVersion, p.Module, p.Vendor, p.Origin, p.Arch} {
		if len(s) > maxName {
			return "over-long name or version"
		}
		if !utf8.ValidString(s) || strings.IndexFunc(s, unicode.IsControl) >= 0 {
			return "name or version is not text"
		}
	}
	return ""
}
