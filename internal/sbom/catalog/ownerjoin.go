package catalog

import (
	"cmp"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/drydock-dev/drydock/internal/layer"
)

// owner is the purl of the distribution package that owns every file the
// package was read from; empty if one of them is nobody's.
func (it *item) owner() string {
	var owners []*item
	for _, at := range it.sites {
		if at.visible != it.visible {
			continue
		}
		if at.owner == nil {
			return ""
		}
		owners = append(owners, at.owner)
	}
	if len(owners) == 0 {
		return ""
	}
	first := slices.MinFunc(owners, func(a, b *item) int { return cmp.Compare(a.pkg.Name, b.pkg.Name) })
	return first.pkg.PURL()
}

// owners finds, for the files that other packages were read from, the
// distribution packages that own them. Few files are asked for and many are
// owned, so the owned ones go by once, and those asked for are looked up.
func (j *join) owners() {
	if len(j.files) == 0 {
		return
	}
	asked := map[uint64][]*site{}
	var mask [1 << 10]uint64 // a bit for each value of a hash's low 16 bits
	aliases := j.aliases()
	removed := false
	for _, it := range j.order {
		if it.pkg.FromDistro() {
			continue
		}
		for k := range it.sites {
			at := &it.sites[k]
			removed = removed || !at.visible
			for _, p := range spellings(at.path, aliases) {
				h := xxhash.Sum64String(p)
				asked[h] = append(asked[h], at)
				mask[h>>6&1023] |= 1 << (h & 63)
			}
		}
	}
	if len(asked) == 0 {
		return
	}
	byName := map[string][]*item{}
	for _, it := range j.order {
		if it.pkg.FromDistro() {
			byName[it.pkg.Name] = append(byName[it.pkg.Name], it)
		}
	}
	for _, f := range j.files {
		if !f.visible && !removed {
			continue
		}
		for _, o := range f.owners {
			for h := range o.paths.each {
				if mask[h>>6&1023]&(1<<(h&63)) == 0 {
					continue
				}
				for _, at := range asked[h] {
					if at.owner != nil || at.visible && !f.visible {
						continue
					}
					if it := ownerItem(byName[o.name], o, at.visible); it != nil && j.left(at, it) {
						at.owner = it
					}
				}
			}
		}
	}
}

// ownerItem is the package that a list of files belongs to.
func ownerItem(all []*item, o owner, visible bool) *item {
	for _, it := range all {
		if (o.version == "" || it.pkg.Version == o.version) &&
			(o.arch == "" || it.pkg.Arch == "" || it.pkg.Arch == o.arch) &&
			(it.visible || !visible) {
			return it
		}
	}
	return nil
}

// left reports whether the file is as the package's installation left it: not
// replaced, in a layer above, by other content under the same name.
func (j *join) left(at *site, by *item) bool {
	if at.layer <= by.first || at.entry == nil {
		return true
	}
	n, ok := j.tree.At(by.first, at.path)
	return ok && n.Entry.Kind == layer.File && n.Entry.Size == at.entry.Size && n.Entry.Hash == at.entry.Hash
}

// alias is a folder that is a symlink to another: the same file has two names.
type alias struct{ link, target string }

// aliases are the merged folders of this image: since /usr was merged, a
// distribution package may own /lib/x.so while the layer holds usr/lib/x.so.
func (j *join) aliases() []alias {
	var out []alias
	for _, dir := range []string{"bin", "sbin", "lib", "lib64", "lib32", "libx32", "usr/sbin", "usr/lib64"} {
		n, ok := j.tree.Lookup(dir)
		if !ok || n.Entry.Kind != layer.Symlink {
			continue
		}
		target := strings.Trim(n.Entry.Link, "/")
		if strings.HasPrefix(dir, "usr/") && !strings.HasPrefix(n.Entry.Link, "/") {
			target = "usr/" + target
		}
		out = append(out, alias{dir + "/", target + "/"})
	}
	return out
}

// spellings are the names of a path in an image with these aliases.
func spellings(path string, aliases []alias) []string {
	all := []string{path}
	for k := 0; k < len(all) && len(all) < 16; k++ {
		for _, a := range aliases {
			for _, pair := range [][2]string{{a.link, a.target}, {a.target, a.link}} {
				if rest, ok := strings.CutPrefix(all[k], pair[0]); ok {
					if p := pair[1] + rest; !slices.Contains(all, p) {
						all = append(all, p)
					}
				}
			}
		}
	}
	return all
}
