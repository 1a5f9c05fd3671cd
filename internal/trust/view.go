package trust

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Admin is the name under which what the top-level role itself signed is shown.
const Admin = "(Repo Admin)"

// View is what the verified metadata of a repository of images says.
type View struct {
	Repository string
	Roles      []RoleView // root, targets, snapshot, timestamp, then the signers by name

	claims map[string]Claims // by signer; "" is the top-level role
}

// RoleView is one role: who may sign it, and until when it holds.
type RoleView struct {
	Role      string // of TUF
	Signer    string // whose role it is; empty for the four of the top level
	Version   int64  // 0: the signer has signed nothing yet
	Expires   time.Time
	Keys      []Key
	Threshold int
	Owners    map[string]string // of online keys, by key id: the signers that each belongs to
}

// NewView is what another system's verified metadata says of a repository: its
// roles, and the claims of each signer; "" is the administrator.
func NewView(repository string, roles []RoleView, claims map[string]Claims) *View {
	return &View{Repository: repository, Roles: roles, claims: claims}
}

// Standing is what a tag is signed as, by all signers together.
type Standing struct {
	Tag       string
	Digest    finding.Digest
	At        time.Time
	Signers   []string
	Manifests []Manifest
	Revoked   bool   // what was signed last was taken back
	Reason    string // of the revocation
	Seq       int64
}

// bound holds every document to the repository that root is for: a key may sign
// for several, and a document of one is not to be taken for another's.
func bound(repository *string) func(role string, fields map[string]any) error {
	return func(role string, fields map[string]any) error {
		var x extra
		if ok, err := get(fields, &x); err != nil || !ok || x.Repository == "" {
			return &FormatError{role, errors.Join(errors.New("it does not say for which repository it is"), err)}
		}
		if *repository == "" {
			*repository = x.Repository
		}
		if x.Repository != *repository {
			return &ForeignError{role, x.Repository, *repository}
		}
		return nil
	}
}

// ForeignError is metadata of another repository.
type ForeignError struct{ Role, Of, Want string }

func (e *ForeignError) Error() string {
	return fmt.Sprintf("the %s metadata is for %s, and not for %s", e.Role, e.Of, e.Want)
}

// Refused makes it a [Refusal].
func (*ForeignError) Refused() string { return "other-repository" }

// Open updates what is trusted of a repository, and reads it. state holds at
// least root, and afterwards whatever was accepted, also where there is an error.
func Open(ctx context.Context, state State, source Source, now time.Time) (*View, error) {
	c := &Client{State: state, Source: source, Now: now, Shared: true}
	v := &View{claims: map[string]Claims{}}
	c.Check = bound(&v.Repository)
	if err := c.Refresh(ctx); err != nil {
		return nil, err
	}
	top, _, err := claimsOf(c.top.body)
	if err != nil {
		return nil, &FormatError{Targets, err}
	}
	v.claims[""] = top
	var of extra
	if _, err := get(c.root.body.UnrecognizedFields, &of); err != nil {
		return nil, &FormatError{Root, err}
	}
	for _, r := range []struct {
		role    string
		version int64
		expires time.Time
	}{
		{Root, c.root.body.Version, c.root.body.Expires},
		{Targets, c.top.body.Version, c.top.body.Expires},
		{Snapshot, c.snapshot.body.Version, c.snapshot.body.Expires},
		{Timestamp, c.timestamp.body.Version, c.timestamp.body.Expires},
	} {
		keys, err := keysOf(&c.root.body, r.role)
		if err != nil {
			return nil, &FormatError{Root, err}
		}
		v.Roles = append(v.Roles, RoleView{r.role, "", r.version, r.expires, keys, c.root.body.Roles[r.role].Threshold, of.Online})
	}
	return v, v.signers(ctx, c, top)
}

// signers reads the roles that the top level delegates to. One that has signed
// nothing is not in the snapshot; any other must be whole.
func (v *View) signers(ctx context.Context, c *Client, top Claims) error {
	for _, name := range slices.Sorted(maps.Keys(top.Signers)) {
		s := top.Signers[name]
		if s.Revoked {
			continue
		}
		r := RoleView{Role: s.role(name), Signer: name, Keys: s.Keys, Threshold: s.Threshold}
		if c.snapshot.body.Meta[r.Role+".json"] != nil {
			t, err := c.load(ctx, s.quorum(name))
			if err != nil {
				return err
			}
			claims, _, err := claimsOf(t.body)
			if err == nil && (len(claims.Signers) > 0 || t.body.Delegations != nil) {
				err = errors.New("a signer delegates to others")
			}
			if err != nil {
				return &FormatError{r.Role, err}
			}
			v.claims[name] = claims
			r.Version, r.Expires = t.body.Version, t.body.Expires
		}
		v.Roles = append(v.Roles, r)
	}
	return nil
}

// quorum is who must sign the role of a signer.
func (s Delegate) quorum(name string) quorum {
	q := quorum{role: s.role(name), keys: map[string]*metadata.Key{}, threshold: s.Threshold}
	for _, k := range s.Keys {
		tuf := k.tuf
		q.keys[k.ID()], q.ids = &tuf, append(q.ids, k.ID())
	}
	return q
}

func keysOf(root *metadata.RootType, role string) ([]Key, error) {
	r := root.Roles[role]
	if r == nil {
		return nil, fmt.Errorf("it has no role %q", role)
	}
	var out []Key
	for _, id := range r.KeyIDs {
		k, err := keyOf(id, root.Keys[id])
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, nil
}

// takenBack reports whether a signer, or the administrator, revoked any manifest
// of a claim.
func (v *View) takenBack(signer string, c Claim) (Claim, bool) {
	digests := []finding.Digest{c.Digest}
	for _, m := range c.Manifests {
		digests = append(digests, m.Digest)
	}
	for _, by := range []string{"", signer} {
		for _, d := range digests {
			if r, ok := v.claims[by].Images[DigestPath(d)]; ok && r.Revoked && (r.Seq >= c.Seq) {
				return r, true
			}
		}
	}
	return Claim{}, false
}

// Tag is what a tag is signed as: the latest claim of any signer counts, and all
// signers whose own latest claim names the same digest. False: nobody signed it.
func (v *View) Tag(tag string) (Standing, bool) {
	best, found := Claim{}, false
	for _, signer := range v.names() {
		c, ok := v.claims[signer].Images[tag]
		if ok && (!c.Revoked || signer == "") && (!found || c.over(best)) { // a signer takes back only what is his
			best, found = c, true
		}
	}
	if !found {
		return v.lastRevoked(tag)
	}
	st := Standing{Tag: tag, Digest: best.Digest, At: best.At, Revoked: best.Revoked, Reason: best.Reason, Seq: best.Seq}
	if st.Revoked {
		return st, true
	}
	for _, signer := range v.names() {
		own, ok := v.claims[signer].Images[tag]
		if !ok || own.Revoked || own.Digest != best.Digest {
			continue
		}
		of, ok := v.claims[signer].Images[DigestPath(best.Digest)]
		if !ok || of.Revoked {
			of = own
		}
		if r, gone := v.takenBack(signer, of); gone {
			st.Reason = r.Reason
			continue
		}
		st.Manifests = of.Manifests
		st.Signers = append(st.Signers, shown(signer))
	}
	st.Revoked = len(st.Signers) == 0
	return st, true
}

// lastRevoked tells of a tag that only has revocations.
func (v *View) lastRevoked(tag string) (Standing, bool) {
	for _, signer := range v.names() {
		if c, ok := v.claims[signer].Images[tag]; ok {
			return Standing{Tag: tag, At: c.At, Revoked: true, Reason: c.Reason, Seq: c.Seq}, true
		}
	}
	return Standing{}, false
}

// Digest is how a digest is signed: as an image of its own, or as a manifest of
// one. False: nobody signed it.
func (v *View) Digest(d finding.Digest) (Standing, bool) {
	var live, dead Standing
	for _, signer := range v.names() {
		for path, c := range v.claims[signer].Images {
			of, isDigest := digestOfPath(path)
			if !isDigest || of != d && !slices.ContainsFunc(c.Manifests, func(m Manifest) bool { return m.Digest == d }) {
				continue
			}
			r, gone := v.takenBack(signer, c)
			if c.Revoked {
				r, gone = c, true
			}
			if gone {
				if !dead.Revoked || r.Seq > dead.Seq {
					dead = Standing{Digest: d, At: r.At, Revoked: true, Reason: r.Reason, Seq: r.Seq}
				}
				continue
			}
			by := live.Signers
			if by == nil || c.Seq > live.Seq {
				live = Standing{Digest: d, At: c.At, Seq: c.Seq, Manifests: c.Manifests}
			}
			if live.Signers = by; !slices.Contains(by, shown(signer)) {
				live.Signers = append(by, shown(signer))
			}
		}
	}
	if live.Signers != nil {
		return live, true
	}
	return dead, dead.Revoked
}

// Tags is every tag that anybody signed or took back, in order.
func (v *View) Tags() []Standing {
	all := map[string]bool{}
	for _, c := range v.claims {
		for path := range c.Images {
			if _, digest := digestOfPath(path); !digest {
				all[path] = true
			}
		}
	}
	var out []Standing
	for _, tag := range slices.Sorted(maps.Keys(all)) {
		if st, ok := v.Tag(tag); ok {
			out = append(out, st)
		}
	}
	return out
}

func (v *View) names() []string { return slices.Sorted(maps.Keys(v.claims)) }

func shown(signer string) string {
	if signer == "" {
		return Admin
	}
	return signer
}

// Role is one of the roles by its name in TUF, or a signer's by his.
func (v *View) Role(name string) (RoleView, bool) {
	i := slices.IndexFunc(v.Roles, func(r RoleView) bool { return r.Role == name || r.Signer != "" && r.Signer == name })
	if i < 0 {
		return RoleView{}, false
	}
	return v.Roles[i], true
}

// Verdict is the answer about one image.
type Verdict struct {
	Standing
	Kind string // "verified", or why not: "unsigned", "moved", "revoked"
	Now  finding.Digest
	Here bool // the image was not asked of a registry: it is on this machine
}

// Judge answers whether a digest is what is signed, for a tag where one is given.
func (v *View) Judge(tag string, d finding.Digest) Verdict {
	var st Standing
	var ok bool
	if tag != "" {
		st, ok = v.Tag(tag)
	} else {
		st, ok = v.Digest(d)
	}
	out := Verdict{Standing: st, Now: d, Kind: "verified"}
	switch {
	case !ok:
		out.Kind, out.Tag = "unsigned", tag
	case st.Revoked:
		out.Kind = "revoked"
	case tag != "" && st.Digest != d:
		out.Kind = "moved"
	}
	return out
}

// Text says a verdict in one sentence.
func (r Verdict) Text() string {
	date := ""
	if !r.At.IsZero() { // Notary v1 does not say when
		date = " on " + r.At.Format("2 January 2006")
	}
	why := ""
	if r.Reason != "" {
		why = ": " + r.Reason
	}
	what := r.Tag
	if what == "" {
		what = string(r.Now)
	}
	switch r.Kind {
	case "verified":
		return fmt.Sprintf("signed by %s%s", strings.Join(r.Signers, ", "), date)
	case "revoked":
		return fmt.Sprintf("the signature of %s was revoked%s%s", what, date, why)
	case "moved":
		other := "the registry serves"
		if r.Here {
			other = "this image is"
		}
		return fmt.Sprintf("%s is signed as %s (by %s%s), and %s %s", what, r.Digest, strings.Join(r.Signers, ", "), date, other, r.Now)
	}
	return "nobody signed " + what
}

// Attested is a signed attestation of a manifest.
type Attested struct {
	Artifact  finding.Digest // the manifest of the artifact that holds it
	About     finding.Digest
	Predicate string // the type of what it says
	At        time.Time
	Signers   []string
}

// Attestations are the signed attestations of any of these manifests, by artifact.
func (v *View) Attestations(of ...finding.Digest) []Attested {
	by := map[finding.Digest]*Attested{}
	for _, signer := range v.names() {
		for path, c := range v.claims[signer].Images {
			if _, isDigest := digestOfPath(path); !isDigest || c.Revoked || len(c.Manifests) != 1 || c.Manifests[0].Predicate == "" {
				continue
			}
			m := c.Manifests[0]
			if _, gone := v.takenBack(signer, c); gone || !slices.Contains(of, m.Attests) {
				continue
			}
			if by[m.Digest] == nil {
				by[m.Digest] = &Attested{Artifact: m.Digest, About: m.Attests, Predicate: m.Predicate, At: c.At}
			}
			by[m.Digest].Signers = append(by[m.Digest].Signers, shown(signer))
		}
	}
	var out []Attested
	for _, d := range slices.Sorted(maps.Keys(by)) {
		out = append(out, *by[d])
	}
	return out
}

// SignedBy are the digests of all manifests that a signer has signed and not taken
// back; of the administrator those of [Admin].
func (v *View) SignedBy(signer string) []finding.Digest {
	if signer == Admin {
		signer = ""
	}
	var out []finding.Digest
	for _, c := range v.claims[signer].Images {
		for _, m := range c.Manifests {
			if !c.Revoked && !slices.Contains(out, m.Digest) {
				out = append(out, m.Digest)
			}
		}
	}
	slices.Sort(out)
	return out
}

// KeysOf are the keys of a signer, or of the administrator.
func (v *View) KeysOf(signer string) []Key {
	name := signer
	if signer == "" || signer == Admin {
		name = Targets
	}
	r, _ := v.Role(name)
	return r.Keys
}
