package compose

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/ledger"
	"github.com/drydock-dev/drydock/internal/runtime"
)

// Hooks are called for each service as it is brought up. Each may be nil.
type Hooks struct {
	// Prepare may change what is started.
	Prepare func(ctx context.Context, r *Running, spec *runtime.Spec) error
	// Started is called before anything that needs the service is started.
	Started func(ctx context.Context, r *Running) error
	// Note is told what is going on.
	Note func(format string, args ...any)
}

// Running is a service that was brought up.
type Running struct {
	*Service
	Of        runtime.Image
	Argv      []string             // what the container runs
	Publish   []uint16             // TCP ports to publish beside the service's own
	Env       []string             // names of the variables that the service sets
	User      string               // that it runs as; empty: the image's
	Health    *runtime.HealthCheck // its own, or the image's; nil: none
	Exposed   []uint16             // TCP ports of the image and the service
	Container *runtime.Container

	spec runtime.Spec
}

// Up is a project that was brought up.
type Up struct {
	Services []*Running // in the order of their start

	project  *Project
	remote   bool // the Engine runs on another machine
	engine   *runtime.Engine
	ledger   *ledger.Ledger
	hooks    Hooks
	labels   map[string]string
	networks map[string]string // of the project -> id
	volumes  map[string]string // of the project -> name
	binds    map[string]string // of this machine -> its copy
	folders  []*ledger.Temp
}

// within is how long a service may take until what needs it can be started.
const within = 2 * time.Minute

// Plan finds the images of the services, and builds those that are not there. Nothing
// is started yet. What is made in the Engine is taken away by its Clear, and what is
// made on this machine by Remove.
func (p *Project) Plan(ctx context.Context, e *runtime.Engine, l *ledger.Ledger, labels map[string]string, h Hooks) (*Up, error) {
	u := &Up{
		project: p, remote: !e.Local(), engine: e, ledger: l, hooks: h, labels: labels,
		networks: map[string]string{}, volumes: map[string]string{}, binds: map[string]string{},
	}
	if u.hooks.Note == nil {
		u.hooks.Note = func(string, ...any) {}
	}
	for _, s := range p.Services {
		r, err := u.plan(ctx, s)
		if err != nil {
			return nil, err
		}
		u.Services = append(u.Services, r)
	}
	return u, nil
}

// Start brings the services up, each behind those that it needs.
func (u *Up) Start(ctx context.Context) error {
	for _, r := range u.Services {
		if err := u.start(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// UnsafeUseVolumes is why what is not the project's own may be used; empty: it may not.
func (u *Up) UnsafeUseVolumes() string { return u.project.opt.UnsafeUseVolumes }

// Remove takes away what was made on this machine.
func (u *Up) Remove() error {
	var errs []error
	for _, f := range u.folders {
		errs = append(errs, f.Remove())
	}
	return errors.Join(errs...)
}

// Running is a service of the project that was started.
func (u *Up) Running(name string) (*Running, bool) {
	i := slices.IndexFunc(u.Services, func(r *Running) bool { return r.Name == name && r.Container != nil })
	if i < 0 {
		return nil, false
	}
	return u.Services[i], true
}

// plan finds out what a service runs.
func (u *Up) plan(ctx context.Context, s *Service) (*Running, error) {
	im, err := u.image(ctx, s)
	if err != nil {
		return nil, err
	}
	spec, err := s.spec(im, u.labels)
	if err != nil {
		return nil, err
	}
	if s.c.GetScale() > 1 {
		s.otherwise("one container is started of %d", s.c.GetScale())
	}
	r := &Running{Service: s, Of: im, User: spec.Config.User, Health: im.Health, Exposed: slices.Clone(im.Exposed), spec: spec}
	if h := spec.Config.Healthcheck; h != nil && len(h.Test) > 0 {
		r.Health = nil
		if h.Test[0] != "NONE" && len(h.Test) > 1 {
			r.Health = &runtime.HealthCheck{Test: h.Test}
		}
	}
	for p := range spec.Config.ExposedPorts {
		if p.Proto() == network.TCP {
			r.Exposed = append(r.Exposed, p.Num())
		}
	}
	slices.Sort(r.Exposed)
	r.Exposed = slices.Compact(r.Exposed)
	for _, e := range spec.Config.Env {
		name, _, _ := strings.Cut(e, "=")
		r.Env = append(r.Env, name)
	}
	if r.Argv = argv(im, spec.Config); len(r.Argv) == 0 {
		return nil, fmt.Errorf("service %s has no command", s.Name)
	}
	return r, nil
}

func (u *Up) start(ctx context.Context, r *Running) error {
	for name, how := range r.needs {
		if err := u.await(ctx, r.Service, name, how); err != nil {
			return err
		}
	}
	var err error
	if r.spec.Host.Mounts, err = u.mounts(ctx, r.Service); err != nil {
		return err
	}
	if err := u.namespaces(ctx, r.Service, &r.spec); err != nil {
		return err
	}
	if r.spec.Host.PortBindings != nil {
		for _, p := range r.Publish {
			if err := publish(r.spec.Config, r.spec.Host, strconv.Itoa(int(p))+"/tcp"); err != nil {
				return err
			}
		}
	}
	if u.hooks.Prepare != nil {
		if err := u.hooks.Prepare(ctx, r, &r.spec); err != nil {
			return err
		}
	}
	u.hooks.Note("starts %s", r.Name)
	if r.Container, err = u.engine.StartSpec(ctx, r.spec); err != nil {
		return fmt.Errorf("service %s: %w", r.Name, err)
	}
	if u.hooks.Started != nil {
		return u.hooks.Started(ctx, r)
	}
	return nil
}

// argv is what a container runs: an entry point of its own leaves the image's
// command out.
func argv(im runtime.Image, cfg *container.Config) []string {
	if cfg.Entrypoint != nil {
		return slices.Concat(cfg.Entrypoint, cfg.Cmd)
	}
	if cfg.Cmd != nil {
		return slices.Concat(im.Entrypoint, cfg.Cmd)
	}
	return slices.Concat(im.Entrypoint, im.Command)
}

// await waits until a service that another needs is far enough.
func (u *Up) await(ctx context.Context, s *Service, name, how string) error {
	r, ok := u.Running(name)
	if !ok {
		return fmt.Errorf("service %s needs %s, which was not started", s.Name, name)
	}
	u.hooks.Note("waits for %s", name)
	for end := time.Now().Add(within); ; {
		st, err := r.Container.State(ctx)
		if err != nil {
			return err
		}
		done := how == types.ServiceConditionCompletedSuccessfully
		switch {
		case how == types.ServiceConditionStarted, done && !st.Running && st.ExitCode == 0, how == types.ServiceConditionHealthy && st.Health == "healthy":
			return nil
		case !st.Running:
			log, lerr := r.Container.Logs(ctx)
			if lerr != nil {
				log = ""
			}
			return &FailedError{Service: name, Why: fmt.Sprintf("it ended with exit code %d", st.ExitCode), Log: log}
		case time.Now().After(end):
			return &FailedError{Service: name, Why: fmt.Sprintf("after %s it is not %s", within, strings.TrimPrefix(how, "service_")), Log: st.Check}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// FailedError is a service that did not come up.
type FailedError struct {
	Service, Why string
	Log          string // the end of what it printed
}

func (e *FailedError) Error() string { return fmt.Sprintf("service %s: %s", e.Service, e.Why) }

// image is the image of a service: the one that it names, the one that Compose built
// for it, or one that is built now.
func (u *Up) image(ctx context.Context, s *Service) (runtime.Image, error) {
	names := []string{s.c.Image}
	if s.c.Image == "" {
		names = []string{u.project.Name + "-" + s.Name, u.project.Name + "_" + s.Name}
	}
	for _, name := range names {
		im, err := u.engine.Inspect(ctx, name)
		if err == nil {
			s.Image = name
			return im, nil
		}
		if !errdefs.IsNotFound(err) {
			return im, err
		}
	}
	b := s.c.Build
	if b == nil {
		return runtime.Image{}, finding.WithHint(fmt.Errorf("service %s: the Engine has no image %s", s.Name, s.c.Image), "docker pull "+s.c.Image)
	}
	if b.DockerfileInline != "" || len(b.AdditionalContexts)+len(b.Secrets)+len(b.SSH) > 0 {
		return runtime.Image{}, finding.WithHint(fmt.Errorf("service %s is not built", s.Name), "docker compose build "+s.Name)
	}
	file := b.Dockerfile
	if file == "" {
		file = "Dockerfile"
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(b.Context, file)
	}
	if _, err := os.Stat(b.Context); err != nil {
		return runtime.Image{}, finding.WithHint(fmt.Errorf("service %s: build: %w", s.Name, err), "docker compose build "+s.Name)
	}
	build := runtime.Build{Context: b.Context, Dockerfile: file, Target: b.Target, Platform: s.c.Platform, NoCache: b.NoCache, Labels: u.labels}
	for name, v := range b.Args {
		if v != nil {
			name += "=" + *v
		}
		build.Args = append(build.Args, name)
	}
	slices.Sort(build.Args)
	u.hooks.Note("builds %s", s.Name)
	built, err := u.engine.Build(ctx, build)
	if err != nil {
		return runtime.Image{}, fmt.Errorf("service %s: %w", s.Name, err)
	}
	s.Image = u.project.Name + "-" + s.Name
	return u.engine.Inspect(ctx, built.ID)
}

// namespaces gives a service's container its networks, and lets it join what its
// service joins.
func (u *Up) namespaces(ctx context.Context, s *Service, spec *runtime.Spec) error {
	for _, ns := range []struct {
		mode string
		set  func(mode string)
	}{
		{s.c.Pid, func(m string) { spec.Host.PidMode = container.PidMode(m) }},
		{s.c.Ipc, func(m string) { spec.Host.IpcMode = container.IpcMode(m) }},
	} {
		mode, err := u.join(s, ns.mode)
		if err != nil {
			return err
		}
		ns.set(mode)
	}
	for _, from := range s.c.VolumesFrom {
		name, access, has := strings.Cut(strings.TrimPrefix(from, types.ContainerPrefix), ":")
		if r, ok := u.Running(name); ok && !strings.HasPrefix(from, types.ContainerPrefix) {
			name = r.Container.ID
		}
		if has {
			name += ":" + access
		}
		spec.Host.VolumesFrom = append(spec.Host.VolumesFrom, name)
	}
	switch mode, err := u.join(s, s.c.NetworkMode); {
	case err != nil:
		return err
	case mode == "host":
		s.otherwise("it has a network of its own, not the machine's")
		id, err := u.network(ctx, s, "")
		spec.Networks = []runtime.Attachment{{Network: id}}
		return err
	case mode == "bridge":
		id, err := u.network(ctx, s, "")
		spec.Networks = []runtime.Attachment{{Network: id}}
		return err
	case mode != "":
		spec.Host.NetworkMode = container.NetworkMode(mode)
		spec.Host.PortBindings = nil // they are those of whom it joins
		return nil
	}
	for _, name := range s.c.NetworksByPriority() {
		id, err := u.network(ctx, s, name)
		if err != nil {
			return err
		}
		in := s.c.Networks[name]
		aliases := u.aliases(s)
		if in != nil {
			aliases = append(aliases, in.Aliases...)
			if in.Ipv4Address+in.Ipv6Address+in.MacAddress != "" {
				s.otherwise("its fixed addresses in the network %s are left out", name)
			}
		}
		spec.Networks = append(spec.Networks, runtime.Attachment{Network: id, Aliases: aliases})
	}
	return nil
}

// join is a mode with a service's name in it, with the container's id instead.
func (u *Up) join(s *Service, mode string) (string, error) {
	name, ok := strings.CutPrefix(mode, types.ServicePrefix)
	if !ok {
		return mode, nil
	}
	r, ok := u.Running(name)
	if !ok {
		return "", fmt.Errorf("service %s joins %s, which was not started", s.Name, name)
	}
	return types.ContainerPrefix + r.Container.ID, nil
}

// aliases are the names by which others find a service: its own, its container's, and
// those of links.
func (u *Up) aliases(s *Service) []string {
	names := []string{s.Name}
	if s.c.ContainerName != "" {
		names = append(names, s.c.ContainerName)
	}
	for _, other := range u.project.Services {
		for _, link := range other.c.Links {
			if to, as, ok := strings.Cut(link, ":"); ok && to == s.Name {
				names = append(names, as)
			}
		}
	}
	return names
}

// network is the fresh network that takes the place of one of the project's; "" is one
// for whoever would share a network with all the others of the machine.
func (u *Up) network(ctx context.Context, s *Service, name string) (string, error) {
	n := u.project.p.Networks[name]
	if bool(n.External) {
		s.otherwise("the network %s is a fresh one: nobody else is in it", name)
	}
	if len(n.DriverOpts) > 0 || n.Driver != "" && n.Driver != "bridge" && n.Driver != "default" {
		s.otherwise("the network %s is a bridge of this machine: its driver and options are left out", name)
	}
	if id := u.networks[name]; id != "" {
		return id, nil
	}
	make := u.engine.Network
	if n.Internal {
		make = u.engine.InternalNetwork
	}
	id, err := make(ctx, u.labels)
	u.networks[name] = id
	return id, err
}
