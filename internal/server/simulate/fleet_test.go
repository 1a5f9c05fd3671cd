package simulate_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/server/simulate"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// TestAFleetIsLikeFleets: a few bases are under most images, and some under few;
// applications have layers of their own; the same seed draws the same.
func TestAFleetIsLikeFleets(t *testing.T) {
	all := slices.Collect(simulate.Fleet(400, 7))
	if len(all) != 400 {
		t.Fatalf("%d images", len(all))
	}
	if d := cmp.Diff(all, slices.Collect(simulate.Fleet(400, 7))); d != "" {
		t.Errorf("the same seed draws another fleet: %s", d)
	}
	bases, digests, refs := map[string]int{}, map[finding.Digest]bool{}, map[string]bool{}
	for _, i := range all {
		bases[i.Base]++
		digests[i.Inventory.Subject.Digest], refs[i.Ref] = true, true
		own := slices.IndexFunc(i.Inventory.Packages, func(p sbom.Package) bool { return p.LayerIndex == 1 })
		if len(i.Inventory.Packages) < 10 || own < 0 {
			t.Fatalf("%s holds %d packages", i.Ref, len(i.Inventory.Packages))
		}
	}
	if len(digests) != 400 || len(refs) != 400 {
		t.Errorf("%d digests and %d names of 400 images", len(digests), len(refs))
	}
	counts := slices.Sorted(func(yield func(int) bool) {
		for _, n := range bases {
			if !yield(n) {
				return
			}
		}
	})
	slices.Reverse(counts)
	if top := counts[0] + counts[1] + counts[2] + counts[3]; len(counts) < 12 || top < 160 {
		t.Errorf("bases are used so often: %v", counts)
	}
	var one store.NewImage
	for i := range simulate.Fleet(400, 8) {
		one = i
		break
	}
	if one.Inventory.Subject.Digest == all[0].Inventory.Subject.Digest {
		t.Error("another seed draws the same image")
	}
}
