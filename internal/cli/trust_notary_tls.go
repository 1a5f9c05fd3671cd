package cli

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/drydock-dev/drydock/internal/finding"
)

// authorities are those that vouch for a server: the system's, and those in Docker's
// folder for it.
func authorities(dir string) (*tls.Config, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.crt"))
	if err != nil || len(files) == 0 {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		if !pool.AppendCertsFromPEM(b) {
			return nil, fmt.Errorf("%s holds no certificate", f)
		}
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// notReached says why a server was not, and where its authority belongs.
func notReached(server *url.URL, err error) error {
	out := fmt.Errorf("the Notary server %s: %w", server.Host, err)
	if errors.As(err, new(x509.UnknownAuthorityError)) {
		return finding.WithHint(out, "put its certificate authority into ~/.docker/tls/"+server.Host+"/ca.crt")
	}
	return out
}
