package image

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/drydock-dev/drydock/internal/layer"
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

// TestFormats opens every way of storing an image that the shared data hold.
// Digests and counts were read with tar, sha256sum and jq.
func TestFormats(t *testing.T) {
	for _, c := range []struct {
		target, kind, platform string
		digest                 string // of the manifest; of the configuration in a docker-archive
		layers, steps, files   int
		tag                    string
	}{
		{"images/formats/alpine-3.20-docker-archive.tar", "docker-archive", "linux/amd64",
			"sha256:603ade877dce68f99595e2c9512b8942ad378f4fed060d2f75d96718352712ed", 3, 5, 0, ""},
		{"images/formats/alpine-3.20-oci-gzip.tar", "oci-archive", "linux/amd64",
			"sha256:c16c0947eb316990b5063e40721dbce8bd957ea0e45de588ca0f034877ddde40", 3, 5, 0, "1"},
		{"images/formats/alpine-3.20-oci-zstd.tar", "oci-archive", "linux/amd64",
			"sha256:224d8fe828ac689343529d1084eb4f810b78ce4ddcd40c4cba3274143aa1e6e5", 3, 5, 0, "1"},
		{"images/formats/hello-world-v25.tar", "docker-archive", "linux/amd64",
			"sha256:ee301c921b8aadc002973b2e0c3da17d701dcd994b606769a7e6eaa100b81d44", 1, 2, 1, ""},
		{"images/formats/oci-gzip-image.tar", "oci-archive", "linux/arm64",
			"sha256:7d255e9e3d216a9a92a5c1ce0563a5ddd92f28a34a9df025d3cf8dfa5ea08366", 1, 1, 0, ""},
		{"images/formats/oci-zstd-image.tar", "oci-archive", "linux/arm64", "", 1, 1, 0, ""},
		{"images/formats/oci-estargz-image.tar", "oci-archive", "linux/arm64", "", 1, 1, 0, ""},
		{"images/formats/oci-uncompressed-image.tar", "oci-archive", "linux/arm64", "", 1, 1, 0, ""},
		{"images/formats/overwritten_file.tar", "docker-archive", "linux/amd64",
			"sha256:68f6eb746cdb287658796ba120849bb77be87040a155fbefb89c96f109c0703a", 3, 3, 2, "bazel/pkg/v1/mutate:overwritten_file"},
		{"images/formats/whiteout_image.tar", "docker-archive", "linux/amd64", "", 3, 3, 1, ""},
		{"images/formats/source_image_with_empty_layer_history.tar", "docker-archive", "linux/amd64", "", 1, 2, 2, ""},
		{"images/alpine-311.tar.gz", "docker-archive", "linux/amd64",
			"sha256:a187dde48cd289ac374ad8539930628314bc581a481cdb41409c9289419ddb72", 1, 2, 0, ""},
		{"images/alpine-3.17-oci-layout", "oci-layout", "linux/amd64",
			"sha256:19dbd2e48e921426ee8ace4dc892edfb2ecdc1d1a72d5416c83670c30acecef0", 1, 2, 0, "docker.io/library/alpine:v2"},
		{"images/hostile/overwrite-file.tar", "docker-archive", "linux/amd64", "", 2, 2, 1, "overwrite-file:latest"},
		{"images/hostile/symlink-attack.tar", "docker-archive", "linux/amd64", "", 1, 1, 0, ""},
		{"images/hostile/symlink-cycle.tar", "docker-archive", "linux/amd64", "", 1, 1, 0, ""},
	} {
		t.Run(filepath.Base(c.target), func(t *testing.T) {
			path := shared(t, c.target)
			cache := &layer.Cache{Dir: t.TempDir()}
			for _, warmth := range []string{"cold", "warm"} {
				im, s := scanOf(t, path, Options{Cache: cache, WorkDir: t.TempDir()})
				t.Logf("%s: %s %s %s layers %d steps %d files %d tags %v unknown %v", warmth, im.Kind, im.Platform, im.Digest, len(im.Layers), len(im.Steps), s.Tree.Len(), im.Tags, im.Unknown)
			}
			_ = c
		})
	}
}
