package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/cache"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
)

// under finds out which base an open image has: by the references that its
// Dockerfile builds upon, its labels, the provenance that its build left beside
// it, its layers or its history; false: nothing tells. How many of its layers are
// the base's is asked of the Docker Engine too, and of the base's registry where
// all depends on it.
func (b *bases) under(ctx context.Context, t *Target, from []string, split bool) (base.Base, bool) {
	im := t.Image
	of, ok := base.IdentifyIn(im, from, b.learned())
	if im.Attested && (!ok || of.By == "history") {
		if told, attested := b.attested(ctx, im); attested && (!told.Sole || t.Inventory.Distro != nil) {
			of, ok = base.IdentifyIn(im, []string{told.Ref}, b.learned())
			of.By, of.Digest, of.Sole = told.By, cmp.Or(told.Digest, of.Digest), told.Sole
		}
	}
	if !ok || of.Layers > 0 || len(im.Layers) == 0 {
		return of, ok
	}
	layers, other := b.layersOf(ctx, im, of, split)
	if other && of.Sole {
		return base.Base{}, false // it was built with that image, and not on it
	}
	of.Layers = layers
	return of, true
}

// provenance is what the attestations of an image say of its base.
type provenance struct {
	Base base.Base
	Told bool
}

// attested reads the base out of the provenance beside an image, once.
func (b *bases) attested(ctx context.Context, im *image.Image) (base.Base, bool) {
	parts := []string{string(im.Digest)}
	for _, d := range im.Attestations() {
		parts = append(parts, string(d))
	}
	kept, key := b.cache(b.warn), cache.KeyOf[provenance]("provenance", 1, parts...)
	if p, ok := cache.Get(kept, key); ok && len(parts) > 1 {
		return p.Base, p.Told
	}
	var p provenance
	statements, err := im.Statements(ctx, "https://slsa.dev/provenance/")
	for _, s := range statements {
		of, ok, bad := base.FromProvenance(s.Predicate, s.Body)
		if err = errors.Join(err, bad); ok {
			p = provenance{of, true}
			break
		}
	}
	if err != nil {
		b.warn(fmt.Sprintf("attestations of %s: %v", im.Name, err))
		return p.Base, p.Told
	}
	if err := cache.Put(kept, key, &p); err != nil {
		b.Log.Warn("remember provenance", "error", err)
	}
	return p.Base, p.Told
}

// layersOf is how many of an image's layers are its base's, by the base's own; 0:
// not known. Other says that exactly the base's bytes were looked at, and that the
// image does not begin with them.
func (b *bases) layersOf(ctx context.Context, im *image.Image, of base.Base, ask bool) (layers int, other bool) {
	p, err := base.ParseRef(of.Ref)
	if err != nil {
		return 0, false
	}
	names := []string{p.String()}
	if of.Digest != "" {
		names = []string{p.Name() + "@" + string(of.Digest), p.String()}
	}
	for i, name := range names {
		if l := b.locals.Get(ctx, name); l != nil {
			if n := lowest(im, l.DiffIDs); n > 0 {
				return n, false
			}
			other = other || of.Digest != "" && i == 0
		}
	}
	if !ask || !b.MayAsk(of) || b.unreachable[p.Registry] {
		return 0, other
	}
	ctx, stop := context.WithTimeout(ctx, AskFor)
	defer stop()
	served, err := image.Open(ctx, "registry://"+names[0], b.ImageOptions(b.warn))
	if err != nil {
		b.warn(fmt.Sprintf("how many layers are those of %s is not known: %v", of.Ref, err))
		return 0, other
	}
	var ids []finding.Digest
	for _, l := range served.Layers {
		ids = append(ids, l.DiffID)
	}
	if err := served.Close(); err != nil {
		b.Log.Debug("close", "image", names[0], "error", err)
	}
	n := lowest(im, ids)
	return n, n == 0 && of.Digest != ""
}

// lowest is how many layers these are, if an image begins with them; 0: it does
// not.
func lowest(im *image.Image, ids []finding.Digest) int {
	if len(ids) == 0 || len(ids) > len(im.Layers) {
		return 0
	}
	for i, id := range ids {
		if id == "" || im.Layers[i].DiffID != id {
			return 0
		}
	}
	return len(ids)
}
