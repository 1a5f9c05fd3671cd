package cli_test

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What only a current builder takes: here-documents of each kind, whole folders
// with their parents, mounts.
const currentDockerfile = `FROM %s AS build
RUN <<EOF
mkdir /out
echo built > /out/app
EOF

FROM %[1]s
COPY <<EOF /etc/motd
three ships
EOF
RUN <<EOF
set -e
echo x > /x
echo y > /y
EOF
RUN <<'ONE' cat > /one && echo done
text of one
ONE
COPY --parents a/b/one c/ /srv/
COPY package.json node_modules/lodash/
COPY --from=build /out/app /opt/app/
RUN --mount=type=cache,target=/var/cache/x touch /z
COPY <<"FIRST" <<SECOND /two/
1
FIRST
2
SECOND
USER 1000
`

// since ends a test for want of a version of the Engine's API. CI has an Engine
// of each side of it.
func since(t *testing.T, docker, version string) {
	t.Helper()
	number := func(s string) int {
		_, minor, _ := strings.Cut(strings.TrimSpace(s), ".")
		n, err := strconv.Atoi(minor)
		if err != nil {
			t.Fatalf("version %q of the API: %v", s, err)
		}
		return n
	}
	if has := command(t, nil, docker, "version", "--format", "{{.Server.APIVersion}}"); number(has) < number(version) {
		t.Skipf("the Engine's API is %s, and %s is needed", strings.TrimSpace(has), version)
	}
}

// TestEngineBuildsOfToday: each layer finds its line, by whichever name the
// image is asked for, and the base is told by the build's provenance.
func TestEngineBuildsOfToday(t *testing.T) {
	docker := engine(t)
	since(t, docker, "1.48")
	prefix, base := importBase(t, docker)
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"Dockerfile": fmt.Sprintf(currentDockerfile, base), "package.json": `{"name":"lodash","version":"4.17.15"}`,
		"a/b/one": "1\n", "c/two": "2\n",
	})
	dockerfile := filepath.Join(dir, "Dockerfile")
	image := prefix + "/app:1"
	command(t, nil, docker, "buildx", "build", "--provenance=mode=max", "--tag", image, dir)
	removeAfter(t, docker, image)
	id := strings.TrimSpace(command(t, nil, docker, "images", "--quiet", "--no-trunc", image))
	archive := filepath.Join(t.TempDir(), "saved.tar")
	command(t, nil, docker, "save", "--output", archive, image)

	b := newBench(t)
	for _, target := range []string{image, id, strings.TrimPrefix(id, "sha256:")[:12], archive, "local://" + image} {
		s := b.scan("layers", "--dockerfile", dockerfile, target)
		var lines []int
		for _, l := range s.Images[0].Layers {
			if l.Source != nil {
				lines = append(lines, l.Source.Line)
			}
		}
		if diff := cmp.Diff([]int{7, 8, 11, 16, 19, 20, 21, 22, 23}, lines); diff != "" {
			t.Errorf("%s: lines of the layers (-want +got):\n%s", target, diff)
		}
		if out := b.ok("layers", "--format", "json", target); strings.Contains(out, "image/latest-tag") || strings.Contains(out, "image/no-provenance") {
			t.Errorf("%s: it is one build, and attested:\n%s", target, out)
		}
		for range 2 { // the second time from memory
			r := recommendedBy(t, b.ok("recommend", "--offline", "--format", "json", target))
			if len(r.Bases) != 1 || r.Bases[0].By != "provenance" || r.Bases[0].Ref != base {
				t.Errorf("%s: the base: %+v", target, r.Bases)
			}
		}
	}
	// The id that is shown is the one that docker images shows.
	if out := b.ok("sbom", image); !strings.Contains(out, strings.TrimPrefix(id, "sha256:")[:12]) {
		t.Errorf("another id than %s:\n%s", id, out)
	}

	// An id is no name that a FROM line could use.
	b.ok("recommend", "--offline", "--learn", id)
	if r := recommendedBy(t, b.ok("recommend", "--offline", "--format", "json", id)); len(r.Bases) != 1 || r.Bases[0].Ref != image {
		t.Errorf("the base of %s, learned: %+v", id, r.Bases)
	}

	// An image that nobody named is found by its id, and is the one built last.
	builtLast(t, b, func(n int) string {
		writeFiles(t, dir, map[string]string{"c/two": fmt.Sprintf("%d: %s\n", n, prefix)})
		unnamed := strings.TrimSpace(command(t, nil, docker, "buildx", "build", "--quiet", dir))
		removeAfter(t, docker, unnamed)
		if diff := cmp.Diff(b.scan("sbom", image).purls(), b.scan("sbom", unnamed).purls()); diff != "" {
			t.Errorf("packages of an image without a name (-named +unnamed):\n%s", diff)
		}
		return strings.TrimPrefix(unnamed, "sha256:")[:12]
	})

	// A base by digest is the Engine's, and its digest is no registry's.
	pinned := base + "@" + strings.TrimSpace(command(t, nil, docker, "images", "--quiet", "--no-trunc", base))
	writeFiles(t, dir, map[string]string{"Dockerfile": "FROM " + pinned + "\nRUN touch /hi\n"})
	byDigest := prefix + "/by-digest:1"
	command(t, nil, docker, "buildx", "build", "--tag", byDigest, dir)
	removeAfter(t, docker, byDigest)
	r := recommendedBy(t, b.ok("recommend", "--offline", "--format", "json", dockerfile))
	if len(r.Bases) != 1 || !strings.HasPrefix(r.Bases[0].Today.From, "Docker Engine") || r.Bases[0].Today.Packages < 15 {
		t.Errorf("the base of %s: %+v", pinned, r.Bases)
	}
}
