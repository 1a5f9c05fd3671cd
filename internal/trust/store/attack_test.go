package store_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/cjson"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

// The attacks of the TUF specification (section 1.5.2), each mounted by one who
// can write anything into the registry, or stands before it, and who in some of
// them has stolen keys.

// tags are the documents of a role that lie in the registry, oldest first.
func tags(t *testing.T, r store.Remote, role string) []string {
	t.Helper()
	all, err := r.AllTags(context.Background())
	must(t, err)
	all = slices.DeleteFunc(all, func(s string) bool { return !strings.HasPrefix(s, "tuf-"+role+".") })
	slices.SortFunc(all, func(a, b string) int { return versionIn(a) - versionIn(b) })
	return all
}

func versionIn(tag string) int {
	var n int
	_, _ = fmt.Sscanf(strings.SplitN(tag, ".", 3)[1], "%d", &n)
	return n
}

// mirror is a registry, or what stands before it, that hides tags.
type mirror struct {
	store.Remote
	hidden map[string]bool
}

func (m *mirror) AllTags(ctx context.Context) ([]string, error) {
	all, err := m.Remote.AllTags(ctx)
	return slices.DeleteFunc(all, func(s string) bool { return m.hidden[s] }), err
}

// remove hides a tag, and deletes it where the registry does that.
func (y *yard) remove(tag string) {
	y.t.Helper()
	m, ok := y.remote.(*mirror)
	if !ok {
		m = &mirror{y.remote, map[string]bool{}}
		y.remote = m
	}
	m.hidden[tag] = true
	b, _, err := m.Manifest(context.Background(), tag)
	must(y.t, err)
	must(y.t, m.DeleteManifest(context.Background(), finding.DigestOf(b)))
}

// plant puts a document under the tag that it should have, and returns that.
func plant(t *testing.T, r store.Remote, role string, version int, doc []byte) string {
	t.Helper()
	ctx := context.Background()
	tag := fmt.Sprintf("tuf-%s.%d.%s.%s", role, version, strings.Repeat("ab", 4), finding.DigestOf(doc).Hex())
	config := []byte(`{"tag":"` + tag + `"}`)
	for _, b := range [][]byte{config, doc} {
		_, err := r.PutBlob(ctx, b)
		must(t, err)
	}
	m := fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/x","digest":"%s","size":%d},`+
		`"layers":[{"mediaType":"application/x","digest":"%s","size":%d}]}`, finding.DigestOf(config), len(config), finding.DigestOf(doc), len(doc))
	must(t, r.PutManifest(ctx, tag, "application/vnd.oci.image.manifest.v1+json", []byte(m)))
	return tag
}

// document is the newest of a role.
func document(t *testing.T, r store.Remote, role string) []byte {
	t.Helper()
	all := tags(t, r, role)
	b, err := r.Blob(context.Background(), finding.Digest("sha256:"+all[len(all)-1][len(all[len(all)-1])-64:]), 1<<20)
	must(t, err)
	return b
}

// refuses wants a refusal of a kind, from one who has seen the repository before
// (pinned) or has not.
func (y *yard) refuses(kind string, st trust.State) {
	y.t.Helper()
	v, err := y.repository().View(y.t.Context(), maps.Clone(st))
	got, refused := trust.Refused(err)
	if err == nil {
		got = v.Judge("v1", digestOf("one")).Kind
	}
	if got != kind || err != nil && !refused {
		y.t.Errorf("%q: %v; want %q", got, err, kind)
	}
}

func TestAttacks(t *testing.T) {
	for kind, serve := range kinds(t) {
		t.Run(kind, func(t *testing.T) {
			if testing.Short() && kind == "docker-registry" {
				t.Skip("the other kind does in short")
			}
			for name, attack := range attacks() {
				t.Run(name, func(t *testing.T) {
					y := newYard(t, serve(t)())
					y.addSigner("alice")
					y.addSigner("bob")
					_, err := y.sign(t.Context(), y.rings["alice"], "alice", "v1", digestOf("one"))
					must(t, err)
					seen := y.state()
					if got := y.view(seen).Judge("v1", digestOf("one")); got.Kind != "verified" {
						t.Fatalf("before the attack: %+v", got)
					}
					attack(t, y, seen)
				})
			}
		})
	}
}

func attacks() map[string]func(t *testing.T, y *yard, seen trust.State) {
	return map[string]func(*testing.T, *yard, trust.State){
		"rollback": func(t *testing.T, y *yard, seen trust.State) {
			before := tags(t, y.remote, "timestamp")
			_, err := y.sign(t.Context(), y.rings["alice"], "alice", "v1", digestOf("two"))
			must(t, err)
			y.view(seen)
			for _, tag := range tags(t, y.remote, "timestamp") {
				if !slices.Contains(before, tag) {
					y.remove(tag)
				}
			}
			y.refuses("rollback", seen)
			y.refuses("verified", y.state()) // who sees it for the first time cannot know
			// A writer who has seen more does not build upon it.
			_, err = y.repository().Commit(t.Context(), maps.Clone(seen), y.rings["alice"], func(*trust.Assembly) (trust.Change, error) { return trust.Change{Renew: true}, nil })
			if k, _ := trust.Refused(err); k != "rollback" {
				t.Errorf("a writer: %v", err)
			}
		},
		"freeze": func(t *testing.T, y *yard, seen trust.State) {
			y.now = y.now.AddDate(0, 0, 13)
			y.refuses("verified", seen)
			y.now = y.now.AddDate(0, 0, 2)
			y.refuses("expired", seen)
			y.refuses("expired", y.state())
			must(t, y.refresh(y.rings["bob"]))
			y.refuses("verified", seen)
		},
		"arbitrary signature": func(t *testing.T, y *yard, seen trust.State) {
			// The attacker's own repository, whole and sound, in place of each of ours.
			evil := newYard(t, newMemory())
			evil.addSigner("alice")
			_, err := evil.sign(t.Context(), evil.rings["alice"], "alice", "v1", digestOf("evil"))
			must(t, err)
			for _, role := range []string{"root", "targets", "snapshot", "timestamp"} {
				for v := 1; v <= 9; v++ {
					plant(t, y.remote, role, v, resigned(t, document(t, evil.remote, role), v, evil.admin))
				}
			}
			y.refuses("verified", seen)
			y.refuses("verified", y.state())
			// And a role of alice's that her key did not sign.
			role := strings.TrimPrefix(strings.SplitN(only(t, y.remote, "alice-"), ".", 2)[0], "tuf-")
			plant(t, y.remote, role, 7, resigned(t, document(t, y.remote, role), 7, evil.rings["alice"]))
			must(t, y.refresh(y.rings["bob"]))
			y.refuses("verified", seen)
		},
		"tampered document": func(t *testing.T, y *yard, seen trust.State) {
			// In place of what the timestamp leads to, the registry serves something else.
			for _, role := range []string{"snapshot", "targets"} {
				lying := &liar{Remote: y.remote, of: finding.DigestOf(document(t, y.remote, role)), as: []byte(`{"signed":{"_type":"` + role + `"},"signatures":[]}`)}
				z := *y
				z.remote = lying
				z.refuses("tampered", z.state())
				lying.as = nil
				z.refuses("missing", z.state())
			}
		},
		"mix-and-match": func(t *testing.T, y *yard, seen trust.State) {
			// A stolen online key puts an old document of alice's beside new ones.
			old := document(t, y.remote, "snapshot")
			_, err := y.sign(t.Context(), y.rings["alice"], "alice", "v1", digestOf("two"))
			must(t, err)
			y.view(seen)
			steal := online(y.rings["bob"])
			snapshot := resigned(t, old, 50, steal)
			plant(t, y.remote, "snapshot", 50, snapshot)
			plant(t, y.remote, "timestamp", 50, pointing(t, document(t, y.remote, "timestamp"), 50, snapshot, steal))
			y.refuses("rollback", seen)
		},
		"fast-forward": func(t *testing.T, y *yard, seen trust.State) {
			// A stolen online key sets the versions as high as they go, and who looks is
			// stuck there, until the key is revoked.
			steal := online(y.rings["bob"])
			const high = 1 << 40
			snapshot := resigned(t, document(t, y.remote, "snapshot"), high, steal)
			plant(t, y.remote, "snapshot", high, snapshot)
			plant(t, y.remote, "timestamp", high, pointing(t, document(t, y.remote, "timestamp"), high, snapshot, steal))
			y.refuses("verified", seen)
			if _, err := y.repository().View(t.Context(), seen); err != nil {
				t.Fatal(err)
			}
			if _, err := y.sign(t.Context(), y.rings["alice"], "alice", "v2", digestOf("two")); err == nil {
				t.Error("there is a version above the highest")
			}
			y.revoke("bob")
			_, err := y.sign(t.Context(), y.rings["alice"], "alice", "v2", digestOf("two"))
			must(t, err)
			v := y.view(seen)
			if got := v.Judge("v2", digestOf("two")); got.Kind != "verified" {
				t.Errorf("not recovered: %+v", got)
			}
			if r, _ := v.Role(trust.Timestamp); r.Version > 1000 {
				t.Errorf("the timestamp has version %d", r.Version)
			}
		},
		"stolen signing key": func(t *testing.T, y *yard, seen trust.State) {
			_, err := y.sign(t.Context(), y.rings["bob"], "bob", "v1", digestOf("evil"))
			must(t, err)
			if got := y.view(seen).Judge("v1", digestOf("evil")); got.Kind != "verified" {
				t.Fatalf("the attack fails: %+v", got)
			}
			y.revoke("bob")
			if got := y.view(seen).Judge("v1", digestOf("evil")); got.Kind != "moved" {
				t.Errorf("revoked: %+v", got)
			}
			y.refuses("verified", seen)
			// What the thief goes on to write is nobody's.
			if _, err := y.sign(t.Context(), y.rings["bob"], "bob", "v1", digestOf("evil")); err == nil {
				t.Error("a revoked signer signs")
			}
			y.refuses("verified", seen)
		},
		"wrong image": func(t *testing.T, y *yard, seen trust.State) {
			_, err := y.sign(t.Context(), y.rings["alice"], "alice", "v2", digestOf("two"))
			must(t, err)
			if got := y.view(seen).Judge("v2", digestOf("one")); got.Kind != "moved" {
				t.Errorf("a signed image under another tag: %+v", got)
			}
		},
		"stripped": func(t *testing.T, y *yard, seen trust.State) {
			all, err := y.remote.AllTags(t.Context())
			must(t, err)
			for _, tag := range all {
				if strings.HasPrefix(tag, "tuf-timestamp") {
					y.remove(tag)
				}
			}
			y.refuses("missing", y.state())
			for _, tag := range all {
				if !strings.HasPrefix(tag, "tuf-timestamp") {
					y.remove(tag)
				}
			}
			y.refuses("missing", seen)
			y.refuses("missing", y.state())
		},
		"another repository's": func(t *testing.T, y *yard, seen trust.State) {
			// The same keys sign for another repository; its documents are put here.
			other := *y
			other.remote, other.admin = newMemory(), maps.Clone(y.admin)
			o := begin(t, &other, "registry.example.com/me/toy")
			for _, role := range []string{"root", "targets", "snapshot", "timestamp"} {
				for _, tag := range tags(t, o.remote, role) {
					b, err := o.remote.Blob(t.Context(), finding.Digest("sha256:"+tag[len(tag)-64:]), 1<<20)
					must(t, err)
					plant(t, y.remote, role, versionIn(tag)+20, resigned(t, b, versionIn(tag)+20, y.admin))
				}
			}
			y.refuses("verified", seen)
			// Root too, in the version that comes next: it is signed by our root key.
			next := versionOf(t, seen[trust.Root]) + 1
			plant(t, y.remote, "root", next, resigned(t, document(t, o.remote, "root"), next, y.admin))
			y.refuses("other-repository", seen)
		},
		"endless data": func(t *testing.T, y *yard, seen trust.State) {
			huge := make([]byte, 2<<20)
			plant(t, y.remote, "timestamp", 999, huge)
			_, err := y.repository().View(t.Context(), maps.Clone(seen))
			if err == nil || !strings.Contains(err.Error(), "bytes") && !strings.Contains(err.Error(), "larger") {
				t.Errorf("2 MiB of timestamp: %v", err)
			}
		},
	}
}

// revoke ends a signer and his online keys.
func (y *yard) revoke(name string) {
	y.t.Helper()
	_, err := y.repository().Commit(y.t.Context(), y.state(), y.admin, func(a *trust.Assembly) (trust.Change, error) {
		ch := trust.Change{Claims: map[string]trust.Claims{"": {Signers: map[string]trust.Delegate{name: {Seq: 500, At: y.now, Revoked: true}}}}}
		for _, role := range []string{trust.Snapshot, trust.Timestamp} {
			ch.Root = append(ch.Root, trust.RootEdit{Role: role, Remove: a.OnlineOf(name)})
		}
		return ch, nil
	})
	must(y.t, err)
}

// online are the online keys of a signer's ring: those that are of Ed25519 here.
func online(r ring) ring {
	out := maps.Clone(r)
	maps.DeleteFunc(out, func(_ string, s trust.Signer) bool { return s.Key().Type() != trust.Ed25519 })
	return out
}

func only(t *testing.T, r store.Remote, prefix string) string {
	t.Helper()
	all, err := r.AllTags(context.Background())
	must(t, err)
	i := slices.IndexFunc(all, func(s string) bool { return strings.HasPrefix(s, "tuf-"+prefix) })
	if i < 0 {
		t.Fatalf("no document of %s", prefix)
	}
	return all[i]
}

func versionOf(t *testing.T, doc []byte) int {
	t.Helper()
	var d struct{ Signed struct{ Version int } }
	must(t, json.Unmarshal(doc, &d))
	return d.Signed.Version
}

// liar serves other bytes, or none, for one blob.
type liar struct {
	store.Remote
	of finding.Digest
	as []byte
}

func (l *liar) Blob(ctx context.Context, d finding.Digest, limit int64) ([]byte, error) {
	if d != l.of {
		return l.Remote.Blob(ctx, d, limit)
	}
	if l.as == nil {
		return nil, fs.ErrNotExist
	}
	return l.as, nil
}

// resigned is a document with another version, a date far from now, and signatures
// of these keys alone.
func resigned(t *testing.T, doc []byte, version int, keys ring) []byte {
	t.Helper()
	return changed(t, doc, keys, func(signed map[string]any) { signed["version"] = version })
}

// pointing is a timestamp that leads to a snapshot.
func pointing(t *testing.T, doc []byte, version int, snapshot []byte, keys ring) []byte {
	t.Helper()
	return changed(t, doc, keys, func(signed map[string]any) {
		signed["version"] = version
		signed["meta"] = map[string]any{"snapshot.json": map[string]any{
			"version": version, "length": len(snapshot), "hashes": map[string]any{"sha256": finding.DigestOf(snapshot).Hex()},
		}}
	})
}

// begin gives another repository its first metadata, with the same keys.
func begin(t *testing.T, y *yard, name string) *yard {
	t.Helper()
	r := &store.Repository{Name: name, Remote: y.remote, Now: func() time.Time { return y.now }}
	_, err := r.Commit(t.Context(), trust.State{}, y.admin, func(*trust.Assembly) (trust.Change, error) {
		return trust.Change{Root: y.firstRoot()}, nil
	})
	must(t, err)
	return y
}

// changed is a document with its signed part changed and signed anew by all of
// these keys.
func changed(t *testing.T, doc []byte, keys ring, change func(signed map[string]any)) []byte {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	var d struct {
		Signed map[string]any `json:"signed"`
	}
	must(t, dec.Decode(&d))
	change(d.Signed)
	message, err := cjson.EncodeCanonical(d.Signed)
	must(t, err)
	var sigs []map[string]any
	for id, k := range keys {
		sig, err := k.Sign(message)
		must(t, err)
		sigs = append(sigs, map[string]any{"keyid": id, "sig": hex.EncodeToString(sig)})
	}
	b, err := json.Marshal(map[string]any{"signed": d.Signed, "signatures": sigs})
	must(t, err)
	return b
}
