package fix_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/ledger"
	"github.com/drydock-dev/drydock/internal/runtime"
)

// builder is the Docker client that can build: DRYDOCK_DOCKER, else the
// distribution's, which speaks to BuildKit without a plugin.
func builder() string {
	if d := os.Getenv("DRYDOCK_DOCKER"); d != "" {
		return d
	}
	if _, err := os.Stat("/usr/bin/docker"); err == nil {
		return "/usr/bin/docker"
	}
	return "docker"
}

// lacking skips a test for want of something, and fails it in CI.
func lacking(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

func dial(ctx context.Context) (*runtime.Engine, error) {
	return runtime.Dial(ctx, runtime.Options{Docker: builder()})
}

// dialer finds the Engine and writes what is made there into a ledger.
func dialer(l *ledger.Ledger) func(context.Context) (*runtime.Engine, error) {
	return func(ctx context.Context) (*runtime.Engine, error) {
		return runtime.Dial(ctx, runtime.Options{Docker: builder(), Ledger: l})
	}
}

// serverProgram is the test's program, built once.
var serverProgram = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "drydock-test-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", filepath.Join(dir, "server"), "./testdata/server")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return os.ReadFile(filepath.Join(dir, "server"))
})

// bench is a context folder with the server in it, and a prover over it.
type bench struct {
	t    *testing.T
	dir  string
	data string // where the ledger lies
	told []string
	p    *fix.Prover
}

func newBench(t *testing.T) *bench {
	t.Helper()
	e, err := dial(t.Context())
	if err != nil {
		lacking(t, "no Docker Engine answers: %v", err)
	}
	t.Cleanup(func() { _ = e.Close() })
	server, err := serverProgram()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, dir: t.TempDir(), data: t.TempDir()}
	l := ledger.Open(b.data, disk.User{}, func(what string) { b.told = append(b.told, what) })
	put(t, filepath.Join(b.dir, "server"), string(server), 0o755)
	put(t, filepath.Join(b.dir, "srv", "index.html"), "hello\n", 0o644)
	put(t, filepath.Join(b.dir, "srv", "page.txt"), "a page\n", 0o644)
	t.Setenv("TMPDIR", t.TempDir())
	b.p = &fix.Prover{
		Dial: dialer(l), Ledger: l, Measure: measure, Now: time.Now,
		Work: fix.Workload{Settle: 500 * time.Millisecond, Ready: 5 * time.Second},
	}
	return b
}

func measure(ctx context.Context, id string) (*fix.Measured, error) {
	im, err := image.Open(ctx, "local://"+id, image.Options{})
	if err != nil {
		return nil, err
	}
	scan, err := im.Scan(ctx, image.ScanOptions{})
	return &fix.Measured{Scan: scan, Layers: len(im.Layers)}, errors.Join(err, im.Close())
}

// prove proves the change from one Dockerfile to another.
func (b *bench) prove(ctx context.Context, want finding.Proof, before, after string, changes ...finding.Change) (*fix.Verdict, error) {
	b.t.Helper()
	name := put(b.t, filepath.Join(b.dir, "Dockerfile"), before, 0o644)
	v, err := b.p.Prove(ctx, fix.Candidate{
		Dockerfile: name,
		Before:     map[string][]byte{name: []byte(before)},
		After:      map[string][]byte{name: []byte(after)},
		Looked:     &fix.Looked{},
		Fixes:      []finding.Fix{{Title: "t", Changes: changes}},
	}, want)
	b.nothingLeft(v)
	return v, err
}

// nothingLeft wants neither containers, networks, images nor folders of the
// proof.
func (b *bench) nothingLeft(v *fix.Verdict) {
	b.t.Helper()
	if v != nil && len(v.Left) > 0 {
		b.t.Errorf("left: %v", v.Left)
	}
	id := ""
	if v != nil {
		id = "=" + v.ID
	}
	for _, args := range [][]string{
		{"ps", "--all", "--quiet"}, {"network", "ls", "--quiet"}, {"images", "--all", "--quiet"},
	} {
		out, err := exec.Command(builder(), append(args, "--filter", "label="+fix.Label+id)...).CombinedOutput()
		if err != nil || len(out) > 0 {
			b.t.Errorf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	only(b.t, os.TempDir())
}

// nothingWritten wants an empty ledger: not even an entry of what may still come.
func (b *bench) nothingWritten() {
	b.t.Helper()
	if pages, err := filepath.Glob(filepath.Join(b.data, "ledger*", "*")); err != nil || len(pages) > 0 {
		b.t.Errorf("the ledger holds %v (%v)", pages, err)
	}
}

const plain = "FROM scratch\nCOPY server /server\nCOPY srv /srv\nEXPOSE 8080\nCMD [\"/server\"]\n"

func TestEngineProofs(t *testing.T) {
	with := func(s string) string { return strings.Replace(plain, "EXPOSE 8080\n", s, 1) }
	cmd := func(s string) string { return strings.Replace(plain, `CMD ["/server"]`, s, 1) }
	probe := fix.Workload{Probes: []string{"http://localhost:8080/"}}
	for _, c := range []struct {
		name          string
		before, after string
		work          fix.Workload
		changes       []finding.Change
		want          finding.Proof
		reached       finding.Proof
		failed        string // step and reason
		short         string
		notes         string
	}{
		{name: "a probe", before: plain, after: with("EXPOSE 8080/tcp\nLABEL a=b\n"), work: probe, want: finding.Ran, reached: finding.Ran},
		{name: "a probe by EXPOSE", before: plain, after: with("EXPOSE 8080/tcp\nLABEL a=b\n"), work: fix.Workload{Probes: []string{"http://localhost/"}}, want: finding.Ran, reached: finding.Ran},
		{name: "a slow start", before: plain, after: cmd(`CMD ["/server","-slow","1s"]`), work: probe, want: finding.Ran, reached: finding.Ran},
		{name: "a test without a shell", before: plain, after: with("LABEL a=b\n"), work: fix.Workload{Tests: []string{"/server -ask http://localhost:8080/index.html"}}, want: finding.Ran, reached: finding.Ran},
		{name: "a health check", before: with("HEALTHCHECK CMD [\"/server\",\"-ask\",\"http://localhost:8080/\"]\n"), after: with("HEALTHCHECK CMD [\"/server\",\"-ask\",\"http://localhost:8080/\"]\nLABEL a=b\n"), want: finding.Ran, reached: finding.Ran},
		{name: "a new health check", before: plain, after: with("HEALTHCHECK CMD [\"/server\",\"-ask\",\"http://localhost:8080/\"]\n"), want: finding.Ran, reached: finding.Ran},
		{name: "a body that changes", before: plain, after: with("LABEL a=b\n"), work: fix.Workload{Probes: []string{"http://localhost:8080/now"}}, want: finding.Ran, reached: finding.Ran, notes: "changes from one request"},
		{name: "rebuild is enough", before: plain, after: with("LABEL a=b\n"), want: finding.Rebuilt, reached: finding.Rebuilt},
		{name: "a job", before: cmd(`CMD ["/server","-end","0"]`), after: cmd("LABEL a=b\nCMD [\"/server\",\"-end\",\"0\"]"), work: fix.Workload{Tests: []string{"/server -say x -end 0"}}, want: finding.Ran, reached: finding.Ran},
		{name: "no command", before: cmd(""), after: cmd("LABEL a=b"), work: fix.Workload{Tests: []string{"/server -say x -end 0"}}, want: finding.Ran, reached: finding.Ran},
		{
			name: "files that moved", before: plain, after: "FROM scratch\nCOPY server /server\nCOPY srv /www\nCMD [\"/server\", \"-dir\", \"/www\"]\n", work: fix.Workload{Probes: []string{"http://localhost:8080/"}},
			changes: []finding.Change{{Path: "/srv", To: "/www", Why: "the site is served from /www"}}, want: finding.Ran, reached: finding.Ran, notes: "served from /www",
		},
		{name: "files that may go", before: plain, after: strings.Replace(plain, "COPY srv /srv\n", "", 1), changes: []finding.Change{{Path: "/srv/*.html", Why: "pages are not needed"}, {Path: "/**/page.txt", Why: "pages are not needed"}}, want: finding.Rebuilt, reached: finding.Rebuilt, notes: "not needed"},

		{name: "nothing tests it", before: plain, after: with("LABEL a=b\n"), want: finding.Ran, reached: finding.Rebuilt, short: "nothing says whether they work"},
		{name: "does not parse", before: plain, after: plain + "NONSENSE x\n", want: finding.Ran, reached: finding.Unproved, failed: "parse: "},
		{name: "does not build", before: plain, after: plain + "COPY nothing /\n", want: finding.Ran, reached: finding.Rechecked, failed: "rebuild after"},
		{name: "did not build before", before: plain + "COPY nothing /\n", after: plain, want: finding.Ran, reached: finding.Rechecked, short: "the file as it is does not build"},
		{name: "did not run before", before: cmd(`CMD ["/server","-end","3"]`), after: plain, work: probe, want: finding.Ran, reached: finding.Rebuilt, short: "the image as it is does not pass"},
		{name: "did not answer well before", before: plain, after: with("LABEL a=b\n"), work: fix.Workload{Probes: []string{"http://localhost:8080/nowhere"}}, want: finding.Ran, reached: finding.Rebuilt, short: "it answers 404"},
		{name: "exits", before: plain, after: cmd(`CMD ["/server","-say","goodbye","-end","3"]`), work: probe, want: finding.Ran, reached: finding.Rebuilt, failed: "ended with exit code 3"},
		{name: "exits, and nothing tests it", before: plain, after: cmd(`CMD ["/server","-end","0"]`), want: finding.Ran, reached: finding.Rebuilt, failed: "went on running before"},
		{name: "cannot start", before: plain, after: cmd(`CMD ["/nothing"]`), work: probe, want: finding.Ran, reached: finding.Rebuilt, failed: "no such file"},
		{name: "another port", before: plain, after: cmd(`CMD ["/server","-listen",":9090"]`), work: probe, want: finding.Ran, reached: finding.Rebuilt, failed: "no answer"},
		{name: "another answer", before: plain, after: cmd(`CMD ["/server","-dir","/"]`), work: probe, want: finding.Ran, reached: finding.Rebuilt, failed: "the body of its answer is another"},
		{name: "another status", before: plain, after: cmd(`CMD ["/server","-dir","/"]`), work: fix.Workload{Probes: []string{"http://localhost:8080/page.txt"}}, want: finding.Ran, reached: finding.Rebuilt, failed: "it answered 200 before and answers 404 now"},
		{name: "a test that fails", before: plain, after: cmd(`CMD ["/server","-listen",":9090"]`), work: fix.Workload{Tests: []string{"/server -ask http://localhost:8080/"}}, want: finding.Ran, reached: finding.Rebuilt, failed: "exit code 1"},
		{name: "unhealthy", before: with("HEALTHCHECK CMD [\"/server\",\"-ask\",\"http://localhost:8080/\"]\n"), after: cmd("HEALTHCHECK CMD [\"/server\",\"-ask\",\"http://localhost:8080/\"]\nCMD [\"/server\",\"-listen\",\":9090\"]"), want: finding.Ran, reached: finding.Rebuilt, failed: "health check is"},
		{name: "a health check that is broken", before: with("HEALTHCHECK CMD [\"/server\",\"-ask\",\"http://localhost:8080/\"]\n"), after: with("HEALTHCHECK CMD [\"/nothing\"]\n"), want: finding.Ran, reached: finding.Rebuilt, failed: "health check is", notes: "held to its own"},
		{name: "a health check that is gone", before: with("HEALTHCHECK CMD [\"/server\",\"-ask\",\"http://localhost:8080/\"]\n"), after: plain, want: finding.Ran, reached: finding.Ran, notes: "held to the one before"},
		{name: "a file is gone", before: plain, after: strings.Replace(plain, "COPY srv /srv\n", "", 1), want: finding.Rebuilt, reached: finding.Rechecked, failed: "/srv/index.html is gone"},
		{name: "a file is new", before: plain, after: plain + "COPY Dockerfile /srv/\n", want: finding.Rebuilt, reached: finding.Rechecked, failed: "/srv/Dockerfile, a file of the application, is new"},
		{name: "a file differs", before: plain, after: plain + "COPY Dockerfile /srv/index.html\n", want: finding.Rebuilt, reached: finding.Rechecked, failed: "/srv/index.html, a file of the application, differs"},
		{name: "moved and changed", before: plain, after: "FROM scratch\nCOPY server /server\nCOPY Dockerfile /www/index.html\nCMD [\"/server\"]\n", changes: []finding.Change{{Path: "/srv", To: "/www", Why: "moved"}}, want: finding.Rebuilt, reached: finding.Rechecked, failed: "differ without a reason"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			c.work.Settle, c.work.Ready = b.p.Work.Settle, 3*time.Second
			b.p.Work = c.work
			v, err := b.prove(t.Context(), c.want, c.before, c.after, c.changes...)
			if err != nil {
				t.Fatal(err)
			}
			b.nothingWritten()
			told := func(f *fix.Failure) string {
				if f == nil {
					return ""
				}
				return f.Step + ": " + f.Why + " " + f.Log
			}
			if v.Reached != c.reached {
				t.Errorf("reached %s, want %s", v.Reached, c.reached)
			}
			if got := told(v.Failed); (got == "") != (c.failed == "") || !strings.Contains(got, c.failed) {
				t.Errorf("failed: %q, want %q", got, c.failed)
			}
			if got := told(v.Short); (got == "") != (c.short == "") || !strings.Contains(got, c.short) {
				t.Errorf("short: %q, want %q", got, c.short)
			}
			if notes := strings.Join(v.Notes, "\n"); !strings.Contains(notes, c.notes) {
				t.Errorf("notes: %q, want %q", notes, c.notes)
			}
			if testing.Verbose() {
				for _, s := range v.Steps {
					t.Logf("%-24s %8s  %s", s.Name, s.Took.Round(time.Millisecond), s.Did)
				}
			}
		})
	}
}
