package layer

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/google/go-cmp/cmp"
)

// members reads a tar's regular files, and hard links as what they link to.
func members(t *testing.T, file string) map[string][]byte {
	t.Helper()
	b, err := os.ReadFile(file)
	must(t, err)
	if bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(bytes.NewReader(b))
		must(t, err)
		b, err = io.ReadAll(z)
		must(t, err)
	}
	out := map[string][]byte{}
	tr := tar.NewReader(bytes.NewReader(b))
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		must(t, err)
		switch h.Typeflag {
		case tar.TypeReg:
			out[path.Clean(h.Name)], err = io.ReadAll(tr)
			must(t, err)
		case tar.TypeLink, tar.TypeSymlink:
			target := h.Linkname
			if h.Typeflag == tar.TypeSymlink {
				target = path.Join(path.Dir(h.Name), target)
			}
			if b, ok := out[path.Clean(target)]; ok {
				out[path.Clean(h.Name)] = b
			}
		}
	}
}

// layersOf finds an archive's layers with what its manifest and configuration
// say that they are.
func layersOf(t *testing.T, files map[string][]byte) map[string]Want {
	t.Helper()
	var config struct {
		RootFS struct {
			DiffIDs []Digest `json:"diff_ids"`
		}
	}
	out := map[string]Want{}
	add := func(configName string, names []string) {
		must(t, json.Unmarshal(files[configName], &config))
		if len(config.RootFS.DiffIDs) != len(names) {
			return // an attestation's, not an image's
		}
		for i, n := range names {
			w := Want{Name: n, DiffID: config.RootFS.DiffIDs[i]}
			if dir, hex := path.Split(n); dir == "blobs/sha256/" {
				w.Blob = Digest("sha256:" + hex)
			}
			out[n] = w
		}
	}
	var docker []struct {
		Config string
		Layers []string
	}
	if json.Unmarshal(files["manifest.json"], &docker) == nil && len(docker) > 0 {
		for _, m := range docker {
			add(m.Config, m.Layers)
		}
		return out
	}
	for name, b := range files {
		var m struct {
			Config struct{ Digest Digest }
			Layers []struct{ Digest Digest }
		}
		if !strings.HasPrefix(name, "blobs/") || json.Unmarshal(b, &m) != nil || m.Config.Digest == "" {
			continue
		}
		var names []string
		for _, l := range m.Layers {
			names = append(names, "blobs/sha256/"+l.Digest.Hex())
		}
		add("blobs/sha256/"+m.Config.Digest.Hex(), names)
	}
	return out
}

// Every layer of every image at hand is read, with both digests verified, and
// says the same as the standard library does of the uncompressed tar.
func TestRealImages(t *testing.T) {
	dir := sharedFile(t, "images")
	archives, err := filepath.Glob(filepath.Join(dir, "formats", "*.tar"))
	must(t, err)
	archives = append(archives, filepath.Join(dir, "alpine-311.tar.gz"))
	seen, entries := 0, 0
	for _, a := range archives {
		t.Run(filepath.Base(a), func(t *testing.T) {
			files := members(t, a)
			for name, want := range layersOf(t, files) {
				rec, err := Read(context.Background(), bytes.NewReader(files[name]), want, nil, Limits{})
				if err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				seen++
				if rec.Blob != finding.DigestOf(files[name]) || rec.Compressed != int64(len(files[name])) {
					t.Errorf("%s: blob %s of %d bytes", name, rec.Blob, rec.Compressed)
				}
				entries += len(rec.Entries)
				b, err := rec.AppendBinary(nil)
				must(t, err)
				var again Record
				must(t, again.UnmarshalBinary(b))
				if d := cmp.Diff(*rec, again); d != "" {
					t.Errorf("%s: kept and read back: %s", name, d)
				}
			}
		})
	}
	if seen < 15 || entries < 2000 {
		t.Errorf("only %d layers with %d entries were found", seen, entries)
	}
}

// The same image in two compressions has the same layers.
func TestRealCompressions(t *testing.T) {
	all := map[string]map[Digest][]string{}
	for _, f := range []string{"alpine-3.20-oci-gzip.tar", "alpine-3.20-oci-zstd.tar", "alpine-3.20-docker-archive.tar"} {
		files := members(t, sharedFile(t, "images", "formats", f))
		all[f] = map[Digest][]string{}
		for name, want := range layersOf(t, files) {
			rec, err := Read(context.Background(), bytes.NewReader(files[name]), want, []Analyzer{reader("os", "os-release", 4096)}, Limits{})
			must(t, err)
			all[f][rec.DiffID] = append(lines(rec), factLines(rec)...)
		}
		if len(all[f]) != 3 {
			t.Errorf("%s: %d layers", f, len(all[f]))
		}
	}
	if d := cmp.Diff(all["alpine-3.20-oci-gzip.tar"], all["alpine-3.20-oci-zstd.tar"]); d != "" {
		t.Errorf("gzip and zstd differ:\n%s", d)
	}
}

func TestRealRootFS(t *testing.T) {
	for version, packages := range map[string]int{"3.18.9": 15, "3.20.3": 14} {
		file := "alpine-minirootfs-" + version + "-x86_64.tar.gz"
		b, err := os.ReadFile(sharedFile(t, "images", file))
		must(t, err)
		rec, err := run(b, reader("os", "etc/alpine-release", 100), reader("apk", "lib/apk/db/installed", MaxBuffer))
		must(t, err)
		if len(rec.Facts) != 2 || string(rec.Facts[1].Data) != version+"\n" {
			t.Errorf("%s: %q", file, factLines(rec))
		}
		if n := bytes.Count(rec.Facts[0].Data, []byte("\nP:")); n != packages {
			t.Errorf("%s: %d packages", file, n)
		}
		i := 0
		for _, e := range rec.Entries {
			if e.Kind == Symlink && e.Link == "/bin/busybox" {
				i++
			}
		}
		if i < 250 {
			t.Errorf("%s: %d links to busybox", file, i)
		}
	}
}

// Archives with links out of the image, and over them, are read and leave
// nothing behind: a pass writes nowhere.
func TestRealHostile(t *testing.T) {
	archives, err := filepath.Glob(filepath.Join(sharedFile(t, "images", "hostile"), "*.tar"))
	must(t, err)
	if len(archives) == 0 {
		t.Fatal("no hostile archives")
	}
	for _, a := range archives {
		files := members(t, a)
		for name, b := range files {
			if !strings.HasSuffix(name, ".tar") {
				continue
			}
			rec, err := run(b, reader("all", "", 100))
			if err != nil {
				t.Logf("%s: %s: %v", filepath.Base(a), name, err)
				continue
			}
			held(t, rec)
		}
	}
}

// held fails if a record breaks what records promise.
func held(tb testing.TB, rec *Record) {
	tb.Helper()
	for i, e := range rec.Entries {
		if e.Path == "" || e.Path[0] == '/' || path.Clean(e.Path) != e.Path || strings.HasPrefix(e.Path+"/", "../") ||
			e.Path == "." && e.Kind != Opaque || len(e.Path) > 4096 {
			tb.Errorf("path %q", e.Path)
		}
		if e.Kind == Hardlink && (path.Clean(e.Link) != e.Link || strings.HasPrefix(e.Link+"/", "../") || e.Link[0] == '/') {
			tb.Errorf("hard link %q to %q", e.Path, e.Link)
		}
		if e.Size < 0 || e.Kind != File && (e.Size != 0 || e.Hash != 0) {
			tb.Errorf("%q: size %d, hash %x", e.Path, e.Size, e.Hash)
		}
		if i == 0 {
			continue
		}
		if p := rec.Entries[i-1]; p.Path > e.Path || p.Path == e.Path && (!p.Kind.hides() || e.Kind.hides()) {
			tb.Errorf("%q comes after %q", e.Path, p.Path)
		}
	}
	for i, f := range rec.Facts {
		if f.Err != "" && f.Data != nil {
			tb.Errorf("%q: both data and an error", f.Path)
		}
		if i > 0 {
			if p := rec.Facts[i-1]; p.Analyzer > f.Analyzer || p.Analyzer == f.Analyzer && p.Path > f.Path {
				tb.Errorf("fact of %q comes after that of %q", f.Path, p.Path)
			}
		}
	}
}
