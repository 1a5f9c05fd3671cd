package npm

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
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
	r := NewRegistry(plan.HTTP{Base: srv.URL + "/npm", Limit: 4000})
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
	if _, err := NewRegistry(plan.HTTP{Base: srv.URL}).Versions(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestCredentialsAreNotTold(t *testing.T) {
	r := NewRegistry(plan.HTTP{Base: "http://user:hunter2@127.0.0.1:1/"})
	_, err := r.Versions(t.Context(), "buoy")
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}

func TestRegistryOfTheEnvironment(t *testing.T) {
	t.Setenv("npm_config_registry", "https://npm.example.org/root")
	if r := NewRegistry(plan.HTTP{}).(*registry); r.base != "https://npm.example.org/root/" {
		t.Errorf("asks %s", r.base)
	}
}

func FuzzPackument(f *testing.F) {
	f.Add([]byte(`{"versions":{"1.0.0":{"dist":{"tarball":"https://x/y.tgz","integrity":"sha512-a"},"bin":"x","funding":["a"],"os":"linux","deprecated":false}}}`))
	f.Add([]byte(`{"versions":{"1.0.0":{"dist":{"tarball":"https://x/y.tgz","shasum":"zz"}}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := ParsePackument(b)
		if err != nil && all != nil {
			t.Fatal("a value with an error")
		}
		for v, m := range all {
			if !plan.Plausible(v) || m.Integrity == "" || !strings.HasPrefix(m.Tarball, "http") {
				t.Fatalf("%q %+v", v, m)
			}
			s := &Solver{Lock: &Lock{f: &plan.File{}, Entries: map[string]*Entry{}, says: true, layout: plan.JSONLayout{Unit: "  ", Eol: "\n"}}}
			s.plan = map[string]npmPlanned{"node_modules/x": {version: v, m: &m, fresh: true}}
			text := object(s.Lock.layout, s.members("node_modules/x", nil, Flags{}), 1)
			if !json.Valid([]byte(text)) {
				t.Fatalf("no JSON: %s", text)
			}
		}
	})
}
