package cli_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/drydock-dev/drydock/internal/cli"
)

// words are those that a shell makes of a line.
func words(t *testing.T, line string) []string {
	t.Helper()
	out, err := exec.Command("sh", "-c", `printf '%s\0' `+line).Output()
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}

var nextStep = regexp.MustCompile(`(?m)^  \S.* → drydock (.*)$`)

// TestNextStepsWorkWhenTyped runs what is printed under "What's next", and what is
// printed there in turn: each is understood, and none is the command that has just
// been run. Without a network, what needs one may say so.
func TestNextStepsWorkWhenTyped(t *testing.T) {
	if testing.Short() {
		t.Skip("some hundred runs of the program")
	}
	dir := t.TempDir()
	t.Chdir(dir)
	writeFiles(t, dir, map[string]string{
		"Dockerfile":         "FROM nginx:1.20\nMAINTAINER me\nRUN apt-get update && apt-get install -y curl\nRUN cd /tmp\n",
		"web.Dockerfile":     "FROM node:18\nRUN npm install\nUSER root\n",
		"package-lock.json":  `{"name":"a","lockfileVersion":3,"packages":{"":{"dependencies":{"lodash":"4.17.15"}},"node_modules/lodash":{"version":"4.17.15"}}}`,
		"package.json":       `{"name":"a","dependencies":{"lodash":"4.17.15"}}`,
		"a b/Dockerfile":     "FROM debian:9\nMAINTAINER me\n",
		"compose.yaml":       "services:\n  db: {image: 'nginx:1.20'}\n  app: {build: .}\n",
		"unknown/Dockerfile": "FROM corp.example/base:1\nMAINTAINER me\n",
		"-odd/Dockerfile":    "FROM nginx:1.20\nMAINTAINER me\n",
		"clean/Dockerfile":   "FROM scratch\nUSER 1000\n",
	})
	img := onto(t, alpineBase(t), map[string]string{"app/node_modules/lodash/package.json": `{"name":"lodash","version":"4.17.15"}`})
	tag, err := name.NewTag("shop:dev")
	if err == nil {
		err = tarball.WriteToFile(filepath.Join(dir, "app.tar"), tag, img)
	}
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	run := func(env map[string]string, args ...string) answer {
		var stdout, stderr bytes.Buffer
		archive, err := os.ReadFile(filepath.Join(dir, "app.tar"))
		if err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		if args[0] == "db" { // which tries again, and has understood by then
			short, stop := context.WithTimeout(ctx, 200*time.Millisecond)
			defer stop()
			ctx = short
		}
		code := cli.Main(ctx, cli.Env{
			Stdin: bytes.NewReader(archive), Stdout: &stdout, Stderr: &stderr, Now: today, Width: 120,
			Getenv: func(k string) string {
				if v, ok := env[k]; ok {
					return v
				}
				return map[string]string{
					"HOME": home, "XDG_DATA_HOME": home + "/data", "XDG_CACHE_HOME": home + "/cache",
					"DOCKER_HOST": "unix:///nonexistent.sock", "DOCKER_CONFIG": home, "PATH": os.Getenv("PATH"),
				}[k]
			},
			Dial: func(context.Context, string, string) (net.Conn, error) {
				return nil, errors.New("the test has no network")
			},
		}, append([]string{"drydock"}, args...)...)
		return answer{stdout.String(), stderr.String(), code}
	}
	// What a step may lack here: none of these looks at a file of the user's.
	excused := func(args []string, stderr string) bool {
		lacks := map[string]string{"db": "no network|deadline exceeded", "compare": "no network", "recommend": "no network", "fix": "Docker Engine|docker engine"}[args[0]]
		return lacks != "" && (args[0] != "fix" || slices.Contains(args, "run")) && regexp.MustCompile(lacks).MatchString(stderr)
	}
	const steps = 2
	seen := map[string]bool{}
	verbs := map[string]int{}
	var follow func(env map[string]string, depth int, args ...string)
	follow = func(env map[string]string, depth int, args ...string) {
		a := run(env, args...)
		if depth < steps && strings.Contains(a.stderr, "error: ") && !excused(args, a.stderr) {
			t.Errorf("drydock %q, DRYDOCK_OFFLINE=%s: exit %d\n%s", args, env["DRYDOCK_OFFLINE"], a.code, a.stderr)
			return
		}
		for _, m := range nextStep.FindAllStringSubmatch(a.stdout, -1) {
			next := words(t, m[1])
			was, is := slices.Sorted(slices.Values(args)), slices.Sorted(slices.Values(next))
			if slices.Equal(was, is) {
				t.Errorf("after drydock %q the next step is the same: %s", args, m[1])
				continue
			}
			key := env["DRYDOCK_OFFLINE"] + m[1]
			if seen[key] || depth == 0 {
				continue
			}
			seen[key] = true
			verbs[next[0]]++
			if slices.Contains(next, "--write") {
				continue // the files are for all
			}
			follow(env, depth-1, next...)
		}
	}
	online, offline := map[string]string{}, map[string]string{"DRYDOCK_OFFLINE": "1"}
	for _, args := range [][]string{
		{"check", "app.tar"},
		{"check", "--dockerfile", "Dockerfile", "app.tar"},
		{"check", "--dockerfile=a b/Dockerfile", "./app.tar"},
		{"quickview", "--dockerfile", "Dockerfile", "app.tar"},
		{"cves", "--dockerfile", "Dockerfile", "app.tar"},
		{"layers", "app.tar"},
		{"sbom", "app.tar"},
		{"check", "-"},
		{"cves", "-"},
		{"check", "--platform", "linux/amd64", "app.tar"},
		{"check", "."},
		{"check", "Dockerfile"},
		{"check", "a b"},
		{"check", "compose.yaml"},
		{"cves", "unknown/Dockerfile"},
		{"check", "clean"},
		{"quickview", "."},
		{"cves", "--omit", "dev", "."},
		{"check", "--no-cache", "Dockerfile"},
		{"check", "--", "-odd/Dockerfile"},
		{"lint", "."},
		{"lint", "Dockerfile", "web.Dockerfile"},
		{"lint", "a b/Dockerfile"},
		{"lint", "--context", ".", "Dockerfile"},
		{"lint", "--only", "DL3008", "Dockerfile"},
		{"fix", "."},
		{"fix", "a b/Dockerfile"},
		{"fix", "--unsafe", "Dockerfile"},
		{"fix", "--only", "DL4000", "--prove", "parse", "Dockerfile"},
		{"fix", "--dockerfile", "Dockerfile", "app.tar"},
		{"fix", "--unsafe", "--dockerfile", "Dockerfile", "app.tar"},
		{"recommend", "nginx:1.20"},
		{"recommend", "Dockerfile"},
		{"recommend", "nginx"},
		{"recommend", "--offline", "nginx:1.20"},
		{"recommend", "--offline", "--dockerfile", "Dockerfile", "app.tar"},
		{"recommend", "--as-of", "2024-03-31", "nginx:1.20"},
		{"recommend", "a b/Dockerfile"},
		{"check", "--offline", "unknown"},
		{"check", "fs://."},
		{"check", "--data-dir", home + "/other", "app.tar"},
	} {
		for _, env := range []map[string]string{online, offline} {
			follow(env, steps, args...)
		}
	}
	for _, v := range []string{"cves", "fix", "layers", "explain", "db", "recommend", "compare"} {
		if verbs[v] == 0 {
			t.Errorf("no next step is drydock %s", v)
		}
	}

	// What a next step needs of the flags is in it.
	for line, want := range map[string]string{
		"check --dockerfile Dockerfile app.tar":                        "layers --dockerfile Dockerfile app.tar",
		"check --dockerfile Dockerfile ./app.tar":                      "fix --dockerfile Dockerfile ./app.tar",
		"fix --unsafe --prove recheck --only DL4000,DL3008 Dockerfile": "fix --only DL4000,DL3008 --prove recheck --unsafe --write Dockerfile",
		"lint --context . Dockerfile":                                  "fix --context . Dockerfile",
		"check --data-dir x Dockerfile":                                "db update --data-dir x Bitnami Debian",
		"cves --platform linux/amd64 app.tar":                          "layers --platform linux/amd64 app.tar",
	} {
		if out := run(online, strings.Fields(line)...).stdout; !strings.Contains(out, "drydock "+want+"\n") {
			t.Errorf("drydock %s: the next step is not drydock %s:\n%s", line, want, out)
		}
	}
}
