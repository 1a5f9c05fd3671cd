package gomod

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"
)

func TestProxyOfTheEnvironment(t *testing.T) {
	for list, want := range map[string]string{
		"https://a,direct": "https://a", "direct": "", "off": "", "http://b|https://c": "http://b", "": "https://proxy.golang.org",
	} {
		t.Setenv("GOPROXY", list)
		t.Setenv("GOSUMDB", "")
		switch g, _ := NewProxy(plan.HTTP{}).(*proxy); {
		case want == "" && g != nil, want != "" && (g == nil || g.base != want+"/"):
			t.Errorf("GOPROXY=%q asks %+v", list, g)
		}
	}
	t.Setenv("GOPROXY", "https://a")
	t.Setenv("GOSUMDB", "off")
	if NewProxy(plan.HTTP{}) != nil {
		t.Error("hashes are vouched for without a checksum database")
	}
}

// TestGoProxyBelievesTheDatabaseOnly lets a proxy serve a go.mod that the
// checksum database does not vouch for, and a database sign with another key.
func TestGoProxyBelievesTheDatabaseOnly(t *testing.T) {
	signing, verifying, err := note.GenerateKey(rand.Reader, sumServer)
	if err != nil {
		t.Fatal(err)
	}
	const body = "module example.org/buoy\n"
	database := sumdb.NewServer(sumdb.NewTestServer(signing, func(path, vers string) ([]byte, error) {
		if path == "example.org/absent" {
			return nil, errors.New("no such module")
		}
		return []byte(path + " " + vers + " h1:zip=\n" + path + " " + vers + "/go.mod " + goModHash([]byte(body)) + "\n"), nil
	}))
	served := body
	mux := http.NewServeMux()
	mux.Handle("/sumdb/"+sumServer+"/", http.StripPrefix("/sumdb/"+sumServer, database))
	mux.HandleFunc("/example.org/!buoy/@v/", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(served)) })
	mux.HandleFunc("/example.org/buoy/@v/", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(served)) })
	srv := httptest.NewServer(mux)
	defer srv.Close()
	proxy := func(key string) *proxy {
		return &proxy{base: srv.URL + "/", http: plan.HTTP{Base: srv.URL}, key: key, private: "example.org/private"}
	}
	g := proxy(verifying)
	for _, path := range []string{"example.org/buoy", "example.org/Buoy"} {
		s, err := g.Sums(t.Context(), path, "v1.4.1")
		if err != nil || s.Zip != "h1:zip=" || s.Mod != goModHash([]byte(body)) || string(s.GoMod) != body {
			t.Errorf("%s: %+v, %v", path, s, err)
		}
	}
	for _, path := range []string{"example.org/absent", "example.org/private/x", "../etc", "example.org/no\npath"} {
		if s, err := g.Sums(t.Context(), path, "v1.0.0"); err == nil {
			t.Errorf("%s: %+v", path, s)
		}
	}
	served = "module example.org/evil\n"
	if s, err := g.Sums(t.Context(), "example.org/buoy", "v1.4.2"); err == nil || s.Zip != "" {
		t.Errorf("another go.mod than the database's is taken: %+v", s)
	}
	served = body
	_, other, err := note.GenerateKey(rand.Reader, sumServer)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := proxy(other).Sums(t.Context(), "example.org/buoy", "v1.4.1"); err == nil {
		t.Errorf("another key's signature is taken: %+v", s)
	}
}
