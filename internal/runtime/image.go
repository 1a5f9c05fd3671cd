package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/drydock-dev/drydock/internal/ledger"
)

// Image is what an image says of how it is to be run.
type Image struct {
	ID         string
	Digests    []string // under which registries have it: "nginx@sha256:…"
	User       string   // as written; empty: root
	WorkDir    string
	Entrypoint []string
	Command    []string
	Exposed    []uint16 // TCP ports, sorted
	Volumes    []string // folders, sorted
	Labels     map[string]string
	Health     *HealthCheck // nil: none
	Size       int64        // bytes, as the Engine counts
	Arch       string       // that it is for, as Go has it; empty: it does not say
}

// Inspect asks what an image says of itself.
func (e *Engine) Inspect(ctx context.Context, ref string) (Image, error) {
	got, err := e.api.ImageInspect(ctx, ref)
	if err != nil {
		return Image{}, fmt.Errorf("inspect image: %w", err)
	}
	im := Image{ID: got.ID, Size: got.Size, Digests: got.RepoDigests, Arch: got.Architecture}
	c := got.Config
	if c == nil {
		return im, nil
	}
	im.User, im.WorkDir, im.Entrypoint, im.Command, im.Labels = c.User, c.WorkingDir, c.Entrypoint, c.Cmd, c.Labels
	for p := range c.ExposedPorts {
		if port, err := network.ParsePort(p); err == nil && port.Proto() == network.TCP {
			im.Exposed = append(im.Exposed, port.Num())
		}
	}
	slices.Sort(im.Exposed)
	im.Volumes = slices.Sorted(maps.Keys(c.Volumes))
	if h := c.Healthcheck; h != nil && len(h.Test) > 1 && h.Test[0] != "NONE" {
		im.Health = &HealthCheck{Test: h.Test, Timeout: h.Timeout, Start: h.StartPeriod, Retries: h.Retries, Interval: h.Interval, Shell: c.Shell}
	}
	return im, nil
}

// Network makes a bridge network of its own, and returns its id. Nothing on it
// reaches another network: what leaves it keeps an address that nobody answers.
// Ports that are published on the loopback work.
func (e *Engine) Network(ctx context.Context, labels map[string]string) (string, error) {
	return e.network(ctx, labels, false)
}

// InternalNetwork is [Engine.Network] without a way out: no port of it is published.
func (e *Engine) InternalNetwork(ctx context.Context, labels map[string]string) (string, error) {
	return e.network(ctx, labels, true)
}

func (e *Engine) network(ctx context.Context, labels map[string]string, internal bool) (string, error) {
	m, err := e.mark(ctx, ledger.Network, makeWithin)
	if err != nil {
		return "", err
	}
	long, cancel := context.WithTimeout(context.WithoutCancel(ctx), makeWithin)
	defer cancel()
	made, err := e.api.NetworkCreate(long, m.Entry().Name, client.NetworkCreateOptions{
		Driver: "bridge", Labels: labels, Internal: internal,
		Options: map[string]string{"com.docker.network.bridge.enable_ip_masquerade": "false"},
	})
	if err != nil {
		return "", errors.Join(fmt.Errorf("create network: %w", err), e.unmake(long, m, answered(err)))
	}
	if err := errors.Join(m.Made(made.ID), ctx.Err()); err != nil {
		return "", errors.Join(err, e.unmake(long, m, true))
	}
	return made.ID, nil
}

// Line is the command line of a health check as the Engine runs it: by a shell where
// the check is one for a shell. A nil one has none.
func (h *HealthCheck) Line() []string {
	if h == nil || len(h.Test) < 2 {
		return nil
	}
	if h.Test[0] == "CMD-SHELL" {
		shell := h.Shell
		if len(shell) == 0 {
			shell = []string{"/bin/sh", "-c"}
		}
		return slices.Concat(shell, h.Test[1:2])
	}
	return h.Test[1:]
}
