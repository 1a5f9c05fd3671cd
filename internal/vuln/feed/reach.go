package feed

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"

	"github.com/drydock-dev/drydock/internal/egress"
)

// reach remembers, for one update, which hosts answer. Without a network every
// document of every source would wait out its retries in turn.
type reach struct {
	mu    sync.Mutex
	hosts map[string]error // nil: it has answered
}

func (r *reach) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hosts = nil
}

func (r *reach) set(host string, err error) {
	if r.hosts == nil {
		r.hosts = map[string]error{}
	}
	r.hosts[host] = err
}

func (r *reach) answered(host string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.set(host, nil)
}

// fail notes that a host could not be reached, and reports whether that is final:
// one that has answered before may do so again.
func (r *reach) fail(host string, err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if have, ok := r.hosts[host]; ok && have == nil {
		return false
	}
	var web *url.Error
	if errors.As(err, &web) {
		err = web.Err // without the address of another document
	}
	r.set(host, fmt.Errorf("%s cannot be reached: %w", host, err))
	return true
}

// down is why a host is not asked any more; nil where it may be.
func (r *reach) down(host string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.hosts[host]
}

// unreached reports that no connection came about at all, or none that answers:
// no such host, refused, no network. What breaks later is another matter.
func unreached(err error) bool {
	var dns *net.DNSError
	var op *net.OpError
	var late *egress.TimeoutError
	if errors.As(err, &late) {
		return late.Phase == egress.Connecting || late.Phase == egress.Answering
	}
	return errors.As(err, &dns) || errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect")
}

func hostOf(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return ""
	}
	return u.Host
}
