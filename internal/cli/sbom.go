package cli

import (
	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/sbom"
)

func newSBOM(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:   "sbom [TARGET]",
		Short: "List every package, as text, JSON, CycloneDX or SPDX",
		Long: `List what an image, archive or folder is made of: each package once, with its
version, licence, the layer that first brought it and the files it was read from.
As --format json, cyclonedx or spdx the list is an SBOM that "drydock cves
sbom://FILE" takes back with the same vulnerabilities as the image.`,
		Example: `  drydock sbom nginx:1.25
  drydock sbom --format cyclonedx -o app.cdx.json app.tar
  drydock sbom --format spdx examples/react-app`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.formatOnly("sbom", append([]string{"text"}, sbom.Formats()...)); err != nil {
				return err
			}
			on, err := target(args)
			if err != nil {
				return err
			}
			res, err := f.look(cmd.Context(), on, check.Ask{Inventory: true})
			if err != nil {
				return err
			}
			err = f.write(func(to sink) error {
				if to.format == "text" {
					return f.report(to, res, report.Packages, on)
				}
				return sbom.Encode(to, to.format, res.Targets[0].Inventory, sbom.EncodeOptions{Now: f.env.stamp(), ToolVersion: f.env.Version})
			})
			if err != nil {
				return err
			}
			return f.judge(res, false)
		},
	}
}
