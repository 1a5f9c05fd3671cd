package exercise

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Target is a probe with the container's port that it is for.
type Target struct {
	URL  string
	Port uint16
	At   string // the address of another machine that it is sent to; empty: the container's port
}

// Targets finds the port of each probe: the one that it names, else the only one
// that the image exposes, else the scheme's.
func Targets(probes []string, exposed []uint16) ([]Target, error) {
	var out []Target
	for _, p := range probes {
		u, err := ParseProbe(p)
		if err != nil {
			return nil, err
		}
		t := Target{URL: p, Port: 80}
		switch n, err := strconv.ParseUint(u.Port(), 10, 16); {
		case u.Port() != "" && err == nil:
			t.Port = uint16(n)
		case len(exposed) == 1:
			t.Port = exposed[0]
		case u.Scheme == "https":
			t.Port = 443
		}
		out = append(out, t)
	}
	return out, nil
}

// IsLocal reports whether a probe's host stands for the machine that the container is
// reached on: any other name is another machine's.
func IsLocal(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.IsLoopback() || a.IsUnspecified()
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// ParseProbe reads a probe: an absolute URL of http or https.
func ParseProbe(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("probe %q is no URL such as http://localhost:8080/", s)
	}
	if n, err := strconv.ParseUint(u.Port(), 10, 16); u.Port() != "" && (err != nil || n == 0) {
		return nil, fmt.Errorf("probe %q names no port", s)
	}
	return u, nil
}

// Client speaks to a published port, whatever host a URL names.
func Client(at string) *http.Client {
	return clientOver(func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", at)
	})
}

// clientOver speaks over connections that are made for it. A certificate of the
// container's own is as good as any: it is the other end of a wire within one machine.
// Redirections are answers, and not followed.
func clientOver(connect func(ctx context.Context) (net.Conn, error)) *http.Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return connect(ctx) }
	return &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			DialContext: dial, Proxy: nil, DisableCompression: true,
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see above
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Reason takes the method and URL away from what net/http says of a request.
func Reason(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
