package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

func newTrustRefresh(t *trustFlags) *cobra.Command {
	var prune, copies bool
	c := &cobra.Command{
		Use:   "refresh REPOSITORY…",
		Short: "Sign anew what soon expires, and make all count that was written",
		Long: `Sign the snapshot and the timestamp anew before they expire, with an online key that
is here; sign anew roles whose keys are here and that soon expire; and let the
snapshot name what killed or keyless writers left. Run it from a schedule, once a
day. --prune removes documents that are superseded.`,
		Example: "  drydock trust refresh registry.example.com/me/app",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, arg := range args {
				n, err := named(arg)
				if err != nil {
					return err
				}
				s, err := t.session(cmd.Context(), n, true)
				if err != nil {
					return err
				}
				if err := closing(s, answered(t.refresh(cmd.Context(), s, n, prune, copies))); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&copies, "copies", false, "write the copies for cosign again that are missing, with the signers' keys that are here")
	c.Flags().BoolVar(&prune, "prune", false, "remove documents that are superseded")
	return c
}

func (t *trustFlags) refresh(ctx context.Context, s *store.Session, n image.Name, prune, copies bool) error {
	out, err := s.Refresh(ctx)
	if err != nil {
		return err
	}
	what := n.Repository + " is fresh"
	if len(out.Written) > 0 {
		what = n.Repository + " was signed anew"
	}
	facts := map[string]any{"written": len(out.Written)}
	if copies {
		if err := s.CopyAll(ctx); err != nil {
			return err
		}
	}
	if prune {
		removed, err := s.Prune(ctx)
		if err != nil {
			return err
		}
		facts["removed"] = removed
		what += fmt.Sprintf("; %s removed", finding.Count(removed, "superseded document"))
	}
	return t.done(n.Repository, out, facts, "%s", what)
}
