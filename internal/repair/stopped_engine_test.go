//go:build unix

package repair_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// program is drydock as users run it, and docker the client that builds.
func program(t *testing.T) (drydock, docker string) {
	t.Helper()
	docker = "docker"
	for _, d := range []string{"/usr/bin/docker", os.Getenv("DRYDOCK_DOCKER")} {
		if _, err := os.Stat(d); err == nil {
			docker = d
		}
	}
	if out, err := exec.Command(docker, "version", "--format", "{{.Server.Version}}").CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no Docker Engine answers: %v\n%s", err, out)
		}
		t.Skipf("no Docker Engine answers: %v\n%s", err, out)
	}
	drydock = filepath.Join(t.TempDir(), "drydock")
	build := exec.Command("go", "build", "-o", drydock, "../../cmd/drydock")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return drydock, docker
}

// stopped is a run of fix that is told to end.
type stopped struct {
	t                    *testing.T
	drydock, docker, dir string
	base                 string // an image with a shell
}

// The last line of the file cannot live with pipefail; what stands above it is
// safe to put right. So the first proof fails, the second has the safe fixes
// pass, and the third, in its fifth and sixth build, fails again.
func (s *stopped) files() (before, safe string) {
	before = "FROM " + s.base + "\nMAINTAINER a@example.com\nENV A 1\nENTRYPOINT [\"sh\", \"-c\"]\nRUN cat /missing | sort >/sorted\nCMD [\"sleep 60\"]\n"
	safe = "FROM " + s.base + "\nLABEL org.opencontainers.image.authors=\"a@example.com\"\nENV A=1\nENTRYPOINT [\"sh\", \"-c\"]\nRUN cat /missing | sort >/sorted\nCMD [\"sleep 60\"]\n"
	return before, safe
}

var proofs = regexp.MustCompile(`drydock-proof-[a-z2-7]{26}`)

// run has the program told to end some time after its nth build has begun, and
// returns its exit code, what it printed, and what the file says then.
func (s *stopped) run(sig syscall.Signal, nth int, after time.Duration, level string) (code int, out, file string) {
	s.t.Helper()
	name := filepath.Join(s.dir, "Dockerfile")
	before, _ := s.files()
	heard := filepath.Join(s.t.TempDir(), "heard")
	wrapper := filepath.Join(filepath.Dir(heard), "docker")
	script := fmt.Sprintf(`#!/bin/sh
echo "$*" >>'%[1]s'
case "$*" in
*build*--tag*)
	if test "$(grep -c 'build.*--tag' '%[1]s')" = %[2]d; then parent=$PPID; (sleep %.2[3]f; kill -%[4]d "$parent") & fi ;;
esac
exec '%[5]s' "$@"
`, heard, nth, after.Seconds(), int(sig), s.docker)
	for path, text := range map[string]string{name: before, wrapper: script} {
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			s.t.Fatal(err)
		}
	}
	tmp := s.t.TempDir()
	cmd := exec.Command(s.drydock, "fix", "--offline", "--unsafe", "--write", "--no-color", "--prove", level, "--settle", "4s",
		"--only", "dockerfile/pipefail,dockerfile/maintainer-deprecated,dockerfile/legacy-key-value-format", name)
	cmd.Env = append(os.Environ(), "DRYDOCK_DOCKER="+wrapper, "TMPDIR="+tmp, "XDG_DATA_HOME="+s.dir+"-data", "XDG_CACHE_HOME="+s.dir+"-cache")
	b, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	now, err := os.ReadFile(name)
	if err != nil {
		s.t.Fatal(err)
	}
	s.clean(heard, tmp)
	return cmd.ProcessState.ExitCode(), string(b), string(now)
}

// clean wants nothing left: in the Engine nothing of the names that the builds
// had, no temporary files, and nothing beside the Dockerfile.
func (s *stopped) clean(heard, tmp string) {
	s.t.Helper()
	b, err := os.ReadFile(heard)
	if err != nil {
		s.t.Fatal(err)
	}
	ours := proofs.FindAllString(string(b), -1)
	if len(ours) == 0 {
		s.t.Fatalf("nothing was built: %s", b)
	}
	for _, args := range [][]string{
		{"ps", "--all", "--format", "{{.Names}} {{.Image}}"},
		{"images", "--all", "--format", "{{.Repository}}"},
		{"network", "ls", "--format", "{{.Name}}"},
		{"volume", "ls", "--format", "{{.Name}}"},
	} {
		out, err := exec.Command(s.docker, args...).Output()
		if err != nil {
			s.t.Fatal(err)
		}
		for _, name := range proofs.FindAllString(string(out), -1) {
			if slices.Contains(ours, name) {
				s.t.Errorf("docker %v has %s", args, name)
			}
		}
	}
	for dir, want := range map[string]int{tmp: 0, s.dir: 1} {
		if left, err := os.ReadDir(dir); err != nil || len(left) != want {
			s.t.Errorf("%s has %v (%v)", dir, left, err)
		}
	}
}

// TestEngineStoppedFixKeepsWhatWasProved: told to end in the middle of a proof,
// fix writes what was proved until then and nothing of the rest, says so, and
// leaves nothing in the Engine.
func TestEngineStoppedFixKeepsWhatWasProved(t *testing.T) {
	s := &stopped{t: t, dir: filepath.Join(t.TempDir(), "app")}
	s.drydock, s.docker = program(t)
	if err := os.Mkdir(s.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s.base = shellImage(t, s.docker)
	before, safe := s.files()
	for _, tt := range []struct {
		sig   syscall.Signal
		nth   int
		after time.Duration
		level string
		want  string
	}{
		{syscall.SIGTERM, 99, 0, "rebuild", safe}, // not at all
		{syscall.SIGTERM, 1, 0, "rebuild", before},
		{syscall.SIGINT, 2, 0, "rebuild", before},
		{syscall.SIGTERM, 5, 0, "rebuild", safe},
		{syscall.SIGINT, 6, 0, "rebuild", safe},
		{syscall.SIGTERM, 6, 0, "rebuild", safe},
		{syscall.SIGTERM, 4, 3 * time.Second, "run", before}, // the safe fixes' containers run, and have not been held to be well
	} {
		t.Run(fmt.Sprintf("%v at build %d and %v, %s", tt.sig, tt.nth, tt.after, tt.level), func(t *testing.T) {
			s := *s
			s.t = t
			code, out, file := s.run(tt.sig, tt.nth, tt.after, tt.level)
			if file != tt.want {
				t.Errorf("the file says\n%s\nwant\n%s\n%s", file, tt.want, out)
			}
			if code == 0 {
				t.Errorf("it ends well\n%s", out)
			}
			if tt.want == safe {
				for _, want := range []string{"2 fixes are written", "proof: rebuilt", "dockerfile/pipefail"} {
					if !strings.Contains(out, want) {
						t.Errorf("no %q in\n%s", want, out)
					}
				}
			}
			if told := strings.Contains(out, "stopped"); tt.nth < 99 && tt.want == safe && !told {
				t.Errorf("what was not tried is not told:\n%s", out)
			}
		})
	}
}

// shellImage is an image with a shell that knows pipefail, made here: nothing is
// fetched.
func shellImage(t *testing.T, docker string) string {
	t.Helper()
	shared := os.Getenv("DRYDOCK_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	found, err := filepath.Glob(filepath.Join(shared, "images", "alpine-minirootfs-3.20*.tar.gz"))
	if err != nil || len(found) == 0 {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the shared data is needed under CI: %v", err)
		}
		t.Skipf("no shared data (set DRYDOCK_SHARED): %v", err)
	}
	name := fmt.Sprintf("drydock-test-%d-stopped/alpine:3.20", os.Getpid())
	cmd := exec.Command(docker, "import", found[0], name)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command(docker, "rmi", "--force", name).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	return name
}
