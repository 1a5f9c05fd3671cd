package gate

import (
	"context"
	"strings"

	"github.com/containerd/errdefs"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/policy/admission"
)

// nameOf is an image's name as the Engine completes it; false: it is an id.
func nameOf(ref string, id finding.Digest) (image.Name, bool) {
	hex := strings.TrimPrefix(ref, "sha256:")
	if ref == "" || hex != ref || id != "" && strings.HasPrefix(id.Hex(), ref) {
		return image.Name{}, false
	}
	n, err := image.ParseName(ref)
	if err != nil {
		return image.Name{}, false
	}
	if n.Tag == "" && n.Digest == "" {
		n.Tag = "latest"
	}
	return n, true
}

func uses(ref string) want {
	if n, ok := nameOf(ref, ""); ok {
		return want{name: "image " + n.String()}
	}
	return want{name: anyImage} // an id, or the beginning of one, that a name could become
}

func moves(ref string) want {
	w := uses(ref)
	w.moves = true
	return w
}

// named decides about an image that is asked for by a name or an id, and gives the rule
// that did.
func (g *Gate) named(ctx context.Context, ref string, im Image, exists bool) (*admission.Rule, admission.Decision) {
	if n, ok := nameOf(ref, im.ID); ok {
		return g.one(ctx, n, im, exists)
	}
	// Without a name, any of its names will do: each is held to its own rule.
	rule := g.Policy.Rule("")
	best := rule.Decide(ctx, admission.Subject{Digest: im.ID, Config: !im.Containerd, Local: true}, g.Facts, g.Now())
	tried := false
	for _, name := range append(append([]string{}, im.Tags...), im.Digests...) {
		n, ok := nameOf(name, "")
		if !ok {
			continue
		}
		r, d := g.one(ctx, n, im, true) // whoever asks for bytes gets these, whatever a tag says
		if d.Verdict == admission.Allowed {
			return r, d
		}
		if !tried {
			rule, best, tried = r, d, true
		}
	}
	return rule, best
}

func (g *Gate) one(ctx context.Context, n image.Name, im Image, exists bool) (*admission.Rule, admission.Decision) {
	s := admission.Subject{Name: n, Digest: im.ID, Config: !im.Containerd, Local: true, Exists: exists}
	for _, d := range im.Digests {
		if of, ok := nameOf(d, ""); ok && of.Repository == n.Repository {
			s.Hints = append(s.Hints, of.Digest)
		}
	}
	r := g.Policy.Rule(n.Repository)
	return r, g.judge(ctx, r, s)
}

// pull decides about a name that the Engine is to fetch.
func (g *Gate) pull(ctx context.Context, n image.Name) admission.Decision {
	r := g.Policy.Rule(n.Repository)
	s := admission.Subject{Name: n, Digest: n.Digest}
	if s.Digest == "" && n.Tag != "" && r.AsksForBytes() {
		d, err := g.Facts.Tag(ctx, n.Repository, n.Tag)
		if err != nil {
			return admission.Decision{Verdict: admission.Unknown, Image: n.String(), Rule: r.Name, Reason: err.Error(), Hint: finding.HintOf(err)}
		}
		s.Digest = d
	}
	if s.Digest == "" && r.Deny == "" {
		return admission.Decision{Verdict: admission.Allowed, Image: n.String(), Rule: r.Name, Reason: "what is pulled is decided when it is used"}
	}
	return r.Decide(ctx, s, g.Facts, g.Now())
}

func notFound(err error) bool { return errdefs.IsNotFound(err) }

// Admit decides about an image that the Engine has, and gives the rule that did.
func (g *Gate) Admit(ctx context.Context, ref string) (*admission.Rule, admission.Decision, error) {
	im, err := g.Engine.Image(ctx, ref)
	if err != nil {
		return nil, admission.Decision{}, err
	}
	r, d := g.named(ctx, ref, im, false)
	return r, d, nil
}
