package keep

import (
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/layer"
)

// alwaysKept are small files whose absence is noticed late: who is who, how names are
// looked up, whom TLS trusts, which system it is.
func alwaysKept() []string {
	return []string{
		"etc/passwd", "etc/group", "etc/shadow", "etc/gshadow", "etc/subuid", "etc/subgid",
		"etc/nsswitch.conf", "etc/host.conf", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/gai.conf", "etc/services", "etc/protocols", "etc/networks", "etc/rpc",
		"etc/ld.so.cache", "etc/ld.so.conf", "etc/ld.so.conf.d", "etc/localtime", "etc/timezone", "etc/mime.types", "etc/profile", "etc/environment",
		"etc/ssl", "etc/pki", "etc/ca-certificates", "etc/ca-certificates.conf", "usr/share/ca-certificates", "usr/local/share/ca-certificates", "usr/share/pki", "usr/lib/ssl",
		"etc/os-release", "usr/lib/os-release", "etc/debian_version", "etc/alpine-release", "etc/redhat-release", "etc/lsb-release", "etc/system-release", "etc/issue",
		"etc/apk/repositories", "etc/apk/arch", "etc/apk/keys", "etc/apk/world",
		"bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "etc/musl-x86_64.path",
		"tmp", "var/tmp", "run", "var/run", "var/lock", "proc", "sys", "dev", "root", "home", "mnt", "srv", "opt", "var/log", "var/cache", "var/lib", "var/spool", "usr/local", "etc/mtab",
	}
}

// always keeps them. A folder that only holds others is kept as such.
func (b *builder) always() {
	const why = "names, accounts and certificates are kept in any case"
	for _, p := range alwaysKept() {
		if _, ok := b.tree.Lookup(p); !ok {
			continue
		}
		b.add(p, why)
		switch path.Base(p) {
		case "ssl", "pki", "ca-certificates", "keys", "ld.so.conf.d":
			b.below(p, why)
		}
	}
}

// families keeps what belongs to files that were used, and is loaded by names that are
// made at run time.
func (b *builder) families() {
	if b.has("libc.so.6") {
		b.libraries("the C library loads it when it is asked for names, or a thread ends", "libnss_", "libresolv.so", "libgcc_s.so")
	}
	if b.anyTouched("usr/share/zoneinfo/") || b.variable("TZ") {
		b.below("usr/share/zoneinfo", "time zones are used")
	}
	if b.anyTouched("usr/lib/locale/") || b.variable("LANG", "LC_ALL", "LC_CTYPE", "LANGUAGE") {
		b.below("usr/lib/locale", "locales are used")
		b.below("usr/share/i18n", "locales are used")
	}
	if b.anyTouched("/gconv/") {
		b.foldersLike(func(dir string) bool { return path.Base(dir) == "gconv" }, "character sets are converted")
	}
	if b.anyTouched("usr/share/locale/") {
		b.below("usr/share/locale", "messages are translated")
	}
	if b.anyTouched("/terminfo/") {
		b.foldersLike(func(dir string) bool { return path.Base(dir) == "terminfo" }, "terminals are described")
	}
	b.close()
	for dir, p := range b.loadedFrom() {
		for _, f := range b.under(dir) {
			if isLibrary(f) {
				b.add(f, "it lies beside /"+p+", which was loaded at run time")
			}
		}
	}
	for _, dir := range b.listed() {
		for _, f := range b.under(dir) {
			if n, ok := b.tree.Lookup(f); ok && n.Entry.Kind != layer.Dir {
				b.add(f, "its folder was listed")
			}
		}
	}
}

// has reports whether a file of that name stays.
func (b *builder) has(base string) bool {
	return slices.ContainsFunc(b.byBase[base], func(p string) bool { return b.set.why[p] != "" })
}

// libraries keeps those whose names begin so, wherever the loader looks.
func (b *builder) libraries(why string, prefixes ...string) {
	for base, all := range b.byBase {
		if !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(base, p) }) {
			continue
		}
		for _, p := range all {
			if isLibraryFolder(path.Dir(p)) {
				b.add(p, why)
			}
		}
	}
}

func (b *builder) anyTouched(part string) bool {
	for p := range b.touched {
		if strings.Contains(p, part) && p != "usr/share/zoneinfo/Etc/UTC" && p != "usr/share/zoneinfo/UTC" {
			return true
		}
	}
	return false
}

// variable reports whether one of some variables is set, to more than the C library's default.
func (b *builder) variable(names ...string) bool {
	for _, name := range names {
		if slices.Contains(b.Env, name) {
			return true
		}
		if b.Config == nil {
			continue
		}
		for _, e := range b.Config.Config.Env {
			if v, ok := strings.CutPrefix(e, name+"="); ok && v != "" && v != "C" && v != "POSIX" && v != "UTC" {
				return true
			}
		}
	}
	return false
}

func (b *builder) foldersLike(is func(dir string) bool, why string) {
	var all []string
	b.tree.Walk(func(p string, n image.Node) bool {
		if n.Entry.Kind == layer.Dir && is(p) {
			all = append(all, p)
		}
		return true
	})
	for _, dir := range all {
		b.below(dir, why)
	}
}

func isLibrary(p string) bool {
	base := path.Base(p)
	return strings.HasSuffix(base, ".so") || strings.Contains(base, ".so.")
}

// loadedFrom are the folders, but for the loader's own, from which a library was loaded
// that nothing is linked with, each with such a library.
func (b *builder) loadedFrom() map[string]string {
	out := map[string]string{}
	for p := range b.loaded {
		if dir := path.Dir(p); isLibrary(p) && !b.linked[p] && !isLibraryFolder(dir) && (out[dir] == "" || p < out[dir]) {
			out[dir] = p
		}
	}
	return out
}

// listed are the folders that were touched: what lies in one may have been asked for.
func (b *builder) listed() []string {
	var out []string
	for _, p := range b.Listed {
		if at, folder, _ := b.resolve(p); folder && at != "" {
			out = append(out, at)
		}
	}
	return out
}

// isCode reports whether a file is code that an interpreter loads.
func isCode(p string) bool {
	switch path.Ext(p) {
	case ".py", ".pyc", ".pm", ".pl", ".rb", ".js", ".mjs", ".cjs", ".php", ".lua", ".jar", ".jmod", ".class", ".jsa", ".tcl", ".el", ".dll":
		return true
	}
	return false
}
