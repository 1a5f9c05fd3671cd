package egress

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// Limits bounds how long another side is waited for and how much it may send.
// A zero field has the default.
type Limits struct {
	Connect time.Duration // name, connection and TLS handshake together; 30 s
	Idle    time.Duration // nothing comes: no header, no further byte; 30 s
	Slack   time.Duration // waiting that an exchange has in hand beside its rate; 60 s
	Rate    int64         // least bytes per second of a body, once Slack is used up; 1 KiB
	Header  int64         // bytes of an answer's headers; 64 KiB
	Hops    int           // redirects that are followed; 5
	Tries   int           // times that a request is made where trouble may pass; 4
	Pause   time.Duration // before the second try, doubled before each further one; 500 ms
	Longest time.Duration // pause, whatever Retry-After says; 30 s
}

const (
	// defaultConnect limits the time until a connection is made, TLS included.
	defaultConnect = 30 * time.Second
	// defaultIdle limits the time in which nothing comes.
	defaultIdle = 30 * time.Second
	// defaultSlack limits the time of waiting beside the least rate.
	defaultSlack = 60 * time.Second
	// defaultRate limits how slow a document may come, in bytes per second.
	defaultRate = 1 << 10
	// defaultHeader limits the bytes of an answer's headers.
	defaultHeader = 64 << 10
	// defaultHops limits the redirects that are followed.
	defaultHops    = 5
	defaultTries   = 4
	defaultPause   = 500 * time.Millisecond
	defaultLongest = 30 * time.Second
	defaultBody    = 8 << 20
)

// BlobRate limits how slow a layer or an advisory download may come, in bytes per second. At this
// rate, 1 GiB takes 36 hours.
const BlobRate = 8 << 10

func (l Limits) withDefaults() Limits {
	return Limits{
		Connect: cmp.Or(l.Connect, defaultConnect), Idle: cmp.Or(l.Idle, defaultIdle),
		Slack: cmp.Or(l.Slack, defaultSlack), Rate: cmp.Or(l.Rate, defaultRate),
		Header: cmp.Or(l.Header, defaultHeader), Hops: cmp.Or(l.Hops, defaultHops),
		Tries: cmp.Or(l.Tries, defaultTries), Pause: cmp.Or(l.Pause, defaultPause), Longest: cmp.Or(l.Longest, defaultLongest),
	}
}

// Ask is what is wanted of the other side, for limits and for errors.
type Ask struct {
	What string // "the manifest of app:1"; "": the answer
	Max  int64  // bytes of the body at most; 0: 8 MiB
	Rate int64  // least bytes per second; 0: the transport's
}

// With begins an exchange: what is requested under the context shares one
// account of waiting, through redirects, retries and continuations. Within an
// exchange it is another ask on the same account.
func With(ctx context.Context, a Ask) context.Context {
	a.What = cmp.Or(a.What, "the answer")
	a.Max = cmp.Or(a.Max, defaultBody)
	x := &exchange{ask: a, account: &account{}}
	if outer, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		x.account = outer.account
	}
	return context.WithValue(ctx, exchangeKey{}, x)
}

type exchangeKey struct{}

// exchange is an ask and what it may cost.
type exchange struct {
	ask Ask
	*account
}

// account is how long may still be waited. Waiting draws on it, each byte that
// arrives pays in again, and it never holds more than Slack.
type account struct {
	mu     sync.Mutex
	opened bool
	left   time.Duration
	got    int64
	waited time.Duration
}

func exchangeOf(ctx context.Context) *exchange {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	x, _ := With(ctx, Ask{}).Value(exchangeKey{}).(*exchange)
	return x
}

// remains is how long may be waited now.
func (a *account) remains(l Limits) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open(l)
	return a.left
}

func (a *account) open(l Limits) {
	if !a.opened {
		a.opened, a.left = true, l.Slack
	}
}

// draw takes in that n bytes came after waiting for d, each second of which is
// paid for by rate bytes, and reports whether more may be waited for.
func (a *account) draw(l Limits, d time.Duration, n int, rate int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open(l)
	a.got, a.waited = a.got+int64(n), a.waited+d
	paid := time.Duration(float64(n) / float64(cmp.Or(rate, l.Rate)) * float64(time.Second))
	a.left = min(l.Slack, a.left-d+paid)
	return a.left > 0
}

func (a *account) sums() (got int64, waited time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.got, a.waited
}
