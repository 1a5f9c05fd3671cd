package check

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/sbom/catalog"
)

// lastFile keeps the inventories of the last run, so that a later question
// about one vulnerability can be answered for what the user is working on.
const lastFile = "last.json"

// lastTarget is one target of the last run: its inventory, or under which name
// the cache of layer records has it.
type lastTarget struct {
	Subject    finding.Subject `json:"subject"`
	Remembered finding.Digest  `json:"remembered,omitempty"`
	Base       int             `json:"base,omitempty"`      // of how many of its layers the base is
	Inventory  []byte          `json:"inventory,omitempty"` // as of sbom.EncodeBinary
}

// keepLast remembers the targets of a run. That it could not be kept is no
// reason to fail a scan.
func keepLast(on *Surroundings, res *Result) {
	if on.CacheDir == "" || on.NoCache {
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
			l.Inventory = sbom.EncodeBinary(t.Inventory)
		case t.Base != nil:
			l.Base = t.Base.Layers
		}
		kept = append(kept, l)
	}
	b, err := json.Marshal(kept)
	if err == nil {
		path := filepath.Join(on.CacheDir, lastFile)
		if have, e := os.ReadFile(path); e == nil && bytes.Equal(have, b) {
			return
		}
		err = disk.Caller(on.Getenv).Keep(path, b)
	}
	if err != nil {
		on.Log.Debug("last scan not kept", "error", err)
	}
}

// last is the inventory of the last run, of all its targets together, and nil
// where there was none or nothing of it is left.
func (p *Pipeline) last() (*sbom.Inventory, error) {
	if p.CacheDir == "" {
		return nil, nil
	}
	b, err := os.ReadFile(filepath.Join(p.CacheDir, lastFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var kept []lastTarget
	if err := json.Unmarshal(b, &kept); err != nil {
		return nil, err
	}
	cache := &layer.Cache{Dir: p.CacheDir, Now: p.Now}
	var all *sbom.Inventory
	for _, l := range kept {
		inv, ok := catalog.Recall(cache, l.Remembered, l.Subject)
		if ok {
			inv.SplitBase(l.Base)
		} else if l.Inventory == nil {
			continue // the cache has let go of it
		} else if inv, err = sbom.DecodeBinary(l.Inventory); err != nil {
			return nil, err
		}
		if all == nil {
			all = inv
			continue
		}
		if all.Distro == nil {
			all.Distro = inv.Distro
		}
		all.Packages = append(all.Packages, inv.Packages...)
	}
	return all, nil
}
