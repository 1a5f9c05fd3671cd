package cli_test

import (
	"encoding/json"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
)

// host is what an Engine has of a container.
type host struct {
	Config struct {
		User  string
		Image string
	}
	HostConfig struct {
		Binds, CapAdd, CapDrop, SecurityOpt []string
		NetworkMode                         string
		ReadonlyRootfs, Privileged          bool
		Tmpfs                               map[string]string
		Memory, MemorySwap, PidsLimit       int64
		NanoCPUs                            int64 `json:"NanoCpus"`
		Ulimits                             []struct {
			Name       string
			Soft, Hard int64
		}
		RestartPolicy struct {
			Name              string
			MaximumRetryCount int
		}
	}
}

// runner runs containers with drydock run, and takes them away.
type runner struct {
	*workbench
	docker, prefix string
}

func newRunner(t *testing.T) (*runner, string) {
	t.Helper()
	docker := engine(t)
	prefix, base := importBase(t, docker)
	b := newBench(t)
	b.env["DRYDOCK_DOCKER"] = docker
	t.Chdir(t.TempDir())
	if exec.Command(docker, "network", "inspect", "drydock-isolated").Run() != nil {
		t.Cleanup(func() { _ = exec.Command(docker, "network", "rm", "drydock-isolated").Run() })
	}
	return &runner{b, docker, strings.ReplaceAll(prefix, "/", "-")}, base
}

// start starts a container, and returns what the Engine has of it, and what was said.
func (r *runner) start(args ...string) (host, string) {
	r.t.Helper()
	name := r.prefix + "-" + strings.ToLower(strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '-'
	}, strings.ToLower(r.t.Name())))
	name = name[:min(len(name), 120)] + "x"
	a := r.run(append([]string{"run", "--detach", "--name", name}, args...)...)
	r.t.Cleanup(func() { _ = exec.Command(r.docker, "rm", "--force", "--volumes", name).Run() })
	if a.code != 0 {
		r.t.Fatalf("exit code %d\n%s%s", a.code, a.stdout, a.stderr)
	}
	var all []host
	if err := json.Unmarshal([]byte(command(r.t, nil, r.docker, "container", "inspect", name)), &all); err != nil || len(all) != 1 {
		r.t.Fatalf("%v: %d containers", err, len(all))
	}
	command(r.t, nil, r.docker, "rm", "--force", "--volumes", name)
	return all[0], a.stderr
}

// label makes an image with a profile in its label.
func (r *runner) label(base, profile string) string {
	r.t.Helper()
	file := r.t.TempDir()
	image := r.prefix + "/labelled"
	writeFiles(r.t, file, map[string]string{"Dockerfile": "FROM " + base + "\nARG profile\nLABEL dev.drydock.profile=\"${profile}\"\n"})
	command(r.t, []string{"DOCKER_BUILDKIT=1"}, r.docker, "build", "--build-arg", "profile="+profile, "-t", image, file)
	removeAfter(r.t, r.docker, image)
	return image
}

// TestEngineRun starts containers with every flag of the guide, and wants of the Engine
// what was asked for, on top of the hardened defaults.
func TestEngineRun(t *testing.T) {
	r, base := newRunner(t)
	t.Run("hardened", func(t *testing.T) {
		r.t = t
		h, said := r.start(base, "sleep", "60")
		c := h.HostConfig
		if !slices.Equal(c.CapDrop, []string{"ALL"}) || len(c.CapAdd) > 0 || !slices.Equal(c.SecurityOpt, []string{"no-new-privileges"}) || !c.ReadonlyRootfs {
			t.Errorf("%+v", c)
		}
		if c.Memory != 1<<30 || c.MemorySwap != 1<<30 || c.PidsLimit != 256 || c.Tmpfs["/tmp"] == "" || c.Tmpfs["/run"] == "" {
			t.Errorf("%+v", c)
		}
		if !strings.Contains(said, "hint: drydock observe "+base) {
			t.Errorf("said %q", said)
		}
		if !strings.HasPrefix(h.Config.Image, "sha256:") {
			t.Errorf("it was started as %s and not by its digest", h.Config.Image)
		}
	})
	t.Run("the guide's flags", func(t *testing.T) {
		r.t = t
		h, _ := r.start("--cap-add", "NET_BIND_SERVICE", "--cap-drop", "CHOWN", "--security-opt", "seccomp=unconfined", "--cpus", "0.5", "--memory", "64m",
			"--ulimit", "nofile=100:200", "--ulimit", "nproc=30", "--restart", "on-failure:3", "--icc=false", "-u", "1000:1000",
			"-v", "/tmp", "-e", "A=b", base, "sleep", "60")
		c := h.HostConfig
		if !slices.Contains([]string{"NET_BIND_SERVICE", "CAP_NET_BIND_SERVICE"}, strings.Join(c.CapAdd, " ")) || len(c.CapDrop) != 2 {
			t.Errorf("capabilities %q, without %q", c.CapAdd, c.CapDrop)
		}
		if !slices.Contains(c.SecurityOpt, "seccomp=unconfined") || !slices.Contains(c.SecurityOpt, "no-new-privileges") {
			t.Errorf("%q", c.SecurityOpt)
		}
		if c.Memory != 64<<20 || c.NanoCPUs != 5e8 || c.RestartPolicy.Name != "on-failure" || c.RestartPolicy.MaximumRetryCount != 3 {
			t.Errorf("%+v", c)
		}
		for _, u := range c.Ulimits {
			if u.Name == "nofile" && (u.Soft != 100 || u.Hard != 200) || u.Name == "nproc" && u.Soft != 30 {
				t.Errorf("%+v", c.Ulimits)
			}
		}
		if c.NetworkMode != "drydock-isolated" || c.Tmpfs["/tmp"] != "" || c.Tmpfs["/run"] == "" || h.Config.User != "1000:1000" {
			t.Errorf("%+v", h)
		}
		icc := command(t, nil, r.docker, "network", "inspect", "-f", `{{index .Options "com.docker.network.bridge.enable_icc"}}`, "drydock-isolated")
		if strings.TrimSpace(icc) != "false" {
			t.Errorf("enable_icc is %q", icc)
		}
	})
	t.Run("exit code and output", func(t *testing.T) {
		r.t = t
		if a := r.run("run", "--rm", base, "sh", "-c", "id -u; touch /x; exit 7"); a.code != 7 || !strings.HasPrefix(a.stdout, "0\n") || !strings.Contains(a.stderr, "Read-only") {
			t.Errorf("%+v", a)
		}
	})
	t.Run("a dry run", func(t *testing.T) {
		r.t = t
		a := r.run("run", "--dry-run", "--icc=false", "-it", "-p", "127.0.0.1:8080:80", "--env-file", "x.env", "--entrypoint", "sh", base, "-c", "echo $HOME")
		for _, want := range []string{
			"docker network create -o com.docker.network.bridge.enable_icc=false drydock-isolated\n", "docker run --cap-drop=ALL --security-opt=no-new-privileges --read-only",
			"--network=drydock-isolated", "--publish=127.0.0.1:8080:80", "--env-file=x.env", "--entrypoint=sh", "--interactive=true", "sha256:", `-c 'echo $HOME'`,
		} {
			if !strings.Contains(a.stdout, want) {
				t.Errorf("no %s in\n%s", want, a.stdout)
			}
		}
	})
	t.Run("an image that is not there", func(t *testing.T) {
		r.t = t
		if a := r.run("run", "--pull", "never", "drydock-test/none:1"); a.code != 1 || !strings.Contains(a.stderr, "hint: docker pull drydock-test/none:1") {
			t.Errorf("%+v", a)
		}
		if a := r.run("run", "--pull", "maybe", base); a.code != 1 || !strings.Contains(a.stderr, "hint: --pull always, missing, or never") {
			t.Errorf("%+v", a)
		}
	})
}

// TestEngineRunHostileLabel runs an image whose label asks for everything: it gets
// nothing of that.
func TestEngineRunHostileLabel(t *testing.T) {
	r, base := newRunner(t)
	image := r.label(base, `{"schema":"drydock.profile/v1","capabilities":["SYS_ADMIN","NET_RAW"],"noNewPrivileges":false,"readOnly":false,`+
		`"tmpfs":["/etc"],"volumes":["/"],"user":"0:0","memory":1099511627776,"pids":-1,"nofile":-1,"nproc":-1,"network":"host","restart":"always",`+
		`"seccomp":{"defaultAction":"SCMP_ACT_ALLOW"},"binds":["/:/host"],"privileged":true,"securityOpt":["seccomp=unconfined"]}`)
	h, said := r.start(image, "sleep", "60")
	c := h.HostConfig
	if !slices.Equal(c.CapDrop, []string{"ALL"}) || len(c.CapAdd)+len(c.Binds) > 0 || c.Privileged || !c.ReadonlyRootfs || h.Config.User != "" {
		t.Errorf("%+v", h)
	}
	if c.NetworkMode == "host" || c.Memory != 1<<30 || c.PidsLimit != 256 || c.RestartPolicy.Name == "always" || len(c.Tmpfs) > 2 {
		t.Errorf("%+v", c)
	}
	for _, o := range c.SecurityOpt {
		if strings.Contains(o, "unconfined") || strings.Contains(o, `"mount"`) {
			t.Errorf("%.200s", o)
		}
	}
	for _, want := range []string{"SYS_ADMIN", "NET_RAW", "new privileges", "a writable root", "/etc", "user 0:0"} {
		if !strings.Contains(said, want) {
			t.Errorf("nothing is said of %s:\n%s", want, said)
		}
	}
}

// TestEngineRunNarrowLabel runs an image whose label asks for less: it gets that, its
// filter included.
func TestEngineRunNarrowLabel(t *testing.T) {
	b, err := os.ReadFile("../runtime/confine/floor.txt") // more than enough for a shell and what starts it
	if err != nil {
		t.Fatal(err)
	}
	names, err := json.Marshal(strings.Fields(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	r, base := newRunner(t)
	image := r.label(base, `{"schema":"drydock.profile/v1","capabilities":[],"noNewPrivileges":true,"readOnly":true,"tmpfs":["/tmp"],"volumes":[],`+
		`"user":"1000:1000","memory":33554432,"pids":20,"network":"none","seccomp":{"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_X86_64"],`+
		`"syscalls":[{"names":`+string(names)+`,"action":"SCMP_ACT_ALLOW"},{"names":["mount","keyctl"],"action":"SCMP_ACT_ALLOW"}]}}`)
	h, said := r.start(image, "sleep", "60")
	c := h.HostConfig
	if c.Memory != 32<<20 || c.PidsLimit != 20 || c.NetworkMode != "none" || h.Config.User != "1000:1000" || c.Tmpfs["/run"] != "" {
		t.Errorf("%+v", h)
	}
	i := slices.IndexFunc(c.SecurityOpt, func(o string) bool { return strings.HasPrefix(o, "seccomp=") })
	if i < 0 || strings.Contains(c.SecurityOpt[i], `"mount"`) || !strings.Contains(c.SecurityOpt[i], `"execve"`) {
		t.Errorf("%.300q", c.SecurityOpt)
	}
	if !strings.Contains(said, "calls beyond the Engine's default: keyctl, mount") {
		t.Errorf("said %s", said)
	}
}

// TestEngineRunAttached runs an image under the profile that is attached to it in its
// registry.
func TestEngineRunAttached(t *testing.T) {
	r, base := newRunner(t)
	for name, api := range map[string]bool{"by the referrers API": true, "by the tag that stands in for it": false} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			s := httptest.NewServer(registry.New(registry.WithReferrersSupport(api), registry.Logger(log.New(io.Discard, "", 0))))
			t.Cleanup(s.Close)
			image := strings.TrimPrefix(s.URL, "http://") + "/me/app:1"
			command(t, nil, r.docker, "tag", base, image)
			removeAfter(t, r.docker, image)
			command(t, nil, r.docker, "push", image)
			h, said := r.start(image, "sleep", "60")
			if !strings.Contains(said, "nothing is known") || h.HostConfig.Memory != 1<<30 {
				t.Errorf("%s\n%+v", said, h)
			}
			writeFiles(t, ".", map[string]string{"p/profile.json": `{"schema":"drydock.profile/v1","capabilities":["SYS_ADMIN"],"noNewPrivileges":true,` +
				`"readOnly":true,"tmpfs":["/tmp"],"memory":67108864,"pids":30,"network":"none"}`})
			if a := r.run("confine", "--profile", "p", "--attach", image); a.code != 0 || !strings.Contains(a.stdout, "attached to ") {
				t.Fatalf("%+v", a)
			}
			h, said = r.start(image, "sleep", "60")
			c := h.HostConfig
			if c.Memory != 64<<20 || c.PidsLimit != 30 || c.NetworkMode != "none" || len(c.CapAdd) > 0 || !strings.Contains(said, "capability SYS_ADMIN") {
				t.Errorf("%s\n%+v", said, c)
			}
			h, said = r.start("--offline", image, "sleep", "60")
			if h.HostConfig.Memory != 1<<30 || strings.Contains(said, "network:") {
				t.Errorf("offline: %s\n%+v", said, h.HostConfig)
			}
		})
	}
}

// TestEngineRunBeside takes the profile of this very image that lies here.
func TestEngineRunBeside(t *testing.T) {
	r, base := newRunner(t)
	id := strings.TrimSpace(command(t, nil, r.docker, "image", "inspect", "-f", "{{.Id}}", base))
	profile := `{"schema":"drydock.profile/v1","image":{"name":"x","id":"` + id + `"},"runtime":{"name":"other","version":"1"},` +
		`"capabilities":["CHOWN"],"noNewPrivileges":true,"memory":67108864,"pids":30,"network":"isolated"}`
	writeFiles(t, ".", map[string]string{"alpine-profile/profile.json": profile})
	h, said := r.start(base, "sleep", "60")
	c := h.HostConfig
	if len(c.CapAdd) != 1 || c.ReadonlyRootfs || c.NetworkMode != "drydock-isolated" || c.Memory != 64<<20 {
		t.Errorf("%+v", c)
	}
	if !strings.Contains(said, "note: under the profile in alpine-profile") || !strings.Contains(said, "warning: the profile is for other 1") {
		t.Errorf("said %s", said)
	}
	// One that others could have put there, or that is of another image, is not taken.
	if err := os.Chmod("alpine-profile", 0o777); err != nil {
		t.Fatal(err)
	}
	if h, said := r.start(base, "sleep", "60"); len(h.HostConfig.CapAdd) > 0 || !strings.Contains(said, "is not used") {
		t.Errorf("%s\n%+v", said, h.HostConfig)
	}
	writeFiles(t, ".", map[string]string{"alpine-profile/profile.json": strings.Replace(profile, id, "sha256:1", 1)})
	if h, said := r.start(base, "sleep", "60"); len(h.HostConfig.CapAdd) > 0 || !strings.Contains(said, "nothing is known") {
		t.Errorf("%s\n%+v", said, h.HostConfig)
	}
}
