package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// badLines counts what in a text database is not of its form.
type badLines struct {
	at       int // the line that is being read
	lines    int
	first    int
	nameless int // paragraphs without a package's name
}

func (b *badLines) add() {
	if b.lines++; b.lines == 1 {
		b.first = b.at
	}
}

// err is what there is to say; nil where every line was understood.
func (b *badLines) err() error {
	switch {
	case b.lines > 0:
		return fmt.Errorf("%d of its lines, the first of them line %d, are not a package database's: packages may be missing", b.lines, b.first)
	case b.nameless > 0:
		return fmt.Errorf("%d of its paragraphs name no package", b.nameless)
	}
	return nil
}

// someOf is the first few of many errors, with how many there are.
func someOf(errs []error) []error {
	const most = 3
	if len(errs) <= most {
		return errs
	}
	return append(errs[:most:most], fmt.Errorf("and %d more packages like that", len(errs)-most))
}

// database is where a package format's database lies, and whose it is.
type database struct {
	purlType string
	ids      []string // os-release's ID, or one of ID_LIKE
	files    []string // the first is named to people
}

// databases are those that are read.
var databases = []database{
	{"deb", []string{"debian", "ubuntu", "raspbian", "devuan", "kali", "linuxmint", "pop", "elementary", "deepin", "uos", "pureos"}, []string{"var/lib/dpkg/status"}},
	{"apk", []string{"alpine", "wolfi", "chainguard", "postmarketos", "adelie", "chimera"}, []string{"lib/apk/db/installed", "usr/lib/apk/db/installed"}},
	{"rpm", []string{
		"rhel", "fedora", "centos", "rocky", "almalinux", "ol", "amzn", "scientific", "suse", "sles", "sle-micro", "opensuse", "opensuse-leap",
		"opensuse-tumbleweed", "photon", "mageia", "azurelinux", "mariner", "openeuler", "anolis", "alinux", "tencentos", "opencloudos", "circle",
		"eurolinux", "virtuozzo", "openmandriva", "xenenterprise",
	}, []string{
		"var/lib/rpm/rpmdb.sqlite", "var/lib/rpm/Packages", "var/lib/rpm/Packages.db", "usr/lib/sysimage/rpm/rpmdb.sqlite",
		"usr/lib/sysimage/rpm/Packages.db", "usr/lib/sysimage/rpm/Packages", "usr/share/rpm/rpmdb.sqlite", "usr/share/rpm/Packages",
	}},
}

// manager is a package manager whose database is not read.
type manager struct {
	name string
	dir  string   // where it keeps an entry for each package
	not  string   // a file there that is none
	ids  []string // as in database
}

var managers = []manager{
	{"pacman", "var/lib/pacman/local", "var/lib/pacman/local/ALPM_DB_VERSION", []string{"arch", "archlinux", "archarm", "manjaro", "artix", "endeavouros", "msys2", "steamos", "cachyos"}},
	{"Portage", "var/db/pkg", "", []string{"gentoo", "chromeos", "cos", "flatcar", "coreos"}},
	{"Nix", "nix/store", "", []string{"nixos"}},
	{"XBPS", "var/db/xbps", "", []string{"void"}},
	{"pkgtool", "var/lib/pkgtools/packages", "", []string{"slackware", "salix"}},
	{"pkgtool", "var/log/packages", "", nil},
	{"opkg", "usr/lib/opkg/info", "", []string{"openwrt", "lede"}},
	{"opkg", "var/lib/opkg/info", "", []string{"poky", "ni-lrt", "angstrom"}},
	{"swupd", "usr/share/clear/bundles", "", []string{"clear-linux-os"}},
	{"eopkg", "var/lib/eopkg/package", "", []string{"solus"}},
	{"Guix", "gnu/store", "", []string{"guix"}},
}

// plausible says where an inventory cannot be whole: a distribution of which
// nothing was found, and packages of a manager whose database is not read. An
// image of hardly more than its program and a copied os-release is no
// distribution, and nothing is missing from it.
func (j *join) plausible() {
	d := j.inv.Distro
	told, own := map[string]bool{}, false
	for _, m := range managers {
		if told[m.name] || !has(j.tree, m.dir, m.not) {
			continue
		}
		told[m.name] = true
		what := m.name
		if like(d, m.ids) {
			own, what = true, distroName(d)
		}
		j.unknown("packages of "+what, fmt.Sprintf("the packages of %s, in /%s, are not read", m.name, m.dir))
	}
	if d == nil || own || !isRoot(j.tree) {
		return
	}
	what := "packages of " + distroName(d)
	for _, db := range databases {
		if like(d, db.ids) {
			if why := j.empty(db); why != "" && !j.hasPackages(db.purlType) {
				j.unknown(what, why)
			}
			return
		}
	}
	if j.hasPackages("") {
		return
	}
	for _, m := range managers {
		if like(d, m.ids) {
			j.unknown(what, "the packages of "+m.name+" are not read")
			return
		}
	}
	if len(told) == 0 {
		j.unknown(what, "no package database that is known was found")
	}
}

// hasPackages reports whether a package of a distribution's type is in the image;
// of any such type for "".
func (j *join) hasPackages(purlType string) bool {
	return slices.ContainsFunc(j.order, func(it *item) bool {
		return it.visible && it.pkg.FromDistro() && (purlType == "" || it.pkg.Type == purlType)
	})
}

// empty is why a database gave no packages; "" if that has been said.
func (j *join) empty(db database) string {
	for _, name := range db.files {
		n, ok := j.tree.Lookup(name)
		if !ok {
			continue
		}
		for _, u := range j.inv.Unknown {
			if u.What == "packages of /"+name {
				return ""
			}
		}
		if n.Entry.Kind == layer.Symlink {
			return fmt.Sprintf("its package database /%s is a symbolic link, to %.200q: not followed", name, n.Entry.Link)
		}
		return fmt.Sprintf("its package database /%s is empty", name)
	}
	return "its package database is not there: /" + db.files[0]
}

func distroName(d *sbom.Distro) string {
	return cmp.Or(d.PrettyName, strings.TrimSpace(d.ID+" "+d.VersionID))
}

// like reports whether a distribution is one of ids, or derived from one.
func like(d *sbom.Distro, ids []string) bool {
	return d != nil && (slices.Contains(ids, d.ID) || slices.ContainsFunc(d.IDLike, func(id string) bool { return slices.Contains(ids, id) }))
}

// has reports whether a folder holds anything but one file.
func has(t *image.Tree, dir, not string) bool {
	found := false
	t.Under(dir, func(p string, _ image.Node) bool {
		found = strings.TrimSuffix(p, "/") != not
		return !found
	})
	return found
}

// isRoot reports whether a tree is a distribution's root, by what programs need
// of one: a shell, the C library's loader, or a package manager's own folders.
func isRoot(t *image.Tree) bool {
	for _, p := range []string{
		"bin/sh", "usr/bin/sh", "bin/bash", "usr/bin/bash", "bin/busybox", "lib64", "usr/lib64", "lib/ld-musl-x86_64.so.1", "lib/ld-musl-aarch64.so.1",
		"lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu", "usr/lib/aarch64-linux-gnu", "lib/ld-linux-aarch64.so.1",
		"var/lib/dpkg", "etc/dpkg", "etc/apt", "lib/apk", "usr/lib/apk", "etc/apk", "var/lib/rpm", "usr/lib/sysimage", "etc/rpm", "etc/yum.repos.d",
		"etc/pacman.conf", "etc/portage", "etc/opkg",
	} {
		if _, ok := t.Lookup(p); ok || has(t, p, "") {
			return true
		}
	}
	return false
}
