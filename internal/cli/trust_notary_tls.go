package cli

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"

	"github.com/drydock-dev/drydock/internal/finding"
)

// notReached says why a server was not, and where its authority belongs.
func notReached(server *url.URL, err error) error {
	out := fmt.Errorf("the Notary server %s: %w", server.Host, err)
	if errors.As(err, new(x509.UnknownAuthorityError)) {
		return finding.WithHint(out, "put its certificate authority into ~/.docker/tls/"+server.Host+"/ca.crt")
	}
	return out
}
