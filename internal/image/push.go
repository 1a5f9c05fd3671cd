package image

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	apiregistry "github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/client"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// pushed is how an Engine with containerd's store says the digest of a push: it has
// no field for it.
var pushed = lazyregexp.New(`: digest: (sha256:[0-9a-f]{64}) size: [0-9]+$`)

// Push has the Docker Engine push a tagged image with the user's credentials, and
// gives the digest that the registry then has: that of this push, whoever moves
// the tag afterwards.
func Push(ctx context.Context, ref string, opt Options) (finding.Digest, error) {
	n, err := ParseName(ref)
	if err != nil {
		return "", err
	}
	repo, err := repositoryOf(n.Repository, opt)
	if err != nil {
		return "", err
	}
	auth, err := pushAuth(ctx, repo.RegistryStr(), func() (authn.Authenticator, error) { return credentials(ctx, repo, opt) })
	if err != nil {
		return "", err
	}
	cli, err := DialEngine(opt)
	if err != nil {
		return "", err
	}
	defer cli.Close() //nolint:errcheck // nothing is left to say
	resp, err := cli.ImagePush(ctx, ref, client.ImagePushOptions{RegistryAuth: auth})
	if err != nil {
		return "", engineError(err, ref, opt)
	}
	var digest finding.Digest
	for m, err := range resp.JSONMessages(ctx) {
		switch {
		case err != nil:
			return "", fmt.Errorf("push %s: %w", printable(ref), err)
		case m.Error != nil:
			return "", hint(fmt.Errorf("push %s: %s", printable(ref), printable(m.Error.Message)),
				"docker push "+ref+" must work first; see docker login"+login(repo.RegistryStr()))
		case m.Aux != nil:
			var aux struct{ Digest string }
			if json.Unmarshal(*m.Aux, &aux) == nil && aux.Digest != "" {
				if digest, err = digestOf(aux.Digest); err != nil {
					return "", err
				}
			}
		case pushed.MatchString(m.Status):
			if digest, err = digestOf(pushed.FindStringSubmatch(m.Status)[1]); err != nil {
				return "", err
			}
		case opt.Progress != nil && m.Progress != nil:
			opt.Progress(m.Progress.Current, m.Progress.Total, "push "+m.ID)
		}
	}
	if digest == "" {
		return "", errors.New("the Engine does not say under which digest it pushed " + printable(ref))
	}
	return digest, nil
}

// pushAuth is the user's credentials as the Engine takes them.
func pushAuth(ctx context.Context, server string, of func() (authn.Authenticator, error)) (string, error) {
	a, err := of()
	if err != nil {
		return "", fmt.Errorf("credentials for %s: %w", server, err)
	}
	c, err := authn.Authorization(ctx, a)
	if err != nil {
		return "", fmt.Errorf("credentials for %s: %w", server, err)
	}
	b, err := json.Marshal(apiregistry.AuthConfig{
		Username: c.Username, Password: c.Password, Auth: c.Auth, ServerAddress: server,
		IdentityToken: c.IdentityToken, RegistryToken: c.RegistryToken,
	})
	if err != nil {
		return "", err
	}
	return base64.URLEncoding.EncodeToString(b), nil
}
