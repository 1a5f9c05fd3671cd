package store

import (
	"context"
	"time"
)

// Webhook is who is told of what changes, and of what he wants to hear.
type Webhook struct {
	ID     string    `json:"id"`
	URL    string    `json:"url"`    // a secret: in Slack's, whoever has it may write
	Secret string    `json:"secret"` // with which messages are signed
	Format string    `json:"format"` // "json", "slack"
	Made   time.Time `json:"made"`
	Since  int64     `json:"since"` // the event that made it: it hears of later ones
	Wants
}

// Wants is what somebody wants to hear of. Without more: only what changed upstream,
// and of that only what runs or is the newest of its repository and has a fix.
type Wants struct {
	Env      string `json:"env,omitempty"`      // images of one environment; empty: of all
	Severity string `json:"severity,omitempty"` // the lowest; empty: any
	Older    bool   `json:"older"`              // images, too, that neither run nor are the newest
	Unfixed  bool   `json:"unfixed"`            // vulnerabilities, too, that nobody has fixed yet
	Pushed   bool   `json:"pushed"`             // what images bring that come in, too
}

// PutWebhook stores a webhook.
func (t *Tx) PutWebhook(ctx context.Context, w Webhook, event int64) error {
	return t.put(ctx, webhooks, w.ID, event, w)
}

// DropWebhook takes one away, and reports whether it was there.
func (t *Tx) DropWebhook(ctx context.Context, id string) (bool, error) {
	return t.drop(ctx, webhooks, id)
}

// Webhooks calls f for every webhook; those of the ids alone, if there are any.
func (s *Store) Webhooks(ctx context.Context, f func(Webhook) error, ids ...string) error {
	return documents(ctx, s, webhooks, f, ids...)
}
