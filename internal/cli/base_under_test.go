package cli_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// onto is an image with one more layer, of these files.
func onto(t *testing.T, img v1.Image, files map[string]string) v1.Image {
	t.Helper()
	img, err := mutate.AppendLayers(img, static.NewLayer(tarFiles(t, files), types.OCIUncompressedLayer))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func (s *basesOf) ids() (out []string) {
	for _, f := range s.Findings {
		if strings.HasPrefix(f.Rule, "vuln/") {
			out = append(out, f.ID)
		}
	}
	return out
}

// TestProvenanceTellsTheBase: to every verb, and which layers are the base's is
// told by the base itself.
func TestProvenanceTellsTheBase(t *testing.T) {
	w := watchedRegistry(t)
	bottom := alpineBase(t)
	w.push(t, "base/node:24", bottom)
	d, err := bottom.Digest()
	if err != nil {
		t.Fatal(err)
	}
	app := onto(t, bottom, map[string]string{"app/node_modules/lodash/package.json": `{"name":"lodash","version":"4.17.15"}`})
	const slsa = "https://slsa.dev/provenance/v1"
	from := func(ref string, digest v1.Hash) map[string]any {
		return map[string]any{slsa: map[string]any{"buildDefinition": map[string]any{"resolvedDependencies": []any{
			map[string]any{"uri": "pkg:docker/" + ref + "?platform=linux%2Famd64", "digest": map[string]string{"sha256": digest.Hex}},
		}}}}
	}
	w.attest(t, "app:1", app, from(w.host+"/base/node@24", d))
	target := "registry://" + w.host + "/app:1"
	b := noEngine(t)
	for range 2 { // the second time from memory
		if out := b.ok("quickview", "--platform", "linux/amd64", target); !strings.Contains(out, "base  "+w.host+"/base/node:24") {
			t.Errorf("quickview:\n%s", out)
		}
	}
	if out := b.ok("check", "--platform", "linux/amd64", target); !strings.Contains(out, "/base/node:24") {
		t.Errorf("check:\n%s", out)
	}
	s, a := b.bases("cves", "--ignore-base", target)
	if ids := s.ids(); a.code != 0 || !slices.Contains(ids, "CVE-2021-23337") || slices.Contains(ids, "CVE-2024-9143") {
		t.Errorf("--ignore-base: exit %d, %v\n%s", a.code, ids, a.stderr)
	}
	s, a = b.bases("cves", "--only-base", target)
	if ids := s.ids(); a.code != 0 || slices.Contains(ids, "CVE-2021-23337") || !slices.Contains(ids, "CVE-2024-9143") {
		t.Errorf("--only-base: exit %d, %v\n%s", a.code, ids, a.stderr)
	}

	// What was built with an image and on nothing does not stand on it.
	tool := imageOf(t, "amd64", tarFiles(t, map[string]string{"app": "x"}))
	w.attest(t, "tool:1", tool, from(w.host+"/base/node@24", d))
	if out := b.ok("quickview", "--platform", "linux/amd64", "registry://"+w.host+"/tool:1"); !strings.Contains(out, "base image not known") {
		t.Errorf("built on nothing:\n%s", out)
	}
	// Nor does what begins with other layers.
	other := onto(t, imageOf(t, "amd64", tarFiles(t, map[string]string{"etc/os-release": "ID=alpine\nVERSION_ID=3.19.1\n"})), map[string]string{"app": "x"})
	w.attest(t, "other:1", other, from(w.host+"/base/node@24", d))
	s, _ = b.bases("cves", "--only-base", "registry://"+w.host+"/other:1")
	if len(s.ids()) > 0 {
		t.Errorf("another base: %v", s.ids())
	}
}

// TestDockerfileSaysTheBase: the name of what was built is not taken for it.
func TestDockerfileSaysTheBase(t *testing.T) {
	w := watchedRegistry(t)
	// By its name, an nginx of 1.20.
	w.push(t, "team/nginx:1.20", onto(t, alpineBase(t), map[string]string{"app": "x"}))
	file := filepath.Join(t.TempDir(), "Dockerfile")
	writeFiles(t, filepath.Dir(file), map[string]string{"Dockerfile": "FROM python:3.14\nCOPY . /app\nCMD [\"app\"]\nUSER 1000\n"})
	b := noEngine(t)
	target := "registry://" + w.host + "/team/nginx:1.20"
	if out := b.run("check", "--platform", "linux/amd64", "--dockerfile", file, target).stdout; !strings.Contains(out, "python:3.14 could be python:3.14-slim") {
		t.Errorf("check:\n%s", out)
	}
	if out := b.run("check", "--platform", "linux/amd64", target).stdout; strings.Contains(out, "python:") {
		t.Errorf("check without it:\n%s", out)
	}
	r := recommendedBy(t, b.ok("recommend", "--offline", "--format", "json", "--dockerfile", file, "shop:dev"))
	if len(r.Bases) != 1 || r.Bases[0].Ref != "python:3.14" || r.Bases[0].By != "dockerfile" || r.Bases[0].Options[0].Fix == nil || len(r.Warnings) == 0 {
		t.Errorf("recommend --dockerfile shop:dev: %+v", r)
	}
	// Without one, shop is spelled like an official image and is none.
	if a := b.run("recommend", "--offline", "shop:dev"); a.code != 1 || strings.Contains(a.stdout+a.stderr, "Official Image") {
		t.Errorf("recommend shop:dev: exit %d\n%s%s", a.code, a.stdout, a.stderr)
	}
	if a := b.run("recommend", "--offline", "--dockerfile", file, "./shop.tar"); a.code != 1 || !strings.Contains(a.stderr, "no such file") {
		t.Errorf("a file that is not there: exit %d\n%s", a.code, a.stderr)
	}
}

// TestEngineDockerfileSaysTheBase: of an image that was built here.
func TestEngineDockerfileSaysTheBase(t *testing.T) {
	docker := engine(t)
	prefix, base := importBase(t, docker)
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"Dockerfile": "FROM " + base + "\nCOPY package.json /app/node_modules/lodash/\n", "package.json": `{"name":"lodash","version":"4.17.15"}`,
	})
	shop := strings.ReplaceAll(prefix, "/", "-") + "-shop:dev"
	command(t, []string{"DOCKER_BUILDKIT=1", "BUILDX_NO_DEFAULT_ATTESTATIONS=1"}, docker, "build", "--quiet", "--tag", shop, dir)
	removeAfter(t, docker, shop)
	b, file := newBench(t), filepath.Join(dir, "Dockerfile")
	r := recommendedBy(t, b.run("recommend", "--offline", "--format", "json", "--dockerfile", file, shop).stdout)
	if len(r.Bases) != 1 || r.Bases[0].Ref != base || r.Bases[0].By != "dockerfile" {
		t.Errorf("recommend: %+v", r)
	}
	s, _ := b.bases("check", "--offline", "--dockerfile", file, shop)
	for _, row := range s.Card {
		if row.Practice == "minimal-base" && !strings.Contains(row.Reasons[0], base) {
			t.Errorf("check: %q", row.Reasons)
		}
	}
	s, _ = b.bases("cves", "--ignore-base", "--dockerfile", file, shop)
	if ids := s.ids(); !slices.Contains(ids, "CVE-2021-23337") || slices.Contains(ids, "CVE-2024-9143") {
		t.Errorf("--ignore-base: %v", ids)
	}
}
