package image

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote"
)

const (
	requestTries = 4
	firstPause   = 500 * time.Millisecond
	longestPause = 30 * time.Second
)

// baseTransport honours the proxies of the environment. Only for a registry
// that the user called insecure is a certificate not checked.
func baseTransport(host string, opt Options) http.RoundTripper {
	t, ok := remote.DefaultTransport.(*http.Transport)
	if !ok {
		return remote.DefaultTransport
	}
	t = t.Clone()
	t.ResponseHeaderTimeout = blobStall
	if insecure(host, opt) {
		t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // asked for, for this registry only
	}
	return t
}

// retrying asks again, after a pause, where an answer may be another one.
type retrying struct {
	inner http.RoundTripper
	first time.Duration
	log   *slog.Logger
}

// RoundTrip implements [http.RoundTripper].
func (t *retrying) RoundTrip(req *http.Request) (*http.Response, error) {
	again := req.Body == nil || req.GetBody != nil
	for try := 1; ; try++ {
		resp, err := t.inner.RoundTrip(req)
		if !again || try == requestTries || !passing(resp, err) || req.Context().Err() != nil {
			return resp, err
		}
		wait := backoff(t.first, try)
		if resp != nil {
			wait = max(wait, retryAfter(resp))
			_, _ = io.CopyN(io.Discard, resp.Body, 4096) // so that the connection can serve again
			_ = resp.Body.Close()
			t.log.Debug("registry asks for patience", "url", req.URL.Redacted(), "status", resp.StatusCode, "wait", wait)
		}
		if err := pause(req.Context(), wait); err != nil {
			return nil, err
		}
		if req.GetBody != nil {
			body, err := req.GetBody()
			if err != nil {
				return nil, err
			}
			req = req.Clone(req.Context())
			req.Body = body
		}
	}
}

// passing reports a failure that may be over soon.
func passing(resp *http.Response, err error) bool {
	if err != nil {
		var dns *net.DNSError
		var op *net.OpError
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return true
		case errors.As(err, &dns):
			return dns.IsTemporary || dns.IsTimeout
		case errors.As(err, &op):
			return op.Op == "read" || op.Timeout()
		}
		return false
	}
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func backoff(first time.Duration, try int) time.Duration {
	if first <= 0 {
		first = firstPause
	}
	return min(first<<(try-1), longestPause)
}

// retryAfter is the pause that a registry asks for, in whole seconds.
func retryAfter(resp *http.Response) time.Duration {
	n, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return min(time.Duration(n)*time.Second, longestPause)
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// checkRedirect refuses to be sent from a registry to an address inside the
// machine or its neighbourhood, where cloud credentials are served.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("more than 10 redirects")
	}
	to, from := req.URL.Hostname(), via[0].URL.Hostname()
	if to == from {
		return nil
	}
	if ip, err := netip.ParseAddr(to); err == nil && (ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsPrivate() || ip.IsUnspecified()) {
		return fmt.Errorf("%s redirects to the internal address %s", from, to)
	}
	return nil
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
