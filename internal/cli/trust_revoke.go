package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

func newTrustRevoke(t *trustFlags) *cobra.Command {
	var reason, signer string
	c := &cobra.Command{
		Use:   "revoke IMAGE | --signer NAME REPOSITORY",
		Short: "Take back the signatures of a tag, of a digest, or of a signer",
		Long: `Take back what was signed. A tag may be signed again later; a digest is revoked for
ever. With the repository's targets key the revocation holds for all signers, else
for those whose keys are here. --signer ends all that a signer may sign and has
signed, online keys included: that is what to do when a signer's keys are stolen.`,
		Example: `  drydock trust revoke registry.example.com/me/app:v1.0
  drydock trust revoke registry.example.com/me/app@sha256:…
  drydock trust revoke --signer release --reason "laptop stolen" registry.example.com/me/app`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 1:
				return nil
			case len(args) == 2 && signer == "":
				return usageError{errors.New("a signer is named by --signer"), "drydock trust revoke --signer " + args[0] + " " + args[1]}
			}
			return usageError{fmt.Errorf("there are %d arguments, and one image or repository is due", len(args)), "drydock trust revoke --help"}
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if signer != "" {
				return t.removeSigner(cmd, args[0], signer, reason, false)
			}
			n, err := named(args[0])
			if err != nil {
				return err
			}
			server, err := t.notaryOf(n)
			if err != nil {
				return err
			}
			if server != nil {
				return t.revokeNotary(cmd.Context(), server, n)
			}
			if n.Tag == "" && n.Digest == "" {
				return usageError{fmt.Errorf("%s names no image", n), "add the tag, or say --signer NAME"}
			}
			s, err := t.session(cmd.Context(), n, true)
			if err != nil {
				return err
			}
			tag := n.Tag
			if n.Digest != "" {
				tag = ""
			}
			out, by, err := t.revoke(cmd.Context(), s, tag, n.Digest, reason)
			if err := closing(s, answered(err)); err != nil {
				return err
			}
			by = shownSigners(by)
			who := strings.Join(by, ", ")
			if by[0] == trust.Admin {
				who = "all signers"
			}
			return t.done(n.Repository, out, map[string]any{"revoked": n.String(), "signers": by}, "the signatures of %s are revoked for %s", n, who)
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "say why, as `TEXT` that everybody can read")
	c.Flags().StringVar(&signer, "signer", "", "revoke the signer called `NAME`")
	acceptDocker(c, "yes")
	return t.notaryFlag(c)
}

// acceptDocker takes a flag of docker trust's that answers a question which Drydock
// does not ask.
func acceptDocker(c *cobra.Command, name string) {
	c.Flags().BoolP(name, map[string]string{"yes": "y"}[name], false, "taken as docker trust has it: nothing is asked")
	_ = c.Flags().MarkHidden(name) // it is there
}

// revoke takes back signatures, and the copies for cosign of what is not signed by
// anybody then.
func (t *trustFlags) revoke(ctx context.Context, s *store.Session, tag string, d finding.Digest, reason string) (*store.Outcome, []string, error) {
	before, err := s.View(ctx)
	if err != nil {
		return nil, nil, err
	}
	out, by, err := s.Revoke(ctx, tag, d, reason)
	if err != nil {
		return nil, nil, err
	}
	st, _ := before.Tag(tag)
	if tag == "" {
		st, _ = before.Digest(d)
	}
	after, err := s.View(ctx)
	if err != nil {
		return out, by, nil // it waits for a refresh
	}
	var gone []finding.Digest
	for _, m := range st.Manifests {
		if now, ok := after.Digest(m.Digest); !ok || now.Revoked {
			gone = append(gone, m.Digest)
		}
	}
	var keys []trust.Key
	for _, name := range st.Signers {
		keys = append(keys, before.KeysOf(name)...)
	}
	t.uncopy(ctx, s, gone, keys)
	return out, by, nil
}
