package notary

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/cjson"

	"github.com/drydock-dev/drydock/internal/lazyregexp"
	"github.com/drydock-dev/drydock/internal/trust"
)

// Releases is the role that names what is released: docker pulls what it, or the
// targets role itself, has signed.
const Releases = "targets/releases"

// Limits of documents, in bytes, and of what is in them.
const (
	// maxTimestamp limits the bytes of a timestamp of Notary v1.
	maxTimestamp = 1 << 20
	// maxDocument limits the bytes of any other metadata of Notary v1.
	maxDocument    = 32 << 20
	maxDelegations = 256
	maxKeys        = 1024
	maxRootSteps   = 1024
)

// Limit is how large the document of a role may be.
func Limit(role string) int64 {
	if role == trust.Timestamp {
		return maxTimestamp
	}
	return maxDocument
}

var delegation = lazyregexp.New(`^targets(/[-a-z0-9_]+)+$`)

// ValidRole reports whether a role may be called so.
func ValidRole(role string) bool {
	return slices.Contains([]string{trust.Root, trust.Targets, trust.Snapshot, trust.Timestamp}, role) ||
		len(role) <= 255 && delegation.MatchString(role)
}

// Signature is one signature of a document.
type Signature struct {
	KeyID  string `json:"keyid"`
	Method string `json:"method"`
	Sig    []byte `json:"sig"`
}

type envelope struct {
	Signed     json.RawMessage `json:"signed"`
	Signatures []Signature     `json:"signatures"`
}

type common struct {
	Type    string    `json:"_type"`
	Expires time.Time `json:"expires"`
	Version int64     `json:"version"`
}

func (c *common) base() *common { return c }

type roleKeys struct {
	KeyIDs    []string `json:"keyids"`
	Threshold int      `json:"threshold"`
}

type rootBody struct {
	common
	Consistent bool                `json:"consistent_snapshot"`
	Keys       map[string]wireKey  `json:"keys"`
	Roles      map[string]roleKeys `json:"roles"`
}

type fileMeta struct {
	Hashes map[string][]byte `json:"hashes"`
	Length int64             `json:"length"`
	Custom json.RawMessage   `json:"custom,omitempty"`
}

type delegate struct {
	roleKeys
	Name  string   `json:"name"`
	Paths []string `json:"paths"`
}

type delegations struct {
	Keys  map[string]wireKey `json:"keys"`
	Roles []delegate         `json:"roles"`
}

type targetsBody struct {
	common
	Delegations delegations         `json:"delegations"`
	Targets     map[string]fileMeta `json:"targets"`
}

// metaBody is a snapshot's or a timestamp's.
type metaBody struct {
	common
	Meta map[string]fileMeta `json:"meta"`
}

type body interface{ base() *common }

// document is one that was decoded. Its signatures are of message, and nobody has
// looked at them yet.
type document[T any] struct {
	role    string
	body    T
	message []byte
	sigs    []Signature
	bytes   []byte // as it came
}

// typeOf is the _type of a role's documents.
func typeOf(role string) string {
	role, _, _ = strings.Cut(role, "/")
	return map[string]string{trust.Root: "Root", trust.Targets: "Targets", trust.Snapshot: "Snapshot", trust.Timestamp: "Timestamp"}[role]
}

// decode reads a document of a role.
func decode[T any, P interface {
	*T
	body
}](role string, b []byte) (*document[T], error) {
	fail := func(err error) (*document[T], error) { return nil, &trust.FormatError{Role: role, Err: err} }
	if int64(len(b)) > Limit(role) {
		return fail(fmt.Errorf("more than %d bytes", Limit(role)))
	}
	var e envelope
	if err := json.Unmarshal(b, &e); err != nil {
		return fail(err)
	}
	if trimmed := bytes.TrimSpace(e.Signed); len(trimmed) == 0 || trimmed[0] != '{' {
		return fail(errors.New("it has no signed part"))
	}
	d := &document[T]{role: role, sigs: e.Signatures, bytes: b}
	if err := json.Unmarshal(e.Signed, &d.body); err != nil {
		return fail(err)
	}
	c := P(&d.body).base()
	switch {
	case c.Type != typeOf(role):
		return fail(fmt.Errorf("its type is %q", c.Type))
	case c.Version < 1 || c.Version > 1<<40:
		return fail(fmt.Errorf("its version is %d", c.Version))
	case len(e.Signatures) > maxKeys:
		return fail(fmt.Errorf("more than %d signatures", maxKeys))
	}
	var err error
	if d.message, err = cjson.EncodeCanonical(e.Signed); err != nil {
		return fail(err)
	}
	return d, nil
}

func (d *document[T]) common() *common { return any(&d.body).(body).base() }

// compose writes a new document, signed by these keys.
func compose[T any](role string, b T, by []signer) (*document[T], error) {
	raw, err := json.Marshal(b)
	if err != nil {
		return nil, err
	}
	message, err := cjson.EncodeCanonical(json.RawMessage(raw))
	if err != nil {
		return nil, err
	}
	e := envelope{Signed: message, Signatures: []Signature{}}
	for _, s := range by {
		sig, err := s.sign(message)
		if err != nil {
			return nil, err
		}
		e.Signatures = append(e.Signatures, sig)
	}
	out, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	if int64(len(out)) > Limit(role) {
		return nil, fmt.Errorf("the %s metadata would have %d bytes, more than %d", role, len(out), Limit(role))
	}
	return &document[T]{role: role, body: b, message: message, sigs: e.Signatures, bytes: out}, nil
}

// expired is an error where a document no longer holds.
func (d *document[T]) expired(now time.Time) error {
	if c := d.common(); !c.Expires.After(now) {
		return &ExpiredError{trust.ExpiredError{Role: d.role, At: c.Expires}}
	}
	return nil
}

// ExpiredError is Notary v1 metadata that no longer holds.
type ExpiredError struct{ trust.ExpiredError }

// Hint says who can renew it.
func (e *ExpiredError) Hint() string {
	if e.Role == trust.Timestamp {
		return "the Notary server signs timestamps anew: what it serves, or what was kept of it, is old"
	}
	return "its owner signs it anew, with docker trust sign or drydock trust rotate"
}
