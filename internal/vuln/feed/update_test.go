package feed

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/vuln/db"
)

// upstream is a file server whose behaviour a test bends.
type upstream struct {
	*httptest.Server
	mu       sync.Mutex
	files    map[string][]byte
	etag     map[string]string
	asked    []string // method, path, status
	answer   func(w http.ResponseWriter, r *http.Request, n int) bool
	times    map[string]int
	modified time.Time
}

func newUpstream(t *testing.T) *upstream {
	u := &upstream{files: map[string][]byte{}, etag: map[string]string{}, times: map[string]int{}, modified: time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)}
	u.Server = httptest.NewServer(u)
	t.Cleanup(u.Close)
	return u
}

func (u *upstream) put(path string, b []byte) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.files[path] = b
	u.etag[path] = fmt.Sprintf(`"%d-%x"`, len(b), len(u.etag)+u.times["version"])
	u.times["version"] += 100
}

type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(n int) { r.status = n; r.ResponseWriter.WriteHeader(n) }

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u.mu.Lock()
	b, ok := u.files[r.URL.Path]
	etag := u.etag[r.URL.Path]
	u.times[r.URL.Path]++
	n := u.times[r.URL.Path]
	answer := u.answer
	u.mu.Unlock()
	rec := &recorder{w, 200}
	defer func() {
		u.mu.Lock()
		u.asked = append(u.asked, fmt.Sprint(r.URL.Path, " ", rec.status, " ", r.Header.Get("Range")))
		u.mu.Unlock()
	}()
	if answer != nil && answer(rec, r, n) {
		return
	}
	if !ok {
		rec.WriteHeader(http.StatusNotFound)
		return
	}
	rec.Header().Set("ETag", etag)
	http.ServeContent(rec, r, "", u.modified, bytes.NewReader(b))
}

func (u *upstream) log() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	out := u.asked
	u.asked = nil
	slices.Sort(out)
	return out
}

func (u *upstream) bend(f func(w http.ResponseWriter, r *http.Request, n int) bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.answer = f
	clear(u.times)
	u.times["version"] = 1e6
}

func record(eco, id, pkg, fixed string, day int) string {
	return fmt.Sprintf(`{"id":%q,"modified":"2027-02-%02dT10:00:00.5Z","published":"2027-01-01T00:00:00Z","affected":[{"package":{"ecosystem":%q,"name":%q},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":%q}]}]}]}`, id, day, eco, pkg, fixed)
}

func zipped(t testing.TB, records map[string]string) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, id := range slices.Sorted(keysOf(records)) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: id + ".json", Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, records[id]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func keysOf(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func gzipped(t testing.TB, s string) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	if _, err := io.WriteString(z, s); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

const secdb318 = `{"apkurl":"x","reponame":"main","urlprefix":"https://dl-cdn.alpinelinux.org/alpine","distroversion":"v3.18","packages":[
 {"pkg":{"name":"openssl","secfixes":{"3.1.1-r0":["CVE-2023-2650"],"0":["CVE-2023-0466 XSA-1"]}}}]}`

// bucket puts an ecosystem's records as OSV serves them.
func (u *upstream) bucket(t testing.TB, eco string, records map[string]string, days map[string]int) {
	u.put("/osv/"+eco+"/all.zip", zipped(t, records))
	u.list(eco, days)
	for id, r := range records {
		u.put("/osv/"+eco+"/"+id+".json", []byte(r))
	}
}

func (u *upstream) list(eco string, days map[string]int) {
	var lines []string
	for id, d := range days {
		lines = append(lines, fmt.Sprintf("2027-02-%02dT10:00:00.5Z,%s", d, id))
	}
	slices.Sort(lines)
	slices.Reverse(lines)
	u.put("/osv/"+eco+"/modified_id.csv", []byte(strings.Join(lines, "\n")+"\n"))
}

func (u *upstream) whole(t testing.TB) {
	u.bucket(t, "npm", map[string]string{"GHSA-a": record("npm", "GHSA-a", "left", "1.0.0", 1), "GHSA-b": record("npm", "GHSA-b", "right", "2.0.0", 2)}, map[string]int{"GHSA-a": 1, "GHSA-b": 2})
	u.put("/alpine-secdb/v3.18/main.json", []byte(secdb318))
	u.bucket(t, "Alpine", map[string]string{"CVE-2023-2650": strings.Replace(record("Alpine:v3.18", "CVE-2023-2650", "openssl", "9", 1), "SEMVER", "ECOSYSTEM", 1)}, map[string]int{"CVE-2023-2650": 1})
	u.put("/kev/known_exploited_vulnerabilities.json", []byte(`{"catalogVersion":"x","dateReleased":"2027-02-03T00:00:00Z","vulnerabilities":[{"cveID":"CVE-2023-2650","dateAdded":"2027-02-01"}]}`))
	u.put("/epss/epss_scores-current.csv.gz", gzipped(t, "#model_version:v1,score_date:2027-02-04T00:00:00+0000\ncve,epss,percentile\nCVE-2023-2650,0.5,0.9\n"))
	u.put("/nvd/nvdcve-2.0-2023.json.gz", gzipped(t, `{"format":"NVD_CVE","timestamp":"2027-02-05T00:00:00.000","vulnerabilities":[{"cve":{"id":"CVE-2023-2650","metrics":{"cvssMetricV31":[{"source":"nvd@nist.gov","type":"Primary","cvssData":{"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}}]}}}]}`))
}

func updater(t *testing.T, up *upstream) *Updater {
	return &Updater{
		Dir: filepath.Join(t.TempDir(), "data"), Bases: Mirror(up.URL), Backoff: time.Millisecond,
		Now:   func() time.Time { return time.Date(2027, 3, 2, 0, 0, 0, 0, time.UTC) },
		Force: true, // the upstreams of the tests are tiny
	}
}

// fixes is what the folder says of a package.
func fixes(t *testing.T, dir, eco, name string) []string {
	t.Helper()
	d, err := db.Open(filepath.Join(dir, "db"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Verify(context.Background()); err != nil {
		t.Fatal(err)
	}
	list, err := d.Advisories(context.Background(), eco, name)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, a := range list {
		for _, r := range a.Ranges {
			out = append(out, a.ID+" "+r.Events[len(r.Events)-1].Fixed)
		}
	}
	return out
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestUpdate(t *testing.T) {
	ctx := context.Background()
	up := newUpstream(t)
	up.whole(t)
	u := updater(t, up)
	rep, err := u.Update(ctx, []string{"npm", "alpine"}, true)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range rep.Sources {
		names = append(names, fmt.Sprint(s.Name, " ", s.Changed, " ", s.Records, " ", s.Newest.Format(time.DateOnly)))
	}
	want(t, names, "Alpine true 1 2027-02-01", "alpine-secdb true 2 2027-03-01", "epss true 1 2027-02-04", "kev true 1 2027-02-03", "npm true 2 2027-02-02", "nvd true 1 2027-02-05")
	want(t, fixes(t, u.Dir, "npm", "left"), "GHSA-a 1.0.0")
	// Of two that name the same, secdb says what fixed it.
	want(t, fixes(t, u.Dir, "Alpine:v3.18", "openssl"), "CVE-2023-0466 0", "CVE-2023-2650 3.1.1-r0")
	stack, err := Open(u.Dir, u.User)
	if err != nil {
		t.Fatal(err)
	}
	m, err := stack.Meta(ctx, "CVE-2023-2650")
	if err != nil || m.EPSS.Date != "2027-02-04" || !m.KEV || len(m.CVSS) == 0 || m.CVSS[0].Source != "nvd" {
		t.Errorf("%+v, %v", m, err)
	}
	if err := stack.Close(); err != nil {
		t.Error(err)
	}

	// Again: nothing but "not modified", and the dates of asking move on.
	up.log()
	u.Now = func() time.Time { return time.Date(2027, 3, 3, 0, 0, 0, 0, time.UTC) }
	rep, err = u.Update(ctx, nil, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range rep.Sources {
		if s.Changed && s.Name != "npm" && s.Name != "Alpine" {
			t.Errorf("%s changed", s.Name)
		}
	}
	for _, line := range up.log() {
		if strings.Contains(line, " 200 ") && !strings.Contains(line, "modified_id.csv") {
			t.Errorf("fetched again: %s", line)
		}
	}
	sources, err := u.Status()
	if err != nil || len(sources) != 6 {
		t.Fatal(sources, err)
	}
	for _, s := range sources {
		if s.Fetched.Day() != 3 {
			t.Errorf("%s was asked for on %s", s.Name, s.Fetched)
		}
	}
}

func TestIncrements(t *testing.T) {
	ctx := context.Background()
	up := newUpstream(t)
	up.whole(t)
	u := updater(t, up)
	if _, err := u.Update(ctx, []string{"npm"}, false); err != nil {
		t.Fatal(err)
	}
	// A record changed and one is new: they are fetched, all.zip is not.
	up.put("/osv/npm/GHSA-a.json", []byte(record("npm", "GHSA-a", "left", "1.0.1", 3)))
	up.put("/osv/npm/GHSA-c.json", []byte(record("npm", "GHSA-c", "left", "1.5.0", 4)))
	up.list("npm", map[string]int{"GHSA-a": 3, "GHSA-b": 2, "GHSA-c": 4})
	up.log()
	rep, err := u.Update(ctx, nil, false)
	if err != nil || !rep.Sources[0].Changed || rep.Sources[0].Records != 3 {
		t.Fatal(rep, err)
	}
	want(t, up.log(), "/osv/npm/GHSA-a.json 200 ", "/osv/npm/GHSA-c.json 200 ", "/osv/npm/modified_id.csv 200 ")
	want(t, fixes(t, u.Dir, "npm", "left"), "GHSA-a 1.0.1", "GHSA-c 1.5.0")
	want(t, fixes(t, u.Dir, "npm", "right"), "GHSA-b 2.0.0")

	// The list says another number of records than what is stored and what came:
	// the whole bucket it is.
	up.bucket(t, "npm", map[string]string{"GHSA-b": record("npm", "GHSA-b", "right", "2.0.0", 2)}, map[string]int{"GHSA-b": 2})
	if _, err := u.Update(ctx, nil, false); err != nil {
		t.Fatal(err)
	}
	want(t, fixes(t, u.Dir, "npm", "left"))

	// A listed record that is not there: the whole bucket again.
	up.bucket(t, "npm", map[string]string{"GHSA-b": record("npm", "GHSA-b", "right", "2.0.1", 5)}, map[string]int{"GHSA-b": 5})
	delete(up.files, "/osv/npm/GHSA-b.json")
	if _, err := u.Update(ctx, nil, false); err != nil {
		t.Fatal(err)
	}
	want(t, fixes(t, u.Dir, "npm", "right"), "GHSA-b 2.0.1")
}

// Whatever goes wrong with a download, what was there stays.
func TestBadDownloads(t *testing.T) {
	ctx := context.Background()
	up := newUpstream(t)
	up.whole(t)
	u := updater(t, up)
	if _, err := u.Update(ctx, []string{"npm"}, false); err != nil {
		t.Fatal(err)
	}
	const path = "/osv/npm/all.zip"
	next := zipped(t, map[string]string{"GHSA-a": record("npm", "GHSA-a", "left", "1.0.7", 7)})
	damaged := slices.Clone(next)
	damaged[len(damaged)/3] ^= 1
	for name, b := range map[string][]byte{
		"truncated": next[:len(next)-30], "damaged": damaged, "a page": []byte("<html>log in first"), "empty": {},
		"bad record": zipped(t, map[string]string{"GHSA-a": `{"id":"GHSA-a","affected":[{"package":{"ecosystem":"npm","name":"left"},"ranges":[{"type":"SEMVER","events":[{"introduced":7}]}]}]}`}),
		"no records": zipped(t, nil),
	} {
		up.put(path, b)
		up.list("npm", map[string]int{"GHSA-x": 9})
		_, err := u.Update(ctx, []string{"npm"}, false)
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		want(t, fixes(t, u.Dir, "npm", "left"), "GHSA-a 1.0.0")
	}
	up.put(path, next)
	if _, err := u.Update(ctx, []string{"npm"}, false); err != nil {
		t.Fatal(err)
	}
	want(t, fixes(t, u.Dir, "npm", "left"), "GHSA-a 1.0.7")
}

// hijack sends a part of the document and cuts the connection.
func hijack(t *testing.T, w http.ResponseWriter, etag string, b []byte, n int) {
	h, ok := w.(*recorder).ResponseWriter.(http.Hijacker)
	if !ok {
		t.Error("no hijacker")
		return
	}
	c, buf, err := h.Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	fmt.Fprintf(buf, "HTTP/1.1 200 OK\r\nETag: %s\r\nContent-Length: %d\r\n\r\n%s", etag, len(b), b[:n])
	buf.Flush()
	c.Close()
}

func TestCutConnectionsAreResumed(t *testing.T) {
	ctx := context.Background()
	up := newUpstream(t)
	up.whole(t)
	u := updater(t, up)
	const path = "/osv/npm/all.zip"
	b := up.files[path]
	up.bend(func(w http.ResponseWriter, r *http.Request, n int) bool {
		if r.URL.Path != path || n > 2 {
			return false
		}
		if n == 1 {
			hijack(t, w, up.etag[path], b, 100)
			return true
		}
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	if _, err := u.Update(ctx, []string{"npm"}, false); err != nil {
		t.Fatal(err)
	}
	// After the cut and a 503, the partial file was begun anew or taken up; both
	// end with the whole document.
	want(t, fixes(t, u.Dir, "npm", "left"), "GHSA-a 1.0.0")

	// Cut always: the update fails and keeps what came; the next takes it up.
	up.bucket(t, "npm", map[string]string{"GHSA-a": record("npm", "GHSA-a", "left", "3.0.0", 9)}, map[string]int{"GHSA-a": 9})
	delete(up.files, "/osv/npm/GHSA-a.json")
	b = up.files[path]
	up.bend(func(w http.ResponseWriter, r *http.Request, n int) bool {
		if r.URL.Path == path && r.Header.Get("Range") == "" {
			hijack(t, w, up.etag[path], b, len(b)/2)
			return true
		}
		if r.URL.Path == path {
			panic(http.ErrAbortHandler)
		}
		return false
	})
	if _, err := u.Update(ctx, []string{"npm"}, false); err == nil {
		t.Fatal("no error")
	}
	want(t, fixes(t, u.Dir, "npm", "left"), "GHSA-a 1.0.0")
	up.bend(nil)
	up.log()
	if _, err := u.Update(ctx, []string{"npm"}, false); err != nil {
		t.Fatal(err)
	}
	if got := up.log(); !slices.Contains(got, fmt.Sprintf("%s 206 bytes=%d-", path, len(b)/2)) {
		t.Errorf("not resumed: %q", got)
	}
	want(t, fixes(t, u.Dir, "npm", "left"), "GHSA-a 3.0.0")
	if left, err := os.ReadDir(filepath.Join(u.Dir, "partial")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestServerErrors(t *testing.T) {
	ctx := context.Background()
	up := newUpstream(t)
	up.whole(t)
	u := updater(t, up)
	up.bend(func(w http.ResponseWriter, r *http.Request, n int) bool {
		if n < 3 {
			w.WriteHeader([]int{0, 500, 429}[n])
			return true
		}
		return false
	})
	if _, err := u.Update(ctx, []string{"npm"}, false); err != nil {
		t.Fatal(err)
	}
	for status, tries := range map[int]int{500: attempts, 403: 1, 404: 1} {
		v := updater(t, up)
		up.log()
		up.bend(func(w http.ResponseWriter, r *http.Request, n int) bool { w.WriteHeader(status); return true })
		rep, err := v.Update(ctx, []string{"npm"}, false)
		var s *StatusError
		var e *Error
		if !errors.As(err, &s) || s.Status != status || !errors.As(err, &e) || e.Hint() == "" || rep.Sources[0].Err == nil {
			t.Errorf("%d: %v", status, err)
		}
		if got := len(up.log()); got != tries {
			t.Errorf("%d: %d requests, want %d", status, got, tries)
		}
	}
	up.Close()
	_, err := updater(t, up).Update(ctx, []string{"npm"}, false)
	var e *Error
	if !errors.As(err, &e) || !strings.Contains(e.Hint(), "no connection") {
		t.Errorf("no server: %v", err)
	}
}
