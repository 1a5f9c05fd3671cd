package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/server/stream"
)

// The limits of a notification.
const (
	// maxEnvelope limits the bytes of a registry's notification.
	maxEnvelope = 1 << 20
	maxEvents   = 1000
)

// envelope is a notification of a registry, as far as it is read: the media type
// application/vnd.docker.distribution.events.v1+json of the Distribution project.
type envelope struct {
	Events []struct {
		Action string `json:"action"`
		Target struct {
			MediaType  string         `json:"mediaType"`
			Digest     finding.Digest `json:"digest"`
			Repository string         `json:"repository"`
			Tag        string         `json:"tag"`
		} `json:"target"`
		Request struct {
			Host string `json:"host"`
		} `json:"request"`
	} `json:"events"`
}

// manifests are the media types of what is an image, and not a layer.
func manifests() []string {
	return []string{
		"application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.distribution.manifest.list.v2+json",
		"application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json",
	}
}

// wanted are the images that a notification tells were pushed under a tag; refused are
// those of registries that images are not pulled from. The host is that of ?registry=,
// or what the pusher called the registry: a stranger's word, which chooses among the
// registries that are allowed and no others.
func (a *API) wanted(e *envelope, host, env string) (out []stream.Wanted, refused []string) {
	for i := range e.Events {
		ev := &e.Events[i]
		t := &ev.Target
		if ev.Action != "push" || t.Tag == "" || !t.Digest.IsSHA256() || !slices.Contains(manifests(), t.MediaType) {
			continue
		}
		at := host
		if at == "" {
			at = ev.Request.Host
		}
		if w, why := a.parseRef(at+"/"+t.Repository+":"+t.Tag, env); why == "" {
			w.Digest = t.Digest
			out = append(out, w)
		} else if !slices.Contains(refused, why) {
			refused = append(refused, why)
		}
	}
	return out, refused
}

// parseRef reads a reference of an image that is to be pulled; why says what is wrong.
func (a *API) parseRef(ref, env string) (w stream.Wanted, why string) {
	if len(ref) > 1024 {
		return w, "the reference is too long"
	}
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return w, clip(ref) + " is no reference"
	}
	host := reference.Domain(named)
	if !slices.Contains(a.Registries, host) {
		return w, "images are not pulled from " + clip(host)
	}
	named = reference.TagNameOnly(named)
	w = stream.Wanted{Ref: named.String(), From: named.Name(), Env: env}
	if host == "docker.io" {
		w.Ref = reference.FamiliarString(named)
	}
	if d, ok := named.(reference.Digested); ok {
		w.Digest = finding.Digest(d.Digest())
		if !w.Digest.IsSHA256() {
			return w, "the digest is not of SHA-256"
		}
	}
	return w, ""
}

// registryEvents takes a notification of a registry in, and has what was pushed pulled.
func (a *API) registryEvents(w http.ResponseWriter, r *http.Request) error {
	if t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); t != "application/vnd.docker.distribution.events.v1+json" && t != "application/json" {
		return &apiError{http.StatusUnsupportedMediaType, "the body is not a notification of a registry", "Content-Type: application/vnd.docker.distribution.events.v1+json"}
	}
	host, env := r.URL.Query().Get("registry"), r.URL.Query().Get("env")
	if env != "" {
		if _, err := name(env, "env", 256); err != nil {
			return err
		}
	}
	var e envelope
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxEnvelope))
	if err := d.Decode(&e); err != nil {
		var size *http.MaxBytesError
		if errors.As(err, &size) {
			return err
		}
		return bad("the notification cannot be read: "+clip(err.Error()), "")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return bad("something follows the notification", "")
	}
	if len(e.Events) > maxEvents {
		return bad("the notification has more than 1000 events", "")
	}
	all, refused := a.wanted(&e, host, env)
	if len(all) == 0 && len(refused) > 0 {
		return &apiError{http.StatusForbidden, strings.Join(refused[:min(3, len(refused))], "; "), "drydock serve --registry HOST allows one"}
	}
	if _, err := a.Service.Want(r.Context(), all); err != nil {
		return err
	}
	for _, why := range refused {
		a.Log.Warn("a pushed image is not pulled", "why", why)
	}
	a.answer(w, http.StatusAccepted, map[string]int{"events": len(e.Events), "wanted": len(all)})
	return nil
}

// postPull has an image pulled that is named.
func (a *API) postPull(w http.ResponseWriter, r *http.Request) error {
	ref, err := name(r.URL.Query().Get("ref"), "ref", 1024)
	if err != nil {
		return err
	}
	env := r.URL.Query().Get("env")
	if env != "" {
		if _, err := name(env, "env", 256); err != nil {
			return err
		}
	}
	return a.pull(w, r, ref, env)
}

// pull has an image pulled, and answers with the id of the pull.
func (a *API) pull(w http.ResponseWriter, r *http.Request, ref, env string) error {
	want, why := a.parseRef(ref, env)
	if why != "" {
		return &apiError{http.StatusForbidden, why, "drydock serve --registry HOST allows one"}
	}
	ids, err := a.Service.Want(r.Context(), []stream.Wanted{want})
	if err == nil {
		w.Header().Set("Location", "/api/v1/pulls?q="+ids[0])
		a.answer(w, http.StatusAccepted, map[string]string{"id": ids[0], "ref": want.Ref})
	}
	return err
}

// Pulled is an image that is to be pulled, or was, or could not be.
type Pulled struct {
	store.Job
	Ref    string         `json:"ref"`
	Digest finding.Digest `json:"digest,omitempty"`
}

// ListPulls are the pulls: the dead first, then those that wait, then the last ones.
func (a *API) ListPulls(ctx context.Context) ([]Pulled, error) {
	jobs, err := a.Service.Store.Jobs(ctx, store.JobPull, index.MaxLimit)
	out := make([]Pulled, 0, len(jobs))
	for _, j := range jobs {
		var w stream.Wanted
		_ = json.Unmarshal(j.Body, &w) // what cannot be read has no name
		out = append(out, Pulled{j, w.Ref, w.Digest})
	}
	return out, err
}

func (a *API) pulls(w http.ResponseWriter, r *http.Request) error {
	all, err := a.ListPulls(r.Context())
	if err != nil {
		return err
	}
	return list(a, w, r, func(q index.Query) index.List[Pulled] {
		return whole(all, q, func(p *Pulled) string { return p.ID + " " + p.Ref + " " + string(p.State) })
	}, table[Pulled]{
		"pulls",
		[]string{"id", "ref", "digest", "state", "tries", "made", "due", "problem"},
		func(p *Pulled) []any {
			return []any{p.ID, p.Ref, p.Digest, p.State, p.Tries, p.Made, p.Due, p.Problem}
		},
	})
}
