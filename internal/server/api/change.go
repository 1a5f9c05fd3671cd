package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// name is a text that somebody gives something, if it can be one.
func name(s, what string, most int) (string, error) {
	switch {
	case s == "":
		return "", bad(what+" is missing", "")
	case len(s) > most:
		return "", bad(what+" is too long", "")
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", bad(what+" has characters that no name has", "")
	}
	return s, nil
}

// postImage takes an SBOM in: CycloneDX, SPDX or our JSON.
func (a *API) postImage(w http.ResponseWriter, r *http.Request) error {
	v := r.URL.Query()
	ref, err := name(v.Get("ref"), "ref", 1024)
	if err != nil {
		return err
	}
	var facts store.Facts
	for _, f := range []struct {
		to   *string
		name string
	}{{&facts.Env, "env"}, {&facts.Platform, "platform"}, {&facts.Base, "base"}} {
		if s := v.Get(f.name); s != "" {
			if *f.to, err = name(s, f.name, 256); err != nil {
				return err
			}
		}
	}
	if v.Has("user") {
		user := v.Get("user")
		if user != "" {
			if user, err = name(user, "user", 256); err != nil {
				return err
			}
		}
		facts.User = &user
	}
	if r.ContentLength == 0 {
		return a.pull(w, r, ref, facts.Env)
	}
	select {
	case a.uploads <- struct{}{}:
		defer func() { <-a.uploads }()
	case <-r.Context().Done():
		return r.Context().Err()
	}
	body := http.MaxBytesReader(w, r.Body, maxDocument)
	inv, err := sbom.Decode(body, ref)
	if err != nil {
		var size *http.MaxBytesError
		if errors.As(err, &size) {
			return err
		}
		return &apiError{http.StatusUnprocessableEntity, clip(err.Error()), finding.HintOf(err)}
	}
	_, _ = io.Copy(io.Discard, body)
	if d := v.Get("digest"); d != "" {
		if inv.Subject.Digest = finding.Digest(d); !inv.Subject.Digest.IsSHA256() {
			return bad("digest is not sha256 and 64 hex digits", "")
		}
	}
	img, err := a.Service.AddImage(r.Context(), store.NewImage{Ref: ref, Inventory: inv, Facts: facts})
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/api/v1/images/"+img.ID)
	a.answer(w, http.StatusAccepted, map[string]string{"id": img.ID, "ref": img.Ref})
	return nil
}

func (a *API) postAdvisories(w http.ResponseWriter, r *http.Request) error {
	rep, err := a.Service.Advise(r.Context(), http.MaxBytesReader(w, r.Body, maxDelta))
	if err != nil {
		return err
	}
	if rep.Changed == nil {
		rep.Changed = []store.Changed{}
	}
	a.answer(w, http.StatusAccepted, rep)
	return nil
}

// exceptionBody is what an exception is made of; a field that is not there stays
// what it is.
type exceptionBody struct {
	Vuln    *string    `json:"vulnerability"`
	Package *string    `json:"package"`
	Image   *string    `json:"image"`
	State   *string    `json:"state"`
	Reason  *string    `json:"reason"`
	By      *string    `json:"by"`
	Until   *time.Time `json:"until"`
}

// States are what an exception may say.
func States() []string { return []string{"accepted", "not-affected", "false-positive"} }

func (b *exceptionBody) apply(e *store.Exception) error {
	for _, f := range []struct {
		from *string
		to   *string
		name string
		most int
	}{
		{b.Vuln, &e.Vuln, "vulnerability", 128},
		{b.Package, &e.Package, "package", 512},
		{b.Image, &e.Image, "image", 1024},
		{b.State, &e.State, "state", 32},
		{b.Reason, &e.Reason, "reason", 2000},
		{b.By, &e.By, "by", 256},
	} {
		if f.from == nil {
			continue
		}
		*f.to = *f.from
		if *f.to != "" {
			if _, err := name(*f.to, f.name, f.most); err != nil {
				return err
			}
		}
	}
	if b.Until != nil {
		e.Until = b.Until.UTC()
	}
	switch {
	case e.Vuln == "":
		return bad("vulnerability is missing", "the id of the one that does not count")
	case e.Reason == "":
		return bad("reason is missing", "whoever reads the exception later wants to know why")
	case !slices.Contains(States(), e.State):
		return bad("state is one of "+strings.Join(States(), ", "), "")
	}
	return nil
}

func (a *API) postException(w http.ResponseWriter, r *http.Request) error {
	var body exceptionBody
	if err := decode(w, r, &body); err != nil {
		return err
	}
	e := store.Exception{ID: disk.Random(), Made: a.Service.Store.Now()}
	if err := body.apply(&e); err != nil {
		return err
	}
	if err := a.PutException(r.Context(), e); err != nil {
		return err
	}
	w.Header().Set("Location", "/api/v1/exceptions/"+e.ID)
	a.answer(w, http.StatusCreated, a.row(&e))
	return nil
}

func (a *API) row(e *store.Exception) index.ExceptionRow {
	l := a.Service.Index.Exceptions(index.Query{Q: e.ID})
	if len(l.Items) == 1 {
		return l.Items[0]
	}
	return index.ExceptionRow{Exception: *e, Active: index.Active(e, a.Service.Store.Now())}
}

// PutException stores an exception, and shows it.
func (a *API) PutException(ctx context.Context, e store.Exception) error {
	return a.told(ctx, store.ExceptionChanged, e.ID, func(tx *store.Tx, event int64) error { return tx.PutException(ctx, e, event) })
}

// DropException takes the exception away that a request names.
func (a *API) DropException(r *http.Request) error {
	id := r.PathValue("id")
	return a.told(r.Context(), store.ExceptionChanged, id, func(tx *store.Tx, _ int64) error {
		was, err := tx.DropException(r.Context(), id)
		if err == nil && !was {
			return none("exception")
		}
		return err
	})
}

// told makes a change with its event, and brings the index to it.
func (a *API) told(ctx context.Context, kind store.Kind, id string, do func(*store.Tx, int64) error) error {
	err := a.Service.Store.Change(ctx, func(tx *store.Tx) error {
		event, err := tx.Emit(ctx, store.Event{Kind: kind, Subject: id}, store.None)
		if err != nil {
			return err
		}
		return do(tx, event)
	})
	if err != nil {
		return err
	}
	return a.Service.Index.Follow(ctx, a.Service.Store)
}

func (a *API) exception(w http.ResponseWriter, r *http.Request) error {
	e, ok := a.Service.Index.Exception(r.PathValue("id"))
	if !ok {
		return none("exception")
	}
	a.answer(w, http.StatusOK, a.row(&e))
	return nil
}

func (a *API) patchException(w http.ResponseWriter, r *http.Request) error {
	e, ok := a.Service.Index.Exception(r.PathValue("id"))
	if !ok {
		return none("exception")
	}
	var body exceptionBody
	if err := decode(w, r, &body); err != nil {
		return err
	}
	if err := body.apply(&e); err != nil {
		return err
	}
	if err := a.PutException(r.Context(), e); err != nil {
		return err
	}
	a.answer(w, http.StatusOK, a.row(&e))
	return nil
}

// putContainer is told by whoever watches an Engine.
func (a *API) putContainer(w http.ResponseWriter, r *http.Request) error {
	id, err := name(r.PathValue("id"), "id", 256)
	if err != nil {
		return err
	}
	var c store.Container
	if err := decode(w, r, &c); err != nil {
		return err
	}
	c.ID = id
	for what, s := range map[string]string{"name": c.Name, "ref": c.Ref} {
		if _, err := name(s, what, 1024); err != nil {
			return err
		}
	}
	for what, s := range map[string]string{"host": c.Host, "digest": c.Digest, "env": c.Env} {
		if _, err := name(s, what, 256); err != nil && s != "" {
			return err
		}
	}
	if c.Since.IsZero() {
		c.Since = a.Service.Store.Now()
	}
	err = a.told(r.Context(), store.RunningChanged, c.ID, func(tx *store.Tx, event int64) error { return tx.PutContainer(r.Context(), c, event) })
	if err == nil {
		a.answer(w, http.StatusOK, c)
	}
	return err
}

func (a *API) dropContainer(w http.ResponseWriter, r *http.Request) error {
	id, was := r.PathValue("id"), false
	err := a.told(r.Context(), store.RunningChanged, id, func(tx *store.Tx, _ int64) (err error) {
		if was, err = tx.DropContainer(r.Context(), id); err == nil && !was {
			return none("container")
		}
		return err
	})
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// maxExceptions is how many exceptions are made at once.
const maxExceptions = 1000

// Except makes an exception of each vulnerability, by one pattern, and writes it
// down.
func (a *API) Except(r *http.Request, vulns []string, like store.Exception) (err error) {
	defer func() { a.audit(r, err) }()
	if len(vulns) == 0 || len(vulns) > maxExceptions {
		return bad("choose from 1 to 1000 vulnerabilities", "")
	}
	slices.Sort(vulns)
	for _, v := range slices.Compact(vulns) {
		e := like
		e.ID, e.Vuln, e.Made = disk.Random(), v, a.Service.Store.Now()
		if err := (&exceptionBody{Vuln: &v, Reason: &e.Reason, Image: &e.Image}).apply(&e); err != nil {
			return err
		}
		if err := a.PutException(r.Context(), e); err != nil {
			return err
		}
	}
	return nil
}
