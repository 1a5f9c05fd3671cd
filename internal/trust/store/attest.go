package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/trust"
)

// Attest signs what a predicate says of a manifest: the attestation lies beside it
// as an artifact that cosign reads, and the repository's metadata sign that. It
// gives the artifact, and in whose names it is signed.
func (s *Session) Attest(ctx context.Context, to image.Resolved, predicate string, body []byte, only string) (finding.Digest, *Outcome, []string, error) {
	pin, err := s.Pin(ctx)
	if err != nil {
		return "", nil, nil, err
	}
	if pin == nil {
		return "", nil, nil, &UnsignedError{Repository: s.Name}
	}
	a, err := s.Assemble(ctx, pin.State)
	if err != nil {
		return "", nil, nil, err
	}
	by, err := s.signersHere(a, only)
	if err != nil {
		return "", nil, nil, err
	}
	by = slices.DeleteFunc(by, func(name string) bool { return name != "" && !a.CanSign(name, s.Ring, "", "") })
	if len(by) == 0 {
		return "", nil, nil, errors.New("no signer's threshold is met by the keys here, and an attestation has one signature")
	}
	keys, err := s.Keys(a, by[:1])
	if err != nil {
		return "", nil, nil, err
	}
	_, api, err := s.referrers(ctx, to.Digest, nil)
	if err != nil {
		return "", nil, nil, err
	}
	b, err := trust.SignStatement(trust.Statement{Subjects: []finding.Digest{to.Digest}, Predicate: predicate, Body: json.RawMessage(body)}, keys[0])
	if err != nil {
		return "", nil, nil, err
	}
	d, err := s.attach(ctx, to, b, predicate, api)
	if err != nil {
		return "", nil, nil, err
	}
	artifact, at := finding.Digest(d.Digest), s.Now()
	claims := map[string]trust.Claims{}
	out, err := s.commit(ctx, func(a *trust.Assembly) (trust.Change, error) {
		if len(claims) == 0 {
			claims[by[0]] = trust.Attest(a.Next(), at, d.Size, artifact, to.Digest, predicate)
		}
		return trust.Change{Claims: claims}, nil
	})
	return artifact, out, by[:1], err
}

// ReadAttestation fetches a signed attestation, and holds it to its artifact's
// digest, to the manifest that it is about, and to the keys of its signers.
func (s *Session) ReadAttestation(ctx context.Context, v *trust.View, at trust.Attested) (trust.Statement, error) {
	var keys []trust.Key
	for _, name := range at.Signers {
		keys = append(keys, v.KeysOf(name)...)
	}
	found, err := s.stored(ctx, at.About, at.Artifact, keys)
	if errors.Is(err, fs.ErrNotExist) {
		return trust.Statement{}, &trust.MissingError{Role: "attestation's"}
	}
	if err != nil {
		return trust.Statement{}, err
	}
	i := slices.IndexFunc(found, func(st Stored) bool { return st.Statement.Predicate == at.Predicate })
	if i < 0 {
		return trust.Statement{}, &trust.HashError{Role: fmt.Sprintf("attestation %s", at.Artifact.Short()), Why: "no key of its signer signed what it says"}
	}
	return found[i].Statement, nil
}
