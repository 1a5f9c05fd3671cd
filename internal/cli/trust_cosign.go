package cli

import (
	"context"
	"fmt"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

// copies writes what was signed as cosign reads it. It is signed without that too,
// so that trouble is told and fails nothing.
func (t *trustFlags) copies(ctx context.Context, s *store.Session, a *trust.Assembly, by []string, all []image.Resolved) {
	keys, err := s.Keys(a, by)
	if err == nil {
		err = s.Copy(ctx, all, keys)
	}
	if err != nil {
		t.warn("it is signed, and the copy for cosign is not written: "+err.Error(), err)
	}
}

// uncopy removes the copies of what was revoked, and says what cosign makes of it.
func (t *trustFlags) uncopy(ctx context.Context, s *store.Session, digests []finding.Digest, keys []trust.Key) {
	left := 0
	for _, d := range digests {
		n, err := s.Uncopy(ctx, d, keys)
		if err != nil {
			t.warn("the copies for cosign are not removed: "+err.Error(), err)
			return
		}
		left += n
	}
	if left > 0 {
		t.warn(fmt.Sprintf("the registry does not remove %s: cosign knows no revocation, and still takes them for signatures", finding.Count(left, "copy")), nil)
	}
}
