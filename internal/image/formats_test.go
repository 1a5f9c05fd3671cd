package image

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/drydock-dev/drydock/internal/cache"
)

// shared is a file of the shared test data. Without them a test is skipped,
// except where CI promises that they are there.
func shared(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("DRYDOCK_SHARED")
	if dir == "" {
		dir = "../shared"
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(moduleRoot(t), dir)
	}
	p := filepath.Join(dir, name)
	if _, err := os.Stat(p); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("shared test data: %v", err)
		}
		t.Skipf("shared test data: %v", err)
	}
	return p
}

func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = up
	}
}

func scanOf(t testing.TB, target string, opt Options) (*Image, *Scan) {
	t.Helper()
	im, err := Open(context.Background(), target, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := im.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := im.Scan(context.Background(), ScanOptions{Cache: opt.Cache})
	if err != nil {
		t.Fatal(err)
	}
	return im, s
}

// TestFormats opens every way of storing an image that the shared data hold,
// cold and warm. Digests and numbers were read with tar, sha256sum and jq.
func TestFormats(t *testing.T) {
	for _, c := range []struct {
		target, kind, platform string
		digest                 string // of the manifest; of the configuration in a docker-archive
		layers, steps          int
		tag                    string // the first
		has                    string // a file that must be seen
	}{
		{
			"images/formats/alpine-3.20-docker-archive.tar", "docker-archive", "linux/amd64",
			"sha256:603ade877dce68f99595e2c9512b8942ad378f4fed060d2f75d96718352712ed", 3, 5, "formats:1", "etc/alpine-release",
		},
		{
			"images/formats/alpine-3.20-oci-gzip.tar", "oci-archive", "linux/amd64",
			"sha256:c16c0947eb316990b5063e40721dbce8bd957ea0e45de588ca0f034877ddde40", 3, 5, "1", "etc/alpine-release",
		},
		{
			"images/formats/alpine-3.20-oci-zstd.tar", "oci-archive", "linux/amd64",
			"sha256:224d8fe828ac689343529d1084eb4f810b78ce4ddcd40c4cba3274143aa1e6e5", 3, 5, "1", "etc/alpine-release",
		},
		{
			"images/formats/hello-world-v25.tar", "docker-archive", "linux/arm64",
			"sha256:ee301c921b8aadc002973b2e0c3da17d701dcd994b606769a7e6eaa100b81d44", 1, 2, "", "hello",
		},
		{
			"images/formats/oci-gzip-image.tar", "oci-archive", "linux/arm64",
			"sha256:7d255e9e3d216a9a92a5c1ce0563a5ddd92f28a34a9df025d3cf8dfa5ea08366", 1, 1, "", "",
		},
		{
			"images/formats/oci-zstd-image.tar", "oci-archive", "linux/arm64",
			"sha256:f5e3515f39a16543547c03d03ec34faf9276742e6ce7c7dd6e467a14e90b29fc", 1, 1, "", "",
		},
		{
			"images/formats/oci-estargz-image.tar", "oci-archive", "linux/arm64",
			"sha256:2e75eb783d1a845ce3846d1a7da4453f825886aab5b3ad03afcec7730a208c4d", 1, 1, "", "",
		},
		{
			"images/formats/oci-uncompressed-image.tar", "oci-archive", "linux/arm64",
			"sha256:5cec6b4ce61c35c3a83e09d72d81a335b49fdcef727beee160d12eeaf066f11b", 1, 1, "", "",
		},
		{
			"images/formats/overwritten_file.tar", "docker-archive", "linux/amd64",
			"sha256:68f6eb746cdb287658796ba120849bb77be87040a155fbefb89c96f109c0703a", 3, 3, "bazel/pkg/v1/mutate:overwritten_file", "foo.txt",
		},
		{
			"images/formats/whiteout_image.tar", "docker-archive", "linux/amd64",
			"sha256:decb630649c3e1256345d416b228d6c3ceb387a55120ad44dc3ec992976d28b9", 3, 3, "bazel/pkg/v1/mutate:whiteout_image", "bar.txt",
		},
		{
			"images/formats/source_image_with_empty_layer_history.tar", "docker-archive", "linux/amd64",
			"", 1, 2, "bazel/pkg/v1/mutate:source_image", "foo",
		},
		{
			"images/alpine-311.tar.gz", "docker-archive", "linux/amd64",
			"sha256:a187dde48cd289ac374ad8539930628314bc581a481cdb41409c9289419ddb72", 1, 2, "alpine:3.11", "etc/alpine-release",
		},
		{
			"images/alpine-3.17-oci-layout", "oci-layout", "linux/amd64",
			"sha256:19dbd2e48e921426ee8ace4dc892edfb2ecdc1d1a72d5416c83670c30acecef0", 1, 3, "docker.io/library/alpine:v2", "etc/alpine-release",
		},
		{
			"images/hostile/overwrite-file.tar", "docker-archive", "linux/amd64",
			"sha256:86ee30779ba1b3aabbd48d12bdc99a3ba275c24b9a600cef87e256c7858fb2e1", 2, 2, "overwrite-file:latest", "sample.txt",
		},
		{
			"images/hostile/symlink-attack.tar", "docker-archive", "linux/amd64",
			"sha256:486f648acb41e8fb98a935c52e091017c1be5fe8c02ad19b9262ea57545019be", 1, 1, "symlink-attack:latest", "",
		},
		{
			"images/hostile/symlink-cycle.tar", "docker-archive", "linux/amd64",
			"sha256:373315c779608a5dc71c740b2ef4d68f27c2216b5f7e0520ee15c1d084b9ada2", 1, 1, "symlink-cycle:latest", "",
		},
	} {
		t.Run(filepath.Base(c.target), func(t *testing.T) {
			path := shared(t, c.target)
			opt := Options{Cache: &cache.Cache{Dir: t.TempDir()}, WorkDir: t.TempDir(), Now: later}
			var first []string
			for _, warmth := range []string{"cold", "warm"} {
				im, s := scanOf(t, path, opt)
				if im.Name != path || im.Kind != c.kind || im.Platform != c.platform || len(im.Layers) != c.layers || len(im.Steps) != c.steps {
					t.Errorf("%s: %s %s %s, %d layers, %d steps", warmth, im.Name, im.Kind, im.Platform, len(im.Layers), len(im.Steps))
				}
				if c.digest != "" && string(im.Digest) != c.digest {
					t.Errorf("%s: digest %s", warmth, im.Digest)
				}
				if tags := append(im.Tags, ""); tags[0] != c.tag {
					t.Errorf("%s: tags %v", warmth, im.Tags)
				}
				if _, ok := s.Tree.Lookup(c.has); !ok && c.has != "" {
					t.Errorf("%s: no %s", warmth, c.has)
				}
				for i, l := range im.Layers {
					if l.Step < 0 || im.Steps[l.Step].Layer != i || im.Steps[l.Step].Empty {
						t.Errorf("%s: layer %d is not tied to its step: %d", warmth, i, l.Step)
					}
					if s.Records[i].DiffID != l.DiffID || s.Records[i].Compressed != l.Size {
						t.Errorf("%s: layer %d: record of %s, %d bytes", warmth, i, s.Records[i].DiffID, s.Records[i].Compressed)
					}
				}
				if first == nil {
					first = seen(s.Tree)
				} else if !slices.Equal(first, seen(s.Tree)) {
					t.Error("cold and warm show different files")
				}
			}
		})
	}
}

// TestSameFilesHoweverStored: one image in three formats shows the same files
// from the same layers.
func TestSameFilesHoweverStored(t *testing.T) {
	var first []string
	for _, name := range []string{"docker-archive", "oci-gzip", "oci-zstd"} {
		_, s := scanOf(t, shared(t, "images/formats/alpine-3.20-"+name+".tar"), Options{})
		if first == nil {
			first = seen(s.Tree)
		}
		if got := seen(s.Tree); !slices.Equal(first, got) || len(got) < 400 {
			t.Errorf("%s: %d files, not the same %d", name, len(got), len(first))
		}
	}
}

// TestStandardInput: an archive through a pipe, plain and compressed, is
// spooled, and nothing is left of it.
func TestStandardInput(t *testing.T) {
	for _, name := range []string{"images/formats/alpine-3.20-docker-archive.tar", "images/alpine-311.tar.gz"} {
		f, err := os.Open(shared(t, name))
		if err != nil {
			t.Fatal(err)
		}
		work := t.TempDir()
		im, err := Open(context.Background(), "-", Options{Stdin: struct{ io.Reader }{f}, WorkDir: work})
		if err != nil {
			t.Fatal(err)
		}
		if s, err := im.Scan(context.Background(), ScanOptions{}); err != nil || s.Tree.Len() < 400 {
			t.Errorf("%s: %v", name, err)
		}
		if err := errors.Join(im.Close(), im.Close(), f.Close()); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(work); err != nil || len(left) != 0 {
			t.Errorf("left behind: %v %v", left, err)
		}
	}
}

func TestRootfs(t *testing.T) {
	dir := folder(t, []part{{name: "etc/os-release", text: "ID=alpine\n"}, {name: "bin/sh", text: "#!"}})
	im, s := scanOf(t, "fs://"+dir, Options{})
	if im.Kind != "rootfs" || im.Config != nil || im.Digest != "" || len(im.Layers) != 1 {
		t.Errorf("%+v", im)
	}
	if _, ok := s.Tree.Lookup("etc/os-release"); !ok {
		t.Error("no os-release")
	}
}
