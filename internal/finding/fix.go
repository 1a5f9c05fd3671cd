package finding

import "fmt"

// Fix is something that can be done about a finding, with how safe it is and
// how far it has been proved.
type Fix struct {
	Title  string // imperative: "Pin the base to its digest"
	Safety Safety
	Edits  []Edit // none: the title says what to do by hand
	Proof  Proof
	// Offer is set where the fix is a decision of its own and no part of a lump:
	// "moves the base from Node.js 18 to Node.js 22". It is applied where its rule
	// is named, or where the user says yes to it.
	Offer string
	// Changes are the differences in the image's files that the fix means to
	// make. A proof that runs the image lets these pass and no others.
	Changes []Change
}

// Change is a difference between the files of the image before a fix and after
// it, with the reason for it.
type Change struct {
	// Path is absolute in the image before (after, for what is only there). A
	// folder stands for all beneath it; "*" and "?" match within a name as in
	// path.Match, "**" any number of folders.
	Path string
	// To is where the files of Path are after, with the same content; empty:
	// they may be gone, there anew, or different.
	To  string
	Why string // "development dependencies are not installed"
}

// Edit replaces bytes of one file. Start and End are byte offsets (End
// exclusive) into the file whose digest is Base; an edit never lands on other
// bytes.
type Edit struct {
	File       string
	Base       Digest // sha256 of the bytes edited
	Start, End int
	New        string
}

// Safety says what applying a fix may change. The zero value asks for review.
type Safety int

// The safeties, least to most safe.
const (
	NeedsReview Safety = iota
	Behaviour          // changes what runs
	Safe
)

func (s Safety) String() string {
	switch s {
	case Behaviour:
		return "behaviour"
	case Safe:
		return "safe"
	}
	return "needs-review"
}

// MarshalText implements encoding.TextMarshaler.
func (s Safety) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Safety) UnmarshalText(b []byte) error {
	for v := NeedsReview; v <= Safe; v++ {
		if v.String() == string(b) {
			*s = v
			return nil
		}
	}
	return fmt.Errorf("unknown safety %q", b)
}

// Proof says how far a fix has been proved. The zero value is Unproved; each
// level includes the ones before it.
type Proof int

// The levels of proof, in order.
const (
	Unproved  Proof = iota
	Parsed          // the edited file parses
	Rechecked       // the finding is gone and no new one came
	Rebuilt         // the image builds
	Ran             // the workload passes on it
)

func (p Proof) String() string {
	switch p {
	case Parsed:
		return "parsed"
	case Rechecked:
		return "rechecked"
	case Rebuilt:
		return "rebuilt"
	case Ran:
		return "ran"
	}
	return "unproved"
}

// MarshalText implements encoding.TextMarshaler.
func (p Proof) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Proof) UnmarshalText(b []byte) error {
	for v := Unproved; v <= Ran; v++ {
		if v.String() == string(b) {
			*p = v
			return nil
		}
	}
	return fmt.Errorf("unknown proof level %q", b)
}
