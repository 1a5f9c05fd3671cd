package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
)

// part is one member of a tar that a test makes: a file, or a link with a type.
type part struct {
	name, text string
	typ        byte
	link       string
}

func tarOf(t testing.TB, parts ...part) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, p := range parts {
		h := &tar.Header{Name: p.name, Mode: 0o644, Size: int64(len(p.text)), Typeflag: tar.TypeReg}
		if p.typ != 0 {
			h.Typeflag, h.Linkname, h.Size = p.typ, p.link, 0
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := w.Write([]byte(p.text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func gz(t testing.TB, b []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func js(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

type obj = map[string]any

// made is an image that a test makes: a configuration and layers.
type made struct {
	config string
	layers [][]byte
}

func makeImage(t testing.TB, arch string, layers ...[]byte) made {
	t.Helper()
	ids, history := []string{}, []obj{}
	for i, l := range layers {
		ids = append(ids, string(finding.DigestOf(l)))
		history = append(history, obj{"created_by": "layer " + string(rune('a'+i%26))})
	}
	return made{config: js(t, obj{"architecture": arch, "os": "linux", "config": obj{}, "rootfs": obj{"type": "layers", "diff_ids": ids}, "history": history}), layers: layers}
}

// save is the image as docker save wrote it before version 25.
func (m made) save(t testing.TB, tags ...string) []part {
	t.Helper()
	config := finding.DigestOf([]byte(m.config)).Hex() + ".json"
	parts := []part{{name: config, text: m.config}}
	names := []string{}
	for i, l := range m.layers {
		name := finding.DigestOf([]byte{byte(i)}).Hex() + "/layer.tar"
		names = append(names, name)
		parts = append(parts, part{name: name, text: string(l)})
	}
	return append(parts, part{name: "manifest.json", text: js(t, []obj{{"Config": config, "RepoTags": tags, "Layers": names}})})
}

// layoutOf collects blobs of an OCI layout.
type layoutOf struct {
	t     testing.TB
	blobs []part
	has   map[string]bool
}

func (l *layoutOf) add(b string) obj {
	d := finding.DigestOf([]byte(b))
	if l.has == nil {
		l.has = map[string]bool{}
	}
	if !l.has[string(d)] {
		l.has[string(d)] = true
		l.blobs = append(l.blobs, part{name: "blobs/sha256/" + d.Hex(), text: b})
	}
	return obj{"digest": d, "size": len(b)}
}

// with is a descriptor with more in it.
func with(d obj, more obj) obj {
	out := obj{}
	for k, v := range d {
		out[k] = v
	}
	for k, v := range more {
		out[k] = v
	}
	return out
}

func (l *layoutOf) manifest(m made) obj {
	config := with(l.add(m.config), obj{"mediaType": "application/vnd.oci.image.config.v1+json"})
	layers := []obj{}
	for _, b := range m.layers {
		layers = append(layers, with(l.add(string(gz(l.t, b))), obj{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip"}))
	}
	return with(l.add(js(l.t, obj{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": layers})),
		obj{"mediaType": "application/vnd.oci.image.manifest.v1+json"})
}

func (l *layoutOf) index(descs ...obj) obj {
	return with(l.add(js(l.t, obj{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": descs})),
		obj{"mediaType": "application/vnd.oci.image.index.v1+json"})
}

// parts is the layout with descs in its index.json.
func (l *layoutOf) parts(descs ...obj) []part {
	return append([]part{
		{name: "oci-layout", text: `{"imageLayoutVersion":"1.0.0"}`},
		{name: "index.json", text: js(l.t, obj{"schemaVersion": 2, "manifests": descs})},
	}, l.blobs...)
}

func platform(arch string) obj { return obj{"platform": obj{"os": "linux", "architecture": arch}} }

func named(n string) obj {
	return obj{"annotations": obj{"org.opencontainers.image.ref.name": n}}
}

// file writes b and makes it old enough to be remembered by its time.
func file(t testing.TB, name string, b []byte) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(p, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// later is a clock by which every file of a test has long been left alone.
func later() time.Time { return time.Now().Add(time.Hour) }

func folder(t testing.TB, parts []part) string {
	t.Helper()
	dir := t.TempDir()
	for _, p := range parts {
		name := filepath.Join(dir, filepath.FromSlash(p.name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(p.text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func newGzip(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }

func itoa(n int) string { return strconv.Itoa(n) }

func parseRange(h string) (int, error) {
	return strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(h, "bytes="), "-"))
}
