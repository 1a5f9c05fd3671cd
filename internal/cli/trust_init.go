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

// initFlags is how a repository begins.
type initFlags struct {
	kind      string
	days      map[string]int
	rootKeys  []string
	threshold int
	signed    string
}

func newTrustInit(t *trustFlags) *cobra.Command {
	o := initFlags{kind: string(trust.ECDSA)}
	c := &cobra.Command{
		Use:   "init REPOSITORY",
		Short: "Begin to sign a repository's images, and pin its root here",
		Long: `Give a repository its first trust metadata: root, targets, snapshot and timestamp.
The root key is the one that is here, or a new one; the repository's targets and
online keys are new. Keep the root key offline: only signers with online keys and
the rotation of keys need it.

With --root-key the root is several people's from the start, --threshold of whom have
to sign it. What lacks signatures is written to --output FILE, and nothing to the
registry: the others run "drydock trust root sign FILE", on a machine without a network
if they like, and then "drydock trust init --signed-root FILE REPOSITORY" begins with it.`,
		Example: `  drydock trust init registry.example.com/me/app
  drydock trust init --root-key a.pub --root-key b.pub --threshold 2 -o app.root.json registry.example.com/me/app
  drydock trust init --signed-root app.root.json registry.example.com/me/app`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := named(args[0])
			if err != nil {
				return err
			}
			if err := o.check(t.output); err != nil {
				return err
			}
			s, err := t.session(cmd.Context(), n, true)
			if err != nil {
				return err
			}
			switch {
			case o.signed != "":
				err = t.initWith(cmd.Context(), s, o)
			case len(o.rootKeys) > 0:
				err = t.initDraft(cmd.Context(), s, o)
			default:
				err = t.initAlone(cmd.Context(), s, o)
			}
			return closing(s, answered(err))
		},
	}
	c.Flags().StringVar(&o.kind, "type", o.kind, keyTypeHelp)
	c.Flags().StringToIntVar(&o.days, "days", nil, "how long a role's documents hold, as `ROLE=DAYS` (root 1825, targets and signers 1095, snapshot 30, timestamp 14)")
	c.Flags().StringArrayVar(&o.rootKeys, "root-key", nil, "`FILE` with the public key of one who signs the root; several times for several people")
	c.Flags().IntVar(&o.threshold, "threshold", 1, "with --root-key: how `MANY` of the keys have to sign")
	c.Flags().StringVar(&o.signed, "signed-root", "", "begin with the root in `FILE`, which enough people have signed")
	return c
}

func (o initFlags) check(output string) error {
	for role, n := range o.days {
		if _, ok := trust.DefaultDays()[role]; !ok || n < 1 || n > 36500 {
			return usageError{fmt.Errorf("--days %s=%d", role, n), "root, targets, signers, snapshot or timestamp, for 1 to 36500 days"}
		}
	}
	keys := len(o.rootKeys)
	switch {
	case o.signed != "" && (keys > 0 || len(o.days) > 0):
		return usageError{errors.New("--signed-root has its keys and days already"), ""}
	case keys > 0 && output == "":
		return usageError{errors.New("--root-key writes a root for others to sign"), "say where to: --output FILE"}
	case o.threshold < 1 || o.threshold > max(keys, 1):
		return usageError{fmt.Errorf("a threshold of %d of %s", o.threshold, finding.Count(max(keys, 1), "root key")), "name the others' keys: --root-key FILE"}
	}
	return nil
}

func (t *trustFlags) initAlone(ctx context.Context, s *store.Session, o initFlags) error {
	b, err := s.Begin(ctx, trust.KeyType(o.kind), o.days)
	if err != nil {
		return err
	}
	return t.begun(b, b.Root.ID, "%s can be signed now; its root is pinned here\n  root key %s", s.Name, b.Root.ID)
}

// begun prints what was made.
func (t *trustFlags) begun(b *store.Begun, root, text string, args ...any) error {
	var fresh []string
	for _, e := range b.Fresh {
		fresh = append(fresh, e.ID)
		text += fmt.Sprintf("\n  new %s key %s", e.Role, e.ID)
	}
	text = fmt.Sprintf(text, args...)
	if t.quiet {
		text, _, _ = strings.Cut(text, "\n")
	}
	facts := map[string]any{"newKeys": fresh}
	if root != "" {
		facts["repository"], facts["rootKey"] = args[0], root
	}
	to := t.output
	t.output = "" // which has the root itself
	err := t.say(facts, "%s", text)
	t.output = to
	return err
}
