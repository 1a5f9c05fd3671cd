package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// called is an HTTP request with the token of a service in a home folder.
func called(t *testing.T, home, method, address, body string, want int) string {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(home, ".local/share/drydock/server/token"))
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != want {
		t.Fatalf("%s %s: %d %s %v", method, address, res.StatusCode, b, err)
	}
	return string(b)
}

// TestServeTellsWebhooks: an advisory that changes reaches a chat, and the address of
// the chat reaches nobody.
func TestServeTellsWebhooks(t *testing.T) {
	home := t.TempDir()
	got := make(chan string, 9)
	chat := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- string(b)
	}))
	defer chat.Close()
	address := serving(t, home, "--webhook-host", strings.TrimPrefix(chat.URL, "http://"))
	called(t, home, "POST", address+"/api/v1/webhooks", fmt.Sprintf(`{"url":"%s/T0/path-secret","format":"slack"}`, chat.URL), 201)
	doc := filepath.Join(t.TempDir(), "app.cdx.json")
	text := `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"nobody-has-this","version":"1.0.0","purl":"pkg:npm/nobody-has-this@1.0.0"}]}`
	if err := os.WriteFile(doc, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := verb(context.Background(), home, &out, &errs, "sbom", "--push", address, "--push-name", "acme/web:1", "sbom://"+doc); code != 0 {
		t.Fatalf("%d %s", code, errs.String())
	}
	for range 500 { // what comes with an image is nobody's news
		if strings.Contains(string(fetch(t, address+"/api/v1/images")), `"judged":true`) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	called(t, home, "POST", address+"/api/v1/advisories", `{"id":"GHSA-aaaa-bbbb-cccc","modified":"2026-11-01T00:00:00Z","aliases":["CVE-2026-0001"],"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"affected":[{"package":{"ecosystem":"npm","name":"nobody-has-this"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"2.0.0"}]}]}]}`, 202)
	select {
	case m := <-got:
		if !strings.Contains(m, "CVE-2026-0001 (critical) in 1 image: nobody-has-this fixed in 2.0.0") {
			t.Errorf("%s", m)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came: " + called(t, home, "GET", address+"/api/v1/messages", "", 200))
	}
	for _, page := range []string{"/webhooks", "/events", "/api/v1/webhooks", "/api/v1/messages", "/metrics"} {
		if b := string(fetch(t, address+page)); strings.Contains(b, "path-secret") || strings.Contains(b, "whsec_") {
			t.Errorf("%s shows a secret", page)
		}
	}
	if b := string(fetch(t, address+"/webhooks")); !strings.Contains(b, "127.0.0.1") {
		t.Errorf("%s", b)
	}
}
