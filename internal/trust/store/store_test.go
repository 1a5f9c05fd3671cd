package store_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

const repository = "registry.example.com/me/app"

func today() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// yard is a repository that was begun, with all keys of its administrator.
type yard struct {
	t       testing.TB
	remote  store.Remote
	admin   ring
	root    []byte
	keys    map[string]trust.Key // by role
	signers map[string]trust.Key // by name
	rings   map[string]ring
	now     time.Time
}

func newYard(t testing.TB, m store.Remote) *yard {
	t.Helper()
	y := &yard{t: t, remote: m, admin: ring{}, keys: map[string]trust.Key{}, signers: map[string]trust.Key{}, rings: map[string]ring{}, now: today()}
	for _, role := range []string{trust.Root, trust.Targets, "online"} {
		y.keys[role] = y.admin.add(trust.ECDSA)
	}
	state := trust.State{}
	_, err := y.repository().Commit(t.Context(), state, y.admin, func(*trust.Assembly) (trust.Change, error) {
		return trust.Change{Root: y.firstRoot()}, nil
	})
	must(t, err)
	y.root = state[trust.Root]
	return y
}

func (y *yard) firstRoot() []trust.RootEdit {
	return []trust.RootEdit{
		{Role: trust.Root, Add: []trust.Key{y.keys[trust.Root]}},
		{Role: trust.Targets, Add: []trust.Key{y.keys[trust.Targets]}},
		{Role: trust.Snapshot, Add: []trust.Key{y.keys["online"]}},
		{Role: trust.Timestamp, Add: []trust.Key{y.keys["online"]}},
	}
}

func (y *yard) repository() *store.Repository {
	return &store.Repository{Name: repository, Remote: y.remote, Now: func() time.Time { return y.now }}
}

func (y *yard) state() trust.State { return trust.State{trust.Root: y.root} }

// addSigner has a new signer, with an online key of his own, delegated to.
func (y *yard) addSigner(name string) {
	y.t.Helper()
	own := ring{}
	key, online := own.add(trust.ECDSA), own.add(trust.Ed25519)
	y.signers[name], y.rings[name] = key, own
	_, err := y.repository().Commit(y.t.Context(), y.state(), y.admin, func(a *trust.Assembly) (trust.Change, error) {
		seq := a.Next()
		if s, ok := a.Signers()[name]; ok {
			seq = s.Seq
		}
		return trust.Change{
			Claims: map[string]trust.Claims{"": {Signers: map[string]trust.Delegate{
				name: {Seq: seq, At: y.now, Keys: []trust.Key{key}, Threshold: 1},
			}}},
			Root: []trust.RootEdit{
				{Role: trust.Snapshot, Add: []trust.Key{online}, Owner: name},
				{Role: trust.Timestamp, Add: []trust.Key{online}, Owner: name},
			},
		}, nil
	})
	must(y.t, err)
}

func digestOf(s string) finding.Digest { return finding.DigestOf([]byte(s)) }

// sign has a signer sign a tag as a digest.
func (y *yard) sign(ctx context.Context, keys ring, signer, tag string, d finding.Digest) (*store.Outcome, error) {
	var claims *trust.Claims
	return y.repository().Commit(ctx, y.state(), keys, func(a *trust.Assembly) (trust.Change, error) {
		if claims == nil {
			c := trust.Sign(tag, a.Next(), y.now, 500, []trust.Manifest{{Digest: d, Platform: "linux/amd64"}})
			claims = &c
		}
		return trust.Change{Claims: map[string]trust.Claims{signer: *claims}}, nil
	})
}

func (y *yard) view(state trust.State) *trust.View {
	y.t.Helper()
	v, err := y.repository().View(y.t.Context(), state)
	must(y.t, err)
	return v
}

func TestSignAndVerify(t *testing.T) {
	y := newYard(t, newMemory())
	y.addSigner("alice")
	y.addSigner("bob")
	state := y.state()
	if v := y.view(state).Judge("v1", digestOf("one")); v.Kind != "unsigned" {
		t.Errorf("before: %+v", v)
	}
	_, err := y.sign(t.Context(), y.rings["alice"], "alice", "v1", digestOf("one"))
	must(t, err)
	v := y.view(state)
	if got := v.Judge("v1", digestOf("one")); got.Kind != "verified" || len(got.Signers) != 1 || got.Signers[0] != "alice" {
		t.Errorf("signed: %+v", got)
	}
	if got := v.Judge("v1", digestOf("two")); got.Kind != "moved" || got.Digest != digestOf("one") {
		t.Errorf("moved: %+v", got)
	}
	_, err = y.sign(t.Context(), y.rings["bob"], "bob", "v1", digestOf("one"))
	must(t, err)
	if got := y.view(state).Judge("v1", digestOf("one")); strings.Join(got.Signers, " ") != "alice bob" {
		t.Errorf("both: %+v", got)
	}
	_, err = y.sign(t.Context(), y.rings["bob"], "bob", "v1", digestOf("two"))
	must(t, err)
	v = y.view(state)
	if got := v.Judge("v1", digestOf("one")); got.Kind != "moved" {
		t.Errorf("an older signature is not the tag's any more: %+v", got)
	}
	if got := v.Judge("", digestOf("one")); got.Kind != "verified" {
		t.Errorf("the digest is still signed: %+v", got)
	}
	// A snapshot's and a timestamp's keys are of either.
	if _, err := y.sign(t.Context(), ring{}, "alice", "v9", digestOf("x")); err == nil {
		t.Error("signed without a key")
	}
}

// TestManyWriters lets 50 signers sign at once, and 50 writers with one key: on
// a registry in memory whose answers come in any order, and on real ones.
func TestManyWriters(t *testing.T) {
	n := 50
	if testing.Short() {
		n = 8
	}
	all := kinds(t)
	all["memory"] = func(*testing.T) func() store.Remote {
		m := newMemory()
		m.slow = 3 * time.Millisecond
		return func() store.Remote { return m }
	}
	for kind, serve := range all {
		for name, one := range map[string]bool{"a key each": false, "one key": true} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				if testing.Short() && kind != "memory" {
					t.Skip("the one in memory does in short")
				}
				crowd(t, n, one, serve(t))
			})
		}
	}
}

func crowd(t *testing.T, n int, one bool, connect func() store.Remote) {
	y := newYard(t, connect())
	y.addSigner("alice")
	if !one {
		addMany(y, n)
	}
	var wg sync.WaitGroup
	rounds := make([]int, n)
	begun := time.Now()
	for i := range n {
		z := *y
		z.remote = connect()
		wg.Go(func() {
			signer := "alice"
			if !one {
				signer = fmt.Sprintf("signer%d", i)
			}
			out, err := z.sign(t.Context(), z.rings[signer], signer, fmt.Sprintf("v%d", i), digestOf(fmt.Sprint(i)))
			if err != nil {
				t.Error(err)
				return
			}
			rounds[i] = out.Rounds
		})
	}
	wg.Wait()
	took := time.Since(begun)
	v := y.view(y.state())
	lost := 0
	for i := range n {
		if got := v.Judge(fmt.Sprintf("v%d", i), digestOf(fmt.Sprint(i))); got.Kind != "verified" {
			lost++
		}
	}
	listed, err := y.remote.AllTags(t.Context())
	must(t, err)
	t.Logf("%d writers, %s: %d lost, %d rounds at most, %d documents", n, took.Round(time.Millisecond), lost, slices.Max(rounds), len(listed))
	if lost > 0 {
		t.Errorf("%d signatures are lost", lost)
	}
}

// addMany adds signers in one change.
func addMany(y *yard, n int) {
	signers := map[string]trust.Delegate{}
	var edits []trust.RootEdit
	for i := range n {
		name, own := fmt.Sprintf("signer%d", i), ring{}
		key, online := own.add(trust.ECDSA), own.add(trust.ECDSA)
		y.rings[name] = own
		signers[name] = trust.Delegate{Seq: 1000, At: y.now, Keys: []trust.Key{key}, Threshold: 1}
		for _, role := range []string{trust.Snapshot, trust.Timestamp} {
			edits = append(edits, trust.RootEdit{Role: role, Add: []trust.Key{online}, Owner: name})
		}
	}
	_, err := y.repository().Commit(y.t.Context(), y.state(), y.admin, func(*trust.Assembly) (trust.Change, error) {
		return trust.Change{Claims: map[string]trust.Claims{"": {Signers: maps.Clone(signers)}}, Root: edits}, nil
	})
	must(y.t, err)
}
