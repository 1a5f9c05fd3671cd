package index

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/drydock-dev/drydock/internal/server/store"
)

// Findings is the body of [store.FindingsChanged] and [store.ImageJudged]: what
// changed in which parts, and which images that is.
type Findings struct {
	Vuln     string     `json:"vulnerability,omitempty"`
	Package  string     `json:"package,omitempty"`
	Severity string     `json:"severity,omitempty"`
	FixedIn  string     `json:"fixedIn,omitempty"`
	Change   string     `json:"change,omitempty"` // "opened", "closed", "changed"
	Was      *Was       `json:"was,omitempty"`    // of one that changed: what it said before
	Why      *store.Why `json:"why,omitempty"`
	Opened   int        `json:"opened,omitempty"` // of an image that was judged: how many findings it has
	Shard    uint32     `json:"shard,omitempty"`
	Hit      uint64     `json:"hit,omitempty"`    // how many images
	Images   []byte     `json:"images,omitempty"` // a roaring bitmap of their numbers
	Parts    []byte     `json:"parts,omitempty"`  // the same of parts
}

// Was is what a finding said before it changed.
type Was struct {
	Severity string `json:"severity,omitempty"`
	FixedIn  string `json:"fixedIn,omitempty"`
	KEV      bool   `json:"knownExploited,omitempty"`
}

// Set is a bitmap as an event has it.
func Set(b *roaring.Bitmap) []byte {
	b.RunOptimize()
	var out bytes.Buffer
	_, _ = b.WriteTo(&out) // a buffer takes everything
	return out.Bytes()
}

// PartSet are the parts as a bitmap; none where there are none.
func (f *Findings) PartSet() *roaring.Bitmap {
	b := roaring.New()
	if len(f.Parts) > 0 {
		if _, err := b.ReadFrom(bytes.NewReader(f.Parts)); err != nil {
			return roaring.New()
		}
	}
	return b
}

// ReadBody reads what an event says of findings.
func ReadBody(e *store.Event) (Findings, error) {
	var f Findings
	if len(e.Body) == 0 {
		return f, nil
	}
	if err := json.Unmarshal(e.Body, &f); err != nil {
		return f, fmt.Errorf("event %d: %w", e.N, err)
	}
	return f, nil
}
