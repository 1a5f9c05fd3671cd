package trust

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Claims is what one role says: which digest each tag has, which digests are
// signed at all, and what was taken back. Those of the top-level role name the
// signers too.
//
// Claims merge: each key holds the claim with the highest Seq, so that writers
// who did not know of each other lose nothing, in whatever order their documents
// are put together. A revocation is a claim as well, and wins over an equal one.
type Claims struct {
	Images  map[string]Claim    // by tag, or by [DigestPath]
	Signers map[string]Delegate // by the signer's name; of the top-level role only
}

// Claim is one key's value.
type Claim struct {
	Seq       int64     // higher than all that its writer had seen; see [Forever]
	At        time.Time // of its writer's clock
	Revoked   bool
	Reason    string         // of a revocation
	Digest    finding.Digest // of the manifest or index; empty where revoked
	Size      int64          // bytes of it
	Manifests []Manifest     // of a digest: all that it leads to, itself included
}

// Manifest is one manifest that a signed digest leads to.
type Manifest struct {
	Digest   finding.Digest `json:"digest"`
	Platform string         `json:"platform,omitempty"` // "linux/amd64"
	Config   finding.Digest `json:"config,omitempty"`   // by which the classic image store knows it
	Attests  finding.Digest `json:"attests,omitempty"`  // the manifest that this one attests

	Predicate string `json:"predicate,omitempty"` // of a signed attestation: the type of what it says
}

// Delegate is a signer as the top-level role delegates to it.
type Delegate struct {
	Seq       int64
	At        time.Time
	Revoked   bool
	Reason    string
	Keys      []Key
	Threshold int
}

// Forever is the Seq of a revocation that no later claim undoes.
const Forever = 1 << 52

const digestPrefix = "digests/sha256-"

// DigestPath is the key of a digest among [Claims], and its path in TUF
// metadata.
func DigestPath(d finding.Digest) string { return digestPrefix + d.Hex() }

// digestOfPath is the reverse; false for a tag.
func digestOfPath(path string) (finding.Digest, bool) {
	hex, ok := strings.CutPrefix(path, digestPrefix)
	d := finding.Digest("sha256:" + hex)
	return d, ok && d.IsSHA256()
}

// Merge puts two roles' documents together. It is commutative, associative and
// idempotent.
func (c Claims) Merge(d Claims) Claims {
	return Claims{Images: union(c.Images, d.Images, Claim.over), Signers: union(c.Signers, d.Signers, Delegate.over)}
}

func union[V any](a, b map[string]V, over func(V, V) bool) map[string]V {
	out := maps.Clone(a)
	if out == nil {
		out = map[string]V{}
	}
	for k, v := range b {
		if old, ok := out[k]; !ok || over(v, old) {
			out[k] = v
		}
	}
	return out
}

// over orders claims of one key: by Seq, then revocations first, then in any
// order that all agree on.
func (c Claim) over(d Claim) bool {
	return cmp.Or(cmp.Compare(c.Seq, d.Seq), compareBool(c.Revoked, d.Revoked), bytes.Compare(encoded(c), encoded(d))) > 0
}

func (s Delegate) over(t Delegate) bool {
	return cmp.Or(cmp.Compare(s.Seq, t.Seq), compareBool(s.Revoked, t.Revoked), strings.Compare(s.text(), t.text())) > 0
}

// text is all that tells two delegations apart.
func (s Delegate) text() string {
	return fmt.Sprint(s.role(""), s.At.UTC().Format(time.RFC3339), s.Reason)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func encoded(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return nil // plain values
	}
	return b
}

// Covers reports whether merging d into c would change nothing.
func (c Claims) Covers(d Claims) bool {
	for k, v := range d.Images {
		if old, ok := c.Images[k]; !ok || v.over(old) {
			return false
		}
	}
	for k, v := range d.Signers {
		if old, ok := c.Signers[k]; !ok || v.over(old) {
			return false
		}
	}
	return true
}

// Next is a Seq that is higher than all of these, revocations for ever left
// aside.
func Next(all ...Claims) int64 {
	top := int64(0)
	for _, c := range all {
		for _, v := range c.Images {
			if v.Seq < Forever {
				top = max(top, v.Seq)
			}
		}
		for _, v := range c.Signers {
			if v.Seq < Forever {
				top = max(top, v.Seq)
			}
		}
	}
	return min(top+1, Forever-1)
}

// Tags lists the tags that are signed, in order.
func (c Claims) Tags() []string {
	var out []string
	for path, v := range c.Images {
		if _, digest := digestOfPath(path); !digest && !v.Revoked {
			out = append(out, path)
		}
	}
	slices.Sort(out)
	return out
}

// Sign is the claims that sign an image: its tag's, where it has one, and its
// digest's.
func Sign(tag string, seq int64, at time.Time, size int64, manifests []Manifest) Claims {
	top := manifests[0].Digest
	c := Claims{Images: map[string]Claim{
		DigestPath(top): {Seq: seq, At: at, Digest: top, Size: size, Manifests: manifests},
	}}
	if tag != "" {
		c.Images[tag] = Claim{Seq: seq, At: at, Digest: top, Size: size}
	}
	return c
}

// Attest is the claim that signs an attestation: the artifact that holds it, and
// which manifest it is about.
func Attest(seq int64, at time.Time, size int64, artifact, about finding.Digest, predicate string) Claims {
	return Claims{Images: map[string]Claim{DigestPath(artifact): {
		Seq: seq, At: at, Digest: artifact, Size: size, Manifests: []Manifest{{Digest: artifact, Attests: about, Predicate: predicate}},
	}}}
}

// RevokeDigest takes a digest back for ever: no later signature revives it. The
// tags that it has among c go with it.
func (c Claims) RevokeDigest(d finding.Digest, at time.Time, reason string) Claims {
	out := Claims{Images: map[string]Claim{DigestPath(d): {Seq: Forever, At: at, Revoked: true, Reason: reason}}}
	for path, v := range c.Images {
		if _, digest := digestOfPath(path); !digest && v.Digest == d && !v.Revoked {
			out.Images[path] = Claim{Seq: v.Seq + 1, At: at, Revoked: true, Reason: reason}
		}
	}
	return out
}

// RevokeTag takes back what a tag is signed as, and the digest where it has no
// other tag. Either may be signed again.
func (c Claims) RevokeTag(tag string, at time.Time, reason string) Claims {
	had := c.Images[tag]
	out := Claims{Images: map[string]Claim{tag: {Seq: had.Seq + 1, At: at, Revoked: true, Reason: reason}}}
	for path, v := range c.Images {
		if _, digest := digestOfPath(path); !digest && path != tag && v.Digest == had.Digest && !v.Revoked {
			return out
		}
	}
	if of, ok := c.Images[DigestPath(had.Digest)]; ok && of.Seq < Forever {
		out.Images[DigestPath(had.Digest)] = Claim{Seq: of.Seq + 1, At: at, Revoked: true, Reason: reason}
	}
	return out
}
