package runtime

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// inspectedAtOnce is how many containers are asked about at a time.
const inspectedAtOnce = 8

// Running lists the containers that run, with how they are configured, in the order
// of their ids. One that ends meanwhile is left out.
func (e *Engine) Running(ctx context.Context) ([]container.InspectResponse, error) {
	got, err := e.api.ContainerList(ctx, client.ContainerListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list containers: %w", err)
	}
	all := make([]container.InspectResponse, len(got.Items))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(inspectedAtOnce)
	for i, c := range got.Items {
		work.Go(func() error {
			in, err := e.api.ContainerInspect(ctx, c.ID, client.ContainerInspectOptions{})
			if err != nil && !errdefs.IsNotFound(err) {
				return fmt.Errorf("inspect container %s: %w", c.ID, err)
			}
			all[i] = in.Container
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(c container.InspectResponse) bool {
		return c.ID == "" || c.Config == nil || c.HostConfig == nil || c.State == nil || !c.State.Running
	})
	sorting.By(all, func(a, b container.InspectResponse) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

// Held is an image that the Engine has.
type Held struct {
	ID      finding.Digest
	Refs    []string         // "acme/web:1.4"
	Digests []finding.Digest // under which registries serve it
}

// Images lists the images that the Engine has.
func (e *Engine) Images(ctx context.Context) ([]Held, error) {
	got, err := e.api.ImageList(ctx, client.ImageListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list images: %w", err)
	}
	var out []Held
	for _, im := range got.Items {
		h := Held{ID: finding.Digest(im.ID)}
		if !h.ID.IsSHA256() {
			continue
		}
		for _, r := range im.RepoTags {
			if !strings.Contains(r, "<none>") {
				h.Refs = append(h.Refs, r)
			}
		}
		for _, r := range im.RepoDigests {
			if _, d, ok := strings.Cut(r, "@"); ok && finding.Digest(d).IsSHA256() {
				h.Digests = append(h.Digests, finding.Digest(d))
			}
		}
		slices.Sort(h.Refs)
		slices.Sort(h.Digests)
		out = append(out, h)
	}
	sorting.By(out, func(a, b Held) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return out, nil
}

// changes are the actions after which containers that run, or images, are others.
func changes() []events.Action {
	return []events.Action{
		events.ActionStart, events.ActionDie, events.ActionDestroy, events.ActionRename, events.ActionUpdate,
		events.ActionTag, events.ActionUnTag, events.ActionPull, events.ActionLoad, events.ActionImport, events.ActionDelete,
	}
}

// Watch calls changed whenever a container or an image may have changed, until ctx or
// the connection ends, which is the error. ready is called once the Engine listens: what
// happens from then on is told.
func (e *Engine) Watch(ctx context.Context, ready, changed func()) error {
	wanted := make(client.Filters).Add("type", string(events.ContainerEventType), string(events.ImageEventType))
	for _, a := range changes() {
		wanted = wanted.Add("event", string(a))
	}
	got := e.api.Events(ctx, client.EventsListOptions{Filters: wanted})
	ready()
	for {
		select {
		case <-got.Messages:
			changed()
		case err := <-got.Err:
			return fmt.Errorf("events of the engine: %w", err)
		}
	}
}

// Machine is the Engine's own id, and its name for its machine.
func (e *Engine) Machine(ctx context.Context) (id, name string, err error) {
	got, err := e.Info(ctx)
	if err != nil {
		return "", "", err
	}
	if err := e.identify(ctx); err != nil {
		return "", "", err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.identity, got.Name, nil
}
