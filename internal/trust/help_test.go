package trust

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"iter"
)

// oneKey is a keyring of one key.
type oneKey struct{ p Private }

func (o oneKey) Has(id string) bool { return o.p.Key().ID() == id }

func (o oneKey) Signer(id string) (Signer, error) {
	if !o.Has(id) {
		return nil, fmt.Errorf("no key %s", id)
	}
	return o.p, nil
}

// fixedKey is a key that is the same in every process of a fuzzer, and so are its
// signatures.
func fixedKey() Private {
	p, err := NewPrivate(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize)))
	if err != nil {
		panic(err)
	}
	return p
}

// everyRole lets one key sign all of the top level.
func everyRole(k Key) []RootEdit {
	var out []RootEdit
	for _, role := range []string{Root, Targets, Snapshot, Timestamp} {
		out = append(out, RootEdit{Role: role, Add: []Key{k}})
	}
	return out
}

// fixed serves one document a role, and no further root.
type fixed struct{ docs map[string][]byte }

func (s fixed) Fetch(_ context.Context, f File) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if b, ok := s.docs[f.Role]; ok && (f.Role != Root || f.Version == 2) {
			yield(b, nil)
		}
	}
}

// sameSigned reports whether two documents have the same signed part.
func sameSigned(a, b []byte) bool {
	var x, y struct{ Signed json.RawMessage }
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	var cx, cy bytes.Buffer
	return json.Compact(&cx, x.Signed) == nil && json.Compact(&cy, y.Signed) == nil && bytes.Equal(cx.Bytes(), cy.Bytes())
}
