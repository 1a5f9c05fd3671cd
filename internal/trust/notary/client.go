package notary

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"time"

	"github.com/drydock-dev/drydock/internal/trust"
)

// State is the metadata that is trusted of a repository, by role.
type State map[string][]byte

// Source serves metadata by name, without ".json": "root", "3.root",
// "snapshot.HASH". What it does not have is fs.ErrNotExist.
type Source interface {
	Get(ctx context.Context, name string, limit int64) ([]byte, error)
}

// Client follows a repository's metadata.
type Client struct {
	GUN    string
	State  State  // what is trusted so far; what is accepted is put into it
	Source Source // nil: what State has, and nothing newer
	Now    time.Time

	// FirstUse hears of a root that is trusted because nothing else was known.
	FirstUse func(keys []trust.Key)
	// Stale hears why the server was not reached. What it said last then counts, until
	// it expires.
	Stale func(err error)
}

// UnsignedError is a repository that the server knows nothing of.
type UnsignedError struct {
	GUN  string
	Seen bool // it did before
}

func (e *UnsignedError) Error() string {
	if e.Seen {
		return e.GUN + " was signed, and the Notary server knows nothing of it any more"
	}
	return "the Notary server has no trust metadata of " + e.GUN + ": nothing in it is signed"
}

// Refused makes it a [trust.Refusal].
func (e *UnsignedError) Refused() string {
	if e.Seen {
		return "stripped"
	}
	return "unsigned"
}

// Update reads the newest metadata, holds it to what is trusted, and trusts it. A
// writer may publish between two reads: what does not fit together then is read
// once more.
func (c *Client) Update(ctx context.Context) (*Repository, error) {
	r, err := c.update(ctx)
	var torn *trust.HashError
	if c.Source != nil && (errors.As(err, &torn) || errors.Is(err, fs.ErrNotExist)) {
		r, err = c.update(ctx)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = &trust.MissingError{Role: "named"}
	}
	return r, err
}

func (c *Client) update(ctx context.Context) (*Repository, error) {
	next := maps.Clone(c.State)
	if next == nil {
		next = State{}
	}
	r := &Repository{GUN: c.GUN, roles: map[string]*document[targetsBody]{}, Broken: map[string]error{}, floor: map[string]int64{}}
	first := next[trust.Root] == nil
	away, err := c.root(ctx, r, next)
	if err != nil {
		return nil, err
	}
	if err := r.root.expired(c.Now); err != nil {
		return nil, err
	}
	if err := c.timestamp(ctx, r, next, away); err != nil {
		return nil, err
	}
	if err := c.snapshot(ctx, r, next); err != nil {
		return nil, err
	}
	if err := c.targets(ctx, r, next); err != nil {
		return nil, err
	}
	if first && c.FirstUse != nil {
		c.FirstUse(r.keys(trust.Root))
	}
	c.State = next
	return r, nil
}

// root follows root from the trusted one to the server's. away: the server cannot
// be reached.
func (c *Client) root(ctx context.Context, r *Repository, next State) (away bool, err error) {
	if next[trust.Root] != nil {
		if r.root, err = readRoot(next[trust.Root], c.GUN, time.Time{}); err != nil {
			return false, err
		}
	}
	var b []byte
	if c.Source == nil {
		err = errNoServer
	} else {
		b, err = c.Source.Get(ctx, trust.Root, Limit(trust.Root))
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, &UnsignedError{c.GUN, r.root != nil}
	case err != nil && r.root == nil:
		return false, err
	case err != nil:
		if c.Stale != nil {
			c.Stale(err)
		}
		return true, nil
	}
	newest, err := readRoot(b, c.GUN, c.Now)
	if err != nil {
		return false, err
	}
	if r.root == nil {
		r.root = newest
	} else if err := c.follow(ctx, r, newest); err != nil {
		return false, err
	}
	next[trust.Root] = r.root.bytes
	return false, nil
}

var errNoServer = errors.New("no Notary server is asked")

// readRoot decodes a root that enough of its own keys signed.
func readRoot(b []byte, gun string, now time.Time) (*document[rootBody], error) {
	d, err := decode[rootBody](trust.Root, b)
	if err != nil {
		return nil, err
	}
	if len(d.body.Keys) > maxKeys {
		return nil, &trust.FormatError{Role: trust.Root, Err: fmt.Errorf("more than %d keys", maxKeys)}
	}
	q, err := quorumOf(&d.body, trust.Root)
	if err != nil {
		return nil, err
	}
	q = q.leaf(gun, now)
	if len(q.ids) == 0 {
		return nil, &trust.ForeignError{Role: trust.Root, Of: "another repository (or its certificates have expired)", Want: gun}
	}
	return d, q.check(d.message, d.sigs)
}

// follows is nil where the keys of one root signed another.
func follows(old, next *document[rootBody], gun string) error {
	q, err := quorumOf(&old.body, trust.Root)
	if err != nil {
		return err
	}
	return q.leaf(gun, time.Time{}).check(next.message, next.sigs)
}

// follow goes from the trusted root to the newest, version by version where keys
// changed on the way.
func (c *Client) follow(ctx context.Context, r *Repository, newest *document[rootBody]) error {
	have, want := r.root.body.Version, newest.body.Version
	switch {
	case want < have:
		return &trust.RollbackError{Role: trust.Root, Seen: have, Got: want}
	case want == have:
		return nil
	case want-have > maxRootSteps:
		return &trust.FormatError{Role: trust.Root, Err: fmt.Errorf("version %d is more than %d after %d", want, maxRootSteps, have)}
	}
	for v := have + 1; v < want; v++ {
		if follows(r.root, newest, c.GUN) == nil {
			break
		}
		b, err := c.Source.Get(ctx, fmt.Sprintf("%d.root", v), Limit(trust.Root))
		if errors.Is(err, fs.ErrNotExist) {
			return &trust.MissingError{Role: fmt.Sprintf("%d.root", v)}
		}
		if err != nil {
			return err
		}
		step, err := readRoot(b, c.GUN, time.Time{})
		if err == nil && step.body.Version != v {
			err = &trust.VersionError{Role: trust.Root, Want: v, Got: step.body.Version}
		}
		if err == nil {
			err = follows(r.root, step, c.GUN)
		}
		if err != nil {
			return err
		}
		r.root = step
	}
	if err := follows(r.root, newest, c.GUN); err != nil {
		return err
	}
	r.root = newest
	return nil
}

// timestamp reads the newest timestamp; with a server that is away, the last one.
func (c *Client) timestamp(ctx context.Context, r *Repository, next State, away bool) error {
	q, err := quorumOf(&r.root.body, trust.Timestamp)
	if err != nil {
		return err
	}
	last := trusted[metaBody](trust.Timestamp, next, q)
	if away {
		if last == nil {
			return &trust.MissingError{Role: trust.Timestamp}
		}
		r.timestamp, r.Away = last, true
		return last.expired(c.Now)
	}
	b, err := c.Source.Get(ctx, trust.Timestamp, Limit(trust.Timestamp))
	if err != nil {
		return err
	}
	d, err := verified[metaBody](trust.Timestamp, b, q, c.Now)
	if err != nil {
		return err
	}
	if last != nil && d.body.Version < last.body.Version {
		return &trust.RollbackError{Role: trust.Timestamp, Seen: last.body.Version, Got: d.body.Version}
	}
	r.timestamp, next[trust.Timestamp] = d, b
	return nil
}

func (c *Client) snapshot(ctx context.Context, r *Repository, next State) error {
	q, err := quorumOf(&r.root.body, trust.Snapshot)
	if err != nil {
		return err
	}
	last := trusted[metaBody](trust.Snapshot, next, q)
	b, err := c.named(ctx, next, trust.Snapshot, r.timestamp.body.Meta)
	if err != nil {
		return err
	}
	d, err := verified[metaBody](trust.Snapshot, b, q, c.Now)
	if err != nil {
		return err
	}
	if last != nil && d.body.Version < last.body.Version {
		return &trust.RollbackError{Role: trust.Snapshot, Seen: last.body.Version, Got: d.body.Version}
	}
	if m, ok := d.body.Meta[trust.Root]; ok {
		if err := matches(trust.Root, m, r.root.bytes); err != nil {
			return err
		}
	}
	r.snapshot, next[trust.Snapshot] = d, b
	return nil
}

// targets reads the targets role and all that it delegates to. A delegation that
// does not verify signs nothing, as docker has it; which and why is kept.
func (c *Client) targets(ctx context.Context, r *Repository, next State) error {
	q, err := quorumOf(&r.root.body, trust.Targets)
	if err != nil {
		return err
	}
	type todo struct {
		q      quorum
		parent *targetsBody
	}
	for list := []todo{{q, nil}}; len(list) > 0; list = list[1:] {
		q := list[0].q
		d, err := c.role(ctx, r, next, q)
		_, refused := trust.Refused(err)
		switch {
		case err != nil && (list[0].parent == nil || !refused):
			return err
		case err != nil:
			r.Broken[q.role] = err
			continue // its version was put into r.floor
		case d == nil:
			continue
		}
		r.roles[q.role] = d
		children, err := d.body.delegated(q.role)
		if err != nil {
			return err
		}
		for _, child := range children {
			list = append(list, todo{d.body.quorum(child), &d.body})
		}
		if len(r.roles)+len(list) > maxDelegations {
			return &trust.FormatError{Role: trust.Targets, Err: fmt.Errorf("more than %d delegations", maxDelegations)}
		}
	}
	return nil
}

// role reads one role of targets; nil: it has signed nothing yet.
func (c *Client) role(ctx context.Context, r *Repository, next State, q quorum) (*document[targetsBody], error) {
	if _, ok := r.snapshot.body.Meta[q.role]; !ok && q.role != trust.Targets {
		return nil, nil
	}
	last := trusted[targetsBody](q.role, next, q)
	b, err := c.named(ctx, next, q.role, r.snapshot.body.Meta)
	if err != nil {
		return nil, err
	}
	d, err := verified[targetsBody](q.role, b, q, c.Now)
	if err != nil {
		if d, derr := decode[targetsBody](q.role, b); derr == nil {
			r.floor[q.role] = d.body.Version
		}
		return nil, err
	}
	if last != nil && d.body.Version < last.body.Version {
		return nil, &trust.RollbackError{Role: q.role, Seen: last.body.Version, Got: d.body.Version}
	}
	next[q.role] = b
	return d, nil
}

// named is the document that other metadata names by its hash: what is here already,
// or the server's.
func (c *Client) named(ctx context.Context, next State, role string, meta map[string]fileMeta) ([]byte, error) {
	m, ok := meta[role]
	if !ok {
		return nil, &trust.MissingError{Role: role}
	}
	if b := next[role]; b != nil && matches(role, m, b) == nil {
		return b, nil
	}
	if m.Length < 1 || m.Length > Limit(role) {
		return nil, &trust.FormatError{Role: role, Err: fmt.Errorf("%d bytes are signed", m.Length)}
	}
	sum, ok := m.Hashes["sha256"]
	if c.Source == nil || !ok {
		return nil, &trust.MissingError{Role: role}
	}
	b, err := c.Source.Get(ctx, role+"."+hex.EncodeToString(sum), m.Length)
	if err != nil {
		return nil, err
	}
	return b, matches(role, m, b)
}

// verified is a document that its role's keys signed, and that holds.
func verified[T any, P interface {
	*T
	body
}](role string, b []byte, q quorum, now time.Time) (*document[T], error) {
	d, err := decode[T, P](role, b)
	if err != nil {
		return nil, err
	}
	if err := q.check(d.message, d.sigs); err != nil {
		return nil, err
	}
	return d, d.expired(now)
}

// trusted is what was trusted of a role before, if the keys that it has today signed
// it: what keys that were replaced have signed binds nobody.
func trusted[T any, P interface {
	*T
	body
}](role string, state State, q quorum) *document[T] {
	d, err := decode[T, P](role, state[role])
	if err != nil || q.check(d.message, d.sigs) != nil {
		return nil
	}
	return d
}
