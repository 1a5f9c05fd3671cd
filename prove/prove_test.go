// Package prove_test runs the proofs end to end: each case is a Dockerfile with
// its build context, a fix, and how far it must be proved on a real Docker
// Engine, or at which step it must be refused.
package prove_test

import (
	"bytes"
	"context"
	"encoding/json"
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
	short   string   // "level: pattern" of what is reached although more is asked for, and why
	kind    string   // what is proved, in the table
	want    []string // patterns that the fixed Dockerfile must match
	smaller bool     // the image must have become smaller
	user    string   // of the image after
	kept    bool     // more steps must be kept when a source file changes
	ci      bool     // it runs in CI too
	shared  []string // files that are taken from elsewhere in the repository: "from to"
	files   []txtar.File
}

// read reads a case as it is on an Engine of that kind: "classic-short: …" and the
// like stand in place of how it ends elsewhere.
func read(t *testing.T, file, engine string) proof {
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
		if kind, ends, ok := strings.Cut(key, "-"); ok && (kind == classic || kind == current) {
			if kind != engine {
				continue
			}
			key, p.reached, p.refused, p.short = ends, "", "", ""
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
		case "kind":
			p.kind = value
		case "want":
			p.want = append(p.want, value)
		case "smaller":
			p.smaller = value == "yes"
		case "kept":
			p.kept = value == "more"
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
	if len(p.args) == 0 || p.kind == "" || p.reached+p.refused+p.short == "" {
		t.Fatalf("%s: it says no args, not what it proves, or not how it ends", file)
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
			Before, After *built
			Cache         *kept
		}
	}
	Unknown []struct{ What, Why string }
}

type failure struct{ Step, Why string }

type built struct {
	Size            int64
	Packages        int
	Vulnerabilities map[string]int
	User            string
}

type kept struct{ Before, After [2]int } // steps from the cache, and all

func TestEngineProofs(t *testing.T) {
	mode := os.Getenv("DRYDOCK_PROVE") // "all", or patterns of names
	inCI := os.Getenv("CI") == "true"
	if mode == "" && !inCI {
		t.Skip("proofs need a Docker Engine, Debian's packages and minutes: make prove")
	}
	docker := engine(t)
	on := engineOf(t, docker)
	files, err := filepath.Glob("cases/*.txtar")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d cases, %v", len(files), err)
	}
	ran := 0
	var rows []row
	for _, file := range files {
		p := read(t, file, on.kind)
		if mode == "" && !p.ci || mode != "" && mode != "all" && !slices.ContainsFunc(strings.Fields(mode), func(one string) bool {
			ok, _ := filepath.Match(one, p.name)
			return ok
		}) {
			continue
		}
		ran++
		t.Run(p.name, func(t *testing.T) {
			r := p.run(t, docker)
			t.Logf("PROOF %s on %s", r, on.name)
			rows = append(rows, r)
		})
	}
	if ran == 0 || mode == "" && ran < 6 {
		t.Errorf("%d proofs ran", ran)
	}
	table(t, on, rows)
	if *update && mode == "all" && !t.Failed() {
		document(t, on, rows)
	}
}

// clock goes on from a day on which the releases that the cases name were
// supported, or not, as they say.
func clock() func() time.Time {
	began := time.Now()
	return func() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC).Add(time.Since(began)) }
}

// engine is a Docker client whose Engine answers. CI runs what needs one on
// several, and finds it by its name.
func engine(t *testing.T) string {
	t.Helper()
	if !strings.Contains(t.Name(), "Engine") {
		t.Fatal(`a test that needs a Docker Engine has "Engine" in its name`)
	}
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

func (p proof) run(t *testing.T, docker string) row {
	if out, err := exec.Command("./images", p.needs...).CombinedOutput(); err != nil {
		t.Fatalf("prove/images %v: %v\n%s", p.needs, err, out)
	}
	dir, home := p.layOut(t), t.TempDir() // what Drydock keeps is no part of the build context
	var stdout, stderr bytes.Buffer
	env := cli.Env{
		Stdout: &stdout, Stderr: &stderr, Now: clock(), Version: "prove",
		Getenv: func(name string) string {
			if name == "HOME" || strings.HasPrefix(name, "XDG_") {
				return home
			}
			return os.Getenv(name)
		},
	}
	made := listen(t, docker)
	args := append([]string{"drydock"}, p.args...)
	args = append(args, "--format", "json", "--write", "--cache-dir", t.TempDir(), filepath.Join(dir, "Dockerfile"))
	began := time.Now()
	code := cli.Main(context.Background(), env, args...)
	r := row{proof: p, took: time.Since(began)}
	var got report
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatalf("exit code %d, %v\n%s\n%s", code, err, stdout.Bytes(), stderr.Bytes())
	}
	made.nothingLeft(t, p.short == "")
	if len(got.Fixed) != 1 {
		t.Fatalf("exit code %d\n%s\n%s", code, stdout.Bytes(), stderr.Bytes())
	}
	f := got.Fixed[0]
	if f.Proof != nil {
		r.reached, r.before, r.after, r.cache = f.Proof.Reached, f.Proof.Before, f.Proof.After, f.Proof.Cache
	}
	switch {
	case p.refused != "":
		r.why = p.holdRefused(t, dir, got, code)
		if t.Failed() {
			t.Logf("%s\n%s", stdout.Bytes(), stderr.Bytes())
		}
		return r
	case p.short != "":
		level, pattern, _ := strings.Cut(p.short, ": ")
		if code != 1 || f.Proof == nil || f.Proof.Reached != level || f.Proof.Short == nil || !regexp.MustCompile(pattern).MatchString(f.Proof.Short.Why) {
			t.Fatalf("exit code %d\n%s\n%s", code, stdout.Bytes(), stderr.Bytes())
		}
		p.holdUnwritten(t, dir)
		r.why = f.Proof.Short.Step + ": " + f.Proof.Short.Why
		return r
	}
	if code != 0 || len(f.Applied) == 0 || f.Proof == nil || f.Proof.Reached != p.reached || f.Proof.Failed != nil || f.Proof.Short != nil {
		t.Fatalf("exit code %d\n%s\n%s", code, stdout.Bytes(), stderr.Bytes())
	}
	text, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range p.want {
		if !regexp.MustCompile(`(?m)` + w).Match(text) {
			t.Errorf("the result does not match %q:\n%s", w, text)
		}
	}
	if r.before == nil || r.after == nil {
		t.Fatalf("nothing was measured\n%s", stdout.Bytes())
	}
	if p.smaller && r.after.Size >= r.before.Size {
		t.Errorf("%d bytes became %d", r.before.Size, r.after.Size)
	}
	if p.user != "" && r.after.User != p.user {
		t.Errorf("it runs as %q, not as %q", r.after.User, p.user)
	}
	if p.kept && (r.cache == nil || r.cache.After[0] <= r.cache.Before[0]) {
		t.Errorf("no more steps are kept: %+v", r.cache)
	}
	return r
}

// holdRefused wants a failure of that step and reason, a file as it was, and an
// exit code that says so. It returns the reason.
func (p proof) holdRefused(t *testing.T, dir string, got report, code int) string {
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
	p.holdUnwritten(t, dir)
	i := slices.IndexFunc(all, func(f failure) bool {
		return regexp.MustCompile("^(?:"+step+")$").MatchString(f.Step) && regexp.MustCompile(pattern).MatchString(f.Why)
	})
	if code != 1 || i < 0 {
		t.Errorf("exit code %d, not refused at %q", code, p.refused)
		return ""
	}
	return all[i].Step + ": " + all[i].Why
}

// holdUnwritten wants the Dockerfile as it was.
func (p proof) holdUnwritten(t *testing.T, dir string) {
	t.Helper()
	for _, f := range p.files {
		if f.Name == "Dockerfile" {
			if b, err := os.ReadFile(filepath.Join(dir, f.Name)); err != nil || !bytes.Equal(b, f.Data) {
				t.Errorf("what is not proved was written: %v\n%s", err, b)
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
