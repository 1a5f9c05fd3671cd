package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/drydock-dev/drydock/internal/ledger"
)

// mark writes down what is about to be made, under a name that nobody else has.
// within is how long whatever is asked to make it may go on after a kill.
func (e *Engine) mark(ctx context.Context, kind ledger.Kind, within time.Duration) (*ledger.Mark, error) {
	if err := e.identify(ctx); err != nil {
		return nil, err
	}
	m, err := e.opt.Ledger.Add(ledger.Entry{
		Kind: kind, Name: ledger.Name("proof"), Engine: e.Identity(), Address: e.api.DaemonHost(), Until: time.Now().Add(within),
	})
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.made = append(e.made, m)
	return m, nil
}

// Ready is nil if something may be made here: the Engine says who it is, and
// what is made can be written down.
func (e *Engine) Ready(ctx context.Context) error {
	if err := e.identify(ctx); err != nil {
		return err
	}
	return e.opt.Ledger.Ready()
}

// Clear removes whatever was made through e and is still there. What could not
// be removed stays in the ledger, for a sweep to try again.
func (e *Engine) Clear(ctx context.Context) error {
	e.mu.Lock()
	made, folders := e.made, e.folders
	e.made, e.folders = nil, nil
	e.mu.Unlock()
	var errs []error
	for _, f := range folders {
		errs = append(errs, f.Remove())
	}
	for _, m := range slices.Backward(made) {
		if err := e.unmake(ctx, m, false); err != nil {
			errs = append(errs, err)
			e.mu.Lock()
			e.made = append(e.made, m)
			e.mu.Unlock()
		}
	}
	return errors.Join(errs...)
}

// unmake removes what a mark is about, and strikes it out. Unless it is settled
// that what was asked for will not come any more, what is not there stays in the
// ledger.
func (e *Engine) unmake(ctx context.Context, m *ledger.Mark, settled bool) error {
	if !m.Live() {
		return nil
	}
	what := m.Entry()
	fate, err := e.Take(ctx, what)
	if err != nil {
		return err
	}
	if fate == ledger.Absent && what.ID == "" && !settled && time.Now().Before(what.Until) {
		return nil
	}
	return m.Gone()
}

// answered reports whether an error is the Engine's own answer: what it was
// asked for is then not made. One that was never answered may go on.
func answered(err error) bool {
	for _, is := range []func(error) bool{
		errdefs.IsInvalidArgument, errdefs.IsNotFound, errdefs.IsConflict, errdefs.IsInternal, errdefs.IsPermissionDenied,
		errdefs.IsUnauthorized, errdefs.IsNotImplemented, errdefs.IsFailedPrecondition, errdefs.IsNotModified,
	} {
		if is(err) {
			return true
		}
	}
	return false
}

// Sweep takes away what runs that were killed left, in this Engine and outside
// of it.
func (e *Engine) Sweep(ctx context.Context) {
	e.opt.Ledger.Sweep(ctx, func(ctx context.Context, _ string) ledger.Engine {
		if e.identify(ctx) != nil {
			return nil
		}
		return e
	})
}

// sweepWithin is how long a sweep may take for somebody who waits for something
// else. What it does not come to is left for the next.
const sweepWithin = 10 * time.Second

// Sweep is [Engine.Sweep] for a run that may have nothing to do with an Engine:
// one is asked only if something was left there, and only on this machine.
func Sweep(ctx context.Context, opt Options) {
	ctx, cancel := context.WithTimeout(ctx, sweepWithin)
	defer cancel()
	var e *Engine
	opt.Ledger.Sweep(ctx, func(ctx context.Context, _ string) ledger.Engine {
		var err error
		if e, err = Dial(ctx, opt); err != nil {
			e = nil // what is there stays written down
			return nil
		}
		if !e.Local() || e.identify(ctx) != nil {
			return nil
		}
		return e
	})
	if e != nil {
		_ = e.Close() // nothing is lost with it
	}
}

// Identity is what the ledger names this Engine by; empty before it was asked.
func (e *Engine) Identity() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.identity
}

// Take removes what an entry is about: what has its name, and its id if one was
// written. It is looked at first and removed by the id that it has, so that
// nothing that took its name meanwhile is hit.
func (e *Engine) Take(ctx context.Context, what ledger.Entry) (ledger.Fate, error) {
	var fate ledger.Fate
	var err error
	switch what.Kind {
	case ledger.Container:
		fate, err = e.takeContainer(ctx, what)
	case ledger.Network:
		fate, err = e.takeNetwork(ctx, what)
	case ledger.Volume:
		fate, err = e.takeVolume(ctx, what)
	case ledger.Image:
		fate, err = e.takeImage(ctx, what)
	default:
		return ledger.Spared, nil
	}
	if errdefs.IsNotFound(err) {
		return ledger.Absent, nil
	}
	if err != nil {
		return fate, fmt.Errorf("remove %s: %w", what.Kind, err)
	}
	return fate, nil
}

// known is what the Engine knows a thing by: its id if that was written.
func known(what ledger.Entry) string {
	if what.ID != "" {
		return what.ID
	}
	return what.Name
}

// isIt reports whether what the Engine has is what was made.
func isIt(what ledger.Entry, name, id string) bool {
	return name == what.Name && id != "" && (what.ID == "" || id == what.ID)
}

// takeContainer kills a container and takes it away with the volumes that the
// Engine made for it. The Engine may be at it already.
func (e *Engine) takeContainer(ctx context.Context, what ledger.Entry) (ledger.Fate, error) {
	got, err := e.api.ContainerInspect(ctx, known(what), client.ContainerInspectOptions{})
	if err != nil {
		return ledger.Absent, err
	}
	if !isIt(what, strings.TrimPrefix(got.Container.Name, "/"), got.Container.ID) {
		return ledger.Spared, nil
	}
	_, err = e.api.ContainerRemove(ctx, got.Container.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	if err != nil && strings.Contains(err.Error(), "is already in progress") {
		err = e.vanish(ctx, got.Container.ID)
	}
	return ledger.Removed, err
}

// vanish waits until a container that is being removed is not there any more:
// its image and network cannot be removed before.
func (e *Engine) vanish(ctx context.Context, id string) error {
	for range 100 {
		if _, err := e.api.ContainerInspect(ctx, id, client.ContainerInspectOptions{}); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return errors.New("its removal goes on and on")
}

func (e *Engine) takeNetwork(ctx context.Context, what ledger.Entry) (ledger.Fate, error) {
	got, err := e.api.NetworkInspect(ctx, known(what), client.NetworkInspectOptions{})
	if err != nil {
		return ledger.Absent, err
	}
	if !isIt(what, got.Network.Name, got.Network.ID) {
		return ledger.Spared, nil
	}
	_, err = e.api.NetworkRemove(ctx, got.Network.ID, client.NetworkRemoveOptions{})
	return ledger.Removed, err
}

// takeVolume knows a volume by its name: it has no id.
func (e *Engine) takeVolume(ctx context.Context, what ledger.Entry) (ledger.Fate, error) {
	got, err := e.api.VolumeInspect(ctx, what.Name, client.VolumeInspectOptions{})
	if err != nil {
		return ledger.Absent, err
	}
	if got.Volume.Name != what.Name {
		return ledger.Spared, nil
	}
	_, err = e.api.VolumeRemove(ctx, what.Name, client.VolumeRemoveOptions{})
	return ledger.Removed, err
}

// takeImage takes an image's name away, and the image if it has no other and
// nothing runs on it: one that somebody named or uses is his.
func (e *Engine) takeImage(ctx context.Context, what ledger.Entry) (ledger.Fate, error) {
	name := what.Name + ":latest"
	got, err := e.api.ImageInspect(ctx, name)
	if err != nil {
		return ledger.Absent, err
	}
	named := func(tag string) bool { return tag == name || strings.HasSuffix(tag, "/"+name) }
	if !slices.ContainsFunc(got.RepoTags, named) || what.ID != "" && got.ID != what.ID {
		return ledger.Spared, nil
	}
	_, err = e.api.ImageRemove(ctx, name, client.ImageRemoveOptions{PruneChildren: true})
	return ledger.Removed, err
}
