package api

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/server/index"
)

// Report is an image as the command line reports it: what it holds, and what is
// open in it as a scan would have found it.
type Report struct {
	Image     index.ImageRow    `json:"image"`
	Inventory json.RawMessage   `json:"inventory"` // an SBOM, Drydock's JSON
	Findings  []finding.Finding `json:"findings"`
	Unknown   []finding.Unknown `json:"unknown"`
	Feeds     []Feed            `json:"feeds"`
}

func (a *API) report(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	d, ok := a.Service.Index.Image(id)
	inv, held := a.Service.Index.Inventory(id)
	if !ok || !held {
		return none("image")
	}
	if !d.Judged {
		return &apiError{http.StatusConflict, "the image is not matched yet", "ask again in a moment"}
	}
	var b strings.Builder
	if err := sbom.Encode(&b, "json", inv, sbom.EncodeOptions{Now: a.Service.Store.Now(), ToolVersion: a.Version, Compact: true}); err != nil {
		return bad(clip(err.Error()), "")
	}
	out := Report{Image: d.ImageRow, Inventory: json.RawMessage(b.String()), Findings: []finding.Finding{}, Unknown: []finding.Unknown{}, Feeds: []Feed{}}
	for _, row := range a.Service.Index.Findings(id) {
		f := row.Finding.Finding
		if row.Exception != nil {
			f.Suppressed = &finding.Suppression{By: "exception", Source: "exception " + row.Exception.ID, Reason: row.Exception.Reason}
		}
		out.Findings = append(out.Findings, f)
	}
	out.Unknown = append(out.Unknown, a.Service.Index.NotMatched(r.Context(), id)...)
	if a.Feeds != nil {
		out.Feeds = append(out.Feeds, a.Feeds()...)
	}
	a.answer(w, http.StatusOK, out)
	return nil
}
