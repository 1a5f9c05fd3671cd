package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/moby/moby/api/types/container"
	"golang.org/x/sync/errgroup"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/server/api"
	"github.com/drydock-dev/drydock/internal/server/client"
)

// Engine is what is asked of a Docker Engine: reading calls only.
type Engine interface {
	Machine(ctx context.Context) (id, name string, err error)
	Running(ctx context.Context) ([]container.InspectResponse, error)
	Images(ctx context.Context) ([]runtime.Held, error)
	Watch(ctx context.Context, ready, changed func()) error
	Name() string
	Close() error
}

// Service is who is told.
type Service interface {
	TellHost(ctx context.Context, host string, r api.HostReport) (api.HostAnswer, error)
	Push(ctx context.Context, ref string, document []byte, facts url.Values) (client.Pushed, error)
}

// Which says of which images the SBOM is sent.
type Which string

// Which images.
const (
	All  Which = "all"     // that have a name, and those that run
	Runs Which = "running" // that run
)

// Agent tells one service of one Engine.
type Agent struct {
	Dial    func(context.Context) (Engine, error)
	Service Service
	// Scan makes the SBOM of an image of the Engine, with what else is told of it.
	Scan    func(ctx context.Context, id finding.Digest) (document []byte, facts url.Values, err error)
	Host    string // empty: the Engine's name for its machine
	Env     string
	Which   Which         // empty: All
	Every   time.Duration // at most, from one list to the next; 0: [Often]
	Version string
	Log     *slog.Logger
	Pause   time.Duration // before the first try again, doubled up to a minute; 0: a second
	Settle  time.Duration // how long events are gathered before the Engine is asked; 0: a quarter of a second
}

// Often is how often lists are told where nothing happens.
const Often = time.Minute

const (
	longest = time.Minute // of the pauses
	patient = 30 * time.Second
)

// Run tells the service until ctx ends, or the service refuses the agent.
func (a *Agent) Run(ctx context.Context) error {
	pause := a.pause()
	for {
		told, err := a.session(ctx)
		var no *client.Error
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &no) && refused(no.Status):
			return err
		}
		if told {
			pause = a.pause()
		}
		a.Log.Warn("the Engine is away; the agent goes on when it is back", "reason", err, "again in", pause)
		if !sleep(ctx, pause) {
			return nil
		}
		pause = min(2*pause, longest)
	}
}

// Once tells the service what there is now, and sends what it lacks.
func (a *Agent) Once(ctx context.Context) error {
	e, err := a.Dial(ctx)
	if err != nil {
		return err
	}
	defer e.Close() //nolint:errcheck // only asked
	s := a.begin(e)
	if err := s.tell(ctx, "connect"); err != nil {
		return err
	}
	return s.push.all(ctx)
}

// refused reports whether a status means that trying again will not help.
func refused(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusConflict ||
		status == http.StatusMisdirectedRequest || status == http.StatusNotFound || status == http.StatusBadRequest
}

func (a *Agent) pause() time.Duration {
	if a.Pause > 0 {
		return a.Pause
	}
	return time.Second
}

func (a *Agent) every() time.Duration {
	if a.Every > 0 {
		return a.Every
	}
	return Often
}

// session is one connection to the Engine.
type session struct {
	*Agent
	engine Engine
	push   *pusher
	told   bool // the service took a report
}

func (a *Agent) begin(e Engine) *session { return &session{Agent: a, engine: e, push: newPusher(a)} }

// session connects, tells everything, and then whatever changes, until the connection
// ends. told tells that it came to that.
func (a *Agent) session(ctx context.Context) (told bool, err error) {
	e, err := a.Dial(ctx)
	if err != nil {
		return false, err
	}
	defer e.Close() //nolint:errcheck // only asked
	s := a.begin(e)
	work, ctx := errgroup.WithContext(ctx)
	listens, changed := make(chan struct{}), make(chan struct{}, 1)
	work.Go(func() error {
		return e.Watch(ctx, func() { close(listens) }, func() {
			select {
			case changed <- struct{}{}:
			default: // somebody will look
			}
		})
	})
	work.Go(func() error { return s.push.run(ctx) })
	work.Go(func() error {
		select {
		case <-listens:
			return s.follow(ctx, changed)
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	err = work.Wait()
	return s.told, err
}

// follow tells the list at once, after events, and now and then.
func (s *session) follow(ctx context.Context, changed <-chan struct{}) error {
	cause := "connect"
	for {
		if err := s.insist(ctx, cause); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
			cause = "event"
			settle := s.Settle
			if settle == 0 {
				settle = 250 * time.Millisecond
			}
			if !sleep(ctx, settle) { // a pull or a project that starts makes many
				return ctx.Err()
			}
			select {
			case <-changed:
			default:
			}
		case <-s.push.failed:
			cause = "event" // to say what could not be read
		case <-time.After(s.every()):
			cause = "listing"
		}
	}
}

// insist tells the service, again and again while it is away. What is told is read anew
// each time. An Engine that does not answer ends the session.
func (s *session) insist(ctx context.Context, cause string) error {
	for pause, away := s.pause(), false; ; pause = min(2*pause, longest) {
		err := s.tell(ctx, cause)
		var engine *engineError
		var no *client.Error
		switch {
		case err == nil:
			if away {
				s.Log.Info("the service is back")
			}
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &engine), errors.As(err, &no) && refused(no.Status):
			return err
		}
		if !away {
			s.Log.Warn("the service is away; the agent goes on when it is back", "reason", err)
		}
		away = true
		if cause == "event" {
			cause = "listing" // by then it may be more than the events said
		}
		if !sleep(ctx, pause) {
			return ctx.Err()
		}
	}
}

// engineError is an Engine's that does not answer.
type engineError struct{ err error }

func (e *engineError) Error() string { return e.err.Error() }
func (e *engineError) Unwrap() error { return e.err }

// tell tells the service what there is.
func (s *session) tell(ctx context.Context, cause string) error {
	ctx, cancel := context.WithTimeout(ctx, patient+s.every())
	defer cancel()
	host, r, err := s.list(ctx)
	if err != nil {
		return &engineError{err}
	}
	r.Cause, r.Problems = cause, s.push.problems()
	got, err := s.Service.TellHost(ctx, host, r)
	if err != nil {
		return err
	}
	s.told = true
	level := slog.LevelDebug
	if !got.None() {
		level = slog.LevelInfo
	}
	s.Log.Log(ctx, level, "told", "host", host, "why", cause, "containers", len(r.Containers), "added", got.Added, "changed", got.Changed, "removed", got.Removed, "images lacking", len(got.Missing))
	s.push.want(got.Missing)
	return nil
}

// list is what the Engine has now.
func (s *session) list(ctx context.Context) (host string, r api.HostReport, err error) {
	id, name, err := s.engine.Machine(ctx)
	if err != nil {
		return "", r, err
	}
	images, err := s.engine.Images(ctx)
	if err != nil {
		return "", r, err
	}
	running, err := s.engine.Running(ctx)
	if err != nil {
		return "", r, err
	}
	r = api.HostReport{
		Env: s.Env, Engine: id, Version: s.engine.Name(), Agent: s.Version, Every: int(max(time.Second, s.every()) / time.Second),
		Containers: containers(running, images), Images: wanted(running, images, s.Which),
	}
	if host = s.Host; host == "" {
		host = name
	}
	if host == "" {
		return "", r, finding.WithHint(fmt.Errorf("the Engine has no name"), "--name says how the service calls it")
	}
	return host, r, nil
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
