package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/drydock-dev/drydock/internal/ledger"
)

// Spec is a container as the Engine's API has it, for one that is to run as somebody
// has described it, and not as [Run] has.
type Spec struct {
	Config   *container.Config
	Host     *container.HostConfig
	Platform string // "linux/arm64"; empty: the Engine's
	Networks []Attachment
	Created  func(id string) error // called between making the container and starting it; may be nil
}

// Attachment is a network that a container is in, by its id, and what it is called
// there.
type Attachment struct {
	Network string
	Aliases []string
}

// StartSpec makes a container and starts it. When that fails, nothing is left.
func (e *Engine) StartSpec(ctx context.Context, s Spec) (*Container, error) {
	if err := e.adapt(s.Host); err != nil {
		return nil, err
	}
	make := func(ctx context.Context, name string) (string, error) {
		opt := client.ContainerCreateOptions{Name: name, Config: s.Config, HostConfig: s.Host}
		if len(s.Networks) > 0 {
			first := s.Networks[0]
			s.Host.NetworkMode = container.NetworkMode(first.Network)
			opt.NetworkingConfig = &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{
				first.Network: {Aliases: slices.Clone(first.Aliases)},
			}}
		}
		made, err := e.api.ContainerCreate(ctx, opt)
		return made.ID, err
	}
	return e.launch(ctx, make, func(id string) error {
		for _, n := range s.Networks[min(1, len(s.Networks)):] { // an old Engine takes one at a time
			_, err := e.api.NetworkConnect(ctx, n.Network, client.NetworkConnectOptions{
				Container: id, EndpointConfig: &network.EndpointSettings{Aliases: slices.Clone(n.Aliases)},
			})
			if err != nil {
				return fmt.Errorf("connect container to its network: %w", err)
			}
		}
		if s.Created == nil {
			return nil
		}
		return s.Created(id)
	})
}

// adapt writes what Podman reads otherwise than Docker as Podman reads it. It takes a
// seccomp profile for the name of its file, and knows no owner of a tmpfs.
func (e *Engine) adapt(host *container.HostConfig) error {
	if !e.podman {
		return nil
	}
	host.Tmpfs = maps.Clone(host.Tmpfs) // the caller's stays as it is
	for at, opts := range host.Tmpfs {
		owned := false
		kept := slices.DeleteFunc(strings.Split(opts, ","), func(o string) bool {
			is := strings.HasPrefix(o, "uid=") || strings.HasPrefix(o, "gid=")
			owned = owned || is
			return is
		})
		if owned {
			kept = append(slices.DeleteFunc(kept, func(o string) bool { return strings.HasPrefix(o, "mode=") }), "mode=1777")
		}
		host.Tmpfs[at] = strings.Join(kept, ",")
	}
	for i, opt := range host.SecurityOpt {
		text, ok := strings.CutPrefix(opt, "seccomp=")
		if !ok || !strings.HasPrefix(strings.TrimSpace(text), "{") {
			continue
		}
		dir, err := e.opt.Ledger.Folder("seccomp")
		if err != nil {
			return err
		}
		e.mu.Lock()
		e.folders = append(e.folders, dir)
		e.mu.Unlock()
		at := filepath.Join(dir.Path, "profile.json")
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			return fmt.Errorf("seccomp profile: %w", err)
		}
		host.SecurityOpt[i] = "seccomp=" + at
	}
	return nil
}

// launch makes a container under a name that is written down before, and starts it.
func (e *Engine) launch(
	ctx context.Context, make func(ctx context.Context, name string) (id string, err error), created func(id string) error,
) (*Container, error) {
	m, err := e.mark(ctx, ledger.Container, makeWithin)
	if err != nil {
		return nil, err
	}
	long, cancel := context.WithTimeout(context.WithoutCancel(ctx), makeWithin)
	defer cancel()
	c, settled := &Container{e: e, api: e.api, mark: m}, false
	if c.ID, err = make(long, m.Entry().Name); err == nil {
		err = m.Made(c.ID)
	} else {
		settled = answered(err)
		err = fmt.Errorf("create container: %w", err)
	}
	if err == nil && created != nil {
		err = created(c.ID)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		if _, serr := e.api.ContainerStart(ctx, c.ID, client.ContainerStartOptions{}); serr != nil {
			err = fmt.Errorf("start container: %w", serr)
		}
	}
	if err != nil {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), makeWithin)
		defer cancel()
		return nil, errors.Join(err, e.unmake(clean, m, settled))
	}
	return c, nil
}

// Volume makes an empty volume of its own, and returns its name.
func (e *Engine) Volume(ctx context.Context) (string, error) {
	m, err := e.mark(ctx, ledger.Volume, makeWithin)
	if err != nil {
		return "", err
	}
	long, cancel := context.WithTimeout(context.WithoutCancel(ctx), makeWithin)
	defer cancel()
	name := m.Entry().Name
	if _, err := e.api.VolumeCreate(long, client.VolumeCreateOptions{Name: name}); err != nil {
		return "", errors.Join(fmt.Errorf("create volume: %w", err), e.unmake(long, m, answered(err)))
	}
	if err := ctx.Err(); err != nil {
		return "", errors.Join(err, e.unmake(long, m, true))
	}
	return name, nil
}
