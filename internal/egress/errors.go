package egress

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/drydock-dev/drydock/internal/secret"
)

// TimeoutError is another side that was waited for long enough.
type TimeoutError struct {
	Host   string
	What   string        // that was asked for
	Phase  Phase         // what was waited for
	Waited time.Duration // in this phase; of a slow body, in all
	Got    int64         // bytes of the body by then
}

// Phase is what an exchange was waiting for.
type Phase uint8

// The phases of an exchange.
const (
	Connecting Phase = iota // a connection and its TLS handshake
	Answering               // the headers of the answer
	Stalled                 // the next byte of the body
	Slow                    // the body, at its least rate
)

func (e *TimeoutError) Error() string {
	switch e.Phase {
	case Connecting:
		return fmt.Sprintf("no connection to %s within %s", e.Host, round(e.Waited))
	case Answering:
		return fmt.Sprintf("%s did not answer within %s when asked for %s", e.Host, round(e.Waited), e.What)
	case Stalled:
		return fmt.Sprintf("%s sent nothing for %s while reading %s", e.Host, round(e.Waited), e.What)
	}
	return fmt.Sprintf("%s is too slow: %d bytes in %s while reading %s", e.Host, e.Got, round(e.Waited), e.What)
}

// Cause is the package's own error within err, without the address that
// net/http puts before it; err itself where there is none.
func Cause(err error) error {
	var web *url.Error
	if !errors.As(err, &web) {
		return err
	}
	for _, own := range []any{new(*TimeoutError), new(*AddressError), new(*LimitError), new(*RedirectError), new(*OfflineError)} {
		if errors.As(web.Err, own) {
			return web.Err
		}
	}
	return err
}

func round(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(time.Second)
}

// Timeout makes it one in the sense of net.Error.
func (e *TimeoutError) Timeout() bool { return true }

// Temporary is the rest of net.Error.
func (e *TimeoutError) Temporary() bool { return true }

// Hint says what to do.
func (e *TimeoutError) Hint() string {
	if e.Phase == Connecting {
		return "check the network and the proxy settings (HTTPS_PROXY, NO_PROXY), or say --offline"
	}
	return "try again later; a proxy is taken from HTTPS_PROXY and NO_PROXY"
}

// AddressError is an address that the other side may not lead to.
type AddressError struct {
	Host   string // as it was spelled
	Addr   string // as it resolved; "" where a proxy resolves it
	Zone   Zone
	Origin string // the host that led there; the same as Host for the first address
}

func (e *AddressError) Error() string {
	at := ""
	if e.Addr != "" && e.Addr != hostname(e.Host) {
		at = " (" + e.Addr + ")"
	}
	if e.Host == e.Origin {
		return fmt.Sprintf("%s%s is not connected to: the address is %s", e.Host, at, e.Zone)
	}
	return fmt.Sprintf("%s leads to the %s address %s%s, which is not connected to", e.Origin, e.Zone, e.Host, at)
}

// Hint says what to do.
func (e *AddressError) Hint() string {
	switch {
	case e.Zone == Forbidden:
		return "no registry or download is served there: check the address, and who answers for " + e.Origin
	case e.Host == e.Origin:
		return "if that is meant, say --insecure-registry " + e.Host
	}
	return "a public address may not lead into a private network; a registry of your own is reached under its private address"
}

// LimitError is a body that is larger than what was asked for can be.
type LimitError struct {
	Host, What string
	Max        int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%s: %s sends more than %d bytes", e.What, e.Host, e.Max)
}

// RedirectError is a redirect that is not followed.
type RedirectError struct{ From, To, Why string }

func (e *RedirectError) Error() string {
	return fmt.Sprintf("%s redirects to %s: %s", e.From, secret.Redact(e.To), e.Why)
}

// OfflineError is a request that was not made.
type OfflineError struct{ Host string }

func (e *OfflineError) Error() string { return e.Host + " is not asked: no network is used" }

// Hint says what allows it.
func (e *OfflineError) Hint() string { return "leave out --offline, and unset DRYDOCK_OFFLINE" }
