package cli

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// outing is a program whose every connection is counted and refused.
type outing struct {
	dir string
	env map[string]string

	mu    sync.Mutex
	dials []string
}

// outside makes a folder of what verbs look at: a Dockerfile on bases that a
// registry has, and a lock file with something to raise.
func outside(t *testing.T, env map[string]string) *outing {
	t.Helper()
	o := &outing{dir: t.TempDir(), env: env}
	for name, text := range map[string]string{
		"Dockerfile":        "FROM nginx:1.20\nRUN apt-get update && apt-get install -y curl\n",
		"latest.Dockerfile": "FROM nginx\nCMD [\"nginx\"]\n",
		"compose.yaml":      "services:\n  db:\n    image: postgres:9.4\n",
		// What the catalogue has, and a name that may be private.
		"known/Dockerfile":   "FROM nginx:1.20\nCMD [\"nginx\"]\n",
		"known/compose.yaml": "services:\n  db: {image: 'nginx:1.20'}\n  own: {image: shop}\n",
		"package.json":       `{"name":"app","version":"1.0.0","dependencies":{"lodash":"4.17.20"}}`,
		"package-lock.json": `{
  "name": "app",
  "version": "1.0.0",
  "lockfileVersion": 3,
  "requires": true,
  "packages": {
    "": {"name": "app", "version": "1.0.0", "dependencies": {"lodash": "4.17.20"}},
    "node_modules/lodash": {
      "version": "4.17.20",
      "resolved": "https://registry.npmjs.org/lodash/-/lodash-4.17.20.tgz",
      "integrity": "sha512-PlhdFcillOINfeV7Ni6oF1TAEayyZBoZ8bcshTHqOYJYlrqzRK5hagpagky5o4HfCzzd1TRkXPMFq6cKk9rGmA=="
    }
  }
}
`,
		"policy.yaml": "schema: drydock/policy/v1\ndefault: deny\nrules:\n  - name: a\n    images: ['example.com:5000/a']\n    trust: [{keys: [release.pub]}]\n",
		"release.pub": "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEgDpiz8rNE3lZ/iXojRUKH1bP5ejZ\n" +
			"pn4FqP+yYwxHnczehZ2YfWpTuQJ4hZd9mngdF2tDgfIh58PdXckeKEFfRQ==\n-----END PUBLIC KEY-----\n",
		"go.mod": "module example.org/app\n\ngo 1.20\n\nrequire golang.org/x/text v0.3.0\n",
		"go.sum": "golang.org/x/text v0.3.0 h1:g61tztE5qeGQ89tm6NTjjM9VPIm088od1l6aSorWRWg=\ngolang.org/x/text v0.3.0/go.mod h1:NqM8EUOU14njkJ3fqMW+pc6Ldnwhi/IjpwHt7yyuwOQ=\n",
	} {
		if err := os.MkdirAll(filepath.Join(o.dir, filepath.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(o.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

func (o *outing) run(ctx context.Context, name string, args ...string) (dials []string, stderr string) {
	o.dials = nil
	var out, errs bytes.Buffer
	for i, a := range args {
		args[i] = strings.ReplaceAll(a, "DIR", o.dir)
	}
	Main(ctx, Env{
		Stdout: &out, Stderr: &errs, Now: func() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) },
		Getenv: func(k string) string {
			if v, ok := o.env[k]; ok {
				return v
			}
			return map[string]string{"HOME": o.dir, "XDG_DATA_HOME": o.dir + "/data", "XDG_CACHE_HOME": o.dir + "/cache", "DOCKER_HOST": "unix:///nonexistent.sock"}[k]
		},
		Dial: func(_ context.Context, _, address string) (net.Conn, error) {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.dials = append(o.dials, address)
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("the test has no network")}
		},
	}, append([]string{name}, args...)...)
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Compact(slices.Sorted(slices.Values(o.dials))), errs.String()
}

// ways out are command lines that reach for the network when they may, and to whom.
func waysOut() map[string][]string {
	const hub, npm = "index.docker.io:443", "registry.npmjs.org:443"
	return map[string][]string{
		"cves nginx:1.20": {hub}, "quickview nginx:1.20": {hub}, "layers nginx:1.20": {hub}, "sbom nginx:1.20": {hub}, "check nginx:1.20": {hub},
		"cves registry://registry.example.com/x@sha256:" + strings.Repeat("0", 64): {"registry.example.com:443"},
		"compare nginx:1.20 nginx:1.21":                                            {hub},
		"recommend nginx:1.20":                                                     {hub},
		"check DIR":                                                                {hub}, "cves DIR": {hub}, "quickview DIR": {hub}, "compare DIR DIR": {hub}, "cves DIR/latest.Dockerfile": {hub},
		"check compose://DIR/compose.yaml":           {hub},
		"recommend bitnami/nginx:1.20":               {hub, "hub.docker.com:443"},
		"recommend DIR/Dockerfile":                   {hub},
		"recommend DIR/latest.Dockerfile":            {hub},
		"recommend --learn nginx:1.20":               {hub},
		"fix --unsafe DIR":                           {hub, npm, "proxy.golang.org:443", "sum.golang.org:443"},
		"fix --dockerfile DIR/Dockerfile nginx:1.20": {hub},
		"trust verify example.com:5000/a:1":          {"example.com:5000"}, "trust inspect example.com:5000/a": {"example.com:5000"}, "trust sign example.com:5000/a:1": {"example.com:5000"},
		"trust init example.com:5000/a": {"example.com:5000"}, "trust revoke example.com:5000/a:1": {"example.com:5000"}, "trust refresh example.com:5000/a": {"example.com:5000"},
		"trust status example.com:5000/a": {"example.com:5000"}, "trust attest example.com:5000/a:1 --type https://x/y DIR/package.json": {"example.com:5000"}, "trust rotate targets example.com:5000/a": {"example.com:5000"}, "trust bundle example.com:5000/a:1 -o DIR/x": {"example.com:5000"},
		"trust verify --notary=https://n.example.com example.com:5000/a:1": {"n.example.com:443"}, "trust inspect --notary example.com:5000/a": {"example.com:5000"},
		"trust migrate --notary=https://n.example.com example.com:5000/a":   {"n.example.com:443"},
		"trust signer add --key DIR/release.pub release example.com:5000/a": {"example.com:5000"}, "trust signer remove release example.com:5000/a": {"example.com:5000"},
		"trust root example.com:5000/a": {"example.com:5000"}, "gate check --policy DIR/policy.yaml example.com:5000/a:1": {"example.com:5000"},
		"watch --server https://watch.example": {"watch.example:443"}, "cves --server https://watch.example x:1": {"watch.example:443"}, "quickview --server https://watch.example x:1": {"watch.example:443"},
		"compare --server https://watch.example x:1 x:2": {"watch.example:443"}, "recommend --server https://watch.example x:1": {"watch.example:443"}, "sbom --push https://watch.example DIR": {"watch.example:443"},
		"db update npm": {"osv-vulnerabilities.storage.googleapis.com:443"},
		"db update --mirror http://127.0.0.1:1/ Alpine": {"127.0.0.1:1"},
	}
}

// stayHome are command lines that never do.
func stayHome() []string {
	return []string{
		"check DIR/known", "cves DIR/known", "quickview DIR/known", "cves DIR/known/compose.yaml", "compare DIR/known DIR/known",
		"serve --role none", "serve backup --data DIR/none DIR/x", "serve restore --data DIR/x DIR/none", "agent --once", "simulate --images 0", "sbom DIR", "lint DIR", "lint DIR/Dockerfile", "lint DIR/latest.Dockerfile", "lsp", "db status", "db verify", "db export DIR/x",
		"db import DIR/x", "explain CVE-2024-47875", "explain dockerfile/root-user", "init", "version", "plugin uninstall", "completion bash",
		"audit", "audit DIR/compose.yaml", "audit container://x", "observe nginx:1.20", "observe merge DIR/a DIR/b", "confine DIR/a", "minify nginx:1.20", "run nginx:1.20",
		"trust tuf-client init DIR/x", "trust tuf-client refresh --metadata-dir DIR/x --metadata-url http://example.com/",
		"trust tuf-client download --metadata-dir DIR/x --metadata-url http://example.com/", "trust key list", "trust root sign DIR/x", "trust file sign DIR/package.json", "trust file verify DIR/package.json", "trust migrate --local example.com:5000/a", "trust serve --listen 127.0.0.1:x --dir DIR/serve", "trust serve user list --dir DIR/serve", "trust serve user add me --dir DIR/serve", "trust serve user remove me --dir DIR/serve", "trust forget example.com:5000/a", "trust verify --bundle DIR/x", "trust key generate x", "trust key load DIR/release.pub", "trust key export x", "trust key remove x",
		"gate check --policy DIR/policy.yaml nginx:1.20", "gate status --policy DIR/policy.yaml", "gate serve --policy DIR/none.yaml", "gate export buildx --policy DIR/policy.yaml",
		"recommend --as-of 2024-03-31 nginx:1.20", "docker-cli-plugin-metadata", `docker-cli-plugin-hooks {"RootCmd":"build"}`,
	}
}

// TestOfflineIsOffline runs every verb with --offline and with DRYDOCK_OFFLINE:
// nobody is dialled.
func TestOfflineIsOffline(t *testing.T) {
	inFolder(t)
	var lines []string
	for line := range waysOut() {
		lines = append(lines, line)
	}
	lines = append(lines, stayHome()...)
	everyVerb(t, lines)
	for _, how := range []struct {
		name string
		env  map[string]string
		flag []string
	}{
		{"drydock", nil, []string{"--offline"}},
		{"drydock", map[string]string{"DRYDOCK_OFFLINE": "1"}, nil},
		{"docker-drydock", map[string]string{"DRYDOCK_OFFLINE": "true"}, []string{"drydock"}},
	} {
		o := outside(t, how.env)
		for _, line := range lines {
			if how.name == "docker-drydock" && strings.HasPrefix(line, "docker-cli") {
				continue
			}
			args := strings.Fields(line)
			if len(how.flag) == 1 && how.flag[0] == "drydock" {
				args = append(how.flag, args...)
			} else {
				args = append(args, how.flag...)
			}
			if dials, stderr := o.run(t.Context(), how.name, args...); len(dials) > 0 || strings.Contains(stderr, "network:") {
				t.Errorf("%s %q, %v: dialled %v\n%s", how.name, args, how.env, dials, stderr)
			}
		}
	}
}

// TestNetworkIsAnnounced: who may be asked is, and is named first, once; with
// that, the test above could fail.
func TestNetworkIsAnnounced(t *testing.T) {
	inFolder(t)
	o := outside(t, nil)
	for line, want := range waysOut() {
		dials, stderr := o.run(t.Context(), "drydock", strings.Fields(line)...)
		for _, d := range dials {
			host := strings.TrimSuffix(strings.ReplaceAll(d, "index.docker.io", "docker.io"), ":443")
			if strings.Count(stderr, "network: asking "+host+"\n") != 1 {
				t.Errorf("%s: %s is dialled, and is not named once:\n%s", line, host, stderr)
			}
		}
		for _, w := range want {
			if !slices.Contains(dials, w) {
				t.Errorf("%s: dials %v, not %s\n%s", line, dials, w, stderr)
			}
		}
		if len(dials) > len(want) && !strings.HasPrefix(line, "db ") {
			t.Errorf("%s: dials %v, want %v", line, dials, want)
		}
	}
	for _, line := range stayHome() {
		if dials, stderr := o.run(t.Context(), "drydock", strings.Fields(line)...); len(dials) > 0 {
			t.Errorf("%s: dials %v\n%s", line, dials, stderr)
		}
	}
}

// TestNamesWithoutTagStayHome: such a name may be private, and is not sent to
// anyone.
func TestNamesWithoutTagStayHome(t *testing.T) {
	inFolder(t)
	o := outside(t, nil)
	for _, name := range []string{"nginx", "shop", "team/shop", "localhost:5000/shop", "registry.example.com/team/shop", "image://shop", "registry://nginx", "bitnami/nginx"} {
		for _, verb := range []string{"cves", "quickview", "layers", "sbom", "check", "recommend", "recommend --learn", "fix --unsafe --dockerfile DIR/Dockerfile", "compare DIR/known", "check --dockerfile DIR/Dockerfile", "explain"} {
			dials, stderr := o.run(t.Context(), "drydock", append(strings.Fields(verb), name)...)
			if len(dials) > 0 {
				t.Errorf("%s %s: dials %v\n%s", verb, name, dials, stderr)
			}
			if verb == "cves" && !strings.Contains(stderr, "hint: ") {
				t.Errorf("%s %s: what to do instead?\n%s", verb, name, stderr)
			}
		}
	}
}

// inFolder is an empty folder to be in, for verbs that write where they are.
func inFolder(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("some hundred runs of the program")
	}
	t.Chdir(t.TempDir())
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "npm_config_registry", "GOPROXY", "GOSUMDB", "GOFLAGS"} {
		t.Setenv(name, "")
	}
}

// everyVerb fails for a verb that no command line begins with.
func everyVerb(t *testing.T, lines []string) {
	t.Helper()
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		path := strings.TrimPrefix(strings.TrimPrefix(c.CommandPath(), "drydock"), " ")
		if c.Runnable() && path != "" && !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l+" ", path+" ") }) && path != "plugin install" {
			t.Errorf("the network of %q is not tested", path)
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	root := newRoot(Env{}.withDefaults())
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if !c.Hidden && c.Name() != "completion" {
			walk(c)
		}
	}
}
