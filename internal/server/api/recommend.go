package api

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/drydock-dev/drydock/internal/report"
)

// Recommender says what could stand in place of a base, as "drydock recommend" does.
type Recommender func(ctx context.Context, base string) (report.DocRecommendation, error)

// advised keeps what was recommended, by base: many images have one, and looking takes
// longer than a page may.
type advised struct {
	mu  sync.Mutex
	all map[string]advice
}

type advice struct {
	doc report.DocRecommendation
	at  time.Time
}

const (
	keptAdvice = 200
	adviceAge  = 10 * time.Minute
)

// Recommended is what could stand in place of the base of an image; ok is false where
// the base is not known, or nothing can be said of it.
func (a *API) Recommended(ctx context.Context, base string) (doc report.DocRecommendation, ok bool, err error) {
	if base == "" || a.Recommend == nil {
		return doc, false, nil
	}
	now := a.Service.Store.Now()
	a.advised.mu.Lock()
	defer a.advised.mu.Unlock() // one at a time: it takes a processor
	if had, ok := a.advised.all[base]; ok && now.Sub(had.at) < adviceAge {
		return had.doc, true, nil
	}
	if doc, err = a.Recommend(ctx, base); err != nil {
		return doc, false, err
	}
	if a.advised.all == nil || len(a.advised.all) >= keptAdvice {
		a.advised.all = map[string]advice{}
	}
	a.advised.all[base] = advice{doc, now}
	return doc, true, nil
}

// recommendations answers as "drydock recommend --format json" does.
func (a *API) recommendations(w http.ResponseWriter, r *http.Request) error {
	d, ok := a.Service.Index.Image(r.PathValue("id"))
	if !ok {
		return none("image")
	}
	doc, ok, err := a.Recommended(r.Context(), d.Base)
	switch {
	case err != nil:
		return &apiError{http.StatusConflict, "nothing can be said of " + clip(d.Base) + ": " + clip(err.Error()), ""}
	case !ok:
		return &apiError{http.StatusConflict, "the base of the image is not known", "drydock sbom --push URL --push-base IMAGE"}
	}
	a.answer(w, http.StatusOK, doc)
	return nil
}
