package catalog

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/google/go-cmp/cmp"
)

func readFile(t testing.TB, p string) []byte {
	t.Helper()
	b, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAlpine(t *testing.T) {
	for _, tc := range []struct {
		file, release string
		packages      int
	}{
		{"images/alpine-minirootfs-3.18.9-x86_64.tar.gz", "3.18.9", 15},
		{"images/alpine-minirootfs-3.20.3-x86_64.tar.gz", "3.20.3", 14},
	} {
		t.Run(tc.release, func(t *testing.T) {
			inv := inventoryOf(t, scanOf(t, readFile(t, shared(t, tc.file))))
			if inv.Distro == nil || inv.Distro.ID != "alpine" || inv.Distro.VersionID != tc.release {
				t.Errorf("distribution is %+v", inv.Distro)
			}
			if n := count(inv, "apk"); n != tc.packages || n != len(inv.Packages) {
				t.Errorf("%d apk packages of %d in all, want %d and nothing else", n, len(inv.Packages), tc.packages)
				for _, p := range inv.Packages {
					t.Log(p.PURL(), p.Cataloger, p.Locations)
				}
			}
			if len(inv.Unknown) > 0 {
				t.Errorf("unknown: %v", inv.Unknown)
			}
			p := get(t, inv, "apk", "libcrypto3")
			if p.Namespace != "alpine" || p.Source != "openssl" || p.Arch != "x86_64" || p.Licenses[0] != "Apache-2.0" ||
				p.Layer == "" || p.LayerIndex != 0 || p.Locations[0].Path != "/lib/apk/db/installed" {
				t.Errorf("%+v", p)
			}
		})
	}
}

// TestDebian reads a Debian root file system that someone made: a folder, or a
// tar of it. DRYDOCK_DEBIAN_PACKAGES is the number that dpkg itself counts.
func TestDebian(t *testing.T) {
	dir := os.Getenv("DRYDOCK_DEBIAN_ROOTFS")
	if dir == "" {
		t.Skip("DRYDOCK_DEBIAN_ROOTFS names no root file system (debootstrap --variant=minbase bookworm DIR)")
	}
	inv := inventoryOf(t, scanOfPath(t, dir))
	if n := count(inv, "deb"); n != 88 {
		t.Errorf("%d deb packages, want the 88 of a minbase", n)
	}
	if inv.Distro == nil || inv.Distro.ID != "debian" || inv.Distro.VersionID != "12" || inv.Distro.Codename != "bookworm" {
		t.Errorf("distribution is %+v", inv.Distro)
	}
	for _, p := range inv.Packages {
		if p.Type != "deb" && p.Owner == "" {
			t.Errorf("%s at %v: nobody owns it", p.PURL(), p.Locations)
		}
	}
	if p := get(t, inv, "deb", "libc6"); p.Source != "glibc" || p.Arch == "" || p.Namespace != "debian" {
		t.Errorf("%+v", p)
	}
	if p := get(t, inv, "deb", "libgcc-s1"); p.Source != "gcc-12" || len(p.SourceVersion) != 0 {
		t.Errorf("%+v", p)
	}
	if p := get(t, inv, "deb", "tzdata"); len(p.Licenses) != 0 && p.Licenses[0] == "" {
		t.Errorf("%+v", p)
	}
	if len(inv.Unknown) > 0 {
		t.Errorf("unknown: %v", inv.Unknown)
	}
}

// scanOfPath reads a root file system: a folder, or a tar of one layer.
func scanOfPath(t testing.TB, p string) *image.Scan {
	t.Helper()
	if st, err := os.Stat(p); err != nil {
		t.Fatal(err)
	} else if !st.IsDir() {
		return scanOf(t, readFile(t, p))
	}
	rec, err := layer.Walk(t.Context(), filepath.Clean(p), Analyzers(), layer.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	recs := []*layer.Record{rec}
	return &image.Scan{Image: &image.Image{}, Records: recs, Tree: image.BuildTree(recs)}
}

// TestImages reads whole images as they are stored, through the same door as
// the product: one image in three forms has one inventory.
func TestImages(t *testing.T) {
	inventory := func(name string) *sbom.Inventory {
		im, err := image.Open(t.Context(), shared(t, "images/"+name), image.Options{Platform: "linux/amd64", Offline: true})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := im.Close(); err != nil {
				t.Error(err)
			}
		}()
		s, err := im.Scan(t.Context(), image.ScanOptions{Analyzers: Analyzers()})
		if err != nil {
			t.Fatal(err)
		}
		return inventoryOf(t, s)
	}
	first := inventory("formats/alpine-3.20-docker-archive.tar")
	if n := count(first, "apk"); n != 14 || first.Distro == nil || first.Distro.ID != "alpine" {
		t.Fatalf("%d apk packages of %+v", n, first.Distro)
	}
	for _, name := range []string{"formats/alpine-3.20-oci-gzip.tar", "formats/alpine-3.20-oci-zstd.tar"} {
		if diff := cmp.Diff(first, inventory(name)); diff != "" {
			t.Errorf("%s (-docker-archive +this):\n%s", name, diff)
		}
	}
	old := inventory("alpine-311.tar.gz")
	if p := get(t, old, "apk", "musl"); p.Version != "1.1.24-r2" || p.LayerIndex != 0 || count(old, "apk") != 14 {
		t.Errorf("%d apk packages, %+v", count(old, "apk"), p)
	}
}
