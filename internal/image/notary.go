package image

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/drydock-dev/drydock/internal/egress"
)

// ConnectNotary logs in at a Notary v1 server for what it has of a repository of
// images, with the user's credentials for the repository's registry, as docker
// does. authorities are those that vouch for the server; nil: the system's.
func ConnectNotary(ctx context.Context, server *url.URL, repository string, write bool, authorities *tls.Config, opt Options) (*http.Client, error) {
	repo, err := repositoryOf(repository, opt)
	if err != nil {
		return nil, err
	}
	if opt.Offline {
		return nil, &egress.OfflineError{Host: server.Host}
	}
	at, err := name.NewRegistry(server.Host)
	if err != nil {
		return nil, err
	}
	auth, err := credentials(ctx, repo, opt)
	if err != nil {
		return nil, fmt.Errorf("credentials for %s: %w", repo.RegistryStr(), err)
	}
	actions := "pull"
	if write {
		actions = "push,pull"
	}
	opt.Authorities = authorities
	base := &handshake{inner: &guarded{inner: outgoing(server.Host, opt), host: server.Host}, host: server.Host, path: repository}
	ctx = egress.With(ctx, egress.Ask{})
	rt, err := transport.NewWithContext(ctx, at, auth, base, []string{"repository:" + repository + ":" + actions})
	if err != nil {
		return nil, egress.Cause(base.reveal(err))
	}
	return egress.Client(rt), nil
}
