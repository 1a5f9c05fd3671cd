package gate

import (
	"context"
	"sync"
	"time"

	"github.com/moby/moby/api/types/container"
)

// recent is what the Engine said a moment ago. A name moves by calls alone that the gate
// sees, and each of these ends it once it holds the name; a build in which no name can be
// seen may move an image's, which is why it ends by itself, and why start looks at the
// image that a container has.
type recent[V any] struct {
	mu    sync.Mutex
	known map[string]said[V]
}

type said[V any] struct {
	value V
	at    time.Time
}

// recently is how long it counts at most.
const recently = time.Second

const maxRecent = 1000

// get asks, or gives what was said a moment ago.
func (r *recent[V]) get(name string, now time.Time, ask func() (V, error), keep func(V) bool) (V, error) {
	r.mu.Lock()
	s, ok := r.known[name]
	r.mu.Unlock()
	if ok && now.Sub(s.at) < recently && !now.Before(s.at) {
		return s.value, nil
	}
	v, err := ask()
	if err != nil || !keep(v) {
		return v, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil || len(r.known) >= maxRecent {
		r.known = map[string]said[V]{}
	}
	r.known[name] = said[V]{v, now}
	return v, nil
}

// forget ends it.
func (r *recent[V]) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known = nil
}

// container is a container as the Engine has it: by its id or its whole name it is
// remembered, for no other container takes either without a call.
func (g *Gate) container(ctx context.Context, name string) (container.InspectResponse, error) {
	return g.containers.get(name, g.Now(), func() (container.InspectResponse, error) { return g.Engine.Container(ctx, name) },
		func(in container.InspectResponse) bool { return in.ID == name || in.Name == "/"+name })
}

// image is an image as the Engine has it.
func (g *Gate) image(ctx context.Context, ref string) (Image, error) {
	return g.images.get(ref, g.Now(), func() (Image, error) { return g.Engine.Image(ctx, ref) }, func(Image) bool { return true })
}

// moved forgets what a call that holds its names may change.
func (g *Gate) moved(wants []want, kind Kind) {
	for _, w := range wants {
		if w.moves || kind == Update {
			g.containers.forget()
			g.images.forget()
			return
		}
	}
}
