package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/egress"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/notary"
)

// byConvention is --notary without a value: the server that docker would ask.
const byConvention = "default"

// notaryFlag lets a verb speak to a Notary v1 server.
func (t *trustFlags) notaryFlag(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&t.notary, "notary", "",
		"use the Notary v1 server at `URL` (without one: the one that docker trust would) instead of the registry")
	c.Flags().Lookup("notary").NoOptDefVal = byConvention
	return c
}

// notaryOf is the Notary v1 server that is meant, if one is: by --notary, or by
// DOCKER_CONTENT_TRUST_SERVER for a repository whose root is not pinned here. One
// that is pinned is never held to the older form alone.
func (t *trustFlags) notaryOf(n image.Name) (*url.URL, error) {
	server := t.notary
	if server == "" {
		if server = t.env.Getenv("DOCKER_CONTENT_TRUST_SERVER"); server == "" {
			return nil, nil
		}
		if pinned, err := t.isPinned(n); pinned || err != nil {
			return nil, err
		}
	}
	if server == byConvention {
		server = t.env.Getenv("DOCKER_CONTENT_TRUST_SERVER")
	}
	u, err := notary.ServerOf(server, n.Registry)
	if err != nil {
		return nil, usageError{err, ""}
	}
	return u, nil
}

func (t *trustFlags) isPinned(n image.Name) (bool, error) {
	pins, err := t.pins()
	if err != nil {
		return false, err
	}
	pin, err := pins.Load(n.Repository)
	return pin != nil, err
}

// dockerTrust is Docker's trust directory.
func (t *trustFlags) dockerTrust() (notary.Folder, error) {
	dir := dockerConfig(t.env)
	if dir == "" {
		return notary.Folder{}, usageError{errors.New("no folder for what docker trusts: HOME is not set"), "set HOME or DOCKER_CONFIG"}
	}
	t.words.env = t.env
	return notary.Folder{Dir: filepath.Join(dir, "trust"), User: disk.Caller(t.env.Getenv), Passphrase: t.words.askDocker}, nil
}

// notarized is a session with a Notary v1 server about one repository.
type notarized struct {
	*notary.Client
	web    *notary.Web // nil: it is not reached
	folder notary.Folder
	close  func()
}

func (t *trustFlags) notarize(ctx context.Context, server *url.URL, n image.Name, write bool) (*notarized, error) {
	folder, err := t.dockerTrust()
	if err != nil {
		return nil, err
	}
	state, err := folder.Load(n.Repository)
	if err != nil {
		return nil, err
	}
	ca, err := image.Certificates(filepath.Join(dockerConfig(t.env), "tls", server.Host))
	if err != nil {
		return nil, err
	}
	s := &notarized{folder: folder, close: func() {}}
	s.Client = &notary.Client{GUN: n.Repository, State: state, Now: t.env.Now(), FirstUse: func(keys []trust.Key) { t.firstKeys(n.Repository, keys) }}
	client, err := image.ConnectNotary(ctx, server, n.Repository, write, ca, t.images())
	switch {
	case err == nil:
		s.web = &notary.Web{Server: server, GUN: n.Repository, Client: client}
		s.Source, s.close = s.web, client.CloseIdleConnections
	case write || state[trust.Root] == nil || errors.As(err, new(*egress.OfflineError)) && !t.offline:
		return nil, notReached(server, err)
	}
	s.Stale = func(cause error) {
		t.warn(fmt.Sprintf("the Notary server %s is not reached: what it said last is used until it expires", server.Host), errors.Join(err, cause))
	}
	return s, nil
}

// firstKeys says aloud that a root is trusted because nothing else was known.
func (t *trustFlags) firstKeys(repository string, keys []trust.Key) {
	fmt.Fprintf(t.env.Stderr, "first use: the Notary root of %s is trusted from now on\n", foreign(repository))
	for _, k := range keys {
		fmt.Fprintf(t.env.Stderr, "  root key %s\n", k.ID())
	}
}

// read updates what is trusted, and keeps it.
func (s *notarized) read(ctx context.Context) (*notary.Repository, error) {
	r, err := s.Update(ctx)
	if err != nil {
		return nil, err
	}
	return r, s.folder.Save(s.GUN, s.State)
}
