package recommend

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// TestSBOMsBeforeLayers: what images hold is asked of their SBOMs, all of them,
// before a layer of any is pulled.
func TestSBOMsBeforeLayers(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	inner := ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		mu.Lock()
		asked = append(asked, req.Method+" "+req.URL.Path)
		mu.Unlock()
		inner.ServeHTTP(w, req)
	}))
	t.Cleanup(srv.Close)
	repo := strings.TrimPrefix(srv.URL, "http://") + "/base/node"
	bare := []v1.Image{
		alpine(t, "3.20.3", []string{"openssl 3.3.0-r0", "musl 1.2.5-r0"}),
		alpine(t, "3.20.3", []string{"openssl 3.3.0-r0", "musl 1.2.5-r0", "curl 8.0.0-r0"}),
	}
	push(t, repo+":18", bare[0])
	push(t, repo+":24", bare[1])
	attested := alpine(t, "3.20.3", nil)
	pushAttested(t, repo+":22", attested, "https://spdx.dev/Document", spdx("openssl 3.3.2-r1", "musl 1.2.5-r0"))
	asked = nil
	rec, err := For(context.Background(), online(t), dockerfileOf(t, "FROM "+repo+":18\n"), Wish{})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range rec.Places[0].Advice.Options {
		if !o.Assessed() {
			t.Errorf("%s is not assessed", o.Ref)
		}
	}
	layer := func(img v1.Image) string {
		all, err := img.Layers()
		if err != nil {
			t.Fatal(err)
		}
		d, err := all[0].Digest()
		if err != nil {
			t.Fatal(err)
		}
		return d.String()
	}
	first := func(part string) int {
		return slices.IndexFunc(asked, func(r string) bool { return strings.HasPrefix(r, "GET ") && strings.Contains(r, part) })
	}
	sboms := first("/manifests/22")
	for _, img := range bare {
		if n := first(layer(img)); n < 0 || n < sboms {
			t.Errorf("a layer is request %d, and the SBOM of 22 from %d on: %q", n, sboms, asked)
		}
	}
	if first(layer(attested)) >= 0 {
		t.Errorf("what its SBOM tells is pulled: %q", asked)
	}
}
