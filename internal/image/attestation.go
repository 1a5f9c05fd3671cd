package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Limits of what attests an image.
const (
	maxAttestations = 8 // attestation manifests of an image
	// maxStatements limits the statements read of all attestations of an image.
	maxStatements = 32

	// maxStatement limits the bytes of one attestation. The SBOM of a large image has some 20 MB.
	maxStatement = 64 << 20
)

// Statement is an in-toto statement that a build left beside its image
// (BuildKit, docs/attestations/attestation-storage.md). Nobody signed it: it is
// the builder's word, held to its digest.
type Statement struct {
	Predicate string // its type: "https://slsa.dev/provenance/v1", "https://spdx.dev/Document"
	Body      []byte // of the predicate: JSON
}

// Attestations are the digests of the manifests that attest the image: all of
// what [Image.Statements] reads hangs on them.
func (im *Image) Attestations() []finding.Digest {
	var out []finding.Digest
	for _, d := range im.attests {
		out = append(out, finding.Digest(d.Digest))
	}
	return out
}

// Statements reads the attestations of an image in a registry, a Docker Engine,
// an OCI layout or an archive of one, whose predicate's type begins with one of
// those wanted; none where there are none. The image must be open.
func (im *Image) Statements(ctx context.Context, wanted ...string) ([]Statement, error) {
	if im.unsaved {
		return nil, errors.New("the Engine saves no attestations of an image that lacks the platform of its own machine")
	}
	var out []Statement
	for _, d := range im.attests {
		digest, err := digestOf(d.Digest)
		if err != nil {
			return nil, fmt.Errorf("attestation: %w", err)
		}
		b, err := im.fetch(ctx, "manifests", digest, maxDocument)
		if err != nil {
			return nil, fmt.Errorf("attestation: %w", err)
		}
		m, err := parseManifest(b)
		if err != nil {
			return nil, fmt.Errorf("attestation: %w", err)
		}
		for _, l := range m.Layers {
			if !strings.HasPrefix(l.MediaType, "application/vnd.in-toto") || !begins(l.Annotations["in-toto.io/predicate-type"], wanted) {
				continue
			}
			if len(out) >= maxStatements {
				return nil, fmt.Errorf("more than %d attestations", maxStatements)
			}
			s, err := im.statement(ctx, l)
			if err != nil {
				return nil, fmt.Errorf("attestation: %w", err)
			}
			if begins(s.Predicate, wanted) {
				out = append(out, s)
			}
		}
	}
	return out, nil
}

// SBOMs reads the SBOMs that a build left beside an image, the image's own before
// those of its stages: SPDX or CycloneDX. No layer is fetched for it, so that it
// tells what an image of a registry holds before any of it is pulled.
func (im *Image) SBOMs(ctx context.Context) ([]Statement, error) {
	return im.Statements(ctx, "https://spdx.dev/", "https://cyclonedx.org/")
}

// begins reports whether a type is wanted. One that is not said has to be read.
func begins(predicate string, wanted []string) bool {
	return predicate == "" || len(wanted) == 0 || slices.ContainsFunc(wanted, func(w string) bool { return strings.HasPrefix(predicate, w) })
}

func (im *Image) statement(ctx context.Context, l descriptor) (Statement, error) {
	digest, err := digestOf(l.Digest)
	if err != nil {
		return Statement{}, err
	}
	if l.Size > maxStatement {
		return Statement{}, fmt.Errorf("%s is larger than %d MiB", digest, maxStatement>>20)
	}
	b, err := im.fetch(ctx, "blobs", digest, maxStatement)
	if err != nil {
		return Statement{}, err
	}
	return parseStatement(b, im.Digest)
}

// parseStatement reads an in-toto statement. One that is about other images
// alone is an error: it was put beside this one.
func parseStatement(b []byte, about finding.Digest) (Statement, error) {
	var in struct {
		Type          string                       `json:"_type"`
		Subject       []struct{ Digest digestSet } `json:"subject"`
		PredicateType string                       `json:"predicateType"`
		Predicate     json.RawMessage              `json:"predicate"`
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return Statement{}, fmt.Errorf("statement: %w", err)
	}
	if !strings.HasPrefix(in.Type, "https://in-toto.io/Statement/") {
		return Statement{}, fmt.Errorf("statement is of type %s", printable(in.Type))
	}
	ours := len(in.Subject) == 0 || about == ""
	for _, s := range in.Subject {
		ours = ours || "sha256:"+s.Digest["sha256"] == string(about)
	}
	if !ours {
		return Statement{}, fmt.Errorf("statement is not about %s", about.Short())
	}
	if len(in.Predicate) == 0 || in.PredicateType == "" {
		return Statement{}, fmt.Errorf("statement says nothing")
	}
	return Statement{Predicate: in.PredicateType, Body: in.Predicate}, nil
}

type digestSet map[string]string
