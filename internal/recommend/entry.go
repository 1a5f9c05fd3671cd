package recommend

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// entryOf is what an image's manifest and configuration say of it.
func entryOf(im *image.Image, source string) *base.Entry {
	e := &base.Entry{Ref: im.Name, Index: im.Top, Manifest: im.Digest, ID: im.ID, Platform: im.Platform, Source: source, Bare: true}
	if e.Index == e.Manifest {
		e.Index = ""
	}
	for _, l := range im.Layers {
		e.DiffIDs = append(e.DiffIDs, l.DiffID)
		if l.Size > 0 {
			e.Compressed += l.Size
		}
	}
	e.Created = im.Created()
	return e
}

// hold makes an inventory an entry's.
func hold(e *base.Entry, inv *sbom.Inventory) {
	e.Bare = false
	if inv.Distro != nil {
		e.Distro = *inv.Distro
	}
	for _, p := range inv.Packages {
		if p.Removed {
			continue
		}
		p.Locations, p.Licenses, p.Layer, p.LayerIndex, p.InBase = nil, nil, "", -1, nil
		e.Packages = append(e.Packages, p)
	}
}

// scan looks at an image as a whole; nil: it could not be looked at, which is a
// warning.
func (r *recommending) scan(ctx context.Context, target, ref, source string) *base.Entry {
	res, err := r.Run(ctx, target, check.Ask{Layers: true})
	if err != nil {
		r.warn(fmt.Sprintf("%s was not looked at: %v", ref, err))
		return nil
	}
	return entryOfRun(res, ref, source)
}

// entryOfRun is what a run found in its image.
func entryOfRun(res *check.Result, ref, source string) *base.Entry {
	t := res.Targets[0]
	if t.Image == nil || t.Inventory == nil {
		return nil
	}
	e := entryOf(t.Image, source)
	e.Ref, e.Names = ref, []string{ref}
	hold(e, t.Inventory)
	if t.Scan != nil {
		e.Compressed = 0
		for _, rec := range t.Scan.Records {
			e.Size += rec.Size
			e.Compressed += rec.Compressed
		}
	}
	return e
}

// Learn looks at images and adds them to the catalogue file; the file appears
// whole or stays as it was. It returns how many images the file has now.
func Learn(ctx context.Context, on check.Surroundings, refs []string, file string) (learned []*base.Entry, total int, err error) {
	all, err := check.ReadCatalogue(file)
	if err != nil {
		return nil, 0, err
	}
	for _, ref := range refs {
		e, err := learn(ctx, on, ref)
		if err != nil {
			return nil, 0, err
		}
		learned = append(learned, e)
		all = base.Learn(all, e)
	}
	var out bytes.Buffer
	if err := base.WriteCatalogue(&out, all); err != nil {
		return nil, 0, err
	}
	if _, err := base.ReadCatalogue(bytes.NewReader(out.Bytes())); err != nil {
		return nil, 0, fmt.Errorf("the catalogue would not be readable: %w", err)
	}
	if err := disk.Caller(on.Getenv).Keep(file, out.Bytes()); err != nil {
		return nil, 0, fmt.Errorf("write %s: %w", file, err)
	}
	return learned, len(all), nil
}

// learn looks at one image. One of an archive or a layout is known by the names
// that it has there.
func learn(ctx context.Context, on check.Surroundings, target string) (*base.Entry, error) {
	p := &check.Pipeline{Surroundings: on}
	res, err := p.Run(ctx, target, check.Ask{Layers: true})
	if err != nil {
		return nil, err
	}
	im := res.Targets[0].Image
	if im == nil || im.Config == nil {
		return nil, fmt.Errorf("%s is no image", target)
	}
	var names []string
	called := im.Tags
	if im.Kind == "registry" || im.Kind == "engine" && !im.ByID() {
		called = append([]string{image.Detect(target).Ref}, called...)
	}
	for _, n := range called {
		if r, err := base.ParseRef(n); err == nil && !slices.Contains(names, r.String()) {
			names = append(names, r.String())
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s has no name that a FROM line could use", target)
	}
	e := entryOfRun(res, names[0], "learned")
	if e == nil {
		return nil, fmt.Errorf("%s: nothing is known of what it holds", target)
	}
	e.Names, e.Served = names, p.Now()
	return e, nil
}
