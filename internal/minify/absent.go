package minify

import (
	"context"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image/keep"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// Absent is a vulnerability of the image as it was whose code is not in the smaller one:
// every package that has it is gone as a whole.
type Absent struct {
	Vuln     finding.Vuln
	Packages []string // package URLs of those that are gone
	Files    int      // of theirs, none of which is left
}

// vulnerabilities counts those of both images, and tells which are gone with their packages.
func (j *job) vulnerabilities(ctx context.Context, id string) error {
	if j.Find == nil {
		return nil
	}
	before, err := j.Find(ctx, j.is.ID)
	if err != nil {
		return err
	}
	j.res.Before.Vulnerabilities = counted(before)
	if id == "" {
		return nil
	}
	after, err := j.Find(ctx, id)
	if err != nil {
		return err
	}
	j.res.After.Vulnerabilities = counted(after)
	j.res.Absent = absent(j.inv, j.set.Packages, before, after)
	return nil
}

// counted counts those that nothing excuses.
func counted(found []finding.Finding) Count {
	count := Count{}
	for _, f := range found {
		if f.Vuln != nil && f.Suppressed == nil {
			count[f.Severity]++
		}
	}
	return count
}

// absent are the vulnerabilities of packages of the distribution that are gone as a whole,
// with all of their files. One that the smaller image has still is none, and neither is one
// of a package whose files are not known, since it is not known to be gone.
func absent(inv *sbom.Inventory, fates []keep.Package, before, after []finding.Finding) []Absent {
	type key struct{ id, of string }
	still := map[key]bool{}
	for _, f := range after {
		if f.Vuln != nil {
			still[key{f.Vuln.ID, f.Vuln.Package}] = true
		}
	}
	var out []Absent
	for _, f := range before {
		if f.Vuln == nil || f.Suppressed != nil || still[key{f.Vuln.ID, f.Vuln.Package}] {
			continue
		}
		a, gone := Absent{Vuln: *f.Vuln}, true
		for _, p := range inv.Find(f.Vuln.Package) {
			if p.Removed {
				continue
			}
			n, whole := removedWith(p, fates)
			gone = gone && whole
			a.Files += n
			a.Packages = append(a.Packages, p.PURLIn(inv.Distro))
		}
		if gone && len(a.Packages) > 0 {
			out = append(out, a)
		}
	}
	return out
}

// removedWith counts the files that a package had; false: some of it stays, or which files
// were its is not known.
func removedWith(p sbom.Package, fates []keep.Package) (files int, whole bool) {
	if !p.FromDistro() {
		return 0, false
	}
	for _, f := range fates {
		if f.Name != p.Name || f.Arch != "" && p.Arch != "" && f.Arch != p.Arch {
			continue
		}
		if f.Fate != keep.Removed {
			return 0, false
		}
		files += len(f.Paths)
	}
	return files, files > 0
}
