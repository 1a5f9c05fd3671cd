package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// The formats of messages.
const (
	FormatJSON  = "json"
	FormatSlack = "slack" // as Slack, Mattermost and others take them
)

// Formats lists them.
func Formats() []string { return []string{FormatJSON, FormatSlack} }

// Notifier makes messages of events, and sends them.
type Notifier struct {
	Store *store.Store
	Index *index.Index
	Log   *slog.Logger
	// Client sends; it connects to no address of this machine. Own may do so, for the
	// hosts that Allowed names.
	Client, Own *http.Client
	Allowed     []string
	Version     string
	Pause       time.Duration // before the second try, doubled before each further one; 0: 10 s
	Poll        time.Duration // how often other processes' events are looked for; 0: 2 s
}

const (
	mark    = "webhooks" // up to which event messages are made
	atOnce  = 4          // messages that are under way at a time
	lease   = time.Minute
	maxTry  = 10
	longest = time.Hour // pause
)

// delivery is a message to one webhook, as a job holds it.
type delivery struct {
	Webhook string  `json:"webhook"`
	Message Message `json:"message"`
}

// Test is a message that says nothing, for a webhook that was just made.
func Test(webhook string, at time.Time) any {
	return delivery{webhook, Message{Type: TypeTest, At: at, Says: "drydock can reach this webhook", Path: "/webhooks"}}
}

// Run makes and sends messages until ctx ends.
func (n *Notifier) Run(ctx context.Context) error {
	poll := n.Poll
	if poll == 0 {
		poll = 2 * time.Second
	}
	down := false
	for ctx.Err() == nil {
		changed := n.Store.Changed()
		err := n.Step(ctx)
		if err != nil && ctx.Err() == nil && !down {
			n.Log.Error("webhooks are not told", "reason", err)
		}
		if down = err != nil; down {
			changed = nil
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-time.After(poll):
		}
	}
	return nil
}

// Step makes messages of the events that there are, and sends those that are due.
func (n *Notifier) Step(ctx context.Context) error {
	if err := n.Gather(ctx); err != nil {
		return err
	}
	return n.Send(ctx)
}

// Gather makes messages of the events since the last time.
func (n *Notifier) Gather(ctx context.Context) error {
	last, err := n.Store.Last(ctx)
	if err != nil {
		return err
	}
	from, err := n.Store.Mark(ctx, mark, 0) // webhooks hear of what comes after them
	if err != nil || from >= last {
		return err
	}
	var hooks []store.Webhook
	if err := n.Store.Webhooks(ctx, func(h store.Webhook) error { hooks = append(hooks, h); return nil }); err != nil {
		return err
	}
	jobs := map[string]delivery{}
	if len(hooks) > 0 {
		if err := n.Index.Follow(ctx, n.Store); err != nil {
			return err
		}
		if jobs, last, err = n.gather(ctx, hooks, from); err != nil {
			return err
		}
	}
	return n.Store.Change(ctx, func(tx *store.Tx) error {
		ok, err := tx.Advance(ctx, mark, from, last)
		if err != nil || !ok {
			return err // another process made these messages
		}
		for id, d := range jobs {
			if _, err := tx.AddJob(ctx, store.JobMessage, id, d); err != nil {
				return err
			}
		}
		return nil
	})
}

// gather reads the events after one, and returns what comes of them and the last.
// What a delta led to is written in one transaction, so that a group is whole.
func (n *Notifier) gather(ctx context.Context, hooks []store.Webhook, from int64) (map[string]delivery, int64, error) {
	type key struct {
		event int64
		vuln  string
	}
	groups := map[key]*group{}
	out := map[string]delivery{}
	put := func(h *store.Webhook, at int64, what string, m *Message) {
		if m != nil && at > h.Since {
			out[string(finding.DigestOf(fmt.Appendf(nil, "%s\x00%d\x00%s", h.ID, at, what))[7:39])] = delivery{h.ID, *m}
		}
	}
	last := from
	for {
		events, err := n.Store.Events(ctx, last, 1000)
		if err != nil {
			return nil, 0, err
		}
		for i := range events {
			e := &events[i]
			switch e.Kind {
			case store.FindingsChanged:
				f, err := index.ReadBody(e)
				if err != nil || f.Why == nil || f.Why.Cause != store.CauseAdvisory && f.Why.Cause != store.CauseFeed {
					continue // not upstream
				}
				k := key{f.Why.Event, f.Vuln}
				if groups[k] == nil {
					groups[k] = &group{event: f.Why.Event, vuln: f.Vuln, at: e.At}
				}
				groups[k].found = append(groups[k].found, f)
			case store.ImageJudged:
				for h := range hooks {
					if hooks[h].Pushed {
						put(&hooks[h], e.N, e.Subject, cameIn(n.Index, e.Subject, e.At, &hooks[h]))
					}
				}
			default:
			}
		}
		if len(events) == 0 {
			break
		}
		last = events[len(events)-1].N
	}
	for _, g := range groups {
		for h := range hooks {
			put(&hooks[h], g.event, g.vuln, g.message(n.Index, &hooks[h]))
		}
	}
	return out, last, nil
}

// Send sends the messages that are due, each once.
func (n *Notifier) Send(ctx context.Context) error {
	var work errgroup.Group
	work.SetLimit(atOnce)
	for ctx.Err() == nil {
		j, err := n.Store.ClaimJob(ctx, store.JobMessage, lease)
		if err != nil || j == nil {
			if err := work.Wait(); err != nil {
				return err
			}
			return err
		}
		work.Go(func() error { return n.send(ctx, j) })
	}
	return work.Wait()
}

func (n *Notifier) send(ctx context.Context, j *store.Job) error {
	var d delivery
	if err := json.Unmarshal(j.Body, &d); err != nil {
		return n.Store.EndJob(ctx, j, store.JobDead, j.Due, "it cannot be read")
	}
	var hook *store.Webhook
	if err := n.Store.Webhooks(ctx, func(h store.Webhook) error { hook = &h; return nil }, d.Webhook); err != nil {
		return err
	}
	if hook == nil {
		return n.Store.Change(ctx, func(tx *store.Tx) error { _, err := tx.DropJob(ctx, store.JobMessage, j.ID); return err })
	}
	trouble := n.post(ctx, hook, j.ID, &d.Message)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // it is sent again when its lease is over
	}
	now := n.Store.Now()
	state, due, says := store.JobDone, now, ""
	if trouble != nil {
		says = trouble.says
		state, due = store.JobWaiting, now.Add(max(n.pause(j.Tries), trouble.wait))
		if trouble.final || j.Tries >= maxTry {
			state = store.JobDead
			n.Log.Warn("a message is dead", "webhook", hook.ID, "message", j.ID, "reason", says)
		}
	}
	err := n.Store.EndJob(ctx, j, state, due, says)
	if err == store.ErrDone { //nolint:errorlint // it is returned as it is
		return nil
	}
	return err
}
