package upgrade

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/drydock-dev/drydock/internal/egress"
)

// Registry says what an npm registry knows of a package.
type Registry interface {
	// Versions returns every version of a package by its number. A package
	// that the registry does not have is an error.
	Versions(ctx context.Context, name string) (map[string]Manifest, error)
	// Serves reports whether the registry is where a lock's "resolved" address
	// points: a package of another registry may share its name and nothing else.
	Serves(resolved string) bool
}

// Manifest is what a lock file holds of a version.
type Manifest struct {
	Tarball, Integrity   string // address; "sha512-…", or "sha1-…" for the old ones
	Dependencies         map[string]string
	OptionalDependencies map[string]string
	PeerDependencies     map[string]string
	PeerDependenciesMeta map[string]struct {
		Optional bool `json:"optional,omitempty"`
	}
	Bin, Engines, OS, CPU, Libc, License, Funding, Deprecated json.RawMessage
	InstallScript, Bundles                                    bool // has a script that runs; carries dependencies in itself
}

// HTTP says how to ask over the network. Its zero value is npm's default.
type HTTP struct {
	Base   string       // the registry's or proxy's address; "": from the environment, else the public one
	Client *http.Client // nil: one of its own: see [egress]
	Limit  int64        // bytes of one answer; 0: 64 MB
}

// NPM asks the npm registry at the address, or at npm_config_registry's, or the
// public one.
func NPM(h HTTP) Registry {
	base := cmp.Or(h.Base, os.Getenv("npm_config_registry"), os.Getenv("NPM_CONFIG_REGISTRY"), publicRegistry)
	return &npmHTTP{base: strings.TrimRight(base, "/") + "/", http: h, seen: map[string]map[string]Manifest{}}
}

const publicRegistry = "https://registry.npmjs.org/"

// npmHTTP keeps what it was told; it serves one Plan at a time.
type npmHTTP struct {
	base string
	http HTTP
	seen map[string]map[string]Manifest
}

func (r *npmHTTP) Serves(resolved string) bool {
	// The public registry's address in a lock means whatever registry is
	// configured: npm replaces its host.
	for _, base := range []string{r.base, publicRegistry, "https://registry.yarnpkg.com/", "http://registry.npmjs.org/"} {
		if strings.HasPrefix(resolved, base) {
			return true
		}
	}
	return false
}

func (r *npmHTTP) Versions(ctx context.Context, name string) (map[string]Manifest, error) {
	if v, ok := r.seen[name]; ok {
		return v, nil
	}
	if !npmNameOK(name) {
		return nil, fmt.Errorf("%.80q is no name of a package", name)
	}
	body, err := r.http.get(ctx, r.base+strings.Replace(name, "/", "%2f", 1), "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8")
	if err != nil {
		return nil, err
	}
	all, err := parsePackument(body)
	if err != nil {
		return nil, fmt.Errorf("what the registry says of %s: %w", name, err)
	}
	r.seen[name] = all
	return all, nil
}

// get reads one answer.
func (h HTTP) get(ctx context.Context, address, accept string) ([]byte, error) {
	client := h.Client
	if client == nil {
		client = egress.New(egress.Options{Own: true}).Client()
	}
	limit := cmp.Or(h.Limit, 64<<20)
	ctx = egress.With(ctx, egress.Ask{What: redacted(address), Max: limit})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, plainURL(err)
	}
	defer res.Body.Close() //nolint:errcheck // read only
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", req.URL.Redacted(), res.Status)
	}
	return io.ReadAll(res.Body)
}

func redacted(address string) string {
	if u, err := url.Parse(address); err == nil {
		return u.Redacted()
	}
	return "its answer"
}

// plainURL takes credentials out of an error's address.
func plainURL(err error) error {
	var u *url.Error
	if own := egress.Cause(err); own != err { //nolint:errorlint // the very same
		return own
	}
	if errors.As(err, &u) {
		if parsed, e := url.Parse(u.URL); e == nil {
			return fmt.Errorf("ask %s: %w", parsed.Redacted(), u.Err)
		}
		return u.Err
	}
	return err
}

// npmNameOK reports whether a name can be asked for.
func npmNameOK(name string) bool {
	scope, rest, scoped := strings.Cut(name, "/")
	if name == "" || len(name) > 214 || strings.ContainsAny(name, "%?#\\ \t\r\n\"<>^`{|}") || name[0] == '.' {
		return false
	}
	if scoped {
		return len(scope) > 1 && scope[0] == '@' && rest != "" && rest[0] != '.' && !strings.Contains(rest, "/")
	}
	return name[0] != '@'
}

// wireManifest is a version in a registry's answer.
type wireManifest struct {
	Dependencies         deps `json:"dependencies"`
	OptionalDependencies deps `json:"optionalDependencies"`
	PeerDependencies     deps `json:"peerDependencies"`
	PeerDependenciesMeta map[string]struct {
		Optional bool `json:"optional,omitempty"`
	} `json:"peerDependenciesMeta"`
	Bin              json.RawMessage `json:"bin"`
	Engines          json.RawMessage `json:"engines"`
	OS               json.RawMessage `json:"os"`
	CPU              json.RawMessage `json:"cpu"`
	Libc             json.RawMessage `json:"libc"`
	License          json.RawMessage `json:"license"`
	Funding          json.RawMessage `json:"funding"`
	Deprecated       json.RawMessage `json:"deprecated"`
	HasInstallScript bool            `json:"hasInstallScript"`
	HasShrinkwrap    bool            `json:"_hasShrinkwrap"`
	Scripts          json.RawMessage `json:"scripts"`
	Bundled          json.RawMessage `json:"bundleDependencies"`
	BundledOld       json.RawMessage `json:"bundledDependencies"`
	Dist             struct {
		Tarball   string `json:"tarball"`
		Integrity string `json:"integrity"`
		Shasum    string `json:"shasum"`
	} `json:"dist"`
}

// deps is a map of ranges; old packages have other things in its place, which
// npm passes over.
type deps map[string]string

func (d *deps) UnmarshalJSON(b []byte) error {
	var any map[string]json.RawMessage
	if json.Unmarshal(b, &any) != nil {
		return nil
	}
	*d = make(deps, len(any))
	for k, v := range any {
		var s string
		if json.Unmarshal(v, &s) == nil {
			(*d)[k] = s
		}
	}
	return nil
}

// parsePackument reads a registry's answer. A version that cannot be read is
// left out: there are millions, and the odd one has a field of another kind.
func parsePackument(body []byte) (map[string]Manifest, error) {
	var doc struct {
		Versions map[string]json.RawMessage `json:"versions"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return nil, err
	}
	if len(doc.Versions) == 0 {
		return nil, errors.New("it names no version")
	}
	all := make(map[string]Manifest, len(doc.Versions))
	for v, raw := range doc.Versions {
		var w wireManifest
		if json.Unmarshal(raw, &w) != nil || !plausible(v) {
			continue
		}
		if m, ok := w.manifest(); ok {
			all[v] = m
		}
	}
	return all, nil
}

func (w *wireManifest) manifest() (Manifest, bool) {
	m := Manifest{
		Tarball: w.Dist.Tarball, Integrity: w.Dist.Integrity,
		Dependencies: w.Dependencies, OptionalDependencies: w.OptionalDependencies,
		PeerDependencies: w.PeerDependencies, PeerDependenciesMeta: w.PeerDependenciesMeta,
		Bin: w.Bin, Engines: w.Engines, OS: w.OS, CPU: w.CPU, Libc: w.Libc,
		License: w.License, Funding: w.Funding, Deprecated: w.Deprecated,
		InstallScript: w.HasInstallScript, Bundles: present(w.Bundled) || present(w.BundledOld) || w.HasShrinkwrap,
	}
	if m.Integrity == "" {
		sum, err := hex.DecodeString(w.Dist.Shasum)
		if err != nil || len(sum) != 20 {
			return m, false
		}
		m.Integrity = "sha1-" + base64.StdEncoding.EncodeToString(sum)
	}
	if !m.InstallScript {
		var scripts map[string]json.RawMessage
		if json.Unmarshal(w.Scripts, &scripts) == nil {
			for _, s := range []string{"preinstall", "install", "postinstall"} {
				m.InstallScript = m.InstallScript || present(scripts[s])
			}
		}
	}
	// What is optional is so for npm even where it is listed as needed too.
	if len(m.OptionalDependencies) > 0 && len(m.Dependencies) > 0 {
		need := make(map[string]string, len(m.Dependencies))
		for k, v := range m.Dependencies {
			if _, optional := m.OptionalDependencies[k]; !optional {
				need[k] = v
			}
		}
		m.Dependencies = need
	}
	return m, strings.HasPrefix(m.Tarball, "http") && !strings.ContainsAny(m.Tarball+m.Integrity, "\"\\\r\n ")
}

// present reports whether a member was there and holds something.
func present(raw json.RawMessage) bool {
	switch s := string(bytes.TrimSpace(raw)); s {
	case "", "null", "false", `""`, "[]", "{}":
		return false
	}
	return true
}
