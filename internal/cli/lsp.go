package cli

import (
	"errors"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/lsp"
)

func newLSP(f *flags) *cobra.Command {
	var delay time.Duration
	c := &cobra.Command{
		Use:   "lsp",
		Short: "A language server: findings and fixes in the editor, while a file is typed",
		Long: `Speak the Language Server Protocol on standard input and output, for an editor to
start. Dockerfiles get the findings of lint, compose files and manifests of Kubernetes
those of audit, on the text as it is typed. Safe fixes are quick fixes, and one action
applies them all; other fixes are refactorings. Nothing is asked over the network.

docs/editors.md has settings for VS Code, Neovim, Helix and JetBrains' programs.`,
		Example: `  drydock lsp
  drydock lsp --delay 300ms`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.formatOnly("lsp", []string{"text"}); err != nil {
				return err
			}
			f.offline = true
			var one sync.Mutex // the flags take in what the configuration says
			err := lsp.Serve(cmd.Context(), f.env.Stdin, f.env.Stdout, lsp.Options{
				Version: f.env.Version, Delay: delay, Log: f.logger(),
				Pipeline: func(dir string) (*check.Pipeline, error) {
					one.Lock()
					defer one.Unlock()
					return f.pipelineIn(dir)
				},
			})
			if errors.Is(err, lsp.ErrNoShutdown) {
				return exitError(1) // as the protocol has it, and nobody reads a message
			}
			return err
		},
	}
	c.Flags().DurationVar(&delay, "delay", 0, "look at a text this long after the last key (default 150ms)")
	// Editors add the flag that names the transport; there is one.
	c.Flags().Bool("stdio", true, "speak on standard input and output, which is the one way")
	return c
}
