package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/egress"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// trouble is why a message did not arrive. It never has the webhook's address: in that
// of a chat, the path is the secret.
type trouble struct {
	says  string
	final bool          // trying again is of no use
	wait  time.Duration // that the other side asked for
}

// post sends a message; nil: it arrived.
func (n *Notifier) post(ctx context.Context, hook *store.Webhook, id string, m *Message) *trouble {
	u, own, err := n.judge(hook.URL)
	if err != nil {
		return &trouble{says: err.Error(), final: true}
	}
	body, err := m.encode(hook.Format)
	if err != nil {
		return &trouble{says: err.Error(), final: true}
	}
	ctx = egress.With(ctx, egress.Ask{What: "the answer of a webhook", Max: 1 << 20})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return &trouble{says: "the address is none", final: true}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "drydock/"+n.Version)
	for k, v := range Signatures(hook.Secret, id, n.Store.Now(), body) {
		req.Header.Set(k, v)
	}
	client := n.Client
	if own {
		client = n.Own
	}
	res, err := client.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		var address *egress.AddressError
		return &trouble{says: err.Error(), final: errors.As(err, &address)}
	}
	defer res.Body.Close() //nolint:errcheck // read only
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	if res.StatusCode >= 200 && res.StatusCode < 300 {
		return nil
	}
	return &trouble{
		says: "it answered " + strconv.Itoa(res.StatusCode) + " " + http.StatusText(res.StatusCode),
		// Gone is a wish to hear nothing more; a redirect is not followed, as its
		// target did not ask for the message.
		final: res.StatusCode == http.StatusGone || res.StatusCode >= 300 && res.StatusCode < 400,
		wait:  min(egress.RetryAfter(res, n.Store.Now()), longest),
	}
}

// pause is how long a message waits after so many tries, each time twice as long and
// a little random, so that messages that failed together do not come together again.
func (n *Notifier) pause(tries int) time.Duration {
	d := n.Pause
	if d == 0 {
		d = 10 * time.Second
	}
	d = min(d<<min(tries-1, 20), longest)
	return d - d/5 + rand.N(d*2/5+1) //nolint:gosec // not a secret
}

// Signatures are the headers that prove who sent a message, and that it is whole:
// those of Standard Webhooks, which cover its id and time too, and the body's own as
// GitHub's webhooks have it.
func Signatures(secret, id string, at time.Time, body []byte) map[string]string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	return map[string]string{
		"Webhook-Id": id, "Webhook-Timestamp": stamp,
		"Webhook-Signature":   "v1," + base64.StdEncoding.EncodeToString(mac(key(secret), []byte(id+"."+stamp+"."), body)),
		"X-Hub-Signature-256": "sha256=" + hex.EncodeToString(mac([]byte(secret), body)),
	}
}

// key are the bytes of a secret: what follows "whsec_" is base64.
func key(secret string) []byte {
	if s, ok := strings.CutPrefix(secret, "whsec_"); ok {
		if b, err := base64.StdEncoding.DecodeString(s); err == nil {
			return b
		}
	}
	return []byte(secret)
}

func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// Judge reports what is wrong with the address of a webhook.
func (n *Notifier) Judge(address string) error {
	_, _, err := n.judge(address)
	return err
}

// judge reads an address; own tells that it may be of this machine.
func (n *Notifier) judge(address string) (u *url.URL, own bool, err error) {
	u, err = url.Parse(address)
	if err != nil || u.Host == "" || u.Opaque != "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return nil, false, errors.New("the address is not one of HTTPS without a user")
	}
	name := u.Hostname()
	own = slices.ContainsFunc(n.Allowed, func(a string) bool {
		host, port, err := net.SplitHostPort(a)
		if err != nil {
			host, port = a, u.Port()
		}
		return strings.EqualFold(host, name) && port == u.Port()
	})
	if own {
		return u, true, nil
	}
	if zone, known := egress.HostZone(u.Host); known && zone >= egress.Loopback {
		return nil, false, fmt.Errorf("%s is a %s address; --webhook-host allows it", name, zone)
	}
	if u.Scheme != "https" {
		return nil, false, fmt.Errorf("what %s is told would not be encrypted; --webhook-host allows it", name)
	}
	return u, false, nil
}

// Shown is an address without what of it is a secret.
func Shown(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "…"
	}
	if len(u.Path) <= 1 && u.RawQuery == "" {
		return u.Scheme + "://" + u.Host + "/"
	}
	return u.Scheme + "://" + u.Host + "/…"
}
