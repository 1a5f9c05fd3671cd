package sbom

// SplitBase marks each package as the base image's or the application's, by the
// layer that introduced it. Zero layers: how many are the base's is not known,
// and nothing is marked.
func (inv *Inventory) SplitBase(layers int) {
	if layers == 0 {
		return
	}
	for i := range inv.Packages {
		if p := &inv.Packages[i]; p.LayerIndex >= 0 {
			in := p.LayerIndex < layers
			p.InBase = &in
		}
	}
}

// MarkBase marks every package as the base image's, or as the application's.
func (inv *Inventory) MarkBase(in bool) {
	for i := range inv.Packages {
		inv.Packages[i].InBase = &in
	}
}
