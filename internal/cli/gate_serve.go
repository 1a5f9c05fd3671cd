package cli

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/gate"
	"github.com/drydock-dev/drydock/internal/image"
)

func newGateServe(g *gateFlags) *cobra.Command {
	var socket string
	var replace, reads bool
	c := &cobra.Command{
		Use:   "serve",
		Short: "Enforce the policy in front of the Docker Engine, as its authorization plugin",
		Long: `Answer the Docker Engine about each call of its API. The Engine is started with
--authorization-plugin=drydock, or has "authorization-plugins": ["drydock"] in its
daemon.json; without the gate it then refuses everything.

Each decision is a line of JSON on standard output, with the rule that decided. The
images of a repository are verified against the roots and keys that the policy names,
never on first use, with the registry credentials of the user who runs the gate.`,
		Example: `  sudo drydock gate serve --policy /etc/drydock/policy.yaml
  sudo drydock gate serve --policy /etc/drydock/policy.yaml --replace   # a new version takes over`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := g.readPolicy(g.policy)
			if err != nil {
				return err
			}
			api, err := image.DialEngine(g.images())
			if err != nil {
				return err
			}
			defer api.Close() //nolint:errcheck // nothing is lost with it
			opt := &slog.HandlerOptions{ReplaceAttr: cleanAttr}
			gt := &gate.Gate{
				Policy: p, Engine: &gate.Docker{Client: api}, Facts: g.facts(p), Now: g.env.Now, Reads: reads,
				Log: slog.New(slog.NewJSONHandler(g.env.Stdout, opt)), Guarded: []string{socket, g.policy},
			}
			if d := g.database(); d != "" {
				gt.Guarded = append(gt.Guarded, d)
			}
			err = gt.Serve(cmd.Context(), socket, replace, func() { fmt.Fprintf(g.env.Stderr, "gate: %s obeys %s\n", foreign(socket), foreign(g.policy)) })
			if errors.Is(err, gate.ErrServed) {
				return finding.WithHint(err, "end it first, or say --replace to take over without an outage")
			}
			return err
		},
	}
	c.Flags().StringVar(&socket, "socket", gate.DefaultSocket, "listen on the `SOCKET`; the Engine looks for /run/docker/plugins/NAME.sock")
	c.Flags().BoolVar(&replace, "replace", false, "take over from a gate that answers there")
	c.Flags().BoolVar(&reads, "log-reads", false, "log calls that only read, too")
	return c
}

// cleanAttr keeps a stranger's bytes and secrets out of the log.
func cleanAttr(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindString {
		a.Value = slog.StringValue(foreign(a.Value.String()))
	}
	return a
}
