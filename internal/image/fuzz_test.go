package image

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"testing"

	"github.com/drydock-dev/drydock/internal/damage"
	"github.com/drydock-dev/drydock/internal/finding"
)

// FuzzArchive feeds any bytes to the index of archives and to what reads
// manifests from it. The laws: an error comes with no image; an image has a
// diffID and content for each layer, of digests that can be verified; the index
// knows no name that the tar does not have, holds no more than it may, and every
// member it lets open gives exactly the bytes that archive/tar gives. What is
// fuzzed is the damage that is done to sound archives, or the bytes themselves.
func FuzzArchive(f *testing.F) {
	m := makeImage(f, "amd64", tarOf(f, part{name: "a", text: "a"}))
	l := &layoutOf{t: f}
	d := l.manifest(m)
	sound := [][]byte{
		tarOf(f, m.save(f, "app:1")...),
		tarOf(f, l.parts(d)...),
		tarOf(f, l.parts(with(l.index(d, attestation(l, d)), named("x")))...),
		tarOf(f, append(l.parts(), m.save(f)...)...),
		tarOf(f, part{name: "a/layer.tar", typ: tar.TypeSymlink, link: "../b"}, part{name: "b", text: "x"}),
		tarOf(f, m.save(f)...)[:1500],
		nil,
	}
	for i := range sound {
		f.Add(byte(i), []byte(nil))
	}
	f.Add(byte(0), []byte{0, 0, 156, 0, '2', 0})
	f.Add(byte(255), make([]byte, 1024))
	f.Fuzz(func(t *testing.T, which byte, script []byte) {
		b := script
		if which != 255 {
			b = damage.Do(sound[int(which)%len(sound)], script)
			resum(b)
		}
		members, double, err := indexTar(context.Background(), bytes.NewReader(b))
		if err != nil {
			if members != nil {
				t.Fatal("an index beside an error")
			}
			return
		}
		s := &tarStore{file: bytes.NewReader(b), members: members, double: double}
		held := 0
		for name, m := range members {
			held += len(name) + len(m.link)
			if path.IsAbs(name) || name == ".." || len(name) > maxName {
				t.Fatalf("name %q", name)
			}
		}
		if held > maxNameBytes || len(members) > maxMembers {
			t.Fatalf("%d names of %d bytes", len(members), held)
		}
		sameAsTar(t, b, members)
		im, err := fromMembers(context.Background(), s, Target{Kind: Archive, Ref: "x"}, Options{})
		if err != nil {
			if im != nil {
				t.Fatal("an image beside an error")
			}
			return
		}
		if im.Config == nil || im.ID != finding.DigestOf(im.RawConfig) || len(im.Layers) > maxLayers {
			t.Fatalf("%+v", im)
		}
		for _, l := range im.Layers {
			if _, err := digestOf(string(l.DiffID)); err != nil {
				t.Fatal(err)
			}
			r, err := l.content.open(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, r); err != nil {
				t.Fatal(err)
			}
			if l.Step >= len(im.Steps) || l.Step >= 0 && im.Steps[l.Step].Empty {
				t.Fatalf("step %d", l.Step)
			}
		}
	})
}

// resum makes the headers' sums right, without which no damage to one is seen.
func resum(b []byte) {
	const block, sum, magic = 512, 148, 257
	for at := 0; at+block <= len(b); at += block {
		h := b[at : at+block]
		if string(h[magic:magic+5]) != "ustar" {
			continue
		}
		copy(h[sum:], "        ")
		n := 0
		for _, c := range h {
			n += int(c)
		}
		copy(h[sum:], fmt.Sprintf("%06o\x00 ", n))
	}
}

// sameAsTar reads the archive from front to back and holds the index to it.
func sameAsTar(t *testing.T, b []byte, members map[string]member) {
	last := map[string][]byte{}
	tr := tar.NewReader(bytes.NewReader(b))
	for {
		h, err := tr.Next()
		if err != nil {
			break
		}
		if name, ok := memberName(h.Name); ok && h.Typeflag == tar.TypeReg && !sparse(h) {
			text, err := io.ReadAll(tr)
			if err != nil {
				return
			}
			last[name] = text
		}
	}
	for name, m := range members {
		if m.link != "" || m.refused != "" {
			continue
		}
		got := make([]byte, m.size)
		if n, err := bytes.NewReader(b).ReadAt(got, m.offset); n != len(got) {
			t.Fatalf("%q: %d of %d bytes: %v", name, n, len(got), err)
		}
		if !bytes.Equal(got, last[name]) {
			t.Fatalf("%q: the index has other bytes than the tar", name)
		}
	}
}

// FuzzDocuments: a manifest, a configuration or a manifest.json is either a
// value within the limits or an error.
func FuzzDocuments(f *testing.F) {
	for _, s := range []string{
		`null`, `{}`, `[]`, `{"config":{},"layers":[]}`, `{"manifests":[{"digest":"sha256:x"}]}`, `[{"Config":"a","Layers":["b"]}]`,
		`{"rootfs":{"diff_ids":["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]},"history":[{"created":"2020-01-01T00:00:00Z"}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := parseManifest(b); (m == nil) != (err != nil) || m != nil && (len(m.Layers) > maxLayers || len(m.Manifests) > maxPicks) {
			t.Fatalf("%v %v", m, err)
		}
		if c, err := parseConfig(b); (c == nil) != (err != nil) || c != nil && len(c.RootFS.DiffIDs) > maxLayers {
			t.Fatalf("%v %v", c, err)
		}
		if s, err := parseSaved(b); (s == nil) != (err != nil) {
			t.Fatalf("%v %v", s, err)
		}
	})
}
