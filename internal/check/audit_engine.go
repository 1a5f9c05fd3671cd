package check

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/audit"
)

// connect asks the Engine what it is, once.
func (u *auditing) connect(ctx context.Context) (*runtime.Engine, error) {
	e, err := u.Engine(ctx)
	if err != nil || u.host != nil {
		return e, err
	}
	info, err := e.Info(ctx)
	if err != nil {
		return nil, err
	}
	u.host = audit.HostOf(info)
	// An Engine in a machine of its own (Docker Desktop, Colima) may well answer at
	// a socket of this one.
	here, err := os.Hostname()
	u.here = e.Socket() != "" && err == nil && here == info.Name
	v, there, err := e.Option(ctx, "bridge", "com.docker.network.bridge.enable_icc")
	if err != nil {
		return nil, err
	}
	if u.host.NoBridge = !there; v != "" {
		icc := v != "false"
		u.host.ICC = &icc
	}
	return e, nil
}

// machine is where the files of the Engine lie.
func (u *auditing) machine(socket string) audit.Machine {
	m := audit.Machine{Root: "/", Socket: socket, Config: "/etc/docker"}
	if !u.host.Rootless {
		return m
	}
	dir := u.getenv("XDG_CONFIG_HOME")
	if dir == "" {
		dir = filepath.Join(u.getenv("HOME"), ".config")
	}
	m.Config, m.Units = filepath.Join(dir, "docker"), filepath.Join(dir, "systemd", "user")
	return m
}

// engine looks at the Engine and every container that it has.
func (u *auditing) engine(ctx context.Context) error {
	e, err := u.connect(ctx)
	if err != nil {
		return err
	}
	info, err := e.Info(ctx)
	if err != nil {
		return err
	}
	d := audit.DaemonOf(info)
	d.ICC, d.NoBridge = u.host.ICC, u.host.NoBridge
	u.res.Titles = map[string]string{d.Subject.Name: d.Subject.Name + " " + d.Version}
	if u.here {
		d.Read(u.machine(e.Socket()))
	} else {
		d.Elsewhere(info.Name)
	}
	d.Client = runtime.ClientOf(ctx, u.getenv)
	if err := u.versions(ctx, e, d); err != nil {
		return err
	}
	look(u, d.Subject, d, audit.DaemonChecks())
	return u.containers(ctx, e, d.Subject)
}

// containers looks at every container that the Engine has, and the images that they
// run.
func (u *auditing) containers(ctx context.Context, e *runtime.Engine, engine finding.Subject) error {
	ids, err := e.Containers(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		in, err := e.InspectContainer(ctx, id)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			u.res.Unknown = append(u.res.Unknown, finding.Unknown{Subject: engine, What: "the container " + id[:min(12, len(id))], Why: err.Error()})
			continue
		}
		if err := u.inspected(ctx, e, in); err != nil {
			return err
		}
	}
	return nil
}

// inspected looks at a container that the Engine has, and at its image.
func (u *auditing) inspected(ctx context.Context, e *runtime.Engine, in container.InspectResponse) error {
	c := audit.Inspect(in, u.host)
	if in.State != nil && in.State.Running {
		c.Running(e.Processes(ctx, in.ID))
	}
	if u.here {
		c.Look("/", os.Stat)
	}
	u.container(c)
	if u.images[in.Image] || in.Image == "" || len(wanted(u, audit.ImageChecks())) == 0 {
		return nil
	}
	u.images[in.Image] = true
	_, err := e.Inspect(ctx, in.Image)
	if errdefs.IsNotFound(err) {
		err = errors.New("the Engine no longer has it")
	} else if err == nil {
		err = u.image(ctx, "local://"+in.Image, c.Image)
	}
	if err != nil && ctx.Err() == nil {
		u.res.Unknown = append(u.res.Unknown, finding.Unknown{Subject: c.Subject, What: "its image", Why: err.Error(), Beyond: true})
		u.items = append(u.items, audit.NotLookedAt(wanted(u, audit.ImageChecks())))
		err = nil
	}
	return err
}

// image looks at an image as containers would run it. name is what people call it;
// empty: as the target does.
func (u *auditing) image(ctx context.Context, target, name string) error {
	checks := wanted(u, audit.ImageChecks())
	if len(checks) == 0 {
		return nil
	}
	opt := u.ImageOptions(u.warn)
	im, err := image.Open(ctx, target, opt)
	if err != nil {
		return err
	}
	scan, err := (&scanner{u.Surroundings, u.ask, opt.Cache}).layers(ctx, im)
	if err != nil {
		return errors.Join(err, im.Close())
	}
	s := finding.Subject{Kind: finding.KindImage, Name: im.Name, Digest: im.Digest}
	if name != "" {
		s.Name = name
	}
	look(u, s, &audit.Image{Subject: s, Scan: scan}, checks)
	u.res.Unknown = append(u.res.Unknown, im.Unknown...)
	return im.Close()
}
