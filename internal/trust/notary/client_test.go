package notary

import (
	"errors"
	"io"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/trust"
)

// TestSession signs, has signers, takes back and rotates, on our own server.
func TestSession(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	admin := y.person()
	must(t, y.sign(admin, "v1", "one"))
	r, err := admin.Update(t.Context())
	must(t, err)
	if got := r.Tags(); len(got) != 1 || got[0].Digest != digest("one") || len(got[0].Signers) != 0 {
		t.Fatalf("%+v", got)
	}

	alice := y.person()
	y.addSigner(admin, "alice", y.signerKey(alice, "alice"))
	must(t, y.sign(alice, "v2", "two"))
	if err := y.sign(admin, "v3", "three"); err == nil || !strings.Contains(err.Error(), "signers: alice") {
		t.Errorf("the administrator signs beside signers: %v", err)
	}
	r, err = admin.Update(t.Context())
	must(t, err)
	v := r.View()
	if got := v.Judge("v2", digest("two")); got.Kind != "verified" || got.Signers[0] != "alice" {
		t.Errorf("%+v", got)
	}
	if got := v.Judge("v2", digest("other")); got.Kind != "moved" {
		t.Errorf("%+v", got)
	}
	if got := v.Judge("v1", digest("one")); got.Kind != "verified" || got.Signers[0] != trust.Admin {
		t.Errorf("%+v", got)
	}
	if got := v.Judge("v9", digest("one")); got.Kind != "unsigned" {
		t.Errorf("%+v", got)
	}
	if got := v.Judge("", digest("two")); got.Kind != "verified" {
		t.Errorf("by digest: %+v", got)
	}

	_, err = alice.Change(t.Context(), false, func(d *Draft) error { return d.Unsign("v2") })
	must(t, err)
	must(t, y.sign(alice, "v4", "four"))
	for _, role := range []string{trust.Targets, trust.Snapshot, trust.Timestamp, trust.Root, trust.Root} {
		old := r.keys(role)
		if _, _, err := admin.Rotate(t.Context(), role); err != nil {
			t.Fatalf("rotate %s: %v", role, err)
		}
		if r, err = admin.Update(t.Context()); err != nil {
			t.Fatalf("after %s: %v", role, err)
		}
		if r.keys(role)[0].ID() == old[0].ID() {
			t.Errorf("%s has its old key", role)
		}
	}
	// One who saw the first root follows through all that came.
	r, err = alice.Update(t.Context())
	must(t, err)
	if got := r.View().Judge("v2", digest("two")); got.Kind != "unsigned" {
		t.Errorf("revoked: %+v", got)
	}
	if got := r.View().Judge("v4", digest("four")); got.Kind != "verified" {
		t.Errorf("%+v", got)
	}

	left := false
	_, err = admin.Change(t.Context(), false, func(d *Draft) (err error) {
		left, err = d.RemoveSigner("alice")
		return err
	})
	must(t, err)
	r, err = y.person().Update(t.Context())
	must(t, err)
	if got := r.View().Judge("v4", digest("four")); got.Kind != "unsigned" || left {
		t.Errorf("of a signer who was removed: %+v, left %v", got, left)
	}
	// The same signer again: the server remembers which versions there were.
	y.addSigner(admin, "alice", y.signerKey(alice, "alice"))
	must(t, y.sign(alice, "v5", "five"))
}

// TestSignerRemoved: what another signed too stays released, where that one's key is
// here; else nothing is until somebody signs.
func TestSignerRemoved(t *testing.T) {
	t.Parallel()
	for _, here := range []bool{true, false} {
		y := newYard(t)
		admin, alice, bob := y.person(), y.person(), y.person()
		y.addSigner(admin, "alice", y.signerKey(alice, "alice"))
		if here {
			bob = admin
		}
		y.addSigner(admin, "bob", y.signerKey(bob, "bob"))
		must(t, y.sign(alice, "both", "one"))
		must(t, y.sign(bob, "both", "one"))
		must(t, y.sign(alice, "own", "two"))
		left := false
		_, err := admin.Change(t.Context(), false, func(d *Draft) (err error) {
			left, err = d.RemoveSigner("alice")
			return err
		})
		must(t, err)
		r, err := y.person().Update(t.Context())
		must(t, err)
		if left == here {
			t.Errorf("bob's key here %v: left %v", here, left)
		}
		both, err := r.Judge("both", digest("one"))
		if kind, refused := trust.Refused(err); here && (err != nil || both.Kind != "verified") || !here && (!refused || kind != "signature") {
			t.Errorf("bob's key here %v: both is %+v, %v", here, both, err)
		}
		if own, err := r.Judge("own", digest("two")); err == nil && own.Kind != "unsigned" {
			t.Errorf("what alice alone signed is %+v", own)
		}
		must(t, y.sign(bob, "next", "three"))
		r, err = y.person().Update(t.Context())
		must(t, err)
		if got, err := r.Judge("next", digest("three")); err != nil || got.Kind != "verified" {
			t.Errorf("bob signs: %+v, %v", got, err)
		}
	}
}

// TestAttacks mounts each attack of a hostile server, or of who holds one stolen key.
func TestAttacks(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	admin := y.person()
	must(t, y.sign(admin, "v1", "one"))
	first := y.stored()
	must(t, y.sign(admin, "v1", "two"))
	second := y.stored()
	thief := newYard(t)
	must(t, thief.sign(thief.person(), "v1", "evil"))
	foreign := thief.stored()

	with := func(st State, role string, b []byte) State {
		out := maps.Clone(st)
		out[role] = b
		return out
	}
	for name, c := range map[string]struct {
		serve served
		seen  State
		kind  string
		at    time.Duration
	}{
		"nothing wrong":           {serve: served{docs: second}, seen: first},
		"first use":               {serve: served{docs: second}},
		"rollback":                {serve: served{docs: first}, seen: second, kind: "rollback"},
		"freeze":                  {serve: served{docs: second}, seen: second, kind: "expired", at: 15 * 24 * time.Hour},
		"another's root":          {serve: served{docs: foreign}, seen: second, kind: "signature"},
		"a timestamp of another":  {serve: served{docs: with(second, trust.Timestamp, foreign[trust.Timestamp])}, seen: first, kind: "signature"},
		"a snapshot of another":   {serve: served{docs: with(second, trust.Snapshot, foreign[trust.Snapshot])}, seen: State{trust.Root: first[trust.Root]}, kind: "tampered"},
		"old targets, new rest":   {serve: served{docs: with(second, trust.Targets, first[trust.Targets])}, kind: "tampered"},
		"old snapshot, new rest":  {serve: served{docs: with(second, trust.Snapshot, first[trust.Snapshot])}, kind: "tampered"},
		"no signature":            {serve: served{docs: with(second, trust.Timestamp, []byte(strings.Replace(string(second[trust.Timestamp]), `"signatures":[`, `"signatures":[],"x":[`, 1)))}, kind: "signature"},
		"stripped":                {serve: served{docs: second}, seen: second, kind: ""},
		"root of another, unseen": {serve: served{docs: foreign}},
		"away":                    {serve: served{err: io.ErrUnexpectedEOF}, seen: second},
		"away, and late":          {serve: served{err: io.ErrUnexpectedEOF}, seen: second, kind: "expired", at: 15 * 24 * time.Hour},
		"tampered timestamp": {
			serve: served{docs: with(second, trust.Timestamp, altered(t, second[trust.Timestamp], func(s map[string]any) { s["version"] = 9 }))}, kind: "signature",
		},
		"tampered targets": {
			serve: served{docs: with(second, trust.Targets, altered(t, second[trust.Targets], func(s map[string]any) { s["version"] = 9 }))}, kind: "tampered",
		},
		"another type": {serve: served{docs: with(second, trust.Timestamp, second[trust.Snapshot])}, kind: "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			c2 := y.reader(c.serve, c.seen)
			c2.Now = y.now.Add(c.at)
			r, err := c2.Update(t.Context())
			kind, _ := trust.Refused(err)
			if kind != c.kind || kind == "" && err != nil {
				t.Fatalf("%q, want %q: %v", kind, c.kind, err)
			}
			if err == nil && name == "away" && !r.Away {
				t.Error("it does not say that the server was away")
			}
			if err != nil && len(c2.State) != len(c.seen) {
				t.Errorf("after a refusal %d documents are trusted, %d were", len(c2.State), len(c.seen))
			}
		})
	}
}

// TestRoot: a root is for its repository, and who follows it does so by its keys.
func TestRoot(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	admin := y.person()
	must(t, y.sign(admin, "v1", "one"))
	st := y.stored()
	if _, err := readRoot(st[trust.Root], "registry.example.com/other/app", y.now); !errors.As(err, new(*trust.ForeignError)) {
		t.Errorf("another repository's root: %v", err)
	}
	if _, err := readRoot(st[trust.Root], gun, y.now.AddDate(11, 0, 0)); err == nil {
		t.Error("a root whose certificate has expired, on first use")
	}
	// A new root that only its own key signed is somebody else's.
	other := y.person()
	p, err := other.Folder.fresh(trust.Root, "")
	must(t, err)
	k, err := rootKey(p, gun, y.now)
	must(t, err)
	d, err := decode[rootBody](trust.Root, st[trust.Root])
	must(t, err)
	body := d.body
	body.Version++
	body.Keys = maps.Clone(body.Keys)
	body.Roles = maps.Clone(body.Roles)
	body.Keys[k.id()], body.Roles[trust.Root] = k, roleKeys{[]string{k.id()}, 1}
	forged, err := compose(trust.Root, body, []signer{{k.id(), p}})
	must(t, err)
	docs := maps.Clone(st)
	docs[trust.Root] = forged.bytes
	_, err = y.reader(served{docs: docs}, st).Update(t.Context())
	if kind, _ := trust.Refused(err); kind != "signature" && kind != "missing" {
		t.Errorf("a root that the old keys did not sign: %v", err)
	}
	if err := y.web.publish(t.Context(), []Doc{{trust.Root, forged.bytes}}); err == nil || !strings.Contains(err.Error(), "signed by a key of its role") {
		t.Errorf("the server takes it: %v", err)
	}
}
