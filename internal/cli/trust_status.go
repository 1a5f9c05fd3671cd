package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

func newTrustStatus(t *trustFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "status REPOSITORY",
		Short: "Show each role's version, expiry and keys, and what waits for signatures",
		Long: `Show how the trust metadata of a repository stands, for those who keep it: each
role's version, its date of expiry, its keys, and which of them are here; what was
proposed, and which signatures it still lacks; what was written and is not in the
snapshot yet; how many documents are superseded. The exit code is 2 if the
repository does not verify now.`,
		Example: "  drydock trust status registry.example.com/me/app",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := named(args[0])
			if err != nil {
				return err
			}
			s, err := t.session(cmd.Context(), n, false)
			if err != nil {
				return err
			}
			return closing(s, t.status(cmd.Context(), s, n))
		},
	}
}

func (t *trustFlags) status(ctx context.Context, s *store.Session, n image.Name) error {
	a, roles, err := s.Status(ctx)
	if err != nil {
		return answered(err)
	}
	_, refused := s.View(ctx)
	state := report.TrustState{Repository: n.Repository, Roles: roles, Superseded: len(a.Superseded()), Documents: a.Len(), Refused: refused}
	if err := t.write(func(to sink) error { return report.TrustStatus(to, to.format, state, t.page(to)) }); err != nil {
		return err
	}
	if refused != nil {
		var r trust.Refusal
		if !errors.As(refused, &r) {
			return refused
		}
		return exitError(2)
	}
	return nil
}

func newTrustForget(t *trustFlags) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "forget REPOSITORY",
		Short: "Forget which root of a repository is trusted here",
		Long: `Forget the root that is pinned for a repository, and all that was seen of it: the
next use is a first one. This gives up the protection from whoever could replace
the repository's signatures, so it asks for a word.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			n, err := named(args[0])
			if err != nil {
				return err
			}
			pins, err := t.pins()
			if err != nil {
				return err
			}
			pin, err := pins.Load(n.Repository)
			if err != nil {
				return err
			}
			if pin == nil {
				return t.say(map[string]any{"repository": n.Repository, "forgotten": false}, "no root of %s is pinned here", n.Repository)
			}
			if !yes {
				return usageError{fmt.Errorf("the root of %s, trusted since %s, would be forgotten", n.Repository, pin.Since.Format("2 January 2006")), "--yes forgets it"}
			}
			if err := pins.Forget(n.Repository); err != nil {
				return err
			}
			return t.say(map[string]any{"repository": n.Repository, "forgotten": true}, "the root of %s is forgotten", n.Repository)
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "forget it")
	return c
}
