package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/confine"
	"github.com/drydock-dev/drydock/internal/sorting"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/keyring"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

// signed is the profile of an image for which somebody answers whom the user trusts:
// one that is attested to it ("trust attest --type profile"), or in the label of an
// image that is signed, in a repository whose root is pinned here or stands in the policy.
// by says who; nil: there is none.
func (x *running) signed(ctx context.Context, name string, im runtime.Image) (p *confine.Profile, by string, err error) {
	data := x.database()
	if data == "" {
		return nil, "", nil
	}
	pins := keyring.Pins{Dir: filepath.Join(data, "trust"), User: disk.Caller(x.env.Getenv)}
	asked, _ := image.ParseName(name) // an image's id is no name
	vouch := func(string, string) check.Voucher { return check.Voucher{} }
	if x.policy != "" {
		p, err := x.readPolicy(x.policy)
		if err != nil {
			return nil, "", err
		}
		vouch = vouchers(p)
	}
	for _, ref := range im.Digests {
		n, err := image.ParseName(ref)
		if err != nil || n.Digest == "" {
			continue
		}
		pin, err := pins.Load(n.Repository)
		if err != nil {
			return nil, "", err
		}
		v := vouch(n.Repository, "profile")
		if pin == nil && v.Root == nil {
			continue
		}
		if n.Repository == asked.Repository {
			n.Tag = asked.Tag
		}
		p, by, err := x.vouched(ctx, n, pin, v, pins, im.Labels[confine.Label])
		if err != nil {
			fmt.Fprintf(x.env.Stderr, "note: who signed a profile of %s is not known: %s\n", foreign(ref), foreign(err.Error()))
			continue
		}
		if p != nil {
			return p, by, nil
		}
	}
	return nil, "", nil
}

// vouched looks for a signed profile by what the repository says now or, offline, by
// what was seen of it last.
func (x *running) vouched(
	ctx context.Context, n image.Name, pin *keyring.Pin, by check.Voucher, pins keyring.Pins, label string,
) (*confine.Profile, string, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	var s *store.Session
	var v *trust.View
	if x.offline {
		if pin == nil {
			return nil, "", errors.New("nothing was seen of its repository, and --offline asks no registry")
		}
		b := trust.Bundle{Roots: [][]byte{pin.State[trust.Root]}, Roles: pin.State}
		var err error
		if v, err = b.Open(ctx, maps.Clone(trust.State(pin.State)), x.env.Now(), 0); err != nil {
			return nil, "", err
		}
	} else {
		r, err := store.Open(ctx, n.Repository, false, x.images())
		if err != nil {
			return nil, "", err
		}
		s = &store.Session{Repository: r, Pins: pins}
		defer s.Close()
		if pin != nil {
			if v, err = s.View(ctx); err != nil {
				return nil, "", err
			}
		}
		if by.Root != nil {
			if v, err = r.View(ctx, trust.State{trust.Root: by.Root}); err != nil {
				return nil, "", err
			}
		}
	}
	verdict := v.Judge(n.Tag, n.Digest)
	if verdict.Kind != "verified" {
		return nil, "", fmt.Errorf("%s: %s", verdict.Kind, verdict.Text())
	}
	about := v.Attestations(n.Digest)
	sorting.By(about, func(a, b trust.Attested) int { return b.At.Compare(a.At) })
	for _, a := range about {
		if s == nil || !trust.Predicate(a.Predicate).Is("profile") || !by.Counts(a.Signers) {
			continue
		}
		st, err := s.ReadAttestation(ctx, v, a)
		if err != nil {
			return nil, "", err
		}
		p, err := confine.Read(st.Body)
		if err != nil {
			return nil, "", fmt.Errorf("the profile attested by %s: %w", strings.Join(a.Signers, ", "), err)
		}
		return p, strings.Join(a.Signers, ", "), nil
	}
	if label == "" || !by.Counts(verdict.Signers) {
		return nil, "", nil
	}
	p, err := confine.Read([]byte(label))
	return p, strings.Join(verdict.Signers, ", "), err
}

// fromSigner takes a profile that is signed by whom the user trusts as it is, and tells
// what it gives beyond the hardened defaults.
func (x *running) fromSigner(p *confine.Profile, by string) (k known, err error) {
	fmt.Fprintf(x.env.Stderr, "note: under the profile that %s signed\n", foreign(by))
	_, more := confine.Hardened().Narrow(p)
	for _, what := range more {
		fmt.Fprintf(x.env.Stderr, "note: it gives %s\n", foreign(what))
	}
	k.Profile = p
	if p.Seccomp != nil {
		k.filter, err = x.keep(p)
	}
	return k, err
}
