package cli

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

func (t *trustFlags) initDraft(ctx context.Context, s *store.Session, o initFlags) error {
	keys, err := firstKeys(o.rootKeys)
	if err != nil {
		return err
	}
	b, d, err := s.Draft(ctx, trust.KeyType(o.kind), o.days, keys, o.threshold)
	if err != nil {
		return err
	}
	if err := t.writeRootFile(d); err != nil {
		return err
	}
	return t.begun(b, "", "%s: %s", t.output, draftText(d, t.output))
}

func (t *trustFlags) initWith(ctx context.Context, s *store.Session, o initFlags) error {
	root, err := readSmall(o.signed, trust.MaxRoot)
	if err != nil {
		return err
	}
	if err := s.BeginWith(ctx, root); err != nil {
		return err
	}
	return t.say(map[string]any{"repository": s.Name}, "%s can be signed now; its root is pinned here", s.Name)
}

func (t *trustFlags) writeRootFile(d trust.RootDraft) error {
	return t.writeTo(t.output, func(w io.Writer) error {
		_, err := w.Write(d.Bytes)
		return err
	})
}

// firstKeys are the public keys of files, the first of each.
func firstKeys(files []string) ([]trust.Key, error) {
	var out []trust.Key
	for _, file := range files {
		b, err := readSmall(file, 64<<10)
		if err != nil {
			return nil, err
		}
		keys, err := trust.PublicKeys(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if slices.ContainsFunc(out, keys[0].Same) {
			return nil, usageError{fmt.Errorf("%s has a key that was named already", file), "each person has a root key of their own"}
		}
		out = append(out, keys[0])
	}
	return out, nil
}
