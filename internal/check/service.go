package check

import (
	"context"
	"errors"
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// Service keeps what images hold, and matches it as advisories change: it answers
// in the place of the advisories of this machine.
type Service interface {
	// Known is what it knows of an image by its reference, digest or id.
	Known(ctx context.Context, name string) (*Kept, error)
	// Sent is what it knows of an image that it is told the packages of.
	Sent(ctx context.Context, t *Target) (*Kept, error)
}

// Kept is an image as a service has it.
type Kept struct {
	Ref       string
	Base      string // as it was told; empty: it was not
	Inventory *sbom.Inventory
	Findings  []finding.Finding
	Unknown   []finding.Unknown // of the match
	Database  Database
}

// errNoImage is a target of which a service cannot be told.
var errNoImage = errors.New("a service keeps images and SBOMs, and the target is neither")

// kept takes in an image as a service has it; nobody looks at the image itself.
func (r *run) kept(ctx context.Context, target string) error {
	k, err := r.Service.Known(ctx, target)
	if err != nil {
		return err
	}
	s := k.Inventory.Subject
	r.res.Database = k.Database
	r.add(Target{Subject: s, Inventory: k.Inventory}, Found{Findings: k.Findings, Unknown: k.Unknown})
	return nil
}

// send tells the service of the targets, and takes in what it finds in them.
func (r *run) send(ctx context.Context) error {
	sent := 0
	for i := range r.res.Targets {
		t := &r.res.Targets[i]
		kind := t.Subject.Kind
		if t.Inventory == nil || t.From != nil || !slices.Contains([]finding.SubjectKind{finding.KindImage, finding.KindSBOM}, kind) {
			continue
		}
		k, err := r.Service.Sent(ctx, t)
		if err != nil {
			return err
		}
		sent++
		place(k.Findings, t.Spans)
		r.res.Database = k.Database
		r.take(t.Subject, Found{Findings: k.Findings, Unknown: k.Unknown})
	}
	if sent == 0 {
		return errNoImage
	}
	return nil
}
