package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/policy/admission"
	"github.com/drydock-dev/drydock/internal/trust"
)

func newGateExport(g *gateFlags) *cobra.Command {
	var rego bool
	c := &cobra.Command{
		Use:   "export buildx",
		Short: "Write the policy for builds: BuildKit's source policy, or Dockerfile.rego",
		Long: `Write which images a build may stand on, which the gate cannot see: a source policy
of BuildKit, which Buildx takes from EXPERIMENTAL_BUILDKIT_SOURCE_POLICY, or with --rego
a policy for "docker buildx build --policy". A builder asks for no signatures: what is
signed now is listed by its digest, and a tag is built with what is signed for it. Write
it anew before each build, or from a schedule.`,
		Example: `  drydock gate export buildx -o source-policy.json
  EXPERIMENTAL_BUILDKIT_SOURCE_POLICY=source-policy.json docker buildx build .
  drydock gate export buildx --rego -o Dockerfile.rego`,
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"buildx"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := g.readPolicy(g.policy)
			if err != nil {
				return err
			}
			v := g.verifier()
			s, err := p.Sources(func(repository string, root []byte, f admission.Freshness) (*trust.View, error) {
				seen, err := v.Trust(cmd.Context(), repository, root, f)
				if err == nil && f.Left(seen.Verified, g.env.Now()) <= 0 {
					err = seen.Failure
				}
				return seen.View, err
			})
			if err != nil {
				return answered(err)
			}
			for _, n := range s.Notes {
				fmt.Fprintf(g.env.Stderr, "note: %s\n", foreign(n))
			}
			b := s.Rego()
			if !rego {
				if b, err = s.BuildKit(); err != nil {
					return err
				}
			}
			return g.writeTo(g.output, func(w io.Writer) error {
				_, err := w.Write(b)
				return err
			})
		},
	}
	c.Flags().BoolVar(&rego, "rego", false, "write Rego, for docker buildx build --policy and Dockerfile.rego")
	return c
}
