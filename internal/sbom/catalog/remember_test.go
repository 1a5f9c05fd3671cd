package catalog

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/drydock-dev/drydock/internal/cache"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/google/go-cmp/cmp"
)

// TestRemember: what is remembered is what was joined, said of who asks now.
func TestRemember(t *testing.T) {
	scan := scanOf(t,
		tarOf(t, file{name: "etc/os-release", body: "ID=debian\nVERSION_ID=12\n"},
			file{name: "var/lib/dpkg/status", body: stanza("bash", "5.2-1") + stanza("tar", "1.34")},
			file{name: "usr/lib/node_modules/x/package.json", body: `{"name":"x","version":"1.0.0"}`},
			file{name: "srv/broken/node_modules/y/package.json", body: `{"name":`}),
		tarOf(t, file{name: "var/lib/dpkg/status", body: stanza("bash", "5.2-1")}),
	)
	im := &image.Image{}
	for _, r := range scan.Records {
		im.Layers = append(im.Layers, image.Layer{DiffID: r.DiffID})
	}
	inv := inventoryOf(t, scan)
	if len(inv.Unknown) == 0 || len(inv.Packages) != 3 {
		t.Fatalf("the test has lost its point: %+v", inv)
	}
	c := &cache.Cache{Dir: t.TempDir()}
	id := InventoryID(im)
	if _, ok := Recall(c, id, inv.Subject); ok {
		t.Error("something was remembered before anything was")
	}
	if err := Remember(c, id, inv); err != nil {
		t.Fatal(err)
	}
	got, ok := Recall(c, id, inv.Subject)
	if !ok {
		t.Fatal("not remembered")
	}
	if diff := cmp.Diff(inv, got); diff != "" {
		t.Errorf("-joined +remembered\n%s", diff)
	}
	other := finding.Subject{Kind: finding.KindImage, Name: "other"}
	if got, _ := Recall(c, id, other); got == nil || got.Subject != other || got.Unknown[0].Subject != other {
		t.Errorf("of another: %+v", got)
	}
	if _, ok := Recall(nil, id, other); ok {
		t.Error("no cache remembers")
	}

	// Layers in another order, or one less, are another image.
	swapped := &image.Image{Layers: []image.Layer{im.Layers[1], im.Layers[0]}}
	for _, o := range []*image.Image{swapped, {Layers: im.Layers[:1]}} {
		if InventoryID(o) == id {
			t.Error("another image has the same id")
		}
	}
	if InventoryID(&image.Image{Layers: []image.Layer{{}}}) != "" || InventoryID(&image.Image{}) != "" {
		t.Error("what nothing names has an id")
	}

	// A damaged file is none.
	files, err := filepath.Glob(filepath.Join(c.Dir, "values", "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(files[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok := Recall(c, id, other); ok || c.Corrupt() != 1 {
		t.Error("a damaged inventory was believed")
	}
}

// TestJoinVersion holds the join to its version: inventories that were
// remembered by an earlier program must not be taken for this one's. If what is
// joined of these layers has changed for good, raise joinVersion and write down
// the new fingerprint; if only a reader's facts have, its version says so.
func TestJoinVersion(t *testing.T) {
	const want = "9 ae0e3bd135b5"
	inv := inventoryOf(t, scanOf(t,
		tarOf(t, file{name: "etc/os-release", body: "ID=debian\nVERSION_ID=12\n"},
			file{name: "lib", link: "usr/lib"},
			file{name: "var/lib/pacman/local/x-1/desc", body: "%NAME%\n"},
			file{name: "var/lib/dpkg/status", body: stanza("bash", "5.2-1") + stanza("node-x", "1.0.0-1") + stanza("tar", "1.34")},
			file{name: "var/lib/dpkg/info/node-x.list", body: "/lib/node_modules/x/package.json\n"},
			file{name: "usr/lib/node_modules/x/package.json", body: `{"name":"x","version":"1.0.0"}`},
			file{name: "srv/broken/node_modules/y/package.json", body: `{"name":`}),
		tarOf(t, file{name: "var/lib/dpkg/status", body: stanza("bash", "5.2-2") + stanza("node-x", "1.0.0-1")},
			file{name: "srv/node_modules/z/package.json", body: `{"name":"z","version":"2.0.0","license":"MIT"}`}),
		tarOf(t, file{name: "var/lib/dpkg/.wh.status"}, file{name: "srv/node_modules/.wh.z"}),
	))
	owned, removed := 0, 0
	for _, p := range inv.Packages {
		if p.Owner != "" {
			owned++
		}
		if p.Removed {
			removed++
		}
	}
	if owned == 0 || removed == 0 || len(inv.Unknown) < 2 {
		t.Fatalf("the test has lost its point: %+v", inv)
	}
	b, err := inv.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(joinVersion, " ", finding.DigestOf(b).Short()); got != want {
		t.Errorf("joined %s, and what was remembered is %s", got, want)
	}
}
