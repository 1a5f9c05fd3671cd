package cli

import (
	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/report"
)

func newCheck(f *flags) *cobra.Command {
	var policy, env, earlier string
	var observed []string
	c := &cobra.Command{
		Use:   "check [TARGET]",
		Short: "Everything at once: a grade for each practice, the worst findings first",
		Long: `Look at an image, archive, folder or SBOM through every practice and print a
card: a row a practice with its grade and the reasons, the worst findings first,
and what to type next. A folder is read for its lock files, Dockerfiles and
compose files.

Least privilege is graded by what is known of an image's needs: a profile in the
folder NAME-profile or drydock.profile, in a label or attached in the registry, or the
observation drydock.observation.json, beside the image or its Dockerfile; and by how a
compose file there starts it.

With --observed each vulnerability says whether its package was in use while "drydock
observe" watched a container of the image, and the card what minify would save.

With --server the packages of the image are sent to a service, which keeps watch over
them from then on, and the vulnerabilities are those that it knows.

With --policy the image is held to an image policy as well, as the gate would hold it
when a container is created: exit code 2 where it refuses the image, 1 where that could
not be found out, whatever else is found. The file's "policies" are those of the service:
each is kept, violated (2) or unknown (1), and they give the image its grade of health.

With --compare-to the report is what changed since an earlier release: policies, grades,
base, size, packages, and the vulnerabilities that opened and closed. As Markdown it is a
comment for a pull request. The gate counts what the earlier one did not have.`,
		Example: `  drydock check examples/react-app
  drydock check nginx:1.25 --fail-on severity:high
  drydock check --all .
  drydock check --server http://127.0.0.1:8480 acme/web:1.4
  drydock check --policy policy.yaml registry.example.com/me/app:v1.0
  drydock check app:new --compare-to app:1.4 --policy policy.yaml --format markdown
  drydock check app.tar --format json`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			ask := check.Ask{Vulnerabilities: true, Rules: true, Grades: true, Layers: true, Observed: observed}
			if policy != "" {
				p, err := f.readPolicy(policy)
				if err != nil {
					return err
				}
				ask.Policy, ask.Vouch, ask.Standards = f.admits(p), vouchers(p), f.standards(p, env)
			}
			if earlier != "" {
				return f.release(cmd, args, ask, earlier)
			}
			return f.scan(cmd, args, ask, report.Card)
		},
	}
	c.Flags().BoolVar(&f.all, "all", false, "list every finding with every place, and not the worst alone")
	c.Flags().StringVar(&policy, "policy", "", "hold images to the image policy in `FILE`, as the gate does")
	c.Flags().StringVar(&env, "env", "", "with --policy, judge by the policies of the environment `NAME` (default those of every one)")
	c.Flags().StringVar(&earlier, "compare-to", "", "report what changed since the `TARGET`: an image, an archive, an SBOM")
	c.Flags().StringSliceVar(&observed, "observed", nil, "say which packages were in use, by these `FILES` of drydock observe")
	f.vulnerabilities(c.Flags())
	f.asksServer(c.Flags())
	return c
}
