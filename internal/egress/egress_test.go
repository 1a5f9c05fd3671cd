package egress

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// world is a network in memory: names, the addresses that they have, and what
// is served there. Under synctest its clock is not the machine's, so a test of
// thirty seconds takes none, and always comes out the same.
type world struct {
	mu    sync.Mutex
	names map[string]string // host -> IP; an IP is its own name
	serve map[string]func(net.Conn)
	dials []string
}

// wire is a connection whose other end has an address.
type wire struct {
	net.Conn
	at net.Addr
}

func (w wire) RemoteAddr() net.Addr { return w.at }

func (w *world) dial(ctx context.Context, _, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	ip := host
	if at, ok := w.names[host]; ok {
		ip = at
	}
	at := net.JoinHostPort(ip, port)
	w.dials = append(w.dials, at)
	serve := w.serve[at]
	w.mu.Unlock()
	addr, err := netip.ParseAddrPort(at)
	if err != nil {
		return nil, &net.DNSError{Name: host, Err: "no such host", IsNotFound: true}
	}
	if serve == nil {
		<-ctx.Done() // nobody answers
		return nil, ctx.Err()
	}
	here, there := net.Pipe()
	go serve(there)
	return wire{here, net.TCPAddrFromAddrPort(addr)}, nil
}

// handler serves HTTP at an address.
func handler(f http.HandlerFunc) func(net.Conn) {
	return func(c net.Conn) {
		defer c.Close()
		r := bufio.NewReader(c)
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			rec := &recorder{header: http.Header{}, conn: c}
			f(rec, req)
			if rec.taken {
				return
			}
			if rec.code == 0 {
				rec.code = http.StatusOK
			}
			var b bytes.Buffer
			fmt.Fprintf(&b, "HTTP/1.1 %d x\r\nContent-Length: %d\r\n", rec.code, rec.body.Len())
			_ = rec.header.Write(&b)
			b.WriteString("\r\n")
			b.Write(rec.body.Bytes())
			if _, err := c.Write(b.Bytes()); err != nil {
				return
			}
		}
	}
}

type recorder struct {
	header http.Header
	code   int
	body   bytes.Buffer
	conn   net.Conn
	taken  bool
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(c int)           { r.code = c }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

// raw answers with bytes of the test's own.
func (r *recorder) raw() net.Conn { r.taken = true; return r.conn }

func noProxy(*http.Request) (*url.URL, error) { return nil, nil }

// fetch reads one document.
func fetch(ctx context.Context, t *Transport, address string, a Ask) (string, error) {
	req, err := http.NewRequestWithContext(With(ctx, a), http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	resp, err := t.Client().Do(req)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(resp.Body)
	return string(b), errors.Join(err, resp.Body.Close())
}

// trickle writes s, then one byte every pause for ever.
func trickle(c net.Conn, s string, pause time.Duration) {
	_, err := io.WriteString(c, s)
	for err == nil {
		time.Sleep(pause)
		_, err = c.Write([]byte("x"))
	}
}

// TestNothingWaitsForEver lets a server stall and drip at every point of an
// exchange. Each ends by its limit, and says what it waited for.
func TestNothingWaitsForEver(t *testing.T) {
	head := "HTTP/1.1 200 OK\r\n"
	for name, c := range map[string]struct {
		serve func(net.Conn)
		phase Phase
		most  time.Duration
		say   string
	}{
		"no connection":    {nil, Connecting, defaultConnect, "no connection to r.example.com within 30s"},
		"no TLS handshake": {func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, Connecting, defaultConnect, "no connection to"},
		"no answer":        {func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, Answering, defaultIdle, "did not answer within 30s when asked for the manifest of app:1"},
		"dripping headers": {func(c net.Conn) { trickle(c, head+"X: ", 5*time.Second) }, Answering, defaultIdle, "did not answer"},
		"for ever 'continue'": {func(c net.Conn) {
			for err := error(nil); err == nil; time.Sleep(time.Second) {
				_, err = io.WriteString(c, "HTTP/1.1 103 Early Hints\r\n\r\n")
			}
		}, Answering, defaultIdle, "did not answer"},
		"a stalled body":            {func(c net.Conn) { _, _ = io.WriteString(c, head+"Content-Length: 100\r\n\r\nab") }, Stalled, defaultIdle, "r.example.com sent nothing for 30s while reading the manifest of app:1"},
		"a dripping body":           {func(c net.Conn) { trickle(c, head+"Content-Length: 1000000\r\n\r\n", 5*time.Second) }, Slow, defaultSlack + time.Second, "is too slow: 1"},
		"a dripping body, unending": {func(c net.Conn) { trickle(c, head+"\r\n", 29*time.Second) }, Slow, defaultSlack + time.Second, "is too slow"},
		"dripping chunks": {func(c net.Conn) {
			_, err := io.WriteString(c, head+"Transfer-Encoding: chunked\r\n\r\n")
			for err == nil {
				time.Sleep(5 * time.Second)
				_, err = io.WriteString(c, "1\r\nx\r\n")
			}
		}, Slow, defaultSlack + time.Second, "is too slow"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				w := &world{names: map[string]string{"r.example.com": "1.1.1.1"}, serve: map[string]func(net.Conn){}}
				scheme := "http"
				if name == "no TLS handshake" {
					scheme = "https"
				}
				if c.serve != nil {
					f := func(conn net.Conn) {
						if scheme == "http" {
							if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
								return
							}
						}
						c.serve(conn)
						<-ctx.Done()
						_ = conn.Close()
					}
					w.serve["1.1.1.1:80"], w.serve["1.1.1.1:443"] = f, f
				}
				tr := New(Options{Dial: w.dial, Proxy: noProxy})
				begun := time.Now()
				got, err := fetch(context.Background(), tr, scheme+"://r.example.com/v2/", Ask{What: "the manifest of app:1"})
				took := time.Since(begun)
				var late *TimeoutError
				if !errors.As(err, &late) || late.Phase != c.phase || !strings.Contains(err.Error(), c.say) || late.Hint() == "" {
					t.Errorf("%q, %v", got, err)
				}
				if took > c.most {
					t.Errorf("it took %s", took)
				}
				cancel()
				tr.CloseIdleConnections()
				time.Sleep(2 * time.Minute) // the transport's own guards end
			})
		})
	}
}

// TestPatienceHasARate: a body may take as long as its size allows, and what the
// caller does between two reads does not count.
func TestPatienceHasARate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 1 << 20
		w := &world{names: map[string]string{"r.example.com": "1.1.1.1"}, serve: map[string]func(net.Conn){}}
		w.serve["1.1.1.1:80"] = handler(func(rw http.ResponseWriter, _ *http.Request) {
			c := rw.(*recorder).raw()
			_, err := fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size)
			for n := 0; n < size && err == nil; n += 16 << 10 {
				time.Sleep(10 * time.Second) // 1.6 KiB per second: 640 s in all
				_, err = c.Write(make([]byte, 16<<10))
			}
		})
		tr := New(Options{Dial: w.dial, Proxy: noProxy})
		defer tr.CloseIdleConnections()
		if got, err := fetch(context.Background(), tr, "http://r.example.com/", Ask{}); err != nil || len(got) != size {
			t.Errorf("slow and steady: %d bytes, %v", len(got), err)
		}
		var late *TimeoutError
		if _, err := fetch(context.Background(), tr, "http://r.example.com/", Ask{Rate: BlobRate}); !errors.As(err, &late) || late.Phase != Slow || late.Got == 0 {
			t.Errorf("a blob at a fifth of its least rate: %v", err)
		}
		req, err := http.NewRequestWithContext(With(context.Background(), Ask{}), http.MethodGet, "http://r.example.com/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := tr.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		buf := make([]byte, 64<<10)
		for err == nil {
			time.Sleep(10 * time.Minute) // the reader is busy
			_, err = resp.Body.Read(buf)
		}
		if !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	})
}

// TestSizes: headers, bodies and what bodies unpack to are bounded, whatever
// their length is said to be.
func TestSizes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bomb bytes.Buffer
		z := gzip.NewWriter(&bomb)
		if _, err := z.Write(make([]byte, 4<<20)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		w := &world{names: map[string]string{"r.example.com": "1.1.1.1"}, serve: map[string]func(net.Conn){}}
		w.serve["1.1.1.1:80"] = handler(func(rw http.ResponseWriter, r *http.Request) {
			c := rw.(*recorder).raw()
			defer c.Close()
			switch r.URL.Path {
			case "/headers":
				_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n")
				for n := 0; err == nil; n++ {
					_, err = fmt.Fprintf(c, "X-%d: y\r\n", n)
				}
			case "/claims":
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nabc")
			case "/endless":
				_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
				for err == nil {
					_, err = c.Write(make([]byte, 4096))
				}
			case "/short":
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
			case "/bomb":
				_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", bomb.Len(), bomb.String())
			}
		})
		tr := New(Options{Dial: w.dial, Proxy: noProxy, Limits: Limits{Tries: 1}})
		for path, limited := range map[string]bool{"claims": true, "endless": true, "bomb": true, "headers": false, "short": false} {
			got, err := fetch(context.Background(), tr, "http://r.example.com/"+path, Ask{Max: 1 << 20})
			var limit *LimitError
			if err == nil || errors.As(err, &limit) != limited || len(got) > 1<<20 {
				t.Errorf("%s: %d bytes, %v", path, len(got), err)
			}
		}
		raw := New(Options{Dial: w.dial, Proxy: noProxy, Raw: true})
		if got, err := fetch(context.Background(), raw, "http://r.example.com/bomb", Ask{Max: 1 << 20}); err != nil || got != bomb.String() {
			t.Errorf("raw: %d bytes, %v", len(got), err)
		}
		tr.CloseIdleConnections()
		raw.CloseIdleConnections()
		time.Sleep(2 * time.Minute)
	})
}

// TestRetries: pauses are bounded whatever is asked for, and draw on the account.
func TestRetries(t *testing.T) {
	for name, c := range map[string]struct {
		after string
		most  time.Duration
		tries int
	}{
		"no word": {"", 4 * time.Second, 4}, "a minute": {"60", time.Minute, 2}, "for ever": {"99999999999", 4 * time.Second, 4},
		"a day": {"86400", time.Minute, 2}, "a date": {"Fri, 31 Dec 2100 23:59:59 GMT", time.Minute, 2}, "negative": {"-1", 4 * time.Second, 4},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				w := &world{names: map[string]string{"r.example.com": "1.1.1.1"}, serve: map[string]func(net.Conn){}}
				w.serve["1.1.1.1:80"] = handler(func(rw http.ResponseWriter, _ *http.Request) {
					asked++
					rw.Header().Set("Retry-After", c.after)
					rw.WriteHeader(http.StatusTooManyRequests)
				})
				tr := New(Options{Dial: w.dial, Proxy: noProxy})
				begun := time.Now()
				if _, err := fetch(context.Background(), tr, "http://r.example.com/", Ask{}); err != nil {
					t.Error(err)
				}
				if took := time.Since(begun); asked != c.tries || took > c.most {
					t.Errorf("asked %d times in %s", asked, took)
				}
				tr.CloseIdleConnections()
			})
		})
	}
}

// TestCancel: the caller's own end is no time-out.
func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{names: map[string]string{"r.example.com": "1.1.1.1"}, serve: map[string]func(net.Conn){}}
		hold, release := context.WithCancel(context.Background())
		w.serve["1.1.1.1:80"] = handler(func(rw http.ResponseWriter, _ *http.Request) {
			c := rw.(*recorder).raw()
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
			<-hold.Done()
		})
		tr := New(Options{Dial: w.dial, Proxy: noProxy})
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		begun := time.Now()
		_, err := fetch(ctx, tr, "http://r.example.com/", Ask{})
		var late *TimeoutError
		if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &late) || time.Since(begun) != 3*time.Second {
			t.Errorf("%v after %s", err, time.Since(begun))
		}
		release()
		tr.CloseIdleConnections()
	})
}

func TestOffline(t *testing.T) {
	w := &world{names: map[string]string{"r.example.com": "1.1.1.1"}}
	said := 0
	tr := New(Options{Dial: w.dial, Proxy: noProxy, Offline: true, Notice: func(string) { said++ }})
	var off *OfflineError
	if _, err := fetch(t.Context(), tr, "http://r.example.com/", Ask{}); !errors.As(err, &off) || off.Hint() == "" || len(w.dials) > 0 || said > 0 {
		t.Errorf("%v; dialled %v, said %d", err, w.dials, said)
	}
}
