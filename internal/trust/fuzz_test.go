package trust

import (
	"bytes"
	"context"
	"testing"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

type targetsType = metadata.TargetsType

// FuzzTargets: whatever is read as a role's claims is written again as what says
// the same.
func FuzzTargets(f *testing.F) {
	p := newKey(f, ECDSA)
	c := Sign("v1", 1, day(1), 5, []Manifest{{Digest: digest("one"), Platform: "linux/amd64"}})
	c.Signers = map[string]Delegate{"alice": {Seq: 2, At: day(1), Keys: []Key{p.Key()}, Threshold: 1}, "bob": {Seq: 3, At: day(1), Revoked: true}}
	c = c.Merge(c.RevokeTag("v0", day(2), "x"))
	doc, err := claimsDoc(c, 1, day(30), extra{Repository: "r"})
	must(f, err)
	must(f, doc.sign(p))
	out, err := doc.encode(Targets, 1)
	must(f, err)
	f.Add(out.Bytes)
	f.Add([]byte(`{"signed":{"_type":"targets","targets":{"a":null}},"signatures":[]}`))
	f.Add([]byte(`{"signed":{"_type":"targets","delegations":{"keys":{"a":null},"roles":[{"name":"x"}]}},"signatures":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decode[metadata.TargetsType](Targets, b)
		if err != nil {
			return
		}
		c, x, err := claimsOf(m.body)
		if err != nil {
			return
		}
		again, err := claimsDoc(c, m.body.Version, m.body.Expires, x)
		if err != nil {
			t.Fatalf("what was read is not written: %v", err)
		}
		back, x2, err := claimsOf(again.body)
		if err != nil || text(back) != text(c) || x2.Repository != x.Repository {
			t.Fatalf("%v: %s, was %s", err, text(back), text(c))
		}
	})
}

// FuzzClient: a client that is served any bytes for any role trusts nothing that
// the root's keys did not sign.
func FuzzClient(f *testing.F) {
	p := fixedKey()
	a, err := Assemble(context.Background(), "r", nil, NewShelf(nil, nil, NewMemo()), day(1))
	must(f, err)
	ring := oneKey{p}
	plan, err := a.Plan(Change{Root: everyRole(p.Key())}, ring)
	must(f, err)
	docs := map[string][]byte{}
	for _, s := range plan.Steps {
		docs[s.Role] = s.Bytes
		f.Add(s.Bytes, s.Role)
	}
	for _, s := range []string{
		`{"signed":{"_type":"root","keys":{"a":null},"roles":{"root":null}},"signatures":[]}`,
		`{"signed":{"_type":"timestamp","meta":{"snapshot.json":null}},"signatures":[]}`,
		`{"signed":{"_type":"snapshot","meta":null},"signatures":[{}]}`, `{"signed":null}`, `null`, `[]`,
	} {
		f.Add([]byte(s), Timestamp)
		f.Add([]byte(s), Root)
	}
	f.Fuzz(func(t *testing.T, b []byte, role string) {
		served := map[string][]byte{}
		for k, v := range docs {
			served[k] = v
		}
		served[role] = b
		state := State{Root: docs[Root]}
		v, err := Open(context.Background(), state, fixed{served}, day(2))
		if err == nil && !bytes.Equal(served[role], docs[role]) && docs[role] != nil && v.Roles[1].Version != 1 {
			t.Fatalf("%s: accepted %s", role, b)
		}
		for role, b := range state {
			if role != Root && !bytes.Equal(b, docs[role]) && !sameSigned(b, docs[role]) {
				t.Fatalf("%s was taken for trusted: %s", role, b)
			}
		}
	})
}
