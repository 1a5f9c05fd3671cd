package sbom

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/drydock-dev/drydock/internal/finding"
)

// shared is the folder of real data; the test is skipped where it is absent.
func shared(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("DRYDOCK_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the shared data is needed under CI: %v", err)
		}
		t.Skipf("no shared data (set DRYDOCK_SHARED): %v", err)
	}
	return dir
}

func TestALargeSBOMOfOthers(t *testing.T) {
	doc := unxz(t, filepath.Join(shared(t), "sbom", "keycloak.cdx.json.xz"))
	inv, err := Decode(bytes.NewReader(doc), "keycloak")
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, p := range inv.Packages {
		count[p.Type]++
		if p.Name == "" || p.Version == "" {
			t.Errorf("a package without a name or version: %+v", p)
		}
	}
	purls := map[string]bool{}
	for _, s := range strings.Split(string(doc), `"purl"`)[1:] {
		_, s, _ = strings.Cut(s, `"`)
		s, _, _ = strings.Cut(s, `"`)
		if p, err := FromPURL(s); err == nil {
			purls[p.PURL()] = true
		} else {
			t.Errorf("a purl that cannot be read: %v", err)
		}
	}
	// The product itself, under metadata, has a purl as well.
	if n := len(inv.Packages); n != len(purls)-1 && n != len(purls) {
		t.Errorf("%d packages of %d distinct purls", n, len(purls))
	}
	t.Logf("%s: %d packages %v, %d unknown", inv.Subject.Name, len(inv.Packages), count, len(inv.Unknown))
	if count["maven"] != 902 || len(inv.Packages) != 902 {
		t.Errorf("902 Maven packages were expected: %v", count)
	}
}

// official reads an inventory of an official image.
func official(t testing.TB, path string) *Inventory {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	typ, distro := "deb", &Distro{ID: "debian", VersionID: "11", Codename: "bullseye"}
	if strings.HasSuffix(path, ".apk.tsv") {
		typ, distro = "apk", &Distro{ID: "alpine", VersionID: "3.18.9"}
	}
	inv := &Inventory{Subject: finding.Subject{Kind: finding.KindImage, Name: filepath.Base(path)}, Distro: distro}
	for _, line := range strings.Split(strings.TrimSpace(string(b)), "\n")[1:] {
		f := strings.Split(line, "\t")
		p := Package{Type: typ, Namespace: distro.ID, Source: f[0], SourceVersion: f[1], Name: f[2], Version: f[3], LayerIndex: -1}
		p.normalSource()
		inv.Packages = append(inv.Packages, p)
	}
	inv.Merge()
	return inv
}

func officials(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(shared(t), "official-images", "*.*.tsv"))
	if err != nil || len(paths) < 10 {
		t.Fatalf("%d inventories, %v", len(paths), err)
	}
	return paths
}

// The inventories of official images survive every format, and their packages'
// purls alone carry what matching needs.
func TestOfficialImages(t *testing.T) {
	opt := EncodeOptions{Now: time.Unix(1700000000, 0)}
	for _, path := range officials(t) {
		inv := official(t, path)
		for _, format := range Formats() {
			var b bytes.Buffer
			if err := Encode(&b, format, inv, opt); err != nil {
				t.Fatal(err)
			}
			got, err := Decode(&b, "x")
			if err != nil {
				t.Fatalf("%s %s: %v", path, format, err)
			}
			if diff := cmp.Diff(inv, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s %s: %s", path, format, diff)
			}
		}
		for _, p := range inv.Packages {
			if got, err := FromPURL(p.PURL()); err != nil || !cmp.Equal(got, p) {
				t.Errorf("%s: %+v is %+v, %v", p.PURL(), p, got, err)
			}
		}
	}
}

// The law of Decode: an inventory or an error and not both, no panic, and an
// inventory that was read can be written and read again.
func FuzzDecode(f *testing.F) {
	seeds, err := filepath.Glob(filepath.Join("testdata", "*.*"))
	if err != nil || len(seeds) < 6 {
		f.Fatalf("the seeds are gone: %q, %v", seeds, err)
	}
	for _, path := range seeds {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	inv := &Inventory{
		Subject: finding.Subject{Kind: finding.KindImage, Name: "app"}, Distro: &Distro{ID: "debian", VersionID: "12"},
		Packages: []Package{{
			Type: "deb", Namespace: "debian", Name: "libssl3", Source: "openssl", Version: "3.0", LayerIndex: 0, Layer: "sha256:1",
			Licenses: []string{"Apache-2.0"}, Locations: []Location{{Path: "/var/lib/dpkg/status"}},
		}},
		Unknown: []finding.Unknown{{What: "x", Why: "y"}},
	}
	f.Add([]byte(carriedDoc))
	f.Add([]byte("SPDXVersion: SPDX-2.1\nDocumentName:\x92"))
	for _, format := range Formats() {
		var b bytes.Buffer
		if err := Encode(&b, format, inv, EncodeOptions{}); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		inv, err := Decode(bytes.NewReader(b), "fuzz")
		if (inv == nil) != (err != nil) {
			t.Fatalf("inventory %v, error %v", inv, err)
		}
		var not *NotSBOMError
		if err != nil {
			if err.Error() == "" || errors.As(err, &not) && not.Why == "" {
				t.Fatal("an error without a word")
			}
			return
		}
		if len(inv.Packages)+len(inv.Unknown) > len(b)+1 {
			t.Fatalf("%d bytes became %d packages and %d unknowns", len(b), len(inv.Packages), len(inv.Unknown))
		}
		for _, format := range []string{"json", "cyclonedx"} {
			var out bytes.Buffer
			if err := Encode(&out, format, inv, EncodeOptions{}); err != nil {
				t.Fatal(err)
			}
			doc := out.String()
			again, err := Decode(&out, "fuzz")
			if err != nil {
				t.Fatalf("what was read cannot be read again as %s: %v", format, err)
			}
			if d := cmp.Diff(inv, again, cmpopts.EquateEmpty()); d != "" {
				t.Fatalf("read and written as %s, it is another: %s\n%s", format, d, doc)
			}
		}
	})
}

func BenchmarkDecodeKeycloak(b *testing.B) {
	doc := unxz(b, filepath.Join(shared(b), "sbom", "keycloak.cdx.json.xz"))
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(bytes.NewReader(doc), "x"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	inv := official(b, officials(b)[0])
	for _, format := range Formats() {
		b.Run(format, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var w bytes.Buffer
				if err := Encode(&w, format, inv, EncodeOptions{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPURL(b *testing.B) {
	p := Package{Type: "deb", Namespace: "debian", Name: "libssl1.1", Version: "1.1.1n-0+deb11u1", Source: "openssl", Arch: "amd64"}
	b.ReportAllocs()
	for b.Loop() {
		_ = p.PURL()
	}
}
