package image

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// hubKey is what Docker files the credentials of Docker Hub under.
const hubKey = "https://index.docker.io/v1/"

// authFile is the part of Docker's configuration, and of containers' auth.json,
// that says how to log in.
type authFile struct {
	Auths       map[string]authEntry `json:"auths"`
	CredsStore  string               `json:"credsStore"`
	CredHelpers map[string]string    `json:"credHelpers"`
}

type authEntry struct {
	Auth          string `json:"auth"` // base64 of "user:password"
	Username      string `json:"username"`
	Password      string `json:"password"`
	IdentityToken string `json:"identitytoken"`
	RegistryToken string `json:"registrytoken"`
}

// credentials are those that the user has for a repository: of DOCKER_AUTH_CONFIG,
// a credential helper, or a file of docker login or podman login.
func credentials(ctx context.Context, repo name.Repository, opt Options) (authn.Authenticator, error) {
	keys := []string{repo.String(), repo.RegistryStr()}
	if repo.RegistryStr() == name.DefaultRegistry {
		keys = []string{repo.String(), hubKey}
	}
	if text := opt.getenv("DOCKER_AUTH_CONFIG"); text != "" {
		var f authFile
		if json.Unmarshal([]byte(text), &f) != nil {
			return nil, errors.New("DOCKER_AUTH_CONFIG is not JSON") // without a word of what it holds
		}
		for _, key := range keys {
			if a, err := f.entry(key); a != nil || err != nil {
				return a, err
			}
		}
	}
	f, err := readAuthFile(opt.getenv)
	if err != nil || f == nil {
		return authn.Anonymous, err
	}
	for _, key := range keys {
		helper, own := f.CredHelpers[key]
		if !own {
			helper = f.CredsStore
		}
		var a authn.Authenticator
		if helper != "" {
			a, err = opt.helper(helper).get(ctx, key)
		} else {
			a, err = f.entry(key)
		}
		if a != nil || err != nil {
			return a, err
		}
	}
	return authn.Anonymous, nil
}

// readAuthFile finds the file as Docker does, else as podman does. Nil: there is none.
func readAuthFile(getenv func(string) string) (*authFile, error) {
	var files []string
	if dir := dockerConfig(getenv); dir != "" {
		files = append(files, filepath.Join(dir, "config.json"))
	}
	if p := getenv("REGISTRY_AUTH_FILE"); p != "" {
		files = append(files, p)
	}
	if d := getenv("XDG_RUNTIME_DIR"); d != "" {
		files = append(files, filepath.Join(d, "containers", "auth.json"))
	}
	if d := getenv("XDG_CONFIG_HOME"); d != "" {
		files = append(files, filepath.Join(d, "containers", "auth.json"))
	} else if h := getenv("HOME"); h != "" {
		files = append(files, filepath.Join(h, ".config", "containers", "auth.json"))
	}
	for _, p := range files {
		if st, err := os.Stat(p); err != nil || st.IsDir() {
			continue
		}
		f := &authFile{}
		err := readJSON(p, f)
		var path *fs.PathError
		switch {
		case err == nil:
			return f, nil
		case errors.As(err, &path):
			return nil, err
		}
		return nil, fmt.Errorf("%s is not JSON", p) // without a word of what it holds
	}
	return nil, nil
}

// entry finds what the file itself holds for a key; nil: nothing.
func (f *authFile) entry(key string) (authn.Authenticator, error) {
	e, ok := f.Auths[key]
	for _, k := range slices.Sorted(maps.Keys(f.Auths)) {
		if !ok && files(k, key) {
			e, ok = f.Auths[k], true
		}
	}
	c := authn.AuthConfig{Username: e.Username, Password: e.Password, IdentityToken: e.IdentityToken, RegistryToken: e.RegistryToken}
	if e.Auth != "" {
		b, err := base64.StdEncoding.DecodeString(e.Auth)
		user, password, whole := strings.Cut(string(bytes.TrimRight(b, "\x00")), ":")
		if err != nil || !whole {
			return nil, fmt.Errorf("the credentials for %s are not base64 of USER:PASSWORD", printable(key))
		}
		c.Username, c.Password = user, password
	}
	if c == (authn.AuthConfig{}) {
		return nil, nil
	}
	return authn.FromConfig(c), nil
}

// files reports whether a name of the file stands for a key: old configurations
// write a registry as a URL, and podman calls Docker Hub by its name.
func files(written, key string) bool {
	host := registryOf(written)
	if key == hubKey {
		return host == name.DefaultRegistry || host == "docker.io"
	}
	return host == key
}

// registryOf is the host of a key, which old configurations write as a URL.
func registryOf(key string) string {
	if _, rest, ok := strings.Cut(key, "://"); ok {
		host, _, _ := strings.Cut(rest, "/")
		return host
	}
	return key
}
