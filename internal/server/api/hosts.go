package api

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// HostReport is everything that an agent knows of its Engine. It is told whole each time:
// a report that is lost is made good by the next one.
type HostReport struct {
	Env        string            `json:"env,omitempty"`
	Engine     string            `json:"engine"`
	Version    string            `json:"version,omitempty"`
	Agent      string            `json:"agent,omitempty"`
	Every      int               `json:"every"` // seconds after which it tells again at the latest
	Cause      string            `json:"cause"` // one of [Causes]
	Problems   []string          `json:"problems,omitempty"`
	Containers []store.Container `json:"containers"`
	Images     []HeldImage       `json:"images"`
}

// HeldImage is an image that an Engine has.
type HeldImage struct {
	Ref    string           `json:"ref"`
	Digest finding.Digest   `json:"digest"` // its id
	Served []finding.Digest `json:"served,omitempty"`
}

// HostAnswer is what became of a report.
type HostAnswer struct {
	store.Drift
	Missing []HeldImage `json:"missing"` // images whose SBOM the service does not have
}

// HostRow is a host as it is listed.
type HostRow struct {
	Name       string      `json:"name"`
	Env        string      `json:"env,omitempty"`
	Engine     string      `json:"engine"`
	Version    string      `json:"version,omitempty"`
	Agent      string      `json:"agent,omitempty"`
	Connected  time.Time   `json:"connected"`
	Seen       time.Time   `json:"seen"`
	Silent     bool        `json:"silent"` // it is overdue: what ran there may run no more
	Containers int         `json:"containers"`
	Drift      store.Drift `json:"drift"`
	Problems   []string    `json:"problems"`
}

// Causes are why an agent tells what it does: it connected, an event of the Engine
// said that something changed, or it looked without one.
func Causes() []string { return []string{"connect", "event", "listing"} }

// The limits of a report.
const (
	// maxReport limits the bytes of an agent's report.
	maxReport     = 16 << 20
	maxContainers = 20_000
	maxEvery      = 24 * 60 * 60
	maxProblems   = 20
)

func (rep *HostReport) judge(host string) error {
	switch {
	case rep.Every < 1 || rep.Every > maxEvery:
		return bad("every is a number of seconds from 1 to 86400", "")
	case !slices.Contains(Causes(), rep.Cause):
		return bad("cause is one of "+strings.Join(Causes(), ", "), "")
	case len(rep.Containers) > maxContainers || len(rep.Images) > maxContainers:
		return bad("there are more containers or images than one host has", "")
	}
	if _, err := name(rep.Engine, "engine", 256); err != nil {
		return err
	}
	for what, s := range map[string]string{"env": rep.Env, "version": rep.Version, "agent": rep.Agent} {
		if _, err := name(s, what, 256); err != nil && s != "" {
			return err
		}
	}
	seen := map[string]bool{}
	for i := range rep.Containers {
		c := &rep.Containers[i]
		c.Host, c.Env = host, rep.Env
		for _, f := range []struct{ what, s string }{{"id", c.ID}, {"name", c.Name}, {"ref", c.Ref}} {
			if _, err := name(f.s, "containers: "+f.what, 1024); err != nil {
				return err
			}
		}
		if d := finding.Digest(c.Digest); !d.IsSHA256() || seen[c.ID] || c.Since.IsZero() {
			return bad("containers: each is there once, with the digest of its image and since when", "")
		}
		seen[c.ID] = true
	}
	for i := range rep.Images {
		if _, err := name(rep.Images[i].Ref, "images: ref", 1024); err != nil {
			return err
		}
		if !rep.Images[i].Digest.IsSHA256() {
			return bad("images: digest is not sha256 and 64 hex digits", "")
		}
	}
	if len(rep.Problems) > maxProblems {
		rep.Problems = rep.Problems[:maxProblems]
	}
	for i := range rep.Problems {
		rep.Problems[i] = clip(rep.Problems[i])
	}
	return nil
}

func (a *API) putHost(w http.ResponseWriter, r *http.Request) error {
	id, err := name(r.PathValue("id"), "the host's name", 256)
	if err != nil {
		return err
	}
	var rep HostReport
	if err := decodeUpTo(w, r, maxReport, &rep); err != nil {
		return err
	}
	if err := rep.judge(id); err != nil {
		return err
	}
	ctx, out := r.Context(), HostAnswer{}
	err = a.Service.Store.Change(ctx, func(tx *store.Tx) error {
		now := a.Service.Store.Now()
		h, known, err := tx.Host(ctx, id)
		if err != nil {
			return err
		}
		if known && h.Engine != rep.Engine && !h.Silent(now) {
			return &apiError{http.StatusConflict, "another Engine is called " + clip(id), "give each agent a --name of its own"}
		}
		if !known || rep.Cause == "connect" {
			h.Connected = now
		}
		h.Name, h.Env, h.Engine, h.Version, h.Agent, h.Seen = id, rep.Env, rep.Engine, rep.Version, rep.Agent, now
		h.Every, h.Problems = time.Duration(rep.Every)*time.Second, rep.Problems
		if out.Drift, err = tx.Reconcile(ctx, id, h.IDs, rep.Containers); err != nil {
			return err
		}
		out.At, out.Cause = now, rep.Cause
		if known && rep.Cause != "event" && !out.None() {
			h.Drift = out.Drift
		}
		h.IDs = nil
		for i := range rep.Containers {
			h.IDs = append(h.IDs, rep.Containers[i].ID)
		}
		return tx.PutHost(ctx, h)
	})
	if err == nil {
		err = a.Service.Index.Follow(ctx, a.Service.Store)
	}
	if err != nil {
		return err
	}
	out.Missing = a.missing(&rep)
	a.answer(w, http.StatusOK, out)
	if out.None() {
		return errUnchanged
	}
	return nil
}

// missing are the images of a report that the service knows nothing of.
func (a *API) missing(rep *HostReport) []HeldImage {
	out := []HeldImage{}
	for _, im := range rep.Images {
		if !a.Service.Index.Knows(im.Ref, append([]finding.Digest{im.Digest}, im.Served...)) {
			out = append(out, im)
		}
	}
	return out
}

func (a *API) dropHost(w http.ResponseWriter, r *http.Request) error {
	id, was := r.PathValue("id"), false
	err := a.Service.Store.Change(r.Context(), func(tx *store.Tx) (err error) {
		if was, err = tx.DropHost(r.Context(), id); err == nil && !was {
			return none("host")
		}
		return err
	})
	if err == nil {
		err = a.Service.Index.Follow(r.Context(), a.Service.Store)
	}
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

func (a *API) hosts(w http.ResponseWriter, r *http.Request) error {
	all, err := a.Service.Store.Hosts(r.Context())
	if err != nil {
		return err
	}
	return list(a, w, r, func(q index.Query) index.List[HostRow] {
		return index.Page(HostRows(all, a.Service.Store.Now(), q), q, func(h *HostRow) string { return h.Name })
	}, hostTable())
}

// HostRows are hosts as they are listed, those that a query asks for.
func HostRows(all []store.Host, now time.Time, q index.Query) []HostRow {
	out := []HostRow{}
	for i := range all {
		h := &all[i]
		if q.Env != "" && q.Env != h.Env || q.Q != "" && !strings.Contains(strings.ToLower(h.Name), strings.ToLower(q.Q)) {
			continue
		}
		out = append(out, HostRow{
			Name: h.Name, Env: h.Env, Engine: h.Engine, Version: h.Version, Agent: h.Agent, Connected: h.Connected, Seen: h.Seen,
			Silent: h.Silent(now), Containers: len(h.IDs), Drift: h.Drift, Problems: append([]string{}, h.Problems...),
		})
	}
	return out
}

func hostTable() table[HostRow] {
	return table[HostRow]{"hosts", []string{"name", "environment", "engine", "containers", "connected", "seen", "silent", "problems"}, func(h *HostRow) []any {
		return []any{h.Name, h.Env, h.Version, h.Containers, h.Connected, h.Seen, h.Silent, strings.Join(h.Problems, "; ")}
	}}
}
