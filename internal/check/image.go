package check

import (
	"cmp"
	"context"
	"fmt"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/image/rules"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/sbom/catalog"
)

// image looks at an image or a root file system, wherever it lies.
func (r *run) image(ctx context.Context, target string) error {
	opt := r.imageOptions()
	if target == "" {
		latest, err := image.Latest(ctx, opt)
		if err != nil {
			return err
		}
		target = latest
	}
	im, err := image.Open(ctx, target, opt)
	if err != nil {
		return err
	}
	defer func() { _ = im.Close() }() // all that was wanted of it has been read
	s := finding.Subject{Kind: finding.KindImage, Name: im.Name, Digest: im.Digest}
	if im.Kind == "rootfs" {
		s.Kind = finding.KindRootfs
	}
	t := Target{Subject: s, Image: im}
	scan, err := r.inventory(ctx, &t, opt.Cache)
	if err != nil {
		return err
	}
	inv := t.Inventory
	if r.ask.Layers {
		t.Scan = scan // else its memory is free from here on
	}
	var from []string
	baseLayers := 0
	if r.Dockerfile != "" {
		if t.Spans, from, baseLayers, err = joinDockerfile(r.Dockerfile, im); err != nil {
			return err
		}
		if len(t.Spans) == 0 {
			r.res.Warnings = append(r.res.Warnings, r.Dockerfile+" did not make this image, as far as its history tells: no layer is joined to a line")
		}
	}
	if b, ok := base.Identify(im, from); ok {
		b.Layers = cmp.Or(b.Layers, baseLayers)
		t.Base = &b
		splitBase(inv, b.Layers)
	}
	var found []finding.Finding
	var unknown []finding.Unknown
	if r.ask.Rules {
		found, unknown = finding.RunChecks(ctx, scan, append(rules.Checks(), rules.Age(r.Now())))
		found = append(found, base.Aged(inv, r.Now())...)
		place(found, t.Spans)
	}
	r.add(t, found, append(unknown, im.Unknown...))
	return nil
}

// inventory takes a target's inventory from memory, or from a scan of its
// layers. The scan is nil where nobody needs it.
func (r *run) inventory(ctx context.Context, t *Target, cache *layer.Cache) (*image.Scan, error) {
	id := catalog.InventoryID(t.Image)
	known, err := t.Image.Known(cache)
	if err != nil {
		return nil, err
	}
	if known {
		if inv, ok := catalog.Recall(cache, id, t.Subject); ok {
			t.Inventory, t.remembered = inv, id
			if !r.ask.Layers && !r.ask.Rules {
				return nil, nil
			}
		}
	}
	scan, err := t.Image.Scan(ctx, image.ScanOptions{Readers: readers(), Cache: cache, Progress: r.Progress, Log: r.Log})
	if err != nil || t.Inventory != nil {
		return scan, err
	}
	if t.Inventory, err = catalog.FromScan(ctx, scan, t.Subject); err != nil {
		return nil, err
	}
	if cache != nil && id != "" {
		if err := catalog.Remember(cache, id, t.Inventory); err != nil {
			r.Log.Warn("remember inventory", "error", err)
		} else {
			t.remembered = id
		}
	}
	return scan, nil
}

// joinDockerfile finds, for each layer, the instruction that made it, the
// references that the file builds upon, and how many of the layers they brought.
func joinDockerfile(name string, im *image.Image) (spans map[finding.Digest]*finding.Span, from []string, base int, err error) {
	b, err := readLimited(name, dockerfile.MaxBytes)
	if err != nil {
		return nil, nil, 0, err
	}
	f, err := dockerfile.Parse(name, b)
	if err != nil {
		return nil, nil, 0, err
	}
	stage, err := f.Target("")
	if err != nil {
		return nil, nil, 0, fmt.Errorf("%s: %w", name, err)
	}
	first := f.Chain(stage)[0]
	spans = map[finding.Digest]*finding.Span{}
	for i, span := range dockerfile.JoinLayers(f, stage, im) {
		if span == nil {
			continue
		}
		spans[im.Layers[i].DiffID] = span
		if span.Start == first.Span.Start && base == i {
			base++
		}
	}
	return spans, []string{first.Base}, base, nil
}

// place adds the Dockerfile line to locations whose layer has one.
func place(found []finding.Finding, spans map[finding.Digest]*finding.Span) {
	for i := range found {
		for j := range found[i].At {
			if at := &found[i].At[j]; at.Source == nil {
				at.Source = spans[at.Layer]
			}
		}
	}
}

// splitBase marks each package as the base's or the application's, where it is
// known how many of the layers are the base's.
func splitBase(inv *sbom.Inventory, layers int) {
	if layers == 0 {
		return
	}
	for i := range inv.Packages {
		if p := &inv.Packages[i]; p.LayerIndex >= 0 {
			in := p.LayerIndex < layers
			p.InBase = &in
		}
	}
}
