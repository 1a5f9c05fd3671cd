package runtime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/drydock-dev/drydock/internal/ledger"
)

// What a container may use where [Run] says nothing else.
const (
	// maxMemory limits the bytes of memory of a proof's container, without swap.
	maxMemory = 2 << 30
	// maxPIDs limits the processes and threads of a proof's container.
	maxPIDs = 2048
	// maxCPUs limits the processors of a proof's container.
	maxCPUs = 2
	// maxDisk limits the bytes that a proof's container writes, where the Engine can limit them.
	maxDisk = 10 << 30
)

// Run is a container to start. It gets no privilege beyond the Engine's
// defaults, gains none by a set-user-ID program, does not restart, and has limits
// on memory, processors, processes and, where the Engine can, on what it writes.
type Run struct {
	Image   string
	Labels  map[string]string
	Network string        // id of [Engine.Network]; empty: none at all
	Publish []uint16      // TCP ports to publish on this machine's loopback, each on a free port
	Command []string      // instead of the image's entry point and command; nil: the image's
	Health  *HealthCheck  // instead of the image's; nil: the image's
	Memory  int64         // bytes; 0: maxMemory
	PIDs    int64         // processes and threads; 0: maxPIDs
	CPUs    int           // processors, as far as there are; 0: maxCPUs
	Disk    int64         // bytes written outside of volumes, see [Engine.LimitsDisk]; 0: maxDisk
	Grace   time.Duration // between asking it to stop and killing it; 0: 5 s
	Env     []string      // "NAME=value", beside the image's
	Mounts  []Mount       // read only
	Confine Confinement
	Created func(id string) error // called between making the container and starting it; may be nil
}

// Mount is a folder of this machine, or a volume, that a container sees and cannot
// write.
type Mount struct {
	Source, Target string
	Volume         bool // Source is a volume's name
}

// API is the mount as the Engine's API has it.
func (m Mount) API() mount.Mount {
	kind := mount.TypeBind
	if m.Volume {
		kind = mount.TypeVolume
	}
	return mount.Mount{Type: kind, Source: m.Source, Target: m.Target, ReadOnly: true}
}

// HealthCheck is an image's HEALTHCHECK. Test begins with "CMD" or "CMD-SHELL".
type HealthCheck struct {
	Test     []string
	Timeout  time.Duration
	Start    time.Duration // the start period, in which a failure does not count
	Retries  int
	Interval time.Duration
	Shell    []string // the image's SHELL; nil: /bin/sh -c
}

// API is the check as the Engine's API has it.
func (h HealthCheck) API() *container.HealthConfig {
	return &container.HealthConfig{Test: h.Test, Interval: h.Interval, Timeout: h.Timeout, StartPeriod: h.Start, Retries: h.Retries}
}

// Container is a container that was started.
type Container struct {
	ID   string
	e    *Engine
	api  *client.Client
	mark *ledger.Mark
}

// State is how a container is at one moment.
type State struct {
	Running  bool
	PID      int // of the first process, as the Engine's machine counts; 0: it does not run
	ExitCode int
	OOM      bool              // killed because its memory was not enough
	Health   string            // "starting", "healthy", "unhealthy"; empty: no check
	Check    string            // what the last health check printed
	Checks   int               // how many health checks the Engine remembers
	Ports    map[uint16]string // published where this machine reaches it: container's port -> "127.0.0.1:49153"
	Address  netip.Addr        // its own, in one of its networks; the zero Addr: none
	Mounted  []string          // where volumes and folders of the machine are mounted
}

// makeWithin is how long the Engine may take to make a container or a network.
// It is not interrupted: it would go on, and the id would be lost.
const makeWithin = time.Minute

// Start makes a container and starts it. When that fails, nothing is left.
func (e *Engine) Start(ctx context.Context, r Run) (*Container, error) {
	if err := e.identify(ctx); err != nil {
		return nil, err
	}
	cfg, host, err := e.shape(r)
	if err != nil {
		return nil, err
	}
	if err := e.adapt(host); err != nil {
		return nil, err
	}
	make := func(long context.Context, name string) (string, error) {
		return e.create(ctx, long, name, cfg, host, r)
	}
	return e.launch(ctx, make, r.Created)
}

// create makes a container under a name, and returns its id. An Engine whose
// storage cannot limit what a container writes refuses one with such a limit; it
// is then made without, and no other is tried with one.
func (e *Engine) create(ctx, long context.Context, name string, cfg *container.Config, host *container.HostConfig, r Run) (string, error) {
	opt := client.ContainerCreateOptions{Name: name, Config: cfg, HostConfig: host}
	if e.LimitsDisk() {
		host.StorageOpt = map[string]string{"size": strconv.FormatInt(orElse(r.Disk, maxDisk), 10)}
	}
	made, err := e.api.ContainerCreate(long, opt)
	if err != nil && host.StorageOpt != nil && ctx.Err() == nil {
		host.StorageOpt = nil
		if made, err = e.api.ContainerCreate(long, opt); err == nil {
			e.mu.Lock()
			e.noSize = true
			e.mu.Unlock()
		}
	}
	return made.ID, err
}

// LimitsDisk reports whether the Engine limits what a container writes. Until
// the first one was started, it is taken to.
func (e *Engine) LimitsDisk() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.noSize
}

// shape is a container as the Engine's API has it.
func (e *Engine) shape(r Run) (*container.Config, *container.HostConfig, error) {
	cfg := &container.Config{Image: r.Image, Labels: r.Labels, Env: r.Env}
	if r.Command != nil {
		cfg.Entrypoint, cfg.Cmd = r.Command[:1], r.Command[1:]
	}
	if h := r.Health; h != nil {
		cfg.Healthcheck = h.API()
	}
	grace := int(orElse(int64(r.Grace), int64(5*time.Second)) / int64(time.Second))
	cfg.StopTimeout = &grace
	host := &container.HostConfig{
		NetworkMode: "none",
		LogConfig:   container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "10m"}},
		SecurityOpt: []string{"no-new-privileges"},
	}
	for _, m := range r.Mounts {
		host.Mounts = append(host.Mounts, m.API())
	}
	r.Confine.apply(cfg, host)
	if r.Network != "" {
		host.NetworkMode = container.NetworkMode(r.Network)
	}
	host.Memory = orElse(r.Memory, maxMemory)
	host.MemorySwap = host.Memory // no swap beside it
	pids := orElse(r.PIDs, maxPIDs)
	host.PidsLimit = &pids
	host.NanoCPUs = orElse(int64(r.CPUs), maxCPUs) * 1e9
	if c := r.Confine.CPUs; c > 0 {
		host.NanoCPUs = int64(c * 1e9)
	}
	if has := int64(e.processors()); has > 0 {
		host.NanoCPUs = min(host.NanoCPUs, has*1e9) // more is an error
	}
	if len(r.Publish) > 0 {
		cfg.ExposedPorts, host.PortBindings = network.PortSet{}, network.PortMap{}
		for _, p := range r.Publish {
			port, ok := network.PortFrom(p, network.TCP)
			if !ok {
				return nil, nil, fmt.Errorf("no port %d", p)
			}
			cfg.ExposedPorts[port] = struct{}{}
			host.PortBindings[port] = []network.PortBinding{{HostIP: netip.AddrFrom4([4]byte{127, 0, 0, 1})}}
		}
	}
	return cfg, host, nil
}

func orElse(v, otherwise int64) int64 {
	if v == 0 {
		return otherwise
	}
	return v
}

// State asks how the container is.
func (c *Container) State(ctx context.Context) (State, error) {
	got, err := c.api.ContainerInspect(ctx, c.ID, client.ContainerInspectOptions{})
	if err != nil {
		return State{}, fmt.Errorf("inspect container: %w", err)
	}
	s := State{Ports: map[uint16]string{}}
	if st := got.Container.State; st != nil {
		s.Running, s.PID, s.ExitCode, s.OOM = st.Running, st.Pid, st.ExitCode, st.OOMKilled
		if h := st.Health; h != nil && string(h.Status) != "none" {
			s.Health = string(h.Status)
			s.Checks = len(h.Log)
			if n := len(h.Log); n > 0 && h.Log[n-1] != nil {
				s.Check = h.Log[n-1].Output
			}
		}
	}
	if h := got.Container.HostConfig; h != nil && h.Init != nil && *h.Init {
		s.Mounted = append(s.Mounted, "/sbin/docker-init") // without a word about it
	}
	for _, m := range got.Container.Mounts {
		s.Mounted = append(s.Mounted, m.Destination)
	}
	if n := got.Container.NetworkSettings; n != nil {
		for p, at := range n.Ports {
			for _, b := range at {
				if ip, ok := loopback(b.HostIP); ok && p.Proto() == network.TCP {
					s.Ports[p.Num()] = netip.AddrPortFrom(ip, number(b.HostPort)).String()
				}
			}
		}
		for _, name := range slices.Sorted(maps.Keys(n.Networks)) {
			if in := n.Networks[name]; in != nil && in.IPAddress.IsValid() {
				s.Address = in.IPAddress
			}
		}
	}
	return s, nil
}

// loopback is the address of this machine at which a port is reached that is published
// at ip: on the loopback itself, or everywhere.
func loopback(ip netip.Addr) (netip.Addr, bool) {
	switch {
	case ip.IsLoopback():
		return ip, true
	case ip == netip.IPv6Unspecified():
		return netip.IPv6Loopback(), true
	case !ip.IsValid() || ip.IsUnspecified():
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), true
	}
	return ip, false
}

func number(s string) uint16 {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return 0
	}
	return uint16(n)
}

// maxOutput limits the bytes kept of the end of what a container prints, twice at most.
const maxOutput = 64 << 10

// Exec runs a command in the container, and returns its exit code and the end
// of what it printed. It is an error if the command could not be run at all;
// the Engine says 126 or 127 where the program is not there.
func (c *Container) Exec(ctx context.Context, command []string) (code int, output string, err error) {
	made, err := c.api.ExecCreate(ctx, c.ID, client.ExecCreateOptions{Cmd: command, AttachStdout: true, AttachStderr: true})
	if err != nil {
		return 0, "", fmt.Errorf("run in container: %w", err)
	}
	at, err := c.api.ExecAttach(ctx, made.ID, client.ExecAttachOptions{})
	if err != nil {
		return 0, "", fmt.Errorf("run in container: %w", err)
	}
	stop := context.AfterFunc(ctx, at.Close)
	defer stop()
	defer at.Close()
	var out ring
	if _, err := stdcopy.StdCopy(&out, &out, at.Reader); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return 0, out.String(), fmt.Errorf("run in container: %w", err)
	}
	got, err := c.api.ExecInspect(ctx, made.ID, client.ExecInspectOptions{})
	if err != nil {
		return 0, out.String(), fmt.Errorf("run in container: %w", err)
	}
	return got.ExitCode, out.String(), nil
}

// Wait waits until the container is not running, and returns its exit code.
func (c *Container) Wait(ctx context.Context) (int, error) {
	w := c.api.ContainerWait(ctx, c.ID, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	select {
	case r := <-w.Result:
		return int(r.StatusCode), nil
	case err := <-w.Error:
		return 0, fmt.Errorf("wait for container: %w", err)
	}
}

// Logs is the end of what the container printed, standard error included.
func (c *Container) Logs(ctx context.Context) (string, error) {
	r, err := c.api.ContainerLogs(ctx, c.ID, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Tail: "200"})
	if err != nil {
		return "", fmt.Errorf("logs of container: %w", err)
	}
	defer r.Close() //nolint:errcheck // read only
	var out ring
	if _, err := stdcopy.StdCopy(&out, &out, io.LimitReader(r, 16<<20)); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return out.String(), fmt.Errorf("logs of container: %w", err)
	}
	return out.String(), nil
}

// Remove kills the container and takes it away with its volumes. One that somebody
// else started stays as it is.
func (c *Container) Remove(ctx context.Context) error {
	if c.mark == nil {
		return nil
	}
	return c.e.unmake(ctx, c.mark, true)
}

// ring keeps the last maxOutput bytes that are written to it, or twice as many.
type ring struct{ b bytes.Buffer }

func (r *ring) Write(b []byte) (int, error) {
	n := len(b)
	if len(b) > maxOutput {
		b = b[len(b)-maxOutput:]
	}
	if r.b.Len()+len(b) > 2*maxOutput {
		r.b.Next(r.b.Len() - maxOutput)
	}
	r.b.Write(b)
	return n, nil
}

func (r *ring) String() string { return r.b.String() }
