package image

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/cache"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/layer"
)

// lister learns the names of all files of a layer.
func lister() []layer.Analyzer {
	return []layer.Analyzer{{
		Name: "lister", Version: 1,
		Wants: func(string, fs.FileMode, int64) bool { return true },
		Read:  func(_ context.Context, f layer.Input) ([]byte, error) { return []byte(f.Path), nil },
	}}
}

func tryScan(target string, opt Options) (*Scan, error) {
	im, err := Open(context.Background(), target, opt)
	if err != nil {
		return nil, err
	}
	s, err := im.Scan(context.Background(), ScanOptions{Analyzers: lister(), Cache: opt.Cache})
	return s, errors.Join(err, im.Close())
}

// TestForgedLayers: an archive that claims a clean image's diffIDs, with other
// bytes in it, is caught, whether or not the clean image's records are cached,
// however it is stored, and however often it is tried.
func TestForgedLayers(t *testing.T) {
	clean := makeImage(t, "amd64", tarOf(t, part{name: "etc/os-release", text: "ID=alpine"}), tarOf(t, part{name: "app", text: "good"}))
	evil := tarOf(t, part{name: "app", text: "evil"})
	forged := made{config: clean.config, layers: [][]byte{clean.layers[0], evil}}

	layout := func(m made) []part {
		l := &layoutOf{t: t}
		return l.parts(l.manifest(m))
	}
	stores := map[string]func(m made) string{
		"docker-archive":         func(m made) string { return file(t, "a.tar", tarOf(t, m.save(t)...)) },
		"gzipped docker-archive": func(m made) string { return file(t, "a.tar.gz", gz(t, tarOf(t, m.save(t)...))) },
		"oci archive":            func(m made) string { return file(t, "o.tar", tarOf(t, layout(m)...)) },
		"oci layout":             func(m made) string { return folder(t, layout(m)) },
	}
	for name, store := range stores {
		for _, warm := range []bool{false, true} {
			what := name + ", cold"
			if warm {
				what = name + ", warm"
			}
			t.Run(what, func(t *testing.T) {
				opt := Options{Cache: &cache.Cache{Dir: t.TempDir()}, WorkDir: t.TempDir(), Now: later}
				if warm {
					for other := range stores {
						if _, err := tryScan(stores[other](clean), opt); err != nil {
							t.Fatal(err)
						}
					}
				}
				path := store(forged)
				for try := range 3 {
					s, err := tryScan(path, opt)
					if err == nil {
						t.Fatalf("try %d: scanned, app is %v", try, s.Records[1].Facts)
					}
					var mis *layer.MismatchError
					if !errors.As(err, &mis) {
						t.Fatalf("try %d: %v", try, err)
					}
					if mis.Want != finding.DigestOf(clean.layers[1]) || mis.Got != finding.DigestOf(evil) {
						t.Errorf("names %s and %s", mis.Want, mis.Got)
					}
					if !strings.Contains(err.Error(), "layer 2") {
						t.Errorf("does not say which layer: %v", err)
					}
				}
				// And the cache is not poisoned.
				if s, err := tryScan(store(clean), opt); err != nil || len(s.Records[1].Facts) != 1 {
					t.Errorf("the clean image afterwards: %v", err)
				}
			})
		}
	}
}

// TestReplacedFile: what is remembered of a file does not survive its change,
// even if size and time are put back.
func TestReplacedFile(t *testing.T) {
	clean := makeImage(t, "amd64", tarOf(t, part{name: "app", text: "good"}))
	forged := made{config: clean.config, layers: [][]byte{tarOf(t, part{name: "app", text: "evil"})}}
	good, bad := tarOf(t, clean.save(t)...), tarOf(t, forged.save(t)...)
	if len(good) != len(bad) {
		t.Fatal("the test needs two archives of one size")
	}
	path := file(t, "a.tar", good)
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	opt := Options{Cache: &cache.Cache{Dir: t.TempDir()}, Now: later}
	for range 2 {
		if _, err := tryScan(path, opt); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	var mis *layer.MismatchError
	if _, err := tryScan(path, opt); !errors.As(err, &mis) {
		t.Errorf("replaced in place: %v", err)
	}
}

// TestWarmReadsNothing: what was verified once is neither read nor hashed again.
func TestWarmReadsNothing(t *testing.T) {
	m := makeImage(t, "amd64", tarOf(t, part{name: "app", text: "good"}))
	l := &layoutOf{t: t}
	oci := l.parts(l.manifest(m))
	for name, path := range map[string]string{
		"docker-archive":         file(t, "a.tar", tarOf(t, m.save(t)...)),
		"gzipped docker-archive": file(t, "a.tgz", gz(t, tarOf(t, m.save(t)...))),
		"oci layout":             folder(t, oci),
	} {
		t.Run(name, func(t *testing.T) {
			opt := Options{Cache: &cache.Cache{Dir: t.TempDir()}, WorkDir: t.TempDir(), Now: later}
			cold, err := tryScan(path, opt)
			if err != nil {
				t.Fatal(err)
			}
			im, err := Open(context.Background(), path, opt)
			if err != nil {
				t.Fatal(err)
			}
			var read int64
			for i := range im.Layers {
				open := im.Layers[i].content.open
				im.Layers[i].content.open = func(ctx context.Context) (io.ReadCloser, error) { read++; return open(ctx) }
			}
			warm, err := im.Scan(context.Background(), ScanOptions{Analyzers: lister(), Cache: opt.Cache})
			if err != nil {
				t.Fatal(err)
			}
			if read != 0 {
				t.Errorf("%d layers were opened again", read)
			}
			if err := im.Close(); err != nil {
				t.Error(err)
			}
			if c, w := cold.Image, warm.Image; c.Digest != w.Digest || c.ID != w.ID || c.Kind != w.Kind || c.Name != w.Name || len(c.Steps) != len(w.Steps) ||
				c.Layers[0].Blob != w.Layers[0].Blob || c.Layers[0].Size != w.Layers[0].Size || c.Layers[0].MediaType != w.Layers[0].MediaType {
				t.Errorf("cold and warm differ:\n%+v\n%+v", c, w)
			}
			if c, w := cold.Records[0], warm.Records[0]; c.Blob != w.Blob || c.Compressed != w.Compressed || c.Size != w.Size || len(w.Facts) != len(c.Facts) {
				t.Errorf("cold and warm records differ:\n%+v\n%+v", c, w)
			}
		})
	}
}
