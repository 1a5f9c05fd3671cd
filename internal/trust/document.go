package trust

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/drydock-dev/drydock/internal/finding"
)

// The top-level roles of TUF.
const (
	Root      = metadata.ROOT
	Targets   = metadata.TARGETS
	Snapshot  = metadata.SNAPSHOT
	Timestamp = metadata.TIMESTAMP
)

// Limits of metadata. None is near what real repositories need.
const (
	MaxRoot      = 512 << 10
	MaxTimestamp = 64 << 10
	// MaxSnapshot limits the bytes of TUF snapshot metadata.
	MaxSnapshot = 2 << 20
	// MaxTargets limits the bytes of TUF targets metadata.
	MaxTargets = 8 << 20

	// maxVersion limits the version of TUF metadata. Nobody reaches it by counting.
	maxVersion = 1 << 40
	maxSigners = 1000
)

// Limit is how many bytes a role's document may have.
func Limit(role string) int64 {
	switch role {
	case Root:
		return MaxRoot
	case Timestamp:
		return MaxTimestamp
	case Snapshot:
		return MaxSnapshot
	}
	return MaxTargets
}

// Doc is one metadata document as it lies in a registry.
type Doc struct {
	Role    string // the TUF name: "targets", "alice-0f3a12bc"
	Version int64
	Bytes   []byte
}

// Digest is of the document's bytes.
func (d Doc) Digest() finding.Digest { return finding.DigestOf(d.Bytes) }

// extra is what Drydock adds to TUF metadata, under the key "x-drydock" of the
// signed part. Other TUF clients pass over it.
type extra struct {
	Repository string             `json:"repository"` // for which the document is: one key may sign for several
	Signed     string             `json:"signed,omitempty"`
	Revoked    map[string]revoked `json:"revoked,omitempty"` // by path
	Removed    map[string]revoked `json:"removed,omitempty"` // signers, by name
	Merged     []string           `json:"merged,omitempty"`  // digests, shortened, of documents that this one covers
	Online     map[string]string  `json:"online,omitempty"`  // of root: whose an online key is, by key id; several with spaces between
	Days       map[string]int     `json:"days,omitempty"`    // of root: how long a role's documents hold
}

type revoked struct {
	Seq    int64  `json:"seq"`
	At     string `json:"at"`
	Reason string `json:"reason,omitempty"`
}

// custom is what Drydock adds to a target.
type custom struct {
	Seq       int64      `json:"seq"`
	At        string     `json:"at"`
	Manifests []Manifest `json:"manifests,omitempty"`
}

// delegated is what Drydock adds to a delegation.
type delegated struct {
	Signer string `json:"signer"`
	Seq    int64  `json:"seq"`
	At     string `json:"at"`
}

const extraKey = "x-drydock"

// put adds v to the fields that TUF does not know.
func put(fields *map[string]any, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if *fields == nil {
		*fields = map[string]any{}
	}
	(*fields)[extraKey] = json.RawMessage(b)
	return nil
}

// get reads what put added; false where there is nothing.
func get(fields map[string]any, v any) (bool, error) {
	x, ok := fields[extraKey]
	if !ok {
		return false, nil
	}
	b, err := json.Marshal(x)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		return true, fmt.Errorf("%s: %w", extraKey, err)
	}
	return true, nil
}

func stamp(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }

func unstamp(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	return t.UTC(), err
}

// role is the TUF name of a signer's role. It changes with the signer's keys, so
// that a document of keys that were replaced is never taken for one of the new.
func (s Delegate) role(name string) string {
	var ids []string
	for _, k := range s.Keys {
		ids = append(ids, k.ID())
	}
	slices.Sort(ids)
	sum := finding.DigestOf(fmt.Appendf(nil, "%s\n%d\n%s", name, s.Threshold, strings.Join(ids, "\n")))
	slug := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, name)
	return slug[:min(len(slug), 20)] + "-" + sum.Hex()[:8]
}

// delegations writes signers as TUF delegates to them: each may sign any tag and
// any digest, none ends the search for others.
func delegations(signers map[string]Delegate) (*metadata.Delegations, map[string]revoked, error) {
	d := &metadata.Delegations{Keys: map[string]*metadata.Key{}, Roles: []metadata.DelegatedRole{}}
	gone := map[string]revoked{}
	for _, name := range slices.Sorted(maps.Keys(signers)) {
		s := signers[name]
		if s.Revoked {
			gone[name] = revoked{s.Seq, stamp(s.At), s.Reason}
			continue
		}
		r := metadata.DelegatedRole{Name: s.role(name), Threshold: s.Threshold, Paths: []string{"*", "digests/*"}, KeyIDs: []string{}}
		for _, k := range s.Keys {
			tuf := k.tuf
			d.Keys[k.ID()] = &tuf
			r.KeyIDs = append(r.KeyIDs, k.ID())
		}
		slices.Sort(r.KeyIDs)
		if err := put(&r.UnrecognizedFields, delegated{name, s.Seq, stamp(s.At)}); err != nil {
			return nil, nil, err
		}
		d.Roles = append(d.Roles, r)
	}
	if len(d.Roles) == 0 {
		d = nil
	}
	return d, gone, nil
}

// signersOf reads delegations. Those that Drydock did not write are an error:
// what they mean for tags is not known.
func signersOf(d *metadata.Delegations, gone map[string]revoked) (map[string]Delegate, error) {
	out := map[string]Delegate{}
	for name, r := range gone {
		at, err := unstamp(r.At)
		if err != nil || r.Seq < 0 || r.Seq > Forever {
			return nil, fmt.Errorf("removed signer %q is not dated", name)
		}
		out[name] = Delegate{Seq: r.Seq, At: at, Revoked: true, Reason: r.Reason}
	}
	if d == nil {
		return out, nil
	}
	if d.SuccinctRoles != nil || len(d.Roles) > maxSigners {
		return nil, fmt.Errorf("more than %d signers", maxSigners)
	}
	for _, r := range d.Roles {
		var x delegated
		if ok, err := get(r.UnrecognizedFields, &x); err != nil || !ok {
			return nil, errors.Join(fmt.Errorf("role %q is not a signer's", r.Name), err)
		}
		at, err := unstamp(x.At)
		if err != nil || x.Seq < 0 || x.Seq >= Forever || ValidSigner(x.Signer) != nil {
			return nil, fmt.Errorf("role %q is not a signer's", r.Name)
		}
		s := Delegate{Seq: x.Seq, At: at, Threshold: r.Threshold}
		for _, id := range r.KeyIDs {
			k, err := keyOf(id, d.Keys[id])
			if err != nil {
				return nil, fmt.Errorf("signer %s: %w", x.Signer, err)
			}
			s.Keys = append(s.Keys, k)
		}
		switch {
		case r.Name != s.role(x.Signer):
			return nil, fmt.Errorf("role %q is not that of signer %s and its keys", r.Name, x.Signer)
		case s.Threshold < 1 || s.Threshold > len(s.Keys):
			return nil, fmt.Errorf("signer %s: a threshold of %d with %s", x.Signer, s.Threshold, finding.Count(len(s.Keys), "key"))
		}
		if _, twice := out[x.Signer]; twice {
			return nil, fmt.Errorf("signer %s is there twice", x.Signer)
		}
		out[x.Signer] = s
	}
	return out, nil
}

// keyOf reads a key of metadata, and holds its id to its bytes.
func keyOf(id string, k *metadata.Key) (Key, error) {
	if k == nil {
		return Key{}, fmt.Errorf("key %s is missing", short(id))
	}
	public, err := k.ToPublicKey()
	if err != nil {
		return Key{}, fmt.Errorf("key %s: %w", short(id), err)
	}
	out, err := NewKey(public)
	if err != nil {
		return Key{}, fmt.Errorf("key %s: %w", short(id), err)
	}
	if out.id != id {
		return Key{}, fmt.Errorf("key %s has the id of another", short(id))
	}
	return out, nil
}

func short(id string) string { return id[:min(len(id), 12)] }

// ValidSigner reports whether a signer may be called so: as an image's name may.
func ValidSigner(name string) error {
	ok := name != "" && len(name) <= 64
	for i, c := range []byte(name) {
		letter := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		ok = ok && (letter || i > 0 && (c == '.' || c == '_' || c == '-'))
	}
	if !ok {
		return fmt.Errorf("a signer's name has letters a to z, digits, dots, dashes and underscores, 64 at most: not %q", name)
	}
	return nil
}

// claimsDoc writes a role's claims as TUF targets metadata.
func claimsDoc(c Claims, version int64, expires time.Time, x extra) (*signed[metadata.TargetsType], error) {
	body := metadata.Targets(expires.UTC().Truncate(time.Second)).Signed
	body.Version = version
	x.Revoked = map[string]revoked{}
	for path, v := range c.Images {
		if v.Revoked {
			x.Revoked[path] = revoked{v.Seq, stamp(v.At), v.Reason}
			continue
		}
		hash, err := hex.DecodeString(v.Digest.Hex())
		if err != nil {
			return nil, err
		}
		raw, err := json.Marshal(custom{v.Seq, stamp(v.At), v.Manifests})
		if err != nil {
			return nil, err
		}
		body.Targets[path] = &metadata.TargetFiles{
			Length: v.Size, Hashes: metadata.Hashes{"sha256": hash}, Custom: (*json.RawMessage)(&raw),
		}
	}
	var err error
	if body.Delegations, x.Removed, err = delegations(c.Signers); err != nil {
		return nil, err
	}
	if err := put(&body.UnrecognizedFields, x); err != nil {
		return nil, err
	}
	return compose(body)
}

// claimsOf reads a role's claims, and the rest of what Drydock wrote.
func claimsOf(body metadata.TargetsType) (Claims, extra, error) {
	var x extra
	ok, err := get(body.UnrecognizedFields, &x)
	if err != nil || !ok {
		return Claims{}, x, errors.Join(errors.New("the document is not one of Drydock's"), err)
	}
	c := Claims{Images: map[string]Claim{}}
	for path, t := range body.Targets {
		v, err := claimOf(path, t)
		if err != nil {
			return Claims{}, x, fmt.Errorf("target %q: %w", path, err)
		}
		c.Images[path] = v
	}
	for path, r := range x.Revoked {
		at, err := unstamp(r.At)
		if _, live := c.Images[path]; err != nil || live || r.Seq < 0 || r.Seq > Forever {
			return Claims{}, x, fmt.Errorf("target %q: its revocation cannot be read", path)
		}
		c.Images[path] = Claim{Seq: r.Seq, At: at, Revoked: true, Reason: r.Reason}
	}
	c.Signers, err = signersOf(body.Delegations, x.Removed)
	return c, x, err
}

func claimOf(path string, t *metadata.TargetFiles) (Claim, error) {
	var x custom
	if t == nil || t.Custom == nil {
		return Claim{}, errors.New("it is not one of Drydock's")
	}
	if err := json.Unmarshal(*t.Custom, &x); err != nil {
		return Claim{}, err
	}
	at, err := unstamp(x.At)
	v := Claim{Seq: x.Seq, At: at, Digest: finding.Digest("sha256:" + t.Hashes["sha256"].String()), Size: t.Length, Manifests: x.Manifests}
	of, isDigest := digestOfPath(path)
	switch {
	case err != nil, x.Seq < 0, x.Seq >= Forever, t.Length < 0:
		return Claim{}, errors.New("it is not dated")
	case !v.Digest.IsSHA256():
		return Claim{}, errors.New("it names no sha256 digest")
	case isDigest && of != v.Digest:
		return Claim{}, fmt.Errorf("it names %s", v.Digest)
	}
	for _, m := range x.Manifests {
		if !m.Digest.IsSHA256() || m.Config != "" && !m.Config.IsSHA256() || m.Attests != "" && !m.Attests.IsSHA256() {
			return Claim{}, errors.New("it names what is no digest")
		}
	}
	return v, nil
}
