package cli_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// builder is the Docker client that the images are built with: DRYDOCK_DOCKER,
// else the distribution's, which speaks to BuildKit without a plugin.
func builder() string {
	if d := os.Getenv("DRYDOCK_DOCKER"); d != "" {
		return d
	}
	if _, err := os.Stat("/usr/bin/docker"); err == nil {
		return "/usr/bin/docker"
	}
	return "docker"
}

// engine is a Docker client whose Engine answers. CI runs what needs one on
// several, and finds it by its name.
func engine(t *testing.T) string {
	t.Helper()
	if !strings.Contains(t.Name(), "Engine") {
		t.Fatal(`a test that needs a Docker Engine has "Engine" in its name`)
	}
	docker := builder()
	if os.Getenv("DOCKER_HOST") == "" { // the user's context, but not his credentials
		out, err := exec.Command(docker, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}").Output()
		if host := strings.TrimSpace(string(out)); err == nil && host != "" {
			t.Setenv("DOCKER_HOST", host)
		}
	}
	t.Setenv("DOCKER_CONFIG", dockerConfig(t))
	if out, err := exec.Command(docker, "version").CombinedOutput(); err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		lacking(t, "no Docker Engine answers: %s version: %v: %s", docker, err, lines[len(lines)-1])
	}
	return docker
}

// dockerConfig is a folder for Docker's configuration, with buildx where the
// user has it and nothing else of his.
func dockerConfig(t *testing.T) string {
	t.Helper()
	dir, users := t.TempDir(), os.Getenv("DOCKER_CONFIG")
	if users == "" {
		users = filepath.Join(os.Getenv("HOME"), ".docker")
	}
	const buildx = "cli-plugins/docker-buildx"
	program, err := filepath.EvalSymlinks(filepath.Join(users, buildx))
	if errors.Is(err, fs.ErrNotExist) {
		return dir
	}
	if err == nil {
		err = os.Mkdir(filepath.Join(dir, "cli-plugins"), 0o755)
	}
	if err == nil {
		err = os.Symlink(program, filepath.Join(dir, buildx))
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// importBase makes an image of Alpine 3.18.9's root file system, with a name of
// its own, and takes it away again after the test.
func importBase(t *testing.T, docker string) (prefix, base string) {
	t.Helper()
	prefix = fmt.Sprintf("drydock-test-%d-%s", os.Getpid(), strings.ToLower(strings.ReplaceAll(t.Name(), "/", "-")))
	base = prefix + "/alpine:3.18.9"
	command(t, nil, docker, "import", sharedFile(t, "images/alpine-minirootfs-3.18.9-x86_64.tar.gz"), base)
	removeAfter(t, docker, base)
	return prefix, base
}

// builtLast builds an image, which is then the one that is looked at where none is
// named. Others may build at the same time: it has three tries.
func builtLast(t *testing.T, b *workbench, build func(n int) string) {
	t.Helper()
	want, out := "", ""
	for n := range 3 {
		time.Sleep(time.Second) // the Engine counts in seconds
		want = build(n)
		if out = b.ok("quickview"); strings.Contains(out, want) {
			return
		}
	}
	t.Errorf("quickview without a target looked at another image than %s:\n%s", want, out)
}

func removeAfter(t *testing.T, docker, name string) {
	t.Cleanup(func() {
		if out, err := exec.Command(docker, "rmi", "--force", name).CombinedOutput(); err != nil {
			t.Errorf("docker rmi %s: %v\n%s", name, err, out)
		}
	})
}

// The instructions whose layers the builders record in ways of their own:
// several lines, the exec form, another shell, an argument, another stage.
const builtDockerfile = `# Line 1
FROM %s AS build
RUN mkdir /out && echo built > /out/app

FROM %[1]s
ARG WHO=world
ENV GREETING="hello ${WHO}"
WORKDIR /work
RUN echo "$GREETING" > greeting && \
    mkdir -p /opt/app
COPY package.json node_modules/lodash/
COPY --from=build /out/app /opt/app/
COPY --chown=1000:1000 notes.txt \
     /work/
RUN rm notes.txt
RUN ["/bin/sh", "-c", "touch /work/exec"]
SHELL ["/bin/ash", "-e", "-c"]
RUN echo done > done
LABEL org.opencontainers.image.source="https://example.com/app"
USER 1000
CMD ["cat", "/work/greeting"]
`

func TestEngineImages(t *testing.T) {
	docker := engine(t)
	prefix, base := importBase(t, docker)
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"Dockerfile":   fmt.Sprintf(builtDockerfile, base),
		"package.json": `{"name":"lodash","version":"4.17.15"}`,
		"notes.txt":    "to be removed\n",
	})
	dockerfile := filepath.Join(dir, "Dockerfile")
	images := map[string]string{}
	for name, kit := range map[string]string{"legacy": "0", "buildkit": "1"} {
		image := prefix + "/" + name + ":1"
		command(t, []string{"DOCKER_BUILDKIT=" + kit}, docker, "build", "--tag", image, dir)
		removeAfter(t, docker, image)
		images[name] = image
	}
	b := newBench(t)

	for name, image := range images {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			// Line 5 is the FROM that brought the base's layer.
			lines := []int{5, 8, 9, 11, 12, 13, 15, 16, 18}
			s := b.scan("layers", "--dockerfile", dockerfile, image)
			var got []int
			for _, l := range s.Images[0].Layers {
				line := 0
				if l.Source != nil {
					line = l.Source.Line
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(lines, got); diff != "" {
				t.Errorf("lines of the layers (-want +got):\n%s", diff)
			}

			s = b.scan("cves", "--dockerfile", dockerfile, image)
			line := map[string]int{}
			for _, f := range s.Findings {
				if len(f.At) > 0 && f.At[0].Source != nil {
					line[f.ID] = f.At[0].Source.Line
				}
			}
			for id, want := range map[string]int{"CVE-2021-23337": 11, "CVE-2024-9143": 5} {
				if line[id] != want {
					t.Errorf("%s is said to come from line %d, and comes from line %d", id, line[id], want)
				}
			}

			card := b.ok("check", "--dockerfile", dockerfile, image)
			for _, want := range []string{"CVE-2020-8203", "drydock "} {
				if !strings.Contains(card, want) {
					t.Errorf("check says nothing of %q:\n%s", want, card)
				}
			}
			if a := b.run("cves", "--fail-on", "severity:high", image); a.code != 2 {
				t.Errorf("at the gate: exit code %d, want 2", a.code)
			}
		})

		t.Run(name+" from everywhere", func(t *testing.T) {
			archive := filepath.Join(t.TempDir(), "saved.tar")
			command(t, nil, docker, "save", "--output", archive, image)
			saved, err := os.ReadFile(archive)
			if err != nil {
				t.Fatal(err)
			}
			var want scanned
			var wantVulns []string
			for i, target := range []string{"local://" + image, "image://" + image, "docker-daemon:" + image, archive, "archive://" + archive, "-"} {
				b := newBench(t) // each reads the layers itself
				b.stdin = bytes.NewReader(saved)
				s := b.scan("sbom", target)
				b.stdin = bytes.NewReader(saved)
				vulns := b.scan("cves", target).facts()
				if i == 0 {
					want, wantVulns = s, vulns
					if len(want.purls()) != 16 || len(vulns) < 6 {
						t.Fatalf("%s: %d packages, %d vulnerabilities", target, len(want.purls()), len(vulns))
					}
					continue
				}
				if diff := cmp.Diff(want.Packages, s.Packages); diff != "" {
					t.Errorf("packages of %s (-engine +there):\n%s", target, diff)
				}
				if diff := cmp.Diff(wantVulns, vulns); diff != "" {
					t.Errorf("vulnerabilities of %s (-engine +there):\n%s", target, diff)
				}
			}
		})
	}

	t.Run("compare", func(t *testing.T) {
		out := b.ok("compare", base, images["buildkit"])
		for _, want := range []string{"CVE-2021-23337", "lodash"} {
			if !strings.Contains(out, want) {
				t.Errorf("compare says nothing of %q:\n%s", want, out)
			}
		}
		if same := b.ok("compare", images["legacy"], "--to", images["buildkit"]); strings.Contains(same, "CVE-") {
			t.Errorf("two builds of one file differ:\n%s", same)
		}
	})

	t.Run("the most recently built", func(t *testing.T) {
		writeFiles(t, dir, map[string]string{"notes.txt": "changed\n"})
		// What is built from the cache is as old as what it was first built as.
		for _, c := range []struct {
			tag, notes string
			args       []string
		}{{"last", "changed\n", []string{"--no-cache"}}, {"between", "between\n", nil}, {"cached", "changed\n", nil}} {
			builtLast(t, b, func(n int) string {
				tag := fmt.Sprintf("%s/%s:%d", prefix, c.tag, n)
				writeFiles(t, dir, map[string]string{"notes.txt": c.notes})
				command(t, []string{"DOCKER_BUILDKIT=1"}, docker, append(append([]string{"build", "--tag", tag}, c.args...), dir)...)
				removeAfter(t, docker, tag)
				return tag
			})
		}
	})

	t.Run("absent", func(t *testing.T) {
		a := b.run("cves", "local://"+prefix+"/absent:1")
		if a.code != 1 || !strings.Contains(a.stderr, prefix+"/absent:1") || !strings.Contains(a.stderr, "hint:") {
			t.Errorf("exit code %d\n%s", a.code, a.stderr)
		}
	})
}
