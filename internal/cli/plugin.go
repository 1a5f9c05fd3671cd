package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/plugin"
	"github.com/drydock-dev/drydock/internal/runtime"
)

// pluginCommands are what docker itself calls.
func pluginCommands(env Env, role plugin.Role) []*cobra.Command {
	return []*cobra.Command{
		{
			Use: plugin.MetadataCommand, Hidden: true, Args: cobra.ArbitraryArgs,
			RunE: func(*cobra.Command, []string) error {
				_, err := env.Stdout.Write(role.Metadata(env.Version))
				return err
			},
		},
		{
			Use: plugin.HookCommand, Hidden: true, Args: cobra.ExactArgs(1),
			RunE: func(_ *cobra.Command, args []string) error {
				b, err := plugin.Hook(args[0])
				if err == nil {
					_, err = env.Stdout.Write(b)
				}
				return err
			},
		},
	}
}

func newPlugin(f *flags) *cobra.Command {
	c := &cobra.Command{
		Use:   "plugin",
		Short: "Install as a plugin of the Docker command line: docker drydock …",
	}
	as := plugin.Roles()[0].Name
	here := func(ctx context.Context) (plugin.Installation, error) {
		role, ok := plugin.Called("docker-" + as)
		if !ok {
			return plugin.Installation{}, usageError{fmt.Errorf("--as %s: docker has no such command that Drydock could be", as), "--as drydock, trust or scout"}
		}
		dir := dockerConfig(f.env)
		if dir == "" {
			return plugin.Installation{}, usageError{errors.New("no folder for the configuration of Docker: HOME is not set"), "set HOME or DOCKER_CONFIG"}
		}
		exe, err := os.Executable()
		return plugin.Installation{
			ConfigDir: dir, Program: exe, User: disk.Caller(f.env.Getenv), Record: f.ledger,
			Role: role, Shared: plugin.SharedFolders(), Docker: runtime.ClientMajor(ctx),
		}, err
	}
	c.AddCommand(
		&cobra.Command{
			Use:   "install",
			Short: "Put the program where docker finds it, and its hook after docker build",
			Args:  cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				i, err := here(cmd.Context())
				if err != nil {
					return err
				}
				if err := i.Install(); err != nil {
					return err
				}
				fmt.Fprintf(f.env.Stdout, "installed %s\ntry: %s\n", i.Path(), i.Role.Example)
				return nil
			},
		},
		&cobra.Command{
			Use:   "uninstall",
			Short: "Take the plugin and its hook away",
			Args:  cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				i, err := here(cmd.Context())
				if err != nil {
					return err
				}
				if err := i.Uninstall(); err != nil {
					return err
				}
				fmt.Fprintf(f.env.Stdout, "removed %s\n", i.Path())
				return nil
			},
		},
	)
	c.PersistentFlags().StringVar(&as, "as", as, "be the command `NAME` of docker: drydock, trust (which Docker 29 has no more) or scout")
	return c
}

// dockerConfig is where Docker keeps its configuration; empty: nobody says.
func dockerConfig(env Env) string {
	if d := env.Getenv("DOCKER_CONFIG"); d != "" {
		return d
	}
	home := env.Getenv("HOME")
	if home == "" {
		home = env.Getenv("USERPROFILE")
	}
	if home == "" {
		return ""
	}
	return filepath.Join(home, ".docker")
}
