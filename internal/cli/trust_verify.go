package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

func newTrustVerify(t *trustFlags) *cobra.Command {
	var o verifyFlags
	var off offline
	var by schemeFlags
	c := &cobra.Command{
		Use:   "verify IMAGE | --bundle FILE [ARCHIVE]",
		Short: "Verify that an image is signed, and that its signature holds today",
		Long: `Verify what the registry serves for a tag, or a digest, against the repository's
signatures: signed by who may sign, not expired, not revoked, not older than what
was seen before. The root is the one that is pinned here, or that --root names;
else the first one that the registry shows is pinned, and that is said.

With --bundle no network is used: the archive (or another image that is here) must be
the one that the bundle's metadata signs, and the metadata must hold today, or with
--max-age at most so long after it was signed.`,
		Example: `  drydock trust verify registry.example.com/me/app:v1.0
  docker run "$(drydock trust verify --resolve registry.example.com/me/app:v1.0)"
  drydock trust verify --bundle v1.bundle app.tar`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case off.bundle != "":
				return t.verifyOffline(cmd.Context(), off, args)
			case len(args) == 0:
				return usageError{errors.New("no image"), "name the image, or say --bundle FILE"}
			}
			n, err := named(args[0])
			if err != nil {
				return err
			}
			if n.Tag == "" && n.Digest == "" {
				return usageError{fmt.Errorf("%s names no image", n), "add the tag: " + n.Repository + ":TAG"}
			}
			who, other, err := by.who()
			if err != nil {
				return err
			}
			server, err := t.notaryOf(n)
			if err != nil {
				return err
			}
			if server != nil && !other {
				return t.verifyNotary(cmd.Context(), server, n, o)
			}
			s, err := t.session(cmd.Context(), n, false)
			if err != nil {
				return err
			}
			if other {
				return closing(s, t.verifyBy(cmd.Context(), s, n, who))
			}
			return closing(s, t.verify(cmd.Context(), s, n, o))
		},
	}
	c.Flags().BoolVar(&o.attestations, "attestations", false, "verify and list what is attested of it too")
	c.Flags().BoolVar(&o.resolve, "resolve", false, "print the name with the digest that is signed for the tag, wherever the tag points")
	by.add(c.Flags())
	c.Flags().StringVar(&off.bundle, "bundle", "", "verify offline, with the bundle in `FILE`")
	c.Flags().StringVar(&off.maxAge, "max-age", "", "with --bundle: let snapshot and timestamp hold for `AGE` after they were signed (30d), whatever their date")
	return t.notaryFlag(c)
}

type verifyFlags struct{ resolve, attestations bool }

func (t *trustFlags) verify(ctx context.Context, s *store.Session, n image.Name, o verifyFlags) error {
	v, err := s.View(ctx)
	if err != nil {
		return t.refused(n, err)
	}
	now := n.Digest
	switch {
	case o.resolve && n.Tag != "":
		if st, ok := v.Tag(n.Tag); ok && !st.Revoked && (now == "" || now == st.Digest) {
			now = st.Digest
		}
	case now == "":
		b, _, err := s.Manifest(ctx, n.Tag)
		if errors.Is(err, fs.ErrNotExist) {
			return finding.WithHint(fmt.Errorf("%s has no tag %s now: %w", n.Repository, n.Tag, err),
				"drydock trust verify --resolve "+n.String()+" asks for what was signed")
		}
		if err != nil {
			return err
		}
		now = finding.DigestOf(b)
	}
	verdict := v.Judge(n.Tag, now)
	if o.resolve && verdict.Kind == "verified" {
		return t.say(map[string]any{"image": n.Repository + "@" + string(now), "digest": now}, "%s@%s", n.Repository, now)
	}
	var attested []trust.Attested
	if o.attestations && verdict.Kind == "verified" {
		if attested, err = t.attestations(ctx, s, v, verdict); err != nil {
			return t.refused(n, err)
		}
		attested = append([]trust.Attested{}, attested...)
	}
	if err := t.write(func(to sink) error {
		return report.Verdict(to, to.format, n.String(), verdict, v, attested, t.page(to))
	}); err != nil {
		return err
	}
	if verdict.Kind != "verified" {
		return exitError(2)
	}
	return nil
}
