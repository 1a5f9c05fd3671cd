package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
)

// Image is what is signed: a tag, and all manifests that its digest leads to, that
// of the digest first.
type Image struct {
	Tag       string
	Size      int64
	Manifests []trust.Manifest
}

// SignOptions says by whom.
type SignOptions struct {
	Signer  string // empty: every signer whose key is here, else the administrator, who is [trust.Admin]
	Propose bool   // a threshold of several keys may be met later
}

// Sign signs an image, and gives the names of those in which it was done.
func (s *Session) Sign(ctx context.Context, im Image, opt SignOptions) (*Outcome, []string, error) {
	at := s.Now()
	var by []string
	claims := map[string]trust.Claims{}
	out, err := s.commit(ctx, func(a *trust.Assembly) (trust.Change, error) {
		if by == nil {
			var err error
			if by, err = s.signersHere(a, opt.Signer); err != nil {
				return trust.Change{}, err
			}
			able := slices.DeleteFunc(slices.Clone(by), func(name string) bool {
				return name != "" && !a.CanSign(name, s.Ring, im.Tag, im.Manifests[0].Digest)
			})
			if len(able) > 0 && !opt.Propose {
				by = able // a threshold of others is theirs to meet
			}
			if err := revivable(a, by, im.Manifests); err != nil {
				return trust.Change{}, err
			}
			for _, name := range by {
				proposed, ok := a.Proposed(name, im.Tag, im.Manifests[0].Digest)
				if !ok {
					proposed = trust.Sign(im.Tag, a.Next(), at, im.Size, im.Manifests)
				}
				claims[name] = proposed
			}
		}
		return trust.Change{Claims: claims, Propose: opt.Propose}, nil
	})
	return out, by, err
}

// Cosign signs what others proposed, with all keys that are here.
func (s *Session) Cosign(ctx context.Context) (*Outcome, error) {
	return s.commit(ctx, func(*trust.Assembly) (trust.Change, error) { return trust.Change{Cosign: true}, nil })
}

// signersHere are the signers whose keys are here; "" is the administrator.
func (s *Session) signersHere(a *trust.Assembly, only string) ([]string, error) {
	signers := a.Signers()
	if only == trust.Admin {
		return []string{""}, nil
	}
	if only != "" {
		if _, ok := signers[only]; !ok {
			return nil, fmt.Errorf("%s is not a signer of %s", only, s.Name)
		}
		return []string{only}, nil
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(signers)) {
		if slices.ContainsFunc(signers[name].Keys, func(k trust.Key) bool { return s.Ring.Has(k.ID()) }) {
			out = append(out, name)
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	if slices.ContainsFunc(a.Admins(), s.Ring.Has) {
		return []string{""}, nil
	}
	if len(signers) == 0 {
		return nil, finding.WithHint(fmt.Errorf("%s has no signers, and its targets key is not here", s.Name),
			"its administrator adds you: drydock trust signer add --key YOUR.pub NAME "+s.Name)
	}
	return nil, finding.WithHint(fmt.Errorf("no key of a signer of %s is here (signers: %s)", s.Name, strings.Join(slices.Sorted(maps.Keys(signers)), ", ")),
		"drydock trust key load FILE takes your key in; or its administrator adds you: drydock trust signer add --key YOUR.pub NAME "+s.Name)
}

// revivable is an error where a digest was revoked for ever.
func revivable(a *trust.Assembly, by []string, manifests []trust.Manifest) error {
	for _, name := range append([]string{""}, by...) {
		for _, m := range manifests {
			if c := a.Merged(name).Images[trust.DigestPath(m.Digest)]; c.Revoked && c.Seq == trust.Forever {
				return finding.WithHint(fmt.Errorf("%s was revoked on %s and stays so", m.Digest, c.At.Format("2 January 2006")),
					"build the image anew: the new one has another digest")
			}
		}
	}
	return nil
}

// Keys are the private keys here of signers; of "" the administrator's.
func (s *Session) Keys(a *trust.Assembly, names []string) ([]trust.Signer, error) {
	var out []trust.Signer
	for _, name := range names {
		ids := a.Admins()
		if name != "" {
			ids = nil
			for _, k := range a.Signers()[name].Keys {
				ids = append(ids, k.ID())
			}
		}
		for _, id := range ids {
			if !s.Ring.Has(id) {
				continue
			}
			k, err := s.Ring.Signer(id)
			if err != nil {
				return nil, err
			}
			out = append(out, k)
		}
	}
	return out, nil
}
