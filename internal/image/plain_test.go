package image

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestPlainHTTP: a registry is asked over plain HTTP only on this machine or
// where the user said so, whatever its address.
func TestPlainHTTP(t *testing.T) {
	opt := Options{InsecureRegistries: []string{"10.0.0.9:5000"}}
	for host, want := range map[string]bool{
		"localhost":              true,
		"localhost:5000":         true,
		"registry.localhost":     true,
		"127.0.0.1:5000":         true,
		"127.8.0.1":              true,
		"[::1]:5000":             true,
		"10.0.0.9:5000":          true,
		"10.0.0.9":               false, // another port
		"10.0.0.8:5000":          false,
		"172.16.3.4":             false,
		"192.168.1.2:5000":       false,
		"[fd00::1]:5000":         false,
		"registry.local:5000":    false,
		"localhost.example.com":  false,
		"127.0.0.1.example.com":  false,
		"registry.example.com":   false,
		"index.docker.io":        false,
		"[::ffff:10.0.0.1]:5000": false,
	} {
		if got := mayPlain(host, opt); got != want {
			t.Errorf("%s: %v, want %v", host, got, want)
		}
		repo, err := name.NewRegistry(host)
		if err != nil {
			t.Fatal(err)
		}
		if got := scheme(repo, opt); got == "http" && !want {
			t.Errorf("%s is asked by %s", host, got)
		}
		var asked []string
		broken := errors.New("tls: handshake failure")
		rt := &guarded{host: host, plain: mayPlain(host, opt), inner: roundTrip(func(r *http.Request) (*http.Response, error) {
			asked = append(asked, r.URL.Scheme)
			return nil, broken
		})}
		_, err = transport.NewWithContext(context.Background(), repo, authn.Anonymous, rt, nil)
		if !errors.Is(err, broken) {
			t.Errorf("%s: %v", host, err)
		}
		if got := strings.Contains(strings.Join(asked, " ")+" ", "http "); got && !want {
			t.Errorf("%s was asked by %q", host, asked)
		}
	}
}

// TestCredentialsStayOffPlainHTTP, wherever a registry sends its client.
func TestCredentialsStayOffPlainHTTP(t *testing.T) {
	sent := 0
	rt := &guarded{host: "registry.example.com", inner: roundTrip(func(*http.Request) (*http.Response, error) {
		sent++
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
	})}
	ask := func(url, auth string) error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if auth != "" {
			req.Header.Set("Authorization", auth)
		}
		resp, err := rt.RoundTrip(req)
		if err == nil {
			err = resp.Body.Close()
		}
		return err
	}
	if ask("http://auth.example.com/token", "Basic eA==") == nil || ask("http://registry.example.com/v2/", "") == nil || sent != 0 {
		t.Error("it was asked over plain HTTP")
	}
	if err := errors.Join(ask("https://auth.example.com/token", "Basic eA=="), ask("http://blobs.example.com/x", "")); err != nil || sent != 2 {
		t.Error(err)
	}
}
