package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
)

// toSign is the digest to sign: the one that the registry has, or, of an image
// that is only in the Engine, the one that it is pushed under.
func (t *trustFlags) toSign(ctx context.Context, m *image.Remote, n image.Name, o signFlags) (string, error) {
	if n.Digest != "" {
		return string(n.Digest), nil
	}
	there, err := m.Resolve(ctx, n.Tag)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if o.remote && err == nil {
		return string(there[0].Digest), nil
	}
	ref := n.String()
	local, localErr := t.localImage(ctx, ref)
	switch {
	case o.remote:
		return "", err
	case o.local && local == nil:
		return "", errors.Join(fmt.Errorf("%s is not in the Docker Engine", ref), localErr)
	case local == nil && err != nil:
		return "", finding.WithHint(errors.Join(fmt.Errorf("%s is neither in the registry nor in the Docker Engine", ref), localErr), "check the name and the tag; docker image ls lists what is here")
	case local == nil:
		return string(there[0].Digest), nil
	case err == nil && !o.local:
		if same(local, there) {
			return string(there[0].Digest), nil
		}
		return "", usageError{
			fmt.Errorf("%s is another image in the Docker Engine (%s) than in the registry (%s)", ref, local.ID, there[0].Digest),
			"--local pushes and signs the Engine's, --remote signs the registry's",
		}
	}
	bar := t.progress()
	defer bar.done()
	opt := t.images()
	opt.Progress = bar.update
	d, err := image.Push(ctx, ref, opt)
	return string(d), err
}

// localImage is the Engine's image of a name; nil: it has none, or is not there.
func (t *trustFlags) localImage(ctx context.Context, ref string) (*image.Local, error) {
	l, err := image.OpenLocals(t.images())
	if err != nil {
		return nil, err
	}
	got, err := l.Get(ctx, ref)
	return got, errors.Join(err, l.Close())
}

// same reports whether the Engine's image is one of those that the registry has
// under the tag, by the digest of its manifest, its index or its configuration.
func same(local *image.Local, there []image.Resolved) bool {
	return slices.ContainsFunc(there, func(m image.Resolved) bool {
		return local.ID == m.Digest || local.ID == m.Config
	})
}
