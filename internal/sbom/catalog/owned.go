package catalog

import (
	"cmp"
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/drydock-dev/drydock/internal/image"
)

// Owned is a package with what is its own in an image's file system. Name is the
// distribution's name of it, or the folder of a Python distribution's record.
type Owned struct {
	Name, Arch, Version string // arch and version are empty where the list of files does not say
	From                string // the file that lists what it owns
	Paths               []string
}

// OwnedIn lists what packages own in an image, by a scan with [UseAnalyzers]: files,
// folders and links, as the merged file system names them, sorted. Lists that a later
// layer removed or replaced do not count. What is listed and is not there is left out.
func OwnedIn(s *image.Scan) []Owned {
	var out []Owned
	by := map[uint64][]int{}
	for i, rec := range s.Records {
		if rec == nil {
			continue
		}
		for _, f := range rec.Facts {
			if n, ok := s.Tree.Lookup(f.Path); !ok || n.Layer != i || f.Err != "" {
				continue
			}
			got, err := decodeFacts(f.Data)
			if err != nil {
				continue
			}
			for _, o := range got.owners {
				for h := range o.paths.each {
					by[h] = append(by[h], len(out))
				}
				out = append(out, Owned{Name: o.name, Arch: o.arch, Version: o.version, From: f.Path})
			}
		}
	}
	aliases := (&join{tree: s.Tree}).aliases()
	s.Tree.Walk(func(p string, _ image.Node) bool {
		for _, name := range spellings(p, aliases) {
			for _, k := range by[xxhash.Sum64String(name)] {
				if paths := out[k].Paths; len(paths) == 0 || paths[len(paths)-1] != p {
					out[k].Paths = append(out[k].Paths, p)
				}
			}
		}
		return true
	})
	slices.SortStableFunc(out, func(a, b Owned) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Arch, b.Arch), cmp.Compare(a.Version, b.Version))
	})
	return out
}
