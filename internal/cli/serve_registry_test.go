package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/drydock-dev/drydock/internal/cli"
)

// TestServeHearsARegistry: what is pushed to a real registry is told by it to the
// service, pulled by its digest, and shown, once; what somebody else tells is not.
func TestServeHearsARegistry(t *testing.T) {
	home := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0") // the service's, which the registry is told before it is there
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	token := "a-token-that-both-know-0123456789"
	dir := filepath.Join(home, ".local/share/drydock/server")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	host := registryServer(t, false, fmt.Sprintf(`notifications:
  endpoints:
    - name: drydock
      url: http://%s/api/v1/registry/events?env=prod
      headers: {Authorization: [Bearer %s]}
      timeout: 5s
      threshold: 3
      backoff: 1s
`, at, token))
	address := "http://" + at
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() {
		env := cli.Env{Stdout: io.Discard, Stderr: io.Discard, Now: time.Now, Getenv: func(k string) string {
			return map[string]string{"HOME": home, "DOCKER_HOST": "unix:///nonexistent.sock"}[k]
		}}
		ended <- cli.Main(ctx, env, "drydock", "serve", "--listen", at, "--registry", host)
	}()
	defer func() {
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("serve ended with %d", code)
		}
	}()
	ask := func(path string) []byte {
		res, err := http.Get(address + path)
		if err != nil {
			return nil // not yet
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for range 500 {
		if ask("/healthz") != nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	img := imageOf(t, "amd64", tarFiles(t, map[string]string{"app/node_modules/lodash/package.json": `{"name":"lodash","version":"4.17.20"}`}))
	shows := watching(t, address+"/images")
	for _, tag := range []string{"1", "1", "2"} {
		ref, err := name.ParseReference(host + "/acme/web:" + tag)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(ref, img); err != nil {
			t.Fatal(err)
		}
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Items []struct {
			ID, Ref, Digest, Env string
			Packages             int
			Judged               bool
		}
	}
	for range 1500 {
		if err := json.Unmarshal(ask("/api/v1/images"), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Items) == 2 && got.Items[0].Judged && got.Items[1].Judged {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if len(got.Items) != 2 {
		t.Fatalf("%+v\n%s", got, ask("/api/v1/pulls"))
	}
	shows("2 images")
	for _, i := range got.Items {
		if !strings.HasPrefix(i.Ref, host+"/acme/web:") || i.Digest != digest.String() || i.Env != "prod" || i.Packages != 1 {
			t.Errorf("%+v", i)
		}
		if b := string(ask("/images/" + i.ID)); !strings.Contains(b, "CVE-") || strings.Contains(b, "does not say which layer") {
			t.Errorf("the page of %s has no vulnerability or no layer", i.Ref)
		}
	}
}

// watching opens a page in Chromium, and returns how to wait until its own count of rows
// says something: nobody loads it again.
func watching(t *testing.T, address string) (shows func(count string)) {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil || testing.Short() {
		return func(string) {} // the page in a browser is the web's tests' to miss
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	live := chromedp.Poll[bool](`document.querySelector("#dot").className === "dot"`, chromedp.WithPollingTimeout(20*time.Second))
	if _, err := chromedp.Run(ctx, chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Run(ctx, live); err != nil {
		t.Fatal(err)
	}
	return func(count string) {
		t.Helper()
		says := fmt.Sprintf(`document.querySelector("#count").textContent.includes(%q) && !document.querySelector("#new").hidden`, count)
		if _, err := chromedp.Run(ctx, chromedp.Poll[bool](says, chromedp.WithPollingTimeout(20*time.Second))); err != nil {
			t.Errorf("the open page never says %q: %v", count, err)
		}
	}
}
