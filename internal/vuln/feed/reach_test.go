package feed

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestWithoutNetwork: an update without a network says so soon, having asked
// each host at most twice.
func TestWithoutNetwork(t *testing.T) {
	for name, cause := range map[string]error{
		"no such host": &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}},
		"refused":      &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			u := &Updater{
				Dir: filepath.Join(t.TempDir(), "data"), Bases: Mirror("http://nowhere.invalid"), Backoff: 100 * time.Millisecond,
				Client: &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
					asked.Add(1)
					return nil, cause
				})},
			}
			begin := time.Now()
			_, err := u.Update(context.Background(), []string{"npm", "Debian", "alpine"}, true)
			if took := time.Since(begin); took > 3*time.Second {
				t.Errorf("it took %s", took)
			}
			var e *Error
			if err == nil || !errors.As(err, &e) || !strings.HasPrefix(e.Hint(), "no connection") {
				t.Errorf("%v", err)
			}
			// Sources are asked at the same time: each at most twice before one of them knows.
			first := asked.Load()
			if first == 0 || first > 14 {
				t.Errorf("asked %d times", first)
			}
			if _, err := u.Update(context.Background(), []string{"npm"}, false); err == nil || asked.Load() == first {
				t.Errorf("the next update did not ask again: %v", err)
			}
		})
	}
}

// TestHostThatAnswered is given all its retries.
func TestHostThatAnswered(t *testing.T) {
	up := newUpstream(t)
	up.whole(t)
	u := updater(t, up)
	var n atomic.Int32
	u.Client = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if k := n.Add(1); k > 1 && k < 5 {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("network is unreachable")}
		}
		return http.DefaultTransport.RoundTrip(r)
	})}
	if _, err := u.Update(context.Background(), []string{"npm", "alpine"}, false); err != nil {
		t.Error(err)
	}
}
