package trust

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// State is the metadata that a client has come to trust, a document by role.
// Root is always there. It is what must be kept between two looks at a
// repository, so that the second cannot be shown something older.
type State map[string][]byte

// File is a metadata document that a client asks for.
type File struct {
	Role       string
	Version    int64 // 0: whatever is newest
	Consistent bool  // the repository's files have their version in their names
	Meta       *metadata.MetaFiles
}

// Source is where metadata comes from. Fetch gives what may be the document that
// is asked for, the likeliest first, none where there is none: nobody serialises
// the writers of a registry. After an error there is nothing more.
type Source interface {
	Fetch(ctx context.Context, f File) iter.Seq2[[]byte, error]
}

// Limits of what a client follows.
const (
	maxRootSteps   = 1024 // new roots in one update
	maxDelegations = 64   // roles that one target is looked for in
)

// Client follows the client workflow of the TUF specification (section 5.3 on).
// Whatever it accepts is put into State at once, so that it counts though a later
// step fails; Keep, if set, hears of each.
type Client struct {
	State  State
	Source Source
	Now    time.Time
	Keep   func(role string, b []byte) error
	Check  func(role string, fields map[string]any) error // more that a document must hold to; nil: nothing

	// Shared: others can write where the documents lie, so that a next root that
	// nobody vouches for is none. They could as well hide one.
	Shared bool

	root      *signed[metadata.RootType]
	timestamp *signed[metadata.TimestampType]
	snapshot  *signed[metadata.SnapshotType]
	top       *signed[metadata.TargetsType]
}

// NewClient begins from a root that is trusted for a reason of the caller's. Its
// own signatures are checked, and not its date: a newer root may be found.
func NewClient(root []byte, source Source, now time.Time) (*Client, error) {
	c := &Client{State: State{Root: root}, Source: source, Now: now}
	return c, c.begin()
}

func (c *Client) begin() error {
	r, err := decode[metadata.RootType](Root, c.State[Root])
	if err != nil {
		return err
	}
	q, err := quorumOf(&r.body, Root)
	if err != nil {
		return err
	}
	if err := q.check(r.message, r.sigs); err != nil {
		return err
	}
	c.root, c.timestamp, c.snapshot, c.top = r, nil, nil, nil
	return c.checked(Root, r.body.UnrecognizedFields)
}

func (c *Client) checked(role string, fields map[string]any) error {
	if c.Check == nil {
		return nil
	}
	return c.Check(role, fields)
}

func (c *Client) keep(role string, b []byte) error {
	c.State[role] = b
	if c.Keep == nil {
		return nil
	}
	return c.Keep(role, b)
}

// Refresh updates root, timestamp, snapshot and the top-level targets role.
func (c *Client) Refresh(ctx context.Context) error {
	if err := c.begin(); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{c.updateRoot, c.updateTimestamp, c.updateSnapshot} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	q, err := quorumOf(&c.root.body, Targets)
	if err != nil {
		return err
	}
	c.top, err = c.load(ctx, q)
	return err
}

// try accepts the first candidate that can be; fs.ErrNotExist: there is none. The
// error of what is there is what keeps the likeliest from it, of those that keys
// of the role signed.
func try(candidates iter.Seq2[[]byte, error], accept func([]byte) error) error {
	first, signed := fs.ErrNotExist, false
	for b, err := range candidates {
		if err != nil {
			return err
		}
		if err = accept(b); err == nil {
			return nil
		}
		if errors.Is(first, fs.ErrNotExist) || !signed && !forged(err) {
			first, signed = err, !forged(err)
		}
	}
	return first
}

// forged reports what keeps from trust a document that anybody could have made.
func forged(err error) bool {
	return errors.As(err, new(*SignatureError)) || errors.As(err, new(*FormatError))
}

// missing makes a document's absence a refusal: other metadata names it.
func missing(role string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &MissingError{role}
	}
	return err
}

// updateRoot follows root from version to version (5.3.2 to 5.3.9).
func (c *Client) updateRoot(ctx context.Context) error {
	for range maxRootSteps {
		next := c.root.body.Version + 1
		found := c.Source.Fetch(ctx, File{Role: Root, Version: next, Consistent: true})
		err := try(found, func(b []byte) error { return c.acceptRoot(b, next) })
		if errors.Is(err, fs.ErrNotExist) || c.Shared && forged(err) {
			break
		}
		if err != nil {
			return err
		}
	}
	if e := c.root.body.Expires; expired(e, c.Now) { // 5.3.10
		return &ExpiredError{Root, e}
	}
	return nil
}

func (c *Client) acceptRoot(b []byte, version int64) error {
	r, err := decode[metadata.RootType](Root, b)
	if err != nil {
		return err
	}
	for _, by := range []*metadata.RootType{&c.root.body, &r.body} { // 5.3.4: by the old and by the new
		q, err := quorumOf(by, Root)
		if err != nil {
			return err
		}
		if err := q.check(r.message, r.sigs); err != nil {
			return err
		}
	}
	if r.body.Version != version { // 5.3.5
		return &VersionError{Root, version, r.body.Version}
	}
	if err := c.checked(Root, r.body.UnrecognizedFields); err != nil {
		return err
	}
	c.root = r
	return c.keep(Root, b)
}

// accept decodes a document and holds it to the keys that root has for its role.
func accept[T metadata.Roles](c *Client, role string, b []byte, fields func(*T) map[string]any) (*signed[T], error) {
	m, err := decode[T](role, b)
	if err != nil {
		return nil, err
	}
	q, err := quorumOf(&c.root.body, role)
	if err != nil {
		return nil, err
	}
	if err := q.check(m.message, m.sigs); err != nil {
		return nil, err
	}
	return m, c.checked(role, fields(&m.body))
}

func snapshotMeta(t *signed[metadata.TimestampType]) (*metadata.MetaFiles, error) {
	m := t.body.Meta[Snapshot+".json"]
	if m == nil {
		return nil, &FormatError{Timestamp, errors.New("it names no snapshot")}
	}
	return m, nil
}

// updateTimestamp is section 5.4. The one that is trusted already guards against
// a rollback if today's root has its keys, and is forgotten if not: that is how a
// repository recovers from a version that an attacker set too high.
func (c *Client) updateTimestamp(ctx context.Context) error {
	fields := func(t *metadata.TimestampType) map[string]any { return t.UnrecognizedFields }
	if b := c.State[Timestamp]; b != nil {
		if t, err := accept(c, Timestamp, b, fields); err == nil {
			if _, err := snapshotMeta(t); err == nil {
				c.timestamp = t
			}
		}
	}
	err := try(c.Source.Fetch(ctx, File{Role: Timestamp}), func(b []byte) error {
		t, err := accept(c, Timestamp, b, fields)
		if err != nil {
			return err
		}
		m, err := snapshotMeta(t)
		if err != nil {
			return err
		}
		if old := c.timestamp; old != nil {
			seen, err := snapshotMeta(old)
			switch {
			case err != nil:
				return err
			case t.body.Version < old.body.Version: // 5.4.3.1
				return &RollbackError{Timestamp, old.body.Version, t.body.Version}
			case t.body.Version == old.body.Version:
				return nil // it is the old one that counts
			case m.Version < seen.Version: // 5.4.3.2
				return &RollbackError{Snapshot, seen.Version, m.Version}
			}
		}
		if e := t.body.Expires; expired(e, c.Now) { // 5.4.4
			return &ExpiredError{Timestamp, e}
		}
		c.timestamp = t
		return c.keep(Timestamp, b)
	})
	if err != nil {
		return missing(Timestamp, err)
	}
	if e := c.timestamp.body.Expires; expired(e, c.Now) {
		return &ExpiredError{Timestamp, e}
	}
	return nil
}

// updateSnapshot is section 5.5.
func (c *Client) updateSnapshot(ctx context.Context) error {
	meta, err := snapshotMeta(c.timestamp)
	if err != nil {
		return err
	}
	fields := func(s *metadata.SnapshotType) map[string]any { return s.UnrecognizedFields }
	var old *signed[metadata.SnapshotType]
	if b := c.State[Snapshot]; b != nil {
		if s, err := accept(c, Snapshot, b, fields); err == nil {
			old = s
			if s.body.Version == meta.Version && matches(Snapshot, meta, b) == nil {
				if e := s.body.Expires; expired(e, c.Now) {
					return &ExpiredError{Snapshot, e}
				}
				c.snapshot = s
				return nil
			}
		}
	}
	found := c.Source.Fetch(ctx, File{Snapshot, meta.Version, c.root.body.ConsistentSnapshot, meta})
	return missing(Snapshot, try(found, func(b []byte) error {
		if err := matches(Snapshot, meta, b); err != nil { // 5.5.2
			return err
		}
		s, err := accept(c, Snapshot, b, fields)
		if err != nil {
			return err
		}
		if s.body.Version != meta.Version { // 5.5.4
			return &VersionError{Snapshot, meta.Version, s.body.Version}
		}
		if old != nil { // 5.5.5
			if err := older(&old.body, &s.body); err != nil {
				return err
			}
		}
		if e := s.body.Expires; expired(e, c.Now) { // 5.5.6
			return &ExpiredError{Snapshot, e}
		}
		c.snapshot = s
		return c.keep(Snapshot, b)
	}))
}

// older is an error where a snapshot names an older document than one before it,
// or names one no longer.
func older(old, s *metadata.SnapshotType) error {
	for _, name := range slices.Sorted(maps.Keys(old.Meta)) {
		role := strings.TrimSuffix(name, ".json")
		switch now, was := s.Meta[name], old.Meta[name]; {
		case now == nil:
			return &RollbackError{Role: role, Seen: was.Version}
		case now.Version < was.Version:
			return &RollbackError{role, was.Version, now.Version}
		}
	}
	return nil
}

// load gives a targets role as its delegator has it (5.6). What was verified for
// one delegator is verified again for another, whose keys may be others.
func (c *Client) load(ctx context.Context, by quorum) (*signed[metadata.TargetsType], error) {
	role := by.role
	meta := c.snapshot.body.Meta[role+".json"]
	if meta == nil {
		return nil, &MissingError{role}
	}
	take := func(b []byte) (*signed[metadata.TargetsType], error) {
		if err := matches(role, meta, b); err != nil { // 5.6.2
			return nil, err
		}
		t, err := decode[metadata.TargetsType](role, b)
		if err != nil {
			return nil, err
		}
		if err := by.check(t.message, t.sigs); err != nil { // 5.6.3
			return nil, err
		}
		if t.body.Version != meta.Version { // 5.6.4
			return nil, &VersionError{role, meta.Version, t.body.Version}
		}
		if e := t.body.Expires; expired(e, c.Now) { // 5.6.5
			return nil, &ExpiredError{role, e}
		}
		return t, c.checked(role, t.body.UnrecognizedFields)
	}
	if b := c.State[role]; b != nil {
		if t, err := take(b); err == nil {
			return t, nil
		}
	}
	var t *signed[metadata.TargetsType]
	found := c.Source.Fetch(ctx, File{role, meta.Version, c.root.body.ConsistentSnapshot, meta})
	err := try(found, func(b []byte) (err error) {
		if t, err = take(b); err != nil {
			return err
		}
		return c.keep(role, b)
	})
	return t, missing(role, err)
}
