package cli_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// registryServer runs Docker's own registry on a loopback port until the test
// ends. With users it asks for a name and a password: user, secret.
func registryServer(t *testing.T, users bool, more ...string) string {
	t.Helper()
	server, err := exec.LookPath("docker-registry")
	if err != nil {
		lacking(t, "no docker-registry (Debian's package of that name): %v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := fmt.Sprintf("version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %s}, delete: {enabled: true}}\nhttp: {addr: %s}\n", dir, host)
	config += strings.Join(more, "")
	if users {
		// bcrypt of "secret", as htpasswd -B writes it
		writeFiles(t, dir, map[string]string{"htpasswd": "user:$2a$04$FPSpD1V0w3qKBfNJgV7fHeKiTGer2r91G6lTNhFRvvZO.TzvwEbDG\n"})
		config += fmt.Sprintf("auth: {htpasswd: {realm: test, path: %s}}\n", filepath.Join(dir, "htpasswd"))
	}
	writeFiles(t, dir, map[string]string{"config.yml": config})
	var log bytes.Buffer
	cmd := exec.Command(server, "serve", filepath.Join(dir, "config.yml"))
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // its folder goes with the test
		_ = cmd.Wait()
	})
	for range 100 {
		resp, err := http.Get("http://" + host + "/v2/")
		if err == nil {
			_ = resp.Body.Close()
			return host
		}
		time.Sleep(100 * time.Millisecond)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // the log is whole after this
	t.Fatalf("docker-registry does not answer at %s:\n%s", host, log.String())
	return ""
}

// push copies an image with skopeo, a client that shares no code with Drydock.
func push(t *testing.T, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("skopeo"); err != nil {
		lacking(t, "no skopeo: %v", err)
	}
	command(t, nil, "skopeo", append([]string{"copy", "--quiet", "--insecure-policy", "--dest-tls-verify=false"}, args...)...)
}

func TestRegistryCompressions(t *testing.T) {
	archive := sharedFile(t, "images/formats/alpine-3.20-docker-archive.tar")
	host := registryServer(t, false)
	want := newBench(t).scan("sbom", archive)
	wantVulns := newBench(t).scan("cves", archive).facts()
	if len(want.purls()) < 14 || len(wantVulns) == 0 {
		t.Fatalf("the archive: %d packages, %d vulnerabilities", len(want.purls()), len(wantVulns))
	}
	// In this order: skopeo remembers the zstd blobs of a registry, and would use
	// them for a manifest that cannot name them.
	for _, c := range []struct {
		tag  string
		args []string
	}{
		{"gzip", []string{"--format", "v2s2"}},
		{"oci", []string{"--format", "oci"}},
		{"light", []string{"--format", "oci", "--dest-compress-format", "gzip", "--dest-compress-level", "1"}},
		{"zstd", []string{"--format", "oci", "--dest-compress-format", "zstd", "--dest-compress"}},
	} {
		tag, args := c.tag, c.args
		t.Run(tag, func(t *testing.T) {
			ref := host + "/library/alpine:" + tag
			push(t, append(args, "docker-archive:"+archive, "docker://"+ref)...)
			for _, target := range []string{"registry://" + ref, "image://" + ref, ref} {
				b := newBench(t)
				got := b.scan("sbom", target)
				if diff := cmp.Diff(want.Packages, got.Packages); diff != "" {
					t.Errorf("packages of %s (-archive +registry):\n%s", target, diff)
				}
				if diff := cmp.Diff(wantVulns, b.scan("cves", target).facts()); diff != "" {
					t.Errorf("vulnerabilities of %s (-archive +registry):\n%s", target, diff)
				}
			}
			b := newBench(t)
			digest := b.scan("cves", "registry://"+ref).Subjects[0].Digest
			pinned := host + "/library/alpine@" + command(t, nil, "skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", "docker://"+ref)
			pinned = strings.TrimSpace(pinned)
			if got := b.scan("sbom", "registry://"+pinned); !strings.HasSuffix(pinned, digest) || len(got.purls()) != len(want.purls()) {
				t.Errorf("%s: digest %s, %d packages", pinned, digest, len(got.purls()))
			}
		})
	}
}

func TestRegistryPlatforms(t *testing.T) {
	host := registryServer(t, false)
	dir := filepath.Join(t.TempDir(), "index")
	var adds []mutate.IndexAddendum
	for arch, pkg := range map[string]string{"amd64": "lodash", "arm64": "minimist"} {
		adds = append(adds, mutate.IndexAddendum{
			Add:        oneFileImage(t, arch, "app/node_modules/"+pkg+"/package.json", `{"name":"`+pkg+`","version":"1.2.0"}`),
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	p, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	name := map[string]string{"org.opencontainers.image.ref.name": "multi"}
	if err := p.AppendIndex(mutate.AppendManifests(empty.Index, adds...), layout.WithAnnotations(name)); err != nil {
		t.Fatal(err)
	}
	ref := host + "/multi/app:1"
	push(t, "--all", "oci:"+dir+":multi", "docker://"+ref)

	for platform, want := range map[string]string{
		"linux/amd64": "pkg:npm/lodash@1.2.0", "linux/arm64": "pkg:npm/minimist@1.2.0", "linux/arm64/v8": "pkg:npm/minimist@1.2.0",
	} {
		got := newBench(t).scan("sbom", "--platform", platform, "registry://"+ref).purls()
		if diff := cmp.Diff([]string{want}, got); diff != "" {
			t.Errorf("%s: %s", platform, diff)
		}
	}
	a := newBench(t).run("cves", "--platform", "linux/s390x", "registry://"+ref)
	for _, want := range []string{"linux/s390x", "linux/amd64", "linux/arm64"} {
		if a.code != 1 || !strings.Contains(a.stderr, want) {
			t.Errorf("an absent platform: exit code %d, and nothing of %s:\n%s", a.code, want, a.stderr)
		}
	}
}

func TestRegistryCredentials(t *testing.T) {
	host := registryServer(t, true)
	ref := host + "/private/app:1"
	file := filepath.Join(t.TempDir(), "app.tar")
	img := oneFileImage(t, "amd64", "app/node_modules/lodash/package.json", `{"name":"lodash","version":"4.17.15"}`)
	if err := tarball.WriteToFile(file, nil, img); err != nil {
		t.Fatal(err)
	}
	push(t, "--dest-creds", "user:secret", "docker-archive:"+file, "docker://"+ref)

	denied := func(what string) {
		t.Helper()
		a := newBench(t).run("cves", "registry://"+ref)
		if a.code != 1 || !strings.Contains(a.stderr, "authentication required") || !strings.Contains(a.stderr, "hint: ") || !strings.Contains(a.stderr, "docker login "+host) {
			t.Errorf("%s: exit code %d\n%s", what, a.code, a.stderr)
		}
		if strings.Contains(a.stderr, "secret") || strings.Contains(a.stderr, "guess") || a.stdout != "" {
			t.Errorf("%s: printed\n%s%s", what, a.stdout, a.stderr)
		}
	}
	config := t.TempDir()
	t.Setenv("DOCKER_CONFIG", config)
	denied("without credentials")
	writeFiles(t, config, map[string]string{"config.json": `{"auths":{"` + host + `":{"auth":"dXNlcjpndWVzcw=="}}}`}) // user:guess
	denied("with a wrong password")

	command(t, nil, "skopeo", "login", "--tls-verify=false", "--authfile", filepath.Join(config, "config.json"), "--username", "user", "--password", "secret", host)
	if got := newBench(t).scan("sbom", "registry://"+ref).purls(); len(got) != 1 || got[0] != "pkg:npm/lodash@4.17.15" {
		t.Errorf("with credentials: %v", got)
	}

	// A credential helper, as Docker's desktop programs have them.
	helpers := t.TempDir()
	script := "#!/bin/sh\nread -r host\n[ \"$1 $host\" = 'get " + host + "' ] || exit 1\necho '{\"ServerURL\":\"" + host + "\",\"Username\":\"user\",\"Secret\":\"secret\"}'\n"
	if err := os.WriteFile(filepath.Join(helpers, "docker-credential-drydocktest"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", helpers+string(os.PathListSeparator)+os.Getenv("PATH"))
	writeFiles(t, config, map[string]string{"config.json": `{"credHelpers":{"` + host + `":"drydocktest"}}`})
	if got := newBench(t).scan("sbom", "registry://"+ref).purls(); len(got) != 1 {
		t.Errorf("with a credential helper: %v", got)
	}

	for _, absent := range []string{host + "/private/app:2", host + "/nobody/nothing:1"} {
		a := newBench(t).run("cves", "registry://"+absent)
		if a.code != 1 || !strings.Contains(a.stderr, absent[strings.LastIndex(absent, "/"):]) || !strings.Contains(a.stderr, "hint: ") {
			t.Errorf("%s: exit code %d\n%s", absent, a.code, a.stderr)
		}
	}
	a := newBench(t).run("cves", "--offline", "registry://"+ref)
	if a.code != 1 || !strings.Contains(a.stderr, "offline") {
		t.Errorf("offline: exit code %d\n%s", a.code, a.stderr)
	}
}

// oneFileImage is an image of one layer with one file.
func oneFileImage(t *testing.T, arch, path, body string) v1.Image {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: path, Mode: 0o644, Size: int64(len(body)), ModTime: today()}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(body)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return imageOf(t, arch, b.Bytes())
}

// imageOf is an image of these layers, each an uncompressed tar.
func imageOf(t *testing.T, arch string, layers ...[]byte) v1.Image {
	t.Helper()
	img := empty.Image
	for i, l := range layers {
		made, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(l)), nil })
		if err != nil {
			t.Fatal(err)
		}
		history := v1.History{CreatedBy: fmt.Sprintf("COPY layer%d / # buildkit", i+1), Created: v1.Time{Time: today()}}
		if img, err = mutate.Append(img, mutate.Addendum{Layer: made, History: history}); err != nil {
			t.Fatal(err)
		}
	}
	f, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	f = f.DeepCopy()
	f.OS, f.Architecture, f.Created = "linux", arch, v1.Time{Time: today()}
	if img, err = mutate.ConfigFile(img, f); err != nil {
		t.Fatal(err)
	}
	return img
}
