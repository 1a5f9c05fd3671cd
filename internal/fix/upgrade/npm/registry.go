package npm

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// NewRegistry asks the npm registry at the address, or at npm_config_registry's, or the
// public one.
func NewRegistry(h plan.HTTP) plan.Registry {
	base := cmp.Or(h.Base, os.Getenv("npm_config_registry"), os.Getenv("NPM_CONFIG_REGISTRY"), PublicRegistry)
	return &registry{base: strings.TrimRight(base, "/") + "/", http: h, seen: map[string]map[string]plan.Manifest{}}
}

// PublicRegistry is the address of npm's own.
const PublicRegistry = "https://registry.npmjs.org/"

// registry keeps what it was told; it serves one Plan at a time.
type registry struct {
	base string
	http plan.HTTP
	seen map[string]map[string]plan.Manifest
}

func (r *registry) Serves(resolved string) bool {
	// The public registry's address in a lock means whatever registry is
	// configured: npm replaces its host.
	for _, base := range []string{r.base, PublicRegistry, "https://registry.yarnpkg.com/", "http://registry.npmjs.org/"} {
		if strings.HasPrefix(resolved, base) {
			return true
		}
	}
	return false
}

func (r *registry) Versions(ctx context.Context, name string) (map[string]plan.Manifest, error) {
	if v, ok := r.seen[name]; ok {
		return v, nil
	}
	if !npmNameOK(name) {
		return nil, fmt.Errorf("%.80q is no name of a package", name)
	}
	body, err := r.http.Get(ctx, r.base+strings.Replace(name, "/", "%2f", 1), "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8")
	if err != nil {
		return nil, err
	}
	all, err := ParsePackument(body)
	if err != nil {
		return nil, fmt.Errorf("what the registry says of %s: %w", name, err)
	}
	r.seen[name] = all
	return all, nil
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

// ParsePackument reads a registry's answer. A version that cannot be read is
// left out: there are millions, and the odd one has a field of another kind.
func ParsePackument(body []byte) (map[string]plan.Manifest, error) {
	var doc struct {
		Versions map[string]json.RawMessage `json:"versions"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return nil, err
	}
	if len(doc.Versions) == 0 {
		return nil, errors.New("it names no version")
	}
	all := make(map[string]plan.Manifest, len(doc.Versions))
	for v, raw := range doc.Versions {
		var w wireManifest
		if json.Unmarshal(raw, &w) != nil || !plan.Plausible(v) {
			continue
		}
		if m, ok := w.manifest(); ok {
			all[v] = m
		}
	}
	return all, nil
}

func (w *wireManifest) manifest() (plan.Manifest, bool) {
	m := plan.Manifest{
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
