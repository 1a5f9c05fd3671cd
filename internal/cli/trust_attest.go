package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

func newTrustAttest(t *trustFlags) *cobra.Command {
	var kind, signer string
	c := &cobra.Command{
		Use:   "attest IMAGE --type TYPE FILE",
		Short: "Sign what is known of an image: its SBOM, a scan, its privileges, its provenance",
		Long: `Sign a JSON document as an attestation of an image: an in-toto statement beside the
image, which cosign reads, named by the repository's metadata, so that it is fresh
and can be revoked. Of an image of several platforms --platform names the one that
it is about; without it, it is about the index.

Types are sbom (SPDX or CycloneDX), scan (drydock cves --format json), profile
(drydock confine), provenance (SLSA), or a URI.`,
		Example: `  drydock sbom --format cyclonedx -o app.cdx.json registry.example.com/me/app:v1.0
  drydock trust attest registry.example.com/me/app:v1.0 --type sbom app.cdx.json
  drydock trust verify --attestations registry.example.com/me/app:v1.0`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := named(args[0])
			if err != nil {
				return err
			}
			body, err := readSmall(args[1], trust.MaxStatement/2)
			if err != nil {
				return err
			}
			predicate, err := predicateOf(kind, body)
			if err != nil {
				return fmt.Errorf("%s: %w", args[1], err)
			}
			if n.Tag == "" && n.Digest == "" {
				return usageError{fmt.Errorf("%s names no image", n), "add the tag: " + n.Repository + ":TAG"}
			}
			s, err := t.session(cmd.Context(), n, true)
			if err != nil {
				return err
			}
			return closing(s, answered(t.attest(cmd.Context(), s, n, predicate, body, signer)))
		},
	}
	c.Flags().StringVar(&kind, "type", "", "`TYPE` of what the file says: sbom, scan, profile, provenance, or a URI")
	c.Flags().StringVar(&signer, "signer", "", "sign as `NAME` (default: the first signer whose key is here)")
	return c
}

func (t *trustFlags) attest(ctx context.Context, s *store.Session, n image.Name, predicate string, body []byte, signer string) error {
	ref := n.Tag
	if n.Digest != "" {
		ref = string(n.Digest)
	}
	all, err := s.Remote.(*image.Remote).Resolve(ctx, ref)
	if err != nil {
		return err
	}
	to := all[0]
	if t.platform != "" {
		to = image.Resolved{}
		for _, m := range all {
			if m.Platform == t.platform {
				to = m
			}
		}
		if to.Digest == "" {
			return usageError{fmt.Errorf("%s has no image for %s", n, t.platform), ""}
		}
	}
	artifact, out, by, err := s.Attest(ctx, to, predicate, body, signer)
	if err != nil {
		return err
	}
	who := strings.Join(by, "")
	if who == "" {
		who = trust.Admin
	}
	return t.done(n.Repository, out, map[string]any{"attestation": artifact, "predicate": predicate, "about": to.Digest},
		"%s is attested by %s\n  %s\n  %s", n, who, predicate, artifact)
}

// predicateOf is the type of what a JSON document says.
func predicateOf(kind string, body []byte) (string, error) {
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(bytes.TrimSpace(body), &doc); err != nil {
		return "", errors.New("an attestation says a JSON object, and this is none")
	}
	for _, k := range trust.Predicates() {
		if k.Kind == kind && (k.Field == "" || doc[k.Field] != nil) {
			return string(k.URI), nil
		}
	}
	switch {
	case kind == "sbom":
		return "", errors.New("it is neither an SPDX nor a CycloneDX document")
	case strings.Contains(kind, "://"):
		return kind, nil
	case kind == "":
		return "", usageError{errors.New("--type is needed"), "sbom, scan, profile, provenance, or a URI"}
	}
	return "", usageError{fmt.Errorf("--type %s is not known", kind), "sbom, scan, profile, provenance, or a URI"}
}

// attestations are what is signed of an image's manifests beside them, each read and
// held to its signature.
func (t *trustFlags) attestations(ctx context.Context, s *store.Session, v *trust.View, verdict trust.Verdict) ([]trust.Attested, error) {
	about := []finding.Digest{verdict.Now}
	for _, m := range verdict.Manifests {
		about = append(about, m.Digest)
	}
	all := v.Attestations(about...)
	for _, a := range all {
		if _, err := s.ReadAttestation(ctx, v, a); err != nil {
			return nil, err
		}
	}
	return all, nil
}
