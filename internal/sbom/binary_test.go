package sbom

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/drydock-dev/drydock/internal/finding"
)

// TestBinaryLosesNothing: down to the difference between no list and an empty one.
func TestBinaryLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		inv := drawInventory(t)
		if rapid.Bool().Draw(t, "empty lists") {
			if len(inv.Packages) > 0 {
				p := &inv.Packages[0]
				p.Licenses, p.Locations = []string{}, []Location{}
			} else {
				inv.Packages = []Package{}
			}
			inv.Unknown = []finding.Unknown{}
		}
		b := EncodeBinary(inv)
		got, err := DecodeBinary(b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(inv, got); diff != "" {
			t.Fatalf("-written +read\n%s", diff)
		}
		if !bytes.Equal(b, EncodeBinary(inv)) {
			t.Fatal("the same inventory was written in two ways")
		}
		for i := range b {
			if _, err := DecodeBinary(b[:i]); err == nil {
				t.Fatalf("cut off at byte %d of %d it still reads", i, len(b))
			}
		}
	})
}

// FuzzDecodeBinary: no panic; a value or an error; memory is bounded by the
// bytes; what is read is written again and reads the same.
func FuzzDecodeBinary(f *testing.F) {
	yes := true
	for _, inv := range []*Inventory{
		{},
		{Distro: &Distro{ID: "debian", IDLike: []string{"a", "a"}}, Packages: []Package{{}, {
			Type: "deb", Name: "a", Version: "1", Licenses: []string{"MIT", "MIT"}, LayerIndex: -1, InBase: &yes, Removed: true,
			Locations: []Location{{Path: "/a", Layer: "sha256:0", Line: 7}, {}},
		}}},
		{Unknown: []finding.Unknown{{Subject: finding.Subject{Name: "x"}, What: "a", Why: "b"}}},
	} {
		f.Add(EncodeBinary(inv))
	}
	f.Add([]byte{BinaryVersion, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		inv, err := DecodeBinary(b)
		runtime.ReadMemStats(&after)
		if got, most := after.TotalAlloc-before.TotalAlloc, uint64(1<<20+200*len(b)); got > most {
			t.Errorf("allocated %d bytes for %d", got, len(b))
		}
		if (inv == nil) == (err == nil) {
			t.Fatalf("got %v and %v", inv, err)
		}
		if err != nil {
			return
		}
		same, err := DecodeBinary(EncodeBinary(inv))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(inv, same); diff != "" {
			t.Error(diff)
		}
	})
}
