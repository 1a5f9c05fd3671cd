package image

import (
	"archive/tar"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
)

func app(t testing.TB, arch, text string) made {
	return makeImage(t, arch, tarOf(t, part{name: "app", text: text}))
}

// attestation is what BuildKit puts beside an image.
func attestation(l *layoutOf, of obj) obj {
	m := l.manifest(made{config: `{"architecture":"unknown","os":"unknown","rootfs":{"type":"layers","diff_ids":[]}}`})
	return with(m, obj{
		"platform":    obj{"os": "unknown", "architecture": "unknown"},
		"annotations": obj{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": of["digest"]},
	})
}

// TestNestedIndex: what Docker 29 and buildx write: an index in the index, with
// two platforms and attestations; the archive also has Docker's own manifest.
func TestNestedIndex(t *testing.T) {
	l := &layoutOf{t: t}
	amd, arm := app(t, "amd64", "amd"), app(t, "arm64", "arm")
	a, b := with(l.manifest(amd), platform("amd64")), with(l.manifest(arm), platform("arm64"))
	top := with(l.index(a, b, attestation(l, a), attestation(l, b)),
		obj{"annotations": obj{"io.containerd.image.name": "docker.io/library/app:1", "org.opencontainers.image.ref.name": "1"}})
	parts := l.parts(top)
	docker := append(slices.Clone(parts), part{name: "manifest.json", text: js(t, []obj{{"Config": "blobs/sha256/" + finding.DigestOf([]byte(amd.config)).Hex(), "RepoTags": []string{"app:1"}, "Layers": []string{}}})})
	for kind, path := range map[string]string{
		"oci-archive":    file(t, "a.tar", tarOf(t, parts...)),
		"oci-layout":     folder(t, parts),
		"docker-archive": file(t, "d.tar", tarOf(t, docker...)),
	} {
		for _, arch := range []string{"amd64", "arm64"} {
			im, s := scanOf(t, path, Options{Platform: "linux/" + arch})
			want := map[string]made{"amd64": amd, "arm64": arm}[arch]
			if im.Kind != kind || im.Platform != "linux/"+arch || im.ID != finding.DigestOf([]byte(want.config)) || !im.Attested {
				t.Errorf("%s %s: %s %s %s attested %v", kind, arch, im.Kind, im.Platform, im.ID, im.Attested)
			}
			if im.Tags[0] != "docker.io/library/app:1" || s.Tree.Len() != 1 {
				t.Errorf("%s %s: %v", kind, arch, im.Tags)
			}
		}
		var pe *PlatformError
		if _, err := Open(context.Background(), path, Options{Platform: "linux/s390x"}); !errors.As(err, &pe) || !slices.Equal(pe.Found, []string{"linux/amd64", "linux/arm64"}) {
			t.Errorf("%s: %v", kind, err)
		}
		if runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64" {
			if im, _ := scanOf(t, path, Options{}); im.Platform != "linux/"+runtime.GOARCH {
				t.Errorf("%s: the host's platform is not the default: %s", kind, im.Platform)
			}
		}
	}
}

// TestPulledIndex: an image that was pulled for one platform names the others
// and does not hold them.
func TestPulledIndex(t *testing.T) {
	l, full := &layoutOf{t: t}, &layoutOf{t: t}
	there := with(l.manifest(app(t, "riscv64", "x")), platform("riscv64"))
	gone := with(full.manifest(app(t, "amd64", "y")), platform("amd64"))
	path := file(t, "a.tar", tarOf(t, l.parts(l.index(gone, there))...))
	if im, _ := scanOf(t, path, Options{}); im.Platform != "linux/riscv64" {
		t.Errorf("took %s", im.Platform)
	}
	var pe *PlatformError
	if _, err := Open(context.Background(), path, Options{Platform: "linux/amd64"}); !errors.As(err, &pe) {
		t.Errorf("%v", err)
	}
	empty := file(t, "b.tar", tarOf(t, (&layoutOf{t: t}).parts(gone)...))
	if _, err := Open(context.Background(), empty, Options{}); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("%v", err)
	}
}

func TestOnlyImageIsHeldToThePlatform(t *testing.T) {
	m := app(t, "arm64", "x")
	l := &layoutOf{t: t}
	for _, path := range []string{file(t, "a.tar", tarOf(t, m.save(t, "a:1")...)), file(t, "o.tar", tarOf(t, l.parts(l.manifest(m))...))} {
		if im, _ := scanOf(t, path, Options{}); im.Platform != "linux/arm64" {
			t.Errorf("%s", im.Platform)
		}
		if im, _ := scanOf(t, path, Options{Platform: "linux/aarch64"}); im.Platform != "linux/arm64" {
			t.Errorf("%s", im.Platform)
		}
		var pe *PlatformError
		if _, err := Open(context.Background(), path, Options{Platform: "linux/amd64"}); !errors.As(err, &pe) {
			t.Errorf("%v", err)
		}
	}
}

func TestSeveralImages(t *testing.T) {
	x, y := app(t, "amd64", "x"), app(t, "amd64", "y")
	l := &layoutOf{t: t}
	oci := l.parts(with(l.manifest(x), named("one")), with(l.manifest(y), named("two")))
	// Two images in one docker save: the last manifest.json is of both.
	one, two := x.save(t, "reg.io/app:one"), y.save(t, "reg.io/app:two")
	for i := range two {
		two[i].name = strings.Replace(two[i].name, "/layer.tar", "-2/layer.tar", 1)
	}
	both := append(one[:len(one)-1:len(one)-1], two[:len(two)-1]...)
	both = append(both, part{name: "manifest.json", text: js(t, []obj{
		{"Config": one[0].name, "RepoTags": []string{"reg.io/app:one"}, "Layers": []string{one[1].name}},
		{"Config": two[0].name, "RepoTags": []string{"reg.io/app:two"}, "Layers": []string{two[1].name}},
	})})
	for kind, path := range map[string]string{
		"docker": file(t, "d.tar", tarOf(t, both...)), "oci": file(t, "o.tar", tarOf(t, oci...)), "layout": folder(t, oci),
	} {
		opt := Options{Platform: "linux/amd64"}
		var am *AmbiguousError
		if _, err := Open(context.Background(), path, opt); !errors.As(err, &am) || len(am.Found) != 2 {
			t.Errorf("%s: %v", kind, err)
		}
		for name, m := range map[string]made{"one": x, "two": y} {
			if im, _ := scanOf(t, path+"#"+name, opt); im.ID != finding.DigestOf([]byte(m.config)) {
				t.Errorf("%s: %s is %s", kind, name, im.ID)
			}
		}
		if _, err := Open(context.Background(), path+"#three", opt); err == nil || !strings.Contains(err.Error(), "one") {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestHistory(t *testing.T) {
	layers := [][]byte{tarOf(t, part{name: "a", text: "a"}), tarOf(t, part{name: "b", text: "b"})}
	ids := []string{string(finding.DigestOf(layers[0])), string(finding.DigestOf(layers[1]))}
	for _, c := range []struct {
		name    string
		history any
		want    []int // step of each layer
		unknown bool
	}{
		{"empty steps between", []obj{{"created_by": "A"}, {"created_by": "ENV", "empty_layer": true}, {"created_by": "B"}}, []int{0, 2}, false},
		{"none", nil, []int{-1, -1}, true},
		{"too few", []obj{{"created_by": "A"}}, []int{-1, -1}, true},
		{"too many", []obj{{"created_by": "A"}, {"created_by": "B"}, {"created_by": "C"}}, []int{-1, -1}, true},
		{"all empty", []obj{{"empty_layer": true}, {"empty_layer": true}}, []int{-1, -1}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := made{layers: layers, config: js(t, obj{"architecture": "amd64", "os": "linux", "rootfs": obj{"type": "layers", "diff_ids": ids}, "history": c.history})}
			im, _ := scanOf(t, file(t, "a.tar", tarOf(t, m.save(t)...)), Options{})
			for i, want := range c.want {
				if im.Layers[i].Step != want {
					t.Errorf("layer %d: step %d, want %d", i, im.Layers[i].Step, want)
				}
			}
			for _, s := range im.Steps {
				if c.unknown && s.Layer != -1 {
					t.Errorf("step %+v is tied", s)
				}
			}
			if (len(im.Unknown) > 0) != c.unknown {
				t.Errorf("unknown: %v", im.Unknown)
			}
		})
	}
}

// TestLinkedLayers: old Docker saved a layer that an image has twice as a link.
func TestLinkedLayers(t *testing.T) {
	l := tarOf(t, part{name: "a", text: "a"})
	m := makeImage(t, "amd64", l, l, l)
	parts := []part{
		{name: "one/layer.tar", text: string(l)},
		{name: "two/layer.tar", typ: tar.TypeSymlink, link: "../one/layer.tar"},
		{name: "three/layer.tar", typ: tar.TypeLink, link: "two/layer.tar"},
		{name: "c.json", text: m.config},
		{name: "manifest.json", text: js(t, []obj{{"Config": "c.json", "Layers": []string{"one/layer.tar", "two/layer.tar", "three/layer.tar"}}})},
	}
	if im, s := scanOf(t, file(t, "a.tar", tarOf(t, parts...)), Options{}); len(im.Layers) != 3 || s.Tree.Len() != 1 {
		t.Errorf("%d layers", len(im.Layers))
	}
}

func TestDetect(t *testing.T) {
	dir := t.TempDir()
	tarball := filepath.Join(dir, "app.tar")
	hash := filepath.Join(dir, "we#ird.tar")
	layout := filepath.Join(dir, "layout")
	for _, p := range []string{tarball, hash, filepath.Join(layout, "oci-layout")} {
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for in, want := range map[string]Target{
		"nginx:1.20":                    {Reference, "nginx:1.20", ""},
		"image://nginx":                 {Reference, "nginx", ""},
		"local://nginx":                 {Engine, "nginx", ""},
		"docker-daemon:nginx:1":         {Engine, "nginx:1", ""},
		"docker-daemon://nginx":         {Engine, "nginx", ""},
		"registry://ghcr.io/a/b":        {Registry, "ghcr.io/a/b", ""},
		"registry:2":                    {Reference, "registry:2", ""},
		"docker:24-dind":                {Reference, "docker:24-dind", ""},
		"docker:nginx:1.20":             {Engine, "nginx:1.20", ""},
		"registry:docker.io/nginx":      {Registry, "docker.io/nginx", ""},
		"-":                             {Archive, "-", ""},
		tarball:                         {Archive, tarball, ""},
		tarball + "#app:1":              {Archive, tarball, "app:1"},
		hash:                            {Archive, hash, ""},
		hash + "#x":                     {Archive, hash, "x"},
		"archive://nowhere.tar#a":       {Archive, "nowhere.tar", "a"},
		"docker-archive:" + tarball:     {Archive, tarball, ""},
		"oci-archive:" + tarball + "#x": {Archive, tarball, "x"},
		"oci-dir:" + layout:             {Layout, layout, ""},
		layout:                          {Layout, layout, ""},
		layout + "#v2":                  {Layout, layout, "v2"},
		dir:                             {Folder, dir, ""},
		"dir:" + dir:                    {Rootfs, dir, ""},
		"fs:///":                        {Rootfs, "/", ""},
		"sbom://x.json":                 {Other, "sbom://x.json", ""},
		"compose://a":                   {Other, "compose://a", ""},
	} {
		if got := Detect(in); got != want {
			t.Errorf("%s: %+v, want %+v", in, got, want)
		}
	}
}

func TestPlatforms(t *testing.T) {
	for in, want := range map[string]string{
		"linux/amd64": "linux/amd64", "arm64": "linux/arm64", "linux/arm64/v8": "linux/arm64", "linux/arm": "linux/arm/v7",
		"Linux/X86_64": "linux/amd64", "linux/arm/v6": "linux/arm/v6", "windows/amd64": "windows/amd64",
	} {
		if p, err := parsePlatform(in); err != nil || platformName(p) != want {
			t.Errorf("%s: %s %v", in, platformName(p), err)
		}
	}
	for _, in := range []string{"/", "linux/", "a/b/c/d", "linux//v7"} {
		if _, err := Open(context.Background(), "x", Options{Platform: in}); err == nil {
			t.Errorf("%s is taken", in)
		}
	}
}
