package minify

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// selected is what the COPY instructions of a Dockerfile take of an image's paths, as our
// parser reads them.
func selected(t *testing.T, b []byte, all []place) []string {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", b)
	if err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	scopes := f.Scopes(nil)
	out := map[string]bool{}
	for i := range f.Instructions {
		in := &f.Instructions[i]
		if in.Cmd != "COPY" {
			continue
		}
		if !in.JSON {
			t.Fatalf("COPY is not in JSON form:\n%s", b)
		}
		hollow := slices.ContainsFunc(in.Flags, func(f string) bool { return strings.HasPrefix(f, "--exclude=") })
		for _, w := range in.Words[:len(in.Words)-1] {
			at, known := scopes.Expand(&f.Stages[in.Stage], i, w.Text)
			if !known {
				t.Fatalf("%q holds a variable", w.Text)
			}
			at = strings.TrimPrefix(at, "/")
			if at != strings.TrimSpace(at) {
				t.Fatalf("BuildKit takes the spaces at the ends of %q away", at)
			}
			n := strings.Count(at, "/") + 1
			for _, p := range all {
				parts := strings.Split(p.path, "/")
				if len(parts) < n {
					continue
				}
				if ok, err := path.Match(at, strings.Join(parts[:n], "/")); err != nil || !ok || hollow && len(parts) > n {
					continue
				}
				for q := p.path; q != "."; q = path.Dir(q) {
					out[q] = true
				}
			}
		}
	}
	var paths []string
	for p := range out {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	return paths
}

func TestDockerfile(t *testing.T) {
	r := recipe{
		from: "demo:1", rewritten: true,
		config: v1.Config{
			Env: []string{"PATH=/bin", `ODD=a "b" $c \d`, "EMPTY="}, Labels: map[string]string{"a b": "it's"},
			User: "web", WorkingDir: "/srv/my app",
			ExposedPorts: map[string]struct{}{"80/tcp": {}}, Volumes: map[string]struct{}{"/data $x": {}}, StopSignal: "SIGQUIT",
			Entrypoint: []string{"/bin/web", "--name=$HOME"}, Cmd: []string{},
			Healthcheck: &v1.HealthConfig{Test: []string{"CMD-SHELL", "web \"$X\" || exit 1"}, Retries: 2},
		},
		places: []place{
			{"bin", true, true},
			{"bin/web", false, true},
			{"bin/sh", false, false},
			{"etc", true, true},
			{"etc/a b", false, true},
			{`etc/"$x'`, false, true},
			{"etc/[", false, true},
			{"lib", true, true},
			{"lib/libstdc++.so.6", false, true},
			{"tmp", true, true},
			{"tmp/old", false, false},
			{"var", true, true},
			{"var/status", false, false},
		},
	}
	b, err := r.dockerfile()
	if err != nil {
		t.Fatal(err)
	}
	want := `# syntax=docker/dockerfile:1.20
# Made by drydock minify. COPY --parents keeps symbolic links, owners, modes and file
# capabilities. Hard links become files of their own.
FROM demo:1 AS full

FROM scratch
COPY --parents --from=full [ \
  "/bin/web", \
  "/etc", \
  "/lib", \
  "/"]
# Folders that stay while all that was in them does not.
COPY --parents --from=full --exclude=tmp/* --exclude=var/* [ \
  "/tmp", \
  "/var", \
  "/"]
# The package databases without what was removed.
ADD ["databases.tar", "/"]

ENV PATH="/bin"
ENV ODD="a \"b\" \$c \\d"
ENV EMPTY=""
LABEL "a b"="it's"
EXPOSE 80/tcp
VOLUME ["/data \\$x"]
WORKDIR /srv/my app
USER web
STOPSIGNAL SIGQUIT
HEALTHCHECK --retries=2 CMD ["/bin/sh", "-c", "web \"$X\" || exit 1"]
ENTRYPOINT ["/bin/web", "--name=$HOME"]
CMD []
`
	if d := cmp.Diff(want, string(b)); d != "" {
		t.Error(d)
	}
	for _, bad := range []v1.Config{
		{Env: []string{"X=a\nRUN rm"}},
		{Labels: map[string]string{"a\nUSER root": ""}},
		{User: "a\nUSER root"},
		{OnBuild: []string{"RUN a\nRUN b"}},
		{Env: []string{"A B=c"}},
	} {
		if b, err := (recipe{from: "demo:1", config: bad}).dockerfile(); err == nil {
			t.Errorf("%+v was written:\n%s", bad, b)
		}
	}
}

// FuzzDockerfile: what is written is parsed again, and copies the paths that stay and none
// that does not, whatever their names are; or it is refused, as no pattern tells them apart.
func FuzzDockerfile(f *testing.F) {
	for _, s := range []string{"a b", "$x", `"'`, `\`, "*", "[a]", "!x", " ", "x ", "\n", "\xff", "a\x00", "<<EOF", "#", "^", "{a,b}", "é", "\u2028", "--from=x", "..."} {
		f.Add(s, "other", uint8(5))
	}
	f.Add("?", "a", uint8(1))
	f.Fuzz(func(t *testing.T, a, b string, which uint8) {
		name := func(s string) bool {
			return s != "" && s != "." && s != ".." && !strings.Contains(s, "/") && len(s) < 256
		}
		if !name(a) || !name(b) || a == b {
			return
		}
		all := []place{
			{"d", true, true},
			{"d/" + a, false, which&1 != 0},
			{"d/" + b, false, which&2 != 0},
			{"e", true, true},
			{"e/" + a, true, true},
			{"e/" + a + "/" + b, false, which&4 != 0},
			{"e/" + a + "/x", false, which&8 != 0},
		}
		if a != "d" && a != "e" {
			all = append(all, place{a, false, which&16 != 0})
		}
		got, err := recipe{from: "demo:1", places: all}.dockerfile()
		if err != nil {
			if !strings.Contains(pattern(a)+pattern(b), "?") {
				t.Errorf("%q and %q: %v", a, b, err)
			}
			return
		}
		var want []string
		for _, p := range all {
			if p.keep {
				want = append(want, p.path)
			}
		}
		slices.Sort(want)
		if d := cmp.Diff(want, selected(t, got, all)); d != "" {
			t.Errorf("%s\n%s", d, got)
		}
	})
}
