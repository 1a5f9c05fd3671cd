package upgrade

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"
)

func TestNPMRegistry(t *testing.T) {
	asked := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		switch r.URL.EscapedPath() {
		case "/npm/@quay%2fbuoy":
			if !strings.Contains(r.Header.Get("Accept"), "application/vnd.npm.install-v1+json") {
				t.Error("the whole document is asked for")
			}
			_, _ = w.Write([]byte(`{"versions":{
				"1.0.0":{"dist":{"tarball":"https://x/buoy-1.0.0.tgz","integrity":"sha512-a"},"dependencies":{"a":"1","b":"2"},"optionalDependencies":{"b":"2"}},
				"1.0.1":{"dist":{"tarball":"https://x/buoy-1.0.1.tgz"}},
				"1.0.2":{"dist":{"tarball":"file:///etc/passwd","integrity":"sha512-a"}},
				"1.0.3":{"dist":{"tarball":"https://x/\"y","integrity":"sha512-a"}},
				"1.0.4":{"dist":{"tarball":"https://x/z.tgz","integrity":"sha512-a"},"dependencies":[],"bin":7},
				"x y":{"dist":{"tarball":"https://x/z.tgz","integrity":"sha512-a"}}}}`))
		case "/npm/big":
			_, _ = w.Write([]byte(`{"versions":{"1.0.0":` + strings.Repeat(" ", 4096) + `{}}}`))
		case "/npm/none":
			_, _ = w.Write([]byte(`{"versions":{}}`))
		case "/npm/broken":
			_, _ = w.Write([]byte(`{"versions":`))
		default:
			http.NotFound(w, r)
		}
	}))
	defer srv.Close()
	r := NPM(HTTP{Base: srv.URL + "/npm", Limit: 4000})
	for range 2 {
		all, err := r.Versions(t.Context(), "@quay/buoy")
		if err != nil {
			t.Fatal(err)
		}
		if len(all) != 2 {
			t.Errorf("%d versions are believed, want 1.0.0 and 1.0.4", len(all))
		}
		if m := all["1.0.0"]; len(m.Dependencies) != 1 || len(m.OptionalDependencies) != 1 {
			t.Errorf("what is optional is needed: %+v", m)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	for _, name := range []string{"absent", "big", "none", "broken", "../../etc", "a%2fb", "@x", "", "@a/b/c", "a?b", ".hidden"} {
		if _, err := r.Versions(t.Context(), name); err == nil {
			t.Errorf("%q has versions", name)
		}
	}
	for address, want := range map[string]bool{
		srv.URL + "/npm/buoy/-/buoy-1.0.0.tgz": true, "https://registry.npmjs.org/buoy/-/b.tgz": true,
		"https://npm.example.org/buoy.tgz": false, "git+ssh://git@x/y.git": false, srv.URL + "/npmx/y": false,
	} {
		if got := r.Serves(address); got != want {
			t.Errorf("%s is served: %t", address, got)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := NPM(HTTP{Base: srv.URL}).Versions(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestCredentialsAreNotTold(t *testing.T) {
	r := NPM(HTTP{Base: "http://user:hunter2@127.0.0.1:1/"})
	_, err := r.Versions(t.Context(), "buoy")
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}

func TestRegistryOfTheEnvironment(t *testing.T) {
	t.Setenv("npm_config_registry", "https://npm.example.org/root")
	if r := NPM(HTTP{}).(*npmHTTP); r.base != "https://npm.example.org/root/" {
		t.Errorf("asks %s", r.base)
	}
}

func TestProxyOfTheEnvironment(t *testing.T) {
	for list, want := range map[string]string{
		"https://a,direct": "https://a", "direct": "", "off": "", "http://b|https://c": "http://b", "": "https://proxy.golang.org",
	} {
		t.Setenv("GOPROXY", list)
		t.Setenv("GOSUMDB", "")
		switch g, _ := GoProxy(HTTP{}).(*goProxy); {
		case want == "" && g != nil, want != "" && (g == nil || g.base != want+"/"):
			t.Errorf("GOPROXY=%q asks %+v", list, g)
		}
	}
	t.Setenv("GOPROXY", "https://a")
	t.Setenv("GOSUMDB", "off")
	if GoProxy(HTTP{}) != nil {
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
	proxy := func(key string) *goProxy {
		return &goProxy{base: srv.URL + "/", http: HTTP{Base: srv.URL}, key: key, private: "example.org/private"}
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

func FuzzPackument(f *testing.F) {
	f.Add([]byte(`{"versions":{"1.0.0":{"dist":{"tarball":"https://x/y.tgz","integrity":"sha512-a"},"bin":"x","funding":["a"],"os":"linux","deprecated":false}}}`))
	f.Add([]byte(`{"versions":{"1.0.0":{"dist":{"tarball":"https://x/y.tgz","shasum":"zz"}}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := parsePackument(b)
		if err != nil && all != nil {
			t.Fatal("a value with an error")
		}
		for v, m := range all {
			if !plausible(v) || m.Integrity == "" || !strings.HasPrefix(m.Tarball, "http") {
				t.Fatalf("%q %+v", v, m)
			}
			s := &npmSolve{lock: &npmLock{f: &file{}, entries: map[string]*npmEntry{}, says: true, layout: jsonLayout{"  ", "\n"}}}
			s.plan = map[string]npmPlanned{"node_modules/x": {version: v, m: &m, fresh: true}}
			text := s.lock.layout.object(s.members("node_modules/x", nil, npmFlags{}), 1)
			if !json.Valid([]byte(text)) {
				t.Fatalf("no JSON: %s", text)
			}
		}
	})
}
