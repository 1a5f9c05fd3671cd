package notary

import (
	"bytes"
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/trust"
)

// fixed is a key that is the same in every process of a fuzzer.
func fixed(t testing.TB) signer {
	p, err := trust.NewPrivate(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize)))
	must(t, err)
	return signer{KeyID(p.Key()), p}
}

// FuzzDocument: what is read as a document of a role is read the same again once it
// was written, and changed bytes never count as signed.
func FuzzDocument(f *testing.F) {
	s := fixed(f)
	b := *newTargets()
	b.Version, b.Expires = 3, time.Date(2030, 1, 2, 3, 4, 5, 6, time.UTC)
	b.Targets["v1"] = fileMeta{Hashes: map[string][]byte{"sha256": bytes.Repeat([]byte{1}, 32)}, Length: 5}
	w, err := newWireKey(s.key.Key().Public())
	must(f, err)
	b.Delegations.Keys[w.id()] = w
	b.Delegations.Roles = []delegate{{roleKeys: roleKeys{[]string{w.id()}, 1}, Name: Releases, Paths: []string{""}}}
	doc, err := compose(trust.Targets, b, []signer{s})
	must(f, err)
	f.Add(doc.bytes)
	for _, seed := range []string{
		`{"signed":{"_type":"Targets","version":1,"targets":null,"delegations":{"keys":{"a":null},"roles":[null]}},"signatures":[null]}`,
		`{"signed":null}`, `{"signed":{}}`, `null`, `[]`, `{"signed":{"_type":"Targets","version":1e3,"x":"\ud800"},"signatures":[]}`,
	} {
		f.Add([]byte(seed))
	}
	q := quorum{trust.Targets, map[string]wireKey{w.id(): w}, []string{w.id()}, 1}
	f.Fuzz(func(t *testing.T, in []byte) {
		d, err := decode[targetsBody](trust.Targets, in)
		if err != nil {
			return
		}
		if q.check(d.message, d.sigs) == nil && !bytes.Equal(d.message, doc.message) {
			t.Fatalf("counts as signed: %s", in)
		}
		_, _ = d.body.delegated(trust.Targets)
		for id, k := range d.body.Delegations.Keys {
			_ = k.id()
			_ = k.bare()
			_ = k.key(id)
		}
		out, err := compose(trust.Targets, d.body, []signer{s})
		if err != nil {
			return // more than what a document may hold
		}
		again, err := decode[targetsBody](trust.Targets, out.bytes)
		if err != nil {
			t.Fatalf("what was written is not read: %v\n%s", err, out.bytes)
		}
		if q.check(again.message, again.sigs) != nil || len(again.body.Targets) != len(d.body.Targets) {
			t.Fatalf("what was written says something else: %s", out.bytes)
		}
	})
}

// FuzzRoot: whatever is read as a root of a repository is signed by its own keys.
func FuzzRoot(f *testing.F) {
	f.Add([]byte(`{"signed":{"_type":"Root","version":1,"keys":{"a":{"keytype":"ecdsa-x509","keyval":{"private":null,"public":"LS0t"}}},"roles":{"root":{"keyids":["a"],"threshold":1}}},"signatures":[{"keyid":"a","method":"ecdsa","sig":"AAAA"}]}`))
	f.Add([]byte(`{"signed":{"_type":"Root","version":1,"keys":{"a":null},"roles":{"root":null}},"signatures":[]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		d, err := readRoot(in, "g", time.Time{})
		if err != nil {
			return
		}
		q, err := quorumOf(&d.body, trust.Root)
		if err != nil || len(q.signed(d.message, d.sigs)) < q.threshold {
			t.Fatalf("a root that its keys did not sign: %s", in)
		}
	})
}
