package minify_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/image/keep"
	"github.com/drydock-dev/drydock/internal/ledger"
	"github.com/drydock-dev/drydock/internal/minify"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/exercise"
	"github.com/drydock-dev/drydock/internal/sbom/catalog"
)

// lacking skips a test for want of something, and fails it in CI.
func lacking(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

func docker(t testing.TB, args ...string) string {
	t.Helper()
	name := os.Getenv("DRYDOCK_DOCKER")
	if name == "" {
		name = "docker"
	}
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// onEngine makes an image of Alpine with a script, and says how it is made smaller.
func onEngine(t *testing.T, name, script string, changes ...string) minify.Options {
	t.Helper()
	dir := os.Getenv("DRYDOCK_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	rootfs := filepath.Join(dir, "images", "alpine-minirootfs-3.20.3-x86_64.tar.gz")
	if _, err := os.Stat(rootfs); err != nil {
		t.Skipf("no shared data (set DRYDOCK_SHARED): %v", err)
	}
	l := ledger.Open(t.TempDir(), disk.Caller(os.Getenv), nil)
	opt := minify.Options{Ledger: l, Image: name, Tag: name + ":small", Now: time.Now, Open: image.Options{WorkDir: t.TempDir()}}
	for _, e := range []**runtime.Engine{&opt.Engine, &opt.Images} {
		var err error
		if *e, err = runtime.Dial(t.Context(), runtime.Options{Ledger: l}); err != nil {
			lacking(t, "no Docker Engine: %v", err)
		}
		if err := (*e).Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		made := *e
		t.Cleanup(func() { // what was tried has a name of the ledger's, too
			if err := errors.Join(made.Clear(context.WithoutCancel(t.Context())), made.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	if os.Geteuid() != 0 {
		lacking(t, "BPF needs root")
	}
	docker(t, "import", rootfs, name+":base")
	create, commit := []string{"create"}, []string{"commit"}
	for _, ch := range changes {
		if signal, ok := strings.CutPrefix(ch, "STOPSIGNAL "); ok { // which commit does not change, and keeps
			create = append(create, "--stop-signal", signal)
		} else {
			commit = append(commit, "-c", ch)
		}
	}
	c := docker(t, append(create, name+":base", "sh", "-c", script)...)
	t.Cleanup(func() {
		docker(t, "rm", "-f", c)
		for _, tag := range []string{":base", ":latest", ":small"} {
			_ = exec.Command("docker", "rmi", "-f", name+tag).Run()
		}
	})
	docker(t, "start", "-a", c)
	docker(t, append(commit, c, name)...)
	return opt
}

// server answers a request over its standard streams.
const server = `cat > /bin/serve <<'X'
#!/bin/sh
read -r method path version
while read -r line; do case "$line" in ?|'') break;; esac; done
[ "$path" = / ] && path=/index.html
if [ -f "/srv/www$path" ]; then printf 'HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n'; cat "/srv/www$path"
else printf 'HTTP/1.0 404 Not Found\r\n\r\n'; fi
X
chmod +x /bin/serve; mkdir -p /srv/www /extra /opt/app; echo hello > /srv/www/index.html; echo more > /extra/more.html; echo lib > /opt/app/unused
ln -s / /srv/www/root
`

func web() []string {
	return []string{`CMD ["nc", "-lk", "-p", "8080", "-e", "/bin/serve"]`, "EXPOSE 8080", "LABEL who=me", "STOPSIGNAL SIGKILL"}
}

// packages are the names of an image's packages, as a scan finds them.
func packages(t *testing.T, name string) []string {
	t.Helper()
	im, err := image.Open(t.Context(), "local://"+name, image.Options{WorkDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	s, err := im.Scan(t.Context(), image.ScanOptions{Analyzers: catalog.Analyzers()})
	if err != nil {
		t.Fatal(err)
	}
	inv, err := catalog.FromScan(t.Context(), s, finding.Subject{Kind: finding.KindImage, Name: name})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range inv.Packages {
		if !p.Removed {
			out = append(out, p.Name)
		}
	}
	slices.Sort(out)
	return out
}

// TestEngineMinify makes a web server smaller by packages and by files: it answers as it
// did, its database says what is there, and the same input gives the same image.
func TestEngineMinify(t *testing.T) {
	opt := onEngine(t, "drydock-test/minify-web", server, web()...)
	opt.Exercise = exercise.Exercise{Probes: []string{"http://localhost:8080/"}}
	before := packages(t, opt.Image)
	for _, files := range []bool{false, true} {
		opt.Files, opt.Force = files, true
		r, err := minify.Run(t.Context(), opt)
		if err != nil {
			t.Fatal(err)
		}
		if r.Proof != finding.Ran || r.After.Size >= r.Before.Size || r.Rounds != 1 {
			t.Errorf("%+v", *r)
		}
		want := slices.Clone(before)
		for _, p := range r.Packages {
			if p.Fate == keep.Removed {
				want = slices.DeleteFunc(want, func(n string) bool { return n == p.Name })
			}
		}
		got := packages(t, opt.Tag)
		if !slices.Equal(got, want) || len(got) == len(before) || !slices.Contains(got, "busybox") || slices.Contains(got, "scanelf") || len(got) != r.After.Packages {
			t.Errorf("by files %t: packages %q, want %q of %q", files, got, want, before)
		}
		if s := docker(t, "inspect", opt.Tag, "--format", "{{.Config.Labels.who}} {{.Config.Cmd}}"); s != "me [nc -lk -p 8080 -e /bin/serve]" {
			t.Errorf("the configuration is %s", s)
		}
		id := docker(t, "inspect", opt.Tag, "--format", "{{.Id}}")
		if _, err := minify.Run(t.Context(), opt); err != nil {
			t.Fatal(err)
		}
		if again := docker(t, "inspect", opt.Tag, "--format", "{{.Id}}"); again != id {
			t.Errorf("by files %t: the second time it is %s, and was %s", files, again, id)
		}
	}
}

// TestEngineRefused makes nothing where nothing could be proved, and says why.
func TestEngineRefused(t *testing.T) {
	opt := onEngine(t, "drydock-test/minify-refused", server, web()...)
	for _, c := range []struct {
		name string
		with func(o *minify.Options)
		want string
	}{
		{"does not pass before", func(o *minify.Options) { o.Exercise.Tests = []string{"false"} }, "the image as it is does not pass"},
		{"by files without an exercise", func(o *minify.Options) { o.Files = true }, "nothing says what the image is for"},
		{"a name that is taken", func(o *minify.Options) { o.Tag = o.Image + ":base" }, "has an image named"},
		{"fails what was not learned", func(o *minify.Options) {
			o.Files = true
			o.Exercise.Probes = []string{"http://localhost:8080/"}
			o.Verify.Probes = []string{"http://localhost:8080/root/extra/more.html"}
		}, "second exercise"},
		{"keeps the base that is not known", func(o *minify.Options) {
			o.KeepBase, o.Exercise.Probes = true, []string{"http://localhost:8080/"}
		}, "which layers are the base's is not known"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := opt
			c.with(&o)
			r, err := minify.Run(t.Context(), o)
			var refusal *minify.Refusal
			if r != nil || !errors.As(err, &refusal) || !strings.Contains(err.Error(), c.want) || refusal.Hint() == "" {
				t.Errorf("%v, %v; want %q", r, err, c.want)
			}
			if has, _ := o.Images.Has(t.Context(), opt.Tag); has {
				t.Error("an image was made")
			}
		})
	}
	opt.Files, opt.Exercise.Probes, opt.Verify.Probes = true, []string{"http://localhost:8080/"}, []string{"http://localhost:8080/root/extra/more.html"}
	opt.Keep = []string{"/extra"}
	if _, err := minify.Run(t.Context(), opt); err != nil {
		t.Errorf("with --keep: %v", err)
	}
}

// TestEngineHangUp keeps a file that is read on SIGHUP alone.
func TestEngineHangUp(t *testing.T) {
	opt := onEngine(t, "drydock-test/minify-hup", server+"mkdir -p /reload /never; echo new > /reload/page; echo x > /never/x",
		`CMD ["sh", "-c", "nc -lk -p 8080 -e /bin/serve & trap 'cp /reload/page /srv/www/index.html' HUP; trap 'exit 0' TERM; while :; do sleep 0.1; done"]`, "EXPOSE 8080")
	opt.Files, opt.Exercise = true, exercise.Exercise{Probes: []string{"http://localhost:8080/index.html"}}
	r, err := minify.Run(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	removed := func(p string) bool {
		return slices.ContainsFunc(r.Removed, func(f minify.File) bool { return f.Path == p })
	}
	if removed("/reload/page") || !removed("/never/x") {
		t.Errorf("the page is removed: %t; what is never read: %t", removed("/reload/page"), removed("/never/x"))
	}
}
