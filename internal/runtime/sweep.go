package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// Remove takes away every container, network and image that carries all of the
// labels; an empty value stands for any. What is gone already is no error.
// Without labels it does nothing.
func (e *Engine) Remove(ctx context.Context, labels map[string]string) error {
	if len(labels) == 0 {
		return nil
	}
	f := client.Filters{}
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		l := k
		if v := labels[k]; v != "" {
			l += "=" + v
		}
		f = f.Add("label", l)
	}
	return e.remove(ctx, f, func(map[string]string) bool { return true })
}

// Sweep takes away what an earlier process made under the label and could not
// remove, because it was killed: everything whose label at holds a time, in
// seconds since 1970, that is older than before.
func (e *Engine) Sweep(ctx context.Context, label, at string, before time.Time) error {
	f := client.Filters{}.Add("label", label)
	return e.remove(ctx, f, func(labels map[string]string) bool {
		s, err := strconv.ParseInt(labels[at], 10, 64)
		return err == nil && time.Unix(s, 0).Before(before)
	})
}

func (e *Engine) remove(ctx context.Context, f client.Filters, old func(labels map[string]string) bool) error {
	var errs []error
	containers, err := e.api.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: f})
	errs = append(errs, err)
	for _, c := range containers.Items {
		if old(c.Labels) {
			errs = append(errs, removeContainer(ctx, e.api, c.ID))
		}
	}
	networks, err := e.api.NetworkList(ctx, client.NetworkListOptions{Filters: f})
	errs = append(errs, err)
	for _, n := range networks.Items {
		if old(n.Labels) {
			_, err := e.api.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{})
			errs = append(errs, gone("remove network", err))
		}
	}
	images, err := e.api.ImageList(ctx, client.ImageListOptions{All: true, Filters: f})
	errs = append(errs, err)
	for _, im := range images.Items {
		if old(im.Labels) {
			_, err := e.api.ImageRemove(ctx, im.ID, client.ImageRemoveOptions{Force: true, PruneChildren: true})
			errs = append(errs, gone("remove image", err))
		}
	}
	return errors.Join(errs...)
}

// removeContainer kills a container and takes it away with its volumes. The
// Engine may be at it already.
func removeContainer(ctx context.Context, api *client.Client, id string) error {
	_, err := api.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	if err != nil && strings.Contains(err.Error(), "is already in progress") {
		return nil
	}
	return gone("remove container", err)
}

// gone is err with what was done, and nil for what is not there any more.
func gone(what string, err error) error {
	if err == nil || errdefs.IsNotFound(err) {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
