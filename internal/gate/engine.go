package gate

import (
	"context"
	"strings"
	"sync"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/volume"
	"github.com/moby/moby/client"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Image is an image as an Engine has it.
type Image struct {
	ID         finding.Digest
	Containerd bool     // the id is of a manifest, and not of a configuration
	Tags       []string // names with tags
	Digests    []string // names with digests, as the Engine believes
	User       string
}

// Engine is what the gate asks the Engine itself. A thing that is not there is an error of
// errdefs.
type Engine interface {
	Image(ctx context.Context, ref string) (Image, error)
	Container(ctx context.Context, name string) (container.InspectResponse, error)
	Volume(ctx context.Context, name string) (volume.Volume, error)
	Network(ctx context.Context, name string) (driver string, err error)
	Host(ctx context.Context) (Host, error)
}

// Host is what the Engine says of its machine.
type Host struct {
	Folders       []string // where it keeps its data, and its sockets
	Containerd    bool     // its image store is containerd's: an image's id is its manifest's digest
	SharesCgroups bool     // every container is in the host's cgroup namespace: there is no other by default
}

// Docker is a Docker Engine, by its API. Its calls pass through the gate themselves, as
// reads.
type Docker struct {
	*client.Client

	mu    sync.Mutex
	asked bool
	host  Host
}

func (d *Docker) info(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.asked {
		return nil
	}
	got, err := d.Info(ctx, client.InfoOptions{})
	if err != nil {
		return err
	}
	containerd := false
	for _, s := range got.Info.DriverStatus {
		containerd = containerd || s[0] == "driver-type" && strings.HasPrefix(s[1], "io.containerd.snapshotter")
	}
	d.host, d.asked = Host{[]string{got.Info.DockerRootDir}, containerd, got.Info.CgroupVersion != "2"}, true
	if c := got.Info.Containerd; c != nil && c.Address != "" {
		d.host.Folders = append(d.host.Folders, c.Address)
	}
	if socket, ok := strings.CutPrefix(d.DaemonHost(), "unix://"); ok {
		d.host.Folders = append(d.host.Folders, socket)
	}
	return nil
}

// Host implements [Engine].
func (d *Docker) Host(ctx context.Context) (Host, error) {
	err := d.info(ctx)
	return d.host, err
}

// Image implements [Engine].
func (d *Docker) Image(ctx context.Context, ref string) (Image, error) {
	if err := d.info(ctx); err != nil {
		return Image{}, err
	}
	got, err := d.ImageInspect(ctx, ref)
	if err != nil {
		return Image{}, err
	}
	im := Image{ID: finding.Digest(got.ID), Containerd: d.host.Containerd, Tags: got.RepoTags, Digests: got.RepoDigests}
	if got.Config != nil {
		im.User = got.Config.User
	}
	return im, nil
}

// Container implements [Engine].
func (d *Docker) Container(ctx context.Context, name string) (container.InspectResponse, error) {
	got, err := d.ContainerInspect(ctx, name, client.ContainerInspectOptions{})
	return got.Container, err
}

// Volume implements [Engine].
func (d *Docker) Volume(ctx context.Context, name string) (volume.Volume, error) {
	got, err := d.VolumeInspect(ctx, name, client.VolumeInspectOptions{})
	return got.Volume, err
}

// Network implements [Engine].
func (d *Docker) Network(ctx context.Context, name string) (string, error) {
	got, err := d.NetworkInspect(ctx, name, client.NetworkInspectOptions{})
	return got.Network.Driver, err
}
