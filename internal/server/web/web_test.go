package web_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/server/api"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/server/stream"
	"github.com/drydock-dev/drydock/internal/server/web"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

const token = "a-token-of-the-test"

type world struct {
	t   testing.TB
	url string
	svc *stream.Service
	api *api.API
	log *bytes.Buffer

	handler http.Handler
	stop    func() // ends the worker
}

func start(t testing.TB) *world { return startWith(t, db.NewStack()) }

func startWith(t testing.TB, rest index.Rest) *world {
	t.Helper()
	st, err := store.Open(context.Background(), store.Options{Dir: filepath.Join(t.TempDir(), "data")})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, log: &bytes.Buffer{}}
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelError}))
	w.svc = &stream.Service{Store: st, Index: index.New(rest, time.Now), Log: log, Poll: 20 * time.Millisecond}
	w.api = &api.API{Service: w.svc, Guard: &api.Guard{Token: token}, Log: log, Version: "test"}
	w.handler = w.api.Handler((&web.Web{API: w.api, Index: w.svc.Index, Store: st, Log: log}).Handler())
	srv := httptest.NewServer(w.handler)
	w.url = srv.URL
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = w.svc.Work(ctx) })
	w.stop = func() { cancel(); wg.Wait() }
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close(); w.stop(); _ = st.Close() })
	return w
}

func (w *world) add(ref, env string, packages ...sbom.Package) store.Image {
	w.t.Helper()
	inv := &sbom.Inventory{Distro: &sbom.Distro{ID: "debian", VersionID: "12", PrettyName: "Debian 12"}, Packages: packages}
	inv.Sort()
	img, err := w.svc.AddImage(context.Background(), store.NewImage{Ref: ref, Inventory: inv, Facts: store.Facts{Env: env}})
	if err != nil {
		w.t.Fatal(err)
	}
	return img
}

func npm(name, version string, layer int) sbom.Package {
	d := finding.DigestOf([]byte{byte(layer)})
	return sbom.Package{Type: "npm", Name: name, Version: version, Layer: d, LayerIndex: layer, Locations: []sbom.Location{{Path: "/app/" + name, Layer: d}}}
}

// advisory is a record about an npm package, fixed in 2.0.0.
func advisory(n int, name, severity string) string {
	vector := map[string]string{"critical": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "low": "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"}[severity]
	return fmt.Sprintf(`{"id":"GHSA-aaaa-bbbb-%04d","modified":"2026-11-01T00:00:00Z","aliases":["CVE-2026-%04d"],"severity":[{"type":"CVSS_V3","score":%q}],`+
		`"affected":[{"package":{"ecosystem":"npm","name":%q},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"2.0.0"}]}]}]}`+"\n", n, n, vector, name)
}

func (w *world) advise(text string) {
	w.t.Helper()
	if _, err := w.svc.Advise(context.Background(), strings.NewReader(text)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) settle() {
	w.t.Helper()
	for range 60_000 {
		n, err := w.svc.Store.Waiting(context.Background())
		if err != nil {
			w.t.Fatal(err)
		}
		last, err := w.svc.Store.Last(context.Background())
		if err != nil {
			w.t.Fatal(err)
		}
		if n == 0 && w.svc.Index.At() >= last {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Fatal("the tasks do not end")
}

func (w *world) get(path string, want int) string {
	w.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, w.url+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	if res.StatusCode != want {
		w.t.Errorf("GET %s: %d, want %d: %.300s", path, res.StatusCode, want, b)
	}
	return string(b)
}

// fleet is a few images, what runs of them, and what they have.
func fleet(w *world) (a, b store.Image) {
	a = w.add("acme/web:1", "prod", npm("left", "1.0.0", 0), npm("right", "1.0.0", 1))
	b = w.add("acme/api:1", "staging", npm("left", "1.0.0", 0), npm("own", "1.0.0", 2))
	w.add("acme/clean:1", "prod", npm("fine", "1.0.0", 0))
	w.advise(advisory(1, "left", "critical") + advisory(2, "left", "low") + advisory(3, "right", "critical") + advisory(4, "own", "low"))
	w.settle()
	return a, b
}

// pages are all addresses that there are, with their rows.
func pages(img string) []string {
	return []string{
		"/", "/?env=prod", "/images", "/images?severity=critical&fixable=true", "/images?q=web", "/images/" + img, "/images/" + cmp.Or(img, "none") + "/fixes", "/images/" + img + "?tab=packages", "/images/" + img + "?tab=policies",
		"/images/" + img + "?tab=unknown", "/images/" + img + "?layer=" + url.QueryEscape(string(finding.DigestOf([]byte{1}))), "/vulnerabilities", "/vulnerabilities/CVE-2026-0001",
		"/vulnerabilities/GHSA-aaaa-bbbb-0001", "/packages", "/packages/npm/left", "/bases", "/running", "/hosts", "/policies", "/policies/all-known?outcome=complies", "/exceptions", "/feeds", "/webhooks", "/vex", "/events", "/search?q=left",
	}
}

func TestEveryPage(t *testing.T) {
	for name, fill := range map[string]func(*world) string{
		"empty": func(*world) string { return "" },
		"fleet": func(w *world) string { a, _ := fleet(w); return a.ID },
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			img := fill(w)
			for _, p := range pages(img) {
				want := 200
				if img == "" && (strings.HasPrefix(p, "/images/") || strings.HasPrefix(p, "/vulnerabilities/") || strings.HasPrefix(p, "/packages/")) {
					want = 404
				}
				text := w.get(p, want)
				for _, part := range []string{"<h1>", `class="say"`, `aria-label="Main"`, "</html>"} {
					if !strings.Contains(text, part) {
						t.Errorf("%s: no %s", p, part)
					}
				}
				// The policy of headers forbids both: they would not work.
				if m := regexp.MustCompile(`<script>|<style|\sstyle="|\son[a-z]+="|javascript:`).FindString(text); m != "" {
					t.Errorf("%s: %q in the page", p, m)
				}
			}
			w.get("/nothing", 404)
			w.get("/images?limit=x", 400)
			w.get("/images/"+img+"?tab=none", 404)
			if w.log.Len() > 0 {
				t.Error(w.log.String())
			}
		})
	}
}

// TestCountsAgree holds every number that pages and the API show to the findings of
// the images, counted one by one.
func TestCountsAgree(t *testing.T) {
	w := start(t)
	a, _ := fleet(w)
	if err := w.api.PutException(t.Context(), store.Exception{ID: "e1", Vuln: "CVE-2026-0003", Image: "acme/web", State: "accepted", Reason: "x"}); err != nil {
		t.Fatal(err)
	}
	type sums struct{ critical, low int }
	byImage, byVuln := map[string]sums{}, map[string]int{}
	var images struct {
		Items []struct {
			ID, Ref string
			Counts  struct{ Critical, Low int }
		}
		Total int
	}
	ask := func(path string, v any) {
		t.Helper()
		if err := json.Unmarshal([]byte(w.get(path, 200)), v); err != nil {
			t.Fatal(err)
		}
	}
	severities, place := map[string]string{}, func(s string) int { // the worst by vulnerability
		is, err := finding.ParseSeverity(s)
		if err != nil {
			t.Fatal(err)
		}
		return is.Place()
	}
	ask("/api/v1/images", &images)
	for _, i := range images.Items {
		var f struct {
			Items []struct{ ID, Severity, Exception, Suppressed string }
		}
		ask("/api/v1/images/"+i.ID+"/findings", &f)
		s := sums{}
		for _, x := range f.Items {
			if x.Exception != "" || x.Suppressed != "" {
				continue
			}
			byVuln[x.ID]++
			if is, ok := severities[x.ID]; !ok || place(x.Severity) < place(is) {
				severities[x.ID] = x.Severity
			}
			switch x.Severity {
			case "critical":
				s.critical++
			case "low":
				s.low++
			}
		}
		byImage[i.Ref] = s
		if s.critical != i.Counts.Critical || s.low != i.Counts.Low {
			t.Errorf("%s: %+v by its findings, %+v in the list", i.Ref, s, i.Counts)
		}
		text := w.get("/images/"+i.ID, 200)
		if want := fmt.Sprintf(`title="%d critical"`, s.critical); !strings.Contains(text, want) {
			t.Errorf("the page of %s does not say %s", i.Ref, want)
		}
	}
	if byImage["acme/web:1"].critical != 1 || byImage["acme/api:1"] != (sums{1, 2}) || len(byVuln) != 3 {
		t.Fatalf("the fleet is not what the test wants: %+v %+v", byImage, byVuln)
	}
	var vulns struct {
		Items []struct {
			ID, Severity string
			Images       int
		}
		Total int
	}
	ask("/api/v1/vulnerabilities", &vulns)
	if vulns.Total != len(byVuln) {
		t.Errorf("%d vulnerabilities in the list, %d by the findings", vulns.Total, len(byVuln))
	}
	bySeverity := map[string]int{}
	for _, v := range vulns.Items {
		if bySeverity[v.Severity]++; v.Severity != severities[v.ID] {
			t.Errorf("%s is %s in the list, %s by the findings", v.ID, v.Severity, severities[v.ID])
		}
		if v.Images != byVuln[v.ID] {
			t.Errorf("%s: %d images in the list, %d by the findings", v.ID, v.Images, byVuln[v.ID])
		}
		var d struct{ On []struct{ ID string } }
		ask("/api/v1/vulnerabilities/"+v.ID, &d)
		if len(d.On) != v.Images {
			t.Errorf("%s: %d images on its page, %d in the list", v.ID, len(d.On), v.Images)
		}
	}
	var o struct {
		Images, Vulnerabilities, FixableCritical int
		Counts                                   map[string]int
	}
	ask("/api/v1/overview", &o)
	if o.Images != images.Total || o.Vulnerabilities != vulns.Total || o.FixableCritical != 2 {
		t.Errorf("overview %+v", o)
	}
	for s, n := range o.Counts {
		if n != bySeverity[s] {
			t.Errorf("%d %s vulnerabilities on the overview, %d in the list", n, s, bySeverity[s])
		}
	}
	// The navigation of every page says the same.
	for _, p := range pages(a.ID) {
		text := w.get(p, 200)
		for name, n := range map[string]int{"Images": images.Total, "Vulnerabilities": vulns.Total, "Exceptions": 1} {
			if want := fmt.Sprintf(`<b>%s</b><span>%d</span>`, name, n); !strings.Contains(text, want) {
				t.Errorf("%s: no %s", p, want)
			}
		}
	}
	if m := regexp.MustCompile(`id="count"[^>]*>(\d+) `).FindStringSubmatch(w.get("/vulnerabilities", 200)); m == nil || m[1] != strconv.Itoa(vulns.Total) {
		t.Errorf("the page of vulnerabilities counts %v", m)
	}
}

// TestNoPageAsksARow holds every page to the same number of statements, however
// many rows it shows, and to a handful.
func TestNoPageAsksARow(t *testing.T) {
	asked := func(images int) map[string]int64 {
		w := start(t)
		a, _ := fleet(w)
		for i := range images {
			w.add(fmt.Sprintf("acme/more-%d:1", i), "prod", npm("left", "1.0.0", 0), npm(fmt.Sprintf("lib-%d", i), "1.0.0", 1))
			if err := w.api.PutException(t.Context(), store.Exception{ID: fmt.Sprintf("x%d", i), Vuln: "CVE-2026-0003", Image: "acme/web", State: "accepted", Reason: "x"}); err != nil {
				t.Fatal(err)
			}
			if i < 50 {
				w.advise(advisory(100+i, fmt.Sprintf("lib-%d", i), "critical"))
			}
		}
		w.settle()
		w.stop() // only pages ask from here on
		out := map[string]int64{}
		for _, p := range pages(a.ID) {
			before := w.svc.Store.Asked()
			w.get(p, 200)
			out[p] = w.svc.Store.Asked() - before
		}
		return out
	}
	few, many := asked(0), asked(150)
	for p, n := range many {
		if n != few[p] || n > 4 {
			t.Errorf("%s: %d statements with 3 images, %d with 153", p, few[p], n)
		}
	}
	if few["/events"] == 0 {
		t.Error("nothing is counted")
	}
}

func TestHostileNamesInPages(t *testing.T) {
	w := start(t)
	payloads := []string{`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='x`, `{{.}}`, "javascript:alert(1)", strings.Repeat("w", 300)}
	var last store.Image
	for _, p := range payloads {
		last = w.add(p, p, npm("left", "1.0.0", 0), sbom.Package{Type: "npm", Name: p, Version: p, Licenses: []string{p}})
		if err := w.api.PutException(t.Context(), store.Exception{ID: "e" + strconv.Itoa(len(p)), Vuln: p, Package: p, Image: p, State: "accepted", Reason: p, By: p}); err != nil {
			t.Fatal(err)
		}
	}
	w.advise(advisory(1, "left", "critical"))
	w.settle()
	for _, p := range append(pages(last.ID), "/search?q="+url.QueryEscape(payloads[1]), "/images?q="+url.QueryEscape(payloads[0]), "/?env="+url.QueryEscape(payloads[0]), "/images?base="+url.QueryEscape(payloads[1])) {
		status := 200
		if strings.Contains(p, "/packages/npm/left") && p == "" {
			status = 404
		}
		text := w.get(p, status)
		for _, bad := range []string{"<script>", "<img", `' onmouseover`, `href="javascript`} {
			if strings.Contains(text, bad) {
				t.Errorf("%s: %s is in the page", p, bad)
			}
		}
	}
	if text := html.UnescapeString(w.get("/images", 200)); !strings.Contains(text, payloads[1]) {
		t.Error("the name is not shown at all")
	}
}

// TestChangesFromAPage: a form needs the session of a browser that was opened with
// the token, and comes from the page.
func TestChangesFromAPage(t *testing.T) {
	w := start(t)
	fleet(w)
	w.api.Guard.Offer("once")
	ask := func(method, path, body string, header ...string) (status int, set []*http.Cookie) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, w.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		_, _ = io.Copy(io.Discard, res.Body)
		return res.StatusCode, res.Cookies()
	}
	status, cookies := ask("GET", "/open?code=once", "")
	if status != http.StatusSeeOther || len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteStrictMode {
		t.Fatalf("%d %v", status, cookies)
	}
	if again, _ := ask("GET", "/open?code=once", ""); again != http.StatusForbidden {
		t.Errorf("the link works twice: %d", again)
	}
	cookie := cookies[0].Name + "=" + cookies[0].Value
	const form = "pick=CVE-2026-0001&pick=CVE-2026-0002&state=accepted&reason=known"
	const kind = "application/x-www-form-urlencoded"
	for what, header := range map[string][]string{
		"no session":          {"Content-Type", kind, "Origin", w.url},
		"no origin":           {"Content-Type", kind, "Cookie", cookie},
		"another origin":      {"Content-Type", kind, "Cookie", cookie, "Origin", "https://evil.example"},
		"another site":        {"Content-Type", kind, "Cookie", cookie, "Sec-Fetch-Site", "cross-site"},
		"a session of no one": {"Content-Type", kind, "Cookie", "drydock_session=x", "Origin", w.url},
	} {
		if status, _ := ask("POST", "/exceptions", form, header...); status != 401 && status != 403 {
			t.Errorf("%s: %d", what, status)
		}
	}
	if n := w.svc.Index.Exceptions(index.Query{}).Total; n != 0 {
		t.Fatalf("%d exceptions", n)
	}
	if status, _ := ask("POST", "/exceptions", form, "Content-Type", kind, "Cookie", cookie, "Origin", w.url); status != http.StatusSeeOther {
		t.Errorf("%d", status)
	}
	if n := w.svc.Index.Exceptions(index.Query{}).Total; n != 2 {
		t.Errorf("%d exceptions, want 2", n)
	}
	audits, err := w.svc.Store.Audits(t.Context(), 10)
	if err != nil || len(audits) == 0 || audits[0].Who != "browser" || audits[0].Action != "POST /exceptions" {
		t.Errorf("%+v %v", audits, err)
	}
}
