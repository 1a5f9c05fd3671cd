package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// Source is where it is known from what an image holds that a file only names.
type Source string

// The sources, in the order in which they are asked.
const (
	FromCatalogue Source = "catalogue" // came with the program
	FromLearned   Source = "learned"   // the user's own catalogue
	FromEngine    Source = "engine"    // the image that the Docker Engine has
	FromRegistry  Source = "registry"  // the image that its registry serves
)

// maxPulled limits the compressed bytes of base images that one run pulls. What is larger is
// scanned when it is named itself.
const maxPulled = 1 << 30

// held is what an image holds, and who says so.
type held struct {
	inv           *sbom.Inventory // nil: not known
	source        Source
	at            time.Time             // from when that is
	reconstructed bool                  // nobody read it in the image
	attested      bool                  // its builder says so: an SBOM beside it
	facts         *dockerfile.BaseFacts // its configuration, where the image was asked for it; nil: it was not
	why           string                // why nothing is known
}

// inventory is a copy of it, as one of subject.
func (h *held) inventory(s finding.Subject) *sbom.Inventory {
	inv := *h.inv
	inv.Subject = s
	inv.Packages, inv.Components = slices.Clone(inv.Packages), slices.Clone(inv.Components)
	inv.MarkBase(true)
	return &inv
}

// holds finds out what a base image holds: in the catalogue that came with the
// program or the user's own, in the Docker Engine, else in its registry, where
// that may be asked.
func (b *bases) holds(ctx context.Context, of base.Base) *held {
	if h, done := b.held[of.Ref]; done {
		return h
	}
	h := b.catalogued(of.Ref)
	if h == nil {
		h = b.looked(ctx, of)
	}
	if b.held == nil {
		b.held = map[string]*held{}
	}
	b.held[of.Ref] = h
	return h
}

// catalogued is what the catalogues have of a reference; nil: nothing.
func (b *bases) catalogued(ref string) *held {
	e, ok := base.Find(ref)
	source := FromCatalogue
	if !ok {
		e, source = base.FindIn(b.learned(), ref), FromLearned
	}
	if e == nil {
		return nil
	}
	return &held{inv: e.Inventory(), source: source, at: e.Created, reconstructed: e.Reconstructed}
}

// learned are the images of the user's own catalogue. One that cannot be read is
// a warning: what it knows is looked for elsewhere.
func (b *bases) learned() []*base.Entry {
	if b.entries == nil {
		entries, err := b.Catalogue()
		if err != nil {
			b.warn(err.Error())
		}
		b.entries = &entries
	}
	return *b.entries
}

// looked is what the image itself tells: the Docker Engine's, else its registry's.
func (b *bases) looked(ctx context.Context, of base.Base) *held {
	if _, err := base.ParseRef(of.Ref); err != nil {
		return &held{why: err.Error()}
	}
	why := []string{"not in the embedded catalogue"}
	switch h, err := b.inEngine(ctx, of.Ref); {
	case h != nil:
		return h
	case err != nil:
		why = append(why, "not to be had from the Docker Engine: "+err.Error())
	case b.locals.silent:
		why = append(why, "there is no Docker Engine to ask")
	default:
		why = append(why, "not in the Docker Engine")
	}
	switch {
	case b.Offline:
		why = append(why, "no registry is asked (--offline)")
	case of.By == "variable":
		why = append(why, "no registry is told the value of a variable")
	case !b.MayAsk(of):
		why = append(why, "without a tag no registry is asked for it")
	default:
		h, err := b.inRegistry(ctx, of.Ref)
		if h != nil {
			return h
		}
		why = append(why, "not to be had from its registry: "+err.Error())
	}
	return &held{why: strings.Join(why, "; ")}
}

// inEngine looks at the image that the Docker Engine has; nil: it has none, or
// the error says why it cannot be looked at.
func (b *bases) inEngine(ctx context.Context, ref string) (*held, error) {
	if b.locals.Get(ctx, ref) == nil {
		return nil, nil
	}
	opt := b.ImageOptions(b.warn)
	im, err := image.Open(ctx, "local://"+ref, opt)
	if err != nil {
		return nil, err
	}
	return b.scanned(ctx, im, opt, ref, FromEngine)
}

// Why a registry is not asked for more.
var (
	errUnreachable = errors.New("it did not answer before")
	errSlow        = errors.New("it takes too long to serve the image's SBOM")
)

// inRegistry looks at the image that its registry serves: at the SBOM that a
// build left beside it, else at its layers.
func (b *bases) inRegistry(ctx context.Context, ref string) (*held, error) {
	p, err := base.ParseRef(ref)
	if err != nil {
		return nil, err
	}
	if b.unreachable[p.Registry] {
		return nil, errUnreachable
	}
	opt := b.ImageOptions(b.warn)
	asking, stop := context.WithTimeout(ctx, AskFor)
	im, err := image.Open(asking, "registry://"+p.String(), opt)
	stop()
	if err != nil {
		if !image.Refused(err) && ctx.Err() == nil {
			if b.unreachable == nil {
				b.unreachable = map[string]bool{}
			}
			b.unreachable[p.Registry] = true
		}
		return nil, err
	}
	inv, slow, err := AttestedInventory(ctx, im)
	if err != nil {
		b.warn(fmt.Sprintf("attestations of %s: %v", ref, err))
	}
	size := compressed(im)
	switch {
	case inv != nil:
		h := &held{inv: inv, source: FromRegistry, at: im.Created(), attested: true, facts: factsOfServed(ref, im)}
		return h, im.Close()
	case slow:
		return nil, errors.Join(errSlow, im.Close())
	case b.pulled+size > maxPulled:
		err := fmt.Errorf("its layers have %d MB, and one run pulls at most %d MB of base images; check %s looks at it",
			size>>20, maxPulled>>20, ref)
		return nil, errors.Join(err, im.Close())
	}
	b.pulled += size
	return b.scanned(ctx, im, opt, ref, FromRegistry)
}

// scanned reads an image's layers, or remembers them, and closes it.
func (b *bases) scanned(
	ctx context.Context, im *image.Image, opt image.Options, ref string, from Source,
) (*held, error) {
	t := Target{Subject: finding.Subject{Kind: finding.KindImage, Name: ref, Digest: im.Digest}, Image: im}
	looking, err := (&scanner{b.Surroundings, Ask{}, opt.Cache}).look(ctx, &t)
	if err == nil {
		err = (<-looking).err
	}
	if err = errors.Join(err, im.Close()); err != nil {
		return nil, err
	}
	h := &held{inv: t.Inventory, source: from, at: im.Created(), facts: factsOfServed(ref, im)}
	h.inv.Unknown = append(slices.Clone(h.inv.Unknown), im.Unknown...)
	return h, nil
}

// compressed is how many bytes of layers a registry stores of an image.
func compressed(im *image.Image) int64 {
	var n int64
	for _, l := range im.Layers {
		n += max(0, l.Size)
	}
	return n
}
