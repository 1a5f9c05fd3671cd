package trust

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// RootDraft is a first root that several people sign, one after the other, before it is in
// a registry.
type RootDraft struct {
	Bytes      []byte
	Repository string
	Expires    time.Time
	Keys       []string // ids, of the root role
	Threshold  int
	Signed     []string // ids of those whose signature is there
}

// Complete reports whether enough have signed it.
func (d RootDraft) Complete() bool { return len(d.Signed) >= d.Threshold }

// DraftRoot is the first root of a repository, which nobody has signed yet.
func DraftRoot(repository string, ch Change, now time.Time) (RootDraft, error) {
	x := extra{Repository: repository, Days: DefaultDays()}
	maps.Copy(x.Days, ch.Days)
	a := &Assembly{Repository: repository, now: now, rootExtra: x}
	next := metadata.Root(now).Signed
	s, err := a.draftRoot(&next, &x, ch)
	if err != nil {
		return RootDraft{}, err
	}
	doc, err := s.encode(Root, 1)
	if err != nil {
		return RootDraft{}, err
	}
	return ReadRootDraft(doc.Bytes)
}

// ReadRootDraft reads a first root that may lack signatures. It is trusted by nobody yet.
func ReadRootDraft(b []byte) (RootDraft, error) {
	r, err := decode[metadata.RootType](Root, b)
	if err != nil {
		return RootDraft{}, err
	}
	out := RootDraft{Bytes: b, Expires: r.body.Expires}
	if err := bound(&out.Repository)(Root, r.body.UnrecognizedFields); err != nil {
		return RootDraft{}, err
	}
	if r.body.Version != 1 {
		return RootDraft{}, &FormatError{Root, fmt.Errorf("it is version %d, and not a first root", r.body.Version)}
	}
	q, err := quorumOf(&r.body, Root)
	if err != nil {
		return RootDraft{}, err
	}
	out.Keys, out.Threshold, out.Signed = slices.Clone(q.ids), q.threshold, q.signers(r.message, r.sigs)
	if len(out.Keys) == 0 || out.Threshold < 1 || out.Threshold > len(out.Keys) {
		return RootDraft{}, &FormatError{Root, errors.New("its threshold cannot be met")}
	}
	return out, nil
}

// Sign adds the signatures of the draft's keys that are in the ring. That none is, is an
// error.
func (d RootDraft) Sign(ring Keyring) (RootDraft, error) {
	r, err := decode[metadata.RootType](Root, d.Bytes)
	if err != nil {
		return d, err
	}
	q, err := quorumOf(&r.body, Root)
	if err != nil {
		return d, err
	}
	have, err := q.signersIn(ring)
	if err != nil {
		return d, err
	}
	if err := r.sign(have...); err != nil {
		return d, err
	}
	doc, err := r.encode(Root, 1)
	if err != nil {
		return d, err
	}
	return ReadRootDraft(doc.Bytes)
}

// planFirst takes a first root as others signed it.
func (a *Assembly) planFirst(b []byte) (*metadata.RootType, *Step, error) {
	c := &Client{State: State{Root: b}, Check: bound(&a.Repository)}
	if err := c.begin(); err != nil {
		return nil, nil, err
	}
	if expired(c.root.body.Expires, a.now) {
		return nil, nil, &ExpiredError{Root, c.root.body.Expires}
	}
	d, err := ReadRootDraft(b)
	if err != nil {
		return nil, nil, err
	}
	if _, err := get(c.root.body.UnrecognizedFields, &a.rootExtra); err != nil {
		return nil, nil, &FormatError{Root, err}
	}
	return &c.root.body, &Step{Doc{Root, 1, b}, d.Signed[0]}, nil
}
