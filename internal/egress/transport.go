package egress

import (
	"cmp"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Dial makes a connection, as net.Dialer.DialContext does.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Options says how the other side is spoken to. The zero value is useful.
type Options struct {
	Origin  string            // host that every request is made for, wherever it leads; "": the first of each chain of redirects
	Own     bool              // the user vouches for the origin's name: it may be this machine's
	Plain   bool              // the user allows plain HTTP: HTTPS may lead to it
	Trust   func(string) bool // hosts whose certificates are not checked; nil: none
	TLS     *tls.Config       // of connections by HTTPS; its certificates are shown to the origin alone; nil: the system's authorities
	Raw     bool              // bodies are taken as they are, and compressed ones are not asked for
	Offline bool              // every request is an [*OfflineError]
	Notice  func(host string) // hears of an origin before it is asked, once per transport
	Limits  Limits
	Dial    Dial                                  // nil: the system's
	Proxy   func(*http.Request) (*url.URL, error) // nil: as the environment says
	Log     *slog.Logger                          // nil: silent
}

// Transport is an [http.RoundTripper] that keeps the promises of the package.
// It is safe for concurrent use.
type Transport struct {
	opt Options
	lim Limits
	log *slog.Logger

	mu      sync.Mutex
	origins map[string]*origin
}

// New makes a transport.
func New(opt Options) *Transport {
	t := &Transport{opt: opt, lim: opt.Limits.withDefaults(), log: opt.Log, origins: map[string]*origin{}}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	if t.opt.Proxy == nil {
		t.opt.Proxy = http.ProxyFromEnvironment
	}
	return t
}

// Client is an HTTP client over the transport, or over what wraps it.
func (t *Transport) Client() *http.Client { return Client(t) }

// Client is an HTTP client over something that wraps a [Transport], which judges
// the redirects itself.
func Client(rt http.RoundTripper) *http.Client {
	return &http.Client{Transport: rt, CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
}

// CloseIdleConnections closes what is kept for later.
func (t *Transport) CloseIdleConnections() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, o := range t.origins {
		o.pool.CloseIdleConnections()
		o.others.CloseIdleConnections()
	}
}

// origin is a host that was asked for, with connections of its own to wherever
// it leads: what one host may reach says nothing of another.
type origin struct {
	host string
	own  bool
	log  *slog.Logger
	dial Dial
	pool *http.Transport

	others *http.Transport // to wherever it leads, without the certificates that are the origin's to see

	mu    sync.Mutex
	known bool // the host was connected to, or its spelling says where it is
	zone  Zone // as near as it may lead
}

func (t *Transport) origin(host string) *origin {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o := t.origins[host]; o != nil {
		return o
	}
	o := &origin{host: host, own: t.opt.Own, log: t.log, dial: t.opt.Dial}
	o.zone, o.known = HostZone(host)
	o.pool = &http.Transport{
		Proxy:                  func(r *http.Request) (*url.URL, error) { return tripOf(r.Context()).proxy, nil },
		DialContext:            o.connect,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    2 * t.lim.Connect, // as the next, a second guard: the exchange's own comes first
		ResponseHeaderTimeout:  2 * t.lim.Idle,
		MaxResponseHeaderBytes: t.lim.Header,
		DisableCompression:     t.opt.Raw,
	}
	if t.opt.TLS != nil {
		o.pool.TLSClientConfig = t.opt.TLS.Clone()
	}
	if t.opt.Trust != nil && t.opt.Trust(host) {
		o.pool.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // asked for, for this host only
		if t.opt.TLS != nil {
			o.pool.TLSClientConfig.Certificates = t.opt.TLS.Certificates
		}
	}
	o.others = o.pool
	if t.opt.TLS != nil && len(t.opt.TLS.Certificates) > 0 {
		o.others = o.pool.Clone()
		o.others.TLSClientConfig.Certificates = nil
	}
	t.origins[host] = o
	if t.opt.Notice != nil && !t.opt.Offline {
		t.opt.Notice(host)
	}
	return o
}

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	first, err := t.chain(req)
	if err != nil {
		return nil, err
	}
	host := cmp.Or(t.opt.Origin, first.URL.Host)
	if t.opt.Offline {
		return nil, &OfflineError{Host: host}
	}
	proxy, err := t.opt.Proxy(req)
	if err != nil {
		return nil, err
	}
	o := t.origin(host)
	if proxy != nil {
		if err := o.judgeName(req.URL.Host); err != nil {
			return nil, err
		}
		t.log.Debug("a proxy resolves the name: its address is not judged", "host", req.URL.Host, "proxy", proxy.Host)
	}
	ctx := context.WithValue(req.Context(), tripKey{}, &trip{proxy: proxy})
	x := exchangeOf(req.Context())
	return t.retry(req, x, func(r *http.Request) (*http.Response, error) { return t.once(ctx, o, x, r) })
}

// chain judges the redirects that led to a request, and takes from it what was
// meant for another host. It returns the first request of the chain.
func (t *Transport) chain(req *http.Request) (first *http.Request, err error) {
	var before []*http.Request
	for r := req; r.Response != nil && r.Response.Request != nil; r = r.Response.Request {
		before = append(before, r.Response.Request)
		if len(before) > t.lim.Hops {
			return nil, &RedirectError{From: before[len(before)-1].URL.Host, To: req.URL.Host, Why: "more redirects than are followed"}
		}
	}
	if len(before) == 0 {
		return req, nil
	}
	last := before[0]
	refuse := func(why string) error {
		return &RedirectError{From: last.URL.Host, To: req.URL.Redacted(), Why: why}
	}
	switch {
	case req.URL.Scheme != "https" && req.URL.Scheme != "http":
		return nil, refuse("that is neither HTTP nor HTTPS")
	case req.URL.Scheme == "http" && !t.opt.Plain && slices.ContainsFunc(before, secure):
		return nil, refuse("what was asked for over HTTPS is not fetched over HTTP")
	}
	for _, r := range before {
		if r.URL.String() == req.URL.String() && r.Method == req.Method {
			return nil, refuse("it goes in a circle")
		}
		if strings.EqualFold(r.URL.Host, req.URL.Host) {
			continue
		}
		for _, h := range []string{"Authorization", "Cookie", "Proxy-Authorization", "Www-Authenticate"} {
			if v := req.Header.Get(h); v != "" && v == r.Header.Get(h) {
				req.Header.Del(h)
			}
		}
	}
	return before[len(before)-1], nil
}

func secure(r *http.Request) bool { return r.URL.Scheme == "https" }

// once makes one request, and waits for the headers of its answer.
func (t *Transport) once(ctx context.Context, o *origin, x *exchange, req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(ctx)
	w := &watch{t: t, x: x, host: req.URL.Host, cancel: cancel}
	w.begin(Connecting, t.lim.Connect)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
		_ = w.end(0) // a connection that came too late is told by RoundTrip
		w.begin(Answering, t.lim.Idle)
	}})
	pool := o.pool
	if req.URL.Host != o.host {
		pool = o.others
	}
	resp, err := pool.RoundTrip(req.WithContext(ctx))
	late := w.end(0)
	switch {
	case err != nil:
		cancel()
		if late != nil && req.Context().Err() == nil {
			return nil, late
		}
		return nil, err
	case resp.ContentLength > x.ask.Max:
		cancel()
		_ = resp.Body.Close() // refused
		return nil, &LimitError{Host: w.host, What: x.ask.What, Max: x.ask.Max}
	}
	resp.Request = req
	resp.Body = &body{inner: resp.Body, watch: w, parent: req.Context()}
	return resp, nil
}

type trip struct{ proxy *url.URL }

type tripKey struct{}

func tripOf(ctx context.Context) *trip {
	if t, ok := ctx.Value(tripKey{}).(*trip); ok {
		return t
	}
	return &trip{}
}
