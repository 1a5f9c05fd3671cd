package check

import (
	"reflect"

	"github.com/drydock-dev/drydock/internal/cache"
	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/sbom/catalog"
)

// lastKey is where the inventories of the last run are kept, so that a later
// question about one vulnerability can be answered for what the user is working
// on.
func lastKey() cache.Key[[]lastTarget] { return cache.KeyOf[[]lastTarget]("last", sbom.BinaryVersion) }

// lastTarget is one target of the last run: its inventory, or under which name
// the cache has it.
type lastTarget struct {
	Subject    finding.Subject `json:"subject"`
	Remembered finding.Digest  `json:"remembered,omitempty"`
	Base       int             `json:"base,omitempty"`      // of how many of its layers the base is
	Inventory  []byte          `json:"inventory,omitempty"` // as it writes itself
}

// keepLast remembers the targets of a run. That it could not be kept is no
// reason to fail a scan.
func keepLast(on *Surroundings, res *Result) {
	c := on.cache(func(what string) { on.Log.Debug(what) })
	if c == nil {
		return
	}
	var kept []lastTarget
	for _, t := range res.Targets {
		if t.Inventory == nil {
			continue
		}
		l := lastTarget{Subject: t.Subject, Remembered: t.remembered}
		switch {
		case t.remembered == "":
			b, err := t.Inventory.AppendBinary(nil)
			if err != nil {
				on.Log.Debug("last scan not kept", "error", err)
				return
			}
			l.Inventory = b
		case t.Base != nil:
			l.Base = t.Base.Layers
		}
		kept = append(kept, l)
	}
	if have, ok := cache.Get(c, lastKey()); ok && reflect.DeepEqual(*have, kept) {
		return
	}
	if err := cache.Put(c, lastKey(), &kept); err != nil {
		on.Log.Debug("last scan not kept", "error", err)
	}
}

// last is the inventory of the last run, of all its targets together, and nil
// where there was none or nothing of it is left.
func (p *Pipeline) last() *sbom.Inventory {
	c := &cache.Cache{Dir: p.CacheDir, User: disk.Caller(p.Getenv), Now: p.Now, OnCorrupt: func(path string, err error) {
		p.Log.Warn("a part of the last scan was damaged", "file", path, "error", err)
	}}
	kept, ok := cache.Get(c, lastKey())
	if !ok {
		return nil
	}
	var all *sbom.Inventory
	for _, l := range *kept {
		inv, ok := catalog.Recall(c, l.Remembered, l.Subject)
		if ok {
			inv.SplitBase(l.Base)
		} else if l.Inventory == nil {
			continue // the cache has let go of it
		} else if inv = new(sbom.Inventory); inv.UnmarshalBinary(l.Inventory) != nil {
			continue // of another form: it is as good as let go
		}
		if all == nil {
			all = inv
			continue
		}
		if all.Distro == nil {
			all.Distro = inv.Distro
		}
		all.Include(inv)
	}
	return all
}
