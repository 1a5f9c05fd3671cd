package check

import (
	"cmp"
	"context"
	"errors"
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
	s := finding.Subject{Kind: finding.KindImage, Name: im.Name, Digest: im.Digest}
	if im.Kind == "rootfs" {
		s.Kind = finding.KindRootfs
	}
	t := Target{Subject: s, Image: im}
	looking, err := r.inventory(ctx, &t, opt.Cache)
	if err != nil {
		return errors.Join(err, im.Close())
	}
	at := len(r.res.Targets)
	r.beside = append(r.beside, func() error {
		l := <-looking
		if err := errors.Join(l.err, im.Close()); err != nil {
			return err
		}
		if r.ask.Layers {
			r.res.Targets[at].Scan = l.scan // else its memory is free from here on
		}
		place(l.found, r.res.Targets[at].Spans)
		r.report(s, l.found, l.unknown)
		return nil
	})
	if err := r.ground(&t); err != nil {
		r.add(t, nil, nil)
		return err
	}
	r.add(t, nil, im.Unknown)
	if r.Dockerfile == "" || !r.ask.Grades {
		return nil
	}
	b, err := readLimited(r.Dockerfile, dockerfile.MaxBytes)
	if err == nil {
		r.lint(ctx, r.Dockerfile, b, LintOptions{})
	}
	return err
}

// ground finds out what the image stands on, and which lines made its layers.
func (r *run) ground(t *Target) (err error) {
	var from []string
	layers := 0
	if r.Dockerfile != "" {
		if t.Spans, from, layers, err = joinDockerfile(r.Dockerfile, t.Image); err != nil {
			return err
		}
		if len(t.Spans) == 0 {
			r.warn(r.Dockerfile + " did not make this image, as far as its history tells: no layer is joined to a line")
		}
	}
	if b, ok := base.Identify(t.Image, from); ok {
		b.Layers = cmp.Or(b.Layers, layers)
		t.Base = &b
		splitBase(t.Inventory, b.Layers)
	}
	return nil
}

// look is what was found at an image's layers. The scan is nil where nobody
// needs it.
type look struct {
	scan    *image.Scan
	found   []finding.Finding
	unknown []finding.Unknown
	err     error
}

// inventory takes a target's inventory from memory, or from a scan of its
// layers. Where it is in memory and the layers are looked at all the same, that
// goes on beside what is done with the inventory. One look comes, always.
func (r *run) inventory(ctx context.Context, t *Target, cache *layer.Cache) (<-chan look, error) {
	done := make(chan look, 1)
	id := catalog.InventoryID(t.Image)
	known, err := t.Image.Known(cache)
	if err != nil {
		return nil, err
	}
	if known {
		if inv, ok := catalog.Recall(cache, id, t.Subject); ok {
			t.Inventory, t.remembered = inv, id
			aged := r.aged(inv)
			if !r.ask.Layers && !r.ask.Rules {
				done <- look{}
				return done, nil
			}
			go func() {
				scan, err := r.layers(ctx, t.Image, cache)
				if err != nil {
					done <- look{err: err}
					return
				}
				done <- r.rules(ctx, scan, aged)
			}()
			return done, nil
		}
	}
	scan, err := r.layers(ctx, t.Image, cache)
	if err != nil {
		return nil, err
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
	done <- r.rules(ctx, scan, r.aged(t.Inventory))
	return done, nil
}

func (r *run) layers(ctx context.Context, im *image.Image, cache *layer.Cache) (*image.Scan, error) {
	return im.Scan(ctx, image.ScanOptions{Readers: readers(), Cache: cache, Progress: r.Progress, Log: r.Log})
}

// aged is what of an inventory is out of support, where rules are asked for.
func (r *run) aged(inv *sbom.Inventory) []finding.Finding {
	if !r.ask.Rules {
		return nil
	}
	return base.Aged(inv, r.Now())
}

// rules runs the image rules over a scan, where they are asked for.
func (r *run) rules(ctx context.Context, scan *image.Scan, more []finding.Finding) look {
	l := look{scan: scan}
	if r.ask.Rules {
		l.found, l.unknown = finding.RunChecks(ctx, scan, append(rules.Checks(), rules.Age(r.Now())))
		l.found = append(l.found, more...)
	}
	return l
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
