package cli_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// debianImage is a Debian root file system with what applications put on top of
// it, a layer each: an npm tree, a Go binary, a distribution's package of
// JavaScript (which its layer's rewritten package database brings in), and one
// that takes a package away again.
func debianImage(t *testing.T) v1.Image {
	t.Helper()
	root := os.Getenv("DRYDOCK_DEBIAN_ROOTFS")
	if root == "" {
		lacking(t, "DRYDOCK_DEBIAN_ROOTFS does not name a Debian root file system (debootstrap --variant=minbase)")
	}
	status, err := os.ReadFile(filepath.Join(root, "var/lib/dpkg/status"))
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	base := filepath.Join(work, "base.tar")
	command(t, nil, "tar", "-C", root, "--sort=name", "--numeric-owner", "--exclude=./proc/*", "--exclude=./sys/*", "--exclude=./dev/*", "-cf", base, ".")
	old := filepath.Join(work, "old")
	buildOldGo(t, old)
	binary, err := os.ReadFile(old)
	if err != nil {
		t.Fatal(err)
	}
	img := empty.Image
	add := func(by string, open func() (io.ReadCloser, error)) {
		l, err := tarball.LayerFromOpener(open, tarball.WithCompressionLevel(gzip.BestSpeed))
		if err != nil {
			t.Fatal(err)
		}
		if img, err = mutate.Append(img, mutate.Addendum{Layer: l, History: v1.History{CreatedBy: by, Created: v1.Time{Time: today()}}}); err != nil {
			t.Fatal(err)
		}
	}
	addFiles := func(by string, files map[string]string) {
		b := tarFiles(t, files)
		add(by, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil })
	}
	add("ADD rootfs.tar / # buildkit", func() (io.ReadCloser, error) { return os.Open(base) })
	addFiles("COPY node_modules /app/node_modules # buildkit", npmTree(t, "app"))
	addFiles("COPY old /usr/local/bin/ # buildkit", map[string]string{"usr/local/bin/old": string(binary)})
	addFiles("RUN apt-get install -y node-minimist # buildkit", map[string]string{
		"var/lib/dpkg/status": string(status) + "\nPackage: node-minimist\nStatus: install ok installed\nArchitecture: all\nVersion: 1.2.0-1\n" +
			"Maintainer: Nobody <nobody@example.com>\nDescription: a test's package\n\n",
		"var/lib/dpkg/info/node-minimist.list":       "/.\n/usr\n/usr/lib\n/usr/lib/node_modules\n/usr/lib/node_modules/minimist\n/usr/lib/node_modules/minimist/package.json\n",
		"usr/lib/node_modules/minimist/package.json": `{"name":"minimist","version":"1.2.5"}`,
		"usr/local/lib/node_modules/yo/package.json": `{"name":"qs","version":"6.5.1"}`, // a second place of one package
	})
	addFiles("RUN rm -r /app/node_modules/axios # buildkit", map[string]string{"app/node_modules/.wh.axios": ""})
	f, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	f = f.DeepCopy()
	f.OS, f.Architecture, f.Created = "linux", "amd64", v1.Time{Time: today()}
	if img, err = mutate.ConfigFile(img, f); err != nil {
		t.Fatal(err)
	}
	return img
}

func tarFiles(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		h := &tar.Header{Name: name, Mode: 0o755, Size: int64(len(files[name])), ModTime: today(), Typeflag: tar.TypeReg}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, files[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Scanning an image and scanning its SBOM gives the same vulnerabilities, in
// every format that the SBOM can have.
func TestImageAndItsSBOMHaveTheSameVulnerabilities(t *testing.T) {
	img := debianImage(t)
	target := writeLayout(t, img)
	b := newBench(t)
	image := b.scan("cves", "--show-suppressed", target)
	want := image.facts()

	// What the comparison is worth: every kind of package, several layers, some
	// suppressed, some without a fix.
	layers, kinds, suppressed, unfixed := map[string]bool{}, map[string]bool{}, 0, 0
	for _, f := range image.Findings {
		if !strings.HasPrefix(f.Rule, "vuln/") {
			continue
		}
		kind, _, _ := strings.Cut(strings.TrimPrefix(f.Package, "pkg:"), "/")
		kinds[kind] = true
		for _, at := range f.At {
			layers[at.Layer] = true
		}
		if f.Suppressed != nil {
			suppressed++
		}
		if f.FixedIn == "" {
			unfixed++
		}
	}
	if len(layers) < 4 || !kinds["deb"] || !kinds["npm"] || !kinds["golang"] || suppressed == 0 || unfixed == 0 {
		t.Fatalf("%d findings of %v in %d layers, %d suppressed, %d without a fix: not enough to compare", len(want), kinds, len(layers), suppressed, unfixed)
	}
	for _, f := range want {
		if strings.Contains(f, "axios") && strings.Contains(f, "counts") {
			t.Errorf("axios was removed above, and counts: %s", f)
		}
		if strings.Contains(f, "minimist@1.2.5") && strings.Contains(f, " counts") {
			t.Errorf("node-minimist owns it, and it counts: %s", f)
		}
	}
	diffIDs := func() (ids []string) {
		f, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.RootFS.DiffIDs {
			ids = append(ids, d.String())
		}
		return ids
	}()
	owned := 0
	for _, f := range image.Findings {
		if strings.Contains(f.Package, "minimist@1.2.5") && f.Suppressed != nil && strings.Contains(f.Suppressed.Reason, "node-minimist") {
			owned++
		}
		// The base's packages are of its layer, not of the one that rewrote the database.
		if strings.HasPrefix(f.Package, "pkg:deb/") && f.At[0].Layer != diffIDs[0] && !strings.Contains(f.Package, "minimist") {
			t.Errorf("%s is said to come with layer %s", f.Package, f.At[0].Layer)
		}
	}
	if owned == 0 {
		t.Error("nothing is suppressed because node-minimist owns it")
	}

	for _, format := range sbom.Formats() {
		t.Run(format, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "sbom")
			b.ok("sbom", "--format", format, "--output", file, target)
			other := newBench(t)
			if diff := cmp.Diff(want, other.scan("cves", "--show-suppressed", "sbom://"+file).facts()); diff != "" {
				t.Errorf("-image +SBOM:\n%s", diff)
			}
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			other.stdin = bytes.NewReader(body)
			if diff := cmp.Diff(want, other.scan("cves", "--show-suppressed", "sbom://-").facts()); diff != "" {
				t.Errorf("-image +SBOM from standard input:\n%s", diff)
			}
		})
	}
}

// The known counts, and an independent implementation beside ours: on the same
// archive we find at least what osv-scalibr finds, and nothing twice.
func TestPackagesBesideScalibr(t *testing.T) {
	scalibr := os.Getenv("DRYDOCK_SCALIBR")
	if scalibr == "" {
		if p, err := exec.LookPath("scalibr"); err == nil {
			scalibr = p
		}
	}
	for _, c := range []struct {
		name  string
		image func(*testing.T) v1.Image
		kind  string
		count int
	}{
		{"debian", debianImage, "deb", 89}, // minbase's 88, and node-minimist
		{"alpine", func(t *testing.T) v1.Image {
			return imageOf(t, "amd64", gunzip(t, sharedFile(t, "images/alpine-minirootfs-3.18.9-x86_64.tar.gz")))
		}, "apk", 15},
	} {
		t.Run(c.name, func(t *testing.T) {
			archive := filepath.Join(t.TempDir(), c.name+".tar")
			ref, err := name.NewTag("test/" + c.name + ":1")
			if err != nil {
				t.Fatal(err)
			}
			if err := tarball.WriteToFile(archive, ref, c.image(t)); err != nil {
				t.Fatal(err)
			}
			s := newBench(t).scan("sbom", archive)
			if n := count(s, c.kind); n != c.count {
				t.Errorf("%d %s packages of %d", n, c.kind, c.count)
			}
			ours := map[string]bool{}
			for _, p := range s.Packages {
				k := p.Type + " " + p.fullName() + " " + strings.TrimPrefix(p.Version, "v")
				if ours[k] && !p.Removed {
					t.Errorf("%s is there twice", k)
				}
				ours[k] = true
			}
			if scalibr == "" {
				lacking(t, "no scalibr (go install github.com/google/osv-scalibr/binary/scalibr@v0.5.3; DRYDOCK_SCALIBR may name it)")
			}
			for _, theirs := range scalibrPackages(t, scalibr, archive) {
				if !ours[theirs] {
					t.Errorf("scalibr finds %s, and Drydock does not", theirs)
				}
			}
		})
	}
}

// fullName is a package's name as its ecosystem writes it.
func (p listedPackage) fullName() string {
	switch {
	case p.Namespace == "" || p.Type == "deb" || p.Type == "apk" || p.Type == "rpm":
		return p.Name
	default:
		return p.Namespace + "/" + p.Name
	}
}

// scalibrPackages runs scalibr over an archive and gives its packages as
// "type name version".
func scalibrPackages(t *testing.T, scalibr, archive string) []string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "scalibr.cdx.json")
	if b, err := exec.Command(scalibr, "--image-tarball="+archive, "-o", "cdx-json="+out, "--offline").CombinedOutput(); err != nil {
		t.Fatalf("scalibr: %v\n%s", err, b)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Components []struct{ Name, Version, Purl string }
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, c := range doc.Components {
		kind, _, _ := strings.Cut(strings.TrimPrefix(c.Purl, "pkg:"), "/")
		if kind == "golang" && c.Name == "go" {
			c.Name = "stdlib" // by that name the advisories know it
		}
		seen[fmt.Sprintf("%s %s %s", kind, c.Name, c.Version)] = true
	}
	if len(seen) < 10 {
		t.Fatalf("scalibr found %d packages", len(seen))
	}
	return slices.Sorted(maps.Keys(seen))
}
