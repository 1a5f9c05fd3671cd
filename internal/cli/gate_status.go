package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/report"
)

func newGateStatus(g *gateFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show for how long what was verified counts while its registry is down",
		Long: `List the repositories that were verified here for the policy: when, for how many hours
that counts while the registry cannot be asked (freshness, refuse), and when the first of
its documents expires. Exit code 2: something does not count any more.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			p, err := g.readPolicy(g.policy)
			if err != nil {
				return err
			}
			ages, err := g.verifier().Ages()
			if err != nil {
				return err
			}
			now, over := g.env.Now(), false
			var all []report.Freshness
			for _, a := range ages {
				r := p.Rule(a.Repository)
				f := report.Freshness{Repository: a.Repository, Rule: r.Name, Verified: a.Verified, Expires: a.Expires, Left: r.Freshness.Left(a.Verified, now)}
				if e := a.Expires.Sub(now); !a.Expires.IsZero() && e < f.Left {
					f.Left = e
				}
				f.Warn = now.Sub(a.Verified) > time.Duration(r.Freshness.Warn) && r.Freshness.Warn > 0
				over = over || f.Left <= 0
				all = append(all, f)
			}
			if err := g.write(func(to sink) error { return report.GateStatus(to, to.format, all, g.page(to)) }); err != nil {
				return err
			}
			if over {
				return exitError(2)
			}
			return nil
		},
	}
}
