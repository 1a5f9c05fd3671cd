package web

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/api"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed static/*
var static embed.FS

// Web makes the pages.
type Web struct {
	API   *api.API
	Index *index.Index
	Store *store.Store
	Log   *slog.Logger

	pages map[string]*template.Template
}

// page is what every page has.
type page struct {
	Title string
	At    string // the path of its place in the navigation
	Path  string
	Nav   []place
	Q     index.Query
	Envs  []string
	Event int64
	May   bool // its reader may change something
	Feeds []api.Feed

	Heading string
	Facts   []string
	Say     say
	Filters []chip
	Table   *grid
	Body    any
}

type place struct {
	Path, Name, Icon, Count string
}

// say is the sentence of a page: what matters first.
type say struct{ Bold, Rest string }

// chip is a filter that is on or off.
type chip struct {
	Name, Href string
	On         bool
}

// errPage is a page that there is not.
var errPage = errors.New("there is no such page")

// Handler answers with pages.
func (w *Web) Handler() http.Handler {
	w.pages = map[string]*template.Template{}
	for _, name := range []string{"list", "overview", "image", "vuln", "policy", "events", "search", "lost", "below", "fixes"} {
		w.pages[name] = template.Must(template.New("frame.html").Funcs(functions(w.Store.Now)).ParseFS(templates, "templates/frame.html", "templates/parts.html", "templates/"+name+".html"))
	}
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the folder is in the program
	}
	mux := http.NewServeMux()
	mux.Handle("GET /static/", cached(http.StripPrefix("/static/", http.FileServerFS(files))))
	for path, show := range map[string]func(*http.Request, *page) (string, error){
		"/{$}": w.overview, "/images": w.images, "/images/{id}": w.image, "/images/{id}/fixes": w.fixes, "/vulnerabilities": w.vulns, "/vulnerabilities/{id}": w.vuln,
		"/packages": w.packages, "/packages/{type}/{name...}": w.ofPackage, "/bases": w.bases, "/running": w.running, "/hosts": w.hosts,
		"/policies": w.policies, "/policies/{id}": w.policy, "/exceptions": w.exceptions, "/feeds": w.feeds, "/webhooks": w.webhooks, "/vex": w.vex, "/events": w.events, "/search": w.search,
	} {
		mux.Handle("GET "+path, w.show(show))
	}
	mux.HandleFunc("POST /exceptions", w.postExceptions)
	mux.HandleFunc("POST /exceptions/{id}/delete", w.posted(w.API.DropException, "/exceptions"))
	mux.HandleFunc("POST /vex/{id}/delete", w.posted(w.API.DropVEX, "/vex"))
	mux.HandleFunc("POST /webhooks/{id}/delete", w.posted(w.API.DropWebhook, "/webhooks"))
	mux.HandleFunc("POST /messages/{id}/retry", w.posted(w.API.RetryMessage, "/webhooks"))
	mux.Handle("/", w.show(func(*http.Request, *page) (string, error) { return "", errPage }))
	return mux
}

func cached(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=300")
		h.ServeHTTP(w, r)
	})
}

// show makes a page of what a function fills in.
func (w *Web) show(fill func(*http.Request, *page) (string, error)) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		q, err := api.ReadQuery(r)
		p := &page{Path: r.URL.Path, Q: q, Event: w.Index.At(), May: w.API.Guard.May(r)}
		if w.API.Feeds != nil {
			p.Feeds = w.API.Feeds()
		}
		name, status := "lost", http.StatusOK
		if err == nil {
			w.navigate(p)
			name, err = fill(r, p)
		}
		switch {
		case errors.Is(err, errPage):
			name, status = "lost", http.StatusNotFound
			w.navigate(p)
			p.Title, p.Heading, p.Say = "Not found", "There is no such page", say{Rest: "What it showed may be gone: an image that was replaced, a vulnerability that no image has any more."}
		case err != nil:
			name, status = "lost", http.StatusBadRequest
			p.Title, p.Heading, p.Say = "Error", "This page cannot be shown", say{Rest: err.Error()}
		}
		var b bytes.Buffer
		if err := w.pages[name].Execute(&b, p); err != nil {
			w.Log.Error("a page cannot be made", "path", r.URL.Path, "reason", err)
			http.Error(out, "the page cannot be made", http.StatusInternalServerError)
			return
		}
		out.Header().Set("Content-Type", "text/html; charset=utf-8")
		out.Header().Set("Cache-Control", "no-cache")
		out.WriteHeader(status)
		_, _ = out.Write(b.Bytes()) // whoever asked may have gone
	})
}

// navigate fills in where one can go, with the counts of each list.
func (w *Web) navigate(p *page) {
	o := w.Index.Overview("")
	p.Envs = o.Envs
	count := func(n int) string {
		if n == 0 {
			return ""
		}
		return thousands(n)
	}
	failing := 0
	policies := w.Index.PolicyList(index.Query{})
	for _, r := range policies.Items {
		if r.Complies < r.Of {
			failing++
		}
	}
	rule := ""
	if policies.Total > 0 && o.Images > 0 {
		rule = strconv.Itoa(policies.Total-failing) + " of " + strconv.Itoa(policies.Total)
	}
	p.Nav = []place{
		{"/", "Overview", "M3 12l9-8 9 8v8H3zM9 20v-6h6v6", ""},
		{"/images", "Images", "M4 5h16v5H4zM4 14h16v5H4z", count(o.Images)},
		{"/vulnerabilities", "Vulnerabilities", "M12 3l8 4v5c0 5-4 8-8 9-4-1-8-4-8-9V7zM12 8v5M12 16h0", count(o.Vulns)},
		{"/packages", "Packages", "M12 3l8 4v10l-8 4-8-4V7zM4 7l8 4 8-4M12 11v10", count(o.Packages)},
		{"/bases", "Bases", "M12 4l9 5-9 5-9-5zM3 14l9 5 9-5", count(w.Index.Bases(index.Query{}).Total)},
		{"/running", "Running", "M7 4l12 8-12 8z", count(o.Containers)},
		{"/policies", "Policies", "M5 4h14v16H5zM8 9l2 2 4-4M8 16h8", rule},
		{"/exceptions", "Exceptions", "M4 6h16M7 12h10M10 18h4", count(o.Exceptions)},
		{"/events", "Events", "M3 12h4l3-8 4 16 3-8h4", ""},
		{"/feeds", "Feeds", "M5 19a1 1 0 100-2 1 1 0 000 2M4 11a9 9 0 019 9M4 4a16 16 0 0116 16", ""},
		{"/webhooks", "Webhooks", "M6 9a6 6 0 0112 0c0 6 2 7 2 7H4s2-1 2-7M10 20a2 2 0 004 0", ""},
	}
}

// with is an address of the same page with some parameters set, and others, whose
// value is empty, left out. A cursor goes when anything else changes.
func with(r *http.Request, pairs ...string) string {
	v := url.Values{}
	for k, list := range r.URL.Query() {
		v[k] = list
	}
	v.Del("cursor")
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			v.Del(pairs[i])
		} else {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	if len(v) == 0 {
		return r.URL.Path
	}
	return r.URL.Path + "?" + v.Encode()
}

// toggle is a chip for a filter that is on or off.
func toggle(r *http.Request, name, label string) chip {
	if r.URL.Query().Get(name) != "" {
		return chip{label, with(r, name, ""), true}
	}
	return chip{label, with(r, name, "true"), false}
}

// severityChips are a chip a severity, of which one is on.
func severityChips(r *http.Request) []chip {
	var out []chip
	now := r.URL.Query().Get("severity")
	for _, s := range finding.Severities()[:4] {
		if s.String() == now {
			out = append(out, chip{s.String(), with(r, "severity", ""), true})
		} else {
			out = append(out, chip{s.String(), with(r, "severity", s.String()), false})
		}
	}
	return out
}
