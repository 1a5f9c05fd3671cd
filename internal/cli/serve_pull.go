package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/distribution/reference"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// alone is a pipeline of a service: it asks no service, and never opens the socket of an
// Engine, which is the agent's to do.
func (f *flags) alone() (*check.Pipeline, error) {
	p, err := f.pipeline()
	if err != nil {
		return nil, err
	}
	p.Service = nil
	p.Getenv = func(k string) string {
		if k == "DOCKER_HOST" {
			return "unix:///nonexistent"
		}
		return f.env.Getenv(k)
	}
	return p, nil
}

// puller looks at an image in a registry, for a service that was told of it.
func (f *flags) puller() (func(ctx context.Context, at string) (store.NewImage, error), error) {
	p, err := f.alone()
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, at string) (store.NewImage, error) {
		res, err := p.Run(ctx, "registry://"+at, check.Ask{Inventory: true})
		if err != nil {
			return store.NewImage{}, err
		}
		if len(res.Targets) != 1 || res.Targets[0].Inventory == nil {
			return store.NewImage{}, errors.New("it holds nothing that can be listed")
		}
		t := &res.Targets[0]
		img := store.NewImage{Inventory: t.Inventory}
		bases := 0
		if t.Base != nil {
			img.Base, bases = t.Base.Ref, t.Base.Layers
		}
		if im := t.Image; im != nil {
			img.Platform, img.User = im.Platform, &im.Config.Config.User
			for i, l := range im.Layers {
				img.Size += max(l.Size, 0)
				row := store.Layer{Digest: l.DiffID, Size: max(l.Size, 0), Base: i < bases}
				if l.Step >= 0 && l.Step < len(im.Steps) {
					row.Command = im.Steps[l.Step].CreatedBy
				}
				img.Layers = append(img.Layers, row)
			}
		}
		return img, nil
	}, nil
}

// registryHosts refuses what is no host of a registry: an address, or a repository.
func registryHosts(hosts []string) error {
	for _, h := range hosts {
		n, err := reference.ParseNormalizedNamed(h + "/a/name")
		if err != nil || reference.Domain(n) != h || reference.Path(n) != "a/name" {
			return usageError{fmt.Errorf("--registry %s is no host of a registry", h), "--registry registry.example:5000"}
		}
	}
	return nil
}
