package store_test

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/drydock-dev/drydock/internal/trust"
)

func (m *memory) clone() *memory {
	return &memory{blobs: maps.Clone(m.blobs), tags: maps.Clone(m.tags)}
}

var errKilled = errors.New("killed")

// killAfter lets so many writes happen, and no further one.
func (m *memory) killAfter(n int) {
	m.write = func(string) error {
		if n--; n < 0 {
			return errKilled
		}
		return nil
	}
}

// TestKilledBetweenUploads kills a writer before each of its uploads. What lies
// there verifies as it did before or as it was to be, refresh works on it, and the
// same once more goes through.
func TestKilledBetweenUploads(t *testing.T) {
	base := newMemory()
	y := newYard(t, base)
	y.addSigner("alice")
	y.addSigner("bob")
	for _, name := range []string{"alice", "bob"} {
		_, err := y.sign(t.Context(), y.rings[name], name, "old-"+name, digestOf("old"))
		must(t, err)
	}
	everything := maps.Clone(y.admin)
	for _, r := range y.rings {
		maps.Copy(everything, r)
	}
	ops := map[string]func(y *yard) error{
		"sign": func(y *yard) error {
			_, err := y.sign(t.Context(), y.rings["alice"], "alice", "v1", digestOf("new"))
			return err
		},
		"revoke": func(y *yard) error {
			_, err := y.repository().Commit(t.Context(), y.state(), y.rings["bob"], func(a *trust.Assembly) (trust.Change, error) {
				c, _ := a.Revocation("bob", "", digestOf("old"), y.now, "")
				return trust.Change{Claims: map[string]trust.Claims{"bob": c}}, nil
			})
			return err
		},
		"remove a signer": func(y *yard) error {
			_, err := y.repository().Commit(t.Context(), y.state(), y.admin, func(a *trust.Assembly) (trust.Change, error) {
				s := a.Merged("").Signers["bob"]
				ch := trust.Change{Claims: map[string]trust.Claims{"": {Signers: map[string]trust.Delegate{"bob": {Seq: 100, At: y.now, Revoked: true}}}}}
				if !s.Revoked || len(a.OnlineOf("bob")) > 0 {
					for _, role := range []string{trust.Snapshot, trust.Timestamp} {
						ch.Root = append(ch.Root, trust.RootEdit{Role: role, Remove: a.OnlineOf("bob")})
					}
				}
				return ch, nil
			})
			return err
		},
		"replace the targets key": func(y *yard) error {
			y.keys["targets2"] = rekey(y, trust.Targets, "targets2")
			return y.edits(trust.RootEdit{Role: trust.Targets, Add: []trust.Key{y.keys["targets2"]}, Remove: []string{y.keys[trust.Targets].ID()}})
		},
		"replace the root key": func(y *yard) error {
			y.keys["root2"] = rekey(y, trust.Root, "root2")
			return y.edits(trust.RootEdit{Role: trust.Root, Add: []trust.Key{y.keys["root2"]}, Remove: []string{y.keys[trust.Root].ID()}})
		},
		"refresh": func(y *yard) error { return y.refresh(y.admin) },
	}
	for name, op := range ops {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "remove a signer" {
				t.Skip("one operation does in short")
			}
			killed := 0
			for n := 0; ; n++ {
				m := base.clone()
				k := *y
				k.t, k.remote, k.admin = t, m, maps.Clone(y.admin)
				k.keys = maps.Clone(y.keys)
				k.now = y.now.AddDate(0, 0, 6)
				pinned := k.state()
				_, err := k.repository().View(t.Context(), pinned)
				must(t, err)
				m.killAfter(n)
				err = op(&k)
				m.write = nil
				if err == nil {
					break
				}
				if !errors.Is(err, errKilled) {
					t.Fatalf("after %d uploads: %v", n, err)
				}
				killed++
				// One who knows the state before, and one who knows none.
				for _, st := range []trust.State{maps.Clone(pinned), k.state()} {
					v, err := k.repository().View(t.Context(), st)
					if err != nil {
						t.Fatalf("killed after %d uploads: %v", n, err)
					}
					if got := v.Judge("old-alice", digestOf("old")); got.Kind != "verified" {
						t.Errorf("killed after %d uploads: alice's old signature is %s", n, got.Kind)
					}
				}
				if err := k.refresh(k.admin); err != nil {
					t.Fatalf("refresh after %d uploads: %v", n, err)
				}
				if err := op(&k); err != nil {
					t.Fatalf("once more after %d uploads: %v", n, err)
				}
				st := maps.Clone(pinned)
				v, err := k.repository().View(t.Context(), st)
				must(t, err)
				kinds := []string{v.Judge("v1", digestOf("new")).Kind, v.Judge("old-bob", digestOf("old")).Kind}
				want := map[string][]string{
					"sign": {"verified", "verified"}, "revoke": {"unsigned", "revoked"}, "remove a signer": {"unsigned", "unsigned"},
				}[name]
				if want != nil && !slices.Equal(kinds, want) {
					t.Errorf("once more after %d uploads: %v, want %v", n, kinds, want)
				}
			}
			if killed < 3 {
				t.Errorf("killed only %d times", killed)
			}
		})
	}
}

// rekey is a key that takes another's place; the same one each time.
func rekey(y *yard, _, name string) trust.Key {
	if k, ok := y.keys[name]; ok {
		return k
	}
	return y.admin.add(trust.ECDSA)
}

func (y *yard) edits(edits ...trust.RootEdit) error {
	_, err := y.repository().Commit(y.t.Context(), y.state(), y.admin, func(*trust.Assembly) (trust.Change, error) {
		return trust.Change{Root: edits}, nil
	})
	return err
}

func (y *yard) refresh(keys ring) error {
	_, err := y.repository().Commit(y.t.Context(), y.state(), keys, func(*trust.Assembly) (trust.Change, error) {
		return trust.Change{Renew: true}, nil
	})
	return err
}
