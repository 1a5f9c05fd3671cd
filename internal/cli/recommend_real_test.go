package cli_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// recommended is what scripts read of recommend's JSON.
type recommended struct {
	Knowledge struct{ Registries bool }
	Bases     []struct {
		Ref, By, Stage, Release string
		Today                   struct {
			Packages        int
			Size            int64
			Vulnerabilities map[string]int
			From            string
		}
		Options []recommendedOption
	}
	Unknown  []struct{ What, Why string }
	Warnings []string
}

type recommendedOption struct {
	Ref, Group, Digest, From string
	Recommended              bool
	Packages                 int
	Size, Compressed         int64
	Vulnerabilities          map[string]int
	Fix                      *struct {
		Edits []struct {
			Start, End int
			New        string
		}
	}
}

func recommendedBy(t *testing.T, out string) recommended {
	t.Helper()
	var r recommended
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v in:\n%s", err, out)
	}
	return r
}

// TestRecommendRealRegistry asks Docker's own registry, with images that another
// client pushed: real Alpine root file systems under the tags of a repository.
func TestRecommendRealRegistry(t *testing.T) {
	archive := sharedFile(t, "images/formats/alpine-3.20-docker-archive.tar")
	older := gunzipped(t, sharedFile(t, "images/alpine-311.tar.gz"))
	host := registryServer(t, false)
	for tag, from := range map[string]string{"3.11": older, "3.20": archive, "3.21": archive, "3.20-extras": archive} {
		push(t, "docker-archive:"+from, "docker://"+host+"/base/alpine:"+tag)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "Dockerfile")
	text := fmt.Sprintf("FROM %s/base/alpine:3.11 AS app\nRUN apk add curl\n", host)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b := newBench(t)
	a := b.run("recommend", "--format", "json", file)
	r := recommendedBy(t, a.stdout)
	if a.code != 0 || !r.Knowledge.Registries || len(r.Bases) != 1 {
		t.Fatalf("exit %d, %+v\n%s", a.code, r, a.stderr)
	}
	base := r.Bases[0]
	if base.Release != "Alpine Linux 3.11" || base.Today.Packages < 14 || base.Today.Vulnerabilities["high"] == 0 || !strings.HasPrefix(base.Today.From, "registry") {
		t.Errorf("today: %+v", base)
	}
	// Alpine 3.20 and 3.21 are over in November 2026: what is there is no better
	// place to be, and nothing else is proposed.
	if slices.ContainsFunc(base.Options, func(o recommendedOption) bool {
		return o.Recommended
	}) {
		t.Errorf("options: %+v", base.Options)
	}
	if out := b.ok("recommend", "--offline", "--format", "json", file); recommendedBy(t, out).Knowledge.Registries {
		t.Error("offline, and the registry was asked")
	}
}

// gunzipped is a file without its compression, which skopeo does not expect.
func gunzipped(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if b, err = io.ReadAll(z); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(out, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestEngineRecommend: images that the Docker Engine has are options like any
// others, their configuration is what the rules know of a base, and the base of
// a built image is told by its layers once it was learned.
func TestEngineRecommend(t *testing.T) {
	docker := engine(t)
	prefix := fmt.Sprintf("drydock-test-%d-recommend", os.Getpid())
	repo := prefix + "/node"
	old, next := repo+":22", repo+":24"
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"old":          fmt.Sprintf("FROM %s\nCOPY package.json /usr/lib/node_modules/lodash/\nUSER 1000\nEXPOSE 8080\n", prefix+"/alpine:3.18.9"),
		"next":         fmt.Sprintf("FROM %s\nCMD [\"true\"]\n", prefix+"/alpine:3.18.9"),
		"app":          fmt.Sprintf("FROM %s\nRUN apk --version\nCOPY package.json /app/\n", old),
		"package.json": `{"name":"lodash","version":"4.17.15"}`,
	})
	command(t, nil, docker, "import", sharedFile(t, "images/alpine-minirootfs-3.18.9-x86_64.tar.gz"), prefix+"/alpine:3.18.9")
	removeAfter(t, docker, prefix+"/alpine:3.18.9")
	for name, image := range map[string]string{"old": old, "next": next} {
		command(t, []string{"DOCKER_BUILDKIT=1"}, docker, "build", "--quiet", "--tag", image, "--file", filepath.Join(dir, name), dir)
		removeAfter(t, docker, image)
	}
	app := prefix + "/app:1"
	// Its attestations would tell what it was built on.
	command(t, []string{"DOCKER_BUILDKIT=1", "BUILDX_NO_DEFAULT_ATTESTATIONS=1"}, docker, "build", "--quiet", "--tag", app, "--file", filepath.Join(dir, "app"), dir)
	removeAfter(t, docker, app)

	b := newBench(t)
	file := filepath.Join(dir, "Dockerfile")
	writeFiles(t, dir, map[string]string{"Dockerfile": fmt.Sprintf("FROM %s\n", old)})
	r := recommendedBy(t, b.ok("recommend", "--offline", "--format", "json", file))
	if len(r.Bases) != 1 || r.Bases[0].Today.Packages < 15 || !strings.HasPrefix(r.Bases[0].Today.From, "Docker Engine") {
		t.Fatalf("%+v", r)
	}
	if o := r.Bases[0].Options; len(o) != 1 || o[0].Ref != next || o[0].Packages == 0 || o[0].Size == 0 || o[0].Fix == nil || o[0].Fix.Edits[0].New != next {
		t.Errorf("options: %+v", o)
	}

	// Its configuration is what the rules know of a base: it runs as 1000, and the
	// next one as root.
	if out := b.run("lint", file).stdout; strings.Contains(out, "root-user") {
		t.Errorf("a base that runs as 1000:\n%s", out)
	}
	writeFiles(t, dir, map[string]string{"Dockerfile.next": fmt.Sprintf("FROM %s\n", next)})
	if out := b.run("lint", filepath.Join(dir, "Dockerfile.next")).stdout; !strings.Contains(out, "root-user") {
		t.Errorf("a base that runs as root:\n%s", out)
	}

	// The app's base is not known by name; its Dockerfile tells, or what was learned.
	if a := b.run("recommend", "--offline", "--format", "json", app); a.code != 1 || !strings.Contains(a.stdout, "neither labels nor attestations nor layers nor history") {
		t.Errorf("exit %d:\n%s", a.code, a.stdout)
	}
	r = recommendedBy(t, b.ok("recommend", "--offline", "--format", "json", "--dockerfile", filepath.Join(dir, "app"), app))
	if len(r.Bases) != 1 || r.Bases[0].By != "dockerfile" || r.Bases[0].Today.From != "this image" || len(r.Bases[0].Options) == 0 || r.Bases[0].Options[0].Fix == nil {
		t.Errorf("with its Dockerfile: %+v", r)
	}
	b.ok("recommend", "--offline", "--learn", old, next)
	r = recommendedBy(t, b.ok("recommend", "--offline", "--format", "json", app))
	if len(r.Bases) != 1 || r.Bases[0].By != "layers" || r.Bases[0].Ref != old {
		t.Errorf("learned: %+v", r)
	}
}
