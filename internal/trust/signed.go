package trust

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/cjson"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// signed is a metadata document that was decoded, and whose signatures nobody
// has looked at yet. They are of message: the canonical form of the bytes as they
// came, not of what go-tuf made of them, which loses fields of targets.
type signed[T metadata.Roles] struct {
	body    T
	message []byte
	raw     json.RawMessage // the signed part
	sigs    []metadata.Signature
}

// decode reads a document of one type, within its role's limit. It refuses what
// go-tuf would stumble over: null where an object must be.
func decode[T metadata.Roles](role string, b []byte) (*signed[T], error) {
	fail := func(err error) (*signed[T], error) { return nil, &FormatError{Role: role, Err: err} }
	if int64(len(b)) > Limit(role) {
		return fail(fmt.Errorf("more than %d bytes", Limit(role)))
	}
	var envelope struct {
		Signed json.RawMessage `json:"signed"`
	}
	if err := json.Unmarshal(b, &envelope); err != nil {
		return fail(err)
	}
	if err := noNulls(envelope.Signed); err != nil {
		return fail(err)
	}
	m, err := new(metadata.Metadata[T]).FromBytes(b)
	if err != nil {
		return fail(err)
	}
	message, err := cjson.EncodeCanonical(envelope.Signed)
	if err != nil {
		return fail(err)
	}
	return &signed[T]{m.Signed, message, envelope.Signed, m.Signatures}, nil
}

// noNulls refuses a signed part in which an object that is looked into is null.
func noNulls(b []byte) error {
	type objects map[string]json.RawMessage
	var in struct {
		Keys, Roles, Meta, Targets objects
		Delegations                *struct{ Keys objects }
	}
	if err := json.Unmarshal(b, &in); err != nil {
		var kind *json.UnmarshalTypeError
		if !errors.As(err, &kind) {
			return err
		}
		return fmt.Errorf("%s is not an object", kind.Field)
	}
	all := []objects{in.Keys, in.Roles, in.Meta, in.Targets}
	if in.Delegations != nil {
		all = append(all, in.Delegations.Keys)
	}
	for _, o := range all {
		for k, v := range o {
			if string(bytes.TrimSpace(v)) == "null" {
				return fmt.Errorf("%q is null", k)
			}
		}
	}
	return nil
}

// encode writes the document: the signed part as it was read, and the signatures.
func (s *signed[T]) encode(role string, version int64) (Doc, error) {
	b, err := json.Marshal(struct {
		Signatures []metadata.Signature `json:"signatures"`
		Signed     json.RawMessage      `json:"signed"`
	}{s.sigs, s.raw})
	if err != nil {
		return Doc{}, err
	}
	if int64(len(b)) > Limit(role) {
		return Doc{}, finding.WithHint(fmt.Errorf("the %s metadata would have %d bytes, more than %d", role, len(b), Limit(role)),
			"revoke what is no longer used")
	}
	return Doc{role, version, b}, nil
}

// compose is a new document, without signatures.
func compose[T metadata.Roles](body T) (*signed[T], error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	message, err := cjson.EncodeCanonical(json.RawMessage(raw))
	return &signed[T]{body: body, message: message, raw: raw, sigs: []metadata.Signature{}}, err
}

// sign adds the signatures of these keys, in place of those that they made before.
func (s *signed[T]) sign(by ...Signer) error {
	for _, signer := range by {
		sig, err := signer.Sign(s.message)
		if err != nil {
			return err
		}
		id := signer.Key().ID()
		s.sigs = slices.DeleteFunc(s.sigs, func(old metadata.Signature) bool { return old.KeyID == id })
		s.sigs = append(s.sigs, metadata.Signature{KeyID: id, Signature: sig})
	}
	sorting.By(s.sigs, func(a, b metadata.Signature) int { return strings.Compare(a.KeyID, b.KeyID) })
	return nil
}

// quorum is which keys may sign a role, and how many must.
type quorum struct {
	role      string
	keys      map[string]*metadata.Key
	ids       []string
	threshold int
}

// quorumOf is a top-level role's, as root has it.
func quorumOf(root *metadata.RootType, role string) (quorum, error) {
	r := root.Roles[role]
	if r == nil {
		return quorum{}, &FormatError{Role: Root, Err: fmt.Errorf("it has no role %q", role)}
	}
	return quorum{role, root.Keys, r.KeyIDs, r.Threshold}, nil
}

// signers are the ids of the keys that signed a message, each key once: of two
// ids of one key the second does not count. A key or signature that cannot be
// read counts as none.
func (q quorum) signers(message []byte, sigs []metadata.Signature) []string {
	var out []string
	var seen []crypto.PublicKey
	for _, id := range q.ids {
		k := q.keys[id]
		i := slices.IndexFunc(sigs, func(s metadata.Signature) bool { return s.KeyID == id })
		if k == nil || i < 0 || slices.Contains(out, id) {
			continue
		}
		public, ok := verifies(k, message, sigs[i].Signature)
		if !ok || slices.ContainsFunc(seen, func(p crypto.PublicKey) bool { return p.(interface{ Equal(crypto.PublicKey) bool }).Equal(public) }) {
			continue
		}
		seen, out = append(seen, public), append(out, id)
	}
	return out
}

// check is nil where enough keys signed.
func (q quorum) check(message []byte, sigs []metadata.Signature) error {
	if q.threshold < 1 || len(q.ids) == 0 {
		return &FormatError{Role: q.role, Err: fmt.Errorf("its threshold is %d of %s", q.threshold, finding.Count(len(q.ids), "key"))}
	}
	if got := q.signers(message, sigs); len(got) < q.threshold {
		return &SignatureError{Role: q.role, Got: len(got), Want: q.threshold}
	}
	return nil
}

// verifies checks one signature by the key's scheme (TUF specification 4.2).
func verifies(k *metadata.Key, message, sig []byte) (crypto.PublicKey, bool) {
	public, err := k.ToPublicKey()
	if err != nil {
		return nil, false
	}
	switch p := public.(type) {
	case ed25519.PublicKey:
		return p, k.Scheme == metadata.KeySchemeEd25519 && len(p) == ed25519.PublicKeySize && ed25519.Verify(p, message, sig)
	case *ecdsa.PublicKey:
		switch {
		case k.Scheme == metadata.KeySchemeECDSA_SHA2_P256 && p.Curve == elliptic.P256():
			sum := sha256.Sum256(message)
			return p, ecdsa.VerifyASN1(p, sum[:], sig)
		case k.Scheme == metadata.KeySchemeECDSA_SHA2_P384 && p.Curve == elliptic.P384():
			sum := sha512.Sum384(message)
			return p, ecdsa.VerifyASN1(p, sum[:], sig)
		}
	case *rsa.PublicKey:
		sum := sha256.Sum256(message)
		return p, k.Scheme == metadata.KeySchemeRSASSA_PSS_SHA256 &&
			rsa.VerifyPSS(p, crypto.SHA256, sum[:], sig, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto}) == nil
	}
	return nil, false
}

// matches holds bytes to what other metadata says of them.
func matches(role string, f *metadata.MetaFiles, b []byte) error {
	if f.Length != 0 && f.Length != int64(len(b)) {
		return &HashError{Role: role, Why: fmt.Sprintf("%d bytes, where %d are signed", len(b), f.Length)}
	}
	return hashes(role, f.Hashes, b)
}

func hashes(what string, want metadata.Hashes, b []byte) error {
	for name, h := range want {
		var got []byte
		switch name {
		case "sha256":
			sum := sha256.Sum256(b)
			got = sum[:]
		case "sha512":
			sum := sha512.Sum512(b)
			got = sum[:]
		default:
			return &HashError{Role: what, Why: fmt.Sprintf("the hash %q is not supported", name)}
		}
		if !bytes.Equal(got, h) {
			return &HashError{Role: what, Why: name + " " + hex.EncodeToString(got) + ", where " + h.String() + " is signed"}
		}
	}
	return nil
}

// expired reports whether metadata no longer holds (TUF specification 5.3.10:
// the expiration must be later than now).
func expired(expires, now time.Time) bool { return !expires.After(now) }
