package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/server"
	"github.com/drydock-dev/drydock/internal/vuln/feed"
)

// fetchEvery is how often a service fetches advisories from a mirror.
const fetchEvery = time.Hour

func newServe(f *flags) *cobra.Command {
	var o server.Options
	var role, feeds, policies string
	var open bool
	c := &cobra.Command{
		Use:   "serve",
		Short: "Keep watch: take images in, match them again as advisories change, show it",
		Long: `Keep what images hold, match it again when an advisory changes, and show the one
view of it in a browser, by HTTP and as a stream of events. No image is looked at
twice: an SBOM is enough.

Without more it is one process with SQLite on loopback: reading is free, and a change
needs the token, which lies in the data folder. With --db several processes share
the work, and with --nats it is brought to them by a stream.

--feeds off uses the advisories that "drydock db update" fetched, and looks for newer
ones in their folder; a folder is used in its place; a URL is a mirror of the upstreams
from which they are fetched every hour.

--policy names a file with the policies that images are held to and graded by; "drydock
check --policy" judges by the same file.`,
		Example: `  drydock serve
  drydock serve --open --listen 127.0.0.1:9000
  drydock serve --db postgres://drydock@db.example/drydock --role worker
  drydock serve --db postgres://drydock@db.example/drydock --nats nats://nats.example:4222 --role worker
  drydock serve --listen 0.0.0.0:8443 --tls-cert cert.pem --tls-key key.pem --host watch.example`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if policies != "" {
				p, err := f.readPolicy(policies)
				if err != nil {
					return err
				}
				o.Policies = p.Policies
			}
			return f.serve(cmd.Context(), o, role, feeds, open)
		},
	}
	c.AddCommand(newServeBackup(f), newServeRestore(f))
	s := c.Flags()
	s.StringVar(&o.Data, "data", "", "keep the state and the token in `DIR` (default server in the folder of the database)")
	s.StringVar(&o.DB, "db", "", "keep the state in PostgreSQL at `URL` (postgres://user@host/name)")
	s.StringVar(&o.NATS, "nats", "", "bring tasks to workers by the JetStream of NATS at `URL` (nats://host:4222, several by commas)")
	s.StringVar(&o.Listen, "listen", "127.0.0.1:8480", "answer at `ADDRESS`:PORT")
	s.StringVar(&o.Socket, "socket", "", "answer at the Unix socket `FILE`, too; only its owner may open it")
	s.StringVar(&feeds, "feeds", "off", "where advisories come from: off, `DIR` or URL of a mirror")
	s.StringVar(&policies, "policy", "", "hold images to the policies in `FILE`, in place of the built-in ones (docs/gate.md)")
	s.StringVar(&role, "role", "all", "`ROLE` of this process: all, web or worker")
	s.StringVar(&o.Cert, "tls-cert", "", "certificate `FILE`; needed beyond loopback")
	s.StringVar(&o.Key, "tls-key", "", "`FILE` of the certificate's key")
	s.StringSliceVar(&o.Hosts, "host", nil, "`NAMES` that the service answers to beside its address")
	s.StringSliceVar(&o.Registries, "registry", nil, "`HOSTS` of registries that images are pulled from when these tell of a push: registry.example:5000")
	s.StringSliceVar(&o.Webhooks.Allowed, "webhook-host", nil, "`HOSTS` of webhooks that may be this machine's, or without TLS (name or name:port)")
	s.BoolVar(&open, "open", false, "print a link that lets a browser change things, once")
	return c
}

func (f *flags) serve(ctx context.Context, o server.Options, role, feeds string, open bool) error {
	if o.Data == "" {
		if o.Data = f.serverDir(); o.Data == "" {
			return errNowhere("the service's state")
		}
	}
	if err := registryHosts(o.Registries); err != nil {
		return err
	}
	u, every, err := f.feeds(feeds)
	if err != nil {
		return err
	}
	o.Updater, o.Every, o.Role, o.Now, o.Version = u, every, server.Role(role), f.env.Now, f.env.Version
	o.User = disk.Caller(f.env.Getenv)
	o.Webhooks.Client, o.Webhooks.Own = f.webhookClients()
	if o.Pull, err = f.puller(); err != nil {
		return err
	}
	if o.Recommend, err = f.recommender(); err != nil {
		return err
	}
	level := slog.LevelInfo
	if f.debug {
		level = slog.LevelDebug
	}
	o.Log = slog.New(slog.NewTextHandler(f.env.Stderr, &slog.HandlerOptions{Level: level}))
	o.Ready = func(address, link string) {
		if address == "" {
			fmt.Fprintln(f.env.Stdout, "doing tasks")
			return
		}
		fmt.Fprintf(f.env.Stdout, "serving at %s\nthe token for changes is in %s\n", address, filepath.Join(o.Data, "token"))
		if open {
			fmt.Fprintf(f.env.Stdout, "open %s\n", link)
		}
	}
	return server.Run(ctx, o)
}

// serverDir is where a service on this machine keeps its state.
func (f *flags) serverDir() string {
	if f.database() == "" {
		return ""
	}
	return filepath.Join(f.database(), "server")
}

// feeds is where a service has its advisories from.
func (f *flags) feeds(where string) (*feed.Updater, time.Duration, error) {
	u := &feed.Updater{
		Dir: f.database(), User: disk.Caller(f.env.Getenv), Now: f.env.Now, Client: feed.Outgoing(f.outgoing()),
		UserAgent: "drydock/" + f.env.Version, Log: f.logger(),
	}
	at, err := url.Parse(where)
	switch {
	case where == "off" || where == "":
		return u, 0, nil
	case err == nil && (at.Scheme == "http" || at.Scheme == "https"):
		if f.offline {
			return nil, 0, usageError{errors.New("--feeds URL needs the network, and --offline or DRYDOCK_OFFLINE forbids it"), "--feeds off"}
		}
		if u.Dir == "" {
			return nil, 0, errNowhere("advisories")
		}
		u.Bases = feed.Mirror(where)
		return u, fetchEvery, nil
	}
	u.Dir = cmp.Or(where, u.Dir)
	return u, 0, nil
}
