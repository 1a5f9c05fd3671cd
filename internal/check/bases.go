package check

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/image"
)

// AskFor is how long a registry has for a list of tags, a manifest or an
// attestation that is good to know.
const AskFor = 20 * time.Second

// bases is what is known of the images that a Dockerfile names, by the
// references alone.
type bases struct {
	*Surroundings
	locals *Locals
	warn   func(string)
	known  map[string]*dockerfile.BaseFacts
}

// facts is what is known of a base image, without asking a registry: the
// embedded facts where they are of this very tag, else the configuration of the
// local image of that name, else what can be inferred.
func (b *bases) facts(ctx context.Context, ref string) *dockerfile.BaseFacts {
	if ref == "" || strings.ContainsRune(ref, '$') {
		return nil
	}
	if f, done := b.known[ref]; done {
		return f
	}
	f := base.FactsOf(ref)
	if f == nil || !f.Config || strings.HasPrefix(f.Source, "inferred") {
		if l := b.localFacts(ctx, ref); l != nil {
			f = l
		}
	}
	if b.known == nil {
		b.known = map[string]*dockerfile.BaseFacts{}
	}
	b.known[ref] = f
	return f
}

// localFacts are those of an image that the Docker Engine has; nil: none are
// known.
func (b *bases) localFacts(ctx context.Context, ref string) *dockerfile.BaseFacts {
	if _, err := base.ParseRef(ref); err != nil {
		return nil
	}
	im := b.locals.Get(ctx, ref)
	if im == nil {
		return nil
	}
	return factsOfLocal(ref, im)
}

func factsOfLocal(ref string, im *image.Local) *dockerfile.BaseFacts {
	c := &im.Config
	f := &dockerfile.BaseFacts{
		Ref: ref, Source: "the local image " + im.ID.Short(), Config: true,
		User: c.User, Workdir: c.WorkingDir, Shell: im.Shell, Env: map[string]string{}, Entrypoint: c.Entrypoint, Cmd: c.Cmd,
		Healthcheck: im.Healthcheck, StopSignal: c.StopSignal, OnBuild: im.OnBuild,
	}
	for _, e := range c.Env {
		name, value, _ := strings.Cut(e, "=")
		f.Env[name] = value
	}
	for p := range c.ExposedPorts {
		f.Exposed = append(f.Exposed, p)
	}
	for v := range c.Volumes {
		f.Volumes = append(f.Volumes, v)
	}
	slices.Sort(f.Exposed)
	slices.Sort(f.Volumes)
	// What no configuration has, the embedded facts of the name may.
	if e := base.FactsOf(ref); e != nil {
		f.Accounts, f.Distribution, f.Release = e.Accounts, e.Distribution, e.Release
		if e.Accounts != nil {
			f.Source += fmt.Sprintf("; accounts: %s", e.Source)
		}
	}
	return f
}
