package upgrade

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/gomod"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// goProgram is go and the proxy that it asks, where it can be reached.
func goProgram(t *testing.T) (string, plan.Modules) {
	t.Helper()
	if testing.Short() {
		t.Skip("asks the Go module proxy")
	}
	program, err := exec.LookPath("go")
	var proxy plan.Modules
	if err == nil {
		out, e := exec.Command(program, "env", "GOPROXY").Output()
		if err = e; err == nil {
			base := gomod.FirstProxy(strings.TrimSpace(string(out)))
			h := plan.HTTP{Base: base, Client: &http.Client{Timeout: 20 * time.Second}}
			if proxy = gomod.NewProxy(h); proxy != nil {
				_, err = proxy.Sums(t.Context(), "golang.org/x/text", "v0.3.8")
			}
		}
	}
	if err != nil || proxy == nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("go and a module proxy are wanted in CI: %v", err)
		}
		t.Skipf("no go that reaches a module proxy: %v", err)
	}
	return program, proxy
}

func run(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestGoBuildsWhatIsRaised makes a module that builds, raises what is old in
// it, and holds the result to the go command: it must build without wanting to
// change go.mod or go.sum, and every hash must be the right one.
func TestGoBuildsWhatIsRaised(t *testing.T) {
	program, proxy := goProgram(t)
	t.Setenv("GOFLAGS", "-mod=readonly")
	dir := t.TempDir()
	writeFS(t, dir, fstest.MapFS{
		"go.mod": {Data: []byte("module example.org/harbour\n\ngo 1.21\n\nrequire (\n\tgolang.org/x/net v0.15.0\n\tgopkg.in/yaml.v3 v3.0.0 // config\n)\n\nrequire golang.org/x/text v0.13.0 // indirect\n")},
		"main.go": {Data: []byte(`package main

import (
	"fmt"

	"golang.org/x/net/html"
	"golang.org/x/net/idna"
	"gopkg.in/yaml.v3"
)

func main() {
	s, err := idna.ToASCII("hafen.example")
	fmt.Println(s, err, html.EscapeString("<"))
	b, err := yaml.Marshal(1)
	fmt.Println(string(b), err)
}
`)},
	})
	run(t, dir, program, "mod", "tidy")
	run(t, dir, program, "build", "-o", os.DevNull, ".")
	// What the go line allows comes first; the next round lets the line rise, for a review.
	for _, round := range []struct {
		found         []finding.Finding
		raised, later int
	}{
		{[]finding.Finding{
			vulnerable("go.mod", "golang", "golang.org/x/net", "v0.15.0", "0.17.0"),
			vulnerable("go.mod", "golang", "golang.org/x/net", "v0.15.0", "0.38.0"),
			vulnerable("go.mod", "golang", "gopkg.in/yaml.v3", "v3.0.0", "3.0.1"),
		}, 2, 1},
		{[]finding.Finding{vulnerable("go.mod", "golang", "golang.org/x/net", "v0.17.0", "0.38.0")}, 1, 0},
	} {
		us, unknown := Plan(t.Context(), plan.Dir{FS: os.DirFS(dir), Modules: proxy}, round.found)
		t.Log("\n" + describe(us, unknown))
		if len(us) != round.raised || len(unknown) != round.later {
			t.Fatalf("want %d upgrades and %d later", round.raised, round.later)
		}
		writeFS(t, dir, apply(t, os.DirFS(dir), "", allEdits(us)))
		run(t, dir, program, "build", "-o", os.DevNull, ".")
		run(t, dir, program, "mod", "verify")
		for _, u := range us {
			if len(u.Commands) > 0 {
				t.Errorf("%s asks for %v", u.Fix.Title, u.Commands)
			}
		}
	}
	after, err := os.ReadFile(dir + "/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if out := run(t, dir, program, "list", "-m", "all"); !strings.Contains(out, "golang.org/x/net v0.38.0") || !strings.Contains(out, "yaml.v3 v3.0.1") {
		t.Errorf("go builds with\n%s", out)
	}
	run(t, dir, program, "mod", "tidy")
	tidied, err := os.ReadFile(dir + "/go.mod")
	if err != nil || string(tidied) != string(after) {
		t.Errorf("go mod tidy makes\n%s\nof\n%s%v", tidied, after, err)
	}
}
