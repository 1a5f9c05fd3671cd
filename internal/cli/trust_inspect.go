package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/trust"
)

func newTrustInspect(t *trustFlags) *cobra.Command {
	var pretty bool
	c := &cobra.Command{
		Use:   "inspect IMAGE…",
		Short: "Show what is signed, by whom, and with which keys",
		Long: `Show the signed tags of a repository, or of one tag, with their digests and
signers; the signers with their keys; the keys of the administrators. The JSON has
the shape of "docker trust inspect"; --pretty prints tables.`,
		Example: "  drydock trust inspect --pretty registry.example.com/me/app:v1.0",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var all []report.Inspected
			for _, arg := range args {
				n, err := named(arg)
				if err != nil {
					return err
				}
				v, err := t.inspect(cmd.Context(), n)
				if err != nil {
					return answered(err)
				}
				all = append(all, report.Inspected{Name: arg, Tag: n.Tag, View: v})
			}
			return t.write(func(to sink) error {
				if to.format == "text" && !pretty {
					to.format = "json"
				}
				return report.TrustInspect(to, to.format, all, t.page(to))
			})
		},
	}
	c.Flags().BoolVar(&pretty, "pretty", false, "print tables for people")
	return t.notaryFlag(c)
}

// inspect reads what the registry, or a Notary v1 server, has of a repository.
func (t *trustFlags) inspect(ctx context.Context, n image.Name) (*trust.View, error) {
	server, err := t.notaryOf(n)
	if err != nil {
		return nil, err
	}
	if server != nil {
		return t.inspectNotary(ctx, server, n)
	}
	s, err := t.session(ctx, n, false)
	if err != nil {
		return nil, err
	}
	v, err := s.View(ctx)
	return v, closing(s, err)
}
