package store

import (
	"context"
	"errors"
	"io/fs"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
)

// Prune removes documents that are superseded, and gives how many. A registry that
// does not allow it says so.
func (s *Session) Prune(ctx context.Context) (int, error) {
	pin, err := s.Pin(ctx)
	if err != nil {
		return 0, err
	}
	if pin == nil {
		return 0, &UnsignedError{Repository: s.Name}
	}
	a, err := s.Assemble(ctx, pin.State)
	if err != nil {
		return 0, err
	}
	gone := map[trust.Listed]bool{}
	for _, l := range a.Superseded() {
		b, _, err := s.Manifest(ctx, tag(l))
		if errors.Is(err, fs.ErrNotExist) {
			continue // another removed it
		}
		if err != nil {
			return len(gone), err
		}
		if err := s.DeleteManifest(ctx, finding.DigestOf(b)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return len(gone), finding.WithHint(err, "the registry must allow deletion (docker-registry: storage.delete.enabled)")
		}
		gone[l] = true
	}
	// Some registries keep a tag whose manifest is gone.
	_, list, err := s.Shelf(ctx)
	if err != nil {
		return len(gone), err
	}
	for _, l := range list {
		if gone[l] {
			if err := s.DeleteTag(ctx, tag(l)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return len(gone), err
			}
		}
	}
	return len(gone), nil
}
