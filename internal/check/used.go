package check

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/sbom/catalog"
)

// watched are the observations that tell which packages of an image were in use.
type watched struct {
	all  []namedObservation
	uses map[finding.Subject]map[string]finding.Use // by package URL
}

// readWatched reads the observations that the user names.
func readWatched(files []string) ([]namedObservation, error) {
	var all []namedObservation
	for _, file := range files {
		o, err := readObservation(file)
		if err != nil {
			return nil, finding.WithHint(fmt.Errorf("%s: %w", file, err), "drydock observe IMAGE -o FILE.json makes one")
		}
		all = append(all, namedObservation{file: file, Observation: o})
	}
	return all, nil
}

// look finds out which packages of an image, while it is open, were in use.
func (w *watched) look(ctx context.Context, t *Target, opt image.ScanOptions) error {
	var seen []*observe.Observation
	for i := range w.all {
		if o := &w.all[i]; isOf(o.Observation, t.Image) {
			o.fits = true
			seen = append(seen, o.Observation)
		}
	}
	if len(seen) == 0 {
		return nil
	}
	scan, err := t.Image.Scan(ctx, opt)
	if err != nil {
		return err
	}
	// What one that is complete does not have, was not used.
	if some := slices.DeleteFunc(slices.Clone(seen), func(o *observe.Observation) bool { return o.Status != observe.Complete }); len(some) > 0 {
		seen = slices.Concat(some, slices.DeleteFunc(seen, func(o *observe.Observation) bool { return o.Status == observe.Complete }))
	}
	paths := map[string]bool{}
	blind := false
	for _, o := range seen {
		blind = blind || slices.Contains(o.Unseen, "files")
		for _, f := range o.Files {
			if f.Read || f.Write || f.Execute || f.Map {
				paths[f.Path] = true
				paths[f.Target] = f.Target != ""
			}
		}
		for _, p := range o.Programs {
			paths[p] = true
		}
	}
	delete(paths, "")
	how := seen[0]
	uses := map[string]finding.Use{}
	for purl, u := range catalog.UseOf(scan, t.Inventory, slices.Collect(maps.Keys(paths)), observe.Generalise) {
		use := finding.Use{Status: finding.Untouched, Path: u.Path, How: how.Words(), Complete: how.Status == observe.Complete}
		switch {
		case u.Path != "":
			use.Status = finding.Used
		case blind:
			use.Status, use.Why = finding.UseUnknown, "files were not watched"
		case !u.Known:
			use.Status, use.Why = finding.UseUnknown, "which files are the package's is not known"
		}
		uses[purl] = use
	}
	if w.uses == nil {
		w.uses = map[finding.Subject]map[string]finding.Use{}
	}
	w.uses[t.Subject] = uses
	if !blind {
		t.Idle = idle(scan, t.Inventory, uses)
	}
	return nil
}

// idle counts the distribution's packages of which nothing was used, and their bytes.
func idle(scan *image.Scan, inv *sbom.Inventory, uses map[string]finding.Use) Idle {
	unused := map[string]bool{}
	for _, p := range inv.Packages {
		if p.FromDistro() && !p.Removed && uses[p.PURL()].Status == finding.Untouched {
			unused[p.Name] = true
		}
	}
	i := Idle{Packages: len(unused)}
	for _, o := range catalog.OwnedIn(scan) {
		for _, path := range o.Paths {
			if n, ok := scan.Tree.Lookup(path); ok && unused[o.Name] {
				i.Bytes += n.Entry.Size
			}
		}
	}
	return i
}

// InUse tells which packages of its image an observation has in use, of the image as
// the local Engine has it.
func (p *Pipeline) InUse(ctx context.Context, o *observe.Observation) ([]observe.Package, error) {
	q := &Pipeline{Surroundings: p.Surroundings}
	r := newRun(q, Ask{Inventory: true})
	r.watched.all = []namedObservation{{Observation: o}}
	if err := errors.Join(r.image(ctx, "local://"+o.Image.ID), r.finish()); err != nil {
		return nil, err
	}
	var out []observe.Package
	for _, t := range r.res.Targets {
		uses, ok := r.watched.uses[t.Subject]
		if !ok {
			return nil, fmt.Errorf("the image %s is not the one that was watched", t.Subject.Name)
		}
		for _, purl := range slices.Sorted(maps.Keys(uses)) {
			u := uses[purl]
			out = append(out, observe.Package{PURL: purl, Use: observe.Use(u.Status), Path: u.Path})
		}
	}
	return out, nil
}

// isOf reports whether an observation is of this very image. Engines and archives
// know an image by its configuration, registries by its manifest or index.
func isOf(o *observe.Observation, im *image.Image) bool {
	id := finding.Digest(o.Image.ID)
	if !id.IsSHA256() || !slices.Contains([]finding.Digest{im.Top, im.EngineID, im.Digest, im.ID}, id) {
		return false
	}
	// An index has images for several machines.
	_, arch, _ := strings.Cut(im.Platform, "/")
	arch, _, _ = strings.Cut(arch, "/")
	return arch == "" || o.Image.Machine() == "" || arch == o.Image.Machine()
}

// mark gives each vulnerability what is known of its package's use.
func (w *watched) mark(res *Result) {
	for i := range res.Findings {
		f := &res.Findings[i]
		uses := w.uses[f.Subject]
		if f.Vuln == nil || uses == nil {
			continue
		}
		use := finding.Use{Status: finding.UseUnknown, Why: "the package is not known"}
		for _, t := range res.Targets {
			if t.Subject == f.Subject && t.Inventory != nil {
				use = useOf(t.Inventory.Find(f.Vuln.Package), uses, use)
			}
		}
		v := *f.Vuln
		v.Use = use
		f.Vuln = &v
		f.Evidence = append(slices.Clone(f.Evidence), finding.Evidence{Kind: finding.EvidenceUse, Text: v.Name + ", watched " + use.How + ": " + use.String()})
	}
}

// useOf is what is known of packages of one source together: one that was used is
// use, and one of which nothing is known may have been.
func useOf(all []sbom.Package, uses map[string]finding.Use, none finding.Use) finding.Use {
	use, some := none, false
	for _, p := range all {
		u, ok := uses[p.PURL()]
		switch {
		case p.Removed:
		case !ok:
			return none
		case u.Status == finding.Used:
			return u
		case !some, u.Status == finding.UseUnknown:
			use, some = u, true
		}
	}
	return use
}

// unfit are the observations that are of nothing that was looked at.
func (w *watched) unfit() []finding.Unknown {
	var out []finding.Unknown
	for _, o := range w.all {
		if !o.fits {
			out = append(out, finding.Unknown{
				What: "what " + o.file + " says of packages",
				Why:  fmt.Sprintf("it is an observation of %s (%s, %s), and that is not what was looked at", o.Image.Name, finding.Digest(o.Image.ID).Short(), o.Image.ABI),
			})
		}
	}
	return out
}
