package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker when make release builds.
var version string

// buildVersion is the release: the linker's, else the module's, else "dev".
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}

func newVersion(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return f.write(func(w io.Writer) error {
				if f.format == "json" {
					_, err := fmt.Fprintf(w, "{\"version\":%q,\"go\":%q,\"platform\":\"%s/%s\"}\n", f.env.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
					return err
				}
				_, err := fmt.Fprintf(w, "drydock %s %s/%s\n", f.env.Version, runtime.GOOS, runtime.GOARCH)
				return err
			})
		},
	}
}
