package catalog

import (
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/drydock-dev/drydock/internal/cache"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// joinVersion is raised whenever [FromScan] would make another inventory of the
// same facts. What the facts are is in the readers' versions.
const joinVersion = 9

// InventoryID names what [FromScan] makes of these layers, whatever image they
// are in. It is empty for a root file system, whose content nothing names.
func InventoryID(im *image.Image) finding.Digest {
	if len(im.Layers) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "inventory %d\n", joinVersion)
	if info, ok := debug.ReadBuildInfo(); ok {
		// Another release joins anew: it costs little, and joinVersion is then
		// for those who build from a tree that they change.
		fmt.Fprintf(&b, "%q\n", info.Main.Version)
	}
	for _, l := range im.Layers {
		if l.DiffID == "" {
			return ""
		}
		b.WriteString(string(l.DiffID) + "\n")
	}
	return finding.DigestOf([]byte(b.String()))
}

// Remember keeps an inventory, as FromScan made it, under its id.
func Remember(c *cache.Cache, id finding.Digest, inv *sbom.Inventory) error {
	if id == "" {
		return nil
	}
	kept := *inv
	kept.Subject, kept.Unknown = finding.Subject{}, about(inv.Unknown, finding.Subject{})
	return cache.Put(c, inventoryKey(id), &kept)
}

func inventoryKey(id finding.Digest) cache.Key[sbom.Inventory] {
	return cache.KeyOf[sbom.Inventory]("inventory", sbom.BinaryVersion, append(layer.Versions(Analyzers()), string(id))...)
}

// Recall is the inventory that was remembered under id, as one of subject. It
// speaks for the layers that id was made of: ask [image.Image.Known] first
// whether the bytes at hand are theirs.
func Recall(c *cache.Cache, id finding.Digest, subject finding.Subject) (*sbom.Inventory, bool) {
	if id == "" {
		return nil, false
	}
	inv, ok := cache.Get(c, inventoryKey(id))
	if !ok {
		return nil, false
	}
	inv.Subject, inv.Unknown = subject, about(inv.Unknown, subject)
	return inv, true
}

func about(all []finding.Unknown, subject finding.Subject) []finding.Unknown {
	if all == nil {
		return nil
	}
	out := make([]finding.Unknown, len(all))
	for i, u := range all {
		u.Subject = subject
		out[i] = u
	}
	return out
}
