package notify_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/egress"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/notify"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/server/stream"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// world is a service whose messages somebody receives.
type world struct {
	t   *testing.T
	svc *stream.Service
	n   *notify.Notifier
	url string

	mu     sync.Mutex
	now    time.Time
	got    []received
	answer int // of the receiver
}

type received struct {
	header http.Header
	body   []byte
	notify.Message
}

func start(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC), answer: 204}
	st, err := store.Open(t.Context(), store.Options{Dir: filepath.Join(t.TempDir(), "data"), Now: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	srv := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		m := received{header: r.Header, body: b}
		_ = json.Unmarshal(b, &m.Message) // Slack's has other fields
		w.mu.Lock()
		defer w.mu.Unlock()
		w.got = append(w.got, m)
		out.WriteHeader(w.answer)
	}))
	t.Cleanup(srv.Close)
	w.url = srv.URL + "/hook/path-secret"
	log := slog.New(slog.DiscardHandler)
	w.svc = &stream.Service{Store: st, Index: index.New(db.NewStack(), w.clock), Log: log}
	w.n = &notify.Notifier{
		Store: st, Index: w.svc.Index, Log: log, Client: egress.New(egress.Options{Limits: egress.Limits{Tries: 1}}).Client(),
		Own: egress.New(egress.Options{Own: true, Plain: true, Limits: egress.Limits{Tries: 1}}).Client(), Allowed: []string{"127.0.0.1:" + port(srv.URL)}, Version: "test",
	}
	return w
}

func port(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }

func (w *world) clock() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now }

func (w *world) pass(d time.Duration) { w.mu.Lock(); defer w.mu.Unlock(); w.now = w.now.Add(d) }

func (w *world) hook(h store.Webhook) {
	w.t.Helper()
	if h.URL == "" {
		h.URL = w.url
	}
	h.Secret = secret
	err := w.svc.Store.Change(w.t.Context(), func(tx *store.Tx) error {
		n, err := tx.Emit(w.t.Context(), store.Event{Kind: store.WebhookChanged, Subject: h.ID}, store.None)
		if err != nil {
			return err
		}
		h.Since = n
		return tx.PutWebhook(w.t.Context(), h, n)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.step() // the first mark
}

func (w *world) add(ref, env string, packages ...string) {
	w.t.Helper()
	inv := &sbom.Inventory{}
	for _, p := range packages {
		inv.Packages = append(inv.Packages, sbom.Package{Type: "npm", Name: p, Version: "1.0.0"})
	}
	inv.Sort()
	if _, err := w.svc.AddImage(w.t.Context(), store.NewImage{Ref: ref, Inventory: inv, Facts: store.Facts{Env: env}}); err != nil {
		w.t.Fatal(err)
	}
	w.work()
}

func (w *world) work() {
	w.t.Helper()
	for more := true; more; {
		var err error
		if more, err = w.svc.Step(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) advise(day int, fixed string, names ...string) {
	w.t.Helper()
	var affected []string
	for _, n := range names {
		fix := ""
		if fixed != "" {
			fix = fmt.Sprintf(`,{"fixed":%q}`, fixed)
		}
		affected = append(affected, fmt.Sprintf(`{"package":{"ecosystem":"npm","name":%q},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}%s]}]}`, n, fix))
	}
	w.line(fmt.Sprintf(`{"id":"GHSA-aaaa-bbbb-cccc","modified":"2026-11-%02dT00:00:00Z","aliases":["CVE-2026-0001"],"summary":"<!channel> @all bad","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"affected":[%s]}`,
		day, strings.Join(affected, ",")))
}

func (w *world) line(s string) {
	w.t.Helper()
	if _, err := w.svc.Advise(w.t.Context(), strings.NewReader(s)); err != nil {
		w.t.Fatal(err)
	}
	w.work()
}

func (w *world) step() {
	w.t.Helper()
	if err := w.n.Step(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// told is what was received since the last time.
func (w *world) told() []received {
	w.t.Helper()
	w.step()
	w.mu.Lock()
	defer w.mu.Unlock()
	got := w.got
	w.got = nil
	return got
}

func (w *world) none(why string) {
	w.t.Helper()
	if got := w.told(); len(got) != 0 {
		w.t.Errorf("%s: %s", why, got[0].body)
	}
}

// TestOnlyWhatMatters: an image that comes in tells nothing, nor does what has no fix;
// a fix does, once for all images and packages, of what runs or is the newest.
func TestOnlyWhatMatters(t *testing.T) {
	w := start(t)
	w.add("acme/web:0", "prod", "left", "right")
	w.hook(store.Webhook{ID: "h", Format: "json"})
	w.add("acme/web:1", "prod", "left", "right")
	w.add("acme/web:2", "", "left", "right", "up")
	w.add("acme/api:1", "staging", "right", "down")
	w.none("images came in")
	w.advise(1, "", "left", "right")
	w.none("there is no fix")
	w.advise(2, "2.0.0", "left", "right")
	got := w.told()
	if len(got) != 1 {
		t.Fatalf("%d messages", len(got))
	}
	m := got[0].Message
	refs := map[string]bool{}
	for _, i := range m.Images {
		refs[i.Ref] = true
	}
	if m.Type != notify.TypeVulnerability || m.ID != "CVE-2026-0001" || m.Total != 2 || !refs["acme/web:2"] || !refs["acme/api:1"] || len(m.Packages) != 2 || m.Packages[0].FixedIn != "2.0.0" || m.Severity != "critical" || m.Advisory != "GHSA-aaaa-bbbb-cccc" {
		t.Errorf("%s", got[0].body)
	}
	w.none("nothing happened since")
	w.line(`{"id":"CVE-2026-0001","epss":{"score":0.5,"percentile":0.9,"date":"2026-11-03"}}`)
	w.none("a score changed")
	w.line(`{"id":"CVE-2026-0001","kev":{"added":"2026-11-04"}}`)
	if got := w.told(); len(got) != 1 || !got[0].KnownExploited {
		t.Errorf("it is exploited, and %d messages came", len(got))
	}
	w.add("acme/web:3", "", "left")
	w.none("an image came in with what is known")
	w.line(`{"id":"GHSA-aaaa-bbbb-cccc","modified":"2026-11-09T00:00:00Z","withdrawn":"2026-11-09T00:00:00Z"}`)
	w.none("it was taken back")
}

// TestUnlessAskedOtherwise: each wish widens or narrows what is told.
func TestUnlessAskedOtherwise(t *testing.T) {
	for name, c := range map[string]struct {
		wants store.Wants
		fixed string
		total int // images; 0: no message
	}{
		"newest":   {store.Wants{}, "2.0.0", 1},
		"older":    {store.Wants{Older: true}, "2.0.0", 2},
		"unfixed":  {store.Wants{Unfixed: true}, "", 1},
		"no fix":   {store.Wants{}, "", 0},
		"env":      {store.Wants{Env: "prod"}, "2.0.0", 1},
		"none":     {store.Wants{Env: "staging"}, "2.0.0", 0},
		"severity": {store.Wants{Severity: "critical"}, "2.0.0", 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			w.add("acme/web:1", "prod", "left")
			w.add("acme/web:2", "prod", "left", "right")
			w.hook(store.Webhook{ID: "h", Format: "json", Wants: c.wants})
			w.advise(1, c.fixed, "left")
			got := w.told()
			if c.total == 0 && len(got) > 0 || c.total > 0 && (len(got) != 1 || got[0].Total != c.total) {
				t.Errorf("%d messages: %+v", len(got), got)
			}
		})
	}
	w := start(t)
	w.advise(1, "2.0.0", "left")
	w.hook(store.Webhook{ID: "h", Format: "json", Wants: store.Wants{Pushed: true}})
	w.add("acme/web:1", "prod", "left")
	if got := w.told(); len(got) != 1 || got[0].Type != notify.TypeImage || got[0].Images[0].Critical != 1 {
		t.Errorf("an image came in: %+v", got)
	}
}

// TestExceptedIsNotTold: what an exception covers is nobody's news.
func TestExceptedIsNotTold(t *testing.T) {
	w := start(t)
	w.add("acme/web:1", "prod", "left")
	w.hook(store.Webhook{ID: "h", Format: "json"})
	err := w.svc.Store.Change(t.Context(), func(tx *store.Tx) error {
		n, err := tx.Emit(t.Context(), store.Event{Kind: store.ExceptionChanged, Subject: "e"}, store.None)
		if err != nil {
			return err
		}
		return tx.PutException(t.Context(), store.Exception{ID: "e", Vuln: "CVE-2026-0001", State: "accepted", Reason: "x"}, n)
	})
	if err != nil {
		t.Fatal(err)
	}
	w.advise(1, "2.0.0", "left")
	w.none("an exception covers it")
}

// TestSignedAndTriedAgain: a message is signed; one that fails comes again under its
// id with growing pauses, and is dead in the end; a retry brings it.
func TestSignedAndTriedAgain(t *testing.T) {
	w := start(t)
	w.add("acme/web:1", "prod", "left")
	w.hook(store.Webhook{ID: "h", Format: "json"})
	w.answer = 500
	w.advise(1, "2.0.0", "left")
	got := w.told()
	if len(got) != 1 {
		t.Fatalf("%d messages", len(got))
	}
	id := got[0].header.Get("Webhook-Id")
	verify(t, got[0])
	w.none("its pause is not over")
	var pauses []time.Duration
	for n, at := 2, w.clock(); n <= 10; n++ {
		var again []received
		for range 10_000 {
			w.pass(time.Second)
			if again = w.told(); len(again) > 0 {
				break
			}
		}
		if len(again) != 1 || again[0].header.Get("Webhook-Id") != id {
			t.Fatalf("try %d: %d messages", n, len(again))
		}
		verify(t, again[0])
		pauses = append(pauses, w.clock().Sub(at))
		at = w.clock()
	}
	if pauses[0] < 8*time.Second || pauses[0] > 13*time.Second || pauses[3] < 4*pauses[0] || pauses[8] > 73*time.Minute {
		t.Errorf("%v", pauses)
	}
	w.pass(24 * time.Hour)
	w.none("it is dead")
	jobs, err := w.svc.Store.Jobs(t.Context(), store.JobMessage, 10)
	if err != nil || len(jobs) != 1 || jobs[0].State != store.JobDead || jobs[0].Tries != 10 || !strings.Contains(jobs[0].Problem, "500") || strings.Contains(jobs[0].Problem, "path-secret") {
		t.Fatalf("%+v %v", jobs, err)
	}
	w.answer = 200
	if err := w.svc.Store.Change(t.Context(), func(tx *store.Tx) error {
		ok, err := tx.RetryJob(t.Context(), store.JobMessage, id)
		if !ok {
			t.Error("it is not tried again")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if got := w.told(); len(got) != 1 || got[0].header.Get("Webhook-Id") != id {
		t.Errorf("%d messages", len(got))
	}
	w.none("it arrived")
}

func verify(t *testing.T, r received) {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	h := hmac.New(sha256.New, key)
	fmt.Fprintf(h, "%s.%s.%s", r.header.Get("Webhook-Id"), r.header.Get("Webhook-Timestamp"), r.body)
	if want := "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil)); r.header.Get("Webhook-Signature") != want {
		t.Errorf("signature %q, want %q", r.header.Get("Webhook-Signature"), want)
	}
	h = hmac.New(sha256.New, []byte(secret))
	h.Write(r.body)
	if want := "sha256=" + hex.EncodeToString(h.Sum(nil)); r.header.Get("X-Hub-Signature-256") != want {
		t.Errorf("signature %q, want %q", r.header.Get("X-Hub-Signature-256"), want)
	}
}

// TestNoMessageIsLost: processes are killed before and after each step, and two make
// messages at once: every message comes, under one id.
func TestNoMessageIsLost(t *testing.T) {
	w := start(t)
	w.add("acme/web:1", "prod", "left")
	w.hook(store.Webhook{ID: "h", Format: "json"})
	w.advise(1, "2.0.0", "left")
	other := *w.n
	other.Index = index.New(db.NewStack(), w.clock)
	var both sync.WaitGroup
	for _, n := range []*notify.Notifier{w.n, &other} {
		both.Go(func() {
			if err := n.Gather(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	j, err := w.svc.Store.ClaimJob(t.Context(), store.JobMessage, time.Minute) // by a process that is killed then
	if err != nil || j == nil {
		t.Fatalf("%v %v", j, err)
	}
	w.none("another has it")
	w.pass(2 * time.Minute)
	if got := w.told(); len(got) != 1 || got[0].header.Get("Webhook-Id") != j.ID {
		t.Errorf("%d messages", len(got))
	}
	if err := w.svc.Store.EndJob(t.Context(), j, store.JobWaiting, w.clock(), "slow"); err != store.ErrDone { //nolint:errorlint // as it is
		t.Errorf("what was done by another begins again: %v", err)
	}
	w.none("it arrived")
}

// TestAddresses: nothing is sent to this machine or to link-local addresses, whatever
// the name: what a connection leads to decides.
func TestAddresses(t *testing.T) {
	w := start(t)
	host, _, err := net.SplitHostPort(strings.TrimPrefix(strings.Split(w.url, "/hook")[0], "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		"https://localhost/x", "https://127.0.0.1:1/x", "https://[::1]/x", "https://[::ffff:127.0.0.1]/x", "https://169.254.169.254/latest", "https://[fe80::1]/x",
		"https://0.0.0.0/x", "http://hooks.example/x", "ftp://hooks.example/x", "https://u:p@hooks.example/", "https:hooks.example", "//hooks.example/x", "",
	} {
		if err := w.n.Judge(bad); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
	for _, good := range []string{w.url, "https://hooks.example/x", "https://10.0.0.1/x"} {
		if err := w.n.Judge(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	// A name that leads here after DNS.
	w.n.Client = egress.New(egress.Options{Limits: egress.Limits{Tries: 1}, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(host, port(strings.Split(w.url, "/hook")[0])))
	}}).Client()
	w.add("acme/web:1", "prod", "left")
	w.hook(store.Webhook{ID: "h", URL: "https://hooks.example/path-secret", Format: "json"})
	w.advise(1, "2.0.0", "left")
	w.none("the name leads to this machine")
	jobs, err := w.svc.Store.Jobs(t.Context(), store.JobMessage, 10)
	if err != nil || len(jobs) != 1 || jobs[0].State != store.JobDead || !strings.Contains(jobs[0].Problem, "loopback") || strings.Contains(jobs[0].Problem, "path-secret") {
		t.Errorf("%+v %v", jobs, err)
	}
}

// TestSlackIsQuiet: what strangers named calls nobody and links nowhere.
func TestSlackIsQuiet(t *testing.T) {
	w := start(t)
	w.add("acme/web:1<!here>", "prod", "left")
	w.hook(store.Webhook{ID: "h", Format: "slack"})
	w.advise(1, "2.0.0", "left")
	got := w.told()
	if len(got) != 1 {
		t.Fatalf("%d messages", len(got))
	}
	var m map[string]string
	if err := json.Unmarshal(got[0].body, &m); err != nil || len(m) != 1 {
		t.Fatalf("%s", got[0].body)
	}
	for _, bad := range []string{"<!", "@all", "<http"} {
		if strings.Contains(m["text"], bad) {
			t.Errorf("%q in %s", bad, m["text"])
		}
	}
	if !strings.Contains(m["text"], "CVE-2026-0001 (critical) in 1 image: left fixed in 2.0.0") || !strings.Contains(m["text"], "acme/web:1&lt;!here&gt; in prod") {
		t.Errorf("%s", m["text"])
	}
}
