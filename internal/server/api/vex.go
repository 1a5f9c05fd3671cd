package api

import (
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// VEX is a document of statements as lists show it.
type VEX struct {
	ID         string    `json:"id"`
	Added      time.Time `json:"added"`
	Statements int       `json:"statements"`
}

// postVEX takes a document in: OpenVEX, CycloneDX or CSAF.
func (a *API) postVEX(w http.ResponseWriter, r *http.Request) error {
	id, err := name(r.URL.Query().Get("id"), "id", 256)
	if err != nil {
		return err
	}
	if strings.Contains(id, "/") {
		return bad("id has a slash", "a name by which a later document replaces this one")
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxDocument))
	if err != nil {
		return err
	}
	statements, err := vuln.ParseVEX(id, b)
	if err != nil {
		return &apiError{http.StatusUnprocessableEntity, clip(err.Error()), "OpenVEX, CycloneDX with vulnerabilities, or CSAF 2.0"}
	}
	if len(statements) == 0 {
		return &apiError{http.StatusUnprocessableEntity, "the document states nothing", "DELETE takes one away"}
	}
	rep, err := a.Service.TakeVEX(r.Context(), store.VEX{ID: id, Statements: statements})
	if err == nil {
		a.answer(w, http.StatusAccepted, rep)
	}
	return err
}

func (a *API) vexes(w http.ResponseWriter, r *http.Request) error {
	return list(a, w, r, func(q index.Query) index.List[VEX] {
		out := index.List[VEX]{Items: []VEX{}}
		for _, d := range a.Service.Index.VEX() {
			if q.Q == "" || strings.Contains(strings.ToLower(d.ID), strings.ToLower(q.Q)) {
				out.Items = append(out.Items, VEX{d.ID, d.Added, len(d.Statements)})
			}
		}
		out.Total = len(out.Items)
		return out
	}, table[VEX]{"vex", []string{"id", "added", "statements"}, func(v *VEX) []any { return []any{v.ID, v.Added, v.Statements} }})
}

// DropVEX takes the document away that a request names.
func (a *API) DropVEX(r *http.Request) error {
	id := r.PathValue("id")
	for _, d := range a.Service.Index.VEX() {
		if d.ID == id {
			_, err := a.Service.TakeVEX(r.Context(), store.VEX{ID: id})
			return err
		}
	}
	return none("document")
}
