package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/moby/moby/api/types/system"
	"github.com/moby/moby/client"
	"github.com/moby/moby/client/pkg/versions"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/ledger"
)

// Options says how the Engine is found. The zero value is the process's own
// surroundings.
type Options struct {
	Docker string              // the program that builds; empty: DRYDOCK_DOCKER, else "docker"
	Getenv func(string) string // nil: the process's
	Ledger *ledger.Ledger      // of what is made there; nil: nothing can be made
}

func (o Options) getenv(name string) string {
	if o.Getenv == nil {
		return os.Getenv(name)
	}
	return o.Getenv(name)
}

// Engine is a Docker Engine that answered. It may be used from several
// goroutines.
type Engine struct {
	Version string // "20.10.24"
	API     string // the newest version of the API that it speaks: "1.41"
	// Components are the programs that it is made of, as far as it says.
	Components []Component

	docker string
	opt    Options
	api    *client.Client
	podman bool // it gives itself another id at every question

	mu       sync.Mutex
	builds   []string       // the command that builds, once it is known
	identity string         // as the ledger names it; empty: not asked yet
	cpus     int            // that it has
	arch     string         // of its machine, as Go has it
	rootless bool           // it runs as a user
	noSize   bool           // it cannot limit what a container writes
	made     []*ledger.Mark // through this value
	folders  []*ledger.Temp // of this machine, for it
}

// Component is a program of an Engine.
type Component struct {
	Name    string // "Engine", "containerd", "runc"
	Version string
	Commit  string // what it was built from, or a distribution's version
	Module  string // of Go, "github.com/moby/moby/v2@v2.0.0-beta.24"; empty: it does not say
}

// Dial finds the Engine as the docker program does and asks it who it is. The
// caller closes it.
func Dial(ctx context.Context, opt Options) (*Engine, error) {
	api, err := image.DialEngine(image.Options{Getenv: opt.Getenv})
	if err != nil {
		return nil, err
	}
	v, err := api.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		if ctx.Err() == nil {
			hint := "start Docker, or set DOCKER_HOST"
			if strings.Contains(err.Error(), "permission denied") { // the client keeps no more of it
				hint = "your user may not ask this Engine: run as root (sudo), or join the group of its socket (docker)"
			}
			err = finding.WithHint(fmt.Errorf("docker engine: %w", err), hint)
		}
		return nil, errors.Join(err, api.Close())
	}
	e := &Engine{Version: v.Version, API: v.APIVersion, docker: opt.Docker, opt: opt, api: api}
	e.podman = slices.ContainsFunc(v.Components, func(c system.ComponentVersion) bool { return strings.HasPrefix(c.Name, "Podman") })
	for _, c := range v.Components {
		k := Component{Name: c.Name, Version: c.Version, Commit: c.Details["GitCommit"]}
		if m, v := c.Details["Module"], c.Details["ModuleVersion"]; m != "" && v != "" {
			k.Module = m + "@" + v
		}
		e.Components = append(e.Components, k)
	}
	for _, d := range []string{opt.getenv("DRYDOCK_DOCKER"), "docker"} {
		if e.docker == "" {
			e.docker = d
		}
	}
	return e, nil
}

// Name is its version, with the name of an Engine that is not Docker's: "20.10.24",
// "Podman 4.3.1".
func (e *Engine) Name() string {
	if e.podman {
		return "Podman " + e.Version
	}
	return e.Version
}

// Close ends the connection.
func (e *Engine) Close() error { return e.api.Close() }

// identify asks the Engine who it is, once.
func (e *Engine) identify(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.identity != "" {
		return nil
	}
	got, err := e.api.Info(ctx, client.InfoOptions{})
	if err != nil {
		return fmt.Errorf("docker engine: %w", err)
	}
	e.cpus, e.identity = got.Info.NCPU, got.Info.ID
	e.arch = map[string]string{"x86_64": "amd64", "aarch64": "arm64", "amd64": "amd64", "arm64": "arm64"}[got.Info.Architecture]
	e.rootless = slices.ContainsFunc(got.Info.SecurityOptions, func(o string) bool { return strings.Contains(o, "rootless") })
	if e.identity == "" || e.podman {
		e.identity = e.api.DaemonHost()
	}
	return nil
}

// Architecture is that of the Engine's machine, as Go has it; empty: not known, or not
// asked yet ([Engine.Ready]).
func (e *Engine) Architecture() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.arch
}

// Rootless reports whether the Engine runs as a user who is not the superuser.
func (e *Engine) Rootless() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.rootless
}

// processors is how many the Engine has; 0: not known.
func (e *Engine) processors() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.cpus
}

// Local reports whether the Engine publishes ports on this machine.
func (e *Engine) Local() bool {
	host := e.api.DaemonHost()
	for _, p := range []string{"unix://", "npipe://", "tcp://127.", "tcp://localhost", "http://127.", "http://localhost", "https://127.", "https://localhost"} {
		if strings.HasPrefix(host, p) {
			return true
		}
	}
	return false
}

// buildsHeredocs reports whether the Engine's own builder knows here-documents:
// that of Engine 23, whose API is 1.42, does. Versions are no measure: Moby,
// Podman and other builds of the Engine count otherwise. What is not known may: what it
// refuses, it says.
func (e *Engine) buildsHeredocs() bool {
	return e.API == "" || !versions.LessThan(e.API, "1.42")
}

// environment is what the docker program is run in: the process's, with what
// the caller says of Docker on top.
func (e *Engine) environment() []string {
	env := os.Environ()
	for _, name := range []string{
		"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION",
		"BUILDX_BUILDER", "BUILDX_CONFIG", "HOME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
	} {
		if v := e.opt.getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return append(env, "DOCKER_BUILDKIT=1", "BUILDX_NO_DEFAULT_ATTESTATIONS=1", "DOCKER_CLI_HINTS=false", "BUILDKIT_PROGRESS=plain", "NO_COLOR=1")
}
