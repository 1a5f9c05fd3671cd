package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/trust/store"
)

func newTrustSigner(t *trustFlags) *cobra.Command {
	c := &cobra.Command{Use: "signer", Short: "Who may sign a repository's images: add, remove"}
	c.AddCommand(newSignerAdd(t), newSignerRemove(t))
	return c
}

func newSignerAdd(t *trustFlags) *cobra.Command {
	var files []string
	var threshold int
	var alone, propose bool
	c := &cobra.Command{
		Use:   "add --key FILE NAME REPOSITORY…",
		Short: "Let somebody sign a repository's images",
		Long: `Delegate to a signer. The first key of each --key FILE signs images; the second,
if there is one, is the signer's online key: root lets it sign snapshots and
timestamps, so that what the signer signs counts at once. With --no-online it
counts after the next "drydock trust refresh" of one who has an online key.

Several keys with --threshold 2 make a signer of several people, two of whom must
sign.`,
		Example: `  drydock trust signer add --key release.pub release registry.example.com/me/app
  drydock trust signer add --key a.pub --key b.pub --threshold 2 both registry.example.com/me/app`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := newSigner(args[0], files, threshold, alone)
			if err != nil {
				return err
			}
			for _, ref := range args[1:] {
				if err := t.addSigner(cmd, ref, n, propose); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().StringArrayVar(&files, "key", nil, "`FILE` with a public key; several times for several keys")
	c.Flags().IntVar(&threshold, "threshold", 1, "how `MANY` of the keys must sign")
	t.notaryFlag(c)
	c.Flags().BoolVar(&alone, "no-online", false, "authorise no online key")
	c.Flags().BoolVar(&propose, "propose", false, proposeHelp)
	return c
}

const proposeHelp = "write what is signed by too few as a proposal, for others to sign as well"

func (t *trustFlags) addSigner(cmd *cobra.Command, ref string, n store.NewSigner, propose bool) error {
	image, err := named(ref)
	if err != nil {
		return err
	}
	server, err := t.notaryOf(image)
	if err != nil {
		return err
	}
	if server != nil {
		if n.Threshold > 1 || propose {
			return usageError{errors.New("docker trust knows no thresholds of signers and no proposals"), ""}
		}
		return t.addSignerNotary(cmd.Context(), server, image, n.Name, n.Keys)
	}
	s, err := t.session(cmd.Context(), image, true)
	if err != nil {
		return err
	}
	if err := t.beginFor(cmd.Context(), s); err != nil {
		return closing(s, answered(err))
	}
	out, err := s.AddSigner(cmd.Context(), n, propose)
	if err := closing(s, answered(err)); err != nil {
		return err
	}
	return t.done(image.Repository, out, map[string]any{"signer": n.Name}, "%s may sign images of %s", n.Name, image.Repository)
}
