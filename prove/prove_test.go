// Package prove_test runs the proofs end to end: each case is a Dockerfile with
// its build context, a fix, and how far it must be proved on a real Docker
// Engine, or at which step it must be refused.
package prove_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/drydock-dev/drydock/internal/cli"
)

// proof is one case, as its file says it: "name: value" lines, then the files.
type proof struct {
	name    string
	needs   []string // stand-ins that prove/images makes
	args    []string // of drydock
	reached string   // the level that all that was applied must reach
	refused string   // "step: pattern" of the failure that there must be; both are patterns
	short   string   // the level that is reached although more is asked for
	want    []string // patterns that the fixed Dockerfile must match
	smaller bool     // the image must have become smaller
	user    string   // of the image after
	ci      bool     // it runs in CI too
	shared  []string // files that are taken from elsewhere in the repository: "from to"
	files   []txtar.File
}

func read(t *testing.T, file string) proof {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p := proof{name: strings.TrimSuffix(filepath.Base(file), ".txtar"), files: a.Files}
	for line := range strings.Lines(string(a.Comment)) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok || strings.Contains(key, " ") {
			continue
		}
		switch key {
		case "needs":
			p.needs = strings.Fields(value)
		case "args":
			p.args = split(value)
		case "reached":
			p.reached = value
		case "refused":
			p.refused = value
		case "short":
			p.short = value
		case "want":
			p.want = append(p.want, value)
		case "smaller":
			p.smaller = value == "yes"
		case "user":
			p.user = value
		case "ci":
			p.ci = value == "yes"
		case "copy":
			p.shared = append(p.shared, value)
		default:
			t.Fatalf("%s: unknown key %q", file, key)
		}
	}
	if len(p.args) == 0 || p.reached+p.refused+p.short == "" {
		t.Fatalf("%s: it says no args, or not how it ends", file)
	}
	return p
}

// split splits words at spaces, single quotes hold some together.
func split(s string) []string {
	var out []string
	for i, part := range strings.Split(s, "'") {
		if i%2 == 1 {
			out = append(out, part)
		} else {
			out = append(out, strings.Fields(part)...)
		}
	}
	return out
}

// report is what is read of the JSON that fix prints.
type report struct {
	Fixed []struct {
		Applied []struct{ Rule string }
		Left    []struct {
			Rule, Why string
			Failed    *failure
		}
		Proof *struct {
			Reached       string
			Failed, Short *failure
			Before, After *struct {
				Size            int64
				Packages        int
				Vulnerabilities map[string]int
				User            string
			}
			Cache *struct{ Before, After [2]int }
			Left  []string `json:"leftBehind"`
		}
	}
	Unknown []struct{ What, Why string }
}

type failure struct {
	Step, Why string
	Log       []string
}

func TestProofs(t *testing.T) {
	mode := os.Getenv("DRYDOCK_PROVE") // "all", or patterns of names
	inCI := os.Getenv("CI") == "true"
	if mode == "" && !inCI {
		t.Skip("proofs need a Docker Engine, Debian's packages and minutes: make prove")
	}
	docker := engine(t)
	files, err := filepath.Glob("cases/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d cases, %v", len(files), err)
	}
	ran := 0
	for _, file := range files {
		p := read(t, file)
		if chosen, _ := filepath.Match(mode, p.name); mode != "all" && !chosen && (mode != "" || !p.ci) {
			continue
		}
		ran++
		t.Run(p.name, func(t *testing.T) { p.run(t, docker) })
	}
	if ran == 0 || mode == "" && ran < 6 {
		t.Errorf("%d proofs ran", ran)
	}
}

func engine(t *testing.T) string {
	t.Helper()
	docker := os.Getenv("DRYDOCK_DOCKER")
	if docker == "" {
		docker = "docker"
		if _, err := os.Stat("/usr/bin/docker"); err == nil {
			docker = "/usr/bin/docker"
		}
	}
	if out, err := exec.Command(docker, "version").CombinedOutput(); err != nil {
		t.Fatalf("no Docker Engine answers: %v\n%s", err, out)
	}
	return docker
}

func (p proof) run(t *testing.T, docker string) {
	if out, err := exec.Command("./images", p.needs...).CombinedOutput(); err != nil {
		t.Fatalf("prove/images %v: %v\n%s", p.needs, err, out)
	}
	before := made(t, docker)
	dir := p.layOut(t)
	var stdout, stderr bytes.Buffer
	env := cli.Env{
		Stdout: &stdout, Stderr: &stderr, Now: time.Now, Version: "prove",
		Getenv: func(name string) string {
			if name == "HOME" || strings.HasPrefix(name, "XDG_") {
				return dir
			}
			return os.Getenv(name)
		},
	}
	t.Setenv("DRYDOCK_DOCKER", docker)
	args := append([]string{"drydock"}, p.args...)
	args = append(args, "--format", "json", "--write", "--cache-dir", t.TempDir(), dir)
	began := time.Now()
	code := cli.Main(context.Background(), env, args...)
	took := time.Since(began).Round(100 * time.Millisecond)
	var got report
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatalf("exit code %d, %v\n%s\n%s", code, err, stdout.Bytes(), stderr.Bytes())
	}
	if after := made(t, docker); !slices.Equal(before, after) {
		t.Errorf("left behind: before %v, after %v", before, after)
	}
	if p.refused != "" {
		p.holdRefused(t, dir, got, code)
		t.Logf("PROOF | %s | refused at %s | | | | %s |", p.name, p.refused, took)
		return
	}
	if p.short != "" {
		if code != 1 || len(got.Fixed) == 0 || got.Fixed[0].Proof == nil || got.Fixed[0].Proof.Reached != p.short || got.Fixed[0].Proof.Short == nil {
			t.Fatalf("exit code %d\n%s\n%s", code, stdout.Bytes(), stderr.Bytes())
		}
		t.Logf("PROOF | %s | stops at %s: %s | | | | %s |", p.name, p.short, got.Fixed[0].Proof.Short.Why, took)
		return
	}
	if code != 0 || len(got.Fixed) == 0 || len(got.Fixed[0].Applied) == 0 || got.Fixed[0].Proof == nil || got.Fixed[0].Proof.Reached != p.reached {
		t.Fatalf("exit code %d\n%s\n%s", code, stdout.Bytes(), stderr.Bytes())
	}
	v := got.Fixed[0].Proof
	text, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range p.want {
		if !regexp.MustCompile(`(?m)` + w).Match(text) {
			t.Errorf("the result does not match %q:\n%s", w, text)
		}
	}
	sizes := "|"
	if v.Before != nil && v.After != nil {
		if p.smaller && v.After.Size >= v.Before.Size {
			t.Errorf("%d bytes became %d", v.Before.Size, v.After.Size)
		}
		if p.user != "" && v.After.User != p.user {
			t.Errorf("it runs as %q, not as %q", v.After.User, p.user)
		}
		sizes = fmt.Sprintf("%.1f → %.1f MB | %d → %d | %s → %s", float64(v.Before.Size)/1e6, float64(v.After.Size)/1e6,
			v.Before.Packages, v.After.Packages, vulns(v.Before.Vulnerabilities), vulns(v.After.Vulnerabilities))
	}
	t.Logf("PROOF | %s | %s | %s | %s |", p.name, v.Reached, sizes, took)
}

func vulns(n map[string]int) string {
	return fmt.Sprintf("%dC %dH %dM %dL", n["critical"], n["high"], n["medium"], n["low"])
}

// holdRefused wants a failure of that step and reason, a file as it was, and an
// exit code that says so.
func (p proof) holdRefused(t *testing.T, dir string, got report, code int) {
	t.Helper()
	step, pattern, _ := strings.Cut(p.refused, ": ")
	var all []failure
	for _, f := range got.Fixed {
		for _, l := range f.Left {
			if l.Failed != nil {
				all = append(all, *l.Failed)
			}
		}
		if f.Proof != nil && f.Proof.Failed != nil {
			all = append(all, *f.Proof.Failed)
		}
	}
	if code != 1 || !slices.ContainsFunc(all, func(f failure) bool {
		return regexp.MustCompile("^(?:"+step+")$").MatchString(f.Step) && regexp.MustCompile(pattern).MatchString(f.Why)
	}) {
		t.Errorf("exit code %d, not refused at %q: %+v", code, p.refused, got)
	}
	for _, f := range p.files {
		if f.Name == "Dockerfile" {
			if b, err := os.ReadFile(filepath.Join(dir, f.Name)); err != nil || !bytes.Equal(b, f.Data) {
				t.Errorf("what failed its proof was written: %v\n%s", err, b)
			}
		}
	}
}

// layOut writes the case's files to a folder.
func (p proof) layOut(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, line := range p.shared {
		from, to, _ := strings.Cut(line, " ")
		if err := os.CopyFS(filepath.Join(dir, to), os.DirFS(filepath.Join("..", from))); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range p.files {
		name := filepath.Join(dir, filepath.FromSlash(f.Name))
		mode := os.FileMode(0o644)
		if bytes.HasPrefix(f.Data, []byte("#!")) {
			mode = 0o755
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// made are the containers, images and networks of proofs that there are.
func made(t *testing.T, docker string) []string {
	t.Helper()
	var all []string
	for _, args := range [][]string{{"ps", "-aq"}, {"images", "-q"}, {"network", "ls", "-q"}} {
		out, err := exec.Command(docker, append(args, "--filter", "label=dev.drydock.proof")...).Output()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.Fields(string(out))...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
