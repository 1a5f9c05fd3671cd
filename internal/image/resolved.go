package image

import (
	"context"
	"fmt"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Resolved is one manifest that a reference leads to.
type Resolved struct {
	Digest    finding.Digest
	MediaType string
	Bytes     []byte
	Platform  string         // "linux/amd64"; empty where nobody says
	Config    finding.Digest // of an image's configuration
	Attests   finding.Digest // the manifest that this one attests, as BuildKit marks it
}

// Resolve reads the manifest of a tag or digest and, of an index, all manifests in
// it: platforms and what attests them. The first is the one that was asked for.
func (m *Remote) Resolve(ctx context.Context, ref string) ([]Resolved, error) {
	b, mediaType, err := m.Manifest(ctx, ref)
	if err != nil {
		return nil, err
	}
	var all []Resolved
	err = m.resolve(ctx, Resolved{Digest: finding.DigestOf(b), MediaType: mediaType, Bytes: b}, 0, &all)
	return all, err
}

func (m *Remote) resolve(ctx context.Context, top Resolved, depth int, all *[]Resolved) error {
	doc, err := parseManifest(top.Bytes)
	if err != nil {
		return err
	}
	if doc.MediaType != "" {
		top.MediaType = doc.MediaType
	}
	if !doc.isIndex() {
		if doc.Config != nil && top.Attests == "" {
			if top.Config, err = digestOf(doc.Config.Digest); err != nil {
				return fmt.Errorf("configuration: %w", err)
			}
		}
		*all = append(*all, top)
		return nil
	}
	if depth > maxNesting {
		return fmt.Errorf("indexes are nested more than %d deep", maxNesting)
	}
	*all = append(*all, top)
	for _, d := range doc.Manifests {
		digest, err := digestOf(d.Digest)
		if err != nil {
			return err
		}
		if len(*all) > maxPicks {
			return fmt.Errorf("more than %d images", maxPicks)
		}
		b, mediaType, err := m.Manifest(ctx, string(digest))
		if err != nil {
			return err
		}
		next := Resolved{Digest: digest, MediaType: mediaType, Bytes: b}
		switch {
		case d.Annotations["vnd.docker.reference.type"] == "attestation-manifest":
			if next.Attests, err = digestOf(d.Annotations["vnd.docker.reference.digest"]); err != nil {
				return err
			}
		case d.Platform != nil && !strings.Contains(d.Platform.OS+d.Platform.Architecture, "unknown"):
			next.Platform = platformName(*d.Platform)
		}
		if err := m.resolve(ctx, next, depth+1, all); err != nil {
			return err
		}
	}
	return nil
}
