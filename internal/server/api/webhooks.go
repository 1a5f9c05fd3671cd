package api

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/notify"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// Webhook is a webhook as lists show it: without its secrets.
type Webhook struct {
	ID     string    `json:"id"`
	Target string    `json:"target"` // its host; the rest of the address may be a secret
	Format string    `json:"format"`
	Made   time.Time `json:"made"`
	store.Wants
	Secret string `json:"secret,omitempty"` // told once, to whoever makes it
}

// Sent is a message to a webhook, and how far it is.
type Sent struct {
	store.Job
	Webhook string `json:"webhook"`
	Says    string `json:"says"`
}

// maxWebhooks is how many webhooks there may be.
const maxWebhooks = 100

// ListWebhooks are the webhooks, oldest first.
func (a *API) ListWebhooks(ctx context.Context) ([]Webhook, error) {
	out := []Webhook{}
	err := a.Service.Store.Webhooks(ctx, func(h store.Webhook) error { out = append(out, shown(&h)); return nil })
	sorting.By(out, func(a, b Webhook) int { return a.Made.Compare(b.Made) })
	return out, err
}

func shown(h *store.Webhook) Webhook {
	return Webhook{ID: h.ID, Target: notify.Shown(h.URL), Format: h.Format, Made: h.Made, Wants: h.Wants}
}

// ListMessages are the messages: the dead first, then those that wait, then the last
// that arrived.
func (a *API) ListMessages(ctx context.Context) ([]Sent, error) {
	jobs, err := a.Service.Store.Jobs(ctx, store.JobMessage, index.MaxLimit)
	out := make([]Sent, 0, len(jobs))
	for _, j := range jobs {
		s := Sent{Job: j}
		var body struct {
			Webhook string         `json:"webhook"`
			Message notify.Message `json:"message"`
		}
		if err := json.Unmarshal(j.Body, &body); err == nil {
			s.Webhook, s.Says = body.Webhook, body.Message.Says
		}
		out = append(out, s)
	}
	return out, err
}

// whole is a short list that is read as a whole.
func whole[T any](all []T, q index.Query, holds func(*T) string) index.List[T] {
	out := index.List[T]{Items: []T{}}
	for i := range all {
		if q.Q == "" || strings.Contains(strings.ToLower(holds(&all[i])), strings.ToLower(q.Q)) {
			out.Items = append(out.Items, all[i])
		}
	}
	out.Total = len(out.Items)
	return out
}

func (a *API) webhooks(w http.ResponseWriter, r *http.Request) error {
	all, err := a.ListWebhooks(r.Context())
	if err != nil {
		return err
	}
	return list(a, w, r, func(q index.Query) index.List[Webhook] {
		return whole(all, q, func(h *Webhook) string { return h.ID + " " + h.Target })
	}, table[Webhook]{
		"webhooks",
		[]string{"id", "target", "format", "environment", "severity", "older", "unfixed", "pushed", "made"},
		func(h *Webhook) []any {
			return []any{h.ID, h.Target, h.Format, h.Env, h.Severity, h.Older, h.Unfixed, h.Pushed, h.Made}
		},
	})
}

func (a *API) messages(w http.ResponseWriter, r *http.Request) error {
	all, err := a.ListMessages(r.Context())
	if err != nil {
		return err
	}
	return list(a, w, r, func(q index.Query) index.List[Sent] {
		return whole(all, q, func(s *Sent) string { return s.ID + " " + string(s.State) + " " + s.Says })
	}, table[Sent]{
		"messages",
		[]string{"id", "webhook", "says", "state", "tries", "made", "due", "problem"},
		func(s *Sent) []any {
			return []any{s.ID, s.Webhook, s.Says, s.State, s.Tries, s.Made, s.Due, s.Problem}
		},
	})
}

// postWebhook makes a webhook. Its secret is told in the answer, and never again.
func (a *API) postWebhook(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		URL    string `json:"url"`
		Secret string `json:"secret"`
		Format string `json:"format"`
		store.Wants
	}
	if err := decode(w, r, &body); err != nil {
		return err
	}
	if a.Notifier == nil {
		return &apiError{http.StatusConflict, "no process of this service sends messages", "drydock serve"}
	}
	if body.Format == "" {
		body.Format = notify.FormatJSON
	}
	h := store.Webhook{ID: disk.Random(), URL: body.URL, Secret: body.Secret, Format: body.Format, Made: a.Service.Store.Now(), Wants: body.Wants}
	if _, err := name(h.URL, "url", 2048); err != nil {
		return err
	}
	if err := a.Notifier.Judge(h.URL); err != nil {
		return bad("url: "+clip(err.Error()), "https://HOST/PATH")
	}
	if !slices.Contains(notify.Formats(), h.Format) {
		return bad("format is one of "+strings.Join(notify.Formats(), ", "), "")
	}
	if h.Env != "" {
		if _, err := name(h.Env, "env", 256); err != nil {
			return err
		}
	}
	if h.Severity != "" {
		s, err := finding.ParseSeverity(h.Severity)
		if err != nil {
			return bad(err.Error(), "")
		}
		h.Severity = s.String()
	}
	switch {
	case h.Secret == "":
		var b [32]byte
		_, _ = rand.Read(b[:]) // it never fails
		h.Secret = "whsec_" + base64.StdEncoding.EncodeToString(b[:])
	case len(h.Secret) < 16 || len(h.Secret) > 512:
		return bad("secret is a text of 16 to 512 bytes", "leave it out, and one is made")
	}
	all, err := a.ListWebhooks(r.Context())
	if err != nil {
		return err
	}
	if len(all) >= maxWebhooks {
		return &apiError{http.StatusConflict, "there are as many webhooks as there may be", "DELETE takes one away"}
	}
	err = a.told(r.Context(), store.WebhookChanged, h.ID, func(tx *store.Tx, event int64) error {
		h.Since = event
		return tx.PutWebhook(r.Context(), h, event)
	})
	if err != nil {
		return err
	}
	out := shown(&h)
	out.Secret = h.Secret
	w.Header().Set("Location", "/api/v1/webhooks/"+h.ID)
	a.answer(w, http.StatusCreated, out)
	return nil
}

// DropWebhook takes the webhook away that a request names.
func (a *API) DropWebhook(r *http.Request) error {
	id := r.PathValue("id")
	return a.told(r.Context(), store.WebhookChanged, id, func(tx *store.Tx, _ int64) error {
		was, err := tx.DropWebhook(r.Context(), id)
		if err == nil && !was {
			return none("webhook")
		}
		return err
	})
}

// testWebhook has a message sent that says nothing.
func (a *API) testWebhook(w http.ResponseWriter, r *http.Request) error {
	id, found := r.PathValue("id"), false
	if err := a.Service.Store.Webhooks(r.Context(), func(store.Webhook) error { found = true; return nil }, id); err != nil {
		return err
	}
	if !found {
		return none("webhook")
	}
	job := disk.Random()
	err := a.Service.Store.Change(r.Context(), func(tx *store.Tx) error {
		_, err := tx.AddJob(r.Context(), store.JobMessage, job, notify.Test(id, a.Service.Store.Now()))
		return err
	})
	if err == nil {
		a.answer(w, http.StatusAccepted, map[string]string{"id": job})
	}
	return err
}

// RetryMessage has the dead message sent again that a request names.
func (a *API) RetryMessage(r *http.Request) error {
	id := r.PathValue("id")
	return a.Service.Store.Change(r.Context(), func(tx *store.Tx) error {
		ok, err := tx.RetryJob(r.Context(), store.JobMessage, id)
		if err == nil && !ok {
			return none("dead message")
		}
		return err
	})
}

func (a *API) retryMessage(w http.ResponseWriter, r *http.Request) error {
	err := a.RetryMessage(r)
	if err == nil {
		a.answer(w, http.StatusAccepted, map[string]string{"id": r.PathValue("id")})
	}
	return err
}

// Written makes a change that a page asks for and writes it down, as one by the API. A
// refusal has a status and words for whoever asked.
func (a *API) Written(r *http.Request, do func(*http.Request) error) (status int, says string) {
	err := do(r)
	a.audit(r, err)
	if err == nil {
		return 0, ""
	}
	no := a.refusalOf(err)
	return no.status, no.text
}

// gone answers that something was taken away.
func gone(do func(*http.Request) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		err := do(r)
		if err == nil {
			w.WriteHeader(http.StatusNoContent)
		}
		return err
	}
}
