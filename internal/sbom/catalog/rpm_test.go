package catalog

import (
	"bytes"
	"compress/gzip"
	stdbinary "encoding/binary"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/damage"
	"github.com/drydock-dev/drydock/internal/layer"
)

// sampleRPM is the database of two packages that rpm 4.18 wrote.
func sampleRPM(t testing.TB) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(readFile(t, filepath.Join("testdata", "rpm", "rpmdb.sqlite.gz"))))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// headersOf are the package headers in a database.
func headersOf(t testing.TB, db []byte) [][]byte {
	t.Helper()
	var out [][]byte
	err := rpmHeaders(&spooled{ReaderAt: bytes.NewReader(db), size: int64(len(db))}, func(h []byte) error {
		out = append(out, bytes.Clone(h))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// ndbOf lays headers out as rpm's own form does.
func ndbOf(headers [][]byte) []byte {
	le := stdbinary.LittleEndian
	b := make([]byte, 4096)
	copy(b, "RpmP")
	le.PutUint32(b[12:], 1)
	for s := 32; s < len(b); s += 16 {
		copy(b[s:], "Slot")
	}
	for i, h := range headers {
		slot := b[32+16*i:]
		le.PutUint32(slot[4:], uint32(i+1))
		le.PutUint32(slot[8:], uint32(len(b)/16))
		blob := make([]byte, 16)
		copy(blob, "BlbS")
		le.PutUint32(blob[4:], uint32(i+1))
		le.PutUint32(blob[12:], uint32(len(h)))
		b = append(append(b, blob...), h...)
		b = append(b, make([]byte, 32-len(b)%16)...)
	}
	return b
}

// bdbOf lays headers out as a Berkeley DB hash does.
func bdbOf(order stdbinary.ByteOrder, headers [][]byte) []byte {
	const size = 4096
	meta, hash := make([]byte, size), make([]byte, size)
	pages := [][]byte{meta, hash}
	hash[25] = bdbHash
	order.PutUint16(hash[20:], uint16(2*len(headers)))
	end := size
	for i, h := range headers {
		end -= 5
		order.PutUint16(hash[26+4*i:], uint16(end))
		hash[end] = bdbItemData
		end -= 12
		order.PutUint16(hash[28+4*i:], uint16(end))
		hash[end] = bdbItemPage
		order.PutUint32(hash[end+4:], uint32(len(pages)))
		order.PutUint32(hash[end+8:], uint32(len(h)))
		for len(h) > 0 {
			p := make([]byte, size)
			p[25] = bdbOverflow
			n := copy(p[bdbPageHeader:], h)
			h = h[n:]
			order.PutUint16(p[22:], uint16(n))
			if len(h) > 0 {
				order.PutUint32(p[16:], uint32(len(pages)+1))
			}
			pages = append(pages, p)
		}
	}
	order.PutUint32(meta[12:], 0x061561)
	order.PutUint32(meta[20:], size)
	meta[25] = bdbHashMeta
	order.PutUint32(meta[32:], uint32(len(pages)-1))
	return slices.Concat(pages...)
}

func TestRPM(t *testing.T) {
	sample := sampleRPM(t)
	headers := headersOf(t, sample)
	for _, tc := range []struct {
		path string
		db   []byte
	}{
		{"usr/lib/sysimage/rpm/rpmdb.sqlite", sample},
		{"var/lib/rpm/Packages.db", ndbOf(headers)},
		{"var/lib/rpm/Packages", bdbOf(stdbinary.LittleEndian, headers)},
		{"var/lib/rpm/Packages", bdbOf(stdbinary.BigEndian, headers)},
	} {
		inv := inventoryOf(t, scanOf(t, tarOf(t,
			file{name: "etc/os-release", body: "ID=\"rhel\"\nVERSION_ID=\"9.3\"\n"},
			file{name: tc.path, body: string(tc.db)},
			file{name: "usr/bin/sample", body: elf("x", auditSection(t, `{"packages":[{"name":"serde","version":"1.0.1"}]}`)), mode: 0o755},
		)))
		p := get(t, inv, "rpm", "drydock-sample-libs")
		if p.Version != "2:1.4.2-7.el9" || p.Namespace != "redhat" || p.Arch != "x86_64" || p.Source != "drydock-sample" ||
			p.SourceVersion != "" || p.Licenses[0] != "MIT" || p.Locations[0].Path != "/"+tc.path {
			t.Errorf("%s: %+v", tc.path, p)
		}
		if owner := get(t, inv, "cargo", "serde").Owner; owner != "pkg:rpm/redhat/drydock-sample@1.4.2-7.el9?arch=x86_64&epoch=2" {
			t.Errorf("%s: owner is %q", tc.path, owner)
		}
		if count(inv, "rpm") != 2 || len(inv.Unknown) != 0 {
			t.Errorf("%s: %+v %v", tc.path, inv.Packages, inv.Unknown)
		}
	}
}

func TestRPMUnwritten(t *testing.T) {
	inv := inventoryOf(t, scanOf(t, tarOf(t,
		file{name: "var/lib/rpm/rpmdb.sqlite", body: string(sampleRPM(t))},
		file{name: "var/lib/rpm/rpmdb.sqlite-wal", body: "changes"})))
	if count(inv, "rpm") != 2 || len(inv.Unknown) != 1 {
		t.Errorf("%v", inv.Unknown)
	}
}

// TestRPMHostile: databases that name their own pages, lie about lengths or
// end too early are errors, found in time bounded by their size.
func TestRPMHostile(t *testing.T) {
	headers := headersOf(t, sampleRPM(t))
	le := stdbinary.LittleEndian
	edit := func(b []byte, at int, v uint32) []byte {
		b = bytes.Clone(b)
		le.PutUint32(b[at:], v)
		return b
	}
	bdb, ndb, lite := bdbOf(le, headers), ndbOf(headers), sampleRPM(t)
	loop := edit(bdb, 2*4096+16, 2) // the first header's page is its own successor
	const length = 4096 + 4096 - 5 - 12 + 8
	le.PutUint32(loop[length:], uint32(len(loop))) // and it claims all of the file
	for name, db := range map[string][]byte{
		"empty":          {},
		"text":           bytes.Repeat([]byte("not a database "), 100),
		"bdb cut":        bdb[:len(bdb)-4096],
		"bdb page":       edit(bdb, 20, 12345),
		"bdb wrong page": edit(bdb, 2*4096+24, 0),
		"ndb length":     edit(ndb, 4096+12, 1<<30),
		"ndb slots":      edit(ndb, 12, 1<<30),
		"ndb offset":     edit(ndb, 32+8, 1<<30),
		"sqlite cut":     lite[:len(lite)/3/4096*4096],
		"sqlite page":    append([]byte("SQLite format 3\x00\x00\x07"), lite[18:]...),
		"sqlite self":    append(bytes.Clone(lite[:100]), bytes.Repeat([]byte{5, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1}, 400)...),
	} {
		got, err := learnRPM(t.Context(), layer.Input{Path: "var/lib/rpm/Packages", Size: int64(len(db)), Body: bytes.NewReader(db)})
		if err == nil {
			t.Errorf("%s: no error, %d packages", name, len(got.packages))
		}
	}
	// A chain that bites its tail is a package full of rubbish at worst.
	got, err := learnRPM(t.Context(), layer.Input{Path: "var/lib/rpm/Packages", Size: int64(len(loop)), Body: bytes.NewReader(loop)})
	if len(got.packages) > 2 {
		t.Errorf("%d packages, %v", len(got.packages), err)
	}
	if _, err := learnRPM(t.Context(), layer.Input{Path: "var/lib/rpm/Packages", Size: maxRPM + 1, Body: strings.NewReader("")}); err == nil {
		t.Error("a database over the limit is read")
	}
}

// TestSpoolLeavesNothing: a database too large for memory is gone from the
// disk once it has been read.
func TestSpoolLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	headers := headersOf(t, sampleRPM(t))
	big := append(ndbOf(headers), make([]byte, spoolMemory+1)...)
	got, err := learnRPM(t.Context(), layer.Input{Path: "var/lib/rpm/Packages.db", Size: int64(len(big)), Body: bytes.NewReader(big)})
	if err != nil || len(got.packages) != 2 {
		t.Errorf("%v, %v", got.packages, err)
	}
	if _, err := spool(bytes.NewReader(big), spoolMemory+10); err == nil {
		t.Error("more than the limit is spooled")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// FuzzRPM: any damage to a database of each of the three forms is an error or
// packages that are sound.
func FuzzRPM(f *testing.F) {
	sample := sampleRPM(f)
	headers := headersOf(f, sample)
	sound := [][]byte{ndbOf(headers[:1]), bdbOf(stdbinary.LittleEndian, headers[:1]), bdbOf(stdbinary.BigEndian, headers[:1]), bdbOf(stdbinary.LittleEndian, headers), sample[:64<<10]}
	for i := range sound {
		f.Add(byte(i), []byte(nil))
	}
	f.Add(byte(0), []byte{6, 16, 12, 0, 3, 0})
	f.Add(byte(1), []byte{6, 32, 16, 0, 1, 0})
	f.Add(byte(255), []byte("SQLite format 3\x00"))
	f.Fuzz(func(t *testing.T, which byte, script []byte) {
		db := script
		if which != 255 {
			db = damage.Do(sound[int(which)%len(sound)], script)
		}
		got, err := learnRPM(t.Context(), layer.Input{Path: "var/lib/rpm/Packages", Size: int64(len(db)), Body: bytes.NewReader(db)})
		if len(got.packages) > 0 && len(db) < 64 {
			t.Errorf("%d packages of %d bytes, %v", len(got.packages), len(db), err)
		}
		got.check()
		for _, p := range got.packages {
			if unsound(p) != "" {
				t.Errorf("%+v", p)
			}
		}
	})
}

// TestRPMList: the list in place of a database that Azure Linux' distroless images
// have.
func TestRPMList(t *testing.T) {
	list := "filesystem\t1.1-20.azl3\t1700000000\t1690000000\tMicrosoft Corporation\t(none)\t7596\tx86_64\t0\tfilesystem-1.1-20.azl3.src.rpm\n" +
		"openssl-libs\t3.3.0-1.azl3\t1700000000\t1690000000\tMicrosoft Corporation\t1\t7596\tx86_64\t1\topenssl-3.3.0-1.azl3.src.rpm\n" +
		"half a line\n\nnoversion\t\t1\t1\tx\t(none)\t1\tx86_64\t0\tx.src.rpm\n"
	got, err := readRPMList(t.Context(), layer.Input{Body: strings.NewReader(list)})
	if err == nil || len(got) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	if p := got[1]; p.Name != "openssl-libs" || p.Version != "1:3.3.0-1.azl3" || p.Source != "openssl" || p.Arch != "x86_64" || p.Vendor != "Microsoft Corporation" || p.Cataloger != "rpm" || p.SourceVersion != "" {
		t.Errorf("%+v", p)
	}
}

func FuzzRPMList(f *testing.F) {
	f.Add([]byte("filesystem\t1.1-20.azl3\t1\t1\tMicrosoft\t(none)\t7596\tx86_64\t0\tfilesystem-1.1-20.azl3.src.rpm\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, _ := readRPMList(t.Context(), layer.Input{Body: bytes.NewReader(b)})
		for _, p := range got {
			if p.Name == "" || p.Version == "" || p.Type != "rpm" || len(p.PURL()) > 16*len(b)+64 {
				t.Fatalf("%+v", p)
			}
		}
	})
}
