//go:build unix

package cli_test

import (
	"bufio"
	"encoding/json"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

// gatePolicy is a policy for a repository whose root is in app.root.json.
func gatePolicy(repo string) string {
	return "schema: drydock/policy/v1\ndefault: deny\nrules:\n  - name: app\n    images: [\"" + repo + "\"]\n" +
		"    trust: [{roots: [app.root.json], signers: [release]}]\n    freshness: {warn: 24h, refuse: 72h}\n"
}

// TestGateCheck is the gate's decision from the command line: allowed, refused, and not
// found out.
func TestGateCheck(t *testing.T) {
	for kind, serve := range registries() {
		t.Run(kind, func(t *testing.T) {
			if testing.Short() && kind == "docker-registry" {
				t.Skip("the other kind does in short")
			}
			host := serve(t)
			repo := host + "/me/app"
			t.Chdir(t.TempDir())
			b := signing(t)
			_, digest := pushIndex(t, repo+":v1", "one")
			b.trust("key generate release", "init "+repo, "signer add --key release.pub release "+repo, "sign "+repo+":v1", "root "+repo+" -o app.root.json")
			writeFiles(t, ".", map[string]string{"policy.yaml": gatePolicy(repo)})
			// Another home: nothing is pinned there, and nothing is trusted on first use.
			g := signing(t)
			g.want(0, []string{"allowed", digest, "signed by release", "rule app, trust"}, "gate", "check", repo+":v1")
			g.want(0, []string{"allowed"}, "gate", "check", repo+"@"+digest)
			g.want(2, []string{"REFUSED", "rule default", "default is deny"}, "gate", "check", "nginx:1.29")
			pushIndex(t, repo+":v2", "two")
			g.want(2, []string{"REFUSED", "nobody signed v2", "trust sign"}, "gate", "check", repo+":v2")
			g.want(1, []string{"UNKNOWN", "v3"}, "gate", "check", repo+":v3")
			g.want(1, []string{"UNKNOWN"}, "gate", "check", "--offline", repo+":v1")
			g.want(2, []string{`"verdict": "refused"`, `"rule": "app"`, `"requirement": "trust"`}, "gate", "check", "--format", "json", repo+":v2")
			pushIndex(t, repo+":v1", "moved")
			g.want(2, []string{"REFUSED", "v1 is signed as " + digest, "moved"}, "gate", "check", repo+":v1")
			g.want(0, []string{"allowed"}, "gate", "check", repo+"@"+digest)
			b.trust("revoke " + repo + ":v1")
			g.want(2, []string{"REFUSED", "revoked"}, "gate", "check", repo+"@"+digest)
			g.want(0, []string{"app", "72.0", repo}, "gate", "status")
			g.later(80 * time.Hour)
			g.want(2, []string{"does not count"}, "gate", "status")

			// Signers that the rule does not name, a root of another repository.
			writeFiles(t, ".", map[string]string{"others.yaml": strings.Replace(gatePolicy(repo), "[release]", "[qa]", 1)})
			b.trust("sign " + repo + ":v2")
			g.want(2, []string{"REFUSED", "asks for 1 of qa"}, "gate", "check", "--policy", "others.yaml", repo+":v2")
			writeFiles(t, ".", map[string]string{"foreign.yaml": gatePolicy(host + "/me/*")})
			pushIndex(t, host+"/me/other:v1", "one")
			g.want(2, []string{"REFUSED", "no root of"}, "gate", "check", "--policy", "foreign.yaml", host+"/me/other:v1")
		})
	}
}

// TestGateCheckWithoutARegistry: what was verified counts until it is too old, and is
// refused then.
func TestGateCheckWithoutARegistry(t *testing.T) {
	stop, host := stoppable(t)
	repo := host + "/me/app"
	t.Chdir(t.TempDir())
	b := signing(t)
	_, digest := pushIndex(t, repo+":v1", "one")
	b.trust("key generate release", "init "+repo, "signer add --key release.pub release "+repo, "sign "+repo+":v1", "root "+repo+" -o app.root.json")
	writeFiles(t, ".", map[string]string{"policy.yaml": gatePolicy(repo)})
	b.want(0, nil, "gate", "check", repo+"@"+digest)
	stop()
	b.want(0, []string{"allowed"}, "gate", "check", repo+"@"+digest)
	b.later(30 * time.Hour)
	b.want(0, []string{"allowed", "cannot be asked: what was verified 30 h ago counts for 42 h more"}, "gate", "check", repo+"@"+digest)
	b.later(80 * time.Hour)
	b.want(2, []string{"REFUSED", "verified last 80 h ago"}, "gate", "check", repo+"@"+digest)
	empty := signing(t)
	empty.want(1, []string{"UNKNOWN"}, "gate", "check", repo+"@"+digest)
}

func TestGateCheckCompose(t *testing.T) {
	repo := registries()["with referrers"](t) + "/me/app"
	t.Chdir(t.TempDir())
	b := signing(t)
	pushIndex(t, repo+":v1", "one")
	b.trust("key generate release", "init "+repo, "signer add --key release.pub release "+repo, "sign "+repo+":v1", "root "+repo+" -o app.root.json")
	writeFiles(t, ".", map[string]string{"policy.yaml": gatePolicy(repo)})
	for text, want := range map[string]struct {
		code int
		text string
	}{
		"services: {a: {image: " + repo + ":v1}}\n":                                                                                      {0, "allowed"},
		"services: {a: {image: '" + repo + ":${V:-v1}'}}\n":                                                                              {0, "allowed"},
		"services: {a: {image: '" + repo + ":${NOT_SET}'}}\n":                                                                            {1, "UNKNOWN"},
		"services: {a: {image: " + repo + ":v1}, b: {image: nginx}}\n":                                                                   {2, "REFUSED  <stdin>#b"},
		"services: {a: {image: " + repo + ":v1, privileged: true}}\n":                                                                    {2, "privileged"},
		"services: {a: {image: " + repo + ":v1, volumes: ['/var/run/docker.sock:/s']}}\n":                                                {2, "docker.sock"},
		"services: {a: {image: " + repo + ":v1, volumes: ['../../../../../../../etc:/s']}}\n":                                            {2, "/etc"},
		"services: {a: {image: " + repo + ":v1, volumes: ['x:/s']}}\nvolumes: {x: {driver_opts: {type: none, o: bind, device: /etc}}}\n": {2, "/etc"},
		"services: {a: {image: " + repo + ":v1, pid: host, cap_add: [SYS_ADMIN]}}\n":                                                     {2, "pid"},
		"services: {a: {build: .}}\n":                                                                                                    {2, "built here"},
		"services: {a: {image: " + repo + ":v1, privileged: '${P}'}}\n":                                                                  {1, "UNKNOWN"},
		repo + ":v1\n":                       {0, "allowed"},
		"# images\n" + repo + ":v1\nnginx\n": {2, "REFUSED"},
	} {
		b.stdin = strings.NewReader(text)
		a := b.run("gate", "check", "-")
		if a.code != want.code || !strings.Contains(a.stdout, want.text) {
			t.Errorf("%s: exit code %d, want %d and %q\n%s%s", text, a.code, want.code, want.text, a.stdout, a.stderr)
		}
	}
	writeFiles(t, ".", map[string]string{"compose.yaml": "services: {a: {image: " + repo + ":v1}}\n"})
	b.want(0, []string{"allowed"}, "gate", "check", "compose.yaml")
	b.want(1, []string{"none.yaml"}, "gate", "check", "none.yaml")
	b.want(1, []string{"policy"}, "gate", "check", "--policy", "none.yaml", "nginx")
}

// TestGateCheckComposeFiles: what a compose file includes and extends counts as if it stood in
// the file itself, and what cannot be read is never allowed.
func TestGateCheckComposeFiles(t *testing.T) {
	repo := registries()["with referrers"](t) + "/me/app"
	t.Chdir(t.TempDir())
	b := signing(t)
	pushIndex(t, repo+":v1", "one")
	b.trust("key generate release", "init "+repo, "signer add --key release.pub release "+repo, "sign "+repo+":v1", "root "+repo+" -o app.root.json")
	good := "image: " + repo + ":v1"
	bound := "volumes: {x: {driver_opts: {type: none, o: bind, device: /etc}}}\n"
	writeFiles(t, ".", map[string]string{
		"policy.yaml": gatePolicy(repo), "elsewhere.yaml": "services: {e: {" + good + "}}\n",
		"p/good.yaml": "services: {g: {" + good + "}}\n", "p/nginx.yaml": "services: {n: {image: nginx}}\n",
		"p/wide.yaml": "services: {w: {" + good + ", privileged: true}}\n", "p/bound.yaml": "services: {b: {" + good + "}}\n" + bound,
		"p/d/up.yaml": "services: {u: {" + good + ", volumes: ['..:/x']}}\n", "p/d/gone.yaml": "services: {u: {" + good + ", volumes: ['" + strings.Repeat("../", 20) + "etc:/x']}}\n",
	})
	for text, want := range map[string]struct {
		code int
		text string
	}{
		"include: [good.yaml]\n":                                                                                               {0, "p/good.yaml#g"},
		"include: [d/up.yaml]\nservices: {a: {" + good + "}}\n":                                                                {0, "p/d/up.yaml#u"},
		"include: [nginx.yaml]\nservices: {a: {" + good + "}}\n":                                                               {2, "REFUSED  p/nginx.yaml#n"},
		"include: [wide.yaml]\n":                                                                                               {2, "privileged"},
		"include: [bound.yaml]\n":                                                                                              {2, "/etc"},
		"include: [d/gone.yaml]\n":                                                                                             {2, "/etc"},
		"include: [none.yaml]\nservices: {a: {" + good + "}}\n":                                                                {1, "UNKNOWN"},
		"include: [../elsewhere.yaml]\nservices: {a: {" + good + "}}\n":                                                        {1, "lies outside"},
		"include: [{path: d/up.yaml, project_directory: /}]\n":                                                                 {1, "project_directory"},
		"services: {a: {extends: {file: good.yaml, service: g}}}\n":                                                            {0, "allowed"},
		"services: {a: {extends: {file: bound.yaml, service: b}}}\n":                                                           {0, "allowed"},
		"services: {a: {extends: {file: nginx.yaml, service: n}}}\n":                                                           {2, "REFUSED"},
		"services: {a: {" + good + ", extends: {file: nginx.yaml, service: n}}}\n":                                             {0, "allowed"},
		"services: {a: {extends: {file: wide.yaml, service: w}}}\n":                                                            {2, "privileged"},
		"services: {a: {" + good + ", extends: {file: none.yaml, service: n}}}\n":                                              {1, "UNKNOWN"},
		"services: {a: {" + good + ", extends: {file: ../elsewhere.yaml, service: e}}}\n":                                      {1, "lies outside"},
		"services: {a: {" + good + ", volumes: ['~/" + strings.Repeat("../", 20) + "etc:/x']}}\n":                              {2, "/etc"},
		"services: {a: {" + good + ", volumes: [{type: bind, source: d/" + strings.Repeat("../", 20) + "etc, target: /x}]}}\n": {2, "/etc"},
	} {
		writeFiles(t, ".", map[string]string{"p/compose.yaml": text})
		a := b.run("gate", "check", "p/compose.yaml")
		if a.code != want.code || !strings.Contains(a.stdout, want.text) {
			t.Errorf("%s: exit code %d, want %d and %q\n%s%s", text, a.code, want.code, want.text, a.stdout, a.stderr)
		}
	}
	b.stdin = strings.NewReader("include: [p/good.yaml]\n")
	b.want(1, []string{"UNKNOWN"}, "gate", "check", "-")
}

// TestGateServe speaks to a gate as the Engine does, and has a second one take over.
func TestGateServe(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFiles(t, ".", map[string]string{"policy.yaml": "schema: drydock/policy/v1\ndefault: deny\n"})
	dir, err := os.MkdirTemp("/tmp", "gate") // the path of a socket is short
	check(t, err)
	t.Cleanup(func() { check(t, os.RemoveAll(dir)) })
	socket := filepath.Join(dir, "g.sock")
	one, _ := gateProcess(t, socket)
	if second, out := gateProcess(t, socket); second != nil {
		t.Fatalf("two gates on one socket\n%s", out)
	}
	ask := func(uri string) string {
		out, err := exec.Command("curl", "-s", "--unix-socket", socket, "-d", `{"RequestMethod":"POST","RequestUri":"`+uri+`"}`, "http://g/AuthZPlugin.AuthZReq").CombinedOutput()
		check(t, err)
		return string(out)
	}
	if got := ask("/swarm/init"); !strings.Contains(got, `"Allow":false`) || !strings.Contains(got, "swarm") {
		t.Error(got)
	}
	var a struct{ Allow bool }
	check(t, json.Unmarshal([]byte(ask("/containers/x/stop")), &a))
	if !a.Allow {
		t.Error("a stop is refused")
	}
	two, out := gateProcess(t, socket, "--replace")
	if two == nil {
		t.Fatal(out)
	}
	interrupt(t, one)
	if got := ask("/swarm/init"); !strings.Contains(got, "swarm") {
		t.Errorf("after the first one has ended: %q", got)
	}
	interrupt(t, two)
	if _, err := os.Stat(socket); err == nil {
		t.Error("the socket is there still")
	}
}

// later moves the clock of a bench on from today's.
func (b *workbench) later(d time.Duration) { b.now = func() time.Time { return today().Add(d) } }

// stoppable is a registry that a test can stop.
func stoppable(t *testing.T) (stop func(), host string) {
	t.Helper()
	s := httptest.NewServer(registry.New(registry.WithReferrersSupport(true), registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(s.Close)
	return s.Close, strings.TrimPrefix(s.URL, "http://")
}

// gateProcess starts a gate as a process of its own; nil: it ended at once.
func gateProcess(t *testing.T, socket string, args ...string) (*exec.Cmd, string) {
	t.Helper()
	cmd, _ := process(t, append([]string{"gate", "serve", "--socket", socket}, args...)...)
	cmd.Env = append(cmd.Env, "DOCKER_HOST=unix:///nonexistent.sock")
	out, err := cmd.StderrPipe()
	check(t, err)
	check(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // what a test has ended already is gone
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.Contains(line, "obeys") {
		_ = cmd.Wait() // its exit code says no more
		return nil, line
	}
	return cmd, line
}

func interrupt(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	check(t, cmd.Process.Signal(os.Interrupt))
	if err := cmd.Wait(); err != nil {
		t.Errorf("a gate that was interrupted: %v", err)
	}
}
