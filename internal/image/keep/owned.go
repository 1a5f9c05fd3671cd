package keep

import (
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/layer"
)

// children are the entries of each folder.
func (b *builder) children() map[string][]string {
	if b.kids == nil {
		b.kids = map[string][]string{}
		b.tree.Walk(func(p string, _ image.Node) bool {
			dir := path.Dir(p)
			if dir == "." {
				dir = ""
			}
			b.kids[dir] = append(b.kids[dir], p)
			return true
		})
	}
	return b.kids
}

// needed reports, for each package, whether a file of it stays for more than being kept
// in any case.
func (b *builder) needed() map[int]string {
	out := map[int]string{}
	for p, why := range b.set.why {
		if n, ok := b.tree.Lookup(p); !ok || n.Entry.Kind == layer.Dir || isDocument(p) {
			continue
		}
		for _, i := range b.owners[p] {
			if old := out[i]; old == "" || why < old {
				out[i] = why
			}
		}
	}
	return out
}

// isDocument reports whether a file is one that no program needs.
func isDocument(p string) bool {
	for _, dir := range []string{"usr/share/doc/", "usr/share/man/", "usr/share/info/", "usr/share/lintian/", "usr/share/bug/"} {
		if strings.HasPrefix(p, dir) {
			return true
		}
	}
	return false
}

// byPackages keeps packages whole, with what they depend on, and all that nobody owns.
func (b *builder) byPackages() {
	wanted := b.needed()
	var queue []int
	for i, why := range wanted {
		b.packages[i].Fate, b.packages[i].Why = Whole, why
		queue = append(queue, i)
	}
	slices.Sort(queue)
	byName := map[string][]int{}
	for i, p := range b.packages {
		byName[p.Name] = append(byName[p.Name], i)
	}
	nodes, names := map[string]int32{}, map[int32]string{}
	for _, p := range b.Inventory.Packages {
		if p.FromDistro() && !p.Removed && p.Node != 0 {
			nodes[p.Name] = p.Node
			names[p.Node] = p.Name
		}
	}
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		needs, _ := b.Inventory.Graph.Of(nodes[b.packages[i].Name])
		for _, n := range needs {
			for _, k := range byName[names[n]] {
				if b.packages[k].Fate == "" {
					b.packages[k].Fate, b.packages[k].Why = Whole, b.packages[i].Name+" depends on it"
					queue = append(queue, k)
				}
			}
		}
	}
	b.tree.Walk(func(p string, n image.Node) bool {
		if n.Entry.Kind == layer.Dir {
			return true // those that are needed come last
		}
		owners := b.owners[p]
		if len(owners) == 0 {
			if owners = b.database(p); owners == nil {
				if b.made(p) && b.set.why[p] != "" && !b.touched[p] {
					delete(b.set.why, p)
				}
				return true
			}
		}
		for _, i := range owners {
			if b.packages[i].Fate == Whole {
				b.hold(p, "its package "+b.packages[i].Name+" stays")
				return true
			}
		}
		return true
	})
}

// unownedFiles keeps the files that no package owns.
func (b *builder) unownedFiles() {
	b.tree.Walk(func(p string, n image.Node) bool {
		if n.Entry.Kind != layer.Dir && len(b.owners[p]) == 0 && b.database(p) == nil && !isCache(p) {
			b.unowned(p)
		}
		return true
	})
}

// isCache reports whether a file is one that a package manager fetched, and would again.
func isCache(p string) bool {
	for _, dir := range []string{"var/lib/apt/lists/", "var/cache/apt/", "var/cache/apk/", "var/cache/debconf/", "var/lib/dpkg/status-old", "var/lib/dpkg/available-old"} {
		if strings.HasPrefix(p, dir) {
			return true
		}
	}
	return false
}

// unowned keeps a file that no package owns. What an application's own file is linked with
// stays, too; what lies in the system's folders is data.
func (b *builder) unowned(p string) {
	const why = "no package owns it"
	if strings.HasPrefix(p, "etc/") || strings.HasPrefix(p, "var/lib/dpkg/") {
		b.hold(p, why)
		return
	}
	b.put(p, why)
}

// whole keeps all files of packages that stay whole, by files with what they are linked
// with: by packages, that is what they depend on.
func (b *builder) whole() {
	keep := b.hold
	if b.Files {
		keep = b.put
	}
	for i := range b.packages {
		if b.packages[i].Fate == Whole {
			for _, p := range b.packages[i].Paths {
				keep(p, "its package "+b.packages[i].Name+" stays")
			}
		}
	}
	b.close()
}

// made reports whether a file was made of those of a package that goes: compiled modules.
func (b *builder) made(p string) bool {
	dir, base := path.Split(p)
	above, ok := strings.CutSuffix(dir, "/__pycache__/")
	if !ok {
		return false
	}
	name, _, _ := strings.Cut(base, ".")
	owners := b.owners[above+"/"+name+".py"]
	return len(owners) > 0 && !slices.ContainsFunc(owners, func(i int) bool { return b.packages[i].Fate == Whole })
}

// database is the package that a file of dpkg's database is about; nil: it is no such
// file, or about all.
func (b *builder) database(p string) []int {
	rest, ok := strings.CutPrefix(p, "var/lib/dpkg/info/")
	if !ok {
		return nil
	}
	name, ext := strings.TrimSuffix(rest, path.Ext(rest)), path.Ext(rest)
	if ext == "" {
		return nil
	}
	name, arch, _ := strings.Cut(name, ":")
	var out []int
	for i, q := range b.packages {
		if q.Name == name && (arch == "" || q.Arch == "" || q.Arch == arch) {
			out = append(out, i)
		}
	}
	return out
}

// byFiles keeps of packages what is needed, and whole those whose code is loaded by name.
func (b *builder) byFiles() {
	for p := range b.touched {
		why := ""
		switch {
		case isCode(p):
			why = "code of it was loaded"
		case isLibrary(p) && b.loaded[p] && !b.linked[p] && !isLibraryFolder(path.Dir(p)):
			why = "a module of it was loaded at run time"
		}
		for _, i := range b.owners[p] {
			if why != "" && (b.packages[i].Why == "" || why < b.packages[i].Why) {
				b.packages[i].Fate, b.packages[i].Why = Whole, why
			}
		}
	}
	b.languages()
	wanted := b.needed()
	for i := range wanted {
		for _, p := range b.packages[i].Paths {
			if strings.HasPrefix(p, "etc/") || strings.HasPrefix(p, "var/") && !strings.HasPrefix(p, "var/lib/dpkg/") {
				b.hold(p, "configuration and data of "+b.packages[i].Name)
			}
		}
	}
	roots := map[string]string{}
	for p := range b.touched {
		if r := root(p); len(b.owners[p]) == 0 && !b.lazily[p] && r != "" && (roots[r] == "" || p < roots[r]) {
			roots[r] = p
		}
	}
	b.tree.Walk(func(p string, n image.Node) bool {
		if n.Entry.Kind == layer.Dir || len(b.owners[p]) > 0 || b.set.why[p] != "" || b.leftover(p) {
			return true
		}
		if strings.HasPrefix(p, "etc/") {
			b.hold(p, "configuration")
			return true
		}
		for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
			if roots[dir] != "" {
				b.put(p, "it lies beside /"+roots[dir]+" in /"+dir)
				break
			}
		}
		return true
	})
}

// root is the folder that an application's file belongs to as a whole: the first one that
// is not everybody's. Empty: the file stands for itself.
func root(p string) string {
	shared := []string{
		"", "usr", "usr/local", "usr/lib", "usr/share", "usr/libexec", "usr/local/lib", "usr/local/share", "usr/local/libexec", "usr/src", "opt", "srv", "home", "var", "var/lib", "var/www",
		"bin", "sbin", "lib", "usr/bin", "usr/sbin", "usr/local/bin", "usr/local/sbin", "tmp", "run", "etc", "usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "lib/x86_64-linux-gnu",
	}
	parts := strings.Split(p, "/")
	at := ""
	for _, part := range parts[:len(parts)-1] {
		if at = path.Join(at, part); !slices.Contains(shared, at) {
			return at
		}
	}
	if slices.Contains([]string{"srv", "opt", "var/www", "usr/src"}, at) {
		return at // somebody has put an application right there
	}
	return ""
}

// leftover reports whether a file is a cache, a log or what a build left.
func (b *builder) leftover(p string) bool {
	for _, dir := range []string{"var/cache/", "var/log/", "var/lib/apt/", "var/lib/dpkg/", "root/.cache/", "root/.npm/", "tmp/", "var/tmp/", "usr/share/doc/", "usr/share/man/"} {
		if strings.HasPrefix(p, dir) {
			return true
		}
	}
	return b.drop[p]
}

// languages keeps each package of a language whole of which something was used, and notes
// the files of the others.
func (b *builder) languages() {
	b.drop, b.lazily = map[string]bool{}, map[string]bool{}
	files := b.languageFiles()
	used := map[string]string{}
	for purl, all := range files {
		for _, p := range all {
			if b.touched[p] {
				used[purl] = p
				break
			}
		}
	}
	for purl, all := range files {
		if !b.lazy[purl] {
			continue
		}
		for _, p := range all {
			b.lazily[p] = true
			if used[purl] != "" {
				b.put(p, "/"+used[purl]+" of its package was used")
			} else {
				b.drop[p] = true
			}
		}
	}
}

// truth keeps what says what is in the image: databases, licences, and the manifests of
// what is still there.
func (b *builder) truth() {
	const why = "it says what is in the image"
	for _, p := range []string{
		"var/lib/dpkg/status", "var/lib/dpkg/arch", "var/lib/dpkg/available", "var/lib/dpkg/diversions", "var/lib/dpkg/statoverride", "var/lib/dpkg/info/format",
		"var/lib/dpkg/triggers/File", "var/lib/apt/extended_states", "lib/apk/db/installed", "usr/lib/apk/db/installed", "lib/apk/db/scripts.tar", "lib/apk/db/triggers", "usr/lib/apk/db/triggers",
	} {
		if _, ok := b.tree.Lookup(p); ok {
			b.add(p, why)
		}
	}
	needed := b.needed()
	for i := range b.packages {
		p := &b.packages[i]
		if needed[i] == "" && p.Fate != Whole {
			continue
		}
		for _, f := range b.about(p.Name, p.Arch) {
			b.put(f, "documentation of a package that stays")
		}
	}
	for _, p := range b.Inventory.Packages {
		if p.FromDistro() || p.Removed {
			continue
		}
		if !b.manifests(p) && !slices.Contains(b.set.Gone, p.PURL()) {
			b.set.Gone = append(b.set.Gone, p.PURL())
		}
	}
	b.work = nil
}

// about are the files of a package that tell of it.
func (b *builder) about(name, arch string) []string {
	var out []string
	for _, who := range []string{name, name + ":" + arch} {
		for _, ext := range []string{".list", ".md5sums", ".conffiles"} {
			out = append(out, "var/lib/dpkg/info/"+who+ext)
		}
	}
	out = append(out, "var/lib/dpkg/status.d/"+name, "var/lib/dpkg/status.d/"+name+".md5sums", "usr/share/doc/"+name+"/copyright")
	return slices.DeleteFunc(out, func(p string) bool { _, ok := b.tree.Lookup(p); return !ok })
}

// folders keeps what each kept path lies in, and empty folders that may be written to.
func (b *builder) folders() {
	for _, p := range b.set.Paths() {
		for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
			if n, ok := b.tree.Lookup(dir); ok && n.Entry.Kind == layer.Dir {
				b.put(dir, "something in it stays")
			}
		}
	}
	stays := make([]bool, len(b.packages))
	for i := range stays {
		stays[i] = b.stays(i)
	}
	b.tree.Walk(func(p string, n image.Node) bool {
		if n.Entry.Kind != layer.Dir || b.set.why[p] != "" {
			return true
		}
		owners := b.dirs[p]
		mine := slices.ContainsFunc(owners, func(i int) bool { return stays[i] })
		switch {
		case mine && (!b.Files || !isDocument(p+"/")), len(owners) == 0 && !b.Files && !isDocument(p+"/"):
			b.put(p, "a folder of what stays")
		case len(owners) == 0 && root(p+"/x") != "" && b.set.why[root(p+"/x")] != "":
			b.put(p, "a folder of what stays")
		}
		return true
	})
	for _, p := range b.set.Paths() {
		for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
			if n, ok := b.tree.Lookup(dir); ok && n.Entry.Kind == layer.Dir {
				b.put(dir, "something in it stays")
			}
		}
	}
	b.work = nil
}

// stays reports whether a file of a package stays.
func (b *builder) stays(i int) bool {
	if b.packages[i].Fate == Whole {
		return true
	}
	return slices.ContainsFunc(b.packages[i].Paths, func(p string) bool {
		return !b.isFolder(p) && b.set.why[p] != "" && !isDocument(p)
	})
}

// dangling takes out links that led somewhere and lead nowhere now, unless they were used.
func (b *builder) dangling() {
	for range hops {
		var gone []string
		for p := range b.set.why {
			n, ok := b.tree.Lookup(p)
			if !ok || n.Entry.Kind != layer.Symlink || b.touched[p] {
				continue
			}
			if at, folder, there := b.resolve(p); there && at != "" && b.set.why[at] == "" {
				if _, listed := b.tree.Lookup(at); folder && !listed {
					continue
				}
				gone = append(gone, p)
			}
		}
		if len(gone) == 0 {
			return
		}
		for _, p := range gone {
			delete(b.set.why, p)
		}
	}
}
