package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/cli"
)

// The second tier: tests against a real Docker Engine, Docker CLI, registry and
// root file systems. On a laptop without one they say so and skip; under
// CI=true, where .ci/run provides all of them, an absent one is a failure.

// lacking ends a test whose surroundings are not there.
func lacking(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("under CI=true this must be there: "+format, args...)
	}
	t.Skipf(format, args...)
}

// sharedFile is a file of the real test data.
func sharedFile(t *testing.T, path string) string {
	t.Helper()
	dir := shared()
	if dir == "" {
		lacking(t, "DRYDOCK_SHARED is not set and ../shared is not there")
	}
	abs, err := filepath.Abs(filepath.Join(dir, path))
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// answer is what a run of the program gave.
type answer struct {
	stdout, stderr string
	code           int
}

// bench is where a test runs the program: with its own cache and no database
// but the embedded one, so that no run knows of another test's.
type workbench struct {
	t     *testing.T
	env   map[string]string
	stdin io.Reader
	now   func() time.Time // nil: today
}

func newBench(t *testing.T) *workbench {
	dir := t.TempDir()
	return &workbench{t: t, env: map[string]string{
		"XDG_CACHE_HOME": filepath.Join(dir, "cache"), "XDG_DATA_HOME": filepath.Join(dir, "data"),
	}}
}

// run runs the program in this process.
func (b *workbench) run(args ...string) answer {
	b.t.Helper()
	var stdout, stderr bytes.Buffer
	now := today
	if b.now != nil {
		now = b.now
	}
	env := cli.Env{
		Stdin: b.stdin, Stdout: &stdout, Stderr: &stderr, Now: now, Version: "v0.0.0-test",
		Getenv: func(k string) string {
			if v, ok := b.env[k]; ok {
				return v
			}
			return os.Getenv(k)
		},
	}
	code := cli.Main(context.Background(), env, append([]string{"drydock"}, args...)...)
	return answer{stdout.String(), stderr.String(), code}
}

// ok runs the program and wants exit code 0.
func (b *workbench) ok(args ...string) string {
	b.t.Helper()
	a := b.run(args...)
	if a.code != 0 {
		b.t.Fatalf("drydock %s: exit code %d\n%s", strings.Join(args, " "), a.code, a.stderr)
	}
	return a.stdout
}

// scanned is the part of the JSON report that these tests look at.
type scanned struct {
	Subjects []struct{ Name, Digest string }
	Findings []foundVuln
	Unknown  []struct{ What, Why string }
	Packages []listedPackage
	Images   []struct {
		Base   string
		Layers []struct {
			CreatedBy string
			Source    *struct {
				File string
				Line int
			}
		}
	}
}

type foundVuln struct {
	Rule, ID, Package, Severity, FixedIn string
	Aliases                              []string
	Suppressed                           *struct{ By, Reason string }
	At                                   []struct {
		Layer, Path string
		Source      *struct{ Line int }
	}
}

type listedPackage struct {
	Purl, Type, Namespace, Name, Version string
	Layer                                string
	Removed                              bool
}

// scan runs a verb with --format json.
func (b *workbench) scan(args ...string) scanned {
	b.t.Helper()
	var s scanned
	out := b.ok(append(args, "--format", "json")...)
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		b.t.Fatalf("drydock %v: %v\n%.2000s", args, err, out)
	}
	return s
}

// facts are the vulnerabilities as an image and its SBOM must share them: id,
// package, severity, fix, layers and suppression, a line each, sorted.
func (s scanned) facts() []string {
	var out []string
	for _, f := range s.Findings {
		if !strings.HasPrefix(f.Rule, "vuln/") {
			continue
		}
		layers := map[string]bool{}
		for _, at := range f.At {
			layers[at.Layer] = true
		}
		var in []string
		for l := range layers {
			in = append(in, l)
		}
		slices.Sort(in)
		why := "counts"
		if f.Suppressed != nil {
			why = f.Suppressed.By + ": " + f.Suppressed.Reason
		}
		out = append(out, fmt.Sprintf("%s %s %s %s fixed=%q %v %s", f.Rule, f.ID, f.Package, f.Severity, f.FixedIn, in, why))
	}
	slices.Sort(out)
	return out
}

// purls are the packages of the final image, sorted.
func (s scanned) purls() []string {
	var out []string
	for _, p := range s.Packages {
		if !p.Removed {
			out = append(out, p.Purl)
		}
	}
	slices.Sort(out)
	return out
}

// command runs another program to its end and gives its standard output.
func command(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

// writeFiles lays files out in a folder.
func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, body := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
