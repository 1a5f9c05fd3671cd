package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

func newTrustInit(t *trustFlags) *cobra.Command {
	kind := string(trust.ECDSA)
	var days map[string]int
	c := &cobra.Command{
		Use:   "init REPOSITORY",
		Short: "Begin to sign a repository's images, and pin its root here",
		Long: `Give a repository its first trust metadata: root, targets, snapshot and timestamp.
The root key is the one that is here, or a new one; the repository's targets and
online keys are new. Keep the root key offline: only signers with online keys and
the rotation of keys need it.`,
		Example: "  drydock trust init registry.example.com/me/app",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := named(args[0])
			if err != nil {
				return err
			}
			for role, n := range days {
				if _, ok := trust.DefaultDays()[role]; !ok || n < 1 || n > 36500 {
					return usageError{fmt.Errorf("--days %s=%d", role, n), "root, targets, signers, snapshot or timestamp, for 1 to 36500 days"}
				}
			}
			s, err := t.session(cmd.Context(), n, true)
			if err != nil {
				return err
			}
			b, err := s.Begin(cmd.Context(), trust.KeyType(kind), days)
			if err := closing(s, err); err != nil {
				return err
			}
			var lines, fresh []string
			for _, e := range b.Fresh {
				fresh = append(fresh, e.ID)
				lines = append(lines, fmt.Sprintf("  new %s key %s", e.Role, e.ID))
			}
			text := fmt.Sprintf("%s can be signed now; its root is pinned here\n  root key %s\n%s", n.Repository, b.Root.ID, strings.Join(lines, "\n"))
			if t.quiet {
				text = n.Repository + " can be signed now; its root is pinned here"
			}
			return t.say(map[string]any{"repository": n.Repository, "rootKey": b.Root.ID, "newKeys": fresh}, "%s", text)
		},
	}
	c.Flags().StringVar(&kind, "type", kind, keyTypeHelp)
	c.Flags().StringToIntVar(&days, "days", nil, "how long a role's documents hold, as `ROLE=DAYS` (root 1825, targets and signers 1095, snapshot 30, timestamp 14)")
	return c
}

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
