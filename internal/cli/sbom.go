package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

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
			if f.format != "text" && !slices.Contains(sbom.Formats(), f.format) {
				return usageError{fmt.Errorf("sbom has no format %q", f.format), "one of text, " + strings.Join(sbom.Formats(), ", ")}
			}
			on, err := target(args)
			if err != nil {
				return err
			}
			res, err := f.look(cmd.Context(), on, check.Ask{Inventory: true})
			if err != nil {
				return err
			}
			if f.format == "text" {
				err = f.print(res, report.Packages, on)
			} else {
				err = f.write(func(w io.Writer) error {
					return sbom.Encode(w, f.format, res.Targets[0].Inventory, sbom.EncodeOptions{Now: f.env.stamp(), ToolVersion: f.env.Version})
				})
			}
			if err != nil {
				return err
			}
			return f.judge(res, false)
		},
	}
}
