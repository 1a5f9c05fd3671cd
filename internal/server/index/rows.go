package index

import (
	"github.com/drydock-dev/drydock/internal/server/store"
)

// FindingRow is an open finding of an image.
type FindingRow struct {
	store.Finding
	Exception *store.Exception // for which it does not count; nil: none
}

// Findings are the open findings of an image, in the order of their parts.
func (x *Index) Findings(imageID string) []FindingRow {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.findingsOf(x.images[x.byID[imageID]])
}

func (x *Index) findingsOf(img *store.Image) []FindingRow {
	if img == nil {
		return nil
	}
	inv := x.inventories[img.Inventory]
	if inv == nil {
		return nil
	}
	var out []FindingRow
	for it := inv.Parts.Iterator(); it.HasNext(); {
		p := x.parts[it.Next()]
		if p == nil {
			continue
		}
		for i := range p.open {
			out = append(out, FindingRow{Finding: p.open[i]})
		}
	}
	return out
}
