package check

import (
	"context"
	"errors"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
)

// errPast is why an image is not looked at for advice of an earlier day: it is
// of today.
var errPast = errors.New("it is of today")

// image looks at the base of an image. A reference to an image that cannot be
// had is taken for the base itself, as a Dockerfile would name it, where
// something is known of it.
func (r *recommending) image(ctx context.Context, target string) error {
	t := image.Detect(target)
	ref, bad := base.ParseRef(t.Ref)
	named := t.Kind == image.Reference && target != "" && bad == nil && r.heardOf(ref)
	var res *Result
	err := errPast
	if !named || r.wish.AsOf.IsZero() {
		res, err = r.Run(ctx, target, Ask{Vulnerabilities: true, Layers: true})
	}
	if err != nil {
		if !named || ctx.Err() != nil {
			return err
		}
		s := finding.Subject{Kind: finding.KindImage, Name: target}
		r.res.Subjects = []finding.Subject{s}
		switch {
		case errors.Is(err, errPast):
		case r.Offline:
			r.warn(target + " itself was not looked at: it is not on this machine, and no network is used")
		default:
			r.warn(target + " itself was not looked at: " + err.Error())
		}
		return r.place(ctx, Place{Subject: s, Base: base.Base{Ref: t.Ref, By: "name"}}, nil)
	}
	return r.looked(ctx, res)
}

// heardOf says whether a reference is of an image of which something is known
// without looking at it.
func (r *recommending) heardOf(ref base.Ref) bool {
	_, official := base.Library(ref.String())
	return official || base.FindIn(r.learned, ref.String()) != nil
}

// looked takes in the base of an image that was looked at.
func (r *recommending) looked(ctx context.Context, res *Result) error {
	r.res.Subjects, r.res.Warnings = res.Subjects, append(r.res.Warnings, res.Warnings...)
	for n := range res.Database.Sources {
		r.used[n] = true
	}
	t := res.Targets[0]
	ref := t.Subject.Name
	if d := image.Detect(ref); d.Kind != image.Other {
		ref = d.Ref
	}
	p := Place{Subject: t.Subject}
	parsed, err := base.ParseRef(ref)
	own := err == nil && (t.Image == nil || t.Image.Kind == "registry" || t.Image.Kind == "engine") && r.heardOf(parsed)
	switch {
	case own:
		p.Base = base.Base{Ref: parsed.String(), By: "name"}
	case t.Image == nil:
		r.unknown(t.Subject, "the base", "this is no image")
		return nil
	case t.Base != nil:
		p.Base = *t.Base
	default:
		r.unknown(t.Subject, "the base", "neither labels nor attestations nor layers nor history tell it; --dockerfile FILE names it")
		return nil
	}
	today := held(res, t, own, p.Base.Layers)
	return r.place(ctx, p, today)
}

// held is what an image's base holds: the image as a whole where it is the base
// itself, else the lowest layers. Nil where it is not known how many those are.
func held(res *Result, t Target, whole bool, layers int) *base.Seen {
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
