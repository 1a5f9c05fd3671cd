package stream

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/bus"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// Service changes the state.
type Service struct {
	Store  *store.Store
	Index  *index.Index
	Log    *slog.Logger
	Worker string        // a name for this process; empty: "worker"
	Lease  time.Duration // of a task; 0: a minute
	Poll   time.Duration // how often other processes' events are looked for; 0: half a second
	Bus    *bus.Bus      // by which tasks come from other machines; nil: the database is asked for them
}

// AddImage stores an image and tells the workers. The same image under the same
// name is the one that is there.
func (s *Service) AddImage(ctx context.Context, in store.NewImage) (store.Image, error) {
	var img store.Image
	err := s.Store.Change(ctx, func(tx *store.Tx) error {
		var fresh bool
		var err error
		if img, fresh, err = tx.PutImage(ctx, in); err != nil || !fresh {
			return err
		}
		_, err = tx.Emit(ctx, store.Event{Kind: store.ImageAdded, Subject: img.ID}, store.Prompt)
		return err
	})
	return img, err
}

// Work follows the events and does tasks, until ctx ends.
func (s *Service) Work(ctx context.Context) error {
	return s.loop(ctx, s.Step)
}

// Watch follows the events and does nothing: for a process that only shows.
func (s *Service) Watch(ctx context.Context) error {
	return s.loop(ctx, func(ctx context.Context) (bool, error) { return false, s.Index.Follow(ctx, s.Store) })
}

func (s *Service) loop(ctx context.Context, step func(context.Context) (bool, error)) error {
	poll := s.Poll
	if poll == 0 {
		poll = 500 * time.Millisecond
	}
	pause, down := poll, false
	for ctx.Err() == nil {
		changed := s.Store.Changed()
		more, err := step(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			// The database is away: it is asked again, less and less often.
			if !down {
				s.Log.Error("the service does not get on", "reason", err)
			}
			down, pause, changed = true, min(2*pause, 30*time.Second), nil
		case down:
			s.Log.Info("the service gets on again")
			down, pause = false, poll
		}
		if more {
			continue
		}
		rest := pause
		if s.fed() && !down {
			rest *= fedPause
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-time.After(rest):
		}
	}
	return nil
}

// fedPause is how many times as long a worker rests that the bus wakes.
const fedPause = 10

// fed reports whether tasks come by the bus now.
func (s *Service) fed() bool { return s.Bus != nil && s.Bus.Up() }

// Step follows the events and does one task; more tells that there was one.
func (s *Service) Step(ctx context.Context) (more bool, err error) {
	if err := s.Index.Follow(ctx, s.Store); err != nil {
		return false, err
	}
	if s.fed() {
		given, err := s.Bus.Take(ctx)
		if err == nil {
			return s.given(ctx, given)
		}
		// It tells of itself; the database knows what there is to do.
	}
	lease, worker := s.mine()
	task, err := s.Store.Claim(ctx, worker, lease)
	if err != nil || task == nil {
		return false, err
	}
	tasks := []*store.Task{task}
	if task.Kind.Together() && task.Tries == 1 { // one that failed is tried alone
		alike, err := s.Store.ClaimAlike(ctx, task, worker, together-1)
		if err != nil {
			return false, err
		}
		tasks = append(tasks, alike...)
	}
	_, err = s.attempt(ctx, tasks)
	return err == nil || ctx.Err() == nil, err
}

// mine is for how long, and in whose name, tasks are taken.
func (s *Service) mine() (lease time.Duration, worker string) {
	return cmp.Or(s.Lease, time.Minute), cmp.Or(s.Worker, "worker")
}

// attempt does tasks, or gives them back; problem is why they were given back.
func (s *Service) attempt(ctx context.Context, tasks []*store.Task) (problem, err error) {
	problem = s.do(ctx, tasks)
	switch {
	case problem == nil, errors.Is(problem, store.ErrDone):
		return nil, s.Index.Follow(ctx, s.Store)
	case ctx.Err() != nil:
		return problem, ctx.Err()
	}
	task := tasks[0]
	s.Log.Warn("a task failed", "event", task.N, "kind", task.Kind, "with", len(tasks)-1, "try", task.Tries, "reason", problem)
	for _, t := range tasks {
		if err := s.Store.Release(ctx, t, problem, pauseOf(t)); err != nil {
			return problem, err
		}
	}
	return problem, nil
}

// pauseOf is how long a task that failed waits.
func pauseOf(t *store.Task) time.Duration { return time.Duration(t.Tries) * time.Second }

// given does the tasks of pointers, as far as they are still there and nobody else's.
func (s *Service) given(ctx context.Context, given []bus.Given) (more bool, err error) {
	if len(given) == 0 {
		return false, nil
	}
	lease, worker := s.mine()
	ns, of := make([]int64, len(given)), map[int64]*bus.Given{}
	for i := range given {
		ns[i], of[given[i].N] = given[i].N, &given[i]
	}
	taken, err := s.Store.ClaimThese(ctx, ns, worker, lease)
	if err != nil {
		for i := range given {
			given[i].Later(time.Second)
		}
		return false, err
	}
	var groups [][]*store.Task
	var all []*store.Task // that are done together
	for _, t := range taken.Tasks {
		if t.Kind.Together() && t.Tries == 1 {
			all = append(all, t)
		} else {
			groups = append(groups, []*store.Task{t})
		}
	}
	if len(all) > 0 {
		groups = append(groups, all)
	}
	for i := range given {
		g := &given[i]
		after, held := taken.Wait(g.N, s.Store.Now())
		switch {
		case slices.ContainsFunc(taken.Tasks, func(t *store.Task) bool { return t.N == g.N }):
		case held:
			g.Later(after)
		default: // done, or set aside
			g.Done()
		}
	}
	for _, tasks := range groups {
		problem, err := s.attempt(ctx, tasks)
		if problem == nil {
			for _, t := range tasks {
				of[t.N].Done()
			}
		} else if ctx.Err() == nil {
			for _, t := range tasks {
				if t.Tries >= store.MaxTries {
					of[t.N].Done()
				} else {
					of[t.N].Later(pauseOf(t))
				}
			}
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// do does a task, or several that images ask for. The index holds the tasks' events,
// since it was followed to later ones before they were claimed, or is followed to them
// here.
func (s *Service) do(ctx context.Context, tasks []*store.Task) error {
	task := tasks[0]
	if s.Index.At() < tasks[len(tasks)-1].N {
		if err := s.Index.Follow(ctx, s.Store); err != nil {
			return err
		}
	}
	switch task.Kind {
	case store.ImageAdded:
		return s.judgeImages(ctx, tasks)
	case store.AdvisoryChanged:
		return s.judgeDelta(ctx, task)
	case store.FeedChanged:
		return s.judgeFeed(ctx, task)
	default:
		return s.Store.Change(ctx, func(tx *store.Tx) error { return tx.Done(ctx, task) })
	}
}

// together is how many images are judged in one change at most.
const together = 200

// judgeImages matches what of images nobody has matched yet.
func (s *Service) judgeImages(ctx context.Context, tasks []*store.Task) error {
	all, own := roaring.New(), map[int64]*roaring.Bitmap{}
	for _, t := range tasks {
		parts := s.Index.Unjudged(t.Subject)
		parts.AndNot(all) // what several lack is the first one's
		all.Or(parts)
		own[t.N] = parts
	}
	list, upTo, err := s.Index.Match(ctx, all)
	if err != nil {
		return err
	}
	why := map[uint32]func(*finding.Finding) store.Why{}
	for _, t := range tasks {
		w := s.why(t, store.Why{Cause: store.CauseImage})
		for it := own[t.N].Iterator(); it.HasNext(); {
			why[it.Next()] = w
		}
	}
	for i := range list {
		list[i].Why = why[list[i].Part]
	}
	return s.Store.Change(ctx, func(tx *store.Tx) error {
		done, err := tx.DoneAll(ctx, tasks)
		if err != nil {
			return err
		}
		if len(done) == 0 {
			return store.ErrDone
		}
		changes, err := tx.Judge(ctx, upTo, list)
		if err != nil {
			return err
		}
		opened := map[uint32]int{}
		for i := range changes {
			opened[changes[i].Part]++
		}
		events := make([]store.Event, 0, len(tasks))
		for _, t := range tasks {
			body := index.Findings{Parts: index.Set(own[t.N])}
			for it := own[t.N].Iterator(); it.HasNext(); {
				body.Opened += opened[it.Next()]
			}
			b, err := json.Marshal(body)
			if err != nil {
				return err
			}
			if slices.Contains(done, t) || !own[t.N].IsEmpty() {
				events = append(events, store.Event{Kind: store.ImageJudged, Subject: t.Subject, Body: b})
			}
		}
		_, err = tx.EmitAll(ctx, events, store.None)
		return err
	})
}

func (s *Service) emit(ctx context.Context, tx *store.Tx, kind store.Kind, subject string, body index.Findings) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	_, err = tx.Emit(ctx, store.Event{Kind: kind, Subject: subject, Body: b}, store.None)
	return err
}

// shardBits are the bits of an image's number that tell it apart within a shard.
const shardBits = 20

// tell emits what changed: an event a vulnerability, package, way and shard.
func (s *Service) tell(ctx context.Context, tx *store.Tx, changes []store.Change) error {
	type group struct{ id, name, change string }
	parts := map[group]*roaring.Bitmap{}
	first := map[group]*store.Change{}
	var order []group
	for i := range changes {
		c := &changes[i]
		g := group{c.Vuln.ID, c.Vuln.Name, "changed"}
		switch {
		case c.Was == nil:
			g.change = "opened"
		case !c.Now:
			g.change = "closed"
		}
		if parts[g] == nil {
			parts[g], first[g] = roaring.New(), c
			order = append(order, g)
		}
		parts[g].Add(c.Part)
	}
	for _, g := range order {
		c := first[g]
		why := c.WhyOpened
		if g.change == "closed" {
			why = c.WhyClosed
		}
		body := index.Findings{
			Vuln: g.id, Package: g.name, Severity: c.Severity.String(), FixedIn: c.Vuln.FixedIn, Change: g.change,
			Why: &why, Parts: index.Set(parts[g]),
		}
		if was := c.Was; was != nil && c.Now {
			body.Was = &index.Was{Severity: was.Severity.String(), FixedIn: was.Vuln.FixedIn, KEV: was.Vuln.KEV}
		}
		if err := s.tellImages(ctx, tx, body, s.Index.Hit(parts[g])); err != nil {
			return err
		}
	}
	return nil
}

// tellImages emits what happened to findings, an event a shard of the images.
func (s *Service) tellImages(ctx context.Context, tx *store.Tx, body index.Findings, images *roaring.Bitmap) error {
	for shard := uint32(0); ; shard++ {
		one := images.Clone()
		one.RemoveRange(0, uint64(shard)<<shardBits)
		rest := one.Clone()
		rest.RemoveRange(0, uint64(shard+1)<<shardBits)
		one.AndNot(rest)
		body.Shard, body.Hit, body.Images = shard, one.GetCardinality(), index.Set(one)
		if !one.IsEmpty() || rest.IsEmpty() {
			if err := s.emit(ctx, tx, store.FindingsChanged, body.Vuln, body); err != nil {
				return err
			}
		}
		if rest.IsEmpty() {
			return nil
		}
	}
}
