package check

import (
	"context"
	"log/slog"

	"github.com/drydock-dev/drydock/internal/image"
)

// Locals are the images that the Docker Engine has, for what is good to know. An
// Engine that is not there or does not answer has none, and is not asked again.
// It is used from one goroutine.
type Locals struct {
	opt    image.Options
	log    *slog.Logger
	engine *image.Locals
	silent bool
}

// Locals asks the Engine of the surroundings, once something is asked of it. The
// caller closes it.
func (s *Surroundings) Locals() *Locals { return &Locals{opt: s.ImageOptions(nil), log: s.Log} }

// Get describes the image of a reference; nil: none is known.
func (l *Locals) Get(ctx context.Context, ref string) *image.Local {
	if !l.open() {
		return nil
	}
	im, err := l.engine.Get(ctx, ref)
	if err != nil {
		l.silent = ctx.Err() == nil
		return nil
	}
	return im
}

// Of lists the tags of a repository, as Docker writes it ("nginx").
func (l *Locals) Of(ctx context.Context, repository string) []string {
	if !l.open() {
		return nil
	}
	names, err := l.engine.Of(ctx, repository)
	if err != nil {
		l.log.Debug("local images", "error", err)
		l.silent = true
	}
	return names
}

func (l *Locals) open() bool {
	if l.engine == nil && !l.silent {
		engine, err := image.OpenLocals(l.opt)
		l.engine, l.silent = engine, err != nil
	}
	return !l.silent
}

// Close ends the connection.
func (l *Locals) Close() error {
	if l.engine == nil {
		return nil
	}
	return l.engine.Close()
}
