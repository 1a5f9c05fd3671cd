//go:build linux

package cli_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// gated is an Engine of the test's own, behind a gate: others have to be able to use
// theirs.
type gated struct {
	t      *testing.T
	docker string
	dir    string
	env    []string
	gate   *exec.Cmd
	home   string
	policy string
	socket string
}

// gatedEngine starts an Engine of the kind that the tests run on, and a gate with the
// policy in policy.yaml.
func gatedEngine(t *testing.T, script string) *gated {
	t.Helper()
	docker := engine(t)
	kind := "current"
	if v := command(t, nil, docker, "version", "--format", "{{.Server.Version}}"); strings.HasPrefix(v, "20.") {
		kind = "classic"
	}
	dir, err := os.MkdirTemp("/tmp", "gated")
	check(t, err)
	out, err := exec.Command(script, "start", kind, dir).CombinedOutput()
	if err != nil {
		lacking(t, "no second Engine beside this one: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command(script, "stop", dir).CombinedOutput(); err != nil {
			t.Errorf("stop: %v\n%s", err, out)
		}
	})
	g := &gated{t: t, docker: docker, dir: dir, policy: "policy.yaml"}
	for _, m := range regexp.MustCompile(`(DOCKER_[A-Z]+|DRYDOCK_DOCKER)='([^']*)'`).FindAllStringSubmatch(string(out), -1) {
		g.env = append(g.env, m[1]+"="+m[2])
		if m[1] == "DRYDOCK_DOCKER" {
			g.docker = m[2]
		}
	}
	name := "drydock" + strings.TrimPrefix(filepath.Base(dir), "gated")
	g.socket = "/run/docker/plugins/" + name + ".sock"
	t.Cleanup(func() { _ = os.Remove(g.socket) }) // one without a server stalls every Engine that looks for plugins
	g.serve()
	writeFiles(t, dir, map[string]string{"daemon.json": `{"authorization-plugins": ["` + name + `"]}`})
	pid, err := os.ReadFile(filepath.Join(dir, "pid"))
	check(t, err)
	check(t, exec.Command("kill", "-HUP", strings.TrimSpace(string(pid))).Run())
	for range 100 { // until the Engine obeys
		if out := g.run("swarm", "ca"); strings.Contains(out, "denied") {
			return g
		}
		if out := g.run("volume", "create", "--opt", "type=none", "--opt", "o=bind", "--opt", "device=/etc", "probe"); strings.Contains(out, "denied") {
			return g
		}
		g.run("volume", "rm", "probe")
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the Engine does not ask the gate")
	return nil
}

func (g *gated) serve() {
	g.t.Helper()
	cmd, home := process(g.t, "gate", "serve", "--socket", g.socket, "--policy", g.policy, "--replace")
	cmd.Env = append(append(cmd.Env, g.env...), "XDG_DATA_HOME="+home+"/data")
	log, err := os.Create(filepath.Join(home, "log"))
	check(g.t, err)
	cmd.Stdout = log
	out, err := cmd.StderrPipe()
	check(g.t, err)
	check(g.t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.Contains(line, "obeys") {
		g.t.Fatalf("the gate does not start: %s %v", line, err)
	}
	go func() { _, _ = bufio.NewReader(out).WriteTo(os.Stderr) }()
	old := g.gate
	g.gate, g.home = cmd, home
	g.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = cmd.Wait()
	})
	if old != nil {
		_ = old.Process.Signal(syscall.SIGTERM)
	}
}

// run runs docker, for half a minute at most.
func (g *gated) run(args ...string) string {
	g.t.Helper()
	cmd := exec.Command("timeout", append([]string{"30", g.docker}, args...)...)
	cmd.Env = append(os.Environ(), g.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out) + "\n" + err.Error()
	}
	return string(out)
}

func (g *gated) want(text string, args ...string) string {
	g.t.Helper()
	out := g.run(args...)
	if !regexp.MustCompile(text).MatchString(out) {
		g.t.Errorf("docker %s: nothing of %q in\n%s", strings.Join(args, " "), text, out)
	}
	return out
}

// raw sends a request of the test's own making, and gives the answer's status and body.
func (g *gated) raw(text string) string {
	g.t.Helper()
	c, err := net.Dial("unix", filepath.Join(g.dir, "docker.sock"))
	check(g.t, err)
	defer c.Close()
	check(g.t, c.SetDeadline(time.Now().Add(30*time.Second)))
	_, _ = c.Write([]byte(text)) // the Engine may have answered before it has read all
	buf := make([]byte, 64<<10)
	n, _ := c.Read(buf) // what there is
	return string(buf[:n])
}

func request(method, uri, kind, body string) string {
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: docker\r\nContent-Length: %d\r\n", method, uri, len(body))
	if kind != "" {
		head += "Content-Type: " + kind + "\r\n"
	}
	return head + "\r\n" + body
}

// TestGateEngine: with a real Engine that asks the gate, an image that is signed starts,
// and no other does, by whichever way.
func TestGateEngine(t *testing.T) {
	docker := engine(t)
	host := registryServer(t, false)
	repo := host + "/me/app"
	script, err := filepath.Abs("../../.ci/engine/engine")
	check(t, err)
	t.Chdir(t.TempDir())
	b := signing(t)
	build := pusher(t, docker)
	build("one", repo+":v1")
	b.trust("key generate release", "init "+repo, "signer add --key release.pub release "+repo, "sign --remote "+repo+":v1", "root "+repo+" -o app.root.json")
	build("evil", repo+":evil")
	build("foreign", host+"/me/other:v1")
	writeFiles(t, ".", map[string]string{"policy.yaml": gatePolicy(repo) + "    builds: deny\n"})
	g := gatedEngine(t, script)

	g.want("ran", "run", "--rm", repo+":v1") // pulls, creates, starts
	g.want("denied.*nobody signed evil.*rule app, trust", "run", "--rm", repo+":evil")
	g.want("denied.*default is deny", "run", "--rm", host+"/me/other:v1")
	g.want("denied", "pull", repo+":evil")

	// Bytes that come another way, and names that lie.
	command(t, nil, docker, "save", "-o", "evil.tar", repo+":evil")
	g.want("Loaded image", "load", "-i", "evil.tar")
	evil := regexp.MustCompile(`sha256:[0-9a-f]{64}`).FindString(g.run("image", "inspect", "--format", "{{.Id}}", repo+":evil"))
	g.want("denied", "run", "--rm", repo+":evil")
	g.want("denied", "run", "--rm", evil)
	g.want("denied", "run", "--rm", evil[7:19])
	good := regexp.MustCompile(`sha256:[0-9a-f]{64}`).FindString(g.run("image", "inspect", "--format", "{{.Id}}", repo+":v1"))
	g.run("tag", good, repo+":kept")
	g.run("tag", repo+":evil", repo+":v1")
	g.want("denied.*v1 is signed as.*this image is", "run", "--rm", repo+":v1")
	g.want("ran", "run", "--rm", good)
	g.run("tag", good, repo+":v1")
	g.want("ran", "run", "--rm", repo+":v1")

	// What a container may not ask for.
	for text, args := range map[string][]string{
		"privileged":     {"--privileged"},
		"host-pid":       {"--pid", "host"},
		"host-ipc":       {"--ipc", "host"},
		"host-uts":       {"--uts", "host"},
		"host-network":   {"--network", "host"},
		"device:":        {"--device", "/dev/null"},
		"cap:SYS_PTRACE": {"--cap-add", "sys_ptrace"},
		"cap:ALL":        {"--cap-add", "ALL"},
		"bind:/etc":      {"-v", "/etc:/x:ro"},
		"bind:/ ?":       {"-v", "/:/x"},
		"bind:/run":      {"-v", "/run:/x"},
		"bind:" + g.dir:  {"-v", g.dir + ":/x"},
		"bind:/proc":     {"--mount", "type=volume,source=new,target=/x,volume-driver=local,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=/proc"},
	} {
		g.want("denied.*"+text, append(append([]string{"run", "--rm"}, args...), repo+":v1")...)
	}

	// A container that runs.
	g.want("[0-9a-f]{64}", "run", "-d", "--name", "web", repo+":v1", "wait")
	g.want("ran", "exec", "web", "/p")
	g.want("denied.*privileged", "exec", "--privileged", "web", "/p")
	g.want("denied.*archive", "cp", "policy.yaml", "web:/")
	g.want("denied.*builds", "commit", "web", repo+":v3")
	g.want("denied.*builds", "import", "evil.tar", repo+":v3")
	g.want("web", "update", "--restart", "no", "web")
	g.want("web", "restart", "-t", "0", "web")
	g.want("denied.*plugins", "plugin", "disable", "drydock")
	g.want("denied.*swarm", "swarm", "init")
	g.want("denied", "build", "-q", "ctx")
	g.want("denied.*bind:/etc", "volume", "create", "--opt", "type=none", "--opt", "o=bind", "--opt", "device=/etc", "sneaky")

	// Requests that the Engine could understand otherwise.
	create := fmt.Sprintf(`{"Image":%q,"HostConfig":{}}`, repo+":v1")
	large := fmt.Sprintf(`{"Image":%q,"HostConfig":{"Privileged":true},"Labels":{"a":%q}}`, repo+":evil", strings.Repeat("x", 5<<20))
	hidden := fmt.Sprintf(`{"Image":%q,"HostConfig":{"Privileged":true},"Labels":{"a":%q}}`, repo+":evil", strings.Repeat("x", 2<<20))
	const jsonType = "application/json"
	for name, r := range map[string]string{
		"lower case":       request("POST", "/v1.41/containers/create", jsonType, strings.Replace(create, `"HostConfig":{}`, `"hostconfig":{"Privileged":true}`, 1)),
		"a key twice":      request("POST", "/v1.41/containers/create", jsonType, strings.Replace(create, `}}`, `},"HostConfig":{"Privileged":true}}`, 1)),
		"a field at top":   request("POST", "/v1.41/containers/create", jsonType, strings.Replace(create, `,"HostConfig":{}`, `,"Privileged":true`, 1)),
		"a second value":   request("POST", "/v1.41/containers/create", jsonType, create+`{"HostConfig":{"Privileged":true}}`),
		"an escaped path":  request("POST", "/v1.41/containers%2Fcreate", jsonType, create),
		"an old version":   request("POST", "/v1.20/containers/create", jsonType, create),
		"no version known": request("POST", "/v1.99/containers/create", jsonType, create),
		"a hidden body":    request("POST", "/v1.41/containers/create", jsonType, hidden),
		"a large body":     request("POST", "/v1.41/containers/create", jsonType, large),
		"no type":          request("POST", "/v1.41/containers/create", "", create),
		"plain text":       request("POST", "/v1.41/containers/create", "text/plain", create),
		"a form of a pull": request("POST", "/v1.41/images/create?fromImage="+repo+"&tag=v1", "application/x-www-form-urlencoded", "tag=evil"),
		"two types": strings.Replace(request("POST", "/v1.41/images/create?fromImage="+repo+"&tag=v1", "application/x-www-form-urlencoded", "tag=evil"),
			"Content-Type:", "Content-Type: application/x-www-form-urlencoded\r\nContent-Type: text/plain\r\nX-Was:", 1),
		"a body of start":   request("POST", "/v1.41/containers/web/start", jsonType, `{"Privileged":true}`),
		"a checkpoint":      request("POST", "/v1.41/containers/web/start?checkpoint=x", "", ""),
		"an unknown call":   request("POST", "/v1.41/containers/web/explode", "", ""),
		"the absolute form": request("POST", "http://docker/v1.41/containers/create", jsonType, strings.Replace(create, "v1", "evil", 1)),
	} {
		if got := g.raw(r); !regexp.MustCompile(`^HTTP/1\.[01] (400|403|404|500)`).MatchString(got) {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := g.raw(request("POST", "/v1.41/containers/create?name=plain", jsonType, create)); !strings.HasPrefix(got, "HTTP/1.1 201") {
		t.Errorf("what all of these were made of: %s", got)
	}
	g.run("rm", "plain")

	// Revoked while it runs: it does not start again, and nothing is run in it.
	b.trust("revoke " + repo + ":v1")
	g.serve() // another gate takes over, and knows nothing yet
	g.want("denied.*revoked", "restart", "-t", "0", "web")
	g.want("denied.*revoked", "exec", "web", "/p")
	g.want("web", "rm", "-f", "web")

	log, err := os.ReadFile(filepath.Join(g.home, "log"))
	check(t, err)
	for _, line := range strings.Split(strings.TrimSpace(string(log)), "\n") {
		var d struct{ Decision, Rule, Reason string }
		if err := json.Unmarshal([]byte(line), &d); err != nil || d.Decision == "" || d.Rule == "" || d.Reason == "" {
			t.Errorf("%v in the log: %s", err, line)
		}
	}

	// Without the gate the Engine refuses all.
	check(t, g.gate.Process.Kill())
	g.want("(plugin|Plugin).*|124", "ps")
}

// pusher builds images of a program with a label, and pushes them.
func pusher(t *testing.T, docker string) func(text, ref string) {
	t.Helper()
	program := buildProgram(t)
	return func(text, ref string) {
		t.Helper()
		writeFiles(t, "ctx", map[string]string{"Dockerfile": "FROM scratch\nCOPY p /p\nLABEL v=" + text + "\nENTRYPOINT [\"/p\"]\n"})
		check(t, os.Rename(program, "ctx/p"))
		command(t, nil, docker, "build", "-q", "-t", ref, "ctx")
		check(t, os.Rename("ctx/p", program))
		removeAfter(t, docker, ref)
		command(t, nil, docker, "push", "-q", ref)
	}
}

// buildProgram is a program that says that it ran, and waits if it is told to.
func buildProgram(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"go.mod": "module p\n", "p.go": `package main

import ("fmt"; "os"; "time")

func main() {
	fmt.Println("ran")
	if len(os.Args) > 1 && os.Args[1] == "wait" {
		time.Sleep(time.Hour)
	}
}
`})
	cmd := exec.Command("go", "build", "-o", "p", ".")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(dir, "p")
}
