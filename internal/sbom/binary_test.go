package sbom

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/drydock-dev/drydock/internal/finding"
)

func written(tb interface{ Fatal(...any) }, inv *Inventory) []byte {
	b, err := inv.AppendBinary(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// read is what was read; nil beside an error.
func read(b []byte) (*Inventory, error) {
	var inv Inventory
	if err := inv.UnmarshalBinary(b); err != nil {
		if diff := cmp.Diff(Inventory{}, inv); diff != "" {
			panic("half an inventory beside an error: " + diff)
		}
		return nil, err
	}
	return &inv, nil
}

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
		b := written(t, inv)
		got, err := read(b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(inv, got); diff != "" {
			t.Fatalf("-written +read\n%s", diff)
		}
		if !bytes.Equal(b, written(t, inv)) {
			t.Fatal("the same inventory was written in two ways")
		}
		for i := range b {
			if _, err := read(b[:i]); err == nil {
				t.Fatalf("cut off at byte %d of %d it still reads", i, len(b))
			}
		}
	})
}

// FuzzUnmarshalBinary: no panic; a value or an error; memory is bounded by the
// bytes; what is read is written again and reads the same.
func FuzzUnmarshalBinary(f *testing.F) {
	yes := true
	for _, inv := range []*Inventory{
		{},
		{Distro: &Distro{ID: "debian", IDLike: []string{"a", "a"}}, Packages: []Package{{}, {
			Type: "deb", Name: "a", Version: "1", Licenses: []string{"MIT", "MIT"}, LayerIndex: -1, InBase: &yes, Removed: true,
			Locations: []Location{{Path: "/a", Layer: "sha256:0", Line: 7}, {}},
		}}},
		{
			Packages: []Package{{Node: 1}, {Node: 3, Root: true}}, Components: []Component{{Name: "a", Path: "b", Node: 2, Root: true}},
			Graph: Graph{nil, {3}, {1, 3}, {}},
		},
		{Unknown: []finding.Unknown{{Subject: finding.Subject{Name: "x"}, What: "a", Why: "b"}}},
	} {
		f.Add(written(f, inv))
	}
	f.Add([]byte{BinaryVersion, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		inv, err := read(b)
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
		same, err := read(written(t, inv))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(inv, same); diff != "" {
			t.Error(diff)
		}
	})
}
