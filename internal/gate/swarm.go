package gate

import (
	"context"
	"errors"
	"slices"

	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/swarm"

	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/policy/admission"
)

// service decides about a service of a swarm. Its tasks do not pass the API: on which
// machine and when they start, nobody asks.
func (g *Gate) service(c *Call) (plan, error) {
	if !g.Policy.AllowsCall("swarm") {
		return swarmOnly(g, c)
	}
	if slices.ContainsFunc(c.Query["rollback"], func(to string) bool { return to != "" && to != "none" }) {
		return plan{}, ambiguous("a rollback brings back what the service was before, and that is not in the request")
	}
	var spec swarm.ServiceSpec
	if err := strict(c.Body, &spec); err != nil {
		return plan{}, err
	}
	task := spec.TaskTemplate
	if task.ContainerSpec == nil || task.PluginSpec != nil || task.NetworkAttachmentSpec != nil {
		return plan{}, ambiguous("a service that runs no container of an image")
	}
	n, err := image.ParseName(task.ContainerSpec.Image)
	if err != nil || n.Digest == "" {
		return plan{}, ambiguous("a service names its image by digest: its tasks would resolve the tag themselves")
	}
	return plan{look: func(ctx context.Context) (outcome, error) {
		o := outcome{Decision: g.pull(ctx, n)}
		if o.Verdict != admission.Allowed {
			return o, nil
		}
		s, err := g.startOfTask(ctx, task)
		if err != nil {
			return o, err
		}
		return o.held(g.asks(ctx, g.Policy.Rule(n.Repository), s))
	}}, nil
}

// startOfTask is what the containers of a service ask for.
func (g *Gate) startOfTask(ctx context.Context, task swarm.TaskSpec) (admission.Start, error) {
	cs := task.ContainerSpec
	s := admission.Start{CapAdd: cs.CapabilityAdd, CapDrop: cs.CapabilityDrop, User: cs.User, ReadOnly: cs.ReadOnly}
	if p := cs.Privileges; p != nil {
		if p.Seccomp != nil && p.Seccomp.Mode == swarm.SeccompModeUnconfined {
			s.SecurityOpt = append(s.SecurityOpt, "seccomp=unconfined")
		}
		if p.AppArmor != nil && p.AppArmor.Mode == swarm.AppArmorModeDisabled {
			s.SecurityOpt = append(s.SecurityOpt, "apparmor=unconfined")
		}
		if p.NoNewPrivileges {
			s.SecurityOpt = append(s.SecurityOpt, "no-new-privileges=true")
		}
	}
	if task.Resources != nil && task.Resources.Limits != nil {
		s.Memory, s.Processes = task.Resources.Limits.MemoryBytes, task.Resources.Limits.Pids
	}
	for _, m := range cs.Mounts {
		if m.Type != mount.TypeVolume && m.Type != mount.TypeTmpfs && m.Type != mount.TypeBind {
			return s, errors.New("a mount of a service of type " + clip(string(m.Type)))
		}
		if m.Type == mount.TypeBind {
			s.Binds = append(s.Binds, admission.Bind{Source: real(m.Source), ReadOnly: m.ReadOnly})
		}
		if err := g.volumeOfTask(ctx, &s, m); err != nil {
			return s, err
		}
	}
	for _, at := range task.Networks {
		if at.Target == "host" {
			s.Network = "host"
			continue
		}
		driver, err := g.Engine.Network(ctx, at.Target) // "host" has an id, too
		if err != nil && !notFound(err) {
			return s, err
		}
		if driver == "host" {
			s.Network = "host"
		}
	}
	return s, nil
}

// volumeOfTask adds what a volume mounts: as the service makes it, or as one of its name is
// on this machine.
func (g *Gate) volumeOfTask(ctx context.Context, s *admission.Start, m mount.Mount) error {
	if v := m.VolumeOptions; v != nil && v.DriverConfig != nil {
		b, d := volumeOf(v.DriverConfig.Name, v.DriverConfig.Options)
		s.Binds, s.Devices = append(s.Binds, b...), append(s.Devices, d...)
	}
	if m.Type != mount.TypeVolume || m.Source == "" {
		return nil
	}
	v, err := g.Engine.Volume(ctx, m.Source)
	if notFound(err) {
		return nil
	}
	if err == nil {
		addVolume(s, v)
	}
	return err
}
