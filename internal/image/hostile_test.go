package image

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
)

// TestRefused: each of these is an error that says what and where, with no
// image, no panic and nothing left behind.
func TestRefused(t *testing.T) {
	m := makeImage(t, "amd64", tarOf(t, part{name: "a", text: "a"}))
	saved := m.save(t, "a:1")
	whole := tarOf(t, saved...)
	manifest := func(v any) []byte {
		return tarOf(t, append(saved[:2:2], part{name: "manifest.json", text: js(t, v)})...)
	}
	layout := func(change func(obj)) []byte {
		l := &layoutOf{t: t}
		config := with(l.add(m.config), obj{"mediaType": "application/vnd.oci.image.config.v1+json"})
		layer := with(l.add(string(m.layers[0])), obj{"mediaType": "application/vnd.oci.image.layer.v1.tar"})
		doc := obj{"schemaVersion": 2, "config": config, "layers": []obj{layer}}
		change(doc)
		return tarOf(t, l.parts(l.add(js(t, doc)))...)
	}
	layer := func(doc obj) obj { return doc["layers"].([]obj)[0] }
	deep := func() []byte {
		l := &layoutOf{t: t}
		d := l.manifest(m)
		for range 20 {
			d = l.index(d)
		}
		return tarOf(t, l.parts(d)...)
	}
	tampered := func() []byte {
		l := &layoutOf{t: t}
		d := l.manifest(m)
		for i := range l.blobs {
			l.blobs[i].text = strings.Replace(l.blobs[i].text, `"linux"`, `"Linux"`, 1)
		}
		return tarOf(t, l.parts(d)...)
	}
	for name, c := range map[string]struct {
		archive []byte
		want    string
	}{
		"nothing":                      {nil, "empty"},
		"not a tar":                    {bytes.Repeat([]byte("no"), 1000), "not a tar"},
		"cut off":                      {whole[:len(whole)-4000], "cut off at byte"},
		"cut off in the headers":       {whole[:700], "cut off"},
		"gzip cut off":                 {gz(t, whole)[:300], "at byte"},
		"gzip of rubbish":              {gz(t, []byte("rubbish")), "not a tar"},
		"gzip header alone":            {[]byte("\x1f\x8b"), "decompress"},
		"no manifest":                  {tarOf(t, saved[:2]...), "neither manifest.json nor index.json"},
		"a root file system":           {tarOf(t, part{name: "./etc/os-release", text: "x"}), "root file system"},
		"null manifest":                {manifest(nil), "names no image"},
		"manifest is no list":          {manifest(obj{"Config": "x"}), "manifest.json"},
		"manifest twice":               {tarOf(t, append(saved, saved[2])...), "twice"},
		"no configuration":             {manifest([]obj{{"Layers": []string{}}}), "no configuration"},
		"configuration missing":        {manifest([]obj{{"Config": "x.json"}}), "x.json is missing"},
		"layer missing":                {manifest([]obj{{"Config": saved[0].name, "Layers": []string{"gone/layer.tar"}}}), "gone/layer.tar is missing"},
		"more layers than diffIDs":     {manifest([]obj{{"Config": saved[0].name, "Layers": []string{saved[1].name, saved[1].name}}}), "names 1 layers, the manifest 2"},
		"terminal escapes in names":    {manifest([]obj{{"Config": "\x1b[2J"}}), `"\x1b[2J"`},
		"a layer that climbs":          {manifest([]obj{{"Config": saved[0].name, "Layers": []string{"../../etc/passwd"}}}), "missing"},
		"a member that climbs":         {tarOf(t, part{name: "../x", text: "x"}), "leads out"},
		"links in a circle":            {tarOf(t, part{name: "manifest.json", typ: tar.TypeSymlink, link: "b"}, part{name: "b", typ: tar.TypeSymlink, link: "manifest.json"}), "leads nowhere"},
		"a link out":                   {tarOf(t, part{name: "manifest.json", typ: tar.TypeSymlink, link: "/etc/passwd"}), "link out of the archive"},
		"a device":                     {tarOf(t, part{name: "manifest.json", typ: tar.TypeChar}), "not a regular file"},
		"foreign digest":               {layout(func(d obj) { layer(d)["digest"] = "sha512:" + strings.Repeat("a", 128) }), "not a sha256 digest"},
		"digest that climbs":           {layout(func(d obj) { layer(d)["digest"] = "sha256:../../../../etc/passwd" }), "not a sha256 digest"},
		"upper-case digest":            {layout(func(d obj) { layer(d)["digest"] = "sha256:" + strings.Repeat("A", 64) }), "hexadecimal"},
		"wrong size":                   {layout(func(d obj) { layer(d)["size"] = 7 }), "manifest says 7 bytes"},
		"foreign layer":                {layout(func(d obj) { layer(d)["mediaType"] = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip" }), "foreign layer"},
		"non-distributable layer":      {layout(func(d obj) { layer(d)["mediaType"] = "application/vnd.oci.image.layer.nondistributable.v1.tar" }), "foreign layer"},
		"encrypted layer":              {layout(func(d obj) { layer(d)["mediaType"] = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted" }), "encrypted"},
		"a chart":                      {layout(func(d obj) { d["config"].(obj)["mediaType"] = "application/vnd.cncf.helm.config.v1+json" }), "helm"},
		"both manifest and index":      {layout(func(d obj) { d["manifests"] = []obj{} }), "both"},
		"schema 1":                     {layout(func(d obj) { d["fsLayers"] = []obj{} }), "schema 1"},
		"indexes without end":          {deep(), "nested"},
		"a changed configuration":      {tampered(), "content is sha256:"},
		"an index that names nothing":  {tarOf(t, (&layoutOf{t: t}).parts()...), "names no image"},
		"a manifest of another kind":   {tarOf(t, part{name: "index.json", text: "[]"}), "index.json"},
		"a configuration without end":  {tarOf(t, part{name: "manifest.json", text: `[{"Config":"c.json"}]`}, part{name: "c.json", text: strings.Repeat(" ", maxDocument+1)}), "larger than"},
		"a list of layers without end": {manifest([]obj{{"Config": saved[0].name, "Layers": make([]string, maxLayers+1)}}), "more than"},
		"a list of images without end": {manifest(make([]obj, maxPicks+1)), "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			work := t.TempDir()
			path := file(t, "x.tar", c.archive)
			im, err := Open(context.Background(), path, Options{WorkDir: work})
			if err == nil || im != nil {
				t.Fatalf("taken: %+v", im)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nshould say %q", err, c.want)
			}
			if strings.Contains(err.Error(), "\x1b") {
				t.Error("a terminal escape came through")
			}
			if left, err := os.ReadDir(work); err != nil || len(left) != 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
		})
	}
}

// TestHostileShared: the shared hostile archives that are no image at all.
func TestHostileShared(t *testing.T) {
	for name, want := range map[string]string{"no_manifest.tar": "neither manifest.json", "null_manifest.tar": "names no image"} {
		if _, err := Open(context.Background(), shared(t, "images/hostile/"+name), Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := Open(context.Background(), shared(t, "images/alpine-minirootfs-3.20.3-x86_64.tar.gz"), Options{WorkDir: t.TempDir()})
	var h finding.Hinter
	if err == nil || !strings.Contains(err.Error(), "root file system") || !errors.As(err, &h) {
		t.Errorf("minirootfs: %v", err)
	}
}

// TestLayoutStaysInside: no link in a layout's folder leads out of it.
func TestLayoutStaysInside(t *testing.T) {
	m := makeImage(t, "amd64", tarOf(t, part{name: "a", text: "a"}))
	l := &layoutOf{t: t}
	dir := folder(t, l.parts(l.manifest(m)))
	secret := file(t, "config", []byte(m.config))
	inside := filepath.Join(dir, filepath.FromSlash(blobName(finding.DigestOf([]byte(m.config)))))
	if err := errors.Join(os.Remove(inside), os.Symlink(secret, inside)); err != nil {
		t.Fatal(err)
	}
	if im, err := Open(context.Background(), dir, Options{}); err == nil {
		t.Errorf("read through a link that leads out: %+v", im)
	}
}

func TestFolders(t *testing.T) {
	dir := t.TempDir()
	var no *NotImageError
	for _, target := range []string{dir, "archive://" + dir, "oci-dir://" + dir, "sbom://x"} {
		if _, err := Open(context.Background(), target, Options{}); !errors.As(err, &no) {
			t.Errorf("%s: %v", target, err)
		}
	}
	for _, target := range []string{"archive://" + dir + "/none.tar", "oci-dir://" + dir + "/none", "fs://" + dir + "/none", dir + "/none.tar", "./none", "none.tar.gz"} {
		if _, err := Open(context.Background(), target, Options{}); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", target, err)
		}
	}
}

// TestManyMembers: the index of an archive is bounded.
func TestManyMembers(t *testing.T) {
	r, w := io.Pipe()
	go func() {
		tw := tar.NewWriter(bufio.NewWriterSize(w, 1<<20))
		for i := 0; ; i++ {
			if err := tw.WriteHeader(&tar.Header{Name: fmt.Sprintf("%0200d", i), Typeflag: tar.TypeSymlink, Linkname: strings.Repeat("x", 200)}); err != nil {
				return
			}
		}
	}()
	_, _, err := indexTar(context.Background(), forward{r})
	if err == nil || !strings.Contains(err.Error(), "more than") {
		t.Error(err)
	}
	_ = r.Close()
}

// forward is a stream that can only say where it is.
type forward struct{ io.Reader }

func (forward) Seek(int64, int) (int64, error) { return 0, nil }

// TestSpoolStops when it is cancelled, and leaves nothing.
func TestSpoolStops(t *testing.T) {
	work := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	in := reads(func(p []byte) (int, error) { cancel(); return len(p), nil })
	if _, err := Open(ctx, "-", Options{Stdin: in, WorkDir: work}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if left, err := os.ReadDir(work); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

type reads func([]byte) (int, error)

func (r reads) Read(p []byte) (int, error) { return r(p) }

func TestSpoolDiskFull(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	err = fill(context.Background(), f, strings.NewReader("some bytes that do not fit"), Options{}, "standard input", spoolFree)
	var h finding.Hinter
	if err == nil || !strings.Contains(err.Error(), "disk full") || !errors.As(err, &h) {
		t.Error(err)
	}
	_ = f.Close()
}

// TestSpoolElsewhere: a cache that cannot be written is no reason to stop.
func TestSpoolElsewhere(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root writes everywhere")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil { //nolint:gosec // a folder
		t.Fatal(err)
	}
	f, drop, err := scratch(filepath.Join(dir, "work"))
	if err != nil {
		t.Fatal(err)
	}
	if err := drop(); err != nil {
		t.Errorf("%s: %v", f.Name(), err)
	}
}

// TestBomb: a small archive that becomes endless is stopped.
func TestBomb(t *testing.T) {
	zeros := reads(func(p []byte) (int, error) { clear(p); return len(p), nil })
	r, w := io.Pipe()
	go func() {
		z := newGzip(w)
		_, _ = io.Copy(z, zeros)
	}()
	f, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := fill(context.Background(), f, r, Options{}, "x.tar.gz", 1<<20); err == nil || !strings.Contains(err.Error(), "bomb") {
		t.Error(err)
	}
	_ = errors.Join(r.Close(), f.Close())
}
