package runtime

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// Confinement is what a container may do less, or more, than the Engine's defaults
// and [Run] say. The zero value changes nothing.
type Confinement struct {
	Seccomp       string            // a profile's JSON, "unconfined", or empty: the Engine's default
	Capabilities  []string          // exactly these, without "CAP_"; nil: the Engine's default
	NewPrivileges bool              // a set-user-ID program may gain some
	ReadOnly      bool              // the root file system
	Tmpfs         map[string]string // path -> mount options
	Volumes       []string          // folders on fresh volumes, which start as the image has them
	User          string            // "UID:GID"; empty: the image's
	Nofile        int64             // open files per process; 0: the Engine's default
	Nproc         int64             // processes of its user on the whole machine; 0: the Engine's default
	CPUs          float64           // processors; 0: as [Run] says
}

// apply writes the confinement into a container's settings.
func (c Confinement) apply(cfg *container.Config, host *container.HostConfig) {
	if c.User != "" {
		cfg.User = c.User
	}
	if c.NewPrivileges {
		host.SecurityOpt = slices.DeleteFunc(host.SecurityOpt, func(s string) bool { return s == "no-new-privileges" })
	}
	if c.Seccomp != "" {
		host.SecurityOpt = append(host.SecurityOpt, "seccomp="+c.Seccomp)
	}
	if c.Capabilities != nil {
		host.CapDrop, host.CapAdd = []string{"ALL"}, c.Capabilities
	}
	host.ReadonlyRootfs, host.Tmpfs = c.ReadOnly, c.Tmpfs
	for _, dir := range c.Volumes {
		if cfg.Volumes == nil {
			cfg.Volumes = map[string]struct{}{}
		}
		cfg.Volumes[dir] = struct{}{}
	}
	for name, n := range map[string]int64{"nofile": c.Nofile, "nproc": c.Nproc} {
		if n > 0 {
			host.Ulimits = append(host.Ulimits, &container.Ulimit{Name: name, Soft: n, Hard: n})
		}
	}
}

// Runtime is the program that an Engine starts containers with.
type Runtime struct {
	Name    string // "runc"
	Version string // "1.1.5"; empty: the Engine does not say
	Kernel  string // of the Engine's machine
	CgroupV string // version of cgroups: "1" or "2"
	Local   bool   // the Engine's machine is this one
}

// Runtime asks what the Engine starts containers with.
func (e *Engine) Runtime(ctx context.Context) (Runtime, error) {
	info, err := e.api.Info(ctx, client.InfoOptions{})
	if err != nil {
		return Runtime{}, fmt.Errorf("docker engine: %w", err)
	}
	r := Runtime{Name: info.Info.DefaultRuntime, Kernel: info.Info.KernelVersion, CgroupV: info.Info.CgroupVersion, Local: e.Local()}
	v, err := e.api.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		return Runtime{}, fmt.Errorf("docker engine: %w", err)
	}
	for _, c := range v.Components {
		if strings.EqualFold(c.Name, r.Name) || c.Name == "OCI Runtime ("+r.Name+")" {
			r.Version = versionIn(c.Version, r.Name)
		}
	}
	return r, nil
}

// versionIn is a version without a distribution's own suffix. Podman tells all that the
// runtime prints: "crun version 1.8.1", and more lines.
func versionIn(s, name string) string {
	s, _, _ = strings.Cut(s, "\n")
	s, _, _ = strings.Cut(strings.TrimPrefix(s, name+" version "), "+")
	return strings.TrimSpace(s)
}

// Change is a path of a container's file system that is not as the image has it.
type Change struct {
	Path    string
	Deleted bool
}

// Changes asks what the container wrote outside of volumes and tmpfs. A folder of
// which only itself is said to have changed is left out: what was in it is gone, or a
// runtime has mounted something there.
func (c *Container) Changes(ctx context.Context) ([]Change, error) {
	got, err := c.api.ContainerDiff(ctx, c.ID, client.ContainerDiffOptions{})
	if err != nil {
		return nil, fmt.Errorf("changes of container: %w", err)
	}
	above := map[string]bool{}
	for _, ch := range got.Changes {
		above[path.Dir(ch.Path)] = true
	}
	var all []Change
	for _, ch := range got.Changes {
		if ch.Kind == container.ChangeModify && !above[ch.Path] {
			st, err := c.api.ContainerStatPath(ctx, c.ID, client.ContainerStatPathOptions{Path: ch.Path})
			if err == nil && st.Stat.Mode.IsDir() {
				continue
			}
		}
		all = append(all, Change{ch.Path, ch.Kind == container.ChangeDelete})
	}
	return all, nil
}

// Stop asks the container to stop with its own stop signal, and kills it when the
// grace is over. It returns the exit code.
func (c *Container) Stop(ctx context.Context, grace time.Duration) (int, error) {
	seconds := int(grace / time.Second)
	if _, err := c.api.ContainerStop(ctx, c.ID, client.ContainerStopOptions{Timeout: &seconds}); err != nil {
		return 0, fmt.Errorf("stop container: %w", err)
	}
	return c.Wait(ctx)
}

// Signal sends the container's first process a signal: "HUP".
func (c *Container) Signal(ctx context.Context, name string) error {
	if _, err := c.api.ContainerKill(ctx, c.ID, client.ContainerKillOptions{Signal: name}); err != nil {
		return fmt.Errorf("send %s to container: %w", name, err)
	}
	return nil
}
