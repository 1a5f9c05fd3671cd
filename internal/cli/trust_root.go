package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

func newTrustRoot(t *trustFlags) *cobra.Command {
	c := &cobra.Command{
		Use:   "root REPOSITORY",
		Short: "Write a repository's root, for --root FILE and for the policy of a gate",
		Long: `Write the root that is trusted of a repository, as it stands now. Others begin from it:
trust verify --root FILE, and a policy's rules name it under trust, roots. Hand it on in a
way that you trust, for whoever has another root trusts other keys.`,
		Example: `  drydock trust root registry.example.com/me/app -o app.root.json`,
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
			if _, err = s.View(cmd.Context()); err == nil {
				err = t.writeRoot(s, cmd)
			}
			return closing(s, answered(err))
		},
	}
	c.AddCommand(newTrustRootSign(t))
	return c
}

func (t *trustFlags) writeRoot(s *store.Session, cmd *cobra.Command) error {
	pin, err := s.Pin(cmd.Context())
	if err != nil {
		return err
	}
	return t.writeTo(t.output, func(w io.Writer) error {
		_, err := w.Write(pin.State[trust.Root])
		return err
	})
}
