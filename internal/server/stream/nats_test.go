package stream_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/drydock-dev/drydock/internal/server/bus"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/server/stream"
)

// natsServer is a real nats-server that can be killed and started again, with or
// without what it stored.
type natsServer struct {
	t        *testing.T
	program  string
	dir, url string
	port     string
	run      *exec.Cmd
}

func startNATS(t *testing.T) *natsServer {
	t.Helper()
	program, err := exec.LookPath("nats-server")
	if named := os.Getenv("DRYDOCK_NATS_SERVER"); named != "" {
		program, err = named, nil
	}
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("there is no nats-server")
		}
		t.Skip("there is no nats-server (Debian: nats-server), and DRYDOCK_NATS_SERVER names none")
	}
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	n := &natsServer{t: t, program: program, dir: filepath.Join(t.TempDir(), "jetstream"), port: port, url: "nats://127.0.0.1:" + port}
	n.start()
	t.Cleanup(n.kill)
	return n
}

func (n *natsServer) start() {
	n.t.Helper()
	n.run = exec.Command(n.program, "-a", "127.0.0.1", "-p", n.port, "-js", "-sd", n.dir)
	if err := n.run.Start(); err != nil {
		n.t.Fatal(err)
	}
	within(n.t, "nats-server answers", func() bool {
		c, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", "127.0.0.1:"+n.port)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

// kill ends it as a power cut would.
func (n *natsServer) kill() {
	if n.run != nil {
		_ = n.run.Process.Kill()
		_ = n.run.Wait()
		n.run = nil
	}
}

func (n *natsServer) forget() {
	n.t.Helper()
	if err := os.RemoveAll(n.dir); err != nil {
		n.t.Fatal(err)
	}
}

// on puts a bus beside a service, as the server does.
func (n *natsServer) on(s *stream.Service, lease time.Duration) *bus.Bus {
	n.t.Helper()
	b, err := bus.Open(n.t.Context(), bus.Options{URL: n.url, Store: s.Store, Log: s.Log, Lease: lease, Check: 300 * time.Millisecond})
	if err != nil {
		n.t.Fatal(err)
	}
	s.Bus, s.Lease, s.Poll = b, lease, 50*time.Millisecond
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = b.Run(ctx) })
	n.t.Cleanup(func() { stop(); wg.Wait() })
	return b
}

// working is a service with a bus that works until the test ends.
func (n *natsServer) working(opt store.Options, lease time.Duration) *stream.Service {
	n.t.Helper()
	s := service(n.t, opt, rest(n.t, killedRest()...))
	n.on(s, lease)
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Work(ctx) })
	n.t.Cleanup(func() { stop(); wg.Wait() })
	return s
}

func idle(t *testing.T, s *stream.Service) func() bool {
	return func() bool {
		n, err := s.Store.Waiting(t.Context())
		return err == nil && n == 0
	}
}

// asked does deeds from one to before another.
func asked(t *testing.T, s *stream.Service, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		do(t, s.AddImage, func(text string) error { _, err := s.Advise(t.Context(), strings.NewReader(text)); return err }, i)
	}
}

// asOne holds services on one database to what one service without a stream comes to.
func asOne(t *testing.T, n int, services ...*stream.Service) {
	t.Helper()
	calm := service(t, sqlite(t), rest(t, killedRest()...))
	asked(t, calm, 0, n)
	settle(t, calm)
	found := 0
	if err := calm.Store.Images(t.Context(), func(img store.Image) error {
		want := open(t, calm, img.ID)
		found += len(want)
		for _, s := range services {
			if d := cmp.Diff(want, open(t, s, img.ID)); d != "" {
				t.Errorf("%s (-one without a stream +with):\n%s", img.Ref, d)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if found == 0 {
		t.Error("nothing is found: the test says nothing")
	}
	events, err := services[0].Store.Events(t.Context(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, e := range events {
		keys := []string{string(e.Kind) + " " + e.Subject}
		if e.Kind == store.FindingsChanged {
			f, err := index.ReadBody(&e)
			if err != nil {
				t.Fatal(err)
			}
			keys = nil
			for _, part := range f.PartSet().ToArray() {
				keys = append(keys, fmt.Sprintln(e.Subject, f.Change, f.Package, part))
			}
		}
		for _, key := range keys {
			if seen[key] {
				t.Errorf("twice: %s", key)
			}
			seen[key] = true
		}
	}
}

// TestNATSBringsTheWork: tasks that one process commits come to workers of others by
// the stream, and the workers come to what one would.
func TestNATSBringsTheWork(t *testing.T) {
	n := startNATS(t)
	opt := postgres(t)
	web := service(t, opt, rest(t, killedRest()...))
	n.on(web, time.Minute)
	workers := []*stream.Service{n.working(opt, time.Minute), n.working(opt, time.Minute)}
	for _, s := range append(workers, web) {
		within(t, "the stream is up", s.Bus.Up)
	}
	asked(t, web, 0, deeds)
	within(t, "everything is done", idle(t, web))
	asOne(t, deeds, append(workers, web)...)
	nc, err := nats.Connect(n.url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for name := range js.StreamNames(t.Context()).Name() {
		s, err := js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		within(t, "the stream is empty", func() bool {
			info, err := s.Info(t.Context())
			return err == nil && info.State.Msgs == 0 && info.State.LastSeq >= deeds
		})
	}
}

// TestNATSGoesAwayAndComesBack kills nats-server while tasks come: the service says so,
// does them by the database, and takes the stream again when it is back.
func TestNATSGoesAwayAndComesBack(t *testing.T) {
	for _, loss := range []bool{false, true} {
		t.Run(fmt.Sprintf("its store is lost: %t", loss), func(t *testing.T) {
			n := startNATS(t)
			s := n.working(sqlite(t), time.Second)
			within(t, "the stream is up", s.Bus.Up)
			for round := range 3 {
				asked(t, s, 8*round, 8*round+4)
				n.kill()
				if loss {
					n.forget()
				}
				within(t, "the service knows that it is away", func() bool { return !s.Bus.Up() })
				if st := s.Bus.State(); st.Problem == "" || st.Since.IsZero() {
					t.Errorf("it says %+v", st)
				}
				asked(t, s, 8*round+4, 8*round+8)
				within(t, "everything is done without it", idle(t, s))
				n.start()
				within(t, "the stream is up again", s.Bus.Up)
			}
			asOne(t, 24, s)
		})
	}
}

// TestALostStreamIsRebuilt loses the stream with all pointers while nobody works: the
// tasks are published again, and are done once.
func TestALostStreamIsRebuilt(t *testing.T) {
	n := startNATS(t)
	opt := postgres(t)
	web := service(t, opt, rest(t, killedRest()...))
	n.on(web, time.Minute)
	within(t, "the stream is up", web.Bus.Up)
	asked(t, web, 0, deeds)
	n.kill()
	n.forget()
	within(t, "it is away", func() bool { return !web.Bus.Up() })
	n.start()
	within(t, "it is up again", web.Bus.Up)
	// A worker that only ever looks at the stream.
	worker := service(t, opt, rest(t, killedRest()...))
	n.on(worker, time.Minute)
	within(t, "the worker's is up", worker.Bus.Up)
	given := 0
	within(t, "all of it is given again", func() bool {
		all, err := worker.Bus.Take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i := range all {
			all[i].Later(time.Millisecond)
		}
		given += len(all)
		return given >= deeds
	})
	within(t, "everything is done", func() bool {
		if _, err := worker.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		return idle(t, worker)()
	})
	asOne(t, deeds, worker, web)
}

// TestPoisonOnTheStream: messages of strangers are set aside and said; a task that fails
// is tried again and then set aside, in the stream as in the database.
func TestPoisonOnTheStream(t *testing.T) {
	n := startNATS(t)
	s := service(t, sqlite(t), rest(t, killedRest()...))
	var log syncBuffer
	s.Log = slog.New(slog.NewTextHandler(&log, nil))
	n.on(s, 100*time.Millisecond)
	within(t, "the stream is up", s.Bus.Up)
	nc, err := nats.Connect(n.url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	name := ""
	for s := range js.StreamNames(t.Context()).Name() {
		name = s
	}
	subject := "drydock." + strings.TrimPrefix(name, "drydock-") + ".task."
	foreign := []string{"", "no pointer", `{"n":0}`, `{"n":1,"password":"x"}`, strings.Repeat("x", 3000), `{"n":9223372036854775807,"kind":"image.added","digest":""}`}
	for i, body := range foreign {
		if _, err := js.Publish(t.Context(), subject+[]string{"together", "prompt", "sweep"}[i%3], []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	bad := len(foreign) - 1 // the last can be read, and there is no such task
	step := func() {        // a step may find something to complain of
		if _, err := s.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	within(t, "what strangers sent is set aside", func() bool { step(); return s.Bus.State().Poison == bad })
	if out := log.String(); strings.Count(out, "it is set aside") != bad {
		t.Errorf("%s", out)
	}
	// A task that nobody can do: its body is none of a delta.
	if err := s.Store.Change(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Emit(t.Context(), store.Event{Kind: store.AdvisoryChanged, Subject: "broken", Body: []byte(`[]`)}, store.Prompt)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	within(t, "it is set aside", func() bool {
		step()
		aside, err := s.Store.SetAside(t.Context())
		return err == nil && len(aside) == 1 && aside[0].Tries == store.MaxTries && aside[0].Problem != ""
	})
	st, err := js.Stream(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	within(t, "the stream is empty", func() bool {
		step()
		info, err := st.Info(t.Context())
		return err == nil && info.State.Msgs == 0
	})
	img := add(t, s, "app:1", bookworm(deb("openssl", "3.0.5")))
	within(t, "what comes after is done", func() bool { step(); return len(s.Index.Findings(img.ID)) == 1 })
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// TestAKillWithNATSLosesNothing kills workers that have their tasks by the stream at
// many instants, and nats-server with them: nothing is lost, and every effect comes once.
func TestAKillWithNATSLosesNothing(t *testing.T) {
	if url := os.Getenv("DRYDOCK_TEST_NATS"); url != "" {
		s := service(t, store.Options{URL: os.Getenv("DRYDOCK_TEST_DB")}, rest(t, killedRest()...))
		(&natsServer{t: t, url: url}).on(s, 300*time.Millisecond)
		_ = s.Work(t.Context()) // until it is killed
		return
	}
	n := startNATS(t)
	opt := postgres(t)
	web := service(t, opt, rest(t, killedRest()...))
	n.on(web, 300*time.Millisecond)
	within(t, "the stream is up", web.Bus.Up)
	kills := 10
	if testing.Short() {
		kills = 4
	}
	for i := range kills {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(200+137*i%600)*time.Millisecond)
		c := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestAKillWithNATSLosesNothing$")
		c.Env = append(os.Environ(), "DRYDOCK_TEST_NATS="+n.url, "DRYDOCK_TEST_DB="+opt.URL, "DRYDOCK_TEST_N="+strconv.Itoa(i))
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		asked(t, web, i*deeds/kills, (i+1)*deeds/kills)
		if i%3 == 2 {
			n.kill()
			n.start()
		}
		_ = c.Wait()
		cancel()
	}
	last := n.working(opt, 300*time.Millisecond)
	within(t, "everything is done", idle(t, web))
	asOne(t, deeds, web, last)
}
