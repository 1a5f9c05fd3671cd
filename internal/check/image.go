package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/sbom/catalog"
)

// image looks at an image or a root file system, wherever it lies.
func (r *run) image(ctx context.Context, target string) error {
	opt := r.ImageOptions(r.warn)
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
	looking, err := (&scanner{r.Surroundings, r.ask, opt.Cache}).look(ctx, &t)
	if err != nil {
		return errors.Join(err, im.Close())
	}
	if err := r.watched.look(ctx, &t, r.scanOptions(opt.Cache, catalog.UseAnalyzers())); err != nil {
		return errors.Join(err, (<-looking).err, im.Close())
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
		place(l.Findings, r.res.Targets[at].Spans)
		r.take(s, l.Found)
		return nil
	})
	if err := r.ground(ctx, &t); err != nil {
		r.add(t, Found{})
		return err
	}
	signed := r.vouched(ctx, &t)
	signed.Unknown = slices.Concat(im.Unknown, r.nothingIn(&t), signed.Unknown)
	r.add(t, signed)
	if r.ask.Dockerfile == "" || !r.ask.Grades {
		return nil
	}
	b, err := readLimited(r.ask.Dockerfile, dockerfile.MaxBytes)
	if err == nil {
		r.lint(ctx, r.ask.Dockerfile, b, LintOptions{})
	}
	return err
}

// nothingIn is the Unknown of an image in which nothing was recognised: no
// distribution, and no package of any kind. Of a root file system that was named
// it is what was asked; an image may well hold one static program.
func (r *run) nothingIn(t *Target) []finding.Unknown {
	if !r.ask.Vulnerabilities && !r.ask.Inventory || t.Inventory == nil || t.Inventory.Distro != nil {
		return nil
	}
	if len(t.Inventory.Packages)+len(t.Inventory.Unknown)+len(t.Image.Unknown) > 0 {
		return nil
	}
	return []finding.Unknown{{
		What:   "packages of " + t.Subject.Name,
		Why:    "neither a distribution nor a package of a known kind was found in it",
		Beyond: t.Subject.Kind != finding.KindRootfs,
	}}
}

// ground finds out what the image stands on, and which lines made its layers.
func (r *run) ground(ctx context.Context, t *Target) (err error) {
	var from []string
	layers := 0
	if name := r.ask.Dockerfile; name != "" {
		if t.Spans, from, layers, err = joinDockerfile(name, t.Image); err != nil {
			return err
		}
		if len(t.Spans) == 0 {
			r.warn(name + " did not make this image, as far as its history tells: no layer is joined to a line")
		}
	}
	split := r.policy.Filter.OnlyBase || r.policy.Filter.IgnoreBase
	if b, ok := r.linter.bases.under(ctx, t, from, split); ok {
		b.Layers = cmp.Or(b.Layers, layers)
		t.Base = &b
		t.Inventory.SplitBase(b.Layers)
	}
	return nil
}

// joinDockerfile finds, for each layer, the instruction that made it, the
// references that the file builds upon, and how many of the layers they brought.
func joinDockerfile(name string, im *image.Image) (spans map[finding.Digest]*finding.Span, from []string, base int, err error) {
	f, err := ReadDockerfile(name)
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
