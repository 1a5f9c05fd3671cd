package write_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/image/write"
)

// file is an entry of a layer.
type file struct {
	tar.Header
	text string
}

func reg(name, text string) file {
	return file{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, ModTime: time.Unix(1e9, 5)}, text}
}

func dir(name string) file {
	return file{tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o755, ModTime: time.Unix(1e9, 0)}, ""}
}

func hard(name, to string) file {
	return file{tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: to, Mode: 0o644, ModTime: time.Unix(1e9, 0)}, ""}
}

func layerOf(t *testing.T, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := f.Header
		h.Size = int64(len(f.text))
		if h.ModTime.Nanosecond() != 0 {
			h.Format = tar.FormatPAX
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// open makes an archive of layers and scans it.
func open(t *testing.T, layers ...[]byte) *image.Scan {
	t.Helper()
	var ids []string
	var history []map[string]any
	files := []file{}
	var names []string
	for i, l := range layers {
		ids = append(ids, string(finding.DigestOf(l)))
		name := string(rune('a'+i)) + "/layer.tar"
		names = append(names, name)
		files = append(files, reg(name, string(l)))
		history = append(history, map[string]any{"created_by": "step " + name}, map[string]any{"created_by": "ENV", "empty_layer": true})
	}
	config, err := json.Marshal(map[string]any{
		"os": "linux", "architecture": "amd64", "created": "2020-01-02T03:04:05Z", "vendorField": map[string]int{"kept": 1},
		"config":  map[string]any{"Cmd": []string{"/a"}, "Labels": map[string]string{"x": "y"}},
		"rootfs":  map[string]any{"type": "layers", "diff_ids": ids},
		"history": history,
	})
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := json.Marshal([]any{map[string]any{"Config": "config.json", "RepoTags": []string{"a:1"}, "Layers": names}})
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, reg("config.json", string(config)), reg("manifest.json", string(manifest)))
	path := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(path, layerOf(t, files...), 0o600); err != nil {
		t.Fatal(err)
	}
	return scan(t, "archive://"+path)
}

func scan(t *testing.T, target string) *image.Scan {
	t.Helper()
	im, err := image.Open(t.Context(), target, image.Options{WorkDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = im.Close() })
	s, err := im.Scan(t.Context(), image.ScanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// entries are what a layer's file holds: a line each.
func entries(t *testing.T, l write.Layer) []string {
	t.Helper()
	f, err := os.Open(l.File)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []string
	r := tar.NewReader(f)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(r)
		line := h.Name
		switch h.Typeflag {
		case tar.TypeLink:
			line += " = " + h.Linkname
		case tar.TypeSymlink:
			line += " -> " + h.Linkname
		case tar.TypeReg:
			line += " " + string(b)
		}
		out = append(out, line)
	}
}

func sample(t *testing.T) *image.Scan {
	capable := reg("bin/cap", "C")
	capable.Mode, capable.Uid, capable.PAXRecords = 0o4755, 7, map[string]string{"SCHILY.xattr.security.capability": "\x01\x00\x00\x02x", "atime": "1.5"}
	return open(t,
		layerOf(t, dir("bin/"), reg("bin/a", "A"), reg("bin/gone", "G"), capable, dir("lib/"), reg("lib/x", "X"), hard("lib/y", "lib/x"), hard("lib/z", "lib/x")),
		layerOf(t, reg("bin/.wh.gone", ""), reg("bin/a", "A2"), dir("app/"), reg("app/db", "old"), file{tar.Header{Typeflag: tar.TypeSymlink, Name: "app/l", Linkname: "../bin/a", Mode: 0o777}, ""}),
		layerOf(t, dir("var/"), reg("var/v", "V")),
	)
}

func TestLayers(t *testing.T) {
	s := sample(t)
	without := func(paths ...string) func(string) bool {
		return func(p string) bool { return !strings.Contains(" "+strings.Join(paths, " ")+" ", " "+p+" ") }
	}
	for _, c := range []struct {
		name string
		c    write.Content
		want [][]string
	}{
		{"all", write.Content{Keep: without(), Base: 1}, [][]string{
			{"bin/", "bin/cap C", "lib/", "lib/x X", "lib/y = lib/x", "lib/z = lib/x"},
			{"bin/a A2", "app/", "app/db old", "app/l -> ../bin/a", "var/", "var/v V"},
		}},
		{"a link's target is gone", write.Content{Keep: without("lib/x", "app", "app/db", "app/l", "bin/a", "var/v", "var"), Base: 1}, [][]string{
			{"bin/", "bin/cap C", "lib/", "lib/y X", "lib/z = lib/y"},
		}},
		{"replaced", write.Content{Keep: without("lib/x", "lib/y", "lib/z"), Base: 2, Replace: map[string][]byte{"app/db": []byte("newer")}}, [][]string{
			{"bin/", "bin/cap C", "lib/", "bin/a A2", "app/", "app/db newer", "app/l -> ../bin/a"},
			{"var/", "var/v V"},
		}},
		{"whole base", write.Content{Keep: without("app/db", "app/l", "app"), Whole: 1, Base: 1}, [][]string{
			{"bin/", "bin/a A", "bin/gone G", "bin/cap C", "lib/", "lib/x X", "lib/y = lib/x", "lib/z = lib/x"},
			{"bin/.wh.gone ", "bin/a A2", "var/", "var/v V"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.c.Scan = s
			layers, err := c.c.Layers(t.Context(), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			var got [][]string
			for _, l := range layers {
				got = append(got, entries(t, l))
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
			again, err := c.c.Layers(t.Context(), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			for i := range layers {
				if layers[i].DiffID != again[i].DiffID {
					t.Errorf("layer %d is another the second time", i)
				}
			}
		})
	}
	if _, err := (write.Content{Scan: s, Keep: func(string) bool { return false }}).Layers(t.Context(), t.TempDir()); err == nil {
		t.Error("an image of nothing is written")
	}
}

// TestImage writes an image everywhere and reads it back: the same file system, owners,
// modes, capabilities, configuration and history.
func TestImage(t *testing.T) {
	s := sample(t)
	layers, err := write.Content{Scan: s, Keep: func(p string) bool { return p != "var" && p != "var/v" }, Base: 1}.Layers(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	im, err := write.New(s.Image, layers, "drydock minify", "why")
	if err != nil {
		t.Fatal(err)
	}
	at := t.TempDir()
	f, err := os.Create(filepath.Join(at, "image.tar"))
	if err != nil {
		t.Fatal(err)
	}
	if err := im.Docker(f, "b:1"); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	if _, err := im.Layout(filepath.Join(at, "layout"), "1"); err != nil {
		t.Fatal(err)
	}
	if _, err := im.Layout(filepath.Join(at, "layout"), "1"); err == nil {
		t.Error("a layout is written into a folder that is not empty")
	}
	for _, target := range []string{"archive://" + f.Name(), "oci-dir://" + filepath.Join(at, "layout")} {
		got := scan(t, target)
		if got.Image.ID != im.ID {
			t.Errorf("%s: the configuration is %s, want %s", target, got.Image.ID, im.ID)
		}
		if !strings.Contains(string(got.Image.RawConfig), `"vendorField":{"kept":1}`) || got.Image.Config.Config.Labels["x"] != "y" {
			t.Errorf("%s: the configuration lost something: %s", target, got.Image.RawConfig)
		}
		var steps []string
		for _, h := range got.Image.Config.History {
			steps = append(steps, h.CreatedBy+map[bool]string{true: " (empty)"}[h.EmptyLayer])
		}
		want := []string{"step a/layer.tar", "ENV (empty)", "step b/layer.tar (empty)", "ENV (empty)", "step c/layer.tar", "ENV (empty)", "drydock minify (empty)"}
		if d := cmp.Diff(want, steps); d != "" {
			t.Error(target, d)
		}
		n, ok := got.Tree.Lookup("bin/cap")
		if !ok || n.Entry.UID != 7 {
			t.Errorf("%s: %+v", target, n.Entry)
		}
		found := false
		err := got.Image.Each(t.Context(), 0, func(p string, h *tar.Header, _ io.Reader) error {
			if p == "bin/cap" {
				found = h.PAXRecords["SCHILY.xattr.security.capability"] == "\x01\x00\x00\x02x" && h.Mode&0o4000 != 0 && h.PAXRecords["atime"] == "" && h.ModTime.Nanosecond() == 5
			}
			return nil
		})
		if err != nil || !found {
			t.Errorf("%s: the capability, the mode or the time is lost: %v", target, err)
		}
	}
}
