package index

import (
	"bytes"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// ImageSet are the images as a bitmap; none where there are none.
func (f *Findings) ImageSet() *roaring.Bitmap {
	b := roaring.New()
	if len(f.Images) > 0 {
		if _, err := b.ReadFrom(bytes.NewReader(f.Images)); err != nil {
			return roaring.New()
		}
	}
	return b
}

// Concern is a vulnerability with the images for which somebody hears of it.
type Concern struct {
	VulnRow
	Aliases []string
	Of      []ImageRow // what runs first; at most so many
	Total   int        // of these images
}

// Concern is a vulnerability in those of some images that somebody wants to hear of;
// ok is false where it counts in none of them. Exceptions and VEX are minded.
func (x *Index) Concern(id string, images *roaring.Bitmap, w store.Wants, most int) (c Concern, ok bool) {
	defer x.read()()
	row := x.named(id)
	if row == nil {
		return c, false
	}
	hit := roaring.And(images, row.images)
	if !w.Older {
		hit.And(roaring.Or(x.fleet.running, x.newest()))
	}
	c = Concern{VulnRow: *row, Aliases: []string{}}
	for it := hit.Iterator(); it.HasNext(); {
		img := numbered(x.images, it.Next())
		if img == nil || w.Env != "" && img.row.Env != w.Env {
			continue
		}
		c.Total++
		c.Of = append(c.Of, img.row)
	}
	sorting.By(c.Of, func(a, b ImageRow) int { return b.Running - a.Running })
	c.Of = c.Of[:min(len(c.Of), most)]
	x.eachFinding(row.ID, func(_ *part, f *store.Finding) {
		for _, a := range f.Vuln.Aliases {
			if !slices.Contains(c.Aliases, a) {
				c.Aliases = append(c.Aliases, a)
			}
		}
	})
	slices.Sort(c.Aliases)
	return c, c.Total > 0
}

// newest are the images that came in last of each repository; the caller holds the lock.
func (x *Index) newest() *roaring.Bitmap {
	return remember(x, "newest", func() *roaring.Bitmap {
		last := map[string]uint32{}
		for _, img := range x.fleet.images {
			if n, ok := last[img.row.Repository]; !ok || img.N > n {
				last[img.row.Repository] = img.N
			}
		}
		out := roaring.New()
		for _, n := range last {
			out.Add(n)
		}
		return out
	})
}
