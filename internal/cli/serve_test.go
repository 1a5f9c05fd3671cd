package cli

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// lockedBuffer is read while a verb writes to it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// verb runs a command line in a home folder.
func verb(ctx context.Context, home string, out, errs io.Writer, args ...string) int {
	return Main(ctx, Env{Stdout: out, Stderr: errs, Now: time.Now, Getenv: func(k string) string {
		return map[string]string{"HOME": home, "DOCKER_HOST": "unix:///nonexistent.sock"}[k]
	}}, append([]string{"drydock"}, args...)...)
}

// serving runs a service in a home folder until the test ends, and tells where.
func serving(t *testing.T, home string, args ...string) string {
	t.Helper()
	var out, errs lockedBuffer
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() {
		ended <- verb(ctx, home, &out, &errs, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("serve ended with %d: %s", code, errs.String())
		}
	})
	at := regexp.MustCompile(`serving at (\S+)`)
	for range 500 {
		if m := at.FindStringSubmatch(out.String()); m != nil {
			return m[1]
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("serve does not answer: %s%s", out.String(), errs.String())
	return ""
}

func TestServePushAndWatch(t *testing.T) {
	home := t.TempDir()
	address := serving(t, home)
	if info, err := os.Stat(filepath.Join(home, ".local/share/drydock/server/token")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("token: %v %v", info, err)
	}
	run := func(want int, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if code := verb(ctx, home, &out, &errs, args...); code != want {
			t.Errorf("%q: %d, want %d\n%s%s", args, code, want, out.String(), errs.String())
		}
		return out.String() + errs.String()
	}
	doc := filepath.Join(t.TempDir(), "app.cdx.json")
	text := `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"lodash","version":"4.17.20","purl":"pkg:npm/lodash@4.17.20"}]}`
	if err := os.WriteFile(doc, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	said := run(0, "sbom", "--push", address, "--push-name", "acme/web:1", "--push-env", "prod", "sbom://"+doc)
	if again := run(0, "sbom", "--push", address, "--push-name", "acme/web:1", "--push-env", "prod", "sbom://"+doc); again != said || !strings.Contains(said, "acme/web:1 is at "+address+"/images/") {
		t.Errorf("%q and then %q", said, again)
	}
	// A scan of the same document finds what the service does.
	var scan struct {
		Findings []struct{ ID, Severity, FixedIn string }
	}
	if err := json.Unmarshal([]byte(run(0, "cves", "--format", "json", "-q", "sbom://"+doc)), &scan); err != nil || len(scan.Findings) == 0 {
		t.Fatalf("%v %+v", err, scan)
	}
	id := regexp.MustCompile(`/images/([0-9a-f]{32})`).FindStringSubmatch(said)[1]
	var served struct {
		Items []struct{ ID, Severity, FixedIn string }
		Total int
	}
	for range 300 {
		b := fetch(t, address+"/api/v1/images/"+id+"/findings")
		if err := json.Unmarshal(b, &served); err != nil {
			t.Fatal(err)
		}
		if served.Total == len(scan.Findings) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	want := map[string]string{}
	for _, f := range scan.Findings {
		want[f.ID] = f.Severity + " " + f.FixedIn
	}
	for _, f := range served.Items {
		if want[f.ID] != f.Severity+" "+f.FixedIn {
			t.Errorf("%s: %s %s served, %s scanned", f.ID, f.Severity, f.FixedIn, want[f.ID])
		}
		delete(want, f.ID)
	}
	if len(want) > 0 {
		t.Errorf("not served: %v", want)
	}
	// What --server answers is what a scan of the same document says.
	finds := func(args ...string) string {
		t.Helper()
		var out struct {
			Findings []map[string]any
			Summary  map[string]int
		}
		if err := json.Unmarshal([]byte(run(0, append(args, "--format", "json", "-q")...)), &out); err != nil {
			t.Fatal(err)
		}
		for _, f := range out.Findings {
			delete(f, "fingerprint") // of the subject: a document here, an image there
			delete(f, "at")
		}
		b, err := json.MarshalIndent(out, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if d := cmp.Diff(finds("cves", "sbom://"+doc), finds("cves", "--server", address, "acme/web:1")); d != "" {
		t.Errorf("cves (-scan +server):\n%s", d)
	}
	if d := cmp.Diff(finds("cves", "--severity", "critical", "sbom://"+doc), finds("cves", "--server", address, "--severity", "critical", "image://acme/web:1")); d != "" {
		t.Errorf("cves --severity (-scan +server):\n%s", d)
	}
	if out := run(0, "quickview", "--server", address, "acme/web:1"); !strings.Contains(out, "acme/web:1") {
		t.Errorf("%s", out)
	}
	if out := run(2, "cves", "--server", address, "--fail-on", "severity:low", "-q", "acme/web:1"); !strings.Contains(out, "lodash") {
		t.Errorf("%s", out)
	}
	if out := run(1, "cves", "--server", address, "acme/none:1"); !strings.Contains(out, "no image is called acme/none:1") || !strings.Contains(out, "hint: drydock sbom --push") {
		t.Errorf("%s", out)
	}
	if out := run(1, "recommend", "--server", address, "acme/web:1"); !strings.Contains(out, "was not told what acme/web:1 stands on") {
		t.Errorf("%s", out)
	}
	run(0, "sbom", "--push", address, "--push-name", "acme/web:2", "--push-base", "nginx:1.20", "sbom://"+doc)
	if out := run(0, "recommend", "--as-of", "2024-03-31", "--server", address, "acme/web:2"); !strings.Contains(out, "nginx:1.20") {
		t.Errorf("%s", out)
	}
	newer := filepath.Join(t.TempDir(), "new.cdx.json")
	if err := os.WriteFile(newer, []byte(strings.ReplaceAll(text, "4.17.20", "4.17.21")), 0o600); err != nil {
		t.Fatal(err)
	}
	// check sends what it looks at, and reports what the service finds in it.
	if out := run(0, "check", "--server", address, "-q", "sbom://"+newer); !strings.Contains(out, "lodash") && !strings.Contains(out, "ulnerabilit") {
		t.Errorf("%s", out)
	}
	if b := fetch(t, address+"/api/v1/images"); !strings.Contains(string(b), "new.cdx.json") {
		t.Errorf("check did not send it: %s", b)
	}
	if out := run(0, "compare", "--server", address, "-q", "acme/web:1", newer); !strings.Contains(out, "lodash") {
		t.Errorf("%s", out)
	}
	if out := run(1, "check", "--server", address, "-q", t.TempDir()); !strings.Contains(out, "error: ") {
		t.Errorf("%s", out)
	}
	events := run(0, "watch", "--server", address, "--after", "0", "--once", "-q")
	if !strings.Contains(events, "image.added "+id) || !strings.Contains(events, "image.judged "+id) {
		t.Errorf("%q", events)
	}
	if out := run(0, "watch", "--server", address, "--after", "0", "--once", "-q", "--format", "json"); !strings.Contains(out, `"kind":"image.added"`) {
		t.Errorf("%q", out)
	}
	if out := run(1, "sbom", "--push", "http://watch.example", "sbom://"+doc); !strings.Contains(out, "not encrypted") {
		t.Errorf("%q", out)
	}
	if err := os.WriteFile(filepath.Join(home, ".local/share/drydock/server/token"), []byte("another-token-that-is-wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := run(1, "sbom", "--push", address, "sbom://"+doc); !strings.Contains(out, "needs the token") || !strings.Contains(out, "hint: ") {
		t.Errorf("%q", out)
	}
}

func fetch(t *testing.T, address string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestServeBackup: a backup is taken while images come in, and is what there was at
// one moment; it goes into an empty folder only, and only if it is whole.
func TestServeBackup(t *testing.T) {
	home := t.TempDir()
	address := serving(t, home)
	dir := t.TempDir()
	run := func(want int, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if code := verb(t.Context(), home, &out, &errs, args...); code != want {
			t.Errorf("%q: %d, want %d\n%s%s", args, code, want, out.String(), errs.String())
		}
		return out.String() + errs.String()
	}
	doc := filepath.Join(dir, "app.cdx.json")
	if err := os.WriteFile(doc, []byte(`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"lodash","version":"4.17.20","purl":"pkg:npm/lodash@4.17.20"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	run(0, "sbom", "--push", address, "--push-name", "acme/first:1", "sbom://"+doc)
	ctx, stop := context.WithCancel(t.Context())
	var more sync.WaitGroup
	more.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			run(0, "sbom", "--push", address, "--push-name", fmt.Sprintf("acme/more:%d", i), "sbom://"+doc)
		}
	})
	file := filepath.Join(dir, "backup")
	for range 3 {
		run(0, "serve", "backup", file)
	}
	stop()
	more.Wait()
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if left, _ := filepath.Glob(filepath.Join(home, ".local/share/drydock/server/backup-*")); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	if out := run(1, "serve", "restore", file); !strings.Contains(out, "has a state already") || !strings.Contains(out, "hint: ") {
		t.Errorf("%s", out)
	}
	data := filepath.Join(dir, "data")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := sql.Open("sqlite", filepath.Join(dir, "foreign"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = foreign.ExecContext(t.Context(), "CREATE TABLE images (id TEXT)")
	if err := errors.Join(err, foreign.Close()); err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(filepath.Join(dir, "foreign"))
	if err != nil {
		t.Fatal(err)
	}
	for what, b := range map[string][]byte{"empty": nil, "another program's": other, "half": whole[:len(whole)/2], "text": []byte("no database at all, but long enough to look like one"), "spoilt": append(append(slices.Clone(whole[:len(whole)/2]), make([]byte, 8192)...), whole[len(whole)/2+8192:]...)} {
		bad := filepath.Join(dir, what)
		if err := os.WriteFile(bad, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if out := run(1, "serve", "restore", "--data", data, bad); !strings.Contains(out, "error: ") {
			t.Errorf("%s: %s", what, out)
		}
		if left, _ := os.ReadDir(data); len(left) > 0 {
			t.Errorf("%s: left %v", what, left)
		}
	}
	run(0, "serve", "restore", "--data", data, file)
	again := serving(t, t.TempDir(), "--data", data)
	if b := fetch(t, again+"/api/v1/images?q=first"); !strings.Contains(string(b), `"ref":"acme/first:1"`) {
		t.Errorf("%s", b)
	}
}

func TestServeRefusesWhatIsNotSafe(t *testing.T) {
	home := t.TempDir()
	for line, want := range map[string]string{
		"serve --listen 0.0.0.0:0":                          "nothing would be encrypted",
		"serve --listen :8480":                              "nothing would be encrypted",
		"serve --listen here":                               "no address with a port",
		"serve --role worker":                               "SQLite is one process's",
		"serve --role boss":                                 "no such role",
		"serve --tls-cert x":                                "go together",
		"serve --offline --feeds https://mirror.example":    "needs the network",
		"serve --db nonsense://x --listen 127.0.0.1:0":      "not one of PostgreSQL",
		"serve --nats http://nats.example":                  "not one of NATS",
		"serve --nats nats://127.0.0.1:1,nowhere":           "not one of NATS",
		"serve --db postgres://127.0.0.1:1/x --role worker": "open the database",
		"simulate --workers 2":                              "more than one on SQLite",
		"simulate --workers 0":                              "not from 1 to 64",
		"watch --server watch.example":                      "no address",
		"watch --server http://watch.example":               "not encrypted",
	} {
		var out, errs bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		if code := verb(ctx, home, &out, &errs, strings.Fields(line)...); code != 1 || !strings.Contains(errs.String(), want) || !strings.HasPrefix(errs.String(), "error: ") {
			t.Errorf("%s: %d %q, want %q", line, code, errs.String(), want)
		}
		cancel()
	}
}

// TestServeWithoutItsNATS: a service whose stream is not there says so, without the
// password of its address, and does everything by its database.
func TestServeWithoutItsNATS(t *testing.T) {
	home := t.TempDir()
	address := serving(t, home, "--nats", "nats://drydock:very-secret@127.0.0.1:1")
	doc := filepath.Join(home, "app.cdx.json")
	text := `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"x","version":"1.0.0","purl":"pkg:npm/x@1.0.0"}]}`
	if err := os.WriteFile(doc, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := verb(t.Context(), home, &out, &errs, "sbom", "--push", address, "--push-name", "acme/web:1", "sbom://"+doc); code != 0 {
		t.Fatalf("%d %s", code, errs.String())
	}
	for end := time.Now().Add(20 * time.Second); !strings.Contains(string(fetch(t, address+"/api/v1/images")), `"judged":true`); {
		if time.Now().After(end) {
			t.Fatal("the image is not matched without NATS")
		}
		time.Sleep(20 * time.Millisecond)
	}
	for path, want := range map[string]string{
		"/readyz": `"status":"degraded"`, "/metrics": "drydock_stream_up 0", "/events": "The stream of NATS is away.", "/healthz": "ok",
	} {
		b := string(fetch(t, address+path))
		if !strings.Contains(b, want) || strings.Contains(b, "very-secret") {
			t.Errorf("%s: %s", path, b)
		}
	}
}
