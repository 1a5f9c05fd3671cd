package cli

import (
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/report"
)

func newCVEs(f *flags) *cobra.Command {
	var observed []string
	c := &cobra.Command{
		Use:     "cves [TARGET]",
		Aliases: []string{"vulns"},
		Short:   "Known vulnerabilities by package, with layer, line and fix",
		Long: `List the known vulnerabilities of an image, archive, folder or SBOM by package:
whose severity it is, which version of this release fixes it, which layer and
(with --dockerfile) which line brought it, and whether the base image did.

With --observed, each says whether its package was in use while "drydock observe"
watched a container of this very image. That hides nothing: --format openvex writes
what was never used as VEX, for you to review and to give to --vex. A package counts as
used if any file of it was; an observation that is not complete proves nothing unused,
and OpenVEX then says under_investigation.`,
		Example: `  drydock cves nginx:1.25
  drydock cves --only-fixed --severity critical,high app.tar
  drydock cves --observed seen.json --format openvex=unused.openvex.json nginx:1.29
  drydock cves --dockerfile Dockerfile --format sarif -o out.sarif app:latest
  syft app -o spdx-json | drydock cves sbom://-`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(observed) == 0 && slices.ContainsFunc(f.formats.list, func(d destination) bool { return d.format == "openvex" }) {
				err := errors.New("--format openvex states what was observed, and nothing was")
				return usageError{err, "--observed FILE, which drydock observe IMAGE -o FILE writes"}
			}
			return f.scan(cmd, args, check.Ask{Vulnerabilities: true, Observed: observed}, report.CVEs)
		},
	}
	f.vulnerabilities(c.Flags())
	f.asksServer(c.Flags())
	c.Flags().StringSliceVar(&observed, "observed", nil, "say which packages were in use, by these `FILES` of drydock observe")
	return c
}

func newQuickview(f *flags) *cobra.Command {
	c := &cobra.Command{
		Use:     "quickview [TARGET]",
		Aliases: []string{"qv"},
		Short:   "Count vulnerabilities: the target's row, its base's row, the next command",
		Example: `  drydock quickview
  drydock qv nginx:1.25`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.scan(cmd, args, check.Ask{Vulnerabilities: true}, report.Quickview)
		},
	}
	f.vulnerabilities(c.Flags())
	f.asksServer(c.Flags())
	return c
}
