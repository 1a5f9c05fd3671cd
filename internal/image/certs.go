package image

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	maxCertFiles = 64 // in a host's folder
	// maxCertFile limits the bytes of a certificate file of a registry.
	maxCertFile = 1 << 20
)

// Certificates reads Docker's folder of certificates for a host: NAME.crt are authorities
// that vouch for it beside the system's, and NAME.cert with NAME.key is shown to it. nil:
// the folder has none, or is not there.
func Certificates(dir string) (*tls.Config, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) && len(entries) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(entries) > maxCertFiles {
		return nil, fmt.Errorf("%s has more than %d files", dir, maxCertFiles)
	}
	var out *tls.Config
	config := func() *tls.Config {
		if out == nil {
			out = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		return out
	}
	for _, e := range entries {
		file := filepath.Join(dir, e.Name())
		switch filepath.Ext(file) {
		case ".crt":
			b, err := readCert(file)
			if err != nil {
				return nil, err
			}
			if config().RootCAs == nil {
				if out.RootCAs, err = x509.SystemCertPool(); err != nil {
					out.RootCAs = x509.NewCertPool()
				}
			}
			if !out.RootCAs.AppendCertsFromPEM(b) {
				return nil, fmt.Errorf("%s holds no certificate", file)
			}
		case ".cert":
			own, err := keyPair(file)
			if err != nil {
				return nil, err
			}
			config().Certificates = append(config().Certificates, own)
		}
	}
	return out, nil
}

func keyPair(file string) (tls.Certificate, error) {
	cert, err := readCert(file)
	if err != nil {
		return tls.Certificate{}, err
	}
	name := strings.TrimSuffix(file, ".cert") + ".key"
	key, err := readCert(name)
	if errors.Is(err, fs.ErrNotExist) {
		return tls.Certificate{}, fmt.Errorf("%s has no key beside it: %s", file, name)
	}
	if err != nil {
		return tls.Certificate{}, err
	}
	own, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return own, fmt.Errorf("%s: %w", file, err) // which says nothing of the key's bytes
	}
	return own, nil
}

func readCert(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxCertFile {
		return nil, fmt.Errorf("%s is no file of at most %d KiB", file, maxCertFile>>10)
	}
	return os.ReadFile(file)
}

// certificatesFor are those of a registry, where Docker looks for them: in /etc/docker, and
// in the user's folder for an Engine without root.
func (o Options) certificatesFor(host string) (*tls.Config, error) {
	dirs := []string{"/etc/docker/certs.d"}
	config := o.getenv("XDG_CONFIG_HOME")
	if home := o.getenv("HOME"); config == "" && home != "" {
		config = filepath.Join(home, ".config")
	}
	if config != "" {
		dirs = append([]string{filepath.Join(config, "docker", "certs.d")}, dirs...)
	}
	for _, dir := range dirs {
		c, err := Certificates(filepath.Join(dir, shortRegistry(host)))
		if c != nil || err != nil {
			return c, err
		}
	}
	return nil, nil
}
