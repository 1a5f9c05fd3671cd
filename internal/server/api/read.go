package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
)

//go:embed openapi.json
var document []byte

// OpenAPI is the document that describes the API.
func OpenAPI() []byte { return document }

func (a *API) openAPI(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, err := w.Write(document)
	return err
}

// list answers with a page of a list, or with all of it as CSV.
func list[T any](a *API, w http.ResponseWriter, r *http.Request, get func(index.Query) index.List[T], t table[T]) error {
	q, err := ReadQuery(r)
	if err != nil {
		return err
	}
	switch format := r.URL.Query().Get("format"); format {
	case "", "json":
		l := get(q)
		if l.Items == nil {
			l.Items = []T{}
		}
		a.answer(w, http.StatusOK, l)
		return nil
	case "csv":
		q.Cursor, q.Limit = "", 1<<31-1
		return t.write(w, get(q).Items)
	default:
		return bad("format is json or csv, and not "+clip(format), "")
	}
}

func (a *API) images(w http.ResponseWriter, r *http.Request) error {
	return list(a, w, r, a.Service.Index.Images, imageTable())
}

func (a *API) image(w http.ResponseWriter, r *http.Request) error {
	d, ok := a.Service.Index.Image(r.PathValue("id"))
	if !ok {
		return none("image")
	}
	a.answer(w, http.StatusOK, d)
	return nil
}

func (a *API) findings(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if _, ok := a.Service.Index.Image(id); !ok {
		return none("image")
	}
	return list(a, w, r, func(q index.Query) index.List[Finding] { return Findings(a.Service.Index.FindingList(id, q)) }, findingTable())
}

func (a *API) sbom(w http.ResponseWriter, r *http.Request) error {
	inv, ok := a.Service.Index.Inventory(r.PathValue("id"))
	if !ok {
		return none("image")
	}
	format := r.URL.Query().Get("format")
	if format == "" {
		format = "json"
	}
	var b strings.Builder
	if err := sbom.Encode(&b, format, inv, sbom.EncodeOptions{Now: a.Service.Store.Now(), ToolVersion: a.Version}); err != nil {
		return bad(clip(err.Error()), "")
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if strings.HasSuffix(format, "xml") || strings.HasSuffix(format, "tag-value") {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	_, err := w.Write([]byte(b.String()))
	return err
}

func (a *API) vulns(w http.ResponseWriter, r *http.Request) error {
	return list(a, w, r, a.Service.Index.Vulns, vulnTable())
}

func (a *API) vuln(w http.ResponseWriter, r *http.Request) error {
	d, ok := a.Service.Index.Vuln(r.PathValue("id"), 0)
	if !ok {
		return none("vulnerability in any image")
	}
	a.answer(w, http.StatusOK, d)
	return nil
}

func (a *API) packages(w http.ResponseWriter, r *http.Request) error {
	return list(a, w, r, a.Service.Index.Packages, packageTable())
}

func (a *API) bases(w http.ResponseWriter, r *http.Request) error {
	return list(a, w, r, a.Service.Index.Bases, baseTable())
}

func (a *API) running(w http.ResponseWriter, r *http.Request) error {
	return list(a, w, r, a.Service.Index.Running, runningTable())
}

func (a *API) policies(w http.ResponseWriter, r *http.Request) error {
	return list(a, w, r, a.Service.Index.PolicyList, policyTable())
}

func (a *API) exceptions(w http.ResponseWriter, r *http.Request) error {
	return list(a, w, r, a.Service.Index.Exceptions, exceptionTable())
}

func (a *API) overview(w http.ResponseWriter, r *http.Request) error {
	a.answer(w, http.StatusOK, a.Service.Index.Overview(r.URL.Query().Get("env")))
	return nil
}

// maxDays is how many days of history are asked for at once.
const maxDays = 1100

// history is the fleet by days, the oldest first.
func (a *API) history(w http.ResponseWriter, r *http.Request) error {
	v, n := r.URL.Query(), 90
	if s := v.Get("days"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil || n < 1 || n > maxDays {
			return bad(fmt.Sprintf("days is a number from 1 to %d", maxDays), "")
		}
	}
	days, err := a.Service.Store.Days(r.Context(), v.Get("env"), store.DayOf(a.Service.Store.Now().AddDate(0, 0, 1-n)))
	if err != nil {
		return err
	}
	return list(a, w, r, func(q index.Query) index.List[store.Day] {
		kept := slices.DeleteFunc(slices.Clone(days), func(d store.Day) bool { return !strings.Contains(d.Day, q.Q) })
		return index.Page(kept, q, func(d *store.Day) string { return d.Day })
	}, dayTable())
}

func (a *API) feeds(w http.ResponseWriter, r *http.Request) error {
	return list(a, w, r, func(q index.Query) index.List[Feed] {
		out := index.List[Feed]{Items: []Feed{}}
		if a.Feeds != nil {
			for _, f := range a.Feeds() {
				if q.Q == "" || strings.Contains(strings.ToLower(f.Name), strings.ToLower(q.Q)) {
					out.Items = append(out.Items, f)
				}
			}
		}
		out.Total = len(out.Items)
		return out
	}, feedTable())
}

// export is everything that is known of every image, an image a line.
func (a *API) export(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/x-ndjson; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="drydock.ndjson"`)
	e := json.NewEncoder(w)
	q := index.Query{Limit: index.MaxLimit}
	for {
		l := a.Service.Index.Images(q)
		for _, row := range l.Items {
			d, ok := a.Service.Index.Image(row.ID)
			if !ok {
				continue
			}
			line := struct {
				index.ImageDetail
				Findings []Finding `json:"findings"`
			}{d, Findings(a.Service.Index.FindingList(row.ID, index.Query{Limit: 1<<31 - 1})).Items}
			if err := e.Encode(line); err != nil {
				return nil //nolint:nilerr // whoever asked has gone
			}
		}
		if l.Next == "" {
			return nil
		}
		q.Cursor = l.Next
	}
}

// Finding is a finding as the API tells it.
type Finding struct {
	ID         string   `json:"id"`
	Aliases    []string `json:"aliases"`
	Title      string   `json:"title,omitempty"`
	Severity   string   `json:"severity"`
	Package    string   `json:"package"` // purl
	Name       string   `json:"name"`
	Version    string   `json:"version"`
	FixedIn    string   `json:"fixedIn,omitempty"`
	NoFix      string   `json:"noFix,omitempty"`
	CVSS       float64  `json:"cvss,omitempty"`
	EPSS       float64  `json:"epss,omitempty"`
	KEV        bool     `json:"knownExploited"`
	Layer      string   `json:"layer,omitempty"`
	Path       string   `json:"path,omitempty"`
	URL        string   `json:"url,omitempty"`
	Message    string   `json:"message"`
	Opened     string   `json:"opened"`
	Why        any      `json:"why"`
	Suppressed string   `json:"suppressed,omitempty"` // why it does not count
	Exception  string   `json:"exception,omitempty"`  // id of the one that covers it
}

// Findings are rows as the API tells them.
func Findings(l index.List[index.FindingRow]) index.List[Finding] {
	out := index.List[Finding]{Items: make([]Finding, 0, len(l.Items)), Next: l.Next, Total: l.Total}
	for i := range l.Items {
		r := &l.Items[i]
		v := r.Vuln
		f := Finding{
			ID: v.ID, Aliases: append([]string{}, v.Aliases...), Title: v.Title, Severity: r.Severity.String(), Package: v.Package, Name: v.Name, Version: v.Version,
			FixedIn: v.FixedIn, NoFix: v.NoFix, CVSS: v.CVSS.Score, EPSS: v.EPSS.Score, KEV: v.KEV, URL: v.URL, Message: r.Message,
			Opened: r.Opened.Format("2006-01-02T15:04:05.000Z"), Why: r.WhyOpened,
		}
		if len(r.At) > 0 {
			f.Layer, f.Path = string(r.At[0].Layer), r.At[0].Path
		}
		if r.Suppressed != nil {
			f.Suppressed = fmt.Sprintf("%s: %s", r.Suppressed.By, r.Suppressed.Reason)
		}
		if r.Exception != nil {
			f.Exception = r.Exception.ID
		}
		out.Items = append(out.Items, f)
	}
	return out
}
