package gate

import (
	"context"
	"fmt"
	"time"

	"github.com/moby/moby/api/types/container"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/policy/admission"
)

// plan is how a call is decided: which names it uses or moves, and once they are held,
// what is looked at.
type plan struct {
	wants []want
	hold  time.Duration // until the Engine has answered; 0: brief
	look  func(ctx context.Context) (outcome, error)
	done  outcome // where there is nothing to look at
}

const containers = "containers" // all names of containers

func usesContainers() []want  { return []want{{name: containers}} }
func movesContainers() []want { return []want{{name: containers, moves: true}} }

// handlers decide about the kinds of calls that are not harmless.
func handlers() map[Kind]func(*Gate, *Call) (plan, error) {
	return map[Kind]func(*Gate, *Call) (plan, error){
		Create:    (*Gate).create,
		StartCall: (*Gate).start,
		Exec:      (*Gate).exec,
		Update:    (*Gate).update,
		Rename: func(*Gate, *Call) (plan, error) {
			return movesOnly(movesContainers(), "it moves a container's name"), nil
		},
		Remove:       func(*Gate, *Call) (plan, error) { return movesOnly(movesContainers(), "it removes a container"), nil },
		Pull:         (*Gate).fetch,
		Tag:          (*Gate).tag,
		RemoveImage:  (*Gate).removeImage,
		Load:         func(*Gate, *Call) (plan, error) { return loads(), nil },
		Build:        (*Gate).build,
		Session:      (*Gate).session,
		Commit:       (*Gate).commit,
		Archive:      (*Gate).archive,
		VolumeCreate: (*Gate).volumeCreate,
		VolumeUpdate: swarmOnly,
		NetworkJoin:  (*Gate).join,
		Plugins:      onlyIf("plugins", "plugins run with the Engine's rights, and one could take the gate's place"),
		Swarm:        swarmOnly,
		ServiceCall:  (*Gate).service,
	}
}

// movesOnly is a call that only moves names: what they come to is decided when they are
// used.
func movesOnly(wants []want, why string) plan {
	return plan{wants: wants, done: allowed("name", why+"; what a name comes to is decided when it is used")}
}

func loads() plan {
	p := movesOnly([]want{{name: anyImage, moves: true}}, "what is in it cannot be seen")
	p.hold = long
	return p
}

func swarmOnly(g *Gate, c *Call) (plan, error) {
	return onlyIf("swarm", "what a swarm starts on other machines cannot be seen here")(g, c)
}

// onlyIf refuses a kind of calls that the policy does not list.
func onlyIf(kind, why string) func(*Gate, *Call) (plan, error) {
	return func(g *Gate, _ *Call) (plan, error) {
		if !g.Policy.AllowsCall(kind) {
			return plan{done: refused(kind, why, "the policy may allow it: allow: ["+kind+"]")}, nil
		}
		return plan{done: allowed(kind, "the policy allows calls of this kind")}, nil
	}
}

func (g *Gate) archive(*Call) (plan, error) {
	if g.Policy.AllowsCall("archive") {
		return plan{done: allowed("archive", "the policy allows it")}, nil
	}
	return plan{done: refused("archive", "it would put other bytes into a container than its image's", "the policy may allow it: allow: [archive]")}, nil
}

// started decides about a container that the Engine has: its image, by the id that it
// was made of, and what it is given.
func (g *Gate) started(ctx context.Context, c *Call, privileges bool) (outcome, error) {
	in, err := g.container(ctx, c.Name)
	if err != nil {
		return outcome{}, err
	}
	if in.Config == nil || in.HostConfig == nil {
		return outcome{}, fmt.Errorf("the Engine does not say how %s is started", clip(c.Name))
	}
	im, err := g.imageOf(ctx, in)
	if err != nil {
		return outcome{}, fmt.Errorf("the image of %s: %v", clip(c.Name), err) //nolint:errorlint // one that is gone is not absent: it starts
	}
	rule, d := g.named(ctx, in.Config.Image, im, true)
	if d.Verdict == admission.Refused && len(im.Tags)+len(im.Digests) == 0 { // what the Engine knows more of it may say why
		if im, err := g.Engine.Image(ctx, in.Image); err == nil {
			rule, d = g.named(ctx, in.Config.Image, im, true)
		}
	}
	o := outcome{Decision: d, container: in.ID}
	if d.Verdict != admission.Allowed || !privileges {
		return o, nil
	}
	s := startOf(in.HostConfig, in.Config)
	if s.Checkpoint, err = c.one("checkpoint"); err != nil {
		return o, err
	}
	if err := g.mounted(ctx, &s, in.HostConfig); err != nil {
		return o, err
	}
	for _, m := range in.Mounts {
		if m.Type == "bind" {
			s.Binds = append(s.Binds, admission.Bind{Source: real(m.Source), ReadOnly: !m.RW})
		}
		if m.Type == "volume" && m.Name != "" { // of another container, too
			v, err := g.Engine.Volume(ctx, m.Name)
			if err != nil && !notFound(err) {
				return o, err
			}
			addVolume(&s, v)
		}
	}
	if in.NetworkSettings != nil && in.NetworkSettings.Networks["host"] != nil {
		s.Network = "host"
	}
	return o.held(g.asks(ctx, rule, s))
}

// imageOf is the image of a container: its id alone, where nothing else matters.
func (g *Gate) imageOf(ctx context.Context, in container.InspectResponse) (Image, error) {
	id := finding.Digest(in.Image)
	if n, ok := nameOf(in.Config.Image, id); ok && !g.Policy.Rule(n.Repository).AsksForManifests() {
		host, err := g.Engine.Host(ctx)
		return Image{ID: id, Containerd: host.Containerd}, err
	}
	return g.Engine.Image(ctx, in.Image)
}

// held refuses an allowed container for what it asks for.
func (o outcome) held(no []admission.Refusal, err error) (outcome, error) {
	if err != nil || len(no) == 0 {
		return o, err
	}
	o.Verdict, o.Requirement, o.Reason = admission.Refused, no[0].What, no[0].Why
	for _, n := range no[1:] {
		o.Reason += "; " + n.Why
	}
	o.Hint = "the rule may allow it: allow: [\"" + no[0].What + "\"]"
	return o, nil
}

func (g *Gate) asks(ctx context.Context, r *admission.Rule, s admission.Start) ([]admission.Refusal, error) {
	host, err := g.Engine.Host(ctx)
	if err != nil {
		return nil, err
	}
	if host.SharesCgroups {
		s.Cgroupns = ""
	}
	guarded := append(append(admission.ProtectedPaths(), g.Guarded...), host.Folders...)
	return r.Privileges(s, guarded), nil
}

func (g *Gate) start(c *Call) (plan, error) {
	return plan{wants: usesContainers(), look: func(ctx context.Context) (outcome, error) { return g.started(ctx, c, true) }}, nil
}

func (g *Gate) exec(c *Call) (plan, error) {
	var body container.ExecCreateRequest
	if err := strict(c.Body, &body, "Detach"); err != nil {
		return plan{}, err
	}
	return plan{wants: usesContainers(), look: func(ctx context.Context) (outcome, error) {
		o, err := g.started(ctx, c, false)
		if err != nil || o.Verdict != admission.Allowed || !body.Privileged {
			return o, err
		}
		n, _ := image.ParseName(o.Image)
		return o.held(g.asks(ctx, g.Policy.Rule(n.Repository).WithoutLeast(), admission.Start{Privileged: true}))
	}}, nil
}

func (g *Gate) update(c *Call) (plan, error) {
	var body container.UpdateConfig
	if err := strict(c.Body, &body); err != nil {
		return plan{}, err
	}
	return plan{wants: usesContainers(), look: func(ctx context.Context) (outcome, error) {
		o, err := g.started(ctx, c, false)
		if err != nil || o.Verdict != admission.Allowed {
			return o, err
		}
		n, _ := image.ParseName(o.Image)
		hc := &container.HostConfig{Resources: body.Resources}
		s := startOf(hc, &container.Config{})
		return o.held(g.asks(ctx, g.Policy.Rule(n.Repository).WithoutLeast(), s))
	}}, nil
}
