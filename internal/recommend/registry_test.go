package recommend

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
)

// memory is a registry that lives as long as the test.
func memory(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

// alpine is an image of an Alpine release with packages "name version", and more
// layers on it.
func alpine(t *testing.T, release string, packages []string, more ...string) v1.Image {
	t.Helper()
	db := ""
	for _, p := range packages {
		n, v, _ := strings.Cut(p, " ")
		db += fmt.Sprintf("P:%s\nV:%s\nA:x86_64\no:%s\n\n", n, v, n)
	}
	img := empty.Image
	for i, files := range append([]string{"etc/os-release=ID=alpine\nVERSION_ID=" + release + "\n|lib/apk/db/installed=" + db}, more...) {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for f := range strings.SplitSeq(files, "|") {
			path, text, _ := strings.Cut(f, "=")
			if err := w.WriteHeader(&tar.Header{Name: path, Mode: 0o644, Size: int64(len(text))}); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(w, text); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
		if err != nil {
			t.Fatal(err)
		}
		made := v1.Time{Time: time.Date(2025, 11, 1+i, 0, 0, 0, 0, time.UTC)}
		if img, err = mutate.Append(img, mutate.Addendum{Layer: l, History: v1.History{CreatedBy: "COPY x /", Created: made}}); err != nil {
			t.Fatal(err)
		}
	}
	f, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	f = f.DeepCopy()
	f.OS, f.Architecture, f.Created = "linux", "amd64", v1.Time{Time: time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC)}
	if img, err = mutate.ConfigFile(img, f); err != nil {
		t.Fatal(err)
	}
	return img
}

func push(t *testing.T, ref string, img v1.Image) finding.Digest {
	t.Helper()
	r, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(r, img); err != nil {
		t.Fatal(err)
	}
	d, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return finding.Digest(d.String())
}

// pushAttested pushes an index of an image and what a build attests of it.
func pushAttested(t *testing.T, ref string, img v1.Image, predicate string, body any) finding.Digest {
	t.Helper()
	d, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	statement, err := json.Marshal(map[string]any{
		"_type": "https://in-toto.io/Statement/v0.1", "predicateType": predicate, "predicate": body,
		"subject": []any{map[string]any{"name": "x", "digest": map[string]string{"sha256": d.Hex}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	att, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), static.NewLayer(statement, "application/vnd.in-toto+json"))
	if err != nil {
		t.Fatal(err)
	}
	index := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}},
		mutate.IndexAddendum{Add: att, Descriptor: v1.Descriptor{
			Platform:    &v1.Platform{OS: "unknown", Architecture: "unknown"},
			Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": d.String()},
		}})
	r, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(r, index); err != nil {
		t.Fatal(err)
	}
	top, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return finding.Digest(top.String())
}

// spdx is the SBOM that BuildKit's scanner writes, as far as it matters.
func spdx(packages ...string) any {
	list := []any{}
	for i, p := range packages {
		n, v, _ := strings.Cut(p, " ")
		list = append(list, map[string]any{
			"name": n, "versionInfo": v, "SPDXID": fmt.Sprintf("SPDXRef-%d", i), "downloadLocation": "NOASSERTION",
			"externalRefs": []any{map[string]string{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:apk/alpine/" + n + "@" + v + "?arch=x86_64&distro=alpine-3.20.3"}},
		})
	}
	return map[string]any{"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "sbom", "dataLicense": "CC0-1.0", "documentNamespace": "https://example.com/x", "packages": list}
}

func online(t *testing.T) check.Surroundings {
	p := alone(t)
	p.Offline = false
	// Alpine 3.20 and Node.js 20 to 24 are supported, and the database has the former.
	p.Now = func() time.Time { return time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC) }
	return p
}

func dockerfileOf(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "Dockerfile")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestRecommendFromRegistry(t *testing.T) {
	host := memory(t)
	repo := host + "/base/node"
	push(t, repo+":18", alpine(t, "3.20.3", []string{"openssl 3.3.0-r0", "musl 1.2.5-r0", "git 2.45.0-r0"}, "big="+strings.Repeat("x", 1<<20)))
	attested := pushAttested(t, repo+":22", alpine(t, "3.20.3", nil), "https://spdx.dev/Document", spdx("openssl 3.3.2-r1", "musl 1.2.5-r0"))
	push(t, repo+":24", alpine(t, "3.20.3", []string{"openssl 3.3.0-r0", "musl 1.2.5-r0", "curl 8.0.0-r0", "expat 2.6.0-r0"}))
	push(t, repo+":24-alpine", alpine(t, "3.20.3", []string{"openssl 3.3.2-r1", "musl 1.2.5-r0"}))
	push(t, repo+":20", alpine(t, "3.99.0", []string{"musl 1.2.9-r0"}))
	push(t, repo+":26-rc", alpine(t, "3.20.3", nil))

	rec, err := For(context.Background(), online(t), dockerfileOf(t, "FROM "+repo+":18\n"), Wish{})
	if err != nil {
		t.Fatal(err)
	}
	a := rec.Places[0].Advice
	if !rec.Network || a.Entry == nil || a.Seen.Packages != 3 || a.Seen.Size < 1<<20 || a.Seen.Found == nil {
		t.Fatalf("today: %+v, %+v; warnings %q", a.Entry, a.Seen, rec.Warnings)
	}
	by := options(a)
	if o := by[repo+":22"]; o == nil || !o.Recommended || o.Seen.Packages != 2 || o.Seen.Found == nil || o.Seen.From != "registry, 2025-11" || o.Digest != attested {
		t.Errorf("22, by its SBOM: %+v", o)
	}
	worse := by[repo+":24"]
	if worse == nil || worse.Recommended || !strings.Contains(strings.Join(worse.Against, " "), "expat") || worse.Seen.Packages != 4 {
		t.Errorf("24, looked at, is newer and worse: %+v", worse)
	}
	// A release of the distribution that the database does not have: not counted.
	if o := by[repo+":20"]; o == nil || o.Seen == nil || o.Seen.Found != nil || o.Seen.Packages != 1 || !slices.ContainsFunc(rec.Unknown, func(u finding.Unknown) bool { return strings.Contains(u.What, ":20") }) {
		t.Errorf("20: %+v, unknown %v", o, rec.Unknown)
	}
	if by[repo+":26-rc"] != nil {
		t.Error("a release candidate is proposed")
	}
	if len(rec.Places[0].Fixes) != len(a.Options) || rec.Places[0].Fixes[0] == nil {
		t.Errorf("edits: %v", rec.Places[0].Fixes)
	}

	// Named as an image: what it holds is told by its SBOM, without its layers.
	rec, err = For(context.Background(), online(t), repo+":22", Wish{})
	if err != nil || len(rec.Places) != 1 || rec.Places[0].Base.By != "name" || rec.Places[0].Advice.Seen.Packages != 2 || slices.ContainsFunc(rec.Warnings, func(w string) bool { return !strings.HasPrefix(w, "the advisory data of Alpine is ") }) {
		t.Errorf("as an image: %+v, %v", rec, err)
	}
	// As of an earlier day, nobody is asked.
	if rec, err := For(context.Background(), online(t), dockerfileOf(t, "FROM "+repo+":18\n"), march()); err != nil || rec.Network || len(rec.Places[0].Advice.Options) != 0 {
		t.Errorf("as of March: %+v, %v", rec, err)
	}
}

func TestRecommendRefresh(t *testing.T) {
	host := memory(t)
	repo := host + "/base/node"
	old := push(t, repo+":24", alpine(t, "3.20.3", []string{"musl 1.2.5-r0", "openssl 3.3.0-r0"}))
	moved := push(t, repo+":24", alpine(t, "3.20.3", []string{"musl 1.2.5-r1", "openssl 3.3.2-r1"}))
	file := dockerfileOf(t, fmt.Sprintf("FROM %s:24@%s\n", repo, old))
	rec, err := For(context.Background(), online(t), file, Wish{})
	if err != nil {
		t.Fatal(err)
	}
	a := rec.Places[0].Advice
	o := a.Best(base.Refresh)
	if o == nil || o.Digest != moved || o.Ref != repo+":24" || a.Seen == nil || base.Brought(o.TakesAway) == "" {
		t.Fatalf("%+v; today %+v, %q", o, a.Seen, rec.Warnings)
	}
	if e := rec.Places[0].Fixes[0].Edits[0]; e.New != fmt.Sprintf("%s:24@%s", repo, moved) || rec.Places[0].Fixes[0].Safety != finding.Behaviour {
		t.Errorf("the edit: %+v", e)
	}
	file = dockerfileOf(t, fmt.Sprintf("FROM %s:24@%s\n", repo, moved))
	if rec, err = For(context.Background(), online(t), file, Wish{}); err != nil || rec.Places[0].Advice.Best(base.Refresh) != nil {
		t.Errorf("refreshed to itself: %v", err)
	}
}

// The base of an image without Dockerfile or labels, by its provenance; and what
// its own layers hold of it.
func TestRecommendByProvenance(t *testing.T) {
	host := memory(t)
	repo := host + "/base/node"
	bottom := alpine(t, "3.20.3", []string{"musl 1.2.5-r0", "openssl 3.3.0-r0"})
	push(t, repo+":20", bottom)
	push(t, repo+":22", alpine(t, "3.20.3", []string{"musl 1.2.5-r1", "openssl 3.3.2-r1"}))
	app := alpine(t, "3.20.3", []string{"musl 1.2.5-r0", "openssl 3.3.0-r0"}, "app=x")
	pushAttested(t, host+"/app:1", app, "https://slsa.dev/provenance/v0.2", map[string]any{
		"materials": []any{map[string]any{"uri": "pkg:docker/" + repo + "@20?platform=linux%2Famd64"}},
	})
	rec, err := For(context.Background(), online(t), "registry://"+host+"/app:1", Wish{})
	if err != nil {
		t.Fatal(err)
	}
	if len(rec.Places) != 1 || rec.Places[0].Base.By != "provenance" || rec.Places[0].Advice.Best(base.Update) == nil || rec.Places[0].Advice.Best(base.Update).Ref != repo+":22" {
		t.Fatalf("%+v, unknown %v, warnings %q", rec.Places, rec.Unknown, rec.Warnings)
	}
	// Without it, nothing tells the base, and that is said.
	push(t, host+"/app:2", app)
	if rec, err = For(context.Background(), online(t), "registry://"+host+"/app:2", Wish{}); err != nil || !rec.Nothing() || len(rec.Unknown) != 1 {
		t.Errorf("%+v, %v", rec, err)
	}
	// What was learned of the base tells it by the layers, with what they hold.
	p := online(t)
	catalogue := filepath.Join(t.TempDir(), "c.jsonl")
	if _, n, err := Learn(context.Background(), p, []string{"registry://" + repo + ":20", "registry://" + repo + ":22"}, catalogue); err != nil || n != 2 {
		t.Fatalf("%d learned, %v", n, err)
	}
	p.Learned = catalogue
	if rec, err = For(context.Background(), p, "registry://"+host+"/app:2", Wish{}); err != nil || len(rec.Places) != 1 {
		t.Fatalf("%+v, %v", rec, err)
	}
	if pl := rec.Places[0]; pl.Base.By != "layers" || pl.Base.Layers != 1 || pl.Advice.Seen.Packages != 2 || pl.Advice.Seen.From != "this image" {
		t.Errorf("%+v, %+v", pl.Base, pl.Advice.Seen)
	}
	// Offline, the catalogue is what there is: sizes and counts come from it.
	q := alone(t)
	q.Now, q.Learned = p.Now, catalogue
	rec, err = For(context.Background(), q, dockerfileOf(t, "FROM "+repo+":20\n"), Wish{})
	if err != nil || rec.Network || rec.Places[0].Advice.Best(base.Update) == nil {
		t.Fatalf("%+v, %v", rec, err)
	}
	if o := rec.Places[0].Advice.Best(base.Update); o.Seen == nil || o.Seen.Found == nil || !strings.HasPrefix(o.Seen.From, "learned") {
		t.Errorf("%+v", o.Seen)
	}
}

func TestLearnRefuses(t *testing.T) {
	p := alone(t)
	file := filepath.Join(t.TempDir(), "sub", "c.jsonl")
	if _, _, err := Learn(context.Background(), p, []string{"somebody/thing:1"}, file); err == nil {
		t.Error("learned of an image that cannot be had")
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("and a file was made of nothing")
	}
	damaged := filepath.Join(t.TempDir(), "c.jsonl")
	if err := os.WriteFile(damaged, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Learn(context.Background(), p, nil, damaged); err == nil {
		t.Error("a file that is no catalogue was overwritten")
	}
	p.Learned = damaged
	if _, err := For(context.Background(), p, "nginx:1.20", Wish{}); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("recommended with it: %v", err)
	}
}

// TestPublisher: by the address, the user's word, and Docker Hub's, which is
// asked briefly and may say nothing.
func TestPublisher(t *testing.T) {
	asked := 0
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		switch r.URL.Path {
		case "/v2/orgs/bitnami/":
			fmt.Fprint(w, `{"orgname":"bitnami","badge":"verified_publisher"}`)
		case "/v2/orgs/plain/":
			fmt.Fprint(w, `{"orgname":"plain","badge":""}`)
		case "/v2/orgs/broken/":
			fmt.Fprint(w, `{"badge":`)
		case "/v2/orgs/down/":
			w.WriteHeader(http.StatusInternalServerError)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer hub.Close()
	r := &recommending{Pipeline: &check.Pipeline{Surroundings: online(t)}, out: &Result{}, wish: Wish{Hub: hub.URL, Publishers: []string{"registry.example.com/base", "ghcr.io/org/"}}}
	for ref, want := range map[string]string{
		"node:24": "official", "bitnami/nginx:1": "verified", "plain/x:1": "community", "nobody/x:1": "community", "broken/x:1": "unknown", "down/x:1": "unknown",
		"mcr.microsoft.com/dotnet/sdk:8.0": "vendor", "registry.example.com/base/node:24": "trusted", "registry.example.com/basement/x:1": "unknown",
		"ghcr.io/org/app:1": "trusted", "ghcr.io/orga/app:1": "unknown", "quay.io/x/y:1": "unknown",
	} {
		p, err := base.ParseRef(ref)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.publisher(context.Background(), p); got.Kind != want {
			t.Errorf("%s: %+v, want %s", ref, got, want)
		}
	}
	if asked != 5 {
		t.Errorf("Docker Hub was asked %d times", asked)
	}
	r.Offline = true
	p, _ := base.ParseRef("bitnami/nginx:1")
	if got := r.publisher(context.Background(), p); got.Kind != "unknown" || asked != 5 {
		t.Errorf("offline: %+v, asked %d times", got, asked)
	}
}

// A registry that does not answer is said once, and what is embedded answers.
func TestRecommendUnreachable(t *testing.T) {
	host := memory(t)
	repo := host + "/base/node"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer srv.Close()
	down := strings.TrimPrefix(srv.URL, "http://") + "/base/node:20"
	rec, err := For(context.Background(), online(t), dockerfileOf(t, "FROM "+down+"\nFROM "+down+"-alpine\nFROM "+repo+":20\n"), Wish{})
	if err != nil {
		t.Fatal(err)
	}
	said := 0
	for _, w := range rec.Warnings {
		if strings.Contains(w, "did not answer") {
			said++
		}
	}
	if said != 2 { // the one that refuses, and the one that has no such repository
		t.Errorf("warnings: %q", rec.Warnings)
	}
}
