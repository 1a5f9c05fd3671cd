package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/trust/notary"
)

func newTrustServe(t *trustFlags) *cobra.Command {
	var listen, dir string
	var hosts []string
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve Notary v1, for those who still sign with docker trust",
		Long: `Run a Notary v1 server, which "docker trust" of Docker CLI 28 and before signs
with, and which "docker pull" with DOCKER_CONTENT_TRUST=1 asks. It takes only what
verifies against what it has, and signs snapshots and timestamps itself.

It speaks HTTPS with a certificate authority of its own, which it makes at the first
start; the lines that clients need are printed. Whoever reaches it may begin a
repository, and only who has its keys changes one; once "trust serve user add" names
somebody, only users write at all, after a login.`,
		Example: `  drydock trust serve --listen 0.0.0.0:4443 --host trust.example.com
  drydock trust serve user add me`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			at, err := t.serverFolder(dir)
			if err != nil {
				return err
			}
			return t.serve(cmd.Context(), listen, at, hosts)
		},
	}
	c.AddCommand(newTrustServeUser(t, &dir))
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:4443", "listen at `ADDRESS`")
	c.PersistentFlags().StringVar(&dir, "dir", "", "keep everything in `DIR` (default: in the data folder, under trust/server)")
	c.Flags().StringArrayVar(&hosts, "host", nil, "a `NAME` or address that clients call it by; several times for several")
	return c
}

// serverFolder is where a server keeps what it has.
func (t *trustFlags) serverFolder(dir string) (string, error) {
	if dir != "" {
		return dir, nil
	}
	if t.database() == "" {
		return "", errNowhere("what is served")
	}
	return filepath.Join(t.database(), "trust", "server"), nil
}

func (t *trustFlags) serve(ctx context.Context, listen, dir string, hosts []string) error {
	user := disk.Caller(t.env.Getenv)
	ca, err := notary.OpenAuthority(dir, user, t.env.Now())
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return usageError{err, "--listen ADDRESS:PORT takes another"}
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return err
	}
	if host, _, err := net.SplitHostPort(listen); err == nil && host != "" {
		if ip := net.ParseIP(host); ip == nil || !ip.IsUnspecified() {
			hosts = append(hosts, host)
		}
	}
	hosts = append(hosts, "localhost", "127.0.0.1")
	_, login, err := notary.OpenUsers(dir, user).Names()
	if err != nil {
		return errors.Join(err, l.Close())
	}
	log := slog.New(slog.NewTextHandler(t.env.Stderr, nil))
	s := notary.NewServer(dir, user, log)
	s.Now = t.env.Now
	web := &http.Server{
		Handler: s, TLSConfig: ca.TLS(hosts, t.env.Now), ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 2 * time.Minute, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
	}
	t.sayHow(ca, net.JoinHostPort(hosts[0], port), login)
	done := make(chan error, 1)
	go func() { done <- web.ServeTLS(l, "", "") }()
	select {
	case err = <-done:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err = web.Shutdown(end)
	if served := <-done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// sayHow prints what is typed on a client's machine.
func (t *trustFlags) sayHow(ca *notary.Authority, at string, login bool) {
	made := "its authority is"
	if ca.Fresh {
		made = "a certificate authority was made:"
	}
	fmt.Fprintf(t.env.Stdout, `serving Notary v1 at https://%[1]s (%[2]s %[3]s)
where images are signed and pulled:
  mkdir -p ~/.docker/tls/%[1]s
  cp %[3]s ~/.docker/tls/%[1]s/ca.crt
  export DOCKER_CONTENT_TRUST=1 DOCKER_CONTENT_TRUST_SERVER=https://%[1]s
`, at, made, ca.File)
	who := "whoever reaches it may begin a repository: drydock trust serve user add NAME asks for a login"
	if login {
		who = "its users alone write: docker login REGISTRY, with the name and password of a user of this server"
	}
	fmt.Fprintln(t.env.Stdout, who)
}
