package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/sbom"
)

func newSBOM(f *flags) *cobra.Command {
	var tree bool
	var depth int
	var push, name, env, base string
	c := &cobra.Command{
		Use:   "sbom [TARGET]",
		Short: "List every package, as text, JSON, CycloneDX or SPDX",
		Long: `List what an image, archive or folder is made of: each package once, with its
version, licence, the layer that first brought it and the files it was read from.
With --tree it shows which package needs which, from the projects and programs
down, as far as lock files and package databases tell it.
As --format json, cyclonedx or spdx the list is an SBOM that "drydock cves
sbom://FILE" takes back with the same vulnerabilities as the image.`,
		Example: `  drydock sbom nginx:1.25
  drydock sbom --format cyclonedx -o app.cdx.json app.tar
  drydock sbom --format spdx examples/react-app
  drydock sbom --tree --depth 2 examples/react-app
  drydock sbom --push http://127.0.0.1:8480 acme/web:1.4`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.formatOnly("sbom", append([]string{"text"}, sbom.Formats()...)); err != nil {
				return err
			}
			view := report.Packages
			if tree || depth > 0 {
				view = report.Tree
				if err := f.formatOnly("sbom --tree", []string{"text"}); err != nil {
					return err
				}
			}
			if depth < 0 {
				return usageError{fmt.Errorf("--depth %d: a tree has no such depth", depth), "--depth 2"}
			}
			on, err := target(args)
			if err != nil {
				return err
			}
			res, err := f.look(cmd.Context(), on, check.Ask{Inventory: true})
			if err != nil {
				return err
			}
			if push != "" {
				return f.pushed(cmd.Context(), push, name, res, pushFacts(env, f.platform, base))
			}
			err = f.write(func(to sink) error {
				if to.format == "text" {
					opt := f.options(to, on)
					opt.View, opt.Depth = view, depth
					return report.Write(to, to.format, res, opt)
				}
				return sbom.Encode(to, to.format, res.Targets[0].Inventory, sbom.EncodeOptions{Now: f.env.stamp(), ToolVersion: f.env.Version})
			})
			if err != nil {
				return err
			}
			return f.judge(res, false)
		},
	}
	c.Flags().StringVar(&push, "push", "", "send the SBOM to the service at `URL` in place of printing it")
	c.Flags().StringVar(&name, "push-name", "", "the image's `NAME` at the service (default the target's)")
	c.Flags().StringVar(&env, "push-env", "", "the `ENVIRONMENT` that the image is for: prod, staging")
	c.Flags().StringVar(&base, "push-base", "", "the `IMAGE` that it stands on")
	c.Flags().BoolVar(&tree, "tree", false, "show what needs what")
	c.Flags().IntVar(&depth, "depth", 0, "show the tree down to `N` steps from its roots")
	return c
}
