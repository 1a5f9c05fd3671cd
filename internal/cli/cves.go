package cli

import (
	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/report"
)

func newCVEs(f *flags) *cobra.Command {
	c := &cobra.Command{
		Use:     "cves [TARGET]",
		Aliases: []string{"vulns"},
		Short:   "Known vulnerabilities by package, with layer, line and fix",
		Long: `List the known vulnerabilities of an image, archive, folder or SBOM by package:
whose severity it is, which version of this release fixes it, which layer and
(with --dockerfile) which line brought it, and whether the base image did.`,
		Example: `  drydock cves nginx:1.25
  drydock cves --only-fixed --severity critical,high app.tar
  drydock cves --dockerfile Dockerfile --format sarif -o out.sarif app:latest
  syft app -o spdx-json | drydock cves sbom://-`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.scan(cmd, args, check.Ask{Vulnerabilities: true}, report.CVEs)
		},
	}
	f.vulnerabilities(c.Flags())
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
	return c
}
