package catalog

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// root is the module's root.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}

// shared is a file of the project's shared test data.
func shared(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("DRYDOCK_SHARED")
	if dir == "" {
		dir = filepath.Join(root(t), "..", "shared")
	}
	p := filepath.Join(dir, filepath.FromSlash(name))
	if _, err := os.Stat(p); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("shared data: %v", err)
		}
		t.Skipf("no shared data: %v", err)
	}
	return p
}

// file is one entry of a layer made in a test.
type file struct {
	name string
	body string
	mode int64  // 0: 0644
	link string // a symlink's target, or a hard link's if hard
	hard bool
}

// tarOf is a layer of files; a name that ends in "/" is a folder.
func tarOf(t testing.TB, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.body)), Typeflag: tar.TypeReg}
		if f.mode == 0 {
			h.Mode = 0o644
		}
		switch {
		case f.name[len(f.name)-1] == '/':
			h.Typeflag, h.Mode = tar.TypeDir, 0o755
		case f.link != "":
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, f.link, 0
			if f.hard {
				h.Typeflag = tar.TypeLink
			}
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := w.Write([]byte(f.body)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// scanOf reads layers, lowest first, as an image's scan does.
func scanOf(t testing.TB, layers ...[]byte) *image.Scan {
	t.Helper()
	var recs []*layer.Record
	for _, l := range layers {
		rec, err := layer.Read(t.Context(), bytes.NewReader(l), layer.Want{Name: "a layer"}, Analyzers(), layer.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		recs = append(recs, rec)
	}
	return &image.Scan{Image: &image.Image{}, Records: recs, Tree: image.BuildTree(recs)}
}

func inventoryOf(t testing.TB, s *image.Scan) *sbom.Inventory {
	t.Helper()
	inv, err := FromScan(t.Context(), s, finding.Subject{Kind: finding.KindImage, Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	lawful(t, inv.Packages)
	return inv
}

// lawful holds packages to what every inventory promises.
func lawful(t testing.TB, ps []sbom.Package) {
	t.Helper()
	seen := map[string]bool{}
	for _, p := range ps {
		if why := unsound(p); why != "" || p.Type == "" {
			t.Errorf("package %+v: %s", p, why)
		}
		if len(p.Locations) == 0 {
			t.Errorf("%s has no place", p.PURL())
		}
		if seen[p.PURL()] {
			t.Errorf("%s is listed twice", p.PURL())
		}
		seen[p.PURL()] = true
	}
}

// count is the number of packages of a type that are in the image.
func count(inv *sbom.Inventory, typ string) (n int) {
	for _, p := range inv.Packages {
		if p.Type == typ && !p.Removed {
			n++
		}
	}
	return n
}

// get is the package of that name, which must be there exactly once.
func get(t testing.TB, inv *sbom.Inventory, typ, name string) sbom.Package {
	t.Helper()
	var found []sbom.Package
	for _, p := range inv.Packages {
		if p.Type == typ && p.Name == name && !p.Removed {
			found = append(found, p)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s %s: found %d times: %+v", typ, name, len(found), found)
	}
	return found[0]
}
