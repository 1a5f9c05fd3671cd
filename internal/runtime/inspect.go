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
// not set; false: there is no such network.
func (e *Engine) Option(ctx context.Context, network, option string) (value string, there bool, err error) {
	got, err := e.api.NetworkInspect(ctx, network, client.NetworkInspectOptions{})
	switch {
	case errdefs.IsNotFound(err):
		return "", false, nil
	case err != nil:
		return "", false, fmt.Errorf("inspect network %s: %w", network, err)
	}
	return got.Network.Options[option], true, nil
}

// Processes lists what runs in a container: each process with its arguments.
func (e *Engine) Processes(ctx context.Context, id string) ([]string, error) {
	got, err := e.api.ContainerTop(ctx, id, client.ContainerTopOptions{Arguments: []string{"-eo", "pid,args"}})
	if errdefs.IsConflict(err) || errdefs.IsNotFound(err) {
		return nil, nil // it has ended since
	}
	if err != nil {
		return nil, fmt.Errorf("processes of container %s: %w", id[:min(12, len(id))], err)
	}
	var out []string
	for _, p := range got.Processes {
		if len(p) > 0 {
			out = append(out, p[len(p)-1])
		}
	}
	return out, nil
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
