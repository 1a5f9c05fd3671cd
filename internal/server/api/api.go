package api

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/notify"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/server/stream"
)

// API answers requests.
type API struct {
	Service *stream.Service
	Guard   *Guard
	Log     *slog.Logger
	Version string
	Feeds   func() []Feed // what the advisories at rest are; nil: nothing is told

	Registries []string         // hosts that images are pulled from; none: nothing is pulled
	Notifier   *notify.Notifier // that sends to webhooks; nil: none are made

	Recommend Recommender // nil: nothing is recommended

	advised advised
	uploads chan struct{} // how many documents are read at a time
}

// Feed is one source of advisories at rest.
type Feed struct {
	Name    string    `json:"name"`
	Newest  time.Time `json:"newest,omitzero"`  // record
	Fetched time.Time `json:"fetched,omitzero"` // zero: it is of the embedded snapshot
	Records int       `json:"records"`
	License string    `json:"license,omitempty"`
	Problem string    `json:"problem,omitempty"`
}

// The limits of what is sent.
const (
	// maxDocument limits the bytes of an SBOM that is sent to the service.
	maxDocument = 64 << 20
	// maxDelta limits the bytes of a delta of advisories that is sent to the service.
	maxDelta = 64 << 20
	maxBody  = 64 << 10 // of anything else
	atOnce   = 4        // documents that are read at a time; others wait
)

// route is one thing that can be asked for.
type route struct {
	method, path string
	serve        func(w http.ResponseWriter, r *http.Request) error
}

func (a *API) routes() []route {
	return []route{
		{"GET", "/healthz", a.health},
		{"GET", "/readyz", a.ready},
		{"GET", "/metrics", a.metrics},
		{"GET", "/api/v1/openapi.json", a.openAPI},
		{"POST", "/api/v1/images", a.postImage},
		{"GET", "/api/v1/images", a.images},
		{"GET", "/api/v1/images/{id}", a.image},
		{"GET", "/api/v1/images/{id}/findings", a.findings},
		{"GET", "/api/v1/images/{id}/sbom", a.sbom},
		{"GET", "/api/v1/images/{id}/report", a.report},
		{"GET", "/api/v1/images/{id}/recommendations", a.recommendations},
		{"GET", "/api/v1/vulnerabilities", a.vulns},
		{"GET", "/api/v1/vulnerabilities/{id}", a.vuln},
		{"GET", "/api/v1/packages", a.packages},
		{"GET", "/api/v1/bases", a.bases},
		{"GET", "/api/v1/running", a.running},
		{"PUT", "/api/v1/running/{id}", a.putContainer},
		{"DELETE", "/api/v1/running/{id}", a.dropContainer},
		{"GET", "/api/v1/hosts", a.hosts},
		{"PUT", "/api/v1/hosts/{id}", a.putHost},
		{"DELETE", "/api/v1/hosts/{id}", a.dropHost},
		{"GET", "/api/v1/policies", a.policies},
		{"GET", "/api/v1/exceptions", a.exceptions},
		{"POST", "/api/v1/exceptions", a.postException},
		{"GET", "/api/v1/exceptions/{id}", a.exception},
		{"PATCH", "/api/v1/exceptions/{id}", a.patchException},
		{"DELETE", "/api/v1/exceptions/{id}", gone(a.DropException)},
		{"GET", "/api/v1/vex", a.vexes},
		{"POST", "/api/v1/vex", a.postVEX},
		{"DELETE", "/api/v1/vex/{id}", gone(a.DropVEX)},
		{"GET", "/api/v1/webhooks", a.webhooks},
		{"POST", "/api/v1/webhooks", a.postWebhook},
		{"DELETE", "/api/v1/webhooks/{id}", gone(a.DropWebhook)},
		{"POST", "/api/v1/webhooks/{id}/test", a.testWebhook},
		{"GET", "/api/v1/messages", a.messages},
		{"POST", "/api/v1/messages/{id}/retry", a.retryMessage},
		{"POST", "/api/v1/registry/events", a.registryEvents},
		{"GET", "/api/v1/pulls", a.pulls},
		{"POST", "/api/v1/pulls", a.postPull},
		{"GET", "/api/v1/feeds", a.feeds},
		{"POST", "/api/v1/advisories", a.postAdvisories},
		{"GET", "/api/v1/events", a.events},
		{"GET", "/api/v1/export", a.export},
		{"GET", "/api/v1/overview", a.overview},
		{"GET", "/api/v1/history", a.history},
	}
}

// Handler answers everything; pages what is not the API's. It may be nil.
func (a *API) Handler(pages http.Handler) http.Handler {
	a.uploads = make(chan struct{}, atOnce)
	mux := http.NewServeMux()
	for _, r := range a.routes() {
		mux.Handle(r.method+" "+r.path, a.wrap(r))
	}
	mux.HandleFunc("GET /open", a.Guard.open)
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		a.refuse(w, &refusal{http.StatusNotFound, "there is no " + r.Method + " " + clip(r.URL.Path), "GET /api/v1/openapi.json lists what there is"})
	})
	if pages != nil {
		mux.Handle("/", pages)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers(w.Header())
		if r.URL.Path != "/healthz" && r.URL.Path != "/open" {
			if no := a.Guard.judge(r); no != nil {
				a.Log.Warn("refused", "method", r.Method, "path", r.URL.Path, "from", r.RemoteAddr, "why", no.text)
				a.refuse(w, no)
				return
			}
		}
		mux.ServeHTTP(w, r)
	})
}

// wrap turns an error into an answer, and writes changes down.
func (a *API) wrap(r route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		err := r.serve(w, req)
		if errors.Is(err, errUnchanged) {
			return
		}
		if r.method != "GET" {
			a.audit(req, err)
		}
		if err == nil || req.Context().Err() != nil {
			return
		}
		a.refuse(w, a.refusalOf(err))
	})
}

// errUnchanged is returned by a request that could have changed something, did not, and
// was answered: there is nothing to write down.
var errUnchanged = errors.New("nothing changed")

func (a *API) audit(r *http.Request, err error) {
	result := "done"
	if err != nil {
		result = "refused: " + clip(err.Error())
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 5*time.Second)
	defer cancel()
	who := "token"
	if !a.Guard.bearer(r) {
		who = "browser"
	}
	subject := r.URL.Query().Get("ref")
	if subject == "" {
		subject = r.PathValue("id")
	}
	if err := a.Service.Store.Audit(ctx, store.Audited{Who: who, Action: r.Method + " " + r.URL.Path, Subject: clip(subject), Result: result}); err != nil {
		a.Log.Error("a change is not written down", "reason", err)
	}
}

// apiError is an error that is the caller's.
type apiError struct {
	status int
	text   string
	hint   string
}

func (e *apiError) Error() string { return e.text }

func bad(text, hint string) error { return &apiError{http.StatusBadRequest, text, hint} }

func none(what string) error {
	return &apiError{http.StatusNotFound, "there is no such " + what, ""}
}

func (a *API) refusalOf(err error) *refusal {
	var own *apiError
	var line *stream.LineError
	var size *http.MaxBytesError
	switch {
	case errors.As(err, &own):
		return &refusal{own.status, own.text, own.hint}
	case errors.As(err, &size):
		return &refusal{http.StatusRequestEntityTooLarge, "the body is larger than " + strconv.FormatInt(size.Limit>>10, 10) + " kB", ""}
	case errors.As(err, &line):
		return &refusal{http.StatusBadRequest, line.Error(), "a record of OSV a line, or {\"id\":\"CVE-…\",\"kev\":{\"added\":\"2026-11-01\"}}"}
	}
	a.Log.Error("a request failed", "reason", err)
	return &refusal{http.StatusServiceUnavailable, "the service cannot answer now", finding.HintOf(err)}
}

func (a *API) refuse(w http.ResponseWriter, no *refusal) {
	if no.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="drydock"`)
	}
	if no.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	a.answer(w, no.status, struct {
		Error string `json:"error"`
		Hint  string `json:"hint,omitempty"`
	}{no.text, no.hint})
}

// answer writes JSON.
func (a *API) answer(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		a.Log.Error("an answer cannot be written", "reason", err)
		status, b = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written"}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // whoever asked may have gone
}

func (a *API) health(w http.ResponseWriter, _ *http.Request) error {
	a.answer(w, http.StatusOK, map[string]string{"status": "ok", "version": a.Version})
	return nil
}

// ready reports whether the database answers, what is shown is what it holds, and
// tasks come by the stream if there is to be one.
func (a *API) ready(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
	defer cancel()
	if err := a.Service.Store.Ping(ctx); err != nil {
		return err
	}
	waiting, err := a.Service.Store.Waiting(ctx) // first: what was done until then has its events
	var last int64
	if err == nil {
		last, err = a.Service.Store.Last(ctx)
	}
	if err != nil {
		return err
	}
	at := a.Service.Index.At()
	body := map[string]any{
		"status": "ready", "database": a.Service.Store.Kind(), "event": last, "shown": at, "waiting": waiting,
	}
	if b := a.Service.Bus; b != nil {
		state := b.State()
		if body["stream"] = state; !state.Up {
			body["status"] = "degraded" // it works on, by the database
		}
	}
	a.answer(w, http.StatusOK, body)
	return nil
}

// decode reads a small JSON body.
func decode(w http.ResponseWriter, r *http.Request, v any) error {
	return decodeUpTo(w, r, maxBody, v)
}

func decodeUpTo(w http.ResponseWriter, r *http.Request, most int64, v any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, most))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		var size *http.MaxBytesError
		if errors.As(err, &size) {
			return err
		}
		return bad("the body is not the JSON that is wanted: "+clip(err.Error()), "GET /api/v1/openapi.json describes it")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return bad("something follows the JSON body", "")
	}
	return nil
}

// ReadQuery reads what a list is asked for.
func ReadQuery(r *http.Request) (q index.Query, err error) {
	v := r.URL.Query()
	q = index.Query{
		Q: v.Get("q"), Env: v.Get("env"), Base: v.Get("base"), Sort: v.Get("sort"), Cursor: v.Get("cursor"), Layer: v["layer"],
		Severity: strings.ToLower(v.Get("severity")),
	}
	if q.Severity != "" {
		s, err := finding.ParseSeverity(q.Severity)
		if err != nil {
			return q, bad(err.Error(), "")
		}
		q.Severity = s.String()
	}
	for name, to := range map[string]*bool{"fixable": &q.Fixable, "kev": &q.KEV, "running": &q.Running, "unknown": &q.Unknown} {
		if s := v.Get(name); s != "" {
			if *to, err = strconv.ParseBool(s); err != nil {
				return q, bad(name+" is true or false, and not "+clip(s), "")
			}
		}
	}
	if s := v.Get("limit"); s != "" {
		if q.Limit, err = strconv.Atoi(s); err != nil || q.Limit < 1 || q.Limit > index.MaxLimit {
			return q, bad("limit is a number from 1 to "+strconv.Itoa(index.MaxLimit), "")
		}
	}
	if !index.ValidCursor(q.Cursor) {
		return q, bad("cursor is not one that a list gave", "leave it out for the first page")
	}
	if len(q.Q) > 500 {
		return q, bad("q is longer than 500 bytes", "")
	}
	return q, nil
}

// clip is a stranger's text as messages may have it.
func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if r := []rune(s); len(r) > 200 {
		return string(r[:200]) + "…"
	}
	return s
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }

// Routes lists everything that can be asked for: "GET /api/v1/images".
func Routes() []string {
	var out []string
	for _, r := range (&API{}).routes() {
		out = append(out, r.method+" "+r.path)
	}
	return out
}
