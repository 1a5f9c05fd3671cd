package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/egress"
	"github.com/drydock-dev/drydock/internal/policy/admission"
	"github.com/drydock-dev/drydock/internal/server/api"
	"github.com/drydock-dev/drydock/internal/server/bus"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/notify"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/server/stream"
	"github.com/drydock-dev/drydock/internal/server/web"
	"github.com/drydock-dev/drydock/internal/vuln/feed"
)

// Role is what a process does.
type Role string

// The roles.
const (
	All    Role = "all"
	Web    Role = "web"    // answers, and does no tasks
	Worker Role = "worker" // does tasks, and answers nothing
)

// Roles lists them.
func Roles() []Role { return []Role{All, Web, Worker} }

// Options say how to serve.
type Options struct {
	Data      string // folder of the state and of the token
	DB        string // address of PostgreSQL; empty: SQLite in Data
	NATS      string // address of NATS, whose stream brings tasks; empty: the database is asked for them
	Listen    string
	Socket    string // file of a Unix socket at which it answers, too; empty: none
	Role      Role
	Cert, Key string   // files; needed beyond loopback
	Hosts     []string // names that the service answers to
	Updater   *feed.Updater
	Every     time.Duration // how often the updater fetches; 0: never
	Webhooks  Webhooks
	// Registries are hosts that images are pulled from, and Pull looks at one there.
	Registries []string
	Pull       func(ctx context.Context, at string) (store.NewImage, error)
	Recommend  api.Recommender
	Policies   []admission.Standard // that images are held to; nil: the built-in ones
	User       disk.User
	Now        func() time.Time
	Version    string
	Log        *slog.Logger
	// Ready is told where the service answers, and a link that opens a browser's
	// session once.
	Ready func(address, link string)
}

// Webhooks say how webhooks are told.
type Webhooks struct {
	Client, Own *http.Client // Own may connect to this machine, for the hosts that are allowed
	Allowed     []string     // hosts that may lie on this machine, and be told without encryption
}

// usage is a wish that cannot be, with what can.
type usage struct{ text, hint string }

func (e *usage) Error() string { return e.text }

// Hint says what to do instead.
func (e *usage) Hint() string { return e.hint }

// tokenFile is where the token lies in the data folder.
const tokenFile = "token"

// Token reads the token of a data folder; it is made where there is none.
func Token(dir string, user disk.User) (string, error) {
	path := filepath.Join(dir, tokenFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := user.MkdirAll(dir, 0o700); err != nil {
			return "", fmt.Errorf("data folder: %w", err)
		}
		token := disk.Random() + disk.Random()
		f, err := user.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return "", fmt.Errorf("token: %w", err)
		}
		_, err = f.WriteString(token + "\n")
		return token, errors.Join(err, f.Sync(), f.Close())
	}
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	if err := user.Private(path); err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	token := strings.TrimSpace(string(b))
	if len(token) < 20 {
		return "", &usage{path + " holds no token", "remove it, and the next start makes another"}
	}
	return token, nil
}

// Run serves until ctx ends, and then lets what is being answered end.
func Run(ctx context.Context, o Options) error {
	open, err := o.judge()
	if err != nil {
		return err
	}
	var ln net.Listener
	if o.Role != Worker {
		if ln, err = (&net.ListenConfig{}).Listen(ctx, "tcp", o.Listen); err != nil {
			return &usage{fmt.Sprintf("cannot listen on %s: %v", o.Listen, errors.Unwrap(err)), "--listen 127.0.0.1:PORT takes another port"}
		}
		defer ln.Close() //nolint:errcheck // the server closes it first
	}
	token, err := Token(o.Data, o.User)
	if err != nil {
		return err
	}
	st, err := store.Open(ctx, store.Options{Dir: o.Data, URL: o.DB, User: o.User, Now: o.Now})
	if err != nil {
		return err
	}
	defer func() {
		if err := st.Close(); err != nil {
			o.Log.Error("close the database", "reason", err)
		}
	}()
	rest, err := feed.Open(o.Updater.Dir, o.User)
	if err != nil {
		return err
	}
	f := &feeds{updater: o.Updater, user: o.User, every: o.Every, store: st, log: o.Log, now: o.Now, rest: rest}
	f.index = index.New(rest, o.Now)
	if o.Policies != nil {
		f.index.Hold(o.Policies)
	}
	svc := &stream.Service{Store: st, Index: f.index, Log: o.Log, Worker: fmt.Sprintf("%s-%d", host(), os.Getpid())}
	if o.NATS != "" {
		if svc.Bus, err = bus.Open(ctx, bus.Options{URL: o.NATS, Store: st, Log: o.Log}); err != nil {
			return err
		}
	}
	if err := svc.Index.Follow(ctx, st); err != nil {
		return err
	}
	work, ctx := errgroup.WithContext(ctx)
	if svc.Bus != nil {
		work.Go(func() error { return svc.Bus.Run(ctx) })
	}
	if o.Role == Web {
		work.Go(func() error { return svc.Watch(ctx) })
	} else {
		work.Go(func() error { return svc.Work(ctx) })
	}
	work.Go(func() error { return f.watch(ctx, o.Role != Web) })
	n := &notify.Notifier{
		Store: st, Index: f.index, Log: o.Log, Client: o.Webhooks.Client, Own: o.Webhooks.Own, Allowed: o.Webhooks.Allowed, Version: o.Version,
	}
	if o.Role != Web {
		work.Go(func() error { return n.Run(ctx) })
		work.Go(func() error { return record(ctx, &index.Recorder{Index: f.index, Store: st}, o.Log) })
		work.Go(func() error { return (&stream.Puller{Service: svc, Pull: o.Pull}).Run(ctx) })
	}
	if o.Role != Worker {
		a := &api.API{Service: svc, Guard: &api.Guard{Token: token, Hosts: o.Hosts, Closed: !open}, Log: o.Log, Version: o.Version, Feeds: f.list, Notifier: n, Registries: o.Registries, Recommend: o.Recommend}
		h := a.Handler((&web.Web{API: a, Index: svc.Index, Store: st, Log: o.Log}).Handler())
		work.Go(func() error { return o.answer(ctx, ln, o.Cert != "", h) })
		if o.Socket != "" {
			sock, err := socket(ctx, o.Socket)
			if err != nil {
				return err
			}
			work.Go(func() error { return o.answer(api.OverSocket(ctx), sock, false, h) })
		}
		code := disk.Random()
		a.Guard.Offer(code)
		address := o.scheme() + "://" + ln.Addr().String()
		if o.Ready != nil {
			o.Ready(address, address+"/open?code="+code)
		}
	} else if o.Ready != nil {
		o.Ready("", "")
	}
	err = work.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// judge refuses what is not safe; open tells that reading is free.
func (o *Options) judge() (open bool, err error) {
	o.Role = cmp.Or(o.Role, All)
	if !slices.Contains(Roles(), o.Role) {
		return false, &usage{fmt.Sprintf("--role %s: there is no such role", o.Role), "all, web or worker"}
	}
	if o.Role != All && o.DB == "" {
		return false, &usage{"--role " + string(o.Role) + " shares its work with others, and SQLite is one process's", "--db postgres://…"}
	}
	if (o.Cert == "") != (o.Key == "") {
		return false, &usage{"--tls-cert and --tls-key go together", ""}
	}
	if o.NATS != "" {
		if _, err := bus.Servers(o.NATS); err != nil {
			return false, err
		}
	}
	if o.Role == Worker {
		return false, nil
	}
	name, _, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return false, &usage{"--listen " + o.Listen + " is no address with a port", "--listen 127.0.0.1:8480"}
	}
	ip, err := netip.ParseAddr(name)
	open = name == "localhost" || err == nil && ip.IsLoopback()
	if !open && o.Cert == "" {
		return false, &usage{
			"--listen " + o.Listen + " can be reached from other machines, and nothing would be encrypted",
			"--tls-cert FILE and --tls-key FILE, or 127.0.0.1 behind a proxy that has a certificate",
		}
	}
	return open, nil
}

func (o *Options) scheme() string {
	if o.Cert != "" {
		return "https"
	}
	return "http"
}

// The limits of one connection.
const (
	headerWait = 10 * time.Second
	bodyWait   = 5 * time.Minute
	idleWait   = 2 * time.Minute
	goodbye    = 10 * time.Second
)

// socket listens at a Unix socket that only its owner may open. One that a process left
// behind that was killed is replaced; one at which somebody answers is not.
func socket(ctx context.Context, path string) (net.Listener, error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if errors.Is(err, syscall.EADDRINUSE) {
		if egress.Answers(ctx, path) {
			return nil, &usage{"--socket " + path + ": another process answers there", ""}
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
		ln, err = (&net.ListenConfig{}).Listen(ctx, "unix", path)
	}
	if err != nil {
		return nil, &usage{fmt.Sprintf("cannot listen at %s: %v", path, errors.Unwrap(err)), "--socket FILE in a folder that is there"}
	}
	return ln, os.Chmod(path, 0o600)
}

func (o *Options) answer(ctx context.Context, ln net.Listener, encrypted bool, h http.Handler) error {
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: headerWait, ReadTimeout: bodyWait, IdleTimeout: idleWait, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx }, // streams of events end with the service
		ErrorLog:    slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
		TLSConfig:   &tls.Config{MinVersion: tls.VersionTLS12},
	}
	ended := make(chan error, 1)
	go func() {
		if encrypted {
			ended <- s.ServeTLS(ln, o.Cert, o.Key)
		} else {
			ended <- s.Serve(ln)
		}
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
	defer cancel()
	if err := s.Shutdown(last); err != nil {
		return errors.Join(s.Close(), nil)
	}
	return nil
}

func host() string {
	name, err := os.Hostname()
	if err != nil {
		return "host"
	}
	return name
}
