package agent

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/server/api"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// held are an Engine's images, by their ids and by their names.
type held struct {
	byID  map[finding.Digest]*runtime.Held
	byRef map[string]*runtime.Held
}

func holds(images []runtime.Held) held {
	h := held{map[finding.Digest]*runtime.Held{}, map[string]*runtime.Held{}}
	for i := range images {
		h.byID[images[i].ID] = &images[i]
		for _, r := range images[i].Refs {
			h.byRef[r] = &images[i]
		}
	}
	return h
}

// tagged is a reference with the tag that Docker adds to it.
func tagged(ref string) string {
	if strings.Contains(ref, "@") {
		return ref
	}
	if i := strings.LastIndexByte(ref, ':'); i > strings.LastIndexByte(ref, '/') {
		return ref
	}
	return ref + ":latest"
}

// refOf is the name that a container's image was asked for by; an image that was asked
// for by its id has the first of its names.
func (h held) refOf(c *container.InspectResponse) string {
	id := finding.Digest(c.Image)
	ref := c.Config.Image
	byID := ref == "" || strings.HasPrefix(ref, "sha256:") || len(ref) >= 12 && strings.HasPrefix(id.Hex(), ref)
	if !byID {
		return tagged(ref)
	}
	if im := h.byID[id]; im != nil && len(im.Refs) > 0 {
		return im.Refs[0]
	}
	return c.Image
}

// containers are those that run, as the service is told.
func containers(running []container.InspectResponse, images []runtime.Held) []store.Container {
	h := holds(images)
	out := make([]store.Container, 0, len(running))
	for i := range running {
		c := &running[i]
		id := finding.Digest(c.Image)
		if !id.IsSHA256() {
			continue
		}
		k := store.Container{
			ID: c.ID, Name: strings.TrimPrefix(c.Name, "/"), Ref: h.refOf(c), Digest: c.Image, Since: started(c), Declared: declared(c),
		}
		if im := h.byID[id]; im != nil {
			k.Served = im.Digests
		}
		if now := h.byRef[k.Ref]; now != nil && now.ID != id {
			k.Moved = string(now.ID)
		}
		out = append(out, k)
	}
	return out
}

// started is since when a container runs.
func started(c *container.InspectResponse) time.Time {
	for _, s := range []string{c.State.StartedAt, c.Created} {
		if t, err := time.Parse(time.RFC3339Nano, s); err == nil && t.Year() > 1 {
			return t.UTC().Truncate(time.Millisecond)
		}
	}
	return time.Unix(0, 0).UTC()
}

// wanted are the images that the service should know. An image that runs, but has lost
// its name to another, is called by its name and its id.
func wanted(running []container.InspectResponse, images []runtime.Held, which Which) []api.HeldImage {
	h := holds(images)
	all := map[string]api.HeldImage{}
	want := func(ref string, id finding.Digest, served []finding.Digest) {
		im := api.HeldImage{Ref: ref, Digest: id, Served: served}
		all[keyOf(im)] = im
	}
	for i := range running {
		c := &running[i]
		id, ref := finding.Digest(c.Image), h.refOf(c)
		if !id.IsSHA256() {
			continue
		}
		im := h.byID[id]
		switch {
		case im == nil:
			want(nameless(ref, id), id, nil)
		case h.byRef[ref] == im:
			want(ref, id, im.Digests)
		default:
			want(nameless(ref, id), id, im.Digests)
		}
	}
	if which != Runs {
		for i := range images {
			for _, ref := range images[i].Refs {
				want(ref, images[i].ID, images[i].Digests)
			}
		}
	}
	out := make([]api.HeldImage, 0, len(all))
	for _, im := range all {
		out = append(out, im)
	}
	sorting.By(out, func(a, b api.HeldImage) int { return strings.Compare(keyOf(a), keyOf(b)) })
	return out
}

func nameless(ref string, id finding.Digest) string {
	name, _, _ := strings.Cut(ref, "@")
	if name == "sha256" || strings.HasPrefix(ref, "sha256:") {
		return "image@" + string(id)
	}
	return name + "@" + string(id)
}

// sockets are where an Engine listens.
func sockets() []string {
	return []string{"/var/run/docker.sock", "/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock"}
}

// declared is what a container asks for.
func declared(c *container.InspectResponse) *store.Declared {
	hc := c.HostConfig
	d := &store.Declared{
		User: c.Config.User, Privileged: hc.Privileged, ReadOnly: hc.ReadonlyRootfs, Memory: hc.Memory,
		Add: slices.Sorted(slices.Values(hc.CapAdd)), Drop: slices.Sorted(slices.Values(hc.CapDrop)),
	}
	if hc.PidsLimit != nil && *hc.PidsLimit > 0 {
		d.Processes = *hc.PidsLimit
	}
	for _, n := range []struct {
		shares bool
		name   string
	}{{hc.NetworkMode.IsHost(), "network"}, {hc.PidMode.IsHost(), "pid"}, {hc.IpcMode.IsHost(), "ipc"}, {hc.UTSMode.IsHost(), "uts"}, {hc.UsernsMode.IsHost(), "user"}} {
		if n.shares {
			d.Shares = append(d.Shares, n.name)
		}
	}
	for _, o := range hc.SecurityOpt {
		name, value, _ := strings.Cut(strings.Replace(o, "=", ":", 1), ":")
		switch {
		case name == "no-new-privileges" && value != "false":
			d.NoNew = true
		case value == "unconfined" || value == "disable":
			d.Unconfined = append(d.Unconfined, name)
		}
	}
	for p, list := range hc.PortBindings {
		for _, b := range list {
			at := b.HostIP.String()
			if !b.HostIP.IsValid() {
				at = "0.0.0.0"
			}
			d.Ports = append(d.Ports, fmt.Sprintf("%s:%s->%s", at, b.HostPort, p))
		}
	}
	for _, m := range c.Mounts {
		if m.Type != "bind" {
			continue
		}
		if slices.Contains(sockets(), m.Source) {
			d.EngineSocket = true
		}
		if m.RW {
			d.Writes = append(d.Writes, m.Source)
		}
	}
	slices.Sort(d.Unconfined)
	slices.Sort(d.Ports)
	slices.Sort(d.Writes)
	return d
}
