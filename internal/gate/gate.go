package gate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/policy/admission"
	"github.com/drydock-dev/drydock/internal/trust"
)

// Gate decides about calls of a Docker Engine's API.
type Gate struct {
	Policy  *admission.Policy
	Engine  Engine
	Facts   Facts
	Guarded []string     // more paths of the host that no container gets
	Log     *slog.Logger // a line of each decision; nil: none
	Reads   bool         // log reads too
	Now     func() time.Time

	Patience time.Duration // for which a call waits for another; 0: 10 s
	Cold     time.Duration // that a decision may take; 0: 10 s

	names      serial
	cache      sync.Map // decided by key
	containers recent[container.InspectResponse]
	images     recent[Image]
}

// Facts are those that a policy asks for, with the version of what is known.
type Facts interface {
	admission.Facts
	// Version tells states of a repository's metadata apart; false: it has to be asked
	// again, or never was.
	Version(repository string, f admission.Freshness) (string, bool)
	// Tag is the digest that a registry has for a tag now.
	Tag(ctx context.Context, repository, tag string) (finding.Digest, error)
}

const (
	patience = 10 * time.Second
	cold     = 10 * time.Second
	brief    = 30 * time.Second // until the Engine has answered a short call
	long     = time.Hour        // until it has pulled
)

// outcome is what was decided about a call.
type outcome struct {
	admission.Decision
	container string
}

func allowed(requirement, reason string) outcome {
	return outcome{Decision: admission.Decision{Verdict: admission.Allowed, Rule: "gate", Requirement: requirement, Reason: reason}}
}

func refused(requirement, reason, hint string) outcome {
	return outcome{Decision: admission.Decision{Verdict: admission.Refused, Rule: "gate", Requirement: requirement, Reason: reason, Hint: hint}}
}

// Authorize decides about a request. The names that an allowed one uses or moves are
// held until [Gate.Done].
func (g *Gate) Authorize(ctx context.Context, r *Request) Response {
	begun := g.Now()
	c, err := Parse(r)
	var o outcome
	kind := Kind("unknown")
	if err != nil {
		o = refused("request", err.Error(), "")
	} else {
		kind = c.Kind
		o = g.decide(ctx, c)
	}
	if o.Verdict != admission.Allowed {
		g.names.release(r.mark())
	}
	g.log(ctx, r, kind, o, g.Now().Sub(begun))
	if o.Verdict == admission.Allowed {
		return Response{Allow: true}
	}
	msg := Message(o.Decision)
	if o.Hint != "" {
		msg += "; " + o.Hint
	}
	return Response{Msg: msg}
}

// Done ends what a call held: the Engine has answered.
func (g *Gate) Done(r *Request) { g.names.release(r.mark()) }

// Message is a decision in a sentence, with the rule that made it.
func Message(d admission.Decision) string {
	text := d.Reason
	if d.Image != "" && !strings.Contains(text, d.Image) {
		text = d.Image + ": " + text
	}
	if d.Rule != "" {
		text += fmt.Sprintf(" (rule %s", d.Rule)
		if d.Requirement != "" {
			text += ", " + d.Requirement
		}
		text += ")"
	}
	return text
}

// decide holds the names first, and decides then: nothing moves them in between.
func (g *Gate) decide(ctx context.Context, c *Call) outcome {
	h, ok := handlers()[c.Kind]
	if !ok {
		return allowed("call", "it starts nothing, and moves no name")
	}
	ctx, stop := context.WithTimeout(ctx, positive(g.Cold, cold))
	defer stop()
	p, err := h(g, c)
	if err != nil {
		return g.failed(err)
	}
	if len(p.wants) > 0 {
		now := time.Now()
		l := &lease{wants: p.wants, call: c.mark(), what: string(c.Kind), since: now, until: now.Add(positive(p.hold, brief))}
		if err := g.names.acquire(ctx, l, positive(g.Patience, patience)); err != nil {
			return g.failed(err)
		}
		g.moved(p.wants, c.Kind)
	}
	if p.look == nil {
		return p.done
	}
	o, err := p.look(ctx)
	if err == nil && o.Verdict == admission.Unknown && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return g.failed(err)
	}
	return o
}

// failed is the outcome of an error. What is not a refusal could not be found out, and is
// refused all the same.
func (g *Gate) failed(err error) outcome {
	o := refused("request", err.Error(), finding.HintOf(err))
	kind, ok := trust.Refused(err)
	switch {
	case ok:
		o.Requirement = kind
	case errors.Is(err, context.DeadlineExceeded):
		o.Verdict, o.Requirement = admission.Unknown, "time"
		o.Reason = fmt.Sprintf("it could not be decided within %s", positive(g.Cold, cold))
		o.Hint = "drydock gate check IMAGE asks the registry, and what it learns is there for the gate"
	case errdefs.IsNotFound(err):
		return allowed("absent", "the Engine has no such thing, and will say so")
	default:
		o.Verdict, o.Requirement = admission.Unknown, "unknown"
	}
	return o
}

func positive(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

func (g *Gate) log(ctx context.Context, r *Request, kind Kind, o outcome, took time.Duration) {
	if g.Log == nil || kind == Read && !g.Reads && o.Verdict == admission.Allowed {
		return
	}
	at := []any{
		"decision", o.Verdict, "call", kind, "method", clip(r.Method), "uri", clip(r.URI), "rule", o.Rule, "requirement", o.Requirement,
		"reason", o.Reason, "ms", float64(took.Microseconds()) / 1000,
	}
	for _, kv := range [][2]string{{"user", r.User}, {"image", o.Image}, {"digest", string(o.Digest)}, {"container", o.container}, {"signers", strings.Join(o.Signers, ",")}, {"warnings", strings.Join(o.Warnings, "; ")}, {"excepted", strings.Join(o.Excepted, "; ")}} {
		if kv[1] != "" {
			at = append(at, kv[0], kv[1])
		}
	}
	g.Log.InfoContext(ctx, "gate", at...)
}

// cached is a decision that stands until its repository's metadata change.
type cached struct {
	admission.Decision
	version string
}

type cacheKey struct {
	policy             finding.Digest
	rule, name, digest string
	config, exists     bool
}

// judge holds a subject to its rule, from the cache where nothing has changed.
func (g *Gate) judge(ctx context.Context, r *admission.Rule, s admission.Subject) admission.Decision {
	key := cacheKey{g.Policy.Digest, r.Name, s.Name.String(), string(s.Digest), s.Config, s.Exists}
	before, warm := g.Facts.Version(s.Name.Repository, r.Freshness)
	if v, ok := g.cache.Load(key); ok && warm && before == v.(cached).version {
		return v.(cached).Decision
	}
	d := r.Decide(ctx, s, g.Facts, g.Now())
	if d.Verdict == admission.Refused && r.AsksForBytes() { // it may have been signed a moment ago
		now := *r
		now.Freshness.Recheck = admission.Age(again)
		d = now.Decide(ctx, s, g.Facts, g.Now())
	}
	after, warm := g.Facts.Version(s.Name.Repository, r.Freshness)
	if warm && before == after && len(r.Vulnerabilities) == 0 && d.Verdict == admission.Allowed && len(d.Warnings)+len(d.Excepted) == 0 {
		g.cache.Store(key, cached{d, after})
	}
	return d
}

// again is how old what is known may be where it refuses.
const again = 2 * time.Second
