package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/server/agent"
)

func newAgent(f *flags) *cobra.Command {
	var server, which string
	var once bool
	a := &agent.Agent{}
	c := &cobra.Command{
		Use:   "agent",
		Short: "Tell a service what runs on a Docker Engine, and what was built and pulled there",
		Long: `Stand beside a Docker Engine and tell a service which containers run there, of which
images, and what they declare; and send the SBOM of each image that the service does
not have. The agent asks the Engine for lists and events, and changes nothing there.
Variables, commands and labels of containers are not sent.

What is told is the whole list each time, when the agent connects, after events, and
every minute: whatever goes away meanwhile, the Engine, the service or the agent,
nothing is lost when it is back, and the service shows what had changed unseen.`,
		Example: `  drydock agent --environment prod
  DRYDOCK_TOKEN=… drydock agent --server https://watch.example --name web-1
  drydock agent --once --images running`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch a.Which = agent.Which(which); {
			case a.Which != agent.All && a.Which != agent.Runs:
				return usageError{fmt.Errorf("--images %s: there is no such choice", which), "all or running"}
			case a.Every < time.Second || a.Every > 24*time.Hour:
				return usageError{fmt.Errorf("--every %s is not from a second to a day", a.Every), "--every 1m"}
			}
			cl, err := f.service(server)
			if err != nil {
				return err
			}
			p, err := f.pipeline()
			if err != nil {
				return err
			}
			p.Offline = true // of images that the Engine has, nobody else is asked
			a.Service, a.Version = cl, f.env.Version
			a.Dial = func(ctx context.Context) (agent.Engine, error) {
				e, err := runtime.Dial(ctx, runtime.Options{Getenv: f.env.Getenv})
				if err != nil {
					return nil, err
				}
				return e, nil
			}
			a.Scan = func(ctx context.Context, id finding.Digest) ([]byte, url.Values, error) { return f.scanned(ctx, p, id) }
			level := slog.LevelInfo
			switch {
			case f.debug:
				level = slog.LevelDebug
			case f.quiet:
				level = slog.LevelError
			}
			a.Log = slog.New(slog.NewTextHandler(f.env.Stderr, &slog.HandlerOptions{Level: level}))
			if once {
				return a.Once(cmd.Context())
			}
			return a.Run(cmd.Context())
		},
	}
	s := c.Flags()
	s.StringVar(&server, "server", defaultServer, "the service's `URL`")
	s.StringVar(&a.Env, "environment", "", "`NAME` of the environment that runs there: prod, staging")
	s.StringVar(&a.Host, "name", "", "what the service calls the Engine (default its own `NAME` for its machine)")
	s.StringVar(&which, "images", string(agent.All), "which images' SBOMs are sent: `all` that have a name, or running")
	s.DurationVar(&a.Every, "every", agent.Often, "list at least this `OFTEN`, also where no event asks for it")
	s.BoolVar(&once, "once", false, "tell what there is now, and end")
	return c
}

// scanned is the SBOM of an image that the Engine has, with what it tells of itself.
func (f *flags) scanned(ctx context.Context, p *check.Pipeline, id finding.Digest) ([]byte, url.Values, error) {
	res, err := p.Run(ctx, "local://"+string(id), check.Ask{Inventory: true})
	if err != nil {
		return nil, nil, err
	}
	if len(res.Targets) != 1 || res.Targets[0].Inventory == nil {
		return nil, nil, errors.New("it holds nothing that can be listed")
	}
	t := &res.Targets[0]
	var b bytes.Buffer
	if err := sbom.Encode(&b, "json", t.Inventory, sbom.EncodeOptions{Now: f.env.stamp(), ToolVersion: f.env.Version, Compact: true}); err != nil {
		return nil, nil, err
	}
	return b.Bytes(), imageFacts(t, url.Values{}), nil
}
