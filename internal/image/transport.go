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
	"net/netip"
	"net/url"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/drydock-dev/drydock/internal/egress"
)

const (
	// maxToken limits the bytes of a registry's answer with a token.
	maxToken = 64 << 10
	maxPing  = 64 << 10 // bytes of an answer to "are you a registry"

	maxRealms = 8 // token servers of one registry
)

// outgoing is how one registry is spoken to. Only of one that the user called
// insecure is a certificate not checked.
func outgoing(host string, opt Options) *egress.Transport {
	own := insecure(host, opt)
	limits := opt.Limits
	limits.Pause = cmp.Or(limits.Pause, opt.Backoff)
	o := egress.Options{
		Origin: host, Own: own, Plain: own, Raw: true, TLS: opt.Authorities, Offline: opt.Offline, Limits: limits, Dial: opt.Dial, Log: opt.Log,
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

// handshake tells the requests that the library makes of its own accord, to log
// in, from those for something of the repository, and holds their answers to the
// limits of what they should be.
type handshake struct {
	inner http.RoundTripper
	host  string
	path  string // of the repository: "me/app"

	mu     sync.Mutex
	realms map[string]string // see hideRealm
}

// RoundTrip implements [http.RoundTripper].
func (h *handshake) RoundTrip(req *http.Request) (*http.Response, error) {
	switch first := firstOf(req); {
	case first.URL.Host == h.host && strings.HasPrefix(first.URL.Path, "/v2/"+h.path+"/"):
		resp, err := h.inner.RoundTrip(req)
		return h.hideRealm(resp), err
	case first.URL.Host == h.host && first.URL.Path == "/v2/":
		resp, err := h.inner.RoundTrip(as(req, egress.Ask{What: "its version of the protocol", Max: maxPing}))
		if err != nil {
			return nil, err
		}
		if _, err := whole(resp); err != nil { // the library passes over what goes wrong here
			return nil, err
		}
		return h.hideRealm(resp), nil
	}
	req = as(req, egress.Ask{What: "a token for " + h.path, Max: maxToken})
	h.mu.Lock()
	real, hidden := h.realms[req.URL.Host]
	h.mu.Unlock()
	if hidden {
		u := *req.URL
		u.Host, req.URL, req.Host = real, &u, ""
	}
	resp, err := h.inner.RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	if err := token(resp); err != nil {
		return nil, err
	}
	return resp, nil
}

func as(req *http.Request, a egress.Ask) *http.Request {
	return req.WithContext(egress.With(req.Context(), a))
}

// hideRealm gives a token server that is named by an address a name instead. The
// library refuses each that is private, also where the registry is; egress, which
// knows where that is, judges it when it is connected to.
func (h *handshake) hideRealm(resp *http.Response) *http.Response {
	if resp == nil || resp.StatusCode != http.StatusUnauthorized {
		return resp
	}
	said := resp.Header.Values("Www-Authenticate")
	for i, s := range said {
		before, rest, ok := strings.Cut(s, `realm="`)
		realm, after, ok2 := strings.Cut(rest, `"`)
		u, err := url.Parse(realm)
		if !ok || !ok2 || err != nil {
			continue
		}
		if _, err := netip.ParseAddr(u.Hostname()); err != nil {
			continue
		}
		h.mu.Lock()
		if h.realms == nil {
			h.realms = map[string]string{}
		}
		alias := fmt.Sprintf("realm-%d.invalid", len(h.realms))
		for k, v := range h.realms {
			if v == u.Host {
				alias = k
			}
		}
		if _, there := h.realms[alias]; there || len(h.realms) < maxRealms {
			h.realms[alias] = u.Host
			u.Host = alias
			said[i] = before + `realm="` + u.String() + `"` + after
		}
		h.mu.Unlock()
	}
	return resp
}

// reveal puts the address of a token server back into an error.
func (h *handshake) reveal(err error) error {
	var web *url.Error
	if !errors.As(err, &web) {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for alias, real := range h.realms {
		web.URL = strings.Replace(web.URL, "//"+alias+"/", "//"+real+"/", 1)
	}
	return err
}

// whole reads an answer to its end, and leaves it to be read again.
func whole(resp *http.Response) ([]byte, error) {
	b, err := io.ReadAll(resp.Body)
	if cerr := resp.Body.Close(); err == nil {
		err = cerr
	}
	resp.Body = io.NopCloser(bytes.NewReader(b))
	return b, err
}

// token checks an answer before the library does, which would put the answer
// into its error.
func token(resp *http.Response) error {
	b, err := whole(resp)
	if err != nil {
		return err
	}
	var t struct {
		Token       string `json:"token"`
		AccessToken string `json:"access_token"`
	}
	if json.Unmarshal(b, &t) != nil || t.Token == "" && t.AccessToken == "" {
		return fmt.Errorf("%s answers without a token", resp.Request.URL.Host)
	}
	return nil
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
