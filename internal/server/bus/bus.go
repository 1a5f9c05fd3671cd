package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// Options say which stream is used, and for which database.
type Options struct {
	URL   string // of one or several servers: nats://a,nats://b
	Store *store.Store
	Log   *slog.Logger
	Lease time.Duration // after which a pointer of a worker that was killed is given again; 0: a minute
	Check time.Duration // how often the stream is compared with the tasks; 0: five seconds
}

// Bus is the connection to the stream. It is safe for concurrent use.
type Bus struct {
	opt    Options
	id     string // of the database: several may share a NATS
	conn   *nats.Conn
	js     jetstream.JetStream
	stream jetstream.Stream
	lanes  [lanes]jetstream.Consumer
	turn   int
	shows  string // the servers, without secrets

	committed chan []store.Emitted
	poke      chan struct{}

	mu     sync.Mutex
	up     bool
	since  time.Time
	why    string
	poison int
	last   string // what was wrong with the last poisonous one
}

// State is how the stream does.
type State struct {
	Servers string    `json:"servers"` // without passwords
	Up      bool      `json:"up"`
	Since   time.Time `json:"since"`
	Problem string    `json:"problem,omitempty"`
	Poison  int       `json:"poison"` // messages that nobody could read, since the process began
	Last    string    `json:"lastPoison,omitempty"`
}

// refusal is an address that cannot be one.
type refusal struct{ text, hint string }

func (e *refusal) Error() string { return e.text }

// Hint says what would be.
func (e *refusal) Hint() string { return e.hint }

// streamFact names the database among others on the same NATS.
const streamFact = "stream"

// Servers are the servers that an address of NATS names, without passwords. It is an error if one of them cannot be.
func Servers(address string) ([]string, error) {
	var out []string
	for s := range strings.SplitSeq(address, ",") {
		u, err := url.Parse(strings.TrimSpace(s))
		if err != nil || u.Host == "" || u.Scheme != "nats" && u.Scheme != "tls" {
			return nil, &refusal{"the address of --nats is not one of NATS", "--nats nats://host:4222, or tls://host:4222"}
		}
		out = append(out, u.Scheme+"://"+u.Host)
	}
	return out, nil
}

// Open begins to connect. A server that does not answer is no error: the bus is not up
// until it does.
func Open(ctx context.Context, opt Options) (*Bus, error) {
	b := &Bus{opt: opt, committed: make(chan []store.Emitted, 1000), poke: make(chan struct{}, 1), since: opt.Store.Now(), why: "it is not connected yet"}
	shown, err := Servers(opt.URL)
	if err != nil {
		return nil, err
	}
	b.shows = strings.Join(shown, ",")
	if b.opt.Lease == 0 {
		b.opt.Lease = time.Minute
	}
	if b.opt.Check == 0 {
		b.opt.Check = 5 * time.Second
	}
	err = opt.Store.Change(ctx, func(tx *store.Tx) (err error) {
		b.id, err = tx.FactOnce(ctx, streamFact, disk.Random())
		return err
	})
	if err != nil {
		return nil, err
	}
	if b.conn, err = nats.Connect(opt.URL,
		nats.Name("drydock"), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.Timeout(3*time.Second),
		nats.ReconnectBufSize(-1), nats.PingInterval(5*time.Second), nats.MaxPingsOutstanding(2),
		nats.CustomReconnectDelay(func(tries int) time.Duration { return min(time.Duration(tries)*250*time.Millisecond, 5*time.Second) }),
		nats.ConnectHandler(func(*nats.Conn) { b.poked() }),
		nats.ReconnectHandler(func(*nats.Conn) { b.poked() }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { b.down(err) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { b.down(err) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { opt.Log.Debug("NATS", "reason", err) }),
	); err != nil {
		return nil, &refusal{"NATS: " + b.clean(err), "--nats nats://host:4222, or tls://host:4222"}
	}
	if b.js, err = jetstream.New(b.conn, jetstream.WithDefaultTimeout(3*time.Second)); err != nil {
		return nil, fmt.Errorf("NATS: %w", err)
	}
	if !b.conn.IsConnected() {
		if err := b.conn.LastError(); err != nil {
			b.why = b.clean(err)
		}
		opt.Log.Error("NATS does not answer yet: tasks are taken from the database", "servers", b.shows, "reason", b.why)
	} else {
		b.poked()
	}
	opt.Store.OnCommit(func(all []store.Emitted) {
		select {
		case b.committed <- all:
		default: // what is not published now is found to be missing later
			b.poked()
		}
	})
	return b, nil
}

// clean is an error without the passwords of addresses.
func (b *Bus) clean(err error) string {
	text := err.Error()
	for s := range strings.SplitSeq(b.opt.URL, ",") {
		if u, err := url.Parse(strings.TrimSpace(s)); err == nil && u.User != nil {
			text = strings.ReplaceAll(text, u.User.String()+"@", "")
		}
	}
	return text
}

func (b *Bus) poked() {
	select {
	case b.poke <- struct{}{}:
	default:
	}
}

// Up reports whether pointers come by the stream.
func (b *Bus) Up() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.up
}

// State tells how the stream does.
func (b *Bus) State() State {
	b.mu.Lock()
	defer b.mu.Unlock()
	return State{Servers: b.shows, Up: b.up, Since: b.since, Problem: b.why, Poison: b.poison, Last: b.last}
}

func (b *Bus) down(err error) {
	why := "the connection ended"
	if err != nil {
		why = b.clean(err)
	}
	b.mu.Lock()
	was := b.up
	b.why = why
	if b.up {
		b.up, b.since = false, b.opt.Store.Now()
	}
	b.mu.Unlock()
	if was {
		b.opt.Log.Error("NATS is away: tasks are taken from the database", "servers", b.shows, "reason", why)
		b.opt.Store.Wake()
	}
}

func (b *Bus) isUp() {
	b.mu.Lock()
	was := b.up
	if !b.up {
		b.up, b.why, b.since = true, "", b.opt.Store.Now()
	}
	b.mu.Unlock()
	if !was {
		b.opt.Log.Info("NATS is there: tasks come by its stream", "servers", b.shows)
		b.opt.Store.Wake()
	}
}

// lost tells that the stream or what reads it is not there, or does not answer.
func (b *Bus) lost(err error) {
	b.down(err)
	b.poked()
}

// poisoned takes a message off the stream that cannot be read: it points to nothing.
func (b *Bus) poisoned(msg jetstream.Msg, err error) {
	_ = msg.Ack()
	b.opt.Log.Warn("a message of the stream cannot be read; it is set aside", "subject", msg.Subject(), "reason", err)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.poison++
	b.last = err.Error()
}

// away reports errors of a stream that does not answer as it should.
func away(err error) bool { return err != nil && !errors.Is(err, context.Canceled) }
