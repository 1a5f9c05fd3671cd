package store_test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

// kinds are the registries that attacks are mounted against, and crowds of writers
// let loose on: Docker's own, which has no referrers API, and one that has. Each
// call of what it gives is a client of its own.
func kinds(t *testing.T) map[string]func(t *testing.T) func() store.Remote {
	return map[string]func(t *testing.T) func() store.Remote{
		"docker-registry": func(t *testing.T) func() store.Remote { return client(t, dockerRegistry(t)) },
		"with referrers": func(t *testing.T) func() store.Remote {
			s := httptest.NewServer(registry.New(registry.WithReferrersSupport(true), registry.Logger(log.New(io.Discard, "", 0))))
			t.Cleanup(s.Close)
			return client(t, strings.TrimPrefix(s.URL, "http://"))
		},
	}
}

func client(t *testing.T, host string) func() store.Remote {
	return func() store.Remote {
		m, err := image.Connect(t.Context(), host+"/me/app", true, image.Options{Getenv: func(string) string { return "" }})
		must(t, err)
		t.Cleanup(m.Close)
		return m
	}
}

// dockerRegistry runs Debian's docker-registry until the test ends.
func dockerRegistry(t *testing.T) string {
	t.Helper()
	server, err := exec.LookPath("docker-registry")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("no docker-registry (Debian's package of that name)")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	host := l.Addr().String()
	must(t, l.Close())
	dir := t.TempDir()
	config := fmt.Sprintf("version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %s}, delete: {enabled: true}}\nhttp: {addr: %s}\n", dir, host)
	must(t, os.WriteFile(filepath.Join(dir, "config.yml"), []byte(config), 0o600))
	var out bytes.Buffer
	cmd := exec.Command(server, "serve", filepath.Join(dir, "config.yml"))
	cmd.Stdout, cmd.Stderr = &out, &out
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // its folder goes with the test
		_ = cmd.Wait()
	})
	for range 100 {
		resp, err := http.Get("http://" + host + "/v2/")
		if err == nil {
			_ = resp.Body.Close()
			return host
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("docker-registry does not answer at %s", host)
	return ""
}
