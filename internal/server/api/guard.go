package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Guard decides who may do what.
type Guard struct {
	Token string   // for changes
	Hosts []string // names that the service answers to, beside loopback's
	// Closed asks for the token to read too: beyond loopback.
	Closed bool

	mu   sync.Mutex
	code string // that opens a browser's session, once
}

// session is the cookie of a browser that was opened with the token.
const session = "drydock_session"

// Offer makes a code with which a browser gets a session, once.
func (g *Guard) Offer(code string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.code = code
}

// headers go with every answer: the pages run their own script and style alone.
func headers(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// refusal is why a request is not answered.
type refusal struct {
	status int
	text   string
	hint   string
}

// judge lets a request through, or says why not. A change is everything that is not
// read.
func (g *Guard) judge(r *http.Request) *refusal {
	if r.Context().Value(socketKey{}) != nil {
		if r.Method == http.MethodGet || r.Method == http.MethodHead || g.bearer(r) {
			return nil
		}
		return &refusal{http.StatusUnauthorized, "this needs the token", "Authorization: Bearer TOKEN; it is in the file token of the service's data folder"}
	}
	if !g.knows(r.Host) {
		return &refusal{http.StatusMisdirectedRequest, "the service is not called " + clip(r.Host), "use its address, or name it with --host"}
	}
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	// A browser tells from where a request comes; what another site asks for is not
	// the user's wish, but for following a link.
	site, navigates := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Sec-Fetch-Mode") == "navigate"
	if (site == "cross-site" || site == "same-site") && (!reads || !navigates || strings.HasPrefix(r.URL.Path, "/api/")) {
		return &refusal{http.StatusForbidden, "another site asked for this", ""}
	}
	if origin := r.Header.Get("Origin"); origin != "" && !sameOrigin(origin, r) {
		return &refusal{http.StatusForbidden, "another origin asked for this", ""}
	}
	bearer, cookie := g.bearer(r), g.cookie(r)
	switch {
	case bearer:
		return nil
	case cookie && (reads || r.Header.Get("Origin") != "" || site == "same-origin"):
		return nil // a cookie alone is not a wish: the browser sends it along
	case reads && !g.Closed:
		return nil
	}
	return &refusal{http.StatusUnauthorized, "this needs the token", "Authorization: Bearer TOKEN; it is in the file token of the service's data folder"}
}

type socketKey struct{}

// OverSocket marks what comes by a Unix socket: whoever may open its file may read, and
// no web page can, so that it does not matter by which name the service is called.
func OverSocket(ctx context.Context) context.Context {
	return context.WithValue(ctx, socketKey{}, true)
}

// May reports whether a request comes with the token.
func (g *Guard) May(r *http.Request) bool { return g.bearer(r) || g.cookie(r) }

func (g *Guard) bearer(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && g.is(token)
}

func (g *Guard) cookie(r *http.Request) bool {
	c, err := r.Cookie(session)
	return err == nil && g.isSession(c.Value)
}

func (g *Guard) is(token string) bool {
	a, b := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(g.Token))
	return g.Token != "" && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// A session is named by a hash of the token: who reads a cookie does not have it.
func (g *Guard) sessionName() string {
	h := sha256.Sum256([]byte("session\x00" + g.Token))
	return hexOf(h[:])
}

func (g *Guard) isSession(s string) bool {
	return g.Token != "" && subtle.ConstantTimeCompare([]byte(s), []byte(g.sessionName())) == 1
}

// open gives a browser its session for the code, once.
func (g *Guard) open(w http.ResponseWriter, r *http.Request) {
	code := r.URL.Query().Get("code")
	g.mu.Lock()
	ok := g.code != "" && subtle.ConstantTimeCompare([]byte(code), []byte(g.code)) == 1
	if ok {
		g.code = ""
	}
	g.mu.Unlock()
	if !ok {
		http.Error(w, "this link was used already, or is not one: drydock serve --open makes another", http.StatusForbidden)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: session, Value: g.sessionName(), Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// knows reports whether a Host header is the service's: a name that leads to this
// machine all the same is somebody's who wants a browser to take him for it.
func (g *Guard) knows(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.Trim(name, "[]"))
	if name == "localhost" || slices.Contains(g.Hosts, name) {
		return true
	}
	a, err := netip.ParseAddr(name)
	return err == nil && (a.IsLoopback() || g.Closed)
}

func sameOrigin(origin string, r *http.Request) bool {
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, r.Host)
}
