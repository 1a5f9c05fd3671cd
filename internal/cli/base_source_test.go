package cli_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// watched is a registry that lives as long as the test, and remembers what it
// was asked for.
type watched struct {
	host string
	mu   sync.Mutex
	got  []string
}

func watchedRegistry(t *testing.T) *watched {
	t.Helper()
	w := &watched{}
	inner := ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)))
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		w.mu.Lock()
		w.got = append(w.got, req.Method+" "+req.URL.Path)
		w.mu.Unlock()
		inner.ServeHTTP(rw, req)
	}))
	t.Cleanup(srv.Close)
	w.host = strings.TrimPrefix(srv.URL, "http://")
	return w
}

// asked are the requests since it was last called.
func (w *watched) asked() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	got := w.got
	w.got = nil
	return got
}

func (w *watched) push(t *testing.T, ref string, img v1.Image) {
	t.Helper()
	r, err := name.ParseReference(w.host + "/" + ref)
	if err == nil {
		err = remote.Write(r, img)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// attest pushes an index of an image and of what its build attests: predicates by
// type.
func (w *watched) attest(t *testing.T, ref string, img v1.Image, predicates map[string]any) {
	t.Helper()
	d, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	var statements []mutate.Addendum
	for kind, body := range predicates {
		b, err := json.Marshal(map[string]any{
			"_type": "https://in-toto.io/Statement/v0.1", "predicateType": kind, "predicate": body,
			"subject": []any{map[string]any{"name": "x", "digest": map[string]string{"sha256": d.Hex}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		statements = append(statements, mutate.Addendum{
			Layer:       static.NewLayer(b, "application/vnd.in-toto+json"),
			Annotations: map[string]string{"in-toto.io/predicate-type": kind},
		})
	}
	att, err := mutate.Append(mutate.MediaType(empty.Image, types.OCIManifestSchema1), statements...)
	if err != nil {
		t.Fatal(err)
	}
	index := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}},
		mutate.IndexAddendum{Add: att, Descriptor: v1.Descriptor{
			Platform:    &v1.Platform{OS: "unknown", Architecture: "unknown"},
			Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": d.String()},
		}})
	r, err := name.ParseReference(w.host + "/" + ref)
	if err == nil {
		err = remote.WriteIndex(r, index)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// spdxOf is an SBOM of Alpine packages, "name version", as BuildKit's scanner
// writes it.
func spdxOf(packages ...string) any {
	list := []any{}
	for i, p := range packages {
		n, v, _ := strings.Cut(p, " ")
		list = append(list, map[string]any{
			"name": n, "versionInfo": v, "SPDXID": fmt.Sprintf("SPDXRef-%d", i), "downloadLocation": "NOASSERTION",
			"externalRefs": []any{map[string]string{
				"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
				"referenceLocator": "pkg:apk/alpine/" + n + "@" + v + "?arch=x86_64&distro=alpine-3.18.9",
			}},
		})
	}
	return map[string]any{
		"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "sbom", "dataLicense": "CC0-1.0",
		"documentNamespace": "https://example.com/x", "packages": list,
	}
}

// alpineBase is an image of Alpine 3.18 with an OpenSSL of old and a user.
func alpineBase(t *testing.T) v1.Image {
	t.Helper()
	img := imageOf(t, "amd64", tarFiles(t, map[string]string{
		"etc/os-release":       "ID=alpine\nVERSION_ID=3.18.9\nPRETTY_NAME=\"Alpine Linux v3.18\"\n",
		"lib/apk/db/installed": "P:libcrypto3\nV:3.1.7-r0\nA:x86_64\no:openssl\n\nP:musl\nV:1.2.4-r2\nA:x86_64\no:musl\n\n",
	}))
	f, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	f = f.DeepCopy()
	f.Config.User = "1000"
	if img, err = mutate.ConfigFile(img, f); err != nil {
		t.Fatal(err)
	}
	return img
}

// placed is a finding with the line that it is at.
type placed struct {
	Rule, ID string
	At       []struct{ Source *struct{ Line int } }
}

// basesOf is what scripts read of the bases in a report.
type basesOf struct {
	Bases []struct {
		Ref, Source, AsOf       string
		Reconstructed, Attested bool
	}
	Findings []placed
	Card     []struct {
		Practice string
		Reasons  []string
	}
	Unknown []struct {
		What, Why string
		Beyond    bool
	}
}

func (b *workbench) bases(args ...string) (basesOf, answer) {
	b.t.Helper()
	a := b.run(append(args, "--platform", "linux/amd64", "--format", "json")...)
	var s basesOf
	if err := json.Unmarshal([]byte(a.stdout), &s); err != nil {
		b.t.Fatalf("drydock %v: %v\n%s\n%s", args, err, a.stdout, a.stderr)
	}
	return s, a
}

func (s *basesOf) rules() (out []string) {
	for _, f := range s.Findings {
		out = append(out, f.Rule)
	}
	return out
}

// noEngine is a bench without a Docker Engine and without the user's credentials.
func noEngine(t *testing.T) *workbench {
	b := newBench(t)
	b.env["DOCKER_HOST"], b.env["DOCKER_CONFIG"] = "unix:///nonexistent.sock", t.TempDir()
	return b
}

// TestBaseFromRegistry: what a base holds that neither the catalogue nor the
// Engine has is found in its registry, unless that may not be asked.
func TestBaseFromRegistry(t *testing.T) {
	w := watchedRegistry(t)
	w.push(t, "base/alpine:3.18", alpineBase(t))
	w.push(t, "base/alpine:latest", alpineBase(t))
	w.attest(t, "base/attested:1", alpineBase(t), map[string]any{"https://spdx.dev/Document": spdxOf("openssl 3.1.7-r0", "musl 1.2.4-r2")})
	top := t.TempDir()
	in := func(name string) string { return filepath.Join(top, name) }
	writeFiles(t, top, map[string]string{
		"app/Dockerfile":      "FROM " + w.host + "/base/alpine:3.18\nRUN apk upgrade\nCMD [\"true\"]\n",
		"attested/Dockerfile": "FROM " + w.host + "/base/attested:1\nCMD [\"true\"]\n",
		"untagged/Dockerfile": "FROM " + w.host + "/base/alpine\nCMD [\"true\"]\n",
		"absent/Dockerfile":   "FROM " + w.host + "/base/nothing:1\nCMD [\"true\"]\n",
		"silent/a.Dockerfile": "FROM nobody.invalid/x:1\n", "silent/b.Dockerfile": "FROM nobody.invalid/y:1\n",
		"compose.yaml":          "services:\n  a: { image: '" + w.host + "/base/alpine:3.18' }\n",
		"untagged/compose.yaml": "services:\n  a: { image: '" + w.host + "/base/alpine' }\n",
	})
	dir, file, compose := in("app"), in("app/Dockerfile"), "compose://"+in("compose.yaml")
	w.asked()
	for _, args := range [][]string{{"cves", file}, {"quickview", file}, {"check", file}, {"check", dir}, {"cves", compose}} {
		b := noEngine(t)
		s, a := b.bases(args...)
		if len(s.Bases) == 0 || s.Bases[0].Source != "registry" || s.Bases[0].Attested || s.Bases[0].AsOf != "2026-11-23" || a.code != 0 {
			t.Errorf("%v: exit %d, %+v\n%s", args, a.code, s, a.stderr)
		}
		if !slices.ContainsFunc(s.Findings, func(f placed) bool { return f.ID == "CVE-2024-9143" && f.At[0].Source != nil }) {
			t.Errorf("%v: CVE-2024-9143 of its OpenSSL is not found: %+v", args, s.Findings)
		}
		if strings.Count(a.stderr, "network: asking "+w.host+"\n") != 1 {
			t.Errorf("%v: %q", args, a.stderr)
		}
		if args[0] == "check" && slices.Contains(s.rules(), "dockerfile/root-user") {
			t.Errorf("%v: the base runs as 1000, and that is not known: %v", args, s.rules())
		}
		if args[0] == "check" && slices.Index(s.rules(), "base/end-of-life") < 0 {
			t.Errorf("%v: Alpine 3.18 is over: %v", args, s.rules())
		}
		if out := b.run(append(args, "--platform", "linux/amd64")...).stdout; !strings.Contains(out, w.host+"/base/alpine:3.18 (registry)") {
			t.Errorf("%v: the text does not say where the base is known from:\n%s", args, out)
		}
	}

	// By the SBOM beside it, of which no layer is pulled.
	layers, err := alpineBase(t).Layers()
	if err != nil {
		t.Fatal(err)
	}
	layer, err := layers[0].Digest()
	if err != nil {
		t.Fatal(err)
	}
	w.asked()
	s, _ := noEngine(t).bases("cves", in("attested/Dockerfile"))
	if len(s.Bases) != 1 || s.Bases[0].Source != "registry" || !s.Bases[0].Attested || len(s.Findings) == 0 {
		t.Errorf("attested: %+v", s)
	}
	if got := w.asked(); slices.ContainsFunc(got, func(r string) bool { return strings.Contains(r, layer.Hex) }) {
		t.Errorf("a layer is pulled though the SBOM tells: %v", got)
	}
	if out := noEngine(t).ok("cves", "--platform", "linux/amd64", in("attested/Dockerfile")); !strings.Contains(out, "its packages are what its builder attests") {
		t.Errorf("whose word it is, is not said:\n%s", out)
	}

	// A FROM says which image it means, also without a tag; a compose file does not.
	if s, _ := noEngine(t).bases("cves", in("untagged/Dockerfile")); len(s.Bases) != 1 || s.Bases[0].Source != "registry" {
		t.Errorf("FROM without a tag: %+v", s)
	}
	w.asked()
	s, a := noEngine(t).bases("cves", "compose://"+in("untagged/compose.yaml"))
	if got := w.asked(); len(got) > 0 || len(s.Bases) != 0 || len(s.Unknown) != 1 || !s.Unknown[0].Beyond || a.code != 0 {
		t.Errorf("compose without a tag: asked %v, exit %d, %+v", got, a.code, s)
	}
	if s, a := noEngine(t).bases("cves", in("absent/Dockerfile")); len(s.Unknown) != 1 || !strings.Contains(s.Unknown[0].Why, "not to be had from its registry") || !s.Unknown[0].Beyond || a.code != 0 {
		t.Errorf("an absent image: exit %d, %+v", a.code, s)
	}
	// A registry that does not answer is not asked for the next image.
	s, _ = noEngine(t).bases("cves", in("silent"))
	if len(s.Unknown) != 2 || strings.Count(s.Unknown[0].Why+s.Unknown[1].Why, "did not answer before") != 1 {
		t.Errorf("%+v", s.Unknown)
	}

	// Nobody is asked where that is forbidden, nor by lint at all.
	w.asked()
	for _, c := range []struct {
		args []string
		env  string
	}{
		{[]string{"cves", "--offline", file}, ""},
		{[]string{"quickview", "--offline", dir}, ""},
		{[]string{"check", "--offline", dir}, ""},
		{[]string{"check", file}, "1"},
		{[]string{"cves", compose}, "true"},
		{[]string{"lint", file}, ""},
	} {
		b := noEngine(t)
		b.env["DRYDOCK_OFFLINE"] = c.env
		s, a := b.bases(c.args...)
		if got := w.asked(); len(got) > 0 || strings.Contains(a.stderr, "network:") {
			t.Errorf("%v, DRYDOCK_OFFLINE=%s: asked %v\n%s", c.args, c.env, got, a.stderr)
		}
		if c.args[0] != "lint" && (a.code != 0 || len(s.Unknown) == 0 || !strings.Contains(s.Unknown[0].Why, "no registry is asked (--offline)")) {
			t.Errorf("%v: exit %d, %+v", c.args, a.code, s.Unknown)
		}
	}
}

// TestEngineBases: what a base holds that the catalogue does not have is found in
// the Docker Engine, and nobody else is asked.
func TestEngineBases(t *testing.T) {
	docker := engine(t)
	_, base := importBase(t, docker)
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"Dockerfile": "FROM " + base + "\nUSER 1000\nCMD [\"true\"]\n"})
	for _, args := range [][]string{{"cves", filepath.Join(dir, "Dockerfile")}, {"check", dir}, {"quickview", dir}, {"cves", "--offline", dir}} {
		b := newBench(t)
		s, a := b.bases(args...)
		if a.code != 0 || len(s.Bases) != 1 || s.Bases[0].Source != "engine" || len(s.Findings) < 3 || strings.Contains(a.stderr, "network:") {
			t.Errorf("%v: exit %d, %+v\n%s", args, a.code, s, a.stderr)
		}
		if out := b.run(args...).stdout; !strings.Contains(out, base+" (Docker Engine)") {
			t.Errorf("%v: the text does not say where the base is known from:\n%s", args, out)
		}
	}
}
