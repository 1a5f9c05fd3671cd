package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/image"
)

// facts is what is known of a base image, without asking a registry: the
// embedded facts where they are of this very tag, else the configuration of the
// local image of that name, else what can be inferred.
func (r *run) facts(ctx context.Context, ref string) *dockerfile.BaseFacts {
	if ref == "" || strings.ContainsRune(ref, '$') {
		return nil
	}
	if f, done := r.known[ref]; done {
		return f
	}
	f := base.FactsOf(ref)
	if f == nil || !f.Config || strings.HasPrefix(f.Source, "inferred") {
		if l := r.localFacts(ctx, ref); l != nil {
			f = l
		}
	}
	if r.known == nil {
		r.known = map[string]*dockerfile.BaseFacts{}
	}
	r.known[ref] = f
	return f
}

// localFacts are those of an image that the Docker Engine has; nil: it has none,
// or does not answer.
func (r *run) localFacts(ctx context.Context, ref string) *dockerfile.BaseFacts {
	if r.noEngine {
		return nil
	}
	if _, err := base.ParseRef(ref); err != nil {
		return nil
	}
	l := r.locals()
	if l == nil {
		return nil
	}
	im, err := l.Get(ctx, ref)
	if err != nil {
		r.noEngine = ctx.Err() == nil
		return nil
	}
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
