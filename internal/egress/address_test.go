package egress

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

func TestZones(t *testing.T) {
	for want, list := range map[Zone][]string{
		Public:    {"1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:0808:0808::1", "100.128.0.1", "172.32.0.1", "192.169.0.1"},
		Private:   {"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd00::1", "fc00::1", "100.64.0.1", "100.127.255.254", "198.18.0.1", "192.0.2.1", "240.0.0.1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::c0a8:1", "64:ff9b:1::1", "2002:0a00:0001::1", "::10.0.0.1", "::ffff:0:10.0.0.1", "2001:db8::1", "2001:0:1:2:3:4:f5ff:fffe", "4000::1"},
		Loopback:  {"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:0001::", "::127.0.0.1", "::ffff:0:127.0.0.1"},
		Forbidden: {"169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0", "0.0.0.0", "0.1.2.3", "::", "255.255.255.255", "224.0.0.1", "ff02::1", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16", "::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "::169.254.169.254", "::ffff:0.0.0.0", "64:ff9b::", "fec0::1"},
	} {
		for _, s := range list {
			if got := ZoneOf(netip.MustParseAddr(s)); got != want {
				t.Errorf("%s is %s, want %s", s, got, want)
			}
		}
	}
	if ZoneOf(netip.Addr{}) != Forbidden {
		t.Error("no address is one that may be connected to")
	}
	for host, want := range map[string]Zone{"localhost": Loopback, "LOCALHOST:80": Loopback, "a.localhost.": Loopback, "127.0.0.1:5000": Loopback, "[::1]:5000": Loopback, "[::ffff:7f00:1]": Loopback, "10.1.2.3": Private, "1.1.1.1:443": Public} {
		if got, known := HostZone(host); got != want || !known {
			t.Errorf("%s is %s, %v", host, got, known)
		}
	}
	for _, host := range []string{"registry.example.com", "localhost.example.com", "127.0.0.1.example.com", "2130706433", "0x7f000001"} {
		if _, known := HostZone(host); known {
			t.Errorf("%s need not be resolved", host)
		}
	}
}

// FuzzZone: an IPv6 address that carries an IPv4 one is never further away than that.
func FuzzZone(f *testing.F) {
	f.Add([]byte{127, 0, 0, 1})
	f.Add([]byte{169, 254, 169, 254})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != 4 {
			return
		}
		v4 := netip.AddrFrom4([4]byte(b))
		want := ZoneOf(v4)
		for _, prefix := range []string{"::ffff:", "64:ff9b::", "::ffff:0:"} {
			a, err := netip.ParseAddr(prefix + v4.String())
			if err != nil {
				t.Fatal(err)
			}
			if got := ZoneOf(a); got != want {
				t.Errorf("%s is %s, %s is %s", a, got, v4, want)
			}
		}
	})
}

// TestWhereARegistryMayLead sends a client from registries in every kind of
// network, by redirect, to others.
func TestWhereARegistryMayLead(t *testing.T) {
	for _, c := range []struct {
		from, to string // "name=IP"
		own      bool
		ok       bool
	}{
		{from: "r.example.com=1.1.1.1", to: "cdn.example.net=2.2.2.2", ok: true},
		{from: "r.example.com=1.1.1.1", to: "127.0.0.1=127.0.0.1"},
		{from: "r.example.com=1.1.1.1", to: "localhost=127.0.0.1"},
		{from: "r.example.com=1.1.1.1", to: "x.localhost=127.0.0.1"},
		{from: "r.example.com=1.1.1.1", to: "inside.example.net=127.0.0.1"},
		{from: "r.example.com=1.1.1.1", to: "inside.example.net=::1"},
		{from: "r.example.com=1.1.1.1", to: "inside.example.net=10.0.0.1"},
		{from: "r.example.com=1.1.1.1", to: "10.0.0.1=10.0.0.1"},
		{from: "r.example.com=1.1.1.1", to: "[fd00::1]=fd00::1"},
		{from: "r.example.com=1.1.1.1", to: "[::ffff:10.0.0.1]=::ffff:10.0.0.1"},
		{from: "r.example.com=1.1.1.1", to: "inside.example.net=64:ff9b::10.0.0.1"},
		{from: "r.example.com=1.1.1.1", to: "cgnat.example.net=100.64.0.1"},
		{from: "r.example.com=1.1.1.1", to: "169.254.169.254=169.254.169.254"},
		{from: "r.example.com=1.1.1.1", to: "metadata.example.net=169.254.169.254"},
		{from: "r.example.com=1.1.1.1", to: "0.0.0.0=0.0.0.0"},
		{from: "r.example.com=64:ff9b::1.1.1.1", to: "cdn.example.net=64:ff9b::2.2.2.2", ok: true},
		// A registry of a company leads to its storage, on addresses or names.
		{from: "10.0.0.5=10.0.0.5", to: "10.0.0.6=10.0.0.6", ok: true},
		{from: "registry.corp.example=10.0.0.5", to: "storage.corp.example=10.0.0.6", ok: true},
		{from: "registry.corp.example=10.0.0.5", to: "192.168.3.4=192.168.3.4", ok: true},
		{from: "registry.corp.example=10.0.0.5", to: "s3.example.net=3.3.3.3", ok: true},
		{from: "registry.corp.example=10.0.0.5", to: "localhost=127.0.0.1"},
		{from: "registry.corp.example=10.0.0.5", to: "127.0.0.1=127.0.0.1"},
		{from: "registry.corp.example=10.0.0.5", to: "169.254.169.254=169.254.169.254"},
		{from: "registry.corp.example=10.0.0.5", to: "fd00.example.net=fd00:ec2::254"},
		{from: "registry.corp.example=10.0.0.5", own: true, to: "169.254.169.254=169.254.169.254"},
		// One on this machine leads anywhere but to what is nobody's.
		{from: "localhost=127.0.0.1", to: "127.0.0.2=127.0.0.2", ok: true},
		{from: "127.0.0.1=127.0.0.1", to: "10.0.0.6=10.0.0.6", ok: true},
		{from: "127.0.0.1=127.0.0.1", to: "169.254.169.254=169.254.169.254"},
		// The first address.
		{from: "registry.example.com=127.0.0.1", to: ""},
		{from: "registry.example.com=127.0.0.1", own: true, to: "", ok: true},
		{from: "registry.example.com=127.0.0.1", own: true, to: "localhost=127.0.0.1", ok: true},
		{from: "registry.example.com=169.254.169.254", own: true, to: ""},
		{from: "169.254.169.254=169.254.169.254", own: true, to: ""},
		{from: "localhost=10.0.0.9", to: ""},
		{from: "localhost=9.9.9.9", to: ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &world{names: map[string]string{}, serve: map[string]func(net.Conn){}}
			from, at, _ := strings.Cut(c.from, "=")
			to, there, _ := strings.Cut(c.to, "=")
			w.names[strings.Trim(from, "[]")], w.names[strings.Trim(to, "[]")] = at, there
			reached := false
			w.serve[net.JoinHostPort(at, "80")] = handler(func(rw http.ResponseWriter, r *http.Request) {
				if to == "" {
					reached = true
					return
				}
				http.Redirect(rw, r, "http://"+to+":8080/x", http.StatusTemporaryRedirect)
			})
			w.serve[net.JoinHostPort(there, "8080")] = handler(func(http.ResponseWriter, *http.Request) { reached = true })
			tr := New(Options{Dial: w.dial, Proxy: noProxy, Own: c.own})
			_, err := fetch(context.Background(), tr, "http://"+from+"/v2/", Ask{})
			var refused *AddressError
			if reached != c.ok || (err == nil) != c.ok || !c.ok && (!errors.As(err, &refused) || refused.Hint() == "") {
				t.Errorf("%s to %q, own %v: %v, %v", c.from, c.to, c.own, reached, err)
			}
			tr.CloseIdleConnections()
		})
	}
}

// TestNameThatMoves: a registry whose name first is public and then inside is
// not followed there, and an origin's connections do not serve another.
func TestNameThatMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{names: map[string]string{"r.example.com": "1.1.1.1", "localhost": "127.0.0.1"}, serve: map[string]func(net.Conn){}}
		hits := map[string]int{}
		for _, at := range []string{"1.1.1.1", "10.0.0.1", "127.0.0.1"} {
			w.serve[at+":80"] = handler(func(rw http.ResponseWriter, r *http.Request) {
				hits[at]++
				rw.Header().Set("Connection", "close")
				if r.URL.Path == "/in" {
					http.Redirect(rw, r, "http://localhost/", http.StatusFound)
				}
			})
		}
		tr := New(Options{Dial: w.dial, Proxy: noProxy})
		for _, address := range []string{"http://localhost/", "http://r.example.com/"} {
			if _, err := fetch(context.Background(), tr, address, Ask{}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := fetch(context.Background(), tr, "http://r.example.com/in", Ask{}); err == nil || hits["127.0.0.1"] != 1 {
			t.Errorf("a connection of another origin was used: %v", err)
		}
		tr.CloseIdleConnections()
		w.names["r.example.com"] = "10.0.0.1"
		if _, err := fetch(context.Background(), tr, "http://r.example.com/", Ask{}); err == nil || hits["10.0.0.1"] > 0 {
			t.Errorf("the name moved inside: %v", err)
		}
		tr.CloseIdleConnections()
	})
}

// TestSystemDialer: nothing is sent to an address that is refused, not even to
// find out that it is.
func TestSystemDialer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan struct{}, 1)
	go func() {
		if c, err := l.Accept(); err == nil {
			accepted <- struct{}{}
			_ = c.Close()
		}
		close(accepted)
	}()
	o := &origin{host: "r.example.com", known: true}
	var refused *AddressError
	if _, err := o.connect(t.Context(), "tcp", l.Addr().String()); !errors.As(err, &refused) || refused.Zone != Loopback {
		t.Errorf("%v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, hit := <-accepted; hit {
		t.Error("a connection came about")
	}
}

// TestProxy: the proxy is where the user says, and of what it resolves the
// spelling is judged.
func TestProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{names: map[string]string{"proxy.corp.example": "10.0.0.8"}, serve: map[string]func(net.Conn){}}
		var asked []string
		w.serve["10.0.0.8:3128"] = handler(func(rw http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.URL.Host)
			if to := r.URL.Query().Get("to"); to != "" {
				http.Redirect(rw, r, "http://"+to+"/", http.StatusFound)
			}
		})
		tr := New(Options{Dial: w.dial, Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.corp.example:3128"})})
		for to, ok := range map[string]bool{"": true, "cdn.example.net": true, "127.0.0.1:1": false, "localhost": false, "169.254.169.254": false, "[fd00::1]": false, "10.9.9.9": false} {
			if _, err := fetch(context.Background(), tr, "http://r.example.com/?to="+url.QueryEscape(to), Ask{}); (err == nil) != ok {
				t.Errorf("%q: %v", to, err)
			}
		}
		for _, a := range asked {
			if !slices.Contains([]string{"r.example.com", "cdn.example.net"}, a) {
				t.Errorf("the proxy was asked for %s", a)
			}
		}
		tr.CloseIdleConnections()
	})
}

// TestRedirects: how often, to what, and with which credentials.
func TestRedirects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{names: map[string]string{"r.example.com": "1.1.1.1", "sub.r.example.com": "1.1.1.2", "cdn.example.net": "2.2.2.2"}, serve: map[string]func(net.Conn){}}
		got := map[string]string{}
		h := handler(func(rw http.ResponseWriter, r *http.Request) {
			got[r.Host] = r.Header.Get("Authorization") + r.Header.Get("Cookie")
			if to := r.URL.Query().Get("to"); to != "" {
				http.Redirect(rw, r, to, http.StatusFound)
			}
		})
		for _, at := range []string{"1.1.1.1:80", "1.1.1.1:81", "1.1.1.2:80", "2.2.2.2:80"} {
			w.serve[at] = h
		}
		tr := New(Options{Dial: w.dial, Proxy: noProxy})
		ask := func(address string) error {
			req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, address, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Basic c2VjcmV0")
			req.Header.Set("Cookie", "c=secret")
			resp, err := tr.Client().Do(req)
			if err == nil {
				err = resp.Body.Close()
			}
			return err
		}
		for _, to := range []string{"http://sub.r.example.com/", "http://cdn.example.net/", "http://r.example.com:81/"} {
			clear(got)
			if err := ask("http://r.example.com/?to=" + url.QueryEscape(to)); err != nil {
				t.Error(err)
			}
			u, _ := url.Parse(to)
			if v, there := got[u.Host]; !there || v != "" || got["r.example.com"] == "" {
				t.Errorf("%s: %q", to, got)
			}
		}
		clear(got)
		if err := ask("http://r.example.com/?to=%2Fhere"); err != nil || got["r.example.com"] == "" {
			t.Errorf("to itself: %v", err)
		}
		var refused *RedirectError
		for name, to := range map[string]string{"itself": "http://r.example.com/?to=", "a file": "file:///etc/passwd", "ftp": "ftp://cdn.example.net/"} {
			if name == "itself" {
				w.serve["1.1.1.1:80"] = handler(func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, "/", http.StatusFound) })
				to = ""
			} else {
				w.serve["1.1.1.1:80"] = h
			}
			tr.CloseIdleConnections()
			if err := ask("http://r.example.com/?to=" + url.QueryEscape(to)); err == nil {
				t.Errorf("%s: followed", name)
			}
		}
		n := 0
		w.serve["1.1.1.1:80"] = handler(func(rw http.ResponseWriter, r *http.Request) {
			n++
			http.Redirect(rw, r, "/"+strings.Repeat("x", n), http.StatusFound)
		})
		tr.CloseIdleConnections()
		if err := ask("http://r.example.com/"); !errors.As(err, &refused) || n != defaultHops+1 {
			t.Errorf("endless redirects: asked %d times, %v", n, err)
		}
		tr.CloseIdleConnections()
	})
}

// TestHTTPSStaysHTTPS judges chains that no test server has to serve.
func TestHTTPSStaysHTTPS(t *testing.T) {
	chain := func(urls ...string) *http.Request {
		var last *http.Request
		for _, s := range urls {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s, nil)
			if err != nil {
				t.Fatal(err)
			}
			if last != nil {
				req.Response = &http.Response{Request: last}
			}
			last = req
		}
		return last
	}
	down := chain("https://r.example.com/", "https://cdn.example.net/", "http://cdn.example.net/x")
	if _, err := New(Options{}).chain(down); err == nil {
		t.Error("HTTPS fell to HTTP")
	}
	if _, err := New(Options{Plain: true}).chain(down); err != nil {
		t.Errorf("where the user allowed it: %v", err)
	}
	if first, err := New(Options{}).chain(chain("http://r.example.com/", "https://r.example.com/")); err != nil || first.URL.Scheme != "http" {
		t.Errorf("HTTP rose to HTTPS: %v", err)
	}
}
