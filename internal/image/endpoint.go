package image

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/drydock-dev/drydock/internal/finding"
)

// engineEndpoint is where a Docker Engine listens. An empty host is the
// system's default socket.
type engineEndpoint struct {
	host  string
	certs string // folder of ca.pem, cert.pem and key.pem; empty: no TLS
}

// endpoint finds the Engine as the Docker CLI does: DOCKER_HOST, else the
// context that DOCKER_CONTEXT or the configuration names.
func endpoint(getenv func(string) string) (engineEndpoint, error) {
	if h := getenv("DOCKER_HOST"); h != "" {
		e := engineEndpoint{host: h}
		if getenv("DOCKER_TLS_VERIFY") != "" || getenv("DOCKER_CERT_PATH") != "" {
			if e.certs = getenv("DOCKER_CERT_PATH"); e.certs == "" {
				e.certs = dockerConfig(getenv)
			}
		}
		return e, nil
	}
	dir := dockerConfig(getenv)
	name := getenv("DOCKER_CONTEXT")
	if name == "" && dir != "" {
		var conf struct{ CurrentContext string }
		if err := readJSON(filepath.Join(dir, "config.json"), &conf); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return engineEndpoint{}, err
		}
		name = conf.CurrentContext
	}
	if name == "" || name == "default" {
		return engineEndpoint{}, nil
	}
	if dir == "" {
		return engineEndpoint{}, hint(fmt.Errorf("docker context %s: there is no Docker configuration", printable(name)), "set HOME or DOCKER_CONFIG")
	}
	// The CLI keeps a context in a folder named by the digest of its name.
	id := finding.DigestOf([]byte(name)).Hex()
	var meta struct {
		Endpoints map[string]struct{ Host string }
	}
	if err := readJSON(filepath.Join(dir, "contexts", "meta", id, "meta.json"), &meta); err != nil {
		return engineEndpoint{}, hint(fmt.Errorf("docker context %s: %w", printable(name), err), "see docker context ls")
	}
	e := engineEndpoint{host: meta.Endpoints["docker"].Host}
	certs := filepath.Join(dir, "contexts", "tls", id, "docker")
	if _, err := os.Stat(certs); err == nil {
		e.certs = certs
	}
	return e, nil
}

// dockerConfig is the folder of Docker's configuration; empty: none is known. A
// relative one would be whatever lies in the folder that the user stands in.
func dockerConfig(getenv func(string) string) string {
	if d := getenv("DOCKER_CONFIG"); d != "" {
		return d
	}
	home := getenv("HOME")
	if home == "" {
		home, _ = os.UserHomeDir()
	}
	if home == "" {
		return ""
	}
	return filepath.Join(home, ".docker")
}

func readJSON(name string, v any) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	b, err := readDocument(f, name)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
