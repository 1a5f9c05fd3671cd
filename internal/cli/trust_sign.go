package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

// signFlags are those of sign.
type signFlags struct {
	local, remote, propose bool
	signer                 string
}

func newTrustSign(t *trustFlags) *cobra.Command {
	var o signFlags
	c := &cobra.Command{
		Use:   "sign IMAGE",
		Short: "Sign an image; one that is only local is pushed first",
		Long: `Sign the digest that a tag has, with all that it leads to: each platform's
manifest and what attests it. An image that the registry does not have is pushed
first, and the digest that was pushed is signed, wherever the tag points by then.
Where the Engine's image of that tag is another than the registry's, say which is
meant: --local pushes and signs the first, --remote signs the second.`,
		Example: `  drydock trust sign registry.example.com/me/app:v1.0
  drydock trust sign --propose registry.example.com/me/app:v1.0`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := named(args[0])
			if err != nil {
				return err
			}
			if n.Tag == "" && n.Digest == "" {
				return usageError{fmt.Errorf("%s names no image", n), "add the tag: " + n.Repository + ":TAG"}
			}
			s, err := t.session(cmd.Context(), n, true)
			if err != nil {
				return err
			}
			err = t.sign(cmd.Context(), s, n, o)
			return closing(s, answered(err))
		},
	}
	c.Flags().BoolVar(&o.local, "local", false, "push and sign the Docker Engine's image")
	c.Flags().BoolVar(&o.remote, "remote", false, "sign the registry's image")
	c.Flags().BoolVar(&o.propose, "propose", false, proposeHelp)
	c.Flags().StringVar(&o.signer, "signer", "", "sign as `NAME` only (default: every signer whose key is here)")
	c.MarkFlagsMutuallyExclusive("local", "remote")
	return c
}

func (t *trustFlags) sign(ctx context.Context, s *store.Session, n image.Name, o signFlags) error {
	ref, err := t.toSign(ctx, s, n, o)
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
	who := strings.Join(by, ", ")
	if slices.Equal(by, []string{""}) {
		who = trust.Admin
	}
	facts := map[string]any{"tag": n.Tag, "digest": all[0].Digest, "signers": by, "manifests": len(all)}
	return t.done(n.Repository, out, facts, "%s is signed as %s by %s", n, all[0].Digest, who)
}

func manifests(all []image.Resolved) []trust.Manifest {
	var out []trust.Manifest
	for _, m := range all {
		out = append(out, trust.Manifest{Digest: m.Digest, Platform: m.Platform, Config: m.Config, Attests: m.Attests})
	}
	return out
}

// toSign is the digest to sign: the one that the registry has, or, of an image
// that is only in the Engine, the one that it is pushed under.
func (t *trustFlags) toSign(ctx context.Context, s *store.Session, n image.Name, o signFlags) (string, error) {
	if n.Digest != "" {
		return string(n.Digest), nil
	}
	there, err := s.Remote.(*image.Remote).Resolve(ctx, n.Tag)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if o.remote && err == nil {
		return string(there[0].Digest), nil
	}
	ref := n.String()
	local, localErr := t.localImage(ctx, ref)
	switch {
	case o.remote:
		return "", err
	case o.local && local == nil:
		return "", errors.Join(fmt.Errorf("%s is not in the Docker Engine", ref), localErr)
	case local == nil && err != nil:
		return "", finding.WithHint(errors.Join(fmt.Errorf("%s is neither in the registry nor in the Docker Engine", ref), localErr), "check the name and the tag; docker image ls lists what is here")
	case local == nil:
		return string(there[0].Digest), nil
	case err == nil && !o.local:
		if same(local, there) {
			return string(there[0].Digest), nil
		}
		return "", usageError{
			fmt.Errorf("%s is another image in the Docker Engine (%s) than in the registry (%s)", ref, local.ID, there[0].Digest),
			"--local pushes and signs the Engine's, --remote signs the registry's",
		}
	}
	bar := t.progress()
	defer bar.done()
	opt := t.images()
	opt.Progress = bar.update
	d, err := image.Push(ctx, ref, opt)
	return string(d), err
}

// localImage is the Engine's image of a name; nil: it has none, or is not there.
func (t *trustFlags) localImage(ctx context.Context, ref string) (*image.Local, error) {
	l, err := image.OpenLocals(t.images())
	if err != nil {
		return nil, err
	}
	got, err := l.Get(ctx, ref)
	return got, errors.Join(err, l.Close())
}

// same reports whether the Engine's image is one of those that the registry has
// under the tag, by the digest of its manifest, its index or its configuration.
func same(local *image.Local, there []image.Resolved) bool {
	return slices.ContainsFunc(there, func(m image.Resolved) bool {
		return local.ID == m.Digest || local.ID == m.Config
	})
}
