package trust

import (
	"errors"
	"fmt"
	"time"
)

// Refusal is an error that is an answer: what was asked about is not to be
// trusted. All others mean that the answer could not be found out.
type Refusal interface {
	error
	Refused() string // the kind of it: "expired", "rollback"
}

// Refused reports whether an error is a [Refusal], and of which kind.
func Refused(err error) (kind string, ok bool) {
	var r Refusal
	if !errors.As(err, &r) {
		return "", false
	}
	return r.Refused(), true
}

// FormatError is metadata that is not what it should be.
type FormatError struct {
	Role string
	Err  error
}

func (e *FormatError) Error() string { return fmt.Sprintf("%s metadata: %v", e.Role, e.Err) }
func (e *FormatError) Unwrap() error { return e.Err }

// Refused makes it a [Refusal].
func (*FormatError) Refused() string { return "malformed" }

// SignatureError is metadata that too few of its role's keys have signed.
type SignatureError struct {
	Role      string
	Got, Want int
}

func (e *SignatureError) Error() string {
	if e.Got == 0 && e.Want == 1 {
		return fmt.Sprintf("the %s metadata is not signed by a key of its role", e.Role)
	}
	return fmt.Sprintf("the %s metadata has %d of the %d signatures that it needs", e.Role, e.Got, e.Want)
}

// Refused makes it a [Refusal].
func (*SignatureError) Refused() string { return "signature" }

// HashError is bytes that are not the ones that were signed.
type HashError struct{ Role, Why string }

func (e *HashError) Error() string {
	return fmt.Sprintf("%s is not what was signed: %s", e.Role, e.Why)
}

// Refused makes it a [Refusal].
func (*HashError) Refused() string { return "tampered" }

// ExpiredError is metadata that no longer holds.
type ExpiredError struct {
	Role string
	At   time.Time
}

func (e *ExpiredError) Error() string {
	return fmt.Sprintf("the %s metadata expired on %s", e.Role, e.At.UTC().Format("2 January 2006 15:04 MST"))
}

// Hint says who can renew it.
func (e *ExpiredError) Hint() string {
	switch e.Role {
	case Timestamp, Snapshot:
		return "who signs renews it with drydock trust refresh, before it expires and best from a schedule; until then, old metadata could be served for new"
	case Root:
		return "the holder of the root key renews it with drydock trust rotate root --renew"
	}
	return "the holder of the role's key renews it with drydock trust refresh"
}

// Refused makes it a [Refusal].
func (*ExpiredError) Refused() string { return "expired" }

// RollbackError is metadata that is older than what was seen before.
type RollbackError struct {
	Role      string
	Seen, Got int64
}

func (e *RollbackError) Error() string {
	if e.Got == 0 {
		return fmt.Sprintf("rollback: version %d of the %s metadata was seen before, and now it is not listed", e.Seen, e.Role)
	}
	return fmt.Sprintf("rollback: version %d of the %s metadata was seen before, and now version %d is served", e.Seen, e.Role, e.Got)
}

// Hint says what it may be.
func (*RollbackError) Hint() string {
	return "the registry, or a mirror before it, serves an old state; ask another, or its operator"
}

// Refused makes it a [Refusal].
func (*RollbackError) Refused() string { return "rollback" }

// VersionError is metadata of another version than other metadata names.
type VersionError struct {
	Role      string
	Want, Got int64
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("mix-and-match: version %d of the %s metadata is signed, and version %d is served", e.Want, e.Role, e.Got)
}

// Refused makes it a [Refusal].
func (*VersionError) Refused() string { return "mix-and-match" }

// MissingError is metadata that other metadata names, and that is not there.
type MissingError struct{ Role string }

func (e *MissingError) Error() string { return fmt.Sprintf("the %s metadata is missing", e.Role) }

// Refused makes it a [Refusal].
func (*MissingError) Refused() string { return "missing" }
