package cli_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Docker's command line runs hooks since version 26.
const hooksSince = 26

var dockerVersion = regexp.MustCompile(`^Docker version (\d+)\.`)

// dockerClients are the Docker command lines at hand by their major version:
// DRYDOCK_DOCKER_CLI, those on the PATH and the distribution's.
func dockerClients(t *testing.T) map[int]string {
	t.Helper()
	candidates := []string{os.Getenv("DRYDOCK_DOCKER_CLI"), "/usr/bin/docker", "/usr/local/bin/docker"}
	if p, err := exec.LookPath("docker"); err == nil {
		candidates = append(candidates, p)
	}
	found := map[int]string{}
	for _, c := range candidates {
		out, err := exec.Command(c, "--version").Output()
		if m := dockerVersion.FindSubmatch(out); err == nil && m != nil {
			major, err := strconv.Atoi(string(m[1]))
			if err != nil {
				t.Fatal(err)
			}
			if found[major] == "" {
				found[major] = c
			}
		}
	}
	if len(found) == 0 {
		lacking(t, "no Docker command line")
	}
	return found
}

// program is Drydock, built: docker copies and runs a file.
func program(t *testing.T) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "drydock")
	command(t, []string{"CGO_ENABLED=0"}, "go", "build", "-o", out, "../../cmd/drydock")
	return out
}

func TestEngineDockerPlugin(t *testing.T) {
	clients := dockerClients(t)
	engine(t)
	exe := program(t)
	hooked := false
	for major, docker := range clients {
		t.Run(fmt.Sprintf("docker %d", major), func(t *testing.T) {
			config := dockerConfig(t)
			writeFiles(t, config, map[string]string{"config.json": `{"auths":{"r.example":{"auth":"dTpw"}}}`})
			env := []string{
				"DOCKER_CONFIG=" + config, "DOCKER_BUILDKIT=0", "CI=", "TERM=xterm", "DOCKER_CLI_HOOKS=",
				"XDG_CACHE_HOME=" + t.TempDir(), "XDG_DATA_HOME=" + t.TempDir(),
			}
			if out := command(t, env, exe, "plugin", "install"); !strings.Contains(out, "docker drydock quickview") {
				t.Errorf("plugin install: %s", out)
			}
			for _, c := range []struct {
				args []string
				want string
			}{
				{[]string{"drydock", "version"}, "drydock "},
				{[]string{"info", "--format", "{{range .ClientInfo.Plugins}}{{.Name}} {{.Vendor}}{{end}}"}, "drydock The Drydock authors"},
				{[]string{"--help"}, "drydock*"},
				{[]string{"help", "drydock", "cves"}, "--only-fixed"},
				{[]string{"drydock"}, "Available Commands:"},
				{[]string{"drydock", "help"}, "Available Commands:"},
				{[]string{"drydock", "help", "cves"}, "--only-fixed"},
				{[]string{"drydock", "--version"}, "drydock "},
				{[]string{"drydock", "cves", "--help"}, "--only-fixed"},
				{[]string{"--config", config, "drydock", "explain", "CVE-2021-23337"}, "lodash"},
			} {
				if out := command(t, env, docker, c.args...); !strings.Contains(out, c.want) {
					t.Errorf("docker %s does not say %q:\n%s", strings.Join(c.args, " "), c.want, out)
				}
			}

			prefix, base := importBase(t, docker)
			dir := t.TempDir()
			writeFiles(t, dir, map[string]string{"Dockerfile": "FROM " + base + "\nRUN date > /built-" + strconv.Itoa(major) + "\n"})
			image := prefix + "/app:1"
			said := onTerminal(t, env, docker, "build", "--tag", image, dir)
			removeAfter(t, docker, image)
			next := strings.Contains(said, "What's next:") && strings.Contains(said, "docker drydock quickview")
			if next != (major >= hooksSince) {
				t.Errorf("after docker build: %s", said)
			}
			hooked = hooked || next
			if major >= hooksSince {
				writeFiles(t, dir, map[string]string{"Dockerfile": "FROM " + base + "\nRUN false\n"})
				if said := onTerminal(t, env, docker, "build", dir); strings.Contains(said, "What's next") {
					t.Errorf("after a build that did not work: %s", said)
				}
			}
			if out := command(t, env, docker, "drydock", "qv", image); !strings.Contains(out, image) || !strings.Contains(out, "docker drydock cves") {
				t.Errorf("docker drydock qv:\n%s", out)
			}

			command(t, env, exe, "plugin", "uninstall")
			if out := command(t, env, docker, "--help"); strings.Contains(out, "drydock") {
				t.Errorf("still there after plugin uninstall:\n%s", out)
			}
			b, err := os.ReadFile(filepath.Join(config, "config.json"))
			if err != nil || strings.Contains(string(b), "drydock") || strings.Contains(string(b), "hooks") || !strings.Contains(string(b), "dTpw") {
				t.Errorf("the configuration afterwards: %s, %v", b, err)
			}
		})
	}
	if !hooked && !t.Failed() {
		lacking(t, "no Docker command line of version %d or later to run hooks; DRYDOCK_DOCKER_CLI may name one", hooksSince)
	}
}

// onTerminal runs a command on a terminal of its own, which hooks ask for, and
// gives what it showed, whether or not the command worked.
func onTerminal(t *testing.T, env []string, args ...string) string {
	t.Helper()
	script, err := exec.LookPath("script")
	if err != nil {
		lacking(t, "script (util-linux, bsdutils) makes the terminal: %v", err)
	}
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
	}
	cmd := exec.Command(script, "--quiet", "--return", "--command", strings.Join(quoted, " "), os.DevNull)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out)
}
