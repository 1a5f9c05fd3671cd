package base

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/sbom"
)

func entry(ref, platform string, names ...string) *Entry {
	return &Entry{
		Ref: ref, Names: append([]string{ref}, names...), Platform: platform, Source: "learned",
		Created: time.Date(2026, 11, 1, 2, 3, 4, 0, time.UTC), Served: now, Size: 12_000_000, Compressed: 5_000_000,
		Distro: sbom.Distro{ID: "alpine", VersionID: "3.20.3"}, Manifest: finding.DigestOf([]byte(ref)), DiffIDs: []finding.Digest{finding.DigestOf([]byte("layer"))},
		Packages: []sbom.Package{
			{Type: "apk", Namespace: "alpine", Name: "musl", Version: "1.2.5-r0", Arch: "x86_64", LayerIndex: -1, Cataloger: "learned"},
			{Type: "npm", Name: "a \"b\"\n", Version: "1", LayerIndex: -1, Cataloger: "learned"},
		},
	}
}

func TestCatalogueRoundTrip(t *testing.T) {
	want := []*Entry{entry("registry.example.com/base/node:22", "linux/amd64"), entry("node:24-alpine", "linux/arm64", "node:24")}
	var b bytes.Buffer
	if err := WriteCatalogue(&b, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadCatalogue(&b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("read back (-want +got):\n%s", d)
	}
	for _, e := range Officials() { // what is embedded can be written, too
		if err := WriteCatalogue(&b, []*Entry{e}); err != nil {
			t.Errorf("%s: %v", e.Ref, err)
		}
	}
}

func TestCatalogueRefused(t *testing.T) {
	line := `{"ref":"a:1","names":["a:1"],"created":"2026-01-01T00:00:00Z","learned":"2026-01-01T00:00:00Z","platform":"","distro":["","",""],"packages":[]}`
	if _, err := ReadCatalogue(strings.NewReader(catalogueSchema + "\n" + line)); err != nil {
		t.Fatalf("the line itself: %v", err)
	}
	for name, text := range map[string]string{
		"empty":             "",
		"another file":      "{}\n",
		"a later schema":    `{"schema":"drydock/catalogue/v2"}` + "\n",
		"cut off":           catalogueSchema + "\n" + line[:40],
		"no name":           catalogueSchema + "\n" + strings.Replace(line, `["a:1"]`, `[]`, 1),
		"a name in full":    catalogueSchema + "\n" + strings.ReplaceAll(line, `"a:1"`, `"docker.io/library/a:1"`),
		"a name that is no": catalogueSchema + "\n" + strings.ReplaceAll(line, `"a:1"`, `"A B"`),
		"a digest":          catalogueSchema + "\n" + strings.Replace(line, `"platform"`, `"index":"sha256:1","platform"`, 1),
		"a negative size":   catalogueSchema + "\n" + strings.Replace(line, `"platform"`, `"size":-1,"platform"`, 1),
		"a nameless package": catalogueSchema + "\n" +
			strings.Replace(line, `"packages":[]`, `"packages":[["deb","debian","","1","","",""]]`, 1),
		"too many names": catalogueSchema + "\n" + strings.Replace(line, `["a:1"]`, `["a:1"`+strings.Repeat(`,"a:1"`, maxNames)+`]`, 1),
		"a long line":    catalogueSchema + "\n" + strings.Repeat(" ", maxLine+1),
		"too many":       catalogueSchema + "\n" + strings.Repeat(line+"\n", maxImages+1),
	} {
		got, err := ReadCatalogue(strings.NewReader(text))
		if err == nil || got != nil {
			t.Errorf("%s: %d images, %v", name, len(got), err)
		}
	}
}

func TestLearn(t *testing.T) {
	a := entry("x/a:1", "linux/amd64", "x/a:latest")
	arm := entry("x/a:1", "linux/arm64")
	all := Learn(Learn(nil, a), arm)
	if len(all) != 2 {
		t.Fatalf("two platforms of one name: %d", len(all))
	}
	b := entry("x/a:2", "linux/amd64", "x/a:latest") // latest moved
	all = Learn(all, b)
	if len(all) != 3 || FindIn(all, "x/a:latest").Ref != "x/a:2" || len(a.Names) != 2 {
		t.Errorf("after latest moved: %d images, latest is %s", len(all), FindIn(all, "x/a:latest").Ref)
	}
	if all = Learn(all, entry("x/a:1", "linux/amd64")); len(all) != 3 {
		t.Errorf("learned again: %d images", len(all))
	}
	if got := FindIn(all, "docker.io/x/a:2@"+string(b.Manifest)); got == nil || got.Ref != "x/a:2" {
		t.Errorf("by digest: %+v", got)
	}
}

// What was learned is found again beneath an image, by its layers.
func TestIdentifyLearned(t *testing.T) {
	e := entry("registry.example.com/base/node:22", "linux/amd64")
	im := &image.Image{Layers: []image.Layer{{DiffID: e.DiffIDs[0]}, {DiffID: finding.DigestOf([]byte("app"))}}}
	if b, ok := IdentifyIn(im, nil, nil); ok {
		t.Errorf("without what was learned: %+v", b)
	}
	b, ok := IdentifyIn(im, nil, []*Entry{e})
	if !ok || b.Ref != e.Ref || b.Layers != 1 || b.By != "layers" || b.Official != e {
		t.Errorf("%+v, %v", b, ok)
	}
	im.Layers[0].DiffID = finding.DigestOf([]byte("another"))
	if b, ok := IdentifyIn(im, nil, []*Entry{e}); ok {
		t.Errorf("of other layers: %+v", b)
	}
}

func FuzzCatalogue(f *testing.F) {
	var b bytes.Buffer
	if err := WriteCatalogue(&b, []*Entry{entry("x/a:1", "linux/amd64", "x/a:latest")}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(catalogueSchema + "\n"))
	f.Add([]byte(catalogueSchema + "\n{}\n"))
	f.Add([]byte(catalogueSchema + "\n" + `{"ref":"a:1","names":["a:1"],"packages":[["a","","b","","","",""]]}`))
	f.Add([]byte(catalogueSchema + "\n\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := ReadCatalogue(bytes.NewReader(in))
		if err != nil {
			if got != nil {
				t.Fatalf("images with an error: %v", err)
			}
			return
		}
		var out bytes.Buffer
		if err := WriteCatalogue(&out, got); err != nil {
			t.Fatal(err)
		}
		again, err := ReadCatalogue(&out)
		if d := cmp.Diff(got, again); err != nil || d != "" {
			t.Fatalf("read back: %v (-want +got):\n%s", err, d)
		}
	})
}
