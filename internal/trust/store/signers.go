package store

import (
	"context"
	"fmt"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
)

// NewSigner is a signer to be delegated to.
type NewSigner struct {
	Name      string
	Keys      []trust.Key // that sign images
	Threshold int         // of them
	Online    []trust.Key // that sign snapshots and timestamps for this signer; none: others do it
}

// AddSigner delegates to a signer, or replaces the keys of one. It takes the
// targets key; the signer's online keys take the root key.
func (s *Session) AddSigner(ctx context.Context, n NewSigner, propose bool) (*Outcome, error) {
	if err := trust.ValidSigner(n.Name); err != nil {
		return nil, err
	}
	if n.Threshold < 1 || n.Threshold > len(n.Keys) {
		return nil, fmt.Errorf("a threshold of %d with %s", n.Threshold, finding.Count(len(n.Keys), "key"))
	}
	at := s.Now()
	var claims trust.Claims
	return s.commit(ctx, func(a *trust.Assembly) (trust.Change, error) {
		if claims.Signers == nil {
			claims.Signers = map[string]trust.Delegate{n.Name: {Seq: a.Next(), At: at, Keys: n.Keys, Threshold: n.Threshold}}
		}
		ch := trust.Change{Claims: map[string]trust.Claims{"": claims}, Propose: propose}
		if len(n.Online) > 0 {
			for _, role := range []string{trust.Snapshot, trust.Timestamp} {
				ch.Root = append(ch.Root, trust.RootEdit{Role: role, Add: n.Online, Owner: n.Name})
			}
		}
		return ch, nil
	})
}

// RemoveSigner ends the delegation to a signer, and takes his online keys out of
// root. What he signed is not signed any more.
func (s *Session) RemoveSigner(ctx context.Context, name, reason string, propose bool) (*Outcome, error) {
	at := s.Now()
	var claims trust.Claims
	return s.commit(ctx, func(a *trust.Assembly) (trust.Change, error) {
		if claims.Signers == nil {
			if _, ok := a.Signers()[name]; !ok {
				return trust.Change{}, finding.WithHint(fmt.Errorf("%s is not a signer of %s", name, s.Name), "drydock trust inspect --pretty "+s.Name+" lists them")
			}
			claims.Signers = map[string]trust.Delegate{name: {Seq: a.Next(), At: at, Revoked: true, Reason: reason}}
		}
		ch := trust.Change{Claims: map[string]trust.Claims{"": claims}, Propose: propose}
		if ids := a.OnlineOf(name); len(ids) > 0 {
			for _, role := range []string{trust.Snapshot, trust.Timestamp} {
				ch.Root = append(ch.Root, trust.RootEdit{Role: role, Remove: ids})
			}
		}
		return ch, nil
	})
}
