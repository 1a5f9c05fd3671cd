package trust

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// Keyring has the private keys that may sign.
type Keyring interface {
	Has(id string) bool
	Signer(id string) (Signer, error)
}

// Change is what a writer wants to be so. It is stated as what it comes to, so
// that it can be put through again on whatever others have made of the
// repository meanwhile.
type Change struct {
	Claims  map[string]Claims // by signer; "" is the top-level role
	Root    []RootEdit
	First   []byte         // the first root, as others signed it; nil: it is made of Root
	Renew   bool           // what soon expires is signed anew, and all that others left is made to count
	Propose bool           // too few signatures will do for now
	Cosign  bool           // what others proposed is signed too, with the keys that are here
	Days    map[string]int // of a first root: how long documents hold, by role
	Skip    int64          // versions that the snapshot and timestamp leave out, so that writers in a crowd do not take the same
}

// RootEdit is a change of who may sign a top-level role.
type RootEdit struct {
	Role      string
	Add       []Key
	Remove    []string // key ids
	Threshold int      // 0: as it is
	Owner     string   // of added online keys: whose they are
	Renew     bool     // a new version in any case
}

// Step is a document to be put into the registry, before those that follow it.
type Step struct {
	Doc
	Key string // the id of a key that signed it
}

// Plan is what has to be written for a change to hold.
type Plan struct {
	Steps    []Step
	Settled  bool     // nothing: the newest timestamp leads to all of it
	Waiting  bool     // no online key is here: snapshot and timestamp wait for a refresh
	Proposed []string // roles, by TUF name, for which others have to sign too
	Backlog  int      // documents that nothing leads to yet: as many writers may be about to see to that
}

// How long documents hold, by role, unless root says otherwise.
func days(x extra, role string) time.Duration {
	d, ok := x.Days[role]
	if !ok {
		if d, ok = DefaultDays()[role]; !ok {
			d = DefaultDays()["signers"]
		}
	}
	return time.Duration(d) * 24 * time.Hour
}

// DefaultDays is how many days each role's documents hold; "signers" stands for
// all that the top level delegates to.
func DefaultDays() map[string]int {
	return map[string]int{Root: 5 * 365, Targets: 3 * 365, "signers": 3 * 365, Snapshot: 30, Timestamp: 14}
}

// stale reports whether a document is due to be signed anew: a third of its time
// is left, or two thirds where that is asked for.
func (a *Assembly) stale(role string, expires time.Time, renew bool) bool {
	left, whole := expires.Sub(a.now), days(a.rootExtra, role)
	if renew {
		return left < whole*2/3
	}
	return left < whole/3
}

// ErrNoKey is a role that none of the keys here may sign.
type ErrNoKey struct {
	Role string // as people call it
	Ids  []string
}

func (e *ErrNoKey) Error() string {
	var ids []string
	for _, id := range e.Ids {
		ids = append(ids, short(id))
	}
	return fmt.Sprintf("no key here may sign for %s (it has %s)", e.Role, strings.Join(ids, ", "))
}

// Hint says where keys come from.
func (e *ErrNoKey) Hint() string {
	return "drydock trust key load FILE takes a key in; drydock trust key list shows those that are here"
}

// TooFewError is a document that the keys which are here cannot sign alone.
type TooFewError struct {
	Role      string // as people call it
	Got, Want int
}

func (e *TooFewError) Error() string {
	return fmt.Sprintf("%s needs %d signatures, and the keys here make %d", e.Role, e.Want, e.Got)
}

// Hint says how several sign.
func (*TooFewError) Hint() string {
	return "say --propose, and let the holders of its other keys sign what is proposed"
}

// tooFew is what a missing signature means to one who signs.
func tooFew(role string, err error) error {
	var lack *SignatureError
	if errors.As(err, &lack) {
		return &TooFewError{role, lack.Got, lack.Want}
	}
	return err
}

// signersIn are the keys of a quorum that are here, as many as it needs.
func (q quorum) signersIn(ring Keyring) ([]Signer, error) {
	var out []Signer
	for _, id := range q.ids {
		if !ring.Has(id) {
			continue
		}
		s, err := ring.Signer(id)
		if err != nil {
			return nil, err
		}
		if out = append(out, s); len(out) == q.threshold {
			break
		}
	}
	if len(out) == 0 {
		return nil, &ErrNoKey{q.role, q.ids}
	}
	return out, nil
}

// Plan works out what to write. Documents come in an order in which every
// beginning of it leaves a repository that verifies: roles before the snapshot
// that names them, and root last, for the keys that it takes away have signed
// what is there.
func (a *Assembly) Plan(ch Change, ring Keyring) (*Plan, error) {
	p := &Plan{}
	for name := range ch.Claims {
		if name != "" && a.Signers()[name].Keys == nil && ch.Claims[""].Signers[name].Keys == nil {
			return nil, fmt.Errorf("%s is not a signer of %s", name, a.Repository)
		}
	}
	root, rootStep, proposed, err := a.planRoot(ch, ring)
	if err != nil {
		return nil, err
	}
	if proposed {
		p.Proposed = append(p.Proposed, Root)
	}
	heads := map[string]Doc{}
	for _, r := range a.planRoles(root, ch) {
		step, head, proposed, err := a.planRole(r, ch, ring)
		if err != nil {
			return nil, err
		}
		if step != nil {
			p.Steps = append(p.Steps, *step)
		}
		if proposed {
			p.Proposed = append(p.Proposed, r.role)
		}
		if head.Bytes != nil {
			heads[r.role] = head
		}
	}
	if heads[Targets].Bytes != nil && root != nil {
		if err := a.planNewest(p, ch, root, heads, ring, rootStep != nil && !proposed); err != nil {
			return nil, err
		}
	}
	if rootStep != nil {
		p.Steps, p.Settled = append(p.Steps, *rootStep), false
	}
	return p, nil
}

// planNewest adds the snapshot and the timestamp that the other steps need.
func (a *Assembly) planNewest(p *Plan, ch Change, root *metadata.RootType, heads map[string]Doc, ring Keyring, rootFollows bool) error {
	online, waiting, err := a.online(root, ring)
	if err != nil {
		return err
	}
	meta := a.meta(heads)
	p.Backlog = a.backlog(ch, meta)
	written := slices.ContainsFunc(p.Steps, func(s Step) bool { return heads[s.Role].Version == s.Version })
	switch {
	case a.leads(ch, meta, !written):
		p.Settled = true
	case waiting:
		p.Waiting = true
	default:
		steps, err := a.planOnline(meta, online, ch.Skip)
		if errors.Is(err, errTopVersion) && rootFollows {
			return nil // root first: it may take away the key that set the version there
		}
		if err != nil {
			return err
		}
		p.Steps = append(p.Steps, steps...)
	}
	return nil
}
