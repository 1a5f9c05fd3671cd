package gate

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/policy/admission"
)

// fetch decides about a pull, or an import.
func (g *Gate) fetch(c *Call) (plan, error) {
	from, tag, source := c.Query.Get("fromImage"), c.Query.Get("tag"), c.Query.Get("fromSrc")
	if source != "" {
		if from != "" {
			return plan{}, ambiguous("it pulls and imports at once")
		}
		return g.made(c.Query.Get("repo"), tag, "import")
	}
	if length, said := c.header("Content-Length"); said && length != "0" {
		return plan{}, ambiguous("it may have a body that the Engine does not show, and none is due")
	}
	n, err := pulled(from, tag)
	if err != nil {
		return plan{}, err
	}
	return plan{wants: []want{moves(n.String())}, hold: long, look: func(ctx context.Context) (outcome, error) {
		return outcome{Decision: g.pull(ctx, n)}, nil
	}}, nil
}

// pulled is the name that is pulled; it may be whole, or without its tag.
func pulled(from, tag string) (image.Name, error) {
	n, err := image.ParseName(from)
	switch {
	case err != nil:
		return n, ambiguous("%v", err)
	case tag == "":
		return n, nil
	case n.Digest != "" || n.Tag != "":
		return n, ambiguous("the name %q is whole, and there is the tag %q", clip(from), clip(tag))
	case finding.Digest(tag).IsSHA256():
		n.Digest = finding.Digest(tag)
		return n, nil
	case strings.Contains(tag, ":"):
		return n, ambiguous("the digest %q is not SHA-256", clip(tag))
	}
	return image.ParseName(from + ":" + tag)
}

// made decides about an image that is made on the machine under a name. One without a name
// is decided when it is started.
func (g *Gate) made(repo, tag, how string) (plan, error) {
	if repo == "" {
		return plan{done: allowed("builds", "it has no name, and is decided when it is started")}, nil
	}
	n, err := image.ParseName(repo)
	if err == nil && n.Tag == "" && tag != "" {
		n, err = image.ParseName(repo + ":" + tag)
	}
	if err != nil {
		return plan{}, ambiguous("%v", err)
	}
	r := g.Policy.Rule(n.Repository)
	o := allowed("builds", "the rule allows what is made here")
	if r.BuildsOf() == admission.BuildsDeny {
		o = refused("builds", "the rule does not allow images of this name that are made here ("+how+")", "builds: allow, or only-attested, in the rule")
	}
	o.Rule, o.Image = r.Name, n.String()
	return plan{wants: []want{moves(n.String())}, done: o}, nil
}

func (g *Gate) commit(c *Call) (plan, error) {
	p, err := g.made(c.Query.Get("repo"), c.Query.Get("tag"), "commit")
	p.wants = append(p.wants, usesContainers()...)
	return p, err
}

func (g *Gate) tag(c *Call) (plan, error) {
	name := c.Query.Get("repo")
	if t := c.Query.Get("tag"); t != "" {
		name += ":" + t
	}
	if _, err := image.ParseName(name); err != nil {
		return plan{}, ambiguous("%v", err)
	}
	return movesOnly([]want{moves(name), uses(c.Name)}, "it gives an image a name"), nil
}

func (g *Gate) removeImage(c *Call) (plan, error) {
	if c.Name == "" {
		return movesOnly([]want{{name: anyImage, moves: true}}, "it removes images"), nil
	}
	return movesOnly([]want{moves(c.Name)}, "it removes an image"), nil
}

// build decides about a build by the names that it gives. What it is built FROM cannot be
// seen.
func (g *Gate) build(c *Call) (plan, error) {
	mode, err := c.one("networkmode")
	if err != nil {
		return plan{}, err
	}
	if len(c.Query["t"]) == 0 {
		return g.session(c)
	}
	all := plan{hold: long, done: allowed("builds", "the rule allows what is built here")}
	for _, t := range c.Query["t"] {
		p, err := g.made(t, "", "build")
		if err != nil {
			return plan{}, err
		}
		all.wants = append(all.wants, p.wants...)
		if all.done.Verdict == admission.Allowed {
			all.done = p.done
		}
	}
	if all.done.Verdict != admission.Allowed {
		return plan{done: all.done}, nil
	}
	done := all.done
	all.look = func(ctx context.Context) (outcome, error) {
		return done.held(g.asks(ctx, g.Policy.Rule("").WithoutLeast(), admission.Start{Network: mode}))
	}
	return all, nil
}

// session decides about a build in which nothing can be seen, not even names.
func (g *Gate) session(*Call) (plan, error) {
	if !g.Policy.BuildsAnything() {
		return plan{done: refused("builds", "no rule allows what is built here", "builds: allow, or only-attested, in a rule")}, nil
	}
	return plan{done: allowed("builds", "a rule allows what is built here; each image is decided when it is started")}, nil
}
