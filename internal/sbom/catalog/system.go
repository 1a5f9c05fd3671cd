package catalog

import (
	"os"
	"path/filepath"
)

// HoldsSystem reports whether dir is the root of a system: it has an os-release
// file, or the database of a distribution's packages. A folder of sources has
// neither.
func HoldsSystem(dir string) bool {
	for _, name := range []string{
		"etc/os-release", "usr/lib/os-release", "etc/debian_version", "etc/alpine-release", "etc/redhat-release",
		"var/lib/dpkg", "lib/apk/db", "usr/lib/apk/db", "var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm", "var/lib/rpmmanifest",
	} {
		if _, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(name))); err == nil {
			return true
		}
	}
	return false
}
