package api_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/server/api"
)

// payloads are what a stranger puts into names.
func payloads() []string {
	return []string{
		`=cmd|'/c calc'!A0`, `+1+1`, `-1`, `@SUM(A1)`, "\tx", `<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'); DROP TABLE images;--`,
		"a\u202eb", `{{.}}`, `${jndi:ldap://x}`, strings.Repeat("a", 300),
	}
}

func TestHostileStrings(t *testing.T) {
	w := start(t)
	for i, p := range payloads() {
		body, err := json.Marshal(map[string]any{
			"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []any{map[string]any{"type": "library", "name": p, "version": p, "purl": "pkg:npm/lodash@4.17.20"}},
			"metadata": map[string]any{"component": map[string]any{"type": "container", "name": p}},
		})
		if err != nil {
			t.Fatal(err)
		}
		q := "ref=" + strings.NewReplacer("%", "%25", "&", "%26", "+", "%2B", "#", "%23", " ", "%20", "\t", "%09", ";", "%3B").Replace(p)
		if a := w.ask("POST", "/api/v1/images?"+q, string(body)); a.status != 202 && !strings.Contains(p, "\t") {
			t.Errorf("%d %q: %d %s", i, p, a.status, a.body)
		}
		ex, err := json.Marshal(map[string]string{"vulnerability": "CVE-2026-0001", "state": "accepted", "reason": p})
		if err != nil {
			t.Fatal(err)
		}
		w.ask("POST", "/api/v1/exceptions", string(ex))
	}
	w.settle()
	for _, list := range []string{"images", "exceptions", "packages"} {
		a := w.ask("GET", "/api/v1/"+list+"?format=csv", "")
		rows, err := csv.NewReader(bytes.NewReader(a.body)).ReadAll()
		if err != nil || len(rows) < 2 {
			t.Fatalf("%s: %v\n%s", list, err, a.body)
		}
		for _, row := range rows {
			for _, c := range row {
				if c != "" && strings.ContainsRune("=+-@\t\r", rune(c[0])) {
					t.Errorf("%s: a cell begins like a formula: %q", list, c)
				}
			}
		}
	}
	a := w.ask("GET", "/api/v1/images?limit=1000", "")
	if bytes.Contains(a.body, []byte("<script")) || !json.Valid(a.body) {
		t.Errorf("%s", a.body)
	}
	if a.header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(a.header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%v", a.header)
	}
	// What is refused is logged on one line.
	w.ask("GET", "/api/v1/images", "", "Host", "evil\u2028.example")
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, line := range strings.Split(strings.TrimSpace(w.log.String()), "\n") {
		if !strings.HasPrefix(line, "time=") {
			t.Errorf("a line of a stranger's: %q", line)
		}
	}
}

func TestPagesOfAList(t *testing.T) {
	w := start(t)
	for i := range 25 {
		w.ask("POST", fmt.Sprintf("/api/v1/images?ref=app:%02d", i), cdx("a", lodash, fmt.Sprintf("pkg:npm/own-%d@1.0.0", i)))
	}
	w.settle()
	var seen []string
	next := ""
	for range 10 {
		a := w.ask("GET", "/api/v1/images?sort=ref&limit=10&cursor="+next, "")
		var l struct {
			Items []struct{ Ref string }
			Next  string
			Total int
		}
		if err := json.Unmarshal(a.body, &l); err != nil || l.Total != 25 {
			t.Fatalf("%v %s", err, a.body)
		}
		for _, i := range l.Items {
			seen = append(seen, i.Ref)
		}
		if len(seen) == 10 { // what comes before the cursor moves nothing
			w.ask("POST", "/api/v1/images?ref=aaa", cdx("a", lodash))
			w.settle()
			if a := w.ask("GET", "/api/v1/images?sort=ref&limit=10&cursor="+l.Next, ""); !strings.Contains(string(a.body), `"app:10"`) {
				t.Errorf("%s", a.body)
			}
			break
		}
		if next = l.Next; next == "" {
			break
		}
	}
	if !slices.IsSorted(seen) {
		t.Errorf("%q", seen)
	}
}

// TestSocket: by a Unix socket it does not matter how the service is called; a change
// needs the token all the same.
func TestSocket(t *testing.T) {
	w := start(t)
	h := w.api.Handler(nil)
	for _, c := range []struct {
		method, token string
		socket        bool
		want          int
	}{
		{"GET", "", true, 200}, {"GET", "", false, 421}, {"DELETE", "", true, 401}, {"DELETE", "Bearer wrong", true, 401}, {"DELETE", "Bearer " + token, true, 404},
	} {
		r := httptest.NewRequest(c.method, "http://docker-desktop/api/v1/exceptions", nil)
		if c.method == "DELETE" {
			r = httptest.NewRequest(c.method, "http://docker-desktop/api/v1/exceptions/none", nil)
		}
		r.Header.Set("Origin", "http://evil.example")
		r.Header.Set("Authorization", c.token)
		if c.socket {
			r = r.WithContext(api.OverSocket(r.Context()))
		}
		out := httptest.NewRecorder()
		h.ServeHTTP(out, r)
		if out.Code != c.want {
			t.Errorf("%+v: %d %s", c, out.Code, out.Body)
		}
	}
}
