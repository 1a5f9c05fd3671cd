package runtime

import (
	"context"
	"fmt"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/system"
	"github.com/moby/moby/client"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Info asks the Engine for what it says of itself and of its machine.
func (e *Engine) Info(ctx context.Context) (system.Info, error) {
	got, err := e.api.Info(ctx, client.InfoOptions{})
	if err != nil {
		return system.Info{}, fmt.Errorf("docker engine: %w", err)
	}
	return got.Info, nil
}

// Socket is the path of the Unix socket on which the Engine answers; empty: it is
// reached otherwise.
func (e *Engine) Socket() string {
	path, ok := strings.CutPrefix(e.api.DaemonHost(), "unix://")
	if !ok {
		return ""
	}
	return path
}

// Containers lists the ids of all containers that the Engine has, whether they run
// or not.
func (e *Engine) Containers(ctx context.Context) ([]string, error) {
	got, err := e.api.ContainerList(ctx, client.ContainerListOptions{All: true})
	if err != nil {
		return nil, fmt.Errorf("list containers: %w", err)
	}
	ids := make([]string, len(got.Items))
	for i, c := range got.Items {
		ids[i] = c.ID
	}
	return ids, nil
}

// InspectContainer asks how a container is configured, by its name or id.
func (e *Engine) InspectContainer(ctx context.Context, name string) (container.InspectResponse, error) {
	got, err := e.api.ContainerInspect(ctx, name, client.ContainerInspectOptions{})
	if errdefs.IsNotFound(err) {
		return container.InspectResponse{}, finding.WithHint(fmt.Errorf("the Engine has no container %q: %w", name, err), "docker ps --all lists them")
	}
	if err != nil {
		return container.InspectResponse{}, fmt.Errorf("inspect container %s: %w", name, err)
	}
	return got.Container, nil
}

// Option is the value of an option of one of the Engine's networks, "" where it is
// not set; false: it is not known.
func (e *Engine) Option(ctx context.Context, network, option string) (string, bool) {
	got, err := e.api.NetworkInspect(ctx, network, client.NetworkInspectOptions{})
	if err != nil {
		return "", false
	}
	return got.Network.Options[option], true
}

// Attach is a container that somebody else started, by its name or id, and how it is
// configured. It is never stopped or taken away.
func (e *Engine) Attach(ctx context.Context, name string) (*Container, container.InspectResponse, error) {
	got, err := e.InspectContainer(ctx, name)
	if err != nil {
		return nil, got, err
	}
	return &Container{ID: got.ID, e: e, api: e.api}, got, nil
}
