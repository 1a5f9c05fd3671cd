package fix_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
)

// alpine makes an image of Alpine's root file system, and takes it away again.
func alpine(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("DRYDOCK_SHARED")
	if dir == "" {
		dir = "../../../shared"
	}
	file := filepath.Join(dir, "images", "alpine-minirootfs-3.20.3-x86_64.tar.gz")
	if _, err := os.Stat(file); err != nil {
		lacking(t, "no real test data: %v", err)
	}
	e, err := dial(t.Context())
	if err != nil {
		lacking(t, "no Docker Engine answers: %v", err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("drydock-test-%d-%s/alpine:3.20", os.Getpid(), strings.ToLower(t.Name()))
	if out, err := exec.Command(builder(), "import", "--change", `CMD ["/bin/sh"]`, file, name).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command(builder(), "rmi", "--force", name).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	return name
}

func TestEngineTestsRunInAShell(t *testing.T) {
	b := newBench(t)
	base := alpine(t)
	before := "FROM " + base + "\nWORKDIR /app\nCOPY srv .\nRUN cat /proc/sys/kernel/random/uuid > stamp\nCMD [\"sleep\", \"600\"]\n"
	b.p.Work.Tests = []string{`test "$(cat index.html)" = hello && echo fine`}
	v, err := b.prove(t.Context(), finding.Ran, before, strings.Replace(before, "CMD", "USER nobody\nCMD", 1))
	if err != nil || v.Reached != finding.Ran {
		t.Fatalf("%v %+v", err, v)
	}
	if v.After.Image.User != "nobody" {
		t.Errorf("user %q", v.After.Image.User)
	}
	// A file that is another at every build is no reason to refuse.
	v, err = b.prove(t.Context(), finding.Ran, before, strings.Replace(before, "RUN cat", "RUN true; cat", 1))
	if err != nil || v.Reached != finding.Ran || !strings.Contains(strings.Join(v.Notes, " "), "from one build to the next") {
		t.Fatalf("%v %+v", err, v)
	}
	// A one-off job's tests run beside it, in its shell.
	b.p.Work.Tests = []string{"test -e index.html"}
	job := strings.Replace(before, `"sleep", "600"`, `"true"`, 1)
	v, err = b.prove(t.Context(), finding.Ran, job, strings.Replace(job, "CMD", "USER nobody\nCMD", 1))
	if err != nil || v.Reached != finding.Ran {
		t.Fatalf("%v %+v", err, v)
	}
	b.p.Work.Tests = []string{"touch written"}
	v, err = b.prove(t.Context(), finding.Ran, before, strings.Replace(before, "CMD", "USER nobody\nCMD", 1))
	if err != nil || v.Failed == nil || !strings.Contains(v.Failed.Log, "Permission denied") {
		t.Fatalf("%v %+v", err, v)
	}
}

func TestEngineCacheOrderIsProved(t *testing.T) {
	b := newBench(t)
	base := alpine(t)
	put(t, filepath.Join(b.dir, "package.json"), "{}\n", 0o644)
	put(t, filepath.Join(b.dir, "index.js"), "console.log(1)\n", 0o644)
	id := strconv.FormatInt(time.Now().UnixNano(), 10)
	before := "FROM " + base + "\nWORKDIR /app\nCOPY . .\nRUN cp package.json installed-" + id + "\nRUN cp index.js built\n"
	good := "FROM " + base + "\nWORKDIR /app\nCOPY package.json ./\nRUN cp package.json installed-" + id + "\nCOPY . .\nRUN cp index.js built\n"
	hollow := "FROM " + base + "\nWORKDIR /app\nCOPY package.json ./\nCOPY . .\nRUN cp package.json installed-" + id + "\nRUN cp index.js built\n"
	try := func(after string) *fix.Verdict {
		t.Helper()
		name := put(t, filepath.Join(b.dir, "Dockerfile"), before, 0o644)
		v, err := b.p.Prove(t.Context(), fix.Candidate{
			Dockerfile: name, CacheOrder: true,
			Before: map[string][]byte{name: []byte(before)}, After: map[string][]byte{name: []byte(after)},
		}, finding.Rebuilt)
		b.nothingLeft(v)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	v := try(good)
	if v.Reached != finding.Rebuilt || v.Cache == nil {
		t.Fatalf("%+v %+v", v, v.Failed)
	}
	if want := (fix.CacheGain{File: "index.js", CachedBefore: 1, StepsBefore: 4, CachedAfter: 3, StepsAfter: 5}); *v.Cache != want {
		t.Errorf("%+v, want %+v", *v.Cache, want)
	}
	if v := try(hollow); v.Failed == nil || v.Failed.Step != "cache" {
		t.Errorf("an order that gains nothing is accepted: %+v", v)
	}
}

func TestEngineCannotBuild(t *testing.T) {
	b := newBench(t)
	e, err := dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	here := "FROM scratch\nCOPY <<EOF /x\ntext\nEOF\nCOPY server /\nCOPY srv /srv\nCMD [\"/server\"]\n"
	b.p.Work.Probes = []string{"http://localhost:8080/"}
	v, err := b.prove(t.Context(), finding.Ran, here, here+"LABEL a=b\n")
	if !strings.HasPrefix(e.Version, "20.") {
		if err != nil || v.Reached != finding.Ran || v.Failed != nil || v.Short != nil {
			t.Errorf("a here-document: %v %+v %+v", err, v, v.Failed)
		}
	} else {
		if err != nil || v.Reached != finding.Rechecked || v.Short == nil || !strings.Contains(v.Short.Why, "here-document") || v.Short.Hint == "" {
			t.Errorf("%v %+v", err, v)
		}
	}
	nowhere := "# syntax=127.0.0.1:1/nowhere/dockerfile:1\n" + plain
	v, err = b.prove(t.Context(), finding.Ran, nowhere, nowhere+"LABEL a=b\n")
	if err != nil || v.Reached != finding.Rechecked || v.Short == nil || !strings.Contains(v.Short.Why, "front end") {
		t.Errorf("%v %+v %+v", err, v, v.Short)
	}
}

func TestEngineContextsThatCannotBeCopied(t *testing.T) {
	b := newBench(t)
	l, err := net.Listen("unix", filepath.Join(b.dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	v, err := b.prove(t.Context(), finding.Rebuilt, plain, plain+"LABEL a=b\n")
	if err == nil || !strings.Contains(err.Error(), "socket, which no build context can hold") || v.Reached != finding.Rechecked {
		t.Errorf("%v %+v", err, v)
	}
}

// TestEngineContextIsCopiedAsItIs: links stay links, modes stay, the builder reads
// .dockerignore, and a Dockerfile outside of the context is found beside it.
func TestEngineContextIsCopiedAsItIs(t *testing.T) {
	b := newBench(t)
	base := alpine(t)
	if err := os.Symlink("index.html", filepath.Join(b.dir, "srv", "link")); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(b.dir, "srv", "tool"), "#!/bin/sh\n", 0o750)
	put(t, filepath.Join(b.dir, "srv", "ignored"), "x", 0o644)
	put(t, filepath.Join(b.dir, ".dockerignore"), "srv/ignored\n", 0o644)
	text := "FROM " + base + "\nCOPY srv /srv\nRUN test -L /srv/link && test -x /srv/tool && test ! -e /srv/ignored\n"
	name := put(t, filepath.Join(t.TempDir(), "Dockerfile"), text, 0o644)
	b.p.Context = b.dir
	v, err := b.p.Prove(t.Context(), fix.Candidate{
		Dockerfile: name, Before: map[string][]byte{name: []byte(text)}, After: map[string][]byte{name: []byte(text + "LABEL a=b\n")},
	}, finding.Rebuilt)
	b.nothingLeft(v)
	if err != nil || v.Reached != finding.Rebuilt {
		t.Fatalf("%v %+v %+v", err, v, v.Short)
	}
}

func TestEngineInterruptLeavesNothing(t *testing.T) {
	base := alpine(t)
	slow := "FROM " + base + "\nRUN sleep 30 # " + strconv.FormatInt(time.Now().UnixNano(), 10) + "\n"
	for name, c := range map[string]struct{ before, at string }{
		"a build": {slow, "RUN sleep 30"},
		"a run":   {plain, "run before"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.p.Work.Settle = time.Minute
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			b.p.Note = func(what string) {
				if strings.Contains(what, c.at) {
					time.AfterFunc(500*time.Millisecond, cancel)
				}
			}
			at := time.Now()
			_, err := b.prove(ctx, finding.Ran, c.before, c.before+"LABEL a=b\n")
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
			if d := time.Since(at); d > 20*time.Second {
				t.Errorf("it took %s to stop", d)
			}
		})
	}
}

func TestEngineBuildsAndRunsEnd(t *testing.T) {
	base := alpine(t)
	b := newBench(t)
	b.p.Timeout = 2 * time.Second
	slow := "FROM " + base + "\nRUN sleep 30 # " + strconv.FormatInt(time.Now().UnixNano(), 10) + "\n"
	v, err := b.prove(t.Context(), finding.Ran, "FROM "+base+"\n", slow)
	if err != nil || v.Failed == nil || !strings.Contains(v.Failed.Why, "not done after 2s") {
		t.Errorf("%v %+v", err, v)
	}
	b.p.Work.Tests = []string{"sleep 30"}
	up := "FROM " + base + "\nCMD [\"sleep\",\"600\"]\n"
	v, err = b.prove(t.Context(), finding.Ran, up, up+"LABEL a=b\n")
	if err != nil || v.Short == nil || !strings.Contains(v.Short.Why, "not done after 2s") {
		t.Errorf("%v %+v", err, v)
	}
}

// TestEngineIgnoreFile: what a new ignore file leaves out may be gone, and nothing else.
func TestEngineIgnoreFile(t *testing.T) {
	b := newBench(t)
	put(t, filepath.Join(b.dir, ".env"), "TOKEN=1\n", 0o644)
	text := "FROM scratch\nCOPY . /app\nCMD [\"/app/server\", \"-dir\", \"/app/srv\"]\n"
	name := put(t, filepath.Join(b.dir, "Dockerfile"), text, 0o644)
	ignore := filepath.Join(b.dir, ".dockerignore")
	b.p.Work.Probes = []string{"http://localhost:8080/"}
	try := func(patterns, after string) *fix.Verdict {
		t.Helper()
		v, err := b.p.Prove(t.Context(), fix.Candidate{
			Dockerfile: name,
			Before:     map[string][]byte{name: []byte(text), ignore: nil},
			After:      map[string][]byte{name: []byte(after), ignore: []byte(patterns)},
		}, finding.Ran)
		b.nothingLeft(v)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := try(".env\n.dockerignore\n", text); v.Reached != finding.Ran || !strings.Contains(strings.Join(v.Notes, " "), "1 file differs as it should: the ignore file leaves") {
		t.Errorf("%+v %+v", v, v.Failed)
	}
	if v := try(".env\nsrv/page.txt\n", strings.Replace(text, "CMD", "COPY .env /app/srv/index.html\nCMD", 1)); v.Failed == nil {
		t.Errorf("%+v", v)
	}
	if _, err := os.Stat(ignore); err == nil {
		t.Error("the proof writes into the user's folder")
	}
}
