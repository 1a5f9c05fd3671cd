package recommend

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/finding"
)

// TestRecommendCorpus asks for the bases of 870 real Dockerfiles: nothing
// crashes, every tag that is said to be built is on the list, no base is proposed
// in its own place, every edit is of the base's word, and what nothing is known
// of is said to be unknown.
func TestRecommendCorpus(t *testing.T) {
	_, files := wild(t)
	on := alone(t)
	bases, better, unknown := 0, 0, 0
	for _, name := range files {
		rec, err := For(context.Background(), on, name, Wish{})
		if err != nil {
			continue // no Dockerfile, which is held to elsewhere
		}
		for _, pl := range rec.Places {
			bases++
			a := pl.Advice
			if a.Nothing() {
				unknown++
				if len(rec.Unknown) == 0 {
					t.Errorf("%s: nothing is known of %s, and nothing is said to be unknown", name, a.Ref)
				}
			}
			if slices.ContainsFunc(a.Options, func(o base.Option) bool { return o.Recommended }) {
				better++
			}
			for i, o := range a.Options {
				if o.Listed {
					if tag, _ := base.Library(o.Ref); !tag.Listed {
						t.Errorf("%s: %s is proposed for %s, and is not built", name, o.Ref, a.Ref)
					}
				}
				if o.Ref == a.Ref {
					t.Errorf("%s: %s is proposed in its own place", name, o.Ref)
				}
				if f := pl.Fixes[i]; f != nil && len(f.Edits) > 0 && !slices.ContainsFunc(f.Edits, func(e finding.Edit) bool {
					return e.Start == pl.At.Start && e.End >= pl.At.End
				}) {
					t.Errorf("%s: no edit of the base's bytes: %+v", name, f.Edits)
				}
			}
		}
	}
	if bases < 800 || better < bases/2 {
		t.Errorf("%d bases, something better for %d", bases, better)
	}
	t.Logf("%d bases: something better for %d, nothing known of %d", bases, better, unknown)
}

// wild lays the corpus of Dockerfiles out in a folder and returns their paths.
func wild(t *testing.T) (dir string, files []string) {
	t.Helper()
	shared := os.Getenv("DRYDOCK_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	f, err := os.Open(filepath.Join(shared, "dockerfiles", "corpus.tar.xz"))
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the shared data is needed under CI: %v", err)
		}
		t.Skipf("no shared data (set DRYDOCK_SHARED): %v", err)
	}
	defer func() { _ = f.Close() }()
	x, err := xz.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for tr := tar.NewReader(x); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg || strings.HasSuffix(h.Name, "MANIFEST.tsv") {
			continue
		}
		b, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, filepath.FromSlash(h.Name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, b, 0o644)); err != nil {
			t.Fatal(err)
		}
		files = append(files, name)
	}
	if len(files) < 870 {
		t.Fatalf("%d files", len(files))
	}
	return dir, files
}
