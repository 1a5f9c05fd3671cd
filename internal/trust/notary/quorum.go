package notary

import (
	"crypto"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
)

// quorum is which keys may sign a role, and how many must.
type quorum struct {
	role      string
	keys      map[string]wireKey
	ids       []string
	threshold int
}

func quorumOf(root *rootBody, role string) (quorum, error) {
	r, ok := root.Roles[role]
	if !ok {
		return quorum{}, &trust.FormatError{Role: trust.Root, Err: fmt.Errorf("it has no role %q", role)}
	}
	return quorum{role, root.Keys, r.KeyIDs, r.Threshold}, nil
}

// signed are the ids of the keys that signed, each key once.
func (q quorum) signed(message []byte, sigs []Signature) []string {
	var out []string
	var seen []crypto.PublicKey
	for _, id := range q.ids[:min(len(q.ids), maxKeys)] {
		k, known := q.keys[id]
		i := slices.IndexFunc(sigs, func(s Signature) bool { return s.KeyID == id })
		if !known || i < 0 || slices.Contains(out, id) || k.id() != id {
			continue
		}
		p, ok := k.verifies(sigs[i], message)
		if !ok || slices.ContainsFunc(seen, func(o crypto.PublicKey) bool { return o.(interface{ Equal(crypto.PublicKey) bool }).Equal(p) }) {
			continue
		}
		seen, out = append(seen, p), append(out, id)
	}
	return out
}

// check is nil where enough keys signed.
func (q quorum) check(message []byte, sigs []Signature) error {
	if q.threshold < 1 || len(q.ids) == 0 {
		return &trust.FormatError{Role: q.role, Err: fmt.Errorf("its threshold is %d of %s", q.threshold, finding.Count(len(q.ids), "key"))}
	}
	if got := q.signed(message, sigs); len(got) < q.threshold {
		return &trust.SignatureError{Role: q.role, Got: len(got), Want: q.threshold}
	}
	return nil
}

// leaf holds the root role's keys to what Notary v1 asks of them: certificates for
// the GUN. Those that are not, or that have expired at a time, do not count; the
// zero time asks nothing of their dates.
func (q quorum) leaf(gun string, now time.Time) quorum {
	out := quorum{role: q.role, keys: q.keys, threshold: q.threshold}
	for _, id := range q.ids[:min(len(q.ids), maxKeys)] {
		_, cert, err := q.keys[id].public()
		if err != nil || cert == nil || !isFor(cert, gun) || !now.IsZero() && (now.After(cert.NotAfter) || now.Before(cert.NotBefore)) {
			continue
		}
		out.ids = append(out.ids, id)
	}
	return out
}

// matches holds bytes to what other metadata says of them.
func matches(role string, m fileMeta, b []byte) error {
	if m.Length != int64(len(b)) {
		return &trust.HashError{Role: role, Why: fmt.Sprintf("%d bytes, where %d are signed", len(b), m.Length)}
	}
	known := false
	for name, want := range m.Hashes {
		var got []byte
		switch name {
		case "sha256":
			sum := sha256.Sum256(b)
			got = sum[:]
		case "sha512":
			sum := sha512.Sum512(b)
			got = sum[:]
		default:
			continue
		}
		known = true
		if !slices.Equal(got, want) {
			return &trust.HashError{Role: role, Why: name + " " + hex.EncodeToString(got) + ", where " + hex.EncodeToString(want) + " is signed"}
		}
	}
	if !known {
		return &trust.HashError{Role: role, Why: "no hash that is known is signed"}
	}
	return nil
}

// metaOf is what a snapshot or timestamp says of bytes.
func metaOf(b []byte) fileMeta {
	short, long := sha256.Sum256(b), sha512.Sum512(b)
	return fileMeta{Hashes: map[string][]byte{"sha256": short[:], "sha512": long[:]}, Length: int64(len(b))}
}

// within reports whether a delegation may name a target: its paths are prefixes.
func (d delegate) within(target string) bool {
	return slices.ContainsFunc(d.Paths, func(p string) bool { return strings.HasPrefix(target, p) })
}

// delegated are the roles that a targets document delegates to, with their keys.
func (t *targetsBody) delegated(parent string) ([]delegate, error) {
	if len(t.Delegations.Roles) > maxDelegations {
		return nil, &trust.FormatError{Role: parent, Err: fmt.Errorf("more than %d delegations", maxDelegations)}
	}
	seen := map[string]bool{}
	for _, d := range t.Delegations.Roles {
		child, ok := strings.CutPrefix(d.Name, parent+"/")
		if !ok || strings.Contains(child, "/") || !ValidRole(d.Name) {
			return nil, &trust.FormatError{Role: parent, Err: fmt.Errorf("it delegates to %q", d.Name)}
		}
		if seen[d.Name] {
			return nil, &trust.FormatError{Role: parent, Err: errors.New("it delegates twice to " + d.Name)}
		}
		seen[d.Name] = true
	}
	return t.Delegations.Roles, nil
}

func (t *targetsBody) quorum(d delegate) quorum {
	return quorum{d.Name, t.Delegations.Keys, d.KeyIDs, d.Threshold}
}
