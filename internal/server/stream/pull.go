package stream

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// Wanted is an image that is to be pulled, as a job holds it.
type Wanted struct {
	Ref    string         `json:"ref"`              // under which it is kept: "registry.example/acme/web:1"
	From   string         `json:"from"`             // repository: "registry.example/acme/web"
	Digest finding.Digest `json:"digest,omitempty"` // empty: what the tag means then
	Env    string         `json:"env,omitempty"`
}

// At is what is asked of the registry.
func (w *Wanted) At() string {
	if w.Digest != "" {
		return w.From + "@" + string(w.Digest)
	}
	return w.Ref
}

// Want has images pulled that are not here, and returns the jobs' ids; an image that is
// here has none.
func (s *Service) Want(ctx context.Context, all []Wanted) ([]string, error) {
	ids := make([]string, len(all))
	err := s.Store.Change(ctx, func(tx *store.Tx) error {
		for i := range all {
			w := &all[i]
			ids[i] = ""
			if w.Digest != "" && s.Index.Knows(w.Ref, []finding.Digest{w.Digest}) {
				continue
			}
			ids[i] = finding.DigestOf([]byte(w.Ref + "\x00" + w.At())).Hex()[:32]
			fresh, err := tx.AddJob(ctx, store.JobPull, ids[i], w)
			if err != nil {
				return err
			}
			if !fresh {
				continue
			}
			if _, err := tx.Emit(ctx, store.Event{Kind: store.ImageWanted, Subject: w.Ref}, store.None); err != nil {
				return err
			}
		}
		return nil
	})
	return ids, err
}

// Puller pulls the images that somebody wants, one at a time and beside the tasks: a
// registry may be slow, and no advisory waits for it.
type Puller struct {
	Service *Service
	Pull    func(ctx context.Context, at string) (store.NewImage, error) // without its name
	Poll    time.Duration                                                // 0: 2 s
	Pause   time.Duration                                                // before the second try; 0: 5 s
}

const (
	pullLease = 10 * time.Minute
	pullTime  = pullLease - time.Minute
	pullTries = 6
)

// Run pulls until ctx ends.
func (p *Puller) Run(ctx context.Context) error {
	poll := p.Poll
	if poll == 0 {
		poll = 2 * time.Second
	}
	for ctx.Err() == nil {
		changed := p.Service.Store.Changed()
		more, err := p.Step(ctx)
		if more && err == nil {
			continue
		}
		if err != nil {
			changed = nil // the database is away
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-time.After(poll):
		}
	}
	return nil
}

// Step pulls one image; more tells that there was one.
func (p *Puller) Step(ctx context.Context) (more bool, err error) {
	st := p.Service.Store
	j, err := st.ClaimJob(ctx, store.JobPull, pullLease)
	if err != nil || j == nil {
		return false, err
	}
	var w Wanted
	if err := json.Unmarshal(j.Body, &w); err != nil {
		return true, st.EndJob(ctx, j, store.JobDead, st.Now(), "it cannot be read")
	}
	trouble := p.pull(ctx, &w)
	switch {
	case ctx.Err() != nil:
		return false, nil //nolint:nilerr // it is pulled again when its lease is over
	case trouble == nil:
		err = st.EndJob(ctx, j, store.JobDone, st.Now(), "")
	case j.Tries >= pullTries:
		p.Service.Log.Warn("an image is not pulled", "image", w.Ref, "reason", trouble)
		err = st.Change(ctx, func(tx *store.Tx) error {
			if err := tx.EndJob(ctx, j, store.JobDead, st.Now(), trouble.Error()); err != nil {
				return err
			}
			_, err := tx.Emit(ctx, store.Event{Kind: store.ImageRefused, Subject: w.Ref}, store.None)
			return err
		})
	default:
		pause := p.Pause
		if pause == 0 {
			pause = 5 * time.Second
		}
		err = st.EndJob(ctx, j, store.JobWaiting, st.Now().Add(pause<<(j.Tries-1)), trouble.Error())
	}
	if errors.Is(err, store.ErrDone) {
		err = nil
	}
	return true, err
}

func (p *Puller) pull(ctx context.Context, w *Wanted) error {
	ctx, cancel := context.WithTimeout(ctx, pullTime)
	defer cancel()
	img, err := p.Pull(ctx, w.At())
	if err != nil {
		return err
	}
	img.Ref, img.Env = w.Ref, w.Env
	if w.Digest != "" {
		img.Inventory.Subject.Digest = w.Digest
	}
	_, err = p.Service.AddImage(ctx, img)
	return err
}
