package minify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/image/keep"
	"github.com/drydock-dev/drydock/internal/image/write"
	"github.com/drydock-dev/drydock/internal/layer"
)

// Result is what came of it.
type Result struct {
	Image       string // as it was named
	Tag         string // the name of the smaller one; empty: it has none
	Before      Side
	After       Side
	ByFiles     bool
	KeptBase    int       // layers that are the same as before
	Packages    []Package // of the distribution, those of which most is gone first
	Gone        []string  // package URLs of other packages that are gone
	Removed     []File    // every file that is gone, by path
	Back        []string  // paths that were put back, since they were looked for
	Rounds      int       // how often the smaller image was run until nothing was looked for
	Exercise    []string  // what both passed alike
	Verified    []string  // what both passed, from which nothing was learned
	Proof       finding.Proof
	Short       string   // why it is no more
	Written     []string // where the image is
	Absent      []Absent // vulnerabilities whose code is not in the smaller image
	Recipe      string   // the Dockerfile that makes the same; empty: none was asked for
	Warnings    []string
	Attested    bool // the image has attestations, which the smaller one has not
	DryRun      bool
	Unmanaged   int64 // bytes of removed files that no package owns
	UnmanagedIn []Folder
}

// Side is one of the two images.
type Side struct {
	ID              finding.Digest
	Size            int64 // bytes of its file system
	Files           int
	Packages        int
	Layers          int
	Vulnerabilities Count // nil: not counted
}

// Package is what became of a package.
type Package struct {
	Name, Version string
	Fate          keep.Fate
	Size          int64  // bytes of its files that are gone
	Why           string // they were thought unused
	Stays         string // why the package, or a file of it, stays
}

// File is a file that is gone.
type File struct {
	Path    string
	Size    int64
	Package string // empty: no package owns it
	Why     string
}

// Folder is a folder with removed files that no package owns.
type Folder struct {
	Path  string
	Files int
	Size  int64
}

// account writes down what became of the image.
func (j *job) account(made *write.Image, id string) {
	r := j.res
	r.Tag = j.Tag
	r.Image, r.ByFiles, r.DryRun, r.Attested = j.Image, j.Files, j.DryRun, j.im.Attested
	r.Before.ID, r.After.ID = finding.Digest(j.is.ID), made.ID
	r.Before.Layers, r.After.Layers = len(j.im.Layers), len(made.Layers)
	if j.KeepBase {
		r.KeptBase = j.base
	}
	r.Warnings = append(r.Warnings, j.set.Warnings...)
	replaced := j.rewritten()
	owner := map[string]string{}
	fate := map[string]keep.Fate{}
	for _, p := range j.set.Packages {
		fate[p.Name] = p.Fate
		for _, f := range p.Paths {
			if owner[f] == "" {
				owner[f] = p.Name
			}
		}
	}
	folders := map[string]*Folder{}
	j.scan.Tree.Walk(func(p string, n image.Node) bool {
		if n.Entry.Kind == layer.Dir {
			return true
		}
		r.Before.Files++
		r.Before.Size += n.Entry.Size
		if j.set.Keeps(p) {
			r.After.Files++
			if b, ok := replaced[p]; ok {
				r.After.Size += int64(len(b))
			} else {
				r.After.Size += n.Entry.Size
			}
			return true
		}
		f := File{Path: "/" + p, Size: n.Entry.Size, Package: owner[p], Why: j.why(owner[p], fate)}
		r.Removed = append(r.Removed, f)
		if f.Package == "" {
			r.Unmanaged += f.Size
			dir := top(p)
			if folders[dir] == nil {
				folders[dir] = &Folder{Path: "/" + dir}
			}
			folders[dir].Files++
			folders[dir].Size += f.Size
		}
		return true
	})
	for _, f := range folders {
		r.UnmanagedIn = append(r.UnmanagedIn, *f)
	}
	slices.SortFunc(r.UnmanagedIn, func(a, b Folder) int { return cmp.Or(cmp.Compare(b.Size, a.Size), cmp.Compare(a.Path, b.Path)) })
	versions := map[string]string{}
	for _, p := range j.inv.Packages {
		if !p.Removed {
			r.Before.Packages++
			if p.FromDistro() {
				versions[p.Name] = p.Version
			}
		}
	}
	r.After.Packages = r.Before.Packages - len(j.set.Gone)
	for _, p := range j.set.Packages {
		if p.Fate == keep.Removed {
			r.After.Packages--
		}
		q := Package{Name: p.Name, Version: versions[p.Name], Fate: p.Fate, Size: p.Removed, Stays: p.Why}
		if p.Fate != keep.Whole {
			q.Why = j.why(p.Name, fate)
		}
		r.Packages = append(r.Packages, q)
	}
	slices.SortStableFunc(r.Packages, func(a, b Package) int { return cmp.Or(cmp.Compare(b.Size, a.Size), cmp.Compare(a.Name, b.Name)) })
	r.Gone = j.set.Gone
	slices.Sort(r.Gone)
	r.Exercise = j.Exercise.Steps()
	switch {
	case id == "":
		r.Proof, r.Short = finding.Unproved, "it was not made: --dry-run"
	case !j.exercised(j.is):
		r.Proof, r.Short = finding.Rebuilt, "both images start, and nothing says whether they work: no --probe, no --test, no HEALTHCHECK"
	default:
		r.Proof = finding.Ran
	}
}

// why says why something was thought unused.
func (j *job) why(owner string, fate map[string]keep.Fate) string {
	switch {
	case owner == "":
		return "not used, and nothing beside it was"
	case fate[owner] == keep.Part:
		return "not used, while other files of its package were"
	case j.Files:
		return "no file of its package was used"
	}
	return "no file of its package was used, and no package that stays depends on it"
}

// top is the folder by which removed files are told together.
func top(p string) string {
	parts := strings.Split(p, "/")
	return path.Join(parts[:min(3, len(parts)-1)]...)
}

// deliver gives the image its name, or writes it where it is wanted.
func (j *job) deliver(ctx context.Context, made *write.Image, id string) error {
	if j.DryRun {
		return nil
	}
	if j.Archive != "" {
		var tags []string
		if j.Tag != "" {
			tags = []string{j.Tag}
		}
		err := disk.Write(j.Archive, disk.Options{Record: j.Ledger}, func(w io.Writer) error { return made.Docker(w, tags...) })
		if err != nil {
			return err
		}
		j.res.Written = append(j.res.Written, "archive://"+j.Archive)
	}
	if j.Layout != "" {
		_, tag, _ := strings.Cut(path.Base(j.Tag), ":")
		if _, err := made.Layout(j.Layout, tag); err != nil {
			return err
		}
		j.res.Written = append(j.res.Written, "oci-dir://"+j.Layout)
	}
	if j.Archive != "" || j.Layout != "" {
		return nil
	}
	if j.Tag == "" {
		return errors.New("the smaller image has no name")
	}
	if !j.Force { // somebody may have made one meanwhile
		has, err := j.Images.Has(ctx, j.Tag)
		if err != nil {
			return err
		}
		if has {
			return &Refusal{Why: fmt.Sprintf("the Engine has an image named %s by now", j.Tag), What: "name another one with -t, or replace it with --force"}
		}
	}
	j.res.Written = append(j.res.Written, "local://"+j.Tag)
	return j.Images.Tag(ctx, id, j.Tag)
}
