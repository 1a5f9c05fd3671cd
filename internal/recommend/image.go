package recommend

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// errPast is why an image is not looked at: the advice is of an earlier day, or
// its registry is asked.
var errPast = errors.New("not looked at as a whole")

// isLocal reports whether the Docker Engine has an image.
func (r *recommending) isLocal(ctx context.Context, ref string) bool {
	return r.locals.Get(ctx, ref) != nil
}

// image looks at the base of an image. A reference to an image that cannot be
// had is taken for the base itself, as a Dockerfile would name it, where
// something is known of it.
func (r *recommending) image(ctx context.Context, target string) error {
	t := image.Detect(target)
	ref, bad := base.ParseRef(t.Ref)
	// A Dockerfile that is given says what the base is; the name is of what was
	// built.
	named := r.wish.Dockerfile == "" && t.Kind == image.Reference && target != "" && bad == nil && r.heardOf(ref)
	var res *check.Result
	err := errPast
	switch {
	case named && !r.wish.AsOf.IsZero():
	case named && image.Pinned(t.Ref) && !r.Offline && !r.isLocal(ctx, t.Ref):
		// Its registry tells by an SBOM what it holds, or it is pulled where it is
		// not too large: what any option must do is enough for it.
	default:
		res, err = r.Run(ctx, target, check.Ask{Dockerfile: r.wish.Dockerfile, Vulnerabilities: true, Layers: true})
	}
	if err != nil {
		byFile := r.wish.Dockerfile != "" && image.Absent(err)
		if !named && !byFile || ctx.Err() != nil {
			return err
		}
		s := finding.Subject{Kind: finding.KindImage, Name: target}
		r.out.Subjects = []finding.Subject{s}
		switch {
		case errors.Is(err, errPast):
		case r.Offline:
			r.warn(target + " itself was not looked at: it is not on this machine, and no network is used")
		default:
			r.warn(target + " itself was not looked at: " + err.Error())
		}
		if byFile {
			return r.file(ctx, r.wish.Dockerfile)
		}
		return r.place(ctx, Place{Subject: s, Base: base.Base{Ref: t.Ref, By: "name"}}, nil, nil)
	}
	return r.looked(ctx, res)
}

// heardOf reports whether a reference is of an image of which something is known
// without looking at it.
func (r *recommending) heardOf(ref base.Ref) bool {
	return base.HeardOf(ref.String()) || base.FindIn(r.learned, ref.String()) != nil
}

// looked takes in the base of an image that was looked at.
func (r *recommending) looked(ctx context.Context, res *check.Result) error {
	r.out.Subjects, r.out.Warnings = res.Subjects, append(r.out.Warnings, res.Warnings...)
	for n := range res.Database.Sources {
		r.used[n] = true
	}
	t := res.Targets[0]
	if t.Image == nil {
		r.unknown(t.Subject, "the base", "this is no image")
		return nil
	}
	p := Place{Subject: t.Subject}
	named, err := base.ParseRef(image.Detect(t.Subject.Name).Ref)
	own := r.wish.Dockerfile == "" && err == nil && (t.Image.Kind == "registry" || t.Image.Kind == "engine") && !t.Image.ByID() && r.heardOf(named)
	switch {
	case own:
		p.Base = base.Base{Ref: named.String(), By: "name", Digest: t.Image.Top}
		if as := image.Detect(t.Subject.Name).Ref; !image.Pinned(as) {
			p.Base.Ref = as
		}
		if t.Image.Kind == "engine" {
			if im := r.locals.Get(ctx, named.String()); im != nil && len(im.Digests) > 0 {
				p.Base.Digest = im.Digests[0]
			}
		}
	case t.Base == nil:
		r.unknown(t.Subject, "the base", "neither labels nor attestations nor layers nor history tell it; --dockerfile FILE names it")
		return nil
	default:
		p.Base = *t.Base
	}
	var e *base.Entry
	today := held(res, t, own, p.Base.Layers)
	if today != nil {
		e = entryOf(t.Image, "this image")
		e.Ref, e.Created = p.Base.Ref, time.Time{}
		hold(e, &sbom.Inventory{Distro: t.Inventory.Distro, Packages: slices.DeleteFunc(slices.Clone(t.Inventory.Packages), func(p sbom.Package) bool {
			return !own && (p.InBase == nil || !*p.InBase)
		})})
	}
	if err := r.place(ctx, p, e, today); err != nil {
		return err
	}
	return r.edits(&r.out.Places[len(r.out.Places)-1])
}

// edits finds the line of the image's Dockerfile that names its base, where the
// user gave the file.
func (r *recommending) edits(p *Place) error {
	if p.Base.By != "dockerfile" || r.wish.Dockerfile == "" {
		return nil
	}
	f, err := check.ReadDockerfile(r.wish.Dockerfile)
	if err != nil {
		return err
	}
	st, err := f.Target("")
	if err != nil {
		return err
	}
	if st = f.Chain(st)[0]; st.Base != p.Base.Ref {
		return nil
	}
	p.At, p.Packages, p.Source = &st.BaseWord.Span, installs(f, st), f.Bytes
	p.swaps(r.Around(f, r.wish.Context), st)
	return nil
}

// held is what an image's base holds: the image as a whole where it is the base
// itself, else the lowest layers. Nil where it is not known how many those are.
func held(res *check.Result, t check.Target, whole bool, layers int) *base.Seen {
	if !whole && layers == 0 || t.Inventory == nil {
		return nil
	}
	s := &base.Seen{Size: -1, Compressed: -1, From: "this image"}
	for _, p := range t.Inventory.Packages {
		if !p.Removed && (whole || p.InBase != nil && *p.InBase) {
			s.Packages++
		}
	}
	var found []finding.Finding
	for _, f := range res.Findings {
		if f.Vuln != nil && f.Subject == t.Subject && (whole || f.Vuln.InBase != nil && *f.Vuln.InBase) {
			found = append(found, f)
		}
	}
	s.Found = base.VulnsOf(found)
	if t.Scan != nil {
		s.Size, s.Compressed = 0, 0
		for i, rec := range t.Scan.Records {
			if whole || i < layers {
				s.Size += rec.Size
				s.Compressed += rec.Compressed
			}
		}
	}
	return s
}
