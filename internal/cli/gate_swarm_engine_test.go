//go:build linux

package cli_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// TestGateSwarmEngine: in a swarm of one real Engine, services run what is signed and ask
// for nothing that a container may not have. What their tasks escape is shown, too: no call
// of the Engine's API starts them.
func TestGateSwarmEngine(t *testing.T) {
	docker := engine(t)
	repo := registryServer(t, false) + "/me/app"
	script, err := filepath.Abs("../../.ci/engine/engine")
	check(t, err)
	t.Chdir(t.TempDir())
	b := signing(t)
	build := pusher(t, docker)
	build("one", repo+":v1")
	b.trust("key generate release", "init "+repo, "signer add --key release.pub release "+repo, "sign --remote "+repo+":v1", "root "+repo+" -o app.root.json")
	build("evil", repo+":evil")
	writeFiles(t, ".", map[string]string{"policy.yaml": gatePolicy(repo) + "allow: [swarm]\n"})
	g := gatedEngine(t, script)
	if out := g.run("swarm", "init", "--advertise-addr", "127.0.0.1"); !strings.Contains(out, "Swarm initialized") {
		lacking(t, "this Engine forms no swarm: %s", out)
	}
	t.Cleanup(func() { g.run("swarm", "leave", "--force") })
	digest := func(tag string) string {
		return repo + "@" + regexp.MustCompile(`sha256:[0-9a-f]{64}`).FindString(b.ok("trust", "verify", "--resolve", repo+":"+tag))
	}
	good := digest("v1")
	evil, err := remote.Head(mustRef(t, repo+":evil"))
	check(t, err)
	create := func(args ...string) []string {
		return append([]string{"service", "create", "--detach", "--no-resolve-image", "--restart-condition", "any"}, args...)
	}
	tasks := func(name string) string {
		return g.run("ps", "--no-trunc", "--format", "{{.ID}}", "--filter", "label=com.docker.swarm.service.name="+name)
	}
	await := func(what string, there func() bool) {
		t.Helper()
		for range 300 {
			if there() {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		t.Fatalf("%s: in vain\n%s", what, g.run("service", "ps", "--no-trunc", "web"))
	}

	g.want("^[0-9a-z]{25}", create("--name", "web", good, "wait")...)
	await("a task", func() bool { return len(strings.Fields(tasks("web"))) == 1 })
	for name, c := range map[string]struct {
		want string
		args []string
	}{
		"by a tag":           {"denied.*by digest", create("--name", "x", repo+":v1", "wait")},
		"not signed":         {"denied.*nobody signed", create("--name", "x", repo+"@"+evil.Digest.String(), "wait")},
		"the host's etc":     {"denied.*bind:/etc", create("--name", "x", "--mount", "type=bind,source=/etc,target=/x", good, "wait")},
		"through a volume":   {"denied.*bind:/proc", create("--name", "x", "--mount", "type=volume,target=/x,volume-driver=local,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=/proc", good, "wait")},
		"the host's net":     {"denied.*host-network", create("--name", "x", "--network", "host", good, "wait")},
		"all capabilities":   {"denied.*cap:ALL", create("--name", "x", "--cap-add", "ALL", good, "wait")},
		"another image":      {"denied.*by digest", []string{"service", "update", "--detach", "--no-resolve-image", "--image", repo + ":evil", "web"}},
		"another mount":      {"denied.*bind:/etc", []string{"service", "update", "--detach", "--no-resolve-image", "--mount-add", "type=bind,source=/etc,target=/x", "web"}},
		"what it was":        {"denied.*rollback", []string{"service", "rollback", "--detach", "web"}},
		"an engine's plugin": {"denied.*plugins", []string{"plugin", "install", "--grant-all-permissions", "x/y"}},
	} {
		if out := g.run(c.args...); !regexp.MustCompile(c.want).MatchString(out) {
			t.Errorf("%s: nothing of %q in\n%s", name, c.want, out)
		}
	}
	g.want("web", "service", "update", "--detach", "--no-resolve-image", "--replicas", "2", "web")
	await("two tasks", func() bool { return len(strings.Fields(tasks("web"))) == 2 })

	// Revoked: no call brings it back. A task that ends is started again all the same, as
	// docs/gate.md says: the swarm does that by itself.
	b.trust("revoke " + repo + ":v1")
	g.serve()
	g.want("denied.*revoked", "service", "update", "--detach", "--no-resolve-image", "--force", "web")
	g.want("denied.*revoked", create("--name", "again", good, "wait")...)
	old := strings.Fields(tasks("web"))
	g.want(old[0], "rm", "-f", old[0])
	await("the task that the swarm starts again", func() bool {
		now := strings.Fields(tasks("web"))
		return len(now) == 2 && !strings.Contains(strings.Join(now, " "), old[0])
	})
	g.want("web", "service", "rm", "web")
}
