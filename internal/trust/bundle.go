package trust

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Bundle is all that it takes to verify an image without a network: the roots of
// its repository from the first on, the newest metadata, and which image it is
// about.
type Bundle struct {
	Schema     string                    `json:"schema"`
	Repository string                    `json:"repository"`
	Tag        string                    `json:"tag,omitempty"`
	Digest     finding.Digest            `json:"digest"`
	Roots      [][]byte                  `json:"roots"`
	Roles      map[string][]byte         `json:"roles"`     // but root
	Manifests  map[finding.Digest][]byte `json:"manifests"` // of the image: that of the digest, and of its platforms
}

// BundleSchema names the form of a bundle.
const BundleSchema = "drydock/trust-bundle/v1"

// MaxBundle limits the bytes of a trust bundle.
const MaxBundle = 128 << 20

const maxRoots = maxRootSteps

// ParseBundle reads a bundle. Nothing in it is verified yet.
func ParseBundle(b []byte) (*Bundle, error) {
	if len(b) > MaxBundle {
		return nil, fmt.Errorf("a bundle of more than %d MiB", MaxBundle>>20)
	}
	var out Bundle
	if err := json.Unmarshal(b, &out); err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	switch {
	case out.Schema != BundleSchema:
		return nil, fmt.Errorf("bundle: its schema is %q, and not %s", out.Schema, BundleSchema)
	case !out.Digest.IsSHA256() || out.Repository == "" || len(out.Roots) == 0 || len(out.Roots) > maxRoots:
		return nil, errors.New("bundle: it names no image or has no root")
	}
	for d, m := range out.Manifests {
		if finding.DigestOf(m) != d {
			return nil, &HashError{"manifest " + string(d), "the bundle holds other bytes"}
		}
	}
	return &out, nil
}

// Fetch makes a bundle a [Source].
func (b *Bundle) Fetch(_ context.Context, f File) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if f.Role != Root {
			if doc := b.Roles[f.Role]; doc != nil {
				yield(doc, nil)
			}
			return
		}
		for _, r := range b.Roots {
			if versionIn(r) == f.Version && !yield(r, nil) {
				return
			}
		}
	}
}

// Open verifies the bundle's metadata at a time, from what is trusted so far. With
// maxAge, a snapshot and a timestamp hold for so long after they were signed,
// whatever date they bear: a machine without a network gets no newer ones.
func (b *Bundle) Open(ctx context.Context, state State, now time.Time, maxAge time.Duration) (*View, error) {
	v, err := Open(ctx, state, b, now)
	var late *ExpiredError
	if maxAge == 0 || !errors.As(err, &late) || late.Role != Timestamp && late.Role != Snapshot {
		return v, err
	}
	signed, ok := b.signedAt()
	if !ok || now.After(signed.Add(maxAge)) || signed.After(now) {
		return nil, err
	}
	if v, err = Open(ctx, state, b, signed); err != nil {
		return nil, err
	}
	for _, r := range v.Roles {
		if r.Role != Timestamp && r.Role != Snapshot && !r.Expires.IsZero() && expired(r.Expires, now) {
			return nil, &ExpiredError{r.Role, r.Expires}
		}
	}
	return v, nil
}

// signedAt is when the timestamp was signed, as it says.
func (b *Bundle) signedAt() (time.Time, bool) {
	t, err := decode[metadata.TimestampType](Timestamp, b.Roles[Timestamp])
	if err != nil {
		return time.Time{}, false
	}
	var x extra
	if ok, err := get(t.body.UnrecognizedFields, &x); err != nil || !ok {
		return time.Time{}, false
	}
	at, err := unstamp(x.Signed)
	return at, err == nil
}

// Contains reports whether the signed image has a manifest or configuration with
// this digest: an archive may know an image by either.
func (st Standing) Contains(d finding.Digest) bool {
	if d == "" {
		return false
	}
	for _, m := range st.Manifests {
		if m.Digest == d || m.Config == d && m.Attests == "" {
			return true
		}
	}
	return st.Digest == d
}

// HasManifest reports whether the signed image has a manifest with this digest, or is
// the index that has it: what a registry and the containerd image store know it by.
func (st Standing) HasManifest(d finding.Digest) bool {
	return d != "" && (st.Digest == d || slices.ContainsFunc(st.Manifests, func(m Manifest) bool { return m.Digest == d && m.Attests == "" }))
}

// HasConfig reports whether the signed image has a manifest with this configuration:
// what the classic image store knows it by.
func (st Standing) HasConfig(d finding.Digest) bool {
	return d != "" && slices.ContainsFunc(st.Manifests, func(m Manifest) bool { return m.Config == d && m.Attests == "" })
}

// ByConfig are the digests that are signed and lead to a configuration, in order.
func (v *View) ByConfig(config finding.Digest) []finding.Digest {
	var out []finding.Digest
	for _, signer := range v.names() {
		for _, c := range v.claims[signer].Images {
			if (Standing{Manifests: c.Manifests}).HasConfig(config) && !c.Revoked && !slices.Contains(out, c.Digest) {
				out = append(out, c.Digest)
			}
		}
	}
	slices.Sort(out)
	return out
}
