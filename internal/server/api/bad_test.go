package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// endless is a document of so many bytes that is made while it is sent.
type endless struct {
	begin, again, end string
	left              int
	rest              string
	ended             bool
}

func (e *endless) Read(b []byte) (int, error) {
	if e.rest == "" {
		switch {
		case e.begin != "":
			e.rest, e.begin = e.begin, ""
		case e.left > 0:
			e.rest = e.again
			e.left -= len(e.again)
		case e.ended:
			return 0, io.EOF
		default:
			e.rest, e.ended = e.end, true
		}
	}
	n := copy(b, e.rest)
	e.rest = e.rest[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// TestAnSBOMOf100MB: documents that are too large are refused in a sentence, whatever is in
// them and however many come at once; nothing of them is kept, and the service answers
// others meanwhile and takes what comes next.
func TestAnSBOMOf100MB(t *testing.T) {
	w := start(t)
	const size = 100 << 20
	begin := `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"first","version":"1.0.0","purl":"pkg:npm/first@1.0.0"}`
	kinds := map[string]*endless{
		"the same component": {begin: begin, again: `,{"type":"library","name":"x","version":"1.0.0","purl":"pkg:npm/x@1.0.0"}`, end: `]}`},
		"one string":         {begin: `{"bomFormat":"CycloneDX","specVersion":"1.6","x":"`, again: strings.Repeat("a", 4096), end: `"}`},
		"depth":              {begin: `{"bomFormat":"CycloneDX","specVersion":"1.6","x":`, again: strings.Repeat("[", 4096), end: ``},
		"space":              {begin: `{"bomFormat":"CycloneDX",`, again: strings.Repeat(" ", 4096), end: `"specVersion":"1.6","components":[]}`},
		"no JSON":            {begin: "x", again: strings.Repeat("\x00", 4096), end: ""},
		"cut off":            {begin: begin, again: `,{"type":"library","name":"` + strings.Repeat("y", 4000) + `"}`, end: ``},
	}
	var all sync.WaitGroup
	for what, doc := range kinds {
		if testing.Short() && what != "one string" && what != "the same component" {
			continue
		}
		doc.left = size
		all.Go(func() {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/api/v1/images?ref=big:1", doc)
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("Authorization", "Bearer "+token)
			req.Header.Set("Expect", "100-continue")
			res, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				return // the service hung up on what it does not read to the end
			}
			defer res.Body.Close()
			b, _ := io.ReadAll(res.Body)
			var said struct{ Error string }
			if res.StatusCode/100 != 4 || json.Unmarshal(b, &said) != nil || said.Error == "" || len(b) > 1000 {
				t.Errorf("%s: %d %.300s", what, res.StatusCode, b)
			}
		})
	}
	for range 5 {
		began := time.Now()
		if a := w.ask("GET", "/readyz", ""); a.status != 200 || time.Since(began) > 10*time.Second {
			t.Errorf("meanwhile: %d after %s", a.status, time.Since(began))
		}
		time.Sleep(20 * time.Millisecond)
	}
	all.Wait()
	if a := w.ask("GET", "/api/v1/images", ""); !strings.Contains(string(a.body), `"total":0`) {
		t.Errorf("something was kept: %s", a.body)
	}
	if a := w.ask("POST", "/api/v1/images?ref=acme/web:1", cdx("acme/web", lodash)); a.status != 202 {
		t.Errorf("afterwards: %d %s", a.status, a.body)
	}
}

// TestADatabaseFileThatIsGone moves SQLite's file away under a service and puts another in
// its place: nothing is said to be kept that would not be, and with the file back the
// service goes on.
func TestADatabaseFileThatIsGone(t *testing.T) {
	w, dir := startIn(t)
	put := func(ref string) answer { return w.ask("POST", "/api/v1/images?ref="+ref, cdx(ref, lodash)) }
	if a := put("acme/first:1"); a.status != 202 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	file := filepath.Join(dir, "drydock.sqlite")
	for what, spoil := range map[string]func() error{
		"it is moved":    func() error { return os.Rename(file, file+".away") },
		"it is replaced": func() error { return os.Rename(file, file+".away") },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if what == "it is replaced" {
			if err := os.WriteFile(file, []byte("another"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		a := put("acme/lost:1")
		if a.status != 503 || !strings.Contains(string(a.body), "put the database back") || a.header.Get("Retry-After") == "" {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
		if a := w.ask("GET", "/readyz", ""); a.status != 503 {
			t.Errorf("%s: readyz %d %s", what, a.status, a.body)
		}
		if a := w.ask("GET", "/metrics", ""); !strings.Contains(string(a.body), "drydock_database_up 0") {
			t.Errorf("%s: %s", what, a.body)
		}
		if a := w.ask("GET", "/api/v1/images", ""); a.status != 200 || !strings.Contains(string(a.body), "acme/first:1") {
			t.Errorf("%s: what is known is not shown: %d %s", what, a.status, a.body)
		}
		if err := os.Rename(file+".away", file); err != nil {
			t.Fatal(err)
		}
		if a := w.ask("GET", "/readyz", ""); a.status != 200 {
			t.Errorf("%s, and is back: %d %s", what, a.status, a.body)
		}
	}
	if a := put("acme/second:1"); a.status != 202 {
		t.Errorf("afterwards: %d %s", a.status, a.body)
	}
	if a := w.ask("GET", "/api/v1/images?q=lost", ""); !strings.Contains(string(a.body), `"total":0`) {
		t.Errorf("%s", a.body)
	}
}
