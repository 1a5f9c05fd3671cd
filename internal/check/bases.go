package check

import (
	"context"
	"fmt"
	"maps"
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

// bases finds out what is known of the images that files name.
type bases struct {
	*Surroundings
	locals *Locals
	warn   func(string)
	known  map[string]*dockerfile.BaseFacts

	held        map[string]*held // by reference
	entries     *[]*base.Entry   // of the user's own catalogue; nil: not read yet
	unreachable map[string]bool  // registries that do not answer
	pulled      int64            // compressed bytes
}

// facts is what is known of a base image's configuration: the embedded facts
// where they are of this very tag, else that of the image that was looked at for
// what it holds, else that of the local image of that name, else what can be
// inferred. No registry is asked for it.
func (b *bases) facts(ctx context.Context, ref string) *dockerfile.BaseFacts {
	if ref == "" || strings.ContainsRune(ref, '$') {
		return nil
	}
	if f, done := b.known[ref]; done {
		return f
	}
	f := base.FactsOf(ref)
	if f == nil || !f.Config || strings.HasPrefix(f.Source, "inferred") {
		if h := b.held[ref]; h != nil && h.facts != nil {
			f = h.facts
		} else if l := b.localFacts(ctx, ref); l != nil {
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
	return factsOf(ref, "the local image "+im.ID.Short(), &dockerfile.BaseFacts{
		User: c.User, Workdir: c.WorkingDir, Shell: im.Shell, Entrypoint: c.Entrypoint, Cmd: c.Cmd,
		Healthcheck: im.Healthcheck, StopSignal: c.StopSignal, OnBuild: im.OnBuild,
	}, c.Env, c.ExposedPorts, c.Volumes)
}

// factsOfServed are those of an image that was opened.
func factsOfServed(ref string, im *image.Image) *dockerfile.BaseFacts {
	if im.Config == nil {
		return nil
	}
	source := "the registry's image " + im.ID.Short()
	if im.Kind == "engine" {
		source = "the local image " + im.EngineID.Short()
	}
	c := &im.Config.Config
	health := c.Healthcheck != nil && len(c.Healthcheck.Test) > 0 && c.Healthcheck.Test[0] != "NONE"
	return factsOf(ref, source, &dockerfile.BaseFacts{
		User: c.User, Workdir: c.WorkingDir, Shell: c.Shell, Entrypoint: c.Entrypoint, Cmd: c.Cmd,
		Healthcheck: health, StopSignal: c.StopSignal, OnBuild: c.OnBuild,
	}, c.Env, c.ExposedPorts, c.Volumes)
}

func factsOf(
	ref, source string, f *dockerfile.BaseFacts, env []string, ports, volumes map[string]struct{},
) *dockerfile.BaseFacts {
	f.Ref, f.Source, f.Config, f.Env = ref, source, true, map[string]string{}
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		f.Env[name] = value
	}
	f.Exposed, f.Volumes = slices.Sorted(maps.Keys(ports)), slices.Sorted(maps.Keys(volumes))
	// What no configuration has, the embedded facts of the name may.
	if e := base.FactsOf(ref); e != nil {
		f.Accounts, f.Distribution, f.Release = e.Accounts, e.Distribution, e.Release
		if e.Accounts != nil {
			f.Source += fmt.Sprintf("; accounts: %s", e.Source)
		}
	}
	return f
}
