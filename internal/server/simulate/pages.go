package simulate

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// Page is how long a page took, over several rounds.
type Page struct {
	Path   string
	First  time.Duration // p95 to the first byte
	Last   time.Duration // p95 to the last one
	Median time.Duration // to the last one
	Bytes  int
}

// Paths are all pages of a fleet with an image and a vulnerability that it has.
func Paths(x *index.Index, img store.Image) []string {
	out := []string{
		"/", "/images", "/images?sort=-ref&severity=critical", "/images?q=app-1", "/images/" + img.ID, "/images/" + img.ID + "?tab=packages",
		"/vulnerabilities", "/packages", "/bases", "/running", "/policies", "/policies/no-high-profile", "/exceptions", "/feeds", "/events", "/search?q=ssl",
	}
	if l := x.Vulns(index.Query{Limit: 1, Sort: "images"}); len(l.Items) > 0 {
		out = append(out, "/vulnerabilities/"+url.PathEscape(l.Items[0].ID))
	}
	if l := x.Packages(index.Query{Limit: 1, Sort: "images"}); len(l.Items) > 0 {
		out = append(out, "/packages/"+l.Items[0].Type+"/"+url.PathEscape(l.Items[0].Name))
	}
	return out
}

// Pages asks for each page so many times, and each time right after a change.
func Pages(ctx context.Context, h http.Handler, paths []string, rounds int, change func() error) ([]Page, error) {
	var out []Page
	for _, path := range paths {
		var first, last []time.Duration
		p := Page{Path: path}
		for range rounds {
			if err := change(); err != nil {
				return nil, err
			}
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1"+path, nil)
			if err != nil {
				return nil, err
			}
			req.RequestURI, req.RemoteAddr = path, "127.0.0.1:1"
			w := &watch{began: time.Now(), header: http.Header{}}
			h.ServeHTTP(w, req)
			if w.status != http.StatusOK {
				return nil, fmt.Errorf("GET %s: status %d", path, w.status)
			}
			first, last = append(first, w.first), append(last, time.Since(w.began))
			p.Bytes = w.bytes
		}
		slices.Sort(first)
		slices.Sort(last)
		p.First, p.Last, p.Median = percentile(first, 95), percentile(last, 95), percentile(last, 50)
		out = append(out, p)
	}
	return out, nil
}

// percentile is of sorted durations: the smallest that so many of a hundred are not
// over.
func percentile(all []time.Duration, p int) time.Duration {
	if len(all) == 0 {
		return 0
	}
	return all[min(len(all)-1, (len(all)*p+99)/100-1)]
}

// watch takes an answer, and notes when it began.
type watch struct {
	began  time.Time
	first  time.Duration
	header http.Header
	status int
	bytes  int
}

func (w *watch) Header() http.Header { return w.header }

func (w *watch) WriteHeader(status int) {
	if w.status == 0 {
		w.status, w.first = status, time.Since(w.began)
	}
}

func (w *watch) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.bytes += len(b)
	return len(b), nil
}
