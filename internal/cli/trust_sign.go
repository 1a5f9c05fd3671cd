package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

// signFlags are those of sign.
type signFlags struct {
	local, remote, propose, proposed bool
	alone                            bool // no copy for cosign
	signer                           string
}

func newTrustSign(t *trustFlags) *cobra.Command {
	var o signFlags
	c := &cobra.Command{
		Use:   "sign IMAGE | --proposed REPOSITORY",
		Short: "Sign an image; one that is only local is pushed first",
		Long: `Sign the digest that a tag has, with all that it leads to: each platform's
manifest and what attests it. An image that the registry does not have is pushed
first, and the digest that was pushed is signed, wherever the tag points by then.
Where the Engine's image of that tag is another than the registry's, say which is
meant: --local pushes and signs the first, --remote signs the second.

Each signature is written as a bundle too that "cosign verify --key" takes.

Where a signer has a threshold of two, the first person says --propose, and the
second signs the same image. --proposed signs whatever others proposed: read it with
"drydock trust status" first.`,
		Example: `  drydock trust sign registry.example.com/me/app:v1.0
  drydock trust sign --propose registry.example.com/me/app:v1.0`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := named(args[0])
			if err != nil {
				return err
			}
			if n.Tag == "" && n.Digest == "" && !o.proposed {
				return usageError{fmt.Errorf("%s names no image", n), "add the tag: " + n.Repository + ":TAG"}
			}
			server, err := t.notaryOf(n)
			if err != nil {
				return err
			}
			if server != nil {
				return t.signNotary(cmd.Context(), server, n, o)
			}
			s, err := t.session(cmd.Context(), n, true)
			if err != nil {
				return err
			}
			if o.proposed {
				out, err := s.Cosign(cmd.Context())
				if err := closing(s, answered(err)); err != nil {
					return err
				}
				return t.done(n.Repository, out, map[string]any{}, "what was proposed for %s is signed", n.Repository)
			}
			err = t.sign(cmd.Context(), s, n, o)
			return closing(s, answered(err))
		},
	}
	c.Flags().BoolVar(&o.local, "local", false, "push and sign the Docker Engine's image")
	c.Flags().BoolVar(&o.remote, "remote", false, "sign the registry's image")
	c.Flags().BoolVar(&o.propose, "propose", false, proposeHelp)
	c.Flags().BoolVar(&o.alone, "no-cosign", false, "write no copies that cosign reads")
	c.Flags().BoolVar(&o.proposed, "proposed", false, "sign what others proposed, with the keys that are here")
	c.Flags().StringVar(&o.signer, "signer", "", "sign as `NAME` only (default: every signer whose key is here)")
	c.MarkFlagsMutuallyExclusive("local", "remote")
	return t.notaryFlag(c)
}

func (t *trustFlags) sign(ctx context.Context, s *store.Session, n image.Name, o signFlags) error {
	if err := t.beginFor(ctx, s); err != nil {
		return err
	}
	ref, err := t.toSign(ctx, s.Remote.(*image.Remote), n, o)
	if err != nil {
		return err
	}
	all, err := s.Remote.(*image.Remote).Resolve(ctx, ref)
	if err != nil {
		return err
	}
	im := store.Image{Tag: n.Tag, Size: int64(len(all[0].Bytes)), Manifests: manifests(all)}
	out, by, err := s.Sign(ctx, im, store.SignOptions{Signer: o.signer, Propose: o.propose})
	if err != nil {
		return err
	}
	if len(out.Proposed) == 0 && !o.alone {
		t.copies(ctx, s, out.Assembly, by, all)
	}
	by = shownSigners(by)
	facts := map[string]any{"tag": n.Tag, "digest": all[0].Digest, "signers": by, "manifests": len(all)}
	return t.done(n.Repository, out, facts, "%s is signed as %s by %s", n, all[0].Digest, strings.Join(by, ", "))
}

func manifests(all []image.Resolved) []trust.Manifest {
	var out []trust.Manifest
	for _, m := range all {
		out = append(out, trust.Manifest{Digest: m.Digest, Platform: m.Platform, Config: m.Config, Attests: m.Attests})
	}
	return out
}

// shownSigners are signers by the names they are shown under: the repository's own
// targets role has none.
func shownSigners(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = cmp.Or(n, trust.Admin)
	}
	return out
}
