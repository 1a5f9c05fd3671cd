package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
)

// Revoke takes back the signatures of a tag, or of a digest for ever. Where the
// targets key is here it holds for all signers, else for those whose keys are.
func (s *Session) Revoke(ctx context.Context, tag string, d finding.Digest, reason string) (*Outcome, []string, error) {
	at := s.Now()
	var by []string
	claims := map[string]trust.Claims{}
	out, err := s.commit(ctx, func(a *trust.Assembly) (trust.Change, error) {
		if by != nil {
			return trust.Change{Claims: claims}, nil
		}
		names, err := s.revokers(a)
		if err != nil {
			return trust.Change{}, err
		}
		for _, name := range names {
			c, signed := a.Revocation(name, tag, d, at, reason)
			if signed {
				by, claims[name] = append(by, name), c
			}
		}
		if by == nil {
			what := tag
			if tag == "" {
				what = string(d)
			}
			return trust.Change{}, finding.WithHint(fmt.Errorf("%s is not signed by a key that is here", what), "drydock trust inspect --pretty "+s.Name+" shows by whom it is")
		}
		return trust.Change{Claims: claims}, nil
	})
	return out, by, err
}

// revokers are in whose names a revocation can be made.
func (s *Session) revokers(a *trust.Assembly) ([]string, error) {
	names, err := s.signersHere(a, "")
	if slices.ContainsFunc(a.Admins(), s.Ring.Has) && !slices.Contains(names, "") {
		return append([]string{""}, names...), nil
	}
	return names, err
}

// Refresh signs anew what soon expires, and makes all count that was written.
func (s *Session) Refresh(ctx context.Context) (*Outcome, error) {
	return s.commit(ctx, func(a *trust.Assembly) (trust.Change, error) {
		if len(a.OnlineHere(s.Ring)) == 0 {
			return trust.Change{}, &trust.ErrNoKey{Role: "snapshot and timestamp", Ids: a.OnlineOf("*")}
		}
		return trust.Change{Renew: true}, nil
	})
}
