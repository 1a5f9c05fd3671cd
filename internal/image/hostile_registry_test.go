package image

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drydock-dev/drydock/internal/egress"
	"github.com/drydock-dev/drydock/internal/finding"
)

// network is names, addresses and servers in memory, for synctest: its time is
// not the machine's.
type network struct {
	t      *testing.T
	names  map[string]string // host -> IP
	answer func(host string, r *http.Request) (status int, header, body string)
	hang   string // a path whose body does not end
	drip   time.Duration

	mu    sync.Mutex
	asked []string // "IP METHOD path"
	auth  map[string]string
}

type wire struct {
	net.Conn
	at net.Addr
}

func (w wire) RemoteAddr() net.Addr { return w.at }

func (n *network) dial(_ context.Context, _, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	ip, ok := n.names[host]
	if !ok {
		ip = host
	}
	at, err := net.ResolveTCPAddr("tcp", net.JoinHostPort(ip, port))
	if err != nil || port == "443" {
		return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
	}
	here, there := net.Pipe()
	go n.serve(ip, there)
	return wire{here, at}, nil
}

func (n *network) serve(ip string, c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		n.mu.Lock()
		n.asked = append(n.asked, ip+" "+req.Method+" "+req.URL.Path)
		if a := req.Header.Get("Authorization"); a != "" {
			n.auth[ip] += a + " "
		}
		n.mu.Unlock()
		status, header, body := n.answer(req.Host, req)
		if n.hang != "" && (strings.Contains(req.URL.Path, n.hang) && n.hang != "/v2/" && status == 200 || req.URL.Path == n.hang) {
			more := 30_000 // more than comes in a test's time
			if strings.Contains(req.URL.Path, "/blobs/") {
				more = 0 // a blob's length is known
			}
			_, err := fmt.Fprintf(c, "HTTP/1.1 %d x\r\n%sContent-Length: %d\r\n\r\n%s", status, header, len(body)+more, body[:len(body)/2])
			for n.drip > 0 && err == nil {
				time.Sleep(n.drip)
				_, err = c.Write([]byte(" "))
			}
			_, _ = io.Copy(io.Discard, c)
			return
		}
		if _, err := fmt.Fprintf(c, "HTTP/1.1 %d x\r\n%sContent-Length: %d\r\n\r\n%s", status, header, len(body), body); err != nil {
			return
		}
	}
}

func (n *network) reached(ip string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, a := range n.asked {
		if strings.HasPrefix(a, ip+" ") {
			return true
		}
	}
	return false
}

// served is a registry of one image with a token server, as answers.
func served(t *testing.T) (answer func(string, *http.Request) (int, string, string), layer finding.Digest, size int) {
	l := &layoutOf{t: t}
	m := app(t, "amd64", strings.Repeat("x", 4000))
	d := l.manifest(m)
	blobs := map[string]string{}
	for _, b := range l.blobs {
		blobs[string(finding.DigestOf([]byte(b.text)))] = b.text
	}
	top := blobs[string(d["digest"].(finding.Digest))]
	gzipped := gz(t, m.layers[0])
	return func(_ string, r *http.Request) (int, string, string) {
		base, last, _ := cutLast(r.URL.Path)
		switch {
		case r.URL.Path == "/token":
			return 200, "", `{"token":"abc"}`
		case r.Header.Get("Authorization") != "Bearer abc":
			return 401, "Www-Authenticate: Bearer realm=\"http://r.example.com/token\",service=\"r\"\r\n", "{}"
		case r.URL.Path == "/v2/":
			return 200, "", "{}"
		case strings.HasSuffix(r.URL.Path, "/tags/list"):
			return 200, "", `{"tags":["1"]}`
		case strings.HasSuffix(base, "/manifests"):
			return 200, "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n", top
		}
		if b, ok := blobs[last]; ok {
			return 200, "", b
		}
		return 404, "", "{}"
	}, finding.DigestOf(gzipped), len(gzipped)
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '/')
	return s[:i], s[i+1:], true
}

// scanIn opens and scans an image of the network, and lists its tags.
func scanIn(n *network, opt Options) error {
	opt.Dial, opt.Backoff = n.dial, time.Millisecond
	im, err := Open(context.Background(), "registry://r.example.com/app:1", opt)
	if err != nil {
		return err
	}
	_, err = im.Scan(context.Background(), ScanOptions{})
	if err == nil {
		_, err = Tags(context.Background(), "r.example.com/app", opt)
	}
	return errors.Join(err, im.Close())
}

// TestHostileRegistryEnds stalls and drips in every body that a registry sends.
func TestHostileRegistryEnds(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	t.Setenv("HTTP_PROXY", "")
	answer, layer, _ := served(t)
	for hang, what := range map[string]string{
		"":                                    "",
		"/token":                              "a token for app",
		"/v2/":                                "its version of the protocol",
		"/manifests/1":                        "the manifest 1 of app",
		"/tags/list":                          "the tags of app",
		"/blobs/" + string(layer):             "the layer " + layer.Short() + " of app",
		"/blobs/sha256:" /* configuration */ : "the document sha256:",
	} {
		for _, drip := range []time.Duration{0, 5 * time.Second, 29 * time.Second} {
			synctest.Test(t, func(t *testing.T) {
				n := &network{t: t, names: map[string]string{"r.example.com": "1.1.1.1"}, answer: answer, hang: hang, drip: drip, auth: map[string]string{}}
				begun := time.Now()
				err := scanIn(n, Options{InsecureRegistries: []string{"r.example.com"}})
				if took := time.Since(begun); took > 3*time.Minute {
					t.Errorf("%s, drip %s: it took %s", hang, drip, took)
				}
				var late *egress.TimeoutError
				var h finding.Hinter
				switch {
				case hang == "" && err != nil:
					t.Errorf("well behaved: %v", err)
				case hang != "" && (!errors.As(err, &late) || !strings.Contains(late.What, what) || late.Host != "r.example.com" || !errors.As(err, &h)):
					t.Errorf("%s, drip %s: %v", hang, drip, err)
				}
				time.Sleep(3 * time.Minute) // idle connections and second guards end
			})
		}
	}
}

// TestRegistryLeadsNowhereInside: neither the realm of a token nor a redirect of
// any document reaches an inside address from a public registry, and no
// credentials go along to another host.
func TestRegistryLeadsNowhereInside(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	write(t, dir+"/config.json", `{"auths":{"r.example.com":{"auth":"dXNlcjpzZWNyZXQ="}}}`)
	good, layer, _ := served(t)
	for _, part := range []string{"realm", "/token", "/v2/", "/manifests/1", "/blobs/" + string(layer), "/tags/list"} {
		for to, c := range map[string]struct {
			ip string
			ok bool
		}{
			"localhost": {"127.0.0.1", false}, "inside.example.net": {"127.0.0.1", false}, "metadata.example.net": {"169.254.169.254", false},
			"private.example.net": {"10.0.0.1", false}, "10.0.0.1": {"10.0.0.1", false}, "127.0.0.1": {"127.0.0.1", false}, "[::1]": {"::1", false}, "2.2.2.2": {"2.2.2.2", true}, "cdn.example.net": {"2.2.2.2", true},
		} {
			synctest.Test(t, func(t *testing.T) {
				n := &network{t: t, names: map[string]string{"r.example.com": "1.1.1.1", to: c.ip}, auth: map[string]string{}}
				n.answer = func(host string, r *http.Request) (int, string, string) {
					status, header, body := good(host, r)
					switch {
					case host == to:
						if part == "/v2/" {
							return 401, "Www-Authenticate: Bearer realm=\"http://r.example.com/token\",service=\"r\"\r\n", "{}"
						}
						q := r.Clone(r.Context())
						q.Header.Set("Authorization", "Bearer abc")
						return good("r.example.com", q)
					case part == "realm" && status == 401:
						return 401, "Www-Authenticate: Bearer realm=\"http://" + to + "/token\",service=\"r\"\r\n", "{}"
					case part != "realm" && strings.HasSuffix(r.URL.Path, part) && (status == 200 || part == "/v2/"):
						return 307, "Location: http://" + to + r.URL.Path + "\r\n", ""
					}
					return status, header, body
				}
				err := scanIn(n, Options{InsecureRegistries: []string{"r.example.com"}})
				if (err == nil) != c.ok || n.reached(c.ip) != c.ok {
					t.Errorf("%s to %s: reached %v, %v", part, to, n.reached(c.ip), err)
				}
				if got := n.auth[c.ip]; got != "" && part != "realm" {
					t.Errorf("%s to %s: credentials went along: %q", part, to, got)
				}
				time.Sleep(3 * time.Minute)
			})
		}
	}
}

// TestTokenAnswersAreNotShown: what a token server says instead of a token may
// be one of another kind.
func TestTokenAnswersAreNotShown(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	good, _, _ := served(t)
	for _, body := range []string{`{"refresh_token":"hunter2hunter2"}`, `hunter2hunter2`, strings.Repeat("hunter2 ", 100_000)} {
		synctest.Test(t, func(t *testing.T) {
			n := &network{t: t, names: map[string]string{"r.example.com": "1.1.1.1"}, auth: map[string]string{}}
			n.answer = func(host string, r *http.Request) (int, string, string) {
				if r.URL.Path == "/token" {
					return 200, "", body
				}
				return good(host, r)
			}
			if err := scanIn(n, Options{InsecureRegistries: []string{"r.example.com"}}); err == nil || strings.Contains(err.Error(), "hunter2") || len(err.Error()) > 500 {
				t.Errorf("%v", err)
			}
			time.Sleep(3 * time.Minute)
		})
	}
}

// TestNoticeComesFirst: a registry is announced once, by the name that users
// know, before anything is dialled.
func TestNoticeComesFirst(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	var log []string
	opt := Options{Backoff: time.Millisecond, Notice: func(h string) { log = append(log, "notice "+h) }}
	opt.Dial = func(_ context.Context, _, address string) (net.Conn, error) {
		log = append(log, "dial "+address)
		return nil, errors.New("no network in this test")
	}
	for ref, first := range map[string]string{"registry://nginx:1": "notice docker.io", "registry://r.example.com/x:1": "notice r.example.com"} {
		log = nil
		if _, err := Open(t.Context(), ref, opt); err == nil || len(log) < 2 || log[0] != first || strings.Count(strings.Join(log, " "), "notice") != 1 {
			t.Errorf("%s: %q, %v", ref, log, err)
		}
	}
	for _, ref := range []string{"nginx", "registry://nginx", "image://r.example.com/x"} {
		log = nil
		if _, err := Open(t.Context(), ref, opt); err == nil || len(log) > 0 {
			t.Errorf("%s was asked for: %q", ref, log)
		}
	}
}

// TestPrivateRegistry: a company's registry has its token server and its storage
// in its own network, by address or by name.
func TestPrivateRegistry(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	write(t, dir+"/config.json", `{"auths":{"r.example.com":{"auth":"dXNlcjpzZWNyZXQ="}}}`)
	good, layer, _ := served(t)
	for _, realm := range []string{"10.0.0.6:81", "auth.example.com", "r.example.com"} {
		synctest.Test(t, func(t *testing.T) {
			n := &network{t: t, names: map[string]string{"r.example.com": "10.0.0.5", "auth.example.com": "10.0.0.6"}, auth: map[string]string{}}
			down := false
			n.answer = func(host string, r *http.Request) (int, string, string) {
				if host == "10.0.0.7" {
					q := r.Clone(r.Context())
					q.Header.Set("Authorization", "Bearer abc")
					return good("r.example.com", q)
				}
				status, header, body := good(host, r)
				if r.URL.Path == "/token" && down {
					return 403, "", "{}"
				}
				if status == 200 && strings.HasSuffix(r.URL.Path, string(layer)) {
					return 307, "Location: http://10.0.0.7" + r.URL.Path + "\r\n", ""
				}
				return status, strings.Replace(header, "r.example.com", realm, 1), body
			}
			if err := scanIn(n, Options{InsecureRegistries: []string{"r.example.com"}}); err != nil {
				t.Errorf("%s: %v", realm, err)
			}
			if n.auth["10.0.0.7"] != "" || !strings.Contains(n.auth["10.0.0.6"]+n.auth["10.0.0.5"], "Basic dXNlcjpzZWNyZXQ=") {
				t.Errorf("%s: credentials went to %v", realm, n.auth)
			}
			down = true
			if err := scanIn(n, Options{InsecureRegistries: []string{"r.example.com"}}); err == nil || strings.Contains(err.Error(), ".invalid") {
				t.Errorf("%s, which refuses: %v", realm, err)
			}
			time.Sleep(3 * time.Minute)
		})
	}
}

// FuzzRealm: of what a registry says of its token server, no more than the
// address is given another name, and that name leads back to it.
func FuzzRealm(f *testing.F) {
	f.Add(`Bearer realm="http://10.0.0.6:81/token",service="r"`)
	f.Add(`Bearer realm="https://[fd00::1]/token?a=b"`)
	f.Add(`Bearer service="r",realm="https://auth.docker.io/token"`)
	f.Add(`Basic realm="127.0.0.1"`)
	f.Fuzz(func(t *testing.T, said string) {
		h := &handshake{}
		resp := &http.Response{StatusCode: http.StatusUnauthorized, Header: http.Header{"Www-Authenticate": {said}}}
		h.hideRealm(resp) //nolint:bodyclose // it has no body
		got := resp.Header.Get("Www-Authenticate")
		if len(h.realms) == 0 && got != said || len(h.realms) > 1 {
			t.Fatalf("%q became %q", said, got)
		}
		for alias, host := range h.realms {
			before, _, _ := strings.Cut(said, `realm="`)
			if !strings.HasPrefix(got, before+`realm="`) || strings.Count(got, alias) < 1 || host == "" || strings.ContainsAny(host, " /\"") {
				t.Fatalf("%q became %q, by %q", said, got, h.realms)
			}
		}
	})
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
