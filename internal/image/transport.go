package image

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/drydock-dev/drydock/internal/egress"
)

const (
	maxToken = 64 << 10 // bytes of an answer with a token
	maxPing  = 64 << 10 // bytes of an answer to "are you a registry"
)

// outgoing is how one registry is spoken to. Only of one that the user called
// insecure is a certificate not checked.
func outgoing(host string, opt Options) *egress.Transport {
	own := insecure(host, opt)
	limits := opt.Limits
	limits.Pause = cmp.Or(limits.Pause, opt.Backoff)
	o := egress.Options{
		Origin: host, Own: own, Plain: own, Raw: true, Offline: opt.Offline, Limits: limits, Dial: opt.Dial, Log: opt.Log,
		Trust: func(h string) bool { return insecure(h, opt) },
	}
	if opt.Notice != nil {
		o.Notice = func(string) { opt.Notice(shortRegistry(host)) }
	}
	return egress.New(o)
}

// shortRegistry is a registry as users write it.
func shortRegistry(host string) string {
	if host == name.DefaultRegistry {
		return "docker.io"
	}
	return host
}

// handshake tells the requests that the library makes of its own accord, to log in,
// from those for something of the repository, and holds their answers to the
// limits of what they should be.
type handshake struct {
	inner http.RoundTripper
	repo  name.Repository
}

// RoundTrip implements [http.RoundTripper].
func (h *handshake) RoundTrip(req *http.Request) (*http.Response, error) {
	switch first := firstOf(req); {
	case first.URL.Host == h.repo.RegistryStr() && strings.HasPrefix(first.URL.Path, "/v2/"+h.repo.RepositoryStr()+"/"):
		return h.inner.RoundTrip(req)
	case first.URL.Host == h.repo.RegistryStr() && first.URL.Path == "/v2/":
		return h.inner.RoundTrip(req.WithContext(egress.With(req.Context(), egress.Ask{What: "its version of the protocol", Max: maxPing})))
	}
	resp, err := h.inner.RoundTrip(req.WithContext(egress.With(req.Context(), egress.Ask{What: "a token for " + h.repo.RepositoryStr(), Max: maxToken})))
	if err != nil || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	return token(resp)
}

// token checks an answer before the library does, which would put the answer
// into its error.
func token(resp *http.Response) (*http.Response, error) {
	b, err := io.ReadAll(resp.Body)
	if cerr := resp.Body.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, err
	}
	var t struct {
		Token       string `json:"token"`
		AccessToken string `json:"access_token"`
	}
	if json.Unmarshal(b, &t) != nil || t.Token == "" && t.AccessToken == "" {
		return nil, fmt.Errorf("%s answers without a token", resp.Request.URL.Host)
	}
	resp.Body = io.NopCloser(bytes.NewReader(b))
	return resp, nil
}

// firstOf is the request that a chain of redirects began with.
func firstOf(req *http.Request) *http.Request {
	for range 100 {
		if req.Response == nil || req.Response.Request == nil {
			break
		}
		req = req.Response.Request
	}
	return req
}

func adviceOnNetwork(err error, host string) string {
	var dns *net.DNSError
	var unknown x509.UnknownAuthorityError
	var ne net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return ""
	case errors.As(err, &dns):
		return "check the registry's name and the network; a proxy is taken from HTTPS_PROXY"
	case errors.As(err, &unknown):
		return "add its certificate authority to the system's, name it in SSL_CERT_FILE, or say --insecure-registry " + host
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "say --insecure-registry " + host
	case errors.As(err, &ne) && ne.Timeout():
		return "check the network and the proxy settings (HTTPS_PROXY, NO_PROXY)"
	case errors.As(err, new(*net.OpError)):
		return "check that a registry answers at " + host
	}
	return ""
}
