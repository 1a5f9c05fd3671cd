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

// versionLine is what version and --version print.
func versionLine(version string) string {
	return fmt.Sprintf("drydock %s %s/%s\n", version, runtime.GOOS, runtime.GOARCH)
}

func newVersion(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return f.write(func(to sink) error {
				if to.format == "json" {
					_, err := fmt.Fprintf(to, "{\"version\":%q,\"go\":%q,\"platform\":\"%s/%s\"}\n", f.env.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
					return err
				}
				_, err := io.WriteString(to, versionLine(f.env.Version))
				return err
			})
		},
	}
}
