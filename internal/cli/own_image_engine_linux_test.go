package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
)

// TestOwnImageEngineKeepsToItsProfile runs the image of "make image" with the profile that
// is shipped beside it, as compose.yaml has it, with its agent: nothing that the service does is refused,
// the profile is in force, and drydock's own proof of it holds.
func TestOwnImageEngineKeepsToItsProfile(t *testing.T) {
	archive := os.Getenv("DRYDOCK_OWN_IMAGE")
	if archive == "" {
		t.Skip("DRYDOCK_OWN_IMAGE names no archive of make image (dist/drydock.tar)")
	}
	docker := "docker"
	if d := os.Getenv("DRYDOCK_DOCKER"); d != "" {
		docker = d
	}
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), docker, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	had := run("images", "-q", "--no-trunc")
	m := regexp.MustCompile(`Loaded image: (\S+)`).FindStringSubmatch(run("load", "-i", archive))
	if m == nil {
		t.Fatal("nothing was loaded")
	}
	image := m[1]
	if id := strings.TrimSpace(run("image", "inspect", "-f", "{{.Id}}", image)); !strings.Contains(had, id) {
		t.Cleanup(func() { _ = exec.Command(docker, "rmi", image).Run() })
	}
	profile, err := filepath.Abs(filepath.Join(packaging, "profile"))
	if err != nil {
		t.Fatal(err)
	}
	project := fmt.Sprintf("drydock-test-own-%d", os.Getpid())
	name, at := project+"-drydock", "http://127.0.0.1:"+freePort(t)
	services := readCompose(t)
	t.Cleanup(func() {
		_ = exec.Command(docker, "rm", "-f", project+"-drydock", project+"-agent").Run()
		_ = exec.Command(docker, "volume", "rm", project+"-data").Run()
	})
	up := func(service string) {
		t.Helper()
		c := services[service]
		run(c.line(project, project+"-"+service, image, strings.TrimPrefix(at, "http://"))...)
	}
	up("drydock")
	within := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !ok(); time.Sleep(200 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("it takes too long until %s\n%s", what, run("logs", name))
			}
		}
	}
	within("it serves", func() bool { return strings.Contains(run("logs", name), "serving at") })
	in := func(args ...string) string { return run(append([]string{"exec", name, "/drydock"}, args...)...) }
	doc := filepath.Join(t.TempDir(), "app.cdx.json")
	text := `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"lodash","version":"4.17.15","purl":"pkg:npm/lodash@4.17.15"}]}`
	if err := os.WriteFile(doc, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	run("cp", doc, name+":/data/app.cdx.json")
	in("sbom", "-q", "--push", at, "--push-name", "acme/web:1", "sbom:///data/app.cdx.json")
	within("the image is matched", func() bool {
		return strings.Contains(in("watch", "--server", at, "--after", "0", "--once"), "image.judged")
	})
	if out := in("cves", "-q", "--server", at, "acme/web:1"); !strings.Contains(out, "CVE-2021-23337") {
		t.Errorf("%s", out)
	}
	up("agent") // it has the Engine's socket, and tells of the containers of this test
	within("the agent tells what runs", func() bool {
		return strings.Contains(in("watch", "--server", at, "--after", "0", "--once"), "running.changed")
	})
	in("serve", "backup", "/tmp/backup.sqlite")
	in("serve", "restore", "--data", "/tmp/restored", "/tmp/backup.sqlite")
	if out := run("logs", name); strings.Contains(out, "not permitted") || strings.Contains(out, "level=ERROR") {
		t.Errorf("something was refused: %s", out)
	}
	run("stop", "-t", "20", name)
	if code := strings.TrimSpace(run("inspect", "-f", "{{.State.ExitCode}}", name)); code != "0" {
		t.Errorf("it ended with %s: %s", code, run("logs", name))
	}
	// What it is for: drydock's own proof states what the kernel has in force.
	cmd, _ := process(t, "confine", "--profile", profile, "--prove", image, "--for", "3s", "--force") // on whatever runtime there is
	cmd.Env = append(cmd.Env, "TEST_CLOCK=real")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"89 of", "none"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q: %s", want, out.String())
		}
	}
}

// composeService is what the compose files say of a service.
type composeService struct {
	Command     []string `yaml:"command"`
	NetworkMode string   `yaml:"network_mode"`
	User        string   `yaml:"user"`
	GroupAdd    []string `yaml:"group_add"`
	ReadOnly    bool     `yaml:"read_only"`
	CapDrop     []string `yaml:"cap_drop"`
	SecurityOpt []string `yaml:"security_opt"`
	MemLimit    string   `yaml:"mem_limit"`
	PidsLimit   int      `yaml:"pids_limit"`
	Tmpfs       []string `yaml:"tmpfs"`
	Volumes     []string `yaml:"volumes"`
}

func readCompose(t *testing.T) map[string]composeService {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(packaging, "compose", "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]composeService `yaml:"services"`
	}
	if err := yaml.Unmarshal(b, &file); err != nil || len(file.Services) != 2 {
		t.Fatalf("%d services, %v", len(file.Services), err)
	}
	return file.Services
}

// line is the service as docker run takes it, since docker compose may not be there: with
// a volume, a port and a socket of this test.
func (c *composeService) line(project, name, image, at string) []string {
	socket := "/var/run/docker.sock"
	if s, ok := strings.CutPrefix(os.Getenv("DOCKER_HOST"), "unix://"); ok {
		socket = s
	}
	out := []string{"run", "-d", "--name", name, "--network", c.NetworkMode, "--user", c.User, "--memory", c.MemLimit, "--pids-limit", fmt.Sprint(c.PidsLimit)}
	if c.ReadOnly {
		out = append(out, "--read-only")
	}
	for range c.GroupAdd { // ${DOCKER_GID}
		var st syscall.Stat_t
		if syscall.Stat(socket, &st) == nil {
			out = append(out, "--group-add", fmt.Sprint(st.Gid))
		}
	}
	for _, d := range c.CapDrop {
		out = append(out, "--cap-drop", d)
	}
	for _, o := range c.SecurityOpt {
		if path, ok := strings.CutPrefix(o, "seccomp="); ok { // of the compose file's folder
			o = "seccomp=" + filepath.Join(packaging, "compose", path)
		}
		out = append(out, "--security-opt", o)
	}
	for _, m := range c.Tmpfs {
		out = append(out, "--tmpfs", m)
	}
	for _, v := range c.Volumes {
		if rest, ok := strings.CutPrefix(v, "data:"); ok {
			v = project + "-data:" + rest
		}
		out = append(out, "-v", strings.Replace(v, "/var/run/docker.sock:", socket+":", 1))
	}
	out = append(out, image)
	for _, a := range c.Command {
		out = append(out, strings.Replace(a, "127.0.0.1:8480", at, 1))
	}
	return out
}
