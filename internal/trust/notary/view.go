package notary

import (
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
	"github.com/drydock-dev/drydock/internal/trust"
)

// Repository is the verified metadata of a GUN.
type Repository struct {
	GUN    string
	Away   bool             // the server was not reached: this is what it said last
	Broken map[string]error // delegations that do not verify, and sign nothing

	root      *document[rootBody]
	timestamp *document[metaBody]
	snapshot  *document[metaBody]
	roles     map[string]*document[targetsBody]
	floor     map[string]int64 // versions of those in Broken: who signs anew goes on from there
}

// keys are the keys of a role of the top level.
func (r *Repository) keys(role string) []trust.Key {
	var out []trust.Key
	for _, id := range r.root.body.Roles[role].KeyIDs {
		out = append(out, r.root.body.Keys[id].key(id))
	}
	return out
}

// Tag is what a tag is released as.
type Tag struct {
	Name    string
	Digest  finding.Digest
	Size    int64
	Signers []string // none: the administrator alone
}

// delegates are the roles that targets delegates to, but [Releases].
func (r *Repository) delegates() []delegate {
	out := slices.Clone(r.roles[trust.Targets].body.Delegations.Roles)
	out = slices.DeleteFunc(out, func(d delegate) bool { return d.Name == Releases })
	sorting.By(out, func(a, b delegate) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// released is the role that releases a tag, and as what: [Releases] comes before
// the targets role.
func (r *Repository) released(tag string) (fileMeta, bool) {
	if d := r.roles[Releases]; d != nil {
		f, ok := d.body.Targets[tag]
		i := slices.IndexFunc(r.roles[trust.Targets].body.Delegations.Roles, func(d delegate) bool { return d.Name == Releases })
		if ok && r.roles[trust.Targets].body.Delegations.Roles[i].within(tag) {
			return f, true
		}
	}
	f, ok := r.roles[trust.Targets].body.Targets[tag]
	return f, ok
}

// Tags are all released tags, by name, with those signers whose own role says the
// same of them.
func (r *Repository) Tags() []Tag {
	names := map[string]bool{}
	for _, role := range []string{Releases, trust.Targets} {
		if d := r.roles[role]; d != nil {
			for name := range d.body.Targets {
				names[name] = true
			}
		}
	}
	var out []Tag
	for _, name := range slices.Sorted(maps.Keys(names)) {
		f, ok := r.released(name)
		sum := f.Hashes["sha256"]
		if !ok || len(sum) != 32 {
			continue
		}
		t := Tag{Name: name, Digest: digestOf(sum), Size: f.Length}
		for _, d := range r.delegates() {
			doc := r.roles[d.Name]
			if doc == nil || !d.within(name) {
				continue
			}
			if own, ok := doc.body.Targets[name]; ok && slices.Equal(own.Hashes["sha256"], sum) {
				t.Signers = append(t.Signers, strings.TrimPrefix(d.Name, trust.Targets+"/"))
			}
		}
		out = append(out, t)
	}
	return out
}

// View is the metadata as Drydock judges images by. Notary v1 does not say when
// something was signed, and forgets what was revoked.
func (r *Repository) View() *trust.View {
	claims := map[string]trust.Claims{}
	for _, t := range r.Tags() {
		by := t.Signers
		if len(by) == 0 {
			by = []string{""}
		}
		for _, name := range by {
			if claims[name].Images == nil {
				claims[name] = trust.Claims{Images: map[string]trust.Claim{}}
			}
			c := trust.Claim{Seq: 1, Digest: t.Digest, Size: t.Size, Manifests: []trust.Manifest{{Digest: t.Digest}}}
			claims[name].Images[t.Name], claims[name].Images[trust.DigestPath(t.Digest)] = c, c
		}
	}
	roles := []trust.RoleView{
		r.top(trust.Root, r.root.common()), r.top(trust.Targets, r.roles[trust.Targets].common()),
		r.top(trust.Snapshot, r.snapshot.common()), r.top(trust.Timestamp, r.timestamp.common()),
	}
	for _, d := range r.delegates() {
		v := trust.RoleView{Role: d.Name, Signer: strings.TrimPrefix(d.Name, trust.Targets+"/"), Threshold: d.Threshold}
		if doc := r.roles[d.Name]; doc != nil {
			v.Version, v.Expires = doc.body.Version, doc.body.Expires
		}
		for _, id := range d.KeyIDs {
			v.Keys = append(v.Keys, r.roles[trust.Targets].body.Delegations.Keys[id].key(id))
		}
		roles = append(roles, v)
	}
	return trust.NewView(r.GUN, roles, claims)
}

func (r *Repository) top(role string, c *common) trust.RoleView {
	return trust.RoleView{Role: role, Version: c.Version, Expires: c.Expires, Keys: r.keys(role), Threshold: r.root.body.Roles[role].Threshold}
}

// Judge answers whether a digest is what is released for a tag, where one is given.
// What a role that does not verify might have released is refused with the reason.
func (r *Repository) Judge(tag string, d finding.Digest) (trust.Verdict, error) {
	v := r.View().Judge(tag, d)
	if err := r.Broken[Releases]; v.Kind == "unsigned" && err != nil {
		return v, err
	}
	return v, nil
}

func digestOf(sum []byte) finding.Digest { return finding.Digest("sha256:" + hex.EncodeToString(sum)) }

// Delegate is a signer, with the keys as any other system has them.
type Delegate struct {
	Name      string
	Keys      []trust.Key
	Threshold int
	Unusable  int // keys of a kind that Drydock does not sign with
}

// Signers are those whom the administrator lets sign, by name.
func (r *Repository) Signers() []Delegate {
	var out []Delegate
	for _, d := range r.delegates() {
		s := Delegate{Name: strings.TrimPrefix(d.Name, trust.Targets+"/"), Threshold: d.Threshold}
		for _, id := range d.KeyIDs {
			p, _, err := r.roles[trust.Targets].body.Delegations.Keys[id].public()
			if err == nil {
				var k trust.Key
				if k, err = trust.NewKey(p); err == nil {
					s.Keys = append(s.Keys, k)
				}
			}
			if err != nil {
				s.Unusable++
			}
		}
		out = append(out, s)
	}
	return out
}

// RootKeys are the ids of the root keys as their private files are called.
func (r *Repository) RootKeys() []string {
	var out []string
	for _, id := range r.root.body.Roles[trust.Root].KeyIDs {
		out = append(out, r.root.body.Keys[id].bare())
	}
	return out
}

// Held is the last moment at which all of what is trusted held; zero: it is not whole.
func (st State) Held() time.Time {
	var last time.Time
	for role, b := range st {
		var e struct {
			Signed common `json:"signed"`
		}
		if json.Unmarshal(b, &e) != nil || e.Signed.Expires.IsZero() {
			return time.Time{}
		}
		if delegation.MatchString(role) && role != Releases {
			continue // a signer's own that has expired says nothing
		}
		if last.IsZero() || e.Signed.Expires.Before(last) {
			last = e.Signed.Expires
		}
	}
	return last.Add(-time.Second)
}
