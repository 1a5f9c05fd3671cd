package check

import (
	"context"
	"slices"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
)

// digestOf says which bytes a reference stands for: as the registry serves it
// now, unless it may not be asked; else as the user's catalogue of learned
// images has it, or as the Engine once pulled it; of a tag that is built no
// more, as the embedded catalogue has it. What nobody knows has none.
func (b *bases) digestOf(ctx context.Context) func(ref string) (finding.Digest, bool) {
	return func(ref string) (finding.Digest, bool) {
		p, err := base.ParseRef(ref)
		if err != nil {
			return "", false
		}
		if !b.Offline {
			if d := b.servedDigest(ctx, p); d != "" {
				return d, true
			}
		}
		for _, e := range b.learned() {
			if e.Index != "" && slices.Contains(e.Names, p.String()) {
				return e.Index, true
			}
		}
		if im := b.locals.Get(ctx, ref); im != nil && len(im.Digests) > 0 {
			return im.Digests[0], true
		}
		// A tag that is not built any more stands for what it last stood for.
		if tag, ok := base.Library(ref); ok && !tag.Listed {
			if e, ok := base.Find(ref); ok && e.Index != "" {
				return e.Index, true
			}
		}
		return "", false
	}
}

// servedDigest asks the registry; empty: it did not answer, or has no such image.
func (b *bases) servedDigest(ctx context.Context, p base.Ref) finding.Digest {
	ctx, stop := context.WithTimeout(ctx, AskFor)
	defer stop()
	im, err := image.Open(ctx, "registry://"+p.String(), b.ImageOptions(b.warn))
	if err != nil {
		b.Log.Debug("digest", "image", p.String(), "error", err)
		return ""
	}
	if err := im.Close(); err != nil {
		b.Log.Debug("close", "image", p.String(), "error", err)
	}
	return im.Top
}
