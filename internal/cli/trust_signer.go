package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

func newSignerRemove(t *trustFlags) *cobra.Command {
	var reason string
	var propose bool
	c := &cobra.Command{
		Use:     "remove NAME REPOSITORY…",
		Aliases: []string{"rm"},
		Short:   "End what somebody may sign, and what they signed",
		Example: "  drydock trust signer remove release registry.example.com/me/app",
		Args:    cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, ref := range args[1:] {
				if err := t.removeSigner(cmd, ref, args[0], reason, propose); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "say why, as `TEXT` that everybody can read")
	acceptDocker(c, "force")
	c.Flags().BoolVar(&propose, "propose", false, proposeHelp)
	return t.notaryFlag(c)
}

func (t *trustFlags) removeSigner(cmd *cobra.Command, ref, name, reason string, propose bool) error {
	n, err := named(ref)
	if err != nil {
		return err
	}
	server, err := t.notaryOf(n)
	if err != nil {
		return err
	}
	if server != nil {
		return t.removeSignerNotary(cmd.Context(), server, n, name)
	}
	s, err := t.session(cmd.Context(), n, true)
	if err != nil {
		return err
	}
	before, _ := s.View(cmd.Context()) // of one that does not verify there is nothing to tidy
	out, err := s.RemoveSigner(cmd.Context(), name, reason, propose)
	if err == nil && before != nil && len(out.Proposed) == 0 {
		t.uncopy(cmd.Context(), s, before.SignedBy(name), before.KeysOf(name))
	}
	if err := closing(s, answered(err)); err != nil {
		return err
	}
	return t.done(n.Repository, out, map[string]any{"signer": name}, "%s may not sign images of %s any more, and what %s signed is not signed", name, n.Repository, name)
}

// done says what a change came to, and what it waits for.
func (t *trustFlags) done(repository string, out *store.Outcome, facts map[string]any, text string, args ...any) error {
	said := fmt.Sprintf(text, args...)
	facts["repository"], facts["waiting"], facts["proposed"] = repository, out.Waiting, len(out.Proposed) > 0
	switch {
	case len(out.Proposed) > 0:
		said = fmt.Sprintf("proposed for %s: it counts when others have signed it too (drydock trust status %s)", repository, repository)
	case out.Waiting:
		said += fmt.Sprintf("\nit counts after drydock trust refresh %s by one who has an online key", repository)
	}
	return t.say(facts, "%s", said)
}

func newSigner(name string, files []string, threshold int, alone bool) (store.NewSigner, error) {
	n := store.NewSigner{Name: name, Threshold: threshold}
	if err := trust.ValidSigner(name); err != nil {
		return n, usageError{err, ""}
	}
	if len(files) == 0 {
		return n, usageError{fmt.Errorf("no key for %s", name), "--key FILE names the file with its public key; drydock trust key generate makes one"}
	}
	for _, file := range files {
		b, err := readSmall(file, 64<<10)
		if err != nil {
			return n, err
		}
		keys, err := trust.PublicKeys(b)
		if err != nil {
			return n, fmt.Errorf("%s: %w", file, err)
		}
		n.Keys = append(n.Keys, keys[0])
		if !alone && len(keys) > 1 {
			n.Online = append(n.Online, keys[1])
		}
	}
	if threshold < 1 || threshold > len(n.Keys) {
		return n, usageError{fmt.Errorf("--threshold %d with %s", threshold, finding.Count(len(n.Keys), "key")), ""}
	}
	return n, nil
}

// beginFor begins a repository that has no trust metadata, where that was asked for.
func (t *trustFlags) beginFor(ctx context.Context, s *store.Session) error {
	if !t.begin {
		return nil
	}
	_, err := s.View(ctx)
	if kind, _ := trust.Refused(err); kind != "unsigned" {
		return nil // what is wrong with it, the change itself says
	}
	b, err := s.Begin(ctx, trust.ECDSA, nil)
	if err == nil && !t.quiet {
		fmt.Fprintf(t.env.Stderr, "%s can be signed now; its root is pinned here\n  root key %s\n", s.Name, b.Root.ID)
	}
	return err
}
